"""Checkout Sessions by API: made for a payment or to save a card, read, expired."""

from collections.abc import Mapping
from typing import Any

from sandbox.payments.bank import Bank
from sandbox.payments.records import Record
from sandbox.stripe import params, shapes, wire
from sandbox.stripe.call import Call
from sandbox.stripe.charging import Charging
from sandbox.stripe.events import Events
from sandbox.stripe.intents import checked_amount
from sandbox.stripe.shelf import Shelf

SHORTEST_SECONDS, LONGEST_SECONDS = 30 * 60, 24 * 3600
EXPIRY = "stripe.session_expires"
LISTED: params.Spec = {"payment_intent": params.TEXT, "customer": params.TEXT}


class Checkout:
    """The routes of Checkout Sessions."""

    def __init__(self, bank: Bank, shelf: Shelf, events: Events, charging: Charging) -> None:
        self._bank = bank
        self._shelf = shelf
        self._events = events
        self._charging = charging
        bank.dues.know({EXPIRY: self._fall_due})

    def create(self, call: Call) -> dict[str, Any]:
        """Open a page to pay on, or to leave a card."""
        given = call.takes(params.CHECKOUT)
        mode = checked_mode(given)
        params.needed(given, "success_url")
        if given.get("customer"):
            self._shelf.get(call, "customer", given["customer"], "customer")
        now = self._bank.now
        given["expires_at"] = checked_expiry(given.get("expires_at"), now)
        body = shapes.session(given, now, live=call.live)
        body["url"] = f"{call.base}/checkout/{body['id']}"
        lines = [shapes.item(line) for line in given.get("line_items", [])]
        if mode == "payment":
            body |= totals(lines)
        record = Record("stripe", call.account, "checkout_session", body, created=now)
        record.parent = given.get("customer")
        record.beside = {
            "lines": lines,
            "intent": given.get("payment_intent_data", {}),
            "setup": given.get("setup_intent_data", {}),
        }
        setup = self._open_setup(record) if mode == "setup" else None
        self._bank.records.add(record)
        if setup is not None:
            self._events.tell(record, [("setup_intent.created", dict(setup.body))], call=call)
        self._bank.dues.note(given["expires_at"], EXPIRY, record.id)
        return self._shelf.shown(call, body)

    def retrieve(self, call: Call) -> dict[str, Any]:
        """One session."""
        call.takes(params.EXPAND)
        return self._shelf.shown(call, self._get(call).body)

    def index(self, call: Call) -> dict[str, Any]:
        """Sessions, also by the intent they made."""
        given = call.takes({**params.LIST, **params.EXPAND, **LISTED})
        return self._shelf.page(
            call,
            "checkout_session",
            LISTED,
            reference=given.get("payment_intent"),
            parent=given.get("customer"),
        )

    def line_items(self, call: Call) -> dict[str, Any]:
        """What the page is for."""
        call.takes({**params.LIST, **params.EXPAND})
        return self._shelf.lines(self._get(call).id)

    def expire(self, call: Call) -> dict[str, Any]:
        """Close the page for good."""
        call.takes(params.EXPAND)
        record = self._get(call)
        if record.body["status"] != "open":
            raise wire.invalid(
                'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout'
                f" Session has a status of `{record.body['status']}`.",
            )
        self.close(record, self._bank.now, call)
        return self._shelf.shown(call, record.body)

    def close(self, record: Record, at: int, call: Call | None = None) -> None:
        """Nobody can pay here any more; a half-made intent goes with it."""
        record.body |= {"status": "expired", "url": None}
        self._bank.records.save(record)
        happened = [("checkout.session.expired", dict(record.body))]
        intent = self._bank.records.find(record.body["payment_intent"] or "", "payment_intent")
        if intent is not None:
            happened += self._charging.cancel(intent, "automatic", at)
        setup = self._bank.records.find(record.body["setup_intent"] or "", "setup_intent")
        if setup is not None:
            setup.body |= {"status": "canceled", "cancellation_reason": "abandoned"}
            self._bank.records.save(setup)
            happened.append(("setup_intent.canceled", dict(setup.body)))
        self._events.tell(record, happened, at=at, call=call)

    def _fall_due(self, record_id: str, at: int) -> None:
        record = self._bank.records.find(record_id, "checkout_session")
        if record is not None and record.body["status"] == "open":
            self.close(record, at)

    def _open_setup(self, record: Record) -> Record:
        given = {
            **record.beside["setup"],
            "customer": record.body["customer"],
            "payment_method_types": record.body["payment_method_types"],
        }
        live = record.body["livemode"]
        intent = shapes.setup(given, record.created, live=live)
        record.body["setup_intent"] = intent["id"]
        kept = Record("stripe", record.account, "setup_intent", intent, created=record.created)
        return self._bank.records.add(kept)

    def _get(self, call: Call) -> Record:
        return self._shelf.get(call, "checkout_session", call.ids["session"])


def totals(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """What the lines come to."""
    total = sum(line["amount_total"] for line in lines)
    return {
        "amount_subtotal": total,
        "amount_total": total,
        "currency": lines[0]["currency"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    }


def checked_mode(given: Mapping[str, Any]) -> str:
    """The mode, with what it needs and without what it cannot have."""
    params.needed(given, "mode")
    mode = given["mode"]
    if mode not in {"payment", "setup"}:
        raise wire.invalid(
            f"Invalid mode: must be one of payment or setup, not {mode}", param="mode"
        )
    lines = given.get("line_items", [])
    if mode == "setup":
        if lines:
            raise wire.invalid("You can not pass `line_items` in `setup` mode.", param="line_items")
        named = ("currency", "payment_method_types", "allowed_payment_method_types")
        if not any(given.get(name) for name in named):
            raise params.absent("currency")
        return mode
    if not lines:
        raise params.absent("line_items")
    for place, line in enumerate(lines):
        checked_line(line, f"line_items[{place}]")
    if len({line["price_data"]["currency"].lower() for line in lines}) > 1:
        raise wire.invalid("All line items must have the same currency.", param="line_items")
    checked_amount(sum(shapes.item(line)["amount_total"] for line in lines), "line_items")
    return mode


def checked_line(line: Mapping[str, Any], at: str) -> None:
    """A line with a price made for it."""
    price = line.get("price_data", {})
    for name in ("currency", "unit_amount", "product_data"):
        if not price.get(name):
            raise params.absent(f"{at}[price_data][{name}]")
    if not price["product_data"].get("name"):
        raise params.absent(f"{at}[price_data][product_data][name]")
    if line.get("quantity", 0) < 1:
        raise params.absent(f"{at}[quantity]")


def checked_expiry(expires_at: int | None, now: int) -> int:
    """When the page closes: half an hour to a day after it opened, a day if nothing is said."""
    if expires_at is None:
        return now + LONGEST_SECONDS
    if expires_at < now + SHORTEST_SECONDS:
        words = (
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        )
        raise wire.invalid(words, param="expires_at")
    if expires_at > now + LONGEST_SECONDS:
        words = (
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        )
        raise wire.invalid(words, param="expires_at")
    return expires_at
