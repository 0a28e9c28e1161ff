"""Merchant accounts at payment providers. Secrets go in and never come out."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, SecretStr
from sqlalchemy import select

from api.account_check import AccountCheck, Checked
from api.body import Answer, Body, Text
from api.page import Page, Paging, page_of, paged
from api.permission import Permission, allows
from api.request import Context, Here, TenantRoute
from domain.payment_account import AccountMode, Provider
from models import event, payment_account
from models.database import one
from models.payment_account import AccountStatus, NewAccount, PaymentAccount
from models.refusal import saying

router = APIRouter(prefix="/payment-accounts", tags=["payments"], route_class=TenantRoute)
READ, WRITE = allows(Permission.SETTINGS_READ), allows(Permission.SETTINGS_WRITE)
ASK = allows(Permission.SETTINGS_WRITE, asks_now=True)
TAKEN = {"uq_payment_accounts_active": "there is an active account at this provider; close it"}
KIND = "payment_account"
Secrets = Annotated[dict[Text, SecretStr], Field(max_length=10)]


class AccountAsked(Body):
    """An account to be opened.

    `credentials` of Stripe are `secretKey` (connected: `accountId`), of Razorpay `keyId` and
    `keySecret`. `webhookSecret` signs the provider's events; it is given once the webhook address
    of the answer has been entered there.
    """

    provider: Provider
    mode: AccountMode = AccountMode.own_keys
    name: Text
    credentials: Secrets
    webhook_secret: SecretStr | None = None


class AccountChange(Body):
    """What changes; what is not sent stays. Credentials are replaced as a whole."""

    name: Text = ""
    credentials: Secrets = Field(default_factory=dict[str, SecretStr])
    webhook_secret: SecretStr = SecretStr("")


class AccountAnswer(Answer):
    """An account as people may see it.

    `webhookUrl` is entered at the provider. After a change of `webhookSecret` the one before is
    good until `previousSecretUntil`.
    """

    id: UUID
    provider: Provider
    mode: AccountMode
    name: str
    status: AccountStatus
    is_test: bool
    key_hint: str
    webhook_url: str
    has_webhook_secret: bool
    previous_secret_until: datetime | None
    tested_at: datetime | None
    test_result: str | None
    closed_at: datetime | None
    created_at: datetime


@router.get("", **READ)
async def list_accounts(here: Here, paging: Paging) -> Page[AccountAnswer]:
    """The tenant's accounts, closed ones too."""
    rows, cursor = await paged(here.session, select(PaymentAccount), PaymentAccount, paging)
    return page_of(rows, cursor, lambda row: _shown(row, here))


@router.post("", status_code=201, **WRITE)
async def open_account(body: AccountAsked, here: Here) -> AccountAnswer:
    """Open an account; one may be active at each provider."""
    secret = body.webhook_secret
    new = NewAccount(
        provider=body.provider,
        mode=body.mode,
        name=body.name,
        credentials=_revealed(body.credentials),
        webhook_secret=None if secret is None else secret.get_secret_value(),
    )
    async with saying(here.session, TAKEN, "ACCOUNT_ACTIVE") as session:
        account = await payment_account.open_account(session, here.parts.vault, new)
    await _told(here, "opened", account)
    return _shown(account, here)


@router.get("/{account_id}", **READ)
async def read_account(account_id: UUID, here: Here) -> AccountAnswer:
    """One account."""
    return _shown(await one(here.session, PaymentAccount, account_id), here)


@router.patch("/{account_id}", **WRITE)
async def change_account(account_id: UUID, body: AccountChange, here: Here) -> AccountAnswer:
    """Rename it, replace its keys, or rotate the secret that signs its events."""
    account = await one(here.session, PaymentAccount, account_id, lock=True)
    given, vault, now = body.given(), here.parts.vault, here.parts.clock.now()
    account.name = given.get("name", account.name)
    if "credentials" in given:
        keys = _revealed(body.credentials)
        payment_account.change_credentials(here.session, vault, account, keys)
    if "webhook_secret" in given:
        secret = body.webhook_secret.get_secret_value()
        payment_account.rotate_webhook_secret(here.session, vault, account, secret, now)
    await _told(here, "changed", account)
    return _shown(account, here)


@router.delete("/{account_id}", **WRITE)
async def close_account(account_id: UUID, here: Here) -> AccountAnswer:
    """Ask for no more money through it. What is under way is still booked when it arrives."""
    account = await one(here.session, PaymentAccount, account_id, lock=True)
    payment_account.close(account, here.parts.clock.now())
    await _told(here, "closed", account)
    return _shown(account, here)


@router.post("/{account_id}/test", response_model=AccountCheck, **ASK)
async def check_account(account_id: UUID, here: Here) -> Checked:
    """Ask the provider whether the account's keys are good; it costs nothing.

    The answer is of this moment and never stored. 503 when the provider does not answer.
    """
    account = await one(here.session, PaymentAccount, account_id)
    return Checked(here.parts, here.actor, account)


def _revealed(sent: dict[str, SecretStr]) -> dict[str, str]:
    return {name: secret.get_secret_value() for name, secret in sent.items()}


async def _told(here: Context, what: str, account: PaymentAccount) -> None:
    now = here.parts.clock.now()
    await event.record(here.session, f"payment_account.{what}", KIND, account.id, now)


def _shown(row: PaymentAccount, here: Context) -> AccountAnswer:
    path = f"/api/v1/payments/webhooks/{row.provider}?k={row.webhook_token}"
    same = set(AccountAnswer.model_fields) & set(PaymentAccount.__table__.c.keys())
    return AccountAnswer(
        **{name: getattr(row, name) for name in same},
        webhook_url=f"{here.parts.links.public}{path}",
        has_webhook_secret=row.webhook_secret_encrypted is not None,
        created_at=row.recorded_at,
    )
