"""A payer with a pay link: what they owe, and the page as their browser gets it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date

import httpx2
from sqlalchemy import update

from api.parts import Links, Parts
from domain.payment_account import AccountMode, Provider
from models.pay_link import link_of
from models.payment_account import NewAccount, open_account
from models.resident import Resident
from models.tenant import BillingSettings
from models.vault import Vault
from runtime.clock import SetClock
from tests.support.debt import Debt, a_debt
from tests.support.house import House
from tests.support.web import a_vault, an_app

DUE = date(2026, 12, 5)
VPA = "sunrise@okbank"
CREDENTIALS = {
    Provider.razorpay: {"keyId": "rzp_test_Abc123Def456", "keySecret": "s3cret-of-the-merchant"},
    Provider.stripe: {"secretKey": "sk_test_0123456789abcdef"},
}


@dataclass(frozen=True, slots=True)
class Payer:
    """A debt, the link of whoever owes it, and a browser."""

    debt: Debt
    vault: Vault
    clock: SetClock
    token: str
    browser: httpx2.AsyncClient

    @property
    def house(self) -> House:
        return self.debt.house

    async def page(self, query: str = "", **headers: str) -> httpx2.Response:
        """The page, however it is answered."""
        return await self.browser.get(f"/pay/{self.token}{query}", headers=headers)

    async def reads(self, language: str) -> None:
        """The payer reads that language."""
        async with self.house.session() as session:
            await session.execute(
                update(Resident)
                .where(Resident.id == self.debt.resident_id)
                .values(language=language)
            )

    async def may_pay_by(self, *providers: Provider) -> None:
        """The house has merchant accounts there."""
        async with self.house.session() as session:
            for one in providers:
                new = NewAccount(one, AccountMode.own_keys, one, CREDENTIALS[one])
                await open_account(session, self.vault, new)

    async def may_pay_to(self, vpa: str = VPA) -> None:
        """The house has a UPI id of its own."""
        async with self.house.session() as session:
            await session.execute(update(BillingSettings).values(upi_vpa=vpa))


@asynccontextmanager
async def a_payer(house: House, due: date = DUE, days: int = 3) -> AsyncGenerator[Payer]:
    """Somebody who owes a rent, so many days after its due day."""
    debt = await a_debt(house, due)
    vault, clock = a_vault(), SetClock(debt.after(days))
    async with house.session() as session:
        token = await link_of(session, vault, debt.resident_id)
    parts = Parts(house.database, vault, clock, Links())
    with an_app(parts) as app:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://pay.test") as browser:
            yield Payer(debt, vault, clock, token, browser)
