"""Stored answers: the same key and body always get the same answer, and one effect.

The claim commits alone, so a second caller is told at once that the first still runs. The
answer is stored in the transaction of the effect, so neither exists without the other.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.errors import Conflict, Refused
from models.database import tenant_of
from models.record import StoredAnswer

TAKE_OVER_AFTER = timedelta(seconds=60)
REPLAYED = "Idempotent-Replayed"
SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Question:
    """A request as its key knows it. `claim_id` is this attempt's own hold on the key."""

    credential: str
    method: str
    path: str
    key: str
    body_hash: str
    claim_id: UUID


def is_kept(status: int) -> bool:
    """Answers below 500 are kept, except who-are-you and too-many, which say nothing of the act."""
    return status < SERVER_ERROR and status not in (401, 429)


async def question(request: Request, credential: str, key: str) -> Question:
    """The request's identity: credential, method, path, key, and the hash of its body."""
    body = hashlib.sha256(await request.body() + b"\0" + request.url.query.encode()).hexdigest()
    return Question(credential, request.method, request.url.path, key, body, uuid7())


async def claim(session: AsyncSession, asked: Question) -> Response | None:
    """Take the key for this request, or the answer that is stored under it.

    Another body under the key is refused; a first asker that still runs is a conflict, unless it
    has been silent for a minute: then its process died, and this request takes over.
    """
    stored = None
    while stored is None:
        if await _taken(session, asked):
            return None
        # Nothing is found when the one that held it gave it back between the two statements.
        stored = await session.scalar(select(StoredAnswer).where(*_of(asked)).with_for_update())
    if stored.body_hash != asked.body_hash:
        raise Refused("this key was used with another body", code="IDEMPOTENCY_MISMATCH")
    if stored.status is not None:
        headers = {REPLAYED: "true"}
        return Response(stored.answer, stored.status, headers, stored.media_type)
    silent = await session.scalar(select(func.clock_timestamp() - stored.claimed_at))
    if silent is None or silent < TAKE_OVER_AFTER:
        raise Conflict("the first request with this key is still running", code="STILL_RUNNING")
    await session.execute(
        update(StoredAnswer)
        .where(*_of(asked))
        .values(id=asked.claim_id, claimed_at=func.clock_timestamp())
    )
    return None


async def _taken(session: AsyncSession, asked: Question) -> bool:
    row = {
        "id": asked.claim_id,
        "tenant_id": tenant_of(session),
        "credential": asked.credential,
        "method": asked.method,
        "path": asked.path,
        "key": asked.key,
        "body_hash": asked.body_hash,
        "claimed_at": func.clock_timestamp(),
    }
    claimed = insert(StoredAnswer).values(row).on_conflict_do_nothing()
    return await session.scalar(claimed.returning(StoredAnswer.id)) is not None


async def store(session: AsyncSession, asked: Question, response: Response) -> None:
    """Keep the answer, in the transaction of the effect; refused when somebody took over."""
    kept = await session.scalar(
        update(StoredAnswer)
        .where(StoredAnswer.id == asked.claim_id, StoredAnswer.status.is_(None))
        .values(
            status=response.status_code,
            answer=bytes(response.body).decode(),
            media_type=response.headers.get("content-type"),
        )
        .returning(StoredAnswer.id)
    )
    if kept is None:
        raise Conflict("another request took over this key", code="STILL_RUNNING")


async def release(session: AsyncSession, asked: Question) -> None:
    """Give the key back: nothing came of the request, so it may be asked again."""
    await session.execute(
        delete(StoredAnswer).where(StoredAnswer.id == asked.claim_id, StoredAnswer.status.is_(None))
    )


def _of(asked: Question) -> tuple[ColumnElement[bool], ...]:
    return (
        StoredAnswer.credential == asked.credential,
        StoredAnswer.method == asked.method,
        StoredAnswer.path == asked.path,
        StoredAnswer.key == asked.key,
    )
