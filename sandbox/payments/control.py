"""Steering of the payments half: the ledger, who is told, and what payers and banks do."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field, HttpUrl

from sandbox.payments.bank import Bank, Impossible, Paid, Tender
from sandbox.payments.cashier import Cashier

Provider = Literal["stripe", "razorpay"]


class Body(BaseModel):
    """A request body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Endpoint(Body):
    """Who is told of a provider's events.

    `key` is the API key (Stripe) or key id (Razorpay) whose events these are; without it every
    account's. The same address with another secret is a rotation.
    """

    provider: Provider
    url: HttpUrl
    secret: str = Field(min_length=1, max_length=200)
    key: str | None = Field(default=None, max_length=200)


class Payer(Body):
    """What somebody does with a session, a link, a QR code, an order or a payment.

    `pay` and `fail` are the payer's; `approve` is the bank's late yes; `pause` belongs to
    mandates. `amount` is in minor units; `later` the seconds, or the ISO 8601 duration, after
    which the bank says yes to what seemed to fail. `code` is the provider's word for a reason.
    """

    action: Literal["pay", "fail", "approve", "pause", "cancel"]
    target: str = Field(max_length=80)
    method: Literal["card", "upi"] | None = None
    card: str = Field(default="4242424242424242", pattern=r"^\d{12,19}$")
    vpa: str = Field(default="payer@sandbox", max_length=100)
    amount: int | None = Field(default=None, ge=1)
    code: str = Field(default="", pattern=r"^[a-z0-9_]{0,60}$")
    later: timedelta | None = Field(default=None, ge=timedelta())

    def tender(self) -> Tender:
        """The same for the cashier."""
        seconds = None if self.later is None else int(self.later.total_seconds())
        return Tender(self.method or "", self.card, self.vpa, self.amount, self.code, seconds)


def routes(bank: Bank, cashier: Cashier) -> APIRouter:
    """The part of /control that is about money."""
    router = APIRouter(prefix="/control", tags=["control"])
    router.include_router(endpoint_routes(bank, cashier))

    @router.get("/ledger")
    async def read_ledger(
        provider: Provider | None = None, key: str | None = None
    ) -> dict[str, Any]:
        """What the providers believe, oldest first, and what it comes to."""
        bank.dues.settle()
        account = cashier.account(provider, key)
        entries = [asdict(entry) for entry in bank.ledger.entries(provider, account)]
        return {"items": entries, "totals": bank.ledger.totals(provider, account)}

    @router.post("/payer")
    async def act(body: Payer) -> dict[str, Any]:
        """Do what a payer or the payer's bank would do."""
        if body.action == "pause":
            raise HTTPException(422, "Only mandates are paused, and there are none here.")
        try:
            paid = perform(cashier, body)
        except LookupError:
            raise HTTPException(404, f"There is no {body.target}.") from None
        except Impossible as why:
            raise HTTPException(409, str(why)) from None
        bank.courier.call()
        return {"target": body.target, **asdict(paid)}

    return router


def perform(cashier: Cashier, body: Payer) -> Paid:
    """One act of a payer or a bank."""
    match body.action:
        case "pay":
            return cashier.pay(body.target, body.tender())
        case "fail":
            return cashier.fail(body.target, body.code)
        case "approve":
            return cashier.approve(body.target)
        case _:
            return cashier.cancel(body.target)


def endpoint_routes(bank: Bank, cashier: Cashier) -> APIRouter:
    """Who is told, and what is on the way."""
    router = APIRouter()

    def shown(row: Any) -> dict[str, Any]:
        """An endpoint without its secret."""
        names = ("id", "provider", "account", "url")
        return {**{name: row[name] for name in names}, "disabled": bool(row["disabled"])}

    @router.get("/webhook-endpoints")
    async def read_endpoints() -> dict[str, Any]:
        """The addresses that are told."""
        return {"items": [shown(row) for row in bank.hooks.endpoints()]}

    @router.post("/webhook-endpoints")
    async def register(body: Endpoint) -> dict[str, Any]:
        """Have events sent to an address, or give it a new secret."""
        account = cashier.account(body.provider, body.key)
        return shown(bank.hooks.register(body.provider, str(body.url), body.secret, account))

    @router.delete("/webhook-endpoints/{endpoint}", status_code=204)
    async def remove(endpoint: str) -> None:
        """Tell an address nothing more."""
        if not bank.hooks.remove(endpoint):
            raise HTTPException(404, f"There is no {endpoint}.")

    @router.get("/webhook-deliveries")
    async def read_deliveries() -> dict[str, Any]:
        """The last thousand deliveries, newest first."""
        return {"items": bank.hooks.deliveries()}

    return router
