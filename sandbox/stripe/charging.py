"""Charges of payment intents: taken by the card's bank or declined, booked when captured."""

from collections.abc import Mapping
from typing import Any

from sandbox.payments.bank import Bank
from sandbox.payments.ledger import Entry
from sandbox.payments.records import Record
from sandbox.stripe import shapes, wire
from sandbox.stripe.events import Happening

PAYABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


class Charging:
    """Moves intents through their states. Answers the events; whoever called tells them."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def new(self, account: str, given: Mapping[str, Any], at: int, *, live: bool) -> Record:
        """A payment intent of an account."""
        body = shapes.intent(given, at, live=live)
        record = Record("stripe", account, "payment_intent", body, created=at)
        record.parent = given.get("customer")
        return self._bank.records.add(record)

    def charge(self, intent: Record, method: Record, code: str, at: int) -> list[Happening]:
        """Charge an intent; with a code, the bank says no for that reason."""
        reason = wire.decline(code) if code else None
        charge = shapes.charge(intent.body, method.body, at, reason)
        manual = intent.body["capture_method"] == "manual" and not reason
        if manual:
            charge |= {"captured": False, "amount_captured": 0, "balance_transaction": None}
        kept = Record("stripe", intent.account, "charge", charge, intent.id, created=at)
        self._bank.records.add(kept)
        intent.body |= {"latest_charge": charge["id"], "next_action": None, "processing": None}
        if reason is not None:
            told = {**reason, "charge": charge["id"], "payment_method": method.body}
            intent.body |= {
                "status": "requires_payment_method",
                "last_payment_error": told,
                "payment_method": None,
            }
            self._bank.records.save(intent)
            failed = ("payment_intent.payment_failed", dict(intent.body))
            return [("charge.failed", charge), failed]
        intent.body |= {"last_payment_error": None, "payment_method": method.id}
        self._save_method(intent, method)
        if manual:
            intent.body |= {"status": "requires_capture", "amount_capturable": charge["amount"]}
            self._bank.records.save(intent)
            waits = ("payment_intent.amount_capturable_updated", dict(intent.body))
            return [("charge.succeeded", charge), waits]
        return [("charge.succeeded", charge), *self._captured(intent, kept, charge["amount"], at)]

    def capture(self, intent: Record, amount: int, at: int) -> list[Happening]:
        """Take what was only reserved."""
        charge = self._bank.records.find(intent.body["latest_charge"], "charge")
        assert charge is not None
        charge.body |= {
            "captured": True,
            "amount_captured": amount,
            "balance_transaction": wire.new("txn_"),
        }
        self._bank.records.save(charge)
        happened = self._captured(intent, charge, amount, at)
        return [("charge.captured", dict(charge.body)), *happened]

    def _captured(self, intent: Record, charge: Record, amount: int, at: int) -> list[Happening]:
        intent.body |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
        self._bank.records.save(intent)
        self._bank.ledger.enter(
            Entry(
                provider="stripe",
                account=intent.account,
                kind="capture",
                id=charge.id,
                payment=intent.id,
                reference=intent.reference,
                amount=amount,
                currency=intent.body["currency"],
                fee=intent.body["application_fee_amount"] or 0,
                at=at,
            )
        )
        return [("payment_intent.succeeded", dict(intent.body))]

    def _save_method(self, intent: Record, method: Record) -> None:
        """Keep the card for later, where that was asked and there is somebody to keep it for."""
        if intent.body["setup_future_usage"] and intent.body["customer"]:
            method.body["customer"] = method.parent = intent.body["customer"]
            self._bank.records.save(method)

    def process(self, intent: Record, method: Record) -> list[Happening]:
        """The payer's bank takes its time."""
        intent.body |= {"status": "processing", "payment_method": method.id}
        self._bank.records.save(intent)
        return [("payment_intent.processing", dict(intent.body))]

    def cancel(self, intent: Record, reason: str | None, at: int) -> list[Happening]:
        """Let an intent go."""
        intent.body |= {
            "status": "canceled",
            "canceled_at": at,
            "cancellation_reason": reason,
            "amount_capturable": 0,
        }
        self._bank.records.save(intent)
        return [("payment_intent.canceled", dict(intent.body))]
