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
from sqlalchemy import Select, inspect, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from api.body import Answer
from domain.errors import InvalidInput
from models.base import WalledRow

Item = TypeVar("Item")
Row = TypeVar("Row", bound=WalledRow)


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


async def _asked(  # a plain function would cost a thread
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
    place = [column, *(part for part in _identity(model) if part is not column)]
    if paging.cursor is not None:
        seen = _read(paging.cursor, name, place)
        query = query.where(tuple_(*place) < seen if down else tuple_(*place) > seen)
    order = [part.desc() if down else part for part in place]
    rows = (await session.scalars(query.order_by(*order).limit(paging.limit + 1))).all()
    kept = rows[: paging.limit]
    if len(rows) <= paging.limit:
        return kept, None
    return kept, _write(name, [getattr(kept[-1], str(part.key)) for part in place])


def _identity(model: type[WalledRow]) -> list[InstrumentedAttribute[Any]]:
    """What tells rows of the same sorted value apart: the primary key within the tenant."""
    keys = [str(column.key) for column in inspect(model).primary_key]
    return [getattr(model, key) for key in keys if key != "tenant_id"]


def page_of(rows: Sequence[Row], cursor: str | None, shown: Callable[[Row], Item]) -> Page[Item]:
    """The page as it is answered."""
    return Page(items=[shown(row) for row in rows], next_cursor=cursor)


def _write(name: str, values: Sequence[Any]) -> str:
    written = [value if isinstance(value, int) else str(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps([name, *written]).encode()).decode()


def _read(cursor: str, name: str, place: Sequence[InstrumentedAttribute[Any]]) -> tuple[Any, ...]:
    """The place a cursor names; whatever else somebody made up is refused, never asked for."""
    try:
        sorted_by, *written = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if sorted_by == name:
            pairs = zip(written, place, strict=True)
            return tuple(_value(value, part.type.python_type) for value, part in pairs)
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
