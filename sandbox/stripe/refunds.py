"""Refunds at Stripe: never more than was captured."""

from typing import Any

from sandbox.payments.bank import Bank
from sandbox.payments.ledger import Entry
from sandbox.payments.records import Record
from sandbox.stripe import params, shapes, wire
from sandbox.stripe.call import Call
from sandbox.stripe.events import Events, Happening
from sandbox.stripe.shelf import Shelf

LISTED: params.Spec = {"charge": params.TEXT, "payment_intent": params.TEXT}
REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})


class Refunds:
    """The routes of refunds. One whose refusal was ordered fails, and no money moves."""

    def __init__(self, bank: Bank, shelf: Shelf, events: Events) -> None:
        self._bank = bank
        self._shelf = shelf
        self._events = events

    def create(self, call: Call) -> dict[str, Any]:
        """Give money back."""
        given = call.takes(params.REFUND)
        if given.get("reason") not in {None, *REASONS}:
            raise wire.invalid(f"Invalid reason: {given['reason']}", param="reason")
        charge = self._charge(call, given)
        left = charge.body["amount_captured"] - charge.body["amount_refunded"]
        if not left:
            words = f"Charge {charge.id} has already been refunded."
            raise wire.invalid(words, code="charge_already_refunded")
        amount = given.get("amount", left)
        if not 0 < amount <= left:
            words = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            raise wire.invalid(words, param="amount")
        now = self._bank.now
        body = shapes.refund(charge.body, given, amount, now)
        record = Record("stripe", call.account, "refund", body, charge.body["payment_intent"])
        record.reference, record.created = charge.id, now
        happened: list[Happening] = [("refund.created", body)]
        if call.doom:
            body |= {"status": "failed", "failure_reason": call.doom, "balance_transaction": None}
            happened.append(("refund.failed", body))
        else:
            happened.append(("charge.refunded", self._book(charge, record)))
        self._bank.records.add(record)
        self._events.tell(record, happened, call=call)
        return self._shelf.shown(call, body)

    def retrieve(self, call: Call) -> dict[str, Any]:
        """One refund."""
        call.takes(params.EXPAND)
        return self._shelf.shown(call, self._shelf.get(call, "refund", call.ids["refund"]).body)

    def index(self, call: Call) -> dict[str, Any]:
        """Refunds, also of one charge or one intent."""
        given = call.takes({**params.LIST, **params.EXPAND, **LISTED})
        return self._shelf.page(
            call,
            "refund",
            LISTED,
            reference=given.get("charge"),
            parent=given.get("payment_intent"),
        )

    def _charge(self, call: Call, given: dict[str, Any]) -> Record:
        if given.get("charge"):
            return self._shelf.get(call, "charge", given["charge"], "charge")
        if not given.get("payment_intent"):
            raise wire.invalid(
                "One of the following params should be provided: payment_intent or charge."
            )
        intent_id = given["payment_intent"]
        intent = self._shelf.get(call, "payment_intent", intent_id, "payment_intent")
        charge = self._bank.records.find(intent.body["latest_charge"] or "", "charge")
        if charge is None or not charge.body["captured"]:
            words = f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
            raise wire.invalid(words, param="payment_intent")
        return charge

    def _book(self, charge: Record, refund: Record) -> dict[str, Any]:
        charge.body["amount_refunded"] += refund.body["amount"]
        whole = charge.body["amount_refunded"] == charge.body["amount"]
        charge.body["refunded"] = whole
        self._bank.records.save(charge)
        self._bank.ledger.enter(
            Entry(
                provider="stripe",
                account=refund.account,
                kind="refund",
                id=refund.id,
                payment=refund.body["payment_intent"],
                reference=charge.id,
                amount=refund.body["amount"],
                currency=refund.body["currency"],
                at=refund.created,
            )
        )
        return dict(charge.body)
