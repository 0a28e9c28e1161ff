"""Lists in pages: nothing twice, nothing missing, whatever is sorted and however it is tied."""

import base64
import json
from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import APIRouter
from sqlalchemy import select
from uuid_utils.compat import uuid7

from api.body import Answer
from api.page import Page, Paging, Sorts, page_of, paged
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from models.record import ImportedRow, Task
from models.tenant import BillingSettings
from tests.support.house import House
from tests.support.web import NOON, a_client

SORTS: Sorts = {"openedAt": Task.opened_at, "title": Task.title, "subjectId": Task.subject_id}


class Shown(Answer):
    """A task as the list shows it."""

    id: UUID
    title: str
    opened_at: datetime


def _router() -> APIRouter:
    router = APIRouter(route_class=TenantRoute)

    @router.get("/list", **allows(Permission.TASKS_READ))
    async def listed(here: Here, paging: Paging) -> Page[Shown]:
        rows, cursor = await paged(here.session, select(Task), Task, paging, SORTS)
        return page_of(rows, cursor, Shown.model_validate)

    return router


@pytest.fixture
async def reader(house: House) -> AsyncGenerator[httpx2.AsyncClient]:
    """A program before a list of 23 rows with many ties."""
    async with house.session() as session:
        for number in range(23):
            session.add(
                Task(
                    subject_kind="invoice",
                    subject_id=uuid7(),
                    what=f"w{number}",
                    title="abc"[number % 3],
                    due_at=NOON,
                    opened_at=NOON + timedelta(microseconds=number // 5),
                )
            )
    async with a_client(house, routers=[_router()]) as opened:
        yield opened


async def read_all(reader: httpx2.AsyncClient, **asked: Any) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = (await reader.get("/list", params={**asked, **more})).json()
        seen += page["items"]
        cursor = page["nextCursor"]
        if cursor is None:
            return seen
        assert len(page["items"]) == int(asked["limit"])


@pytest.mark.parametrize("sort", ["createdAt", "openedAt", "title", "subjectId"])
async def test_every_row_comes_once_and_in_order(reader: httpx2.AsyncClient, sort: str) -> None:
    """Ties are broken by id, so the edge of a page may lie between two equals."""
    for limit in (1, 4, 23, 200):
        for down in (True, False):
            seen = await read_all(reader, limit=limit, sort=f"{'-' if down else ''}{sort}")
            assert len({row["id"] for row in seen}) == len(seen) == 23
            order = [_place(row, sort) for row in seen]
            assert order == sorted(order, reverse=down)


def _place(row: dict[str, Any], sort: str) -> tuple[Any, str]:
    """Where a row belongs; for what it does not show, its id alone, which grows with time."""
    if sort == "openedAt":
        return datetime.fromisoformat(row[sort]), row["id"]
    return row.get(sort, ""), row["id"]


async def test_the_newest_come_first_fifty_at_a_time(reader: httpx2.AsyncClient) -> None:
    """What a caller gets who asks for nothing in particular."""
    page = (await reader.get("/list")).json()
    assert len(page["items"]) == 23
    assert page["nextCursor"] is None
    assert [row["id"] for row in page["items"]] == [
        row["id"] for row in await read_all(reader, limit=5, sort="-createdAt")
    ]


async def test_a_row_that_comes_in_between_shifts_nothing(
    reader: httpx2.AsyncClient, house: House
) -> None:
    """The second page begins after the last row seen, not at a number."""
    first = (await reader.get("/list", params={"limit": 10})).json()
    async with house.session() as session:
        late = {"what": "late", "title": "z", "due_at": NOON, "opened_at": NOON}
        session.add(Task(subject_kind="invoice", subject_id=uuid7(), **late))
    asked = {"limit": 200, "cursor": first["nextCursor"]}
    rest = (await reader.get("/list", params=asked)).json()
    assert len(rest["items"]) == 13
    assert not {row["id"] for row in first["items"]} & {row["id"] for row in rest["items"]}


async def test_a_page_has_one_to_two_hundred_rows(reader: httpx2.AsyncClient) -> None:
    """Anything else is refused by name."""
    for limit in ("0", "201", "-1", "many", "9" * 30):
        answer = await reader.get("/list", params={"limit": limit})
        assert answer.status_code == 422, limit
        assert answer.json()["errors"][0]["field"] == "limit"


async def test_an_unknown_sort_is_refused_with_those_there_are(reader: httpx2.AsyncClient) -> None:
    """The answer names what may be asked for."""
    answer = await reader.get("/list", params={"sort": "-password"})
    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert (problem["field"], problem["code"]) == ("sort", "UNKNOWN_SORT")
    assert "openedAt" in problem["message"]


def made_up(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(parts)).encode()).decode()


ID = str(UUID(int=7))


MADE_UP = [
    "nonsense",
    "é",
    "%%%",
    base64.urlsafe_b64encode(b"[]").decode(),
    base64.urlsafe_b64encode(b"\xff").decode(),
    base64.urlsafe_b64encode(b'"abc"').decode(),
    base64.urlsafe_b64encode(b"[" * 300).decode(),
    made_up("title", "a", ID),
    made_up("openedAt", "yesterday", ID),
    made_up("openedAt", "2026-10-20T06:30:00", ID),
    made_up("openedAt", 5, ID),
    made_up("openedAt", None, ID),
    made_up("openedAt", ["2026-10-20T06:30:00Z"], ID),
    made_up("openedAt", "2026-10-20T06:30:00Z", "not an id"),
    made_up("openedAt", "2026-10-20T06:30:00Z", 7),
    made_up("openedAt", "2026-10-20T06:30:00Z"),
    "A" * 501,
]


async def test_a_made_up_cursor_is_refused(reader: httpx2.AsyncClient) -> None:
    """Never our mistake, never somebody else's page."""
    for cursor in MADE_UP:
        answer = await reader.get("/list", params={"sort": "openedAt", "cursor": cursor})
        assert answer.status_code == 422, cursor
        assert answer.json()["errors"][0]["field"] == "cursor"


async def test_a_cursor_of_text_holds_text(reader: httpx2.AsyncClient) -> None:
    """What no column can hold is refused; anything else is a place in the list."""
    for text, status in (("\x00", 422), ("\ud800", 422), ("a" * 200, 200)):
        asked = {"sort": "title", "cursor": made_up("title", text, ID)}
        assert (await reader.get("/list", params=asked)).status_code == status, repr(text)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (Task.opened_at, datetime(2026, 10, 20, 6, 30, 0, 5, tzinfo=UTC)),
        (ImportedRow.day, date(2026, 10, 20)),
        (BillingSettings.late_fee_value, Decimal("12.50")),
        (BillingSettings.default_due_days, 2**62),
        (Task.title, "नमस्ते"),
        (Task.subject_id, UUID(int=9)),
    ],
)
def test_a_cursor_gives_back_what_was_put_in(column: Any, value: Any) -> None:
    """To the last microsecond, for every kind of column that may be sorted by."""
    from api.page import _read, _write  # noqa: PLC0415 (its inside)

    place, values = [column, Task.id], (value, UUID(int=7))
    assert _read(_write("x", values), "x", place) == values
