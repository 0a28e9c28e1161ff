"""Every request is answered, as a problem where it must be, and leaves one line without secrets."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest
import structlog
from fastapi import APIRouter, Request

from api.permission import Permission, allows
from api.request import Here, TenantRoute
from tests.support.house import House
from tests.support.web import a_client

SECRET = "the combination of the safe"
WITH_NUL = (
    b'{"name": "a\\u0000b", "type": "pg", "addressLine1": "x", "city": "x", "state": "x",'
    b' "postalCode": "500033"}'
)


def _router() -> APIRouter:
    router = APIRouter(route_class=TenantRoute)

    @router.get("/safe/{number}", **allows(Permission.TASKS_READ))
    async def safe(here: Here, number: int) -> dict[str, int]:
        return {"number": number}

    @router.get("/broken/{number}", **allows(Permission.TASKS_READ))
    async def broken(number: str) -> None:
        raise RuntimeError(SECRET)

    return router


def _nobodys_router() -> APIRouter:
    router = APIRouter()

    @router.get("/outside")
    async def outside(request: Request) -> None:
        raise LookupError(SECRET)

    return router


@pytest.fixture
async def desk(house: House) -> AsyncGenerator[httpx2.AsyncClient]:
    """A program of the tenant before routes that break."""
    async with a_client(house, routers=[_router(), _nobodys_router()]) as opened:
        yield opened


def lines(written: list[Any]) -> list[dict[str, Any]]:
    return [line for line in written if line["event"] == "request"]


@pytest.mark.parametrize("path", ["/broken/7", "/outside"])
async def test_a_handler_that_breaks_is_answered_and_logged_once(
    desk: httpx2.AsyncClient, path: str
) -> None:
    """500 as a problem with the request's id; what broke stays inside."""
    with structlog.testing.capture_logs() as written:
        answer = await desk.get(path)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "INTERNAL"
    assert answer.json()["requestId"] == answer.headers["X-Request-Id"]
    assert SECRET not in answer.text
    assert "Error" not in answer.text
    assert len([line for line in written if line["log_level"] == "error"]) == 1
    assert [line["status"] for line in lines(written)] == [500]


async def test_the_line_names_the_route_and_not_what_was_asked(
    desk: httpx2.AsyncClient, house: House
) -> None:
    """The template of the path, no query, no value of it."""
    merge = structlog.contextvars.merge_contextvars
    with structlog.testing.capture_logs(processors=[merge]) as written:
        answer = await desk.get("/safe/4711?phone=%2B919876543210")
    (line,) = lines(written)
    assert (line["method"], line["route"], line["status"]) == ("GET", "/safe/{number}", 200)
    assert line["request"] == answer.headers["X-Request-Id"]
    assert line["tenant"] == str(house.tenant_id)
    assert line["ms"] > 0
    assert "4711" not in str(line)
    assert "98765" not in str(line)


async def test_one_requests_tenant_is_not_anothers(desk: httpx2.AsyncClient) -> None:
    """What was bound for one line is gone before the next."""
    merge = structlog.contextvars.merge_contextvars
    with structlog.testing.capture_logs(processors=[merge]) as written:
        await desk.get("/safe/1")
        await desk.get("/nowhere")
    first, second = lines(written)
    assert "tenant" in first
    assert "tenant" not in second
    assert second["route"] == "unknown"
    assert first["request"] != second["request"]


UNSERVED = [
    ("GET", "/nowhere", 404, "NOT_FOUND"),
    ("GET", "/safe/1/", 404, "NOT_FOUND"),
    ("DELETE", "/safe/1", 405, "METHOD_NOT_ALLOWED"),
    ("GET", "/safe/one", 422, "INVALID_INPUT"),
    ("GET", "https://innkeeper.test/static/../../pyproject.toml", 404, "NOT_FOUND"),
]


async def test_what_cannot_be_served_is_a_problem_document(desk: httpx2.AsyncClient) -> None:
    """RFC 9457 for strangers' mistakes too."""
    for method, path, status, code in UNSERVED:
        answer = await desk.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.json()) >= {"type", "title", "status", "detail", "instance", "errors"}
        if status == 405:
            assert answer.headers["allow"] == "GET"


async def test_a_refused_value_is_named_with_its_rule(desk: httpx2.AsyncClient) -> None:
    """Field, rule and what was sent."""
    (problem,) = (await desk.get("/safe/one")).json()["errors"]
    assert problem["field"] == "number"
    assert problem["message"].endswith("(got 'one')")


BODIES = [
    (b"{", 400),
    (b"\xff\xfe", 400),
    (b'"\\ud800"', 422),
    (b"[" * 100_000, 400),
    (b"[]", 422),
    (b"null", 422),
    (b"", 422),
    (b'{"name": "\\ud800", "type": "pg"}', 422),
    (WITH_NUL, 422),
]


async def test_a_body_that_is_no_body_is_refused(desk: httpx2.AsyncClient) -> None:
    """Torn, not text, half characters, too deep, NUL: a problem, never our mistake."""
    headers = {"Content-Type": "application/json"}
    for body, status in BODIES:
        answer = await desk.post("/properties", content=body, headers=headers)
        assert answer.status_code == status, body[:50]
        assert answer.headers["content-type"] == "application/problem+json"
