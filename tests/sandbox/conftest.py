"""A sandbox of its own for every test, and a client that speaks to it."""

from collections.abc import AsyncGenerator
from pathlib import Path

import httpx2
import pytest

from sandbox.main import Running, running


@pytest.fixture
async def box(tmp_path: Path) -> AsyncGenerator[Running]:
    async with running(state_dir=tmp_path / "state") as box:
        yield box


@pytest.fixture
async def client(box: Running) -> AsyncGenerator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=box.url, trust_env=False) as client:
        yield client
