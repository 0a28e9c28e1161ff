"""Payment links by API: made, found by reference, changed, cancelled, expired."""

from typing import Any

from sandbox.payments.bank import Bank
from sandbox.payments.records import Asked, Record, bodies
from sandbox.razorpay import entities, wire
from sandbox.razorpay.call import Call, owned
from sandbox.razorpay.events import Events, link_seen

EXPIRY = "razorpay.link_expires"
SOONEST_SECONDS, LATEST_SECONDS = 15 * 60, 184 * 24 * 3600
REFERENCE_MAX, DESCRIPTION_MAX = 40, 2048
FIELDS = {
    "amount": "integer",
    "currency": "string",
    "accept_partial": "boolean",
    "first_min_partial_amount": "integer",
    "reference_id": "string",
    "description": "string",
    "customer": "object",
    "notify": "object",
    "notes": "any",
    "reminder_enable": "boolean",
    "callback_url": "string",
    "callback_method": "string",
    "expire_by": "integer",
    "upi_link": "boolean",
}
CHANGEABLE = ("reference_id", "expire_by", "notes", "reminder_enable", "accept_partial")


class Links:
    """The routes of payment links."""

    def __init__(self, bank: Bank, events: Events) -> None:
        self._bank = bank
        self._events = events
        bank.dues.know({EXPIRY: self._fall_due})

    def create(self, call: Call) -> dict[str, Any]:
        """Make a link; its reference must be new."""
        given = wire.checked(call.given, FIELDS, "amount")
        wire.amount(given["amount"])
        if len(given.get("description", "")) > DESCRIPTION_MAX:
            raise wire.invalid("The description is too long.", "description")
        if given.get("callback_url") and given.get("callback_method") != "get":
            raise wire.invalid("The callback method must be get.", "callback_method")
        self._check_reference(call, given.get("reference_id"))
        self._check_expiry(given.get("expire_by"))
        body = entities.link(given, self._bank.now, call.base)
        record = Record("razorpay", call.account, "payment_link", body, created=self._bank.now)
        record.reference = body["reference_id"] or None
        self._bank.records.add(record)
        if body["expire_by"]:
            self._bank.dues.note(body["expire_by"], EXPIRY, record.id)
        return body

    def fetch(self, call: Call) -> dict[str, Any]:
        """One link."""
        return self._get(call).body

    def index(self, call: Call) -> dict[str, Any]:
        """Links, also by reference; this list has a name of its own."""
        reference = call.query.get("reference_id")
        found = self._bank.records.listed(
            call.account, "payment_link", call.asked(reference=reference)
        )
        return {"payment_links": bodies(found)}

    def update(self, call: Call) -> dict[str, Any]:
        """Change what may be changed while something is still to be paid."""
        given = wire.checked(call.given, {name: FIELDS[name] for name in CHANGEABLE})
        record = self._get(call)
        if record.body["status"] not in {"created", "partially_paid"}:
            raise wire.invalid(f"Payment link is already {record.body['status']}")
        if given.get("reference_id", record.reference) != record.reference:
            self._check_reference(call, given["reference_id"])
            record.reference = given["reference_id"]
        if "notes" in given:
            given["notes"] = wire.notes(given["notes"])
        if given.get("expire_by"):
            self._check_expiry(given["expire_by"])
            self._bank.dues.forget(EXPIRY, record.id)
            self._bank.dues.note(given["expire_by"], EXPIRY, record.id)
        record.body |= {**given, "updated_at": self._bank.now}
        return self._bank.records.save(record).body

    def cancel(self, call: Call) -> dict[str, Any]:
        """Take a link back, while nothing was paid on it."""
        record = self._get(call)
        if record.body["status"] != "created":
            words = f"Payment link cannot be cancelled: it is {record.body['status']}"
            raise wire.invalid(words)
        self._end(record, "cancelled", self._bank.now)
        return record.body

    def _end(self, record: Record, status: str, at: int) -> None:
        record.body |= {"status": status, f"{status}_at": at, "updated_at": at}
        self._bank.records.save(record)
        seen = {"payment_link": link_seen(record)}
        self._events.tell(record, [(f"payment_link.{status}", seen)], at)

    def _fall_due(self, record_id: str, at: int) -> None:
        record = self._bank.records.find(record_id, "payment_link")
        if record is not None and record.body["status"] in {"created", "partially_paid"}:
            self._end(record, "expired", at)

    def _get(self, call: Call) -> Record:
        return owned(self._bank, call, "payment_link", call.ids["id"])

    def _check_reference(self, call: Call, reference: str | None) -> None:
        if not reference:
            return
        if len(reference) > REFERENCE_MAX:
            words = f"The reference id may not be greater than {REFERENCE_MAX} characters."
            raise wire.invalid(words, "reference_id")
        asked = Asked(reference=reference, limit=1)
        if self._bank.records.listed(call.account, "payment_link", asked):
            raise wire.invalid(
                f"payment link with given reference_id: {reference} already exists. Please create"
                " a payment link with a different reference_id",
                "reference_id",
            )

    def _check_expiry(self, expire_by: int | None) -> None:
        if not expire_by:
            return
        if expire_by < self._bank.now + SOONEST_SECONDS:
            words = "expire_by should be at least 15 minutes after the current time"
            raise wire.invalid(words, "expire_by")
        if expire_by > self._bank.now + LATEST_SECONDS:
            raise wire.invalid("expire_by should be within 6 months", "expire_by")
