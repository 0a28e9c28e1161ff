"""What every answer carries, and how much may be sent."""

from collections.abc import AsyncGenerator

import httpx2
import pytest
from fastapi import APIRouter, Request

from api.security import BODY_BYTES_MAX
from tests.support.house import House
from tests.support.web import a_client

EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture
async def scales(house: House) -> AsyncGenerator[httpx2.AsyncClient]:
    """A program before a route that weighs what it is sent."""
    router = APIRouter()

    @router.post("/weigh")
    async def weigh(request: Request) -> int:
        return len(await request.body())

    @router.get("/broken")
    async def broken() -> None:
        raise RuntimeError

    async with a_client(house, routers=[router]) as opened:
        yield opened


async def test_every_answer_is_guarded(scales: httpx2.AsyncClient) -> None:
    """Found or not, whole or broken: no sniffing, no frames, no referrer, nothing runs."""
    asked = {"/properties": 200, "/nowhere": 404, "/broken": 500, "/health/live": 200}
    for path, status in asked.items():
        answer = await scales.get(path)
        assert answer.status_code == status, path
        assert {name: answer.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in answer.headers


async def test_over_https_the_browser_is_told_to_stay_there(scales: httpx2.AsyncClient) -> None:
    """Never over plain http, where it would lock people out of a test machine."""
    answer = await scales.get("https://innkeeper.test/api/v1/properties")
    assert answer.headers["strict-transport-security"].startswith("max-age=63072000")


async def test_a_body_as_large_as_allowed_is_read(scales: httpx2.AsyncClient) -> None:
    """The limit itself is still welcome."""
    answer = await scales.post("/weigh", content=b"x" * BODY_BYTES_MAX)
    assert answer.json() == BODY_BYTES_MAX


async def test_a_body_that_says_it_is_too_large_is_not_read(scales: httpx2.AsyncClient) -> None:
    """413 as a problem, guarded like every answer."""
    answer = await scales.post("/weigh", content=b"x" * (BODY_BYTES_MAX + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["requestId"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/weigh", "/properties"])
async def test_a_body_that_turns_out_too_large_is_stopped(
    scales: httpx2.AsyncClient, path: str
) -> None:
    """One that does not say its length is counted while it comes."""

    async def endless() -> AsyncGenerator[bytes]:
        for _ in range(30):
            yield b"x" * 50_000

    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    answer = await scales.post(path, content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")
