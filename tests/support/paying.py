"""What the tests of payment adapters ask for, and a payer who pays it in the sandbox."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2

from domain.money import Money
from domain.payment_attempt import PayBy
from providers.payments import Asked, Payer

TENANT = UUID("01990000-0000-7000-8000-000000000001")
NOW = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
RETURN = "https://house.example/pay/thanks"
RENT = Money(950_000, "INR")

Pay = Callable[..., Awaitable[dict[str, Any]]]


def asked(by: PayBy, **changed: Any) -> Asked:
    """November's rent, to be paid within two hours, asked for at the sandbox's hour."""
    rent = Asked(
        attempt_id=uuid4(),
        tenant_id=TENANT,
        by=by,
        amount=RENT,
        description="Rent November 2026",
        payer=Payer("Asha Rao", "asha@mail.example", "+919812345678"),
        return_url=RETURN,
        asked_at=NOW,
        expires_at=NOW + timedelta(hours=2),
    )
    return replace(rent, **changed)


class Till:
    """The sandbox's steering: its clock, its payers, its book."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def at(self, moment: datetime) -> None:
        """Stop the clock there."""
        await self._told("/control/clock", now=moment.isoformat())

    async def later(self, seconds: float) -> None:
        """Move the clock on."""
        await self._told("/control/clock", advance=seconds)

    async def act(self, action: str, target: str, **more: object) -> dict[str, Any]:
        """Do what a payer or a bank would."""
        return await self._told("/control/payer", action=action, target=target, **more)

    async def captured(self) -> int:
        """How much was taken in all."""
        totals = (await self._client.get("/control/ledger")).json()["totals"]
        return sum(total["captured"] for total in totals)

    async def _told(self, path: str, **body: object) -> dict[str, Any]:
        answer = await self._client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()
