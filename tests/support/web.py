"""The real application over ASGI: one client per tenant, on a clock the test sets."""

from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from datetime import UTC, datetime

import httpx2
from fastapi import APIRouter, FastAPI

from api.app import build, furnish
from api.parts import Links, NoGateways, Parts
from models.vault import Vault, new_keyset
from providers.gateways import Gateways
from runtime.clock import Clock, SetClock
from tests.support.house import House

NOON = datetime(2026, 10, 20, 6, 30, tzinfo=UTC)  # 12:00 in India
INDEX_KEY = b"an index key of thirty-two bytes"
BASE = "http://innkeeper.test/api/v1"


def a_vault() -> Vault:
    """A vault with keys of its own."""
    return Vault(new_keyset(), INDEX_KEY)


_STOCK: list[FastAPI] = []


@contextmanager
def an_app(parts: Parts) -> Generator[FastAPI]:
    """The application over these parts, for the length of the block.

    FastAPI works its routes out again for each application, which takes longer than most tests.
    """
    app = _STOCK.pop() if _STOCK else build(parts)
    furnish(app, parts)
    try:
        yield app
    finally:
        _STOCK.append(app)


@asynccontextmanager
async def a_client(
    house: House,
    *,
    clock: Clock | None = None,
    vault: Vault | None = None,
    key: str | None = None,
    links: Links | None = None,
    gateways: Gateways | None = None,
    routers: Sequence[APIRouter] = (),
) -> AsyncGenerator[httpx2.AsyncClient]:
    """A program of the tenant, with its secret key unless another is given; paths are relative.

    `routers` are served beside the product's own.
    """
    parts = Parts(
        *(house.database, vault or a_vault(), clock or SetClock(NOON), links or Links()),
        gateways=gateways or NoGateways(),
    )
    with nullcontext(build(parts)) if routers else an_app(parts) as app:
        for router in routers:
            app.include_router(router, prefix="/api/v1")
        try:
            async with httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app),
                base_url=BASE,
                headers={"Authorization": f"Bearer {key or house.api_key}"},
            ) as client:
                yield client
        finally:
            await parts.press.close()
