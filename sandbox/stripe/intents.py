"""Payment intents by API: made, confirmed with a saved card, captured, cancelled."""

from typing import Any

from sandbox.payments.bank import Bank
from sandbox.payments.records import Record
from sandbox.payments.refusal import Refused
from sandbox.stripe import params, shapes, wire
from sandbox.stripe.call import Call
from sandbox.stripe.charging import PAYABLE, Charging
from sandbox.stripe.events import Events
from sandbox.stripe.shelf import Shelf

# What Stripe accepts in place of a payment method made by a form.
READY_MADE = {"pm_card_visa": "4242424242424242", "pm_card_chargeDeclined": "4000000000000002"}
CANCELLABLE = PAYABLE | {"requires_capture", "processing"}
AMOUNT_MAX = 99_999_999
USED_UP = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer"
    " attachment, shared with a connected account without Customer attachment, or was detached from"
    " a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach"
    " it to a Customer first."
)


class Intents:
    """The routes of payment intents."""

    def __init__(self, bank: Bank, shelf: Shelf, events: Events, charging: Charging) -> None:
        self._bank = bank
        self._shelf = shelf
        self._events = events
        self._charging = charging

    def create(self, call: Call) -> dict[str, Any]:
        """Make one, and confirm it at once if told so."""
        given = call.takes(params.CREATE_INTENT)
        params.needed(given, "amount", "currency")
        checked_amount(given["amount"], "amount")
        if given.get("off_session") and not given.get("confirm"):
            raise wire.invalid("`off_session` needs `confirm` set to true.", param="off_session")
        if given.get("customer"):
            self._shelf.get(call, "customer", given["customer"], "customer")
        method = self._method(call, given.get("payment_method"))
        intent = self._charging.new(call.account, given, self._bank.now, live=call.live)
        intent.reference = given.get("metadata", {}).get("reference")
        created = ("payment_intent.created", dict(intent.body))
        self._events.tell(intent, [created], call=call)
        if given.get("confirm"):
            return self._confirm(call, intent, method, off_session=given.get("off_session", False))
        if method is not None:
            intent.body |= {"payment_method": method.id, "status": "requires_confirmation"}
        self._bank.records.save(intent)
        return self._shelf.shown(call, intent.body)

    def confirm(self, call: Call) -> dict[str, Any]:
        """Charge it."""
        given = call.takes(params.CONFIRM_INTENT)
        intent = self._shelf.get(call, "payment_intent", call.ids["intent"])
        expect(intent, PAYABLE, "confirm")
        method = self._method(call, given.get("payment_method") or intent.body["payment_method"])
        off = given.get("off_session", False)
        return self._confirm(call, intent, method, off_session=off)

    def capture(self, call: Call) -> dict[str, Any]:
        """Take what was reserved, all of it or less."""
        given = call.takes({"amount_to_capture": params.WHOLE, **params.EXPAND})
        intent = self._shelf.get(call, "payment_intent", call.ids["intent"])
        expect(intent, {"requires_capture"}, "capture")
        amount = given.get("amount_to_capture", intent.body["amount_capturable"])
        if not 0 < amount <= intent.body["amount_capturable"]:
            raise wire.invalid(
                "The amount could not be captured: it is more than what can be captured.",
                param="amount_to_capture",
                code="amount_too_large",
            )
        happened = self._charging.capture(intent, amount, self._bank.now)
        self._events.tell(intent, happened, call=call)
        return self._shelf.shown(call, intent.body)

    def cancel(self, call: Call) -> dict[str, Any]:
        """Let it go."""
        given = call.takes({"cancellation_reason": params.TEXT, **params.EXPAND})
        intent = self._shelf.get(call, "payment_intent", call.ids["intent"])
        expect(intent, CANCELLABLE, "cancel")
        reason = given.get("cancellation_reason")
        happened = self._charging.cancel(intent, reason, self._bank.now)
        self._events.tell(intent, happened, call=call)
        return self._shelf.shown(call, intent.body)

    def _confirm(
        self, call: Call, intent: Record, method: Record | None, *, off_session: bool
    ) -> dict[str, Any]:
        if method is None:
            raise wire.invalid(
                "You cannot confirm this PaymentIntent because it's missing a payment method.",
                code="payment_intent_unexpected_state",
            )
        code = call.doom or method.beside.get("declines", "")
        if off_session and method.beside.get("asks"):
            code = code or "authentication_required"
        happened = self._charging.charge(intent, method, code, self._bank.now)
        self._events.tell(intent, happened, call=call)
        if code:
            more = {
                "charge": intent.body["latest_charge"],
                "payment_intent": intent.body,
                "payment_method": method.body,
            }
            raise Refused(wire.declined(code, **more), executed=True)
        return self._shelf.shown(call, intent.body)

    def _method(self, call: Call, method_id: str | None) -> Record | None:
        if not method_id:
            return None
        if method_id in READY_MADE:
            return self.keep_card(call.account, READY_MADE[method_id], live=call.live)
        method = self._shelf.get(call, "payment_method", method_id, "payment_method")
        if method.beside.get("detached"):
            raise wire.invalid(USED_UP, param="payment_method")
        return method

    def keep_card(self, account: str, number: str, *, live: bool, **who: str | None) -> Record:
        """A card as a payment method; what it will do is known by its number."""
        body = shapes.method({"type": "card", "number": number, **who}, self._bank.now, live=live)
        beside = {
            "declines": wire.CARDS.get(number, ""),
            "asks": number in wire.ASKS_EVERY_TIME,
        }
        record = Record("stripe", account, "payment_method", body, beside=beside)
        record.created = self._bank.now
        return self._bank.records.add(record)


def expect(intent: Record, allowed: frozenset[str] | set[str], verb: str) -> None:
    """The intent is in a state that allows this."""
    status = intent.body["status"]
    if status not in allowed:
        raise wire.invalid(
            f"You cannot {verb} this PaymentIntent because it has a status of {status}.",
            code="payment_intent_unexpected_state",
        )


def checked_amount(amount: int, param: str) -> None:
    """An amount Stripe takes."""
    if amount < 1:
        raise wire.invalid(
            "This value must be greater than or equal to 1.",
            param=param,
            code="parameter_invalid_integer",
        )
    if amount > AMOUNT_MAX:
        raise wire.invalid(
            "Amount must be no more than 999,999.99.", param=param, code="amount_too_large"
        )
