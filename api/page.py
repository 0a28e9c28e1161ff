"""Lists in pages: a cursor names the last row seen, so pages neither drift nor slow down."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import ConfigDict
from pydantic.alias_generators import to_camel
from sqlalchemy import Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from api.body import Answer
from domain.errors import InvalidInput
from models.base import TenantRow

Item = TypeVar("Item")
Row = TypeVar("Row", bound=TenantRow)


BIGGEST_INTEGER = 2**63 - 1


class Page(Answer, Generic[Item]):
    """One page of a list; `nextCursor` is null on the last one."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    items: list[Item]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page was asked for: how many, after what, in which order."""

    limit: int
    cursor: str | None
    sort: str


def _asked(
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    sort: Annotated[str, Query(max_length=50)] = "-createdAt",
) -> PageRequest:
    return PageRequest(limit, cursor, sort)


Paging = Annotated[PageRequest, Depends(_asked)]
Sorts = Mapping[str, InstrumentedAttribute[Any]]


async def paged(
    session: AsyncSession,
    query: Select[Row],
    model: type[Row],
    paging: PageRequest,
    sorts: Sorts | None = None,
) -> tuple[Sequence[Row], str | None]:
    """The rows of one page and the cursor of the next; `sorts` names what may be sorted by.

    Sortable columns are never null: a cursor must be able to say "after this one".
    """
    known = {"createdAt": model.recorded_at, **(sorts or {})}
    name = paging.sort.removeprefix("-")
    if name not in known:
        raise InvalidInput.of("sort", "UNKNOWN_SORT", f"is {name}; known are {', '.join(known)}")
    column, down = known[name], paging.sort.startswith("-")
    if paging.cursor is not None:
        value, last = _read(paging.cursor, name, column)
        place = tuple_(column, model.id)
        query = query.where(place < (value, last) if down else place > (value, last))
    order = (column.desc(), model.id.desc()) if down else (column, model.id)
    rows = (await session.scalars(query.order_by(*order).limit(paging.limit + 1))).all()
    kept = rows[: paging.limit]
    if len(rows) <= paging.limit:
        return kept, None
    return kept, _write(name, getattr(kept[-1], column.key), kept[-1].id)


def page_of(rows: Sequence[Row], cursor: str | None, shown: Callable[[Row], Item]) -> Page[Item]:
    """The page as it is answered."""
    return Page(items=[shown(row) for row in rows], next_cursor=cursor)


def _write(name: str, value: Any, last: UUID) -> str:
    written = value if isinstance(value, int) else str(value)
    return base64.urlsafe_b64encode(json.dumps([name, written, str(last)]).encode()).decode()


def _read(cursor: str, name: str, column: InstrumentedAttribute[Any]) -> tuple[Any, UUID]:
    """The place a cursor names; whatever else somebody made up is refused, never asked for."""
    try:
        sorted_by, written, last = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if sorted_by == name:
            return _value(written, column.type.python_type), UUID(last)
    except (ValueError, TypeError, AttributeError, ArithmeticError):
        pass
    raise InvalidInput.of(
        "cursor", "BAD_CURSOR", "is not one that this list gave out for this sort"
    )


def _value(written: Any, kind: type[Any]) -> Any:
    """A sorted value as its column holds it."""
    if kind is int and type(written) is int and abs(written) <= BIGGEST_INTEGER:
        return written
    if type(written) is not str or "\0" in written:
        raise TypeError(written)
    if kind is datetime:
        return _aware(datetime.fromisoformat(written))
    if kind is date:
        return date.fromisoformat(written)
    if kind in (str, Decimal, UUID):
        return kind(written.encode("utf-8").decode())
    raise TypeError(kind)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(instant)
    return instant
