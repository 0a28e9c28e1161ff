"""Tries to be paid, as tests make and tell of them."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import update

from domain.movement import MovementState
from domain.payment_account import AccountMode, Provider
from domain.payment_attempt import AttemptStatus, PayBy
from models import attempt_asking
from models.attempt_asking import Wanted
from models.database import one
from models.gateway_log import GatewayLog, LogStatus, Told, keep
from models.payment_account import NewAccount, PaymentAccount, open_account
from models.payment_attempt import PaymentAttempt, moved
from models.payment_attempt import locked as locked_attempt
from models.provider_money import Heard, Outcome, hear
from models.vault import Vault, new_keyset
from tests.support.debt import RENT_MINOR, Debt
from tests.support.house import INR, House

KEYS = {
    Provider.stripe: {"secretKey": "sk_test_sunrise1"},
    Provider.razorpay: {"keyId": "rzp_test_sunrise", "keySecret": "rzp-sunrise-secret"},
}


async def an_account(house: House, vault: Vault, provider: Provider) -> PaymentAccount:
    """An active account of the house there, with a webhook secret."""
    new = NewAccount(
        provider, AccountMode.own_keys, str(provider), KEYS[provider], f"whsec_{provider}_1234"
    )
    async with house.session() as session:
        return await open_account(session, vault, new)


async def a_kept_event(house: House, status: LogStatus = LogStatus.RECEIVED) -> None:
    """A provider told the house something, which was kept and came so far."""
    account = await an_account(house, Vault(new_keyset(), b"i" * 32), Provider.stripe)
    async with house.session() as session:
        at = datetime(2026, 10, 20, 6, 30, tzinfo=UTC)
        told = Told(Provider.stripe, account.id, "evt_1", "a.kind", b"{}", at)
        assert await keep(session, told)
        await session.execute(update(GatewayLog).values(status=status))


async def an_attempt(
    debt: Debt,
    by: PayBy,
    at: datetime,
    *more: Debt,
    amount_minor: int | None = None,
) -> PaymentAttempt:
    """An attempt over these debts, created and not opened."""
    invoices = frozenset(one.invoice_id for one in (debt, *more))
    async with debt.house.session() as session:
        wanted = Wanted(debt.resident_id, invoices, by, INR, amount_minor)
        asked = await attempt_asking.ask(session, wanted, at)
        assert asked.attempt is not None
        return asked.attempt


async def opened(house: House, attempt: PaymentAttempt, at: datetime) -> PaymentAttempt:
    """Its page stands open at the provider, named after it."""
    async with house.session() as session:
        row = await locked_attempt(session, attempt.id)
        row.page_id, row.opened_at = f"page_{row.id.hex[:12]}", at
        row.pay_url = f"https://pay.example/{row.page_id}"
        await moved(session, row, AttemptStatus.pending, at)
        return row


def told(
    attempt: PaymentAttempt,
    at: datetime,
    state: MovementState = MovementState.captured,
    *,
    name: str = "pay_1",
    minor: int = RENT_MINOR,
    by_page: bool = False,
    attempt_id: UUID | None = None,
) -> Heard:
    """A payment made on it, as the provider tells."""
    return Heard(
        provider=Provider(attempt.provider),
        account_id=attempt.account_id,
        provider_payment_id=name,
        state=state,
        amount_minor=minor,
        currency=INR,
        at=at,
        method="upi",
        attempt_id=None if by_page else (attempt_id or attempt.id),
        page_id=attempt.page_id,
        reference="412345678901",
        code="insufficient_funds" if state is MovementState.failed else None,
    )


async def hears(house: House, heard: Heard, at: datetime) -> Outcome:
    """The house hears of it, in a transaction of its own."""
    async with house.session() as session:
        return await hear(session, heard, at)


async def row(house: House, attempt: PaymentAttempt) -> PaymentAttempt:
    """The attempt as it is now."""
    async with house.session() as session:
        return await one(session, PaymentAttempt, attempt.id)
