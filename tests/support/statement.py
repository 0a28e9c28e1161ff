"""Statements of a bank as tests write them, brought in at a business instant."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from cli.import_statement import Asked, Told, import_text
from models.record import Task
from models.statement import StatementLine
from tests.support.books import LATER
from tests.support.house import House

HEAD = "Date,Amount,UTR,Narration"


def a_statement(*rows: str, head: str = HEAD) -> str:
    """A file with these rows."""
    return "\n".join([head, *rows, ""])


async def brought_in(
    house: House, text: str, at: datetime = LATER, *, account: str = "bank", dry: bool = False
) -> Told:
    """The statement, imported."""
    return await import_text(
        house.database, Asked(text, "october.csv", house.slug, account, dry), at
    )


async def lines_of(house: House) -> Sequence[StatementLine]:
    """Every line that is in, in the order of its file."""
    async with house.session() as session:
        return (
            await session.scalars(select(StatementLine).order_by(StatementLine.file_line))
        ).all()


async def tasks_of(house: House) -> Sequence[Task]:
    """Every task about a line."""
    async with house.session() as session:
        return (
            await session.scalars(
                select(Task).where(Task.subject_kind == "statement_line").order_by(Task.title)
            )
        ).all()
