"""The link by which a resident pays: one at a time, good until it is revoked, its token sealed.

Whoever holds the token may see what is due and pay it. So only its hash stands where a token is
looked up, and the token itself only sealed, for the next message to carry.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index, Select, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, TenantRow, within_tenant
from models.database import Actor, Database, tenant_of
from models.tenant_setup import key_hash
from models.vault import Vault

TOKEN: Final = "pay_links.token"  # noqa: S105 (the name of a column)
TOKEN_BYTES: Final = 32
LOOKS: Final = re.compile(r"[A-Za-z0-9_-]{43}")
ACTOR: Final = Actor("platform:pay link")
STANDS: Final = text("revoked_at is null")


class PayLink(TenantRow):
    """A resident's pay link. At most one stands; a revoked one never stands again."""

    __tablename__ = "pay_links"
    __table_args__ = (
        within_tenant("resident_id", "residents"),
        Index(
            "uq_pay_links_standing",
            "tenant_id",
            "resident_id",
            unique=True,
            postgresql_where=STANDS,
        ),
    )

    resident_id: Mapped[UUID]
    token_encrypted: Mapped[bytes]
    revoked_at: Mapped[datetime | None]


class PayLinkToken(Base):
    """Look-up without a wall: which link a token opens."""

    __tablename__ = "pay_link_tokens"
    __table_args__ = (Index("uq_pay_link_tokens_link", "of_tenant", "link_id", unique=True),)

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    of_tenant: Mapped[UUID]
    link_id: Mapped[UUID]


@dataclass(frozen=True, slots=True)
class PayLinks:
    """Pay links as addresses: `public` is the address payers see us at, without a final slash."""

    public: str
    vault: Vault

    async def url_of(self, session: AsyncSession, resident_id: UUID) -> str | None:
        """The address of the resident's page, made where there is none; None without `public`."""
        if not self.public:
            return None
        return f"{self.public}/pay/{await link_of(session, self.vault, resident_id)}"


async def link_of(session: AsyncSession, vault: Vault, resident_id: UUID) -> str:
    """The token of the resident's standing link, found or made; two who make it get one."""
    while True:
        sealed = await session.scalar(_standing(resident_id))
        if sealed is not None:
            return vault.open(tenant_of(session), TOKEN, sealed)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        if await _made(session, vault, resident_id, token):
            return token


async def revoke(session: AsyncSession, resident_id: UUID, at: datetime) -> bool:
    """Let the standing link open nothing any more; False when none stood."""
    link_id = await session.scalar(
        update(PayLink)
        .where(PayLink.resident_id == resident_id, PayLink.revoked_at.is_(None))
        .values(revoked_at=at)
        .returning(PayLink.id)
    )
    if link_id is None:
        return False
    await session.execute(text("select forget_pay_link(:link)"), {"link": link_id})
    return True


async def resolve(database: Database, token: str) -> tuple[UUID, UUID] | None:
    """The tenant and the resident a token stands for; None for one unknown or revoked."""
    if LOOKS.fullmatch(token) is None:
        return None
    find = text("select tenant_id, link_id from find_pay_link(:hash)")
    async with database.anonymous() as session:
        found = (await session.execute(find, {"hash": key_hash(token)})).one_or_none()
    if found is None:
        return None
    whose = select(PayLink.resident_id).where(
        PayLink.id == found.link_id, PayLink.revoked_at.is_(None)
    )
    async with database.tenant(found.tenant_id, ACTOR) as session:
        resident_id = await session.scalar(whose)
    return None if resident_id is None else (found.tenant_id, resident_id)


def _standing(resident_id: UUID) -> Select[bytes]:
    return select(PayLink.token_encrypted).where(
        PayLink.resident_id == resident_id, PayLink.revoked_at.is_(None)
    )


async def _made(session: AsyncSession, vault: Vault, resident_id: UUID, token: str) -> bool:
    """False when somebody else made one meanwhile; theirs is committed by then, so it is found."""
    link_id = await session.scalar(
        insert(PayLink)
        .values(
            resident_id=resident_id, token_encrypted=vault.seal(tenant_of(session), TOKEN, token)
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "resident_id"], index_where=STANDS)
        .returning(PayLink.id)
    )
    if link_id is None:
        return False
    claim = text("select claim_pay_link(:hash, :link)")
    await session.execute(claim, {"hash": key_hash(token), "link": link_id})
    return True
