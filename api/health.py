"""Is it alive, is it ready: for orchestrators, load balancers and people."""

import asyncio
from typing import Literal

from fastapi import APIRouter, Request, Response
from sqlalchemy import text
from temporalio.client import Client

from api.body import Answer
from api.parts import Parts
from domain.errors import Unavailable
from runtime.temporal import connect

router = APIRouter(tags=["health"])
Word = Literal["ok", "unavailable", "not configured"]
PATIENCE_SECONDS = 3


class Health(Answer):
    """What answers and what does not."""

    status: Literal["ok", "unavailable", "leaving"]
    database: Word = "ok"
    temporal: Word = "ok"


@router.get("/health/live")
@router.get("/health/cache")
async def live() -> Health:
    """The process runs. There is no shared cache to lose, so its health is the process's."""
    return Health(status="ok")


@router.get("/health/ready")
@router.get("/health")
async def ready(request: Request, response: Response) -> Health:
    """Requests can be answered; the database decides, Temporal is told apart.

    Facts are committed while Temporal is away, so its absence alone does not take us out. Told to
    stop, it says `leaving`, finishes the requests under way and asks for no new ones.
    """
    parts: Parts = request.app.state.parts
    database = await _database(parts)
    temporal = await _temporal(request, parts)
    leaving: bool = request.app.state.leaving
    if database != "ok" or leaving:
        response.status_code = 503
    status = "leaving" if leaving else "ok" if database == "ok" else "unavailable"
    return Health(status=status, database=database, temporal=temporal)


async def _database(parts: Parts) -> Word:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), parts.database.anonymous() as connection:
            await connection.execute(text("select 1"))
    except (Unavailable, TimeoutError):
        return "unavailable"
    return "ok"


async def _temporal(request: Request, parts: Parts) -> Word:
    if not parts.links.temporal:
        return "not configured"
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            client: Client | None = getattr(request.app.state, "temporal", None)
            if client is None:
                client = await connect(parts.links.temporal, parts.links.namespace)
                request.app.state.temporal = client
            return "ok" if await client.service_client.check_health() else "unavailable"
    except (RuntimeError, TimeoutError, OSError):
        return "unavailable"
