"""What a payer does with a Razorpay link, QR code or order, and what the bank says late."""

from urllib.parse import urlencode

from sandbox.payments.bank import Bank, Impossible, Paid, Tender
from sandbox.payments.records import Record
from sandbox.payments.signing import digest
from sandbox.razorpay import entities, wire
from sandbox.razorpay.events import Events
from sandbox.razorpay.taking import Taking

CARDS = {"4000000000000002": "payment_failed", "4000000000009995": "insufficient_funds"}
# The addresses Razorpay's own test mode knows.
ADDRESSES = {"failure@razorpay": "payment_failed"}


class Paying:
    """Pays, fails and comes back late."""

    def __init__(self, bank: Bank, events: Events, taking: Taking) -> None:
        self._bank = bank
        self._events = events
        self._taking = taking

    def pay(self, target: Record, tender: Tender) -> Paid:
        """Pay it, or seem to fail when the bank answers later."""
        amount = self._amount(target, tender)
        order = self._order(target)
        payment = self._taking.begin(target, order, amount, tender)
        code = tender.code or self._refuses(tender)
        if code or tender.later_seconds is not None:
            later = None if code else tender.later_seconds
            self._taking.fail(payment, code or "payment_pending", later)
            return Paid(payment.id, "failed")
        now = self._bank.now
        happened = self._taking.authorise(payment, now)
        if target.kind != "order" or target.beside["takes"]:
            happened += self._taking.capture(payment, now)
        self._events.tell(payment, happened, now)
        found = self._bank.records.find(target.id)
        assert found is not None
        return Paid(payment.id, payment.body["status"], self._callback(found, payment))

    def fail(self, target: Record, code: str) -> Paid:
        """Try in vain."""
        return self.pay(target, Tender(method="", code=code or "payment_failed"))

    def cancel(self, target: Record) -> Paid:
        """Go away in the middle of paying."""
        return self.fail(target, "payment_cancelled")

    def approve(self, target: Record) -> Paid:
        """The bank says yes after all, to a payment or to the last failed one of a target."""
        payment = target
        if target.kind != "payment":
            tried = self._bank.records.referring(target.id, "payment")
            tries = [one for one in tried if one.body["status"] == "failed"]
            if not tries:
                raise Impossible("Nothing failed here.")
            payment = tries[-1]
        self._taking.late(payment, self._bank.now)
        return Paid(payment.id, payment.body["status"])

    def account(self, key: str) -> str:
        """The account of a key id."""
        return wire.account_of(key)

    @staticmethod
    def _refuses(tender: Tender) -> str:
        if tender.method == "card":
            return CARDS.get(tender.card, "")
        return ADDRESSES.get(tender.vpa, "")

    def _amount(self, target: Record, tender: Tender) -> int:
        """How much: what is left, or a part where that is allowed."""
        body = target.body
        if target.kind == "qr_code":
            if body["status"] != "active":
                raise Impossible("This code is closed.")
            return fixed(body["payment_amount"], tender.amount)
        if target.kind == "order":
            if body["status"] == "paid":
                raise Impossible("This order is paid.")
            partial = target.beside["partial"]
            return part(body["amount_due"], tender.amount, partial=partial, least=1)
        if target.kind == "payment_link":
            if body["status"] not in {"created", "partially_paid"}:
                raise Impossible(f"This link is {body['status']}.")
            least = 1 if body["amount_paid"] else body["first_min_partial_amount"] or 1
            left = body["amount"] - body["amount_paid"]
            return part(left, tender.amount, partial=body["accept_partial"], least=least)
        raise Impossible(f"{target.id} cannot be paid.")

    def _order(self, target: Record) -> Record | None:
        """What the payment belongs to; a link makes its order at the first try."""
        if target.kind == "order":
            return target
        if target.kind == "qr_code":
            return None
        found = self._bank.records.find(target.body.get("order_id") or "", "order")
        if found is not None:
            return found
        given = {
            "amount": target.body["amount"],
            "currency": target.body["currency"],
            "receipt": target.body["reference_id"] or None,
            "notes": target.body["notes"],
        }
        body = entities.order(given, self._bank.now)
        order = Record("razorpay", target.account, "order", body, created=self._bank.now)
        order.reference = given["receipt"]
        order.beside = {"takes": True, "partial": target.body["accept_partial"]}
        self._bank.records.add(order)
        target.body["order_id"] = order.id
        self._bank.records.save(target)
        return order

    def _callback(self, link: Record, payment: Record) -> str | None:
        """Where the browser goes, with what proves it; only the page believes it."""
        if link.kind != "payment_link" or not link.body["callback_url"]:
            return None
        known = self._bank.state.row(
            "SELECT secret FROM payment_keys WHERE account = ?", link.account
        )
        assert known is not None
        body = link.body
        signed = f"{link.id}|{body['reference_id']}|{body['status']}|{payment.id}"
        query = {
            "razorpay_payment_id": payment.id,
            "razorpay_payment_link_id": link.id,
            "razorpay_payment_link_reference_id": body["reference_id"],
            "razorpay_payment_link_status": body["status"],
            "razorpay_signature": digest(known["secret"], signed),
        }
        joint = "&" if "?" in body["callback_url"] else "?"
        return f"{body['callback_url']}{joint}{urlencode(query)}"


def fixed(asked: int | None, amount: int | None) -> int:
    """What a code takes: its own amount, or the payer's where it has none."""
    if asked is None:
        if amount is None:
            raise Impossible("Say how much: this code takes any amount.")
        return amount
    if amount not in {None, asked}:
        raise Impossible(f"This code takes {asked} and nothing else.")
    return asked


def part(left: int, amount: int | None, *, partial: bool, least: int) -> int:
    """All that is left, or a part of it that is not too small."""
    if amount is None or amount == left:
        return left
    if not partial or amount > left:
        raise Impossible(f"{left} is to be paid here, and nothing else.")
    if amount < least:
        raise Impossible(f"The first part is {least} at least.")
    return amount
