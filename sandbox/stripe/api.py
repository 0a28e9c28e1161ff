"""The paths of Stripe's API the sandbox answers, each under its operation's name."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from sandbox.payments.bank import Bank
from sandbox.stripe import params, wire
from sandbox.stripe.call import Act, Call, Door
from sandbox.stripe.cards import Cards
from sandbox.stripe.charging import Charging
from sandbox.stripe.checkout import Checkout
from sandbox.stripe.events import Events
from sandbox.stripe.intents import Intents
from sandbox.stripe.paying import Paying
from sandbox.stripe.refunds import Refunds
from sandbox.stripe.shelf import Shelf

PREFIX = "/stripe/v1"
KINDS = {
    "payment_intent": "payment_intents",
    "charge": "charges",
    "setup_intent": "setup_intents",
    "payment_method": "payment_methods",
    "event": "events",
}


class Stripe:
    """Answers for Stripe, from the shared book."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self.shelf = Shelf(bank)
        self.events = Events(bank)
        self.cards = Cards(bank, self.shelf, self.events)
        self.charging = Charging(bank)
        self.intents = Intents(bank, self.shelf, self.events, self.charging)
        self.checkout = Checkout(bank, self.shelf, self.events, self.charging)
        self.paying = Paying(bank, self.events, self.charging, self.intents)
        self.refunds = Refunds(bank, self.shelf, self.events)

    def one(self, kind: str) -> Act:
        """The reading of one object of a kind."""

        def retrieve(call: Call) -> dict[str, Any]:
            call.takes({**params.EXPAND, "client_secret": params.TEXT})
            return self.shelf.shown(call, self.shelf.get(call, kind, call.ids["id"]).body)

        return retrieve

    def list_intents(self, call: Call) -> dict[str, Any]:
        """Payment intents, also of one customer."""
        customer = call.given.get("customer")
        return self.shelf.page(call, "payment_intent", {"customer": params.TEXT}, parent=customer)

    def list_charges(self, call: Call) -> dict[str, Any]:
        """Charges, also of one intent."""
        intent = call.given.get("payment_intent")
        return self.shelf.page(call, "charge", {"payment_intent": params.TEXT}, parent=intent)

    def list_events(self, call: Call) -> dict[str, Any]:
        """Events, also of some types."""
        spec = {"type": params.TEXT, "types": [params.TEXT]}
        given = call.takes({**params.LIST, **params.EXPAND, **spec})
        types = tuple(given.get("types", [given["type"]] if "type" in given else []))
        return self.shelf.page(call, "event", spec, references=types)

    def account(self, call: Call) -> dict[str, Any]:
        """Whose key it is."""
        call.takes(params.EXPAND)
        if call.ids.get("id", call.account) != call.account:
            words = f"The provided key does not have access to account '{call.ids['id']}'."
            raise wire.invalid(words, code="account_invalid", status=403)
        return {
            "id": call.account,
            "object": "account",
            "business_type": "company",
            "capabilities": {"card_payments": "active", "transfers": "active"},
            "charges_enabled": True,
            "country": "IN",
            "default_currency": "inr",
            "details_submitted": True,
            "email": None,
            "metadata": {},
            "payouts_enabled": True,
            "type": "standard",
        }

    def balance(self, call: Call) -> dict[str, Any]:
        """What the account's captures and refunds come to, by currency."""
        call.takes(params.EXPAND)
        found = self._bank.ledger.totals("stripe", call.account)
        amounts = [
            {"amount": one["net"], "currency": str(one["currency"]).lower()} for one in found
        ]
        none = [{"amount": 0, "currency": "inr"}]
        return {
            "object": "balance",
            "available": amounts or none,
            "livemode": call.live,
            "pending": [{"amount": 0, "currency": one["currency"]} for one in amounts] or none,
        }


def routes(bank: Bank, stripe: Stripe) -> APIRouter:
    """Everything under /stripe/v1."""
    router = APIRouter(prefix=PREFIX, tags=["stripe"])
    door = Door(bank)

    def add(method: str, path: str, operation: str, act: Act) -> None:
        async def endpoint(request: Request) -> Response:
            return await door.through(request, operation, act)

        router.add_api_route(path, endpoint, methods=[method], name=f"stripe.{operation}")

    sessions, one_session = "/checkout/sessions", "/checkout/sessions/{session}"
    cards, one_customer = stripe.cards, "/customers/{customer}"
    add("POST", "/customers", "customers.create", cards.create_customer)
    add("GET", "/customers", "customers.list", cards.customers)
    add("GET", "/customers/{id}", "customers.retrieve", cards.retrieve_customer)
    add("POST", one_customer, "customers.update", cards.update_customer)
    add("DELETE", one_customer, "customers.delete", cards.delete_customer)
    add("GET", f"{one_customer}/payment_methods", "customers.payment_methods", cards.index)
    detached = "/payment_methods/{method}/detach"
    add("POST", detached, "payment_methods.detach", cards.detach)
    add("POST", sessions, "checkout.sessions.create", stripe.checkout.create)
    add("GET", sessions, "checkout.sessions.list", stripe.checkout.index)
    add("GET", one_session, "checkout.sessions.retrieve", stripe.checkout.retrieve)
    add("POST", f"{one_session}/expire", "checkout.sessions.expire", stripe.checkout.expire)
    lines = stripe.checkout.line_items
    add("GET", f"{one_session}/line_items", "checkout.sessions.line_items", lines)
    add("POST", "/payment_intents", "payment_intents.create", stripe.intents.create)
    add("GET", "/payment_intents", "payment_intents.list", stripe.list_intents)
    for verb in ("confirm", "capture", "cancel"):
        act = getattr(stripe.intents, verb)
        add("POST", f"/payment_intents/{{intent}}/{verb}", f"payment_intents.{verb}", act)
    add("GET", "/charges", "charges.list", stripe.list_charges)
    add("POST", "/refunds", "refunds.create", stripe.refunds.create)
    add("GET", "/refunds", "refunds.list", stripe.refunds.index)
    add("GET", "/refunds/{refund}", "refunds.retrieve", stripe.refunds.retrieve)
    add("GET", "/events", "events.list", stripe.list_events)
    for kind, plural in KINDS.items():
        add("GET", f"/{plural}/{{id}}", f"{plural}.retrieve", stripe.one(kind))
    add("GET", "/balance", "balance.retrieve", stripe.balance)
    add("GET", "/account", "accounts.retrieve", stripe.account)
    add("GET", "/accounts/{id}", "accounts.retrieve", stripe.account)
    for method in ("GET", "POST", "DELETE"):
        add(method, "/{path:path}", "*", nowhere)
    return router


def nowhere(call: Call) -> dict[str, Any]:
    """A path the sandbox does not have."""
    raise wire.invalid(f"Unrecognized request URL ({call.path}).", status=404)
