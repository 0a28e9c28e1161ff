"""What tests of the API begin with: a tenant, a client with its key, and a second tenant."""

from collections.abc import AsyncGenerator

import httpx2
import pytest

from models.database import Database
from tests.support.house import House, a_tenant
from tests.support.web import a_client


@pytest.fixture
async def client(house: House) -> AsyncGenerator[httpx2.AsyncClient]:
    """A program of the tenant, on 20 October 2026 at noon in India."""
    async with a_client(house) as opened:
        yield opened


@pytest.fixture
async def stranger(database: Database) -> AsyncGenerator[httpx2.AsyncClient]:
    """A program of another tenant in the same database."""
    async with a_client(await a_tenant(database, "elsewhere")) as opened:
        yield opened
