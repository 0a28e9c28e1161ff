"""UPI QR codes by API: made, read, closed on demand or at their time."""

from typing import Any

from sandbox.payments.bank import Bank
from sandbox.payments.records import Record, bodies
from sandbox.razorpay import entities, wire
from sandbox.razorpay.call import Call, owned
from sandbox.razorpay.events import Events

EXPIRY = "razorpay.code_expires"
SOONEST_SECONDS, LATEST_SECONDS = 2 * 60, 2 * 3600
FIELDS = {
    "type": "string",
    "name": "string",
    "usage": "string",
    "fixed_amount": "boolean",
    "payment_amount": "integer",
    "description": "string",
    "customer_id": "string",
    "close_by": "integer",
    "notes": "any",
}


class Codes:
    """The routes of QR codes."""

    def __init__(self, bank: Bank, events: Events) -> None:
        self._bank = bank
        self._events = events
        bank.dues.know({EXPIRY: self._fall_due})

    def create(self, call: Call) -> dict[str, Any]:
        """Make a code. One for a single use has a fixed amount and two hours at most."""
        given = wire.checked(call.given, FIELDS, "type", "usage")
        if given["type"] != "upi_qr":
            raise wire.invalid("The type is invalid.", "type")
        if given["usage"] not in {"single_use", "multiple_use"}:
            raise wire.invalid("The usage is invalid.", "usage")
        if given["usage"] == "single_use" and not given.get("fixed_amount"):
            raise wire.invalid("A single use code needs a fixed amount.", "fixed_amount")
        if given.get("fixed_amount"):
            wire.checked(given, FIELDS, "payment_amount")
            wire.amount(given["payment_amount"], "payment_amount")
        given["close_by"] = closing(given["usage"], given.get("close_by"), self._bank.now)
        body = entities.code(given, self._bank.now, call.base)
        record = Record("razorpay", call.account, "qr_code", body, created=self._bank.now)
        record.parent = given.get("customer_id")
        self._bank.records.add(record)
        if body["close_by"]:
            self._bank.dues.note(body["close_by"], EXPIRY, record.id)
        self._events.tell(record, [("qr_code.created", {"qr_code": body})], self._bank.now)
        return body

    def fetch(self, call: Call) -> dict[str, Any]:
        """One code."""
        return self._get(call).body

    def index(self, call: Call) -> dict[str, Any]:
        """Codes, also those a payment came by, or a customer's."""
        if payment_id := call.query.get("payment_id"):
            payment = owned(self._bank, call, "payment", payment_id)
            found = self._bank.records.find(payment.beside["owner"], "qr_code")
            return wire.collection([] if found is None else [found.body])
        asked = call.asked(parent=call.query.get("customer_id"))
        return wire.collection(bodies(self._bank.records.listed(call.account, "qr_code", asked)))

    def close(self, call: Call) -> dict[str, Any]:
        """Have nobody pay by it any more."""
        record = self._get(call)
        if record.body["status"] == "closed":
            raise wire.invalid("QrCode is already closed")
        self._close(record, "on_demand", self._bank.now)
        return record.body

    def payments(self, call: Call) -> dict[str, Any]:
        """What was paid by it."""
        record = self._get(call)
        found = self._bank.records.listed(call.account, "payment", call.asked(reference=record.id))
        return wire.collection(bodies(found))

    def _close(self, record: Record, reason: str | None, at: int) -> None:
        record.body |= {"status": "closed", "closed_at": at, "close_reason": reason}
        self._bank.records.save(record)
        self._events.tell(record, [("qr_code.closed", {"qr_code": dict(record.body)})], at)

    def _fall_due(self, record_id: str, at: int) -> None:
        record = self._bank.records.find(record_id, "qr_code")
        if record is not None and record.body["status"] == "active":
            self._close(record, None, at)

    def _get(self, call: Call) -> Record:
        return owned(self._bank, call, "qr_code", call.ids["id"])


def closing(usage: str, close_by: int | None, now: int) -> int | None:
    """When a code closes: longer than two hours is cut to two hours without a word."""
    if usage == "multiple_use":
        if close_by:
            raise wire.invalid("close_by is not allowed for multiple_use", "close_by")
        return None
    if close_by is None:
        return now + LATEST_SECONDS
    if close_by < now + SOONEST_SECONDS:
        raise wire.invalid("close_by should be at least 2 minutes from now", "close_by")
    return min(close_by, now + LATEST_SECONDS)
