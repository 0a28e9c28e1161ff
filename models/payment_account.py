"""An operator's merchant accounts: their secrets sealed, their webhook addresses opaque."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, cast
from uuid import UUID

import tink
from sqlalchemy import Index, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from domain.errors import IllegalTransition, Refused
from domain.payment_account import (
    AccountMode,
    Provider,
    checked,
    checked_webhook_secret,
    hint,
    is_test,
)
from models.base import Base, TenantRow, one_of
from models.database import one, tenant_of
from models.task import close_tasks, open_task
from models.tenant_setup import key_hash
from models.vault import Vault

CREDENTIALS: Final = "payment_accounts.credentials"
SIGNING: Final = "payment_accounts.webhook_secret"
SEALED: Final = "SEALED"
TOKEN_BYTES: Final = 24
# The task that asks for other keys, where a provider refuses those there are.
CHECK_CREDENTIALS: Final = "check_credentials"
PAYMENT_ACCOUNT: Final = "payment_account"
WORKS: Final = "works"
# A provider goes on signing with the old secret what it tries again: Razorpay for 24 hours,
# Stripe for three days.
ROTATION: Final = timedelta(days=3)


class AccountStatus(StrEnum):
    """Whether new money may be asked through it; events of a closed account still count."""

    ACTIVE = "active"
    CLOSED = "closed"


class PaymentAccount(TenantRow):
    """A merchant account at a provider. What was paid through it outlives its closing.

    `webhook_token` is the opaque part of its webhook address: it says whose secret verifies, and
    is no secret itself. While `previous_secret_until` has not come, the secret before verifies too.
    """

    __tablename__ = "payment_accounts"
    __table_args__ = (
        one_of("provider", Provider),
        one_of("mode", AccountMode),
        one_of("status", AccountStatus),
        Index(
            "uq_payment_accounts_active",
            "tenant_id",
            "provider",
            unique=True,
            postgresql_where=text("status = 'active'"),
        ),
    )

    provider: Mapped[str]
    mode: Mapped[str]
    name: Mapped[str]
    status: Mapped[str]
    is_test: Mapped[bool]
    key_hint: Mapped[str]
    webhook_token: Mapped[str]
    credentials_encrypted: Mapped[bytes]
    webhook_secret_encrypted: Mapped[bytes | None]
    previous_secret_encrypted: Mapped[bytes | None]
    previous_secret_until: Mapped[datetime | None]
    tested_at: Mapped[datetime | None]
    test_result: Mapped[str | None]
    closed_at: Mapped[datetime | None]


class PaymentAccountToken(Base):
    """Look-up without a wall: which account a webhook address names."""

    __tablename__ = "payment_account_tokens"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    of_tenant: Mapped[UUID]
    account_id: Mapped[UUID]


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What is asked of an account at the start; secrets in clear."""

    provider: Provider
    mode: AccountMode
    name: str
    credentials: Mapping[str, str]
    webhook_secret: str | None = None


async def open_account(session: AsyncSession, vault: Vault, new: NewAccount) -> PaymentAccount:
    """Keep an account's secrets sealed and claim its webhook address.

    InvalidInput names every credential that is not as the provider makes them. A second active
    account there is refused by `uq_payment_accounts_active`.
    """
    credentials = checked(new.provider, new.mode, new.credentials)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    account = PaymentAccount(
        provider=new.provider,
        mode=new.mode,
        name=new.name,
        status=AccountStatus.ACTIVE,
        is_test=is_test(new.provider, credentials),
        key_hint=hint(credentials),
        webhook_token=token,
        credentials_encrypted=_sealed(session, vault, credentials),
    )
    if new.webhook_secret is not None:
        account.webhook_secret_encrypted = _sealed_secret(session, vault, new.webhook_secret)
    session.add(account)
    await session.flush()
    claim = text("select claim_payment_account(:hash, :account)")
    await session.execute(claim, {"hash": key_hash(token), "account": account.id})
    return account


def change_credentials(
    session: AsyncSession, vault: Vault, account: PaymentAccount, given: Mapping[str, str]
) -> None:
    """Put other keys in the place of an active account's."""
    _must_be_active(account)
    provider = Provider(account.provider)
    credentials = checked(provider, AccountMode(account.mode), given)
    account.credentials_encrypted = _sealed(session, vault, credentials)
    account.key_hint = hint(credentials)
    account.is_test = is_test(provider, credentials)
    account.tested_at = account.test_result = None


def rotate_webhook_secret(
    session: AsyncSession, vault: Vault, account: PaymentAccount, given: str, at: datetime
) -> None:
    """Take another webhook secret; the one before verifies for three days more."""
    account.previous_secret_encrypted = account.webhook_secret_encrypted
    known = account.webhook_secret_encrypted is not None
    account.previous_secret_until = at + ROTATION if known else None
    account.webhook_secret_encrypted = _sealed_secret(session, vault, given)


def close(account: PaymentAccount, at: datetime) -> None:
    """Ask for no more money through it. Its events are still heard: money may be under way."""
    _must_be_active(account)
    account.status = AccountStatus.CLOSED
    account.closed_at = at


async def ask_for_other_keys(
    session: AsyncSession, account_id: UUID, provider: str, at: datetime
) -> None:
    """The keys there are do not work, there or here: a person has to replace them."""
    await open_task(
        session,
        kind=PAYMENT_ACCOUNT,
        subject_id=account_id,
        what=CHECK_CREDENTIALS,
        title=f"our keys at {provider} do not work",
        detail="Nobody can pay by link until they are replaced.",
        at=at,
    )


async def tested(
    session: AsyncSession, asked: PaymentAccount, result: str, at: datetime
) -> PaymentAccount:
    """Keep what a provider said of the keys of `asked`; of keys that were replaced meanwhile none.

    Keys that work answer the task that asked for others.
    """
    account = await one(session, PaymentAccount, asked.id, lock=True)
    if account.credentials_encrypted == asked.credentials_encrypted:
        account.tested_at, account.test_result = at, result
        if result == WORKS:
            words = "the keys were tested and work"
            await close_tasks(session, account.id, words, at, CHECK_CREDENTIALS)
    return account


def credentials_of(vault: Vault, account: PaymentAccount) -> dict[str, str]:
    """The account's keys in clear, for an adapter alone; Refused (code SEALED) by other keys."""
    try:
        opened = vault.open(account.tenant_id, CREDENTIALS, account.credentials_encrypted)
    except tink.TinkError as error:
        raise Refused("the account's keys were sealed with other keys", code=SEALED) from error
    return cast("dict[str, str]", json.loads(opened))


def webhook_secrets_of(vault: Vault, account: PaymentAccount, at: datetime) -> list[str]:
    """What may have signed an event at an instant: the newest first, two during a rotation."""
    sealed = [account.webhook_secret_encrypted]
    until = account.previous_secret_until
    if until is not None and at < until:
        sealed.append(account.previous_secret_encrypted)
    return [vault.open(account.tenant_id, SIGNING, one) for one in sealed if one is not None]


def _must_be_active(account: PaymentAccount) -> None:
    if account.status != AccountStatus.ACTIVE:
        raise IllegalTransition("the account is closed; open another")


def _sealed(session: AsyncSession, vault: Vault, credentials: Mapping[str, str]) -> bytes:
    return vault.seal(tenant_of(session), CREDENTIALS, json.dumps(dict(credentials)))


def _sealed_secret(session: AsyncSession, vault: Vault, given: str) -> bytes:
    return vault.seal(tenant_of(session), SIGNING, checked_webhook_secret(given))
