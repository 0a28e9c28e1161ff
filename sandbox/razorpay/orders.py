"""Orders and payments by API: made, read, captured, given back."""

import hashlib
import json
from typing import Any

from sandbox.payments.bank import Bank
from sandbox.payments.ledger import Entry
from sandbox.payments.records import Record, bodies
from sandbox.payments.refusal import Refused
from sandbox.razorpay import entities, wire
from sandbox.razorpay.call import Call, owned
from sandbox.razorpay.events import Events
from sandbox.razorpay.taking import Taking

RECEIPT_MAX = 40
ONCE_MIN = 10
REFUNDABLE_SECONDS = 184 * 24 * 3600
ORDER = {
    "amount": "integer",
    "currency": "string",
    "receipt": "string",
    "notes": "any",
    "payment_capture": "any",
    "partial_payment": "boolean",
}
REFUND = {"amount": "integer", "speed": "string", "receipt": "string", "notes": "any"}


class Orders:
    """The routes of orders."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def create(self, call: Call) -> dict[str, Any]:
        """Make an order. The same receipt twice makes two orders."""
        given = wire.checked(call.given, ORDER, "amount", "currency")
        wire.amount(given["amount"])
        if len(given.get("receipt") or "") > RECEIPT_MAX:
            words = f"The receipt may not be greater than {RECEIPT_MAX} characters."
            raise wire.invalid(words, "receipt")
        body = entities.order(given, self._bank.now)
        record = Record("razorpay", call.account, "order", body, created=self._bank.now)
        record.reference = given.get("receipt")
        takes = given.get("payment_capture") in {True, "1"}
        record.beside = {"takes": takes, "partial": given.get("partial_payment", False)}
        return self._bank.records.add(record).body

    def fetch(self, call: Call) -> dict[str, Any]:
        """One order."""
        return owned(self._bank, call, "order", call.ids["id"]).body

    def index(self, call: Call) -> dict[str, Any]:
        """Orders, also by receipt."""
        asked = call.asked(reference=call.query.get("receipt"))
        return wire.collection(bodies(self._bank.records.listed(call.account, "order", asked)))

    def payments(self, call: Call) -> dict[str, Any]:
        """Every try to pay it."""
        order = owned(self._bank, call, "order", call.ids["id"])
        return wire.collection(bodies(self._bank.records.children(order.id, "payment")))


class Payments:
    """The routes of payments and refunds."""

    def __init__(self, bank: Bank, events: Events, taking: Taking) -> None:
        self._bank = bank
        self._events = events
        self._taking = taking

    def fetch(self, call: Call) -> dict[str, Any]:
        """One payment."""
        return self._get(call).body

    def index(self, call: Call) -> dict[str, Any]:
        """Payments, newest first."""
        found = self._bank.records.listed(call.account, "payment", call.asked())
        return wire.collection(bodies(found))

    def capture(self, call: Call) -> dict[str, Any]:
        """Take exactly what was authorised, once."""
        given = wire.checked(
            call.given, {"amount": "integer", "currency": "string"}, "amount", "currency"
        )
        payment = self._get(call)
        if payment.body["status"] == "captured":
            raise wire.invalid("This payment has already been captured")
        if payment.body["status"] != "authorized":
            words = "Only payments which have been authorized and not yet captured can be captured"
            raise wire.invalid(words)
        if given["amount"] != payment.body["amount"]:
            words = "Capture amount must be equal to the amount authorized"
            raise wire.invalid(words, "amount")
        order = self._bank.records.find(payment.parent or "", "order")
        if order is not None and order.body["amount_due"] < payment.body["amount"]:
            raise wire.invalid("Order is already paid")
        happened = self._taking.capture(payment, self._bank.now)
        self._events.tell(payment, happened, self._bank.now)
        return payment.body

    def refund(self, call: Call) -> dict[str, Any]:
        """Give back no more than is left; a header of the caller's makes it safe to repeat."""
        if call.once is not None:
            return self._once(call, call.once)
        return self._refund(call)

    def refunds(self, call: Call) -> dict[str, Any]:
        """What was given back of a payment."""
        payment = self._get(call)
        return wire.collection(bodies(self._bank.records.children(payment.id, "refund")))

    def fetch_refund(self, call: Call) -> dict[str, Any]:
        """One refund."""
        return owned(self._bank, call, "refund", call.ids["refund"]).body

    def list_refunds(self, call: Call) -> dict[str, Any]:
        """Refunds, newest first."""
        found = self._bank.records.listed(call.account, "refund", call.asked())
        return wire.collection(bodies(found))

    def _get(self, call: Call) -> Record:
        return owned(self._bank, call, "payment", call.ids["id"])

    def _once(self, call: Call, key: str) -> dict[str, Any]:
        if len(key) < ONCE_MIN:
            raise wire.invalid("The idempotency key is too short.")
        told = json.dumps([call.ids["id"], call.given], sort_keys=True)
        mark = hashlib.sha256(told.encode()).hexdigest()
        slot = (call.account, f"refund:{key}")
        found = self._bank.state.row(
            "SELECT * FROM payment_answers WHERE account = ? AND key = ?", *slot
        )
        if found is not None and found["fingerprint"] != mark:
            words = "Different request for the same idempotency key."
            raise Refused(wire.error(409, words))
        if found is not None:
            return json.loads(found["body"])
        body = self._refund(call)
        self._bank.state.write(
            "INSERT INTO payment_answers VALUES (?, ?, ?, 200, ?, ?)",
            *slot,
            mark,
            json.dumps(body),
            self._bank.now,
        )
        return body

    def _refund(self, call: Call) -> dict[str, Any]:
        given, payment, now = wire.checked(call.given, REFUND), self._get(call), self._bank.now
        amount = self._refundable(payment, given)
        body = entities.refund(payment.body, given, amount, now)
        record = Record("razorpay", call.account, "refund", body, payment.id, created=now)
        if call.doom:
            self._bank.records.add(record)
            created = ("refund.created", {"refund": dict(body), "payment": payment.body})
            body |= {"status": "failed", "speed_processed": None}
            self._bank.records.save(record)
            failed = ("refund.failed", {"refund": body, "payment": payment.body})
            self._events.tell(payment, [created, failed], now)
            return body
        self._bank.records.add(record)
        payment.body["amount_refunded"] += amount
        whole = payment.body["amount_refunded"] == payment.body["amount"]
        payment.body["refund_status"] = "full" if whole else "partial"
        payment.body["status"] = "refunded" if whole else "captured"
        self._bank.records.save(payment)
        self._book(record)
        seen = {"refund": body, "payment": payment.body}
        self._events.tell(payment, [("refund.created", seen), ("refund.processed", seen)], now)
        return body

    def _refundable(self, payment: Record, given: dict[str, Any]) -> int:
        if not payment.body["captured"]:
            raise wire.invalid("The payment status should be captured for action to be taken")
        if self._bank.now > payment.created + REFUNDABLE_SECONDS:
            raise wire.invalid("The payment is more than six months old.")
        left = payment.body["amount"] - payment.body["amount_refunded"]
        if not left:
            raise wire.invalid("The payment has been fully refunded already")
        amount = wire.amount(given.get("amount", left))
        if amount > left:
            words = "The total refund amount is greater than the refund payment amount"
            raise wire.invalid(words, "amount")
        return amount

    def _book(self, refund: Record) -> None:
        self._bank.ledger.enter(
            Entry(
                provider="razorpay",
                account=refund.account,
                kind="refund",
                id=refund.id,
                payment=refund.body["payment_id"],
                reference=refund.body["receipt"],
                amount=refund.body["amount"],
                currency=refund.body["currency"],
                at=refund.created,
            )
        )
