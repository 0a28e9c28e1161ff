"""Payments at Razorpay: tried, authorised, captured, failed, and authorised after all."""

from secrets import randbelow
from typing import Any

from sandbox.payments.bank import Bank, Impossible, Tender
from sandbox.payments.ledger import Entry
from sandbox.payments.records import Record
from sandbox.razorpay import entities, wire
from sandbox.razorpay.events import Events, Happening, link_seen, order_seen

DAYS_LATE = 3
LATE_SECONDS = DAYS_LATE * 24 * 3600
LATE, UNCAPTURED = "razorpay.late_authorisation", "razorpay.not_captured"
OWNERS = ("order", "payment_link", "qr_code")


class Taking:
    """Moves payments through their states and books what is captured."""

    def __init__(self, bank: Bank, events: Events) -> None:
        self._bank = bank
        self._events = events
        bank.dues.know({LATE: self._fall_late, UNCAPTURED: self._give_back})

    def begin(self, owner: Record, order: Record | None, amount: int, tender: Tender) -> Record:
        """A try to pay something; the order counts it."""
        if order is not None:
            order.body["attempts"] += 1
            order.body["status"] = "attempted"
            self._bank.records.save(order)
        described = f"#{owner.id.partition('_')[2]}" if owner.kind == "payment_link" else None
        facts = {
            "amount": amount,
            "currency": owner.body.get("currency", "INR"),
            "method": tender.method or "upi",
            "vpa": tender.vpa,
            "card": tender.card,
            "order_id": order and order.id,
            "customer": owner.body.get("customer"),
            "description": "QRv2 Payment" if owner.kind == "qr_code" else described,
            "notes": owner.body["notes"],
        }
        body = entities.payment(facts, self._bank.now)
        record = Record("razorpay", owner.account, "payment", body, order and order.id)
        record.reference, record.created = owner.id, self._bank.now
        record.beside = {"owner": owner.id}
        return self._bank.records.add(record)

    def fail(self, payment: Record, code: str, later_seconds: int | None) -> None:
        """Let a try fail; the bank may still say yes, within three days."""
        left = code == "payment_cancelled"
        payment.body |= {
            "status": "failed",
            "error_code": "BAD_REQUEST_ERROR",
            "error_description": "You left before the payment was made."
            if left
            else "Payment failed",
            "error_source": "customer" if left else "issuer",
            "error_step": "payment_authentication" if left else "payment_authorization",
            "error_reason": code,
        }
        self._bank.records.save(payment)
        self._events.tell(payment, [("payment.failed", {"payment": payment.body})], self._bank.now)
        if later_seconds is not None:
            if later_seconds > LATE_SECONDS:
                raise Impossible(f"No bank says yes after more than {DAYS_LATE} days.")
            self._bank.dues.note(self._bank.now + later_seconds, LATE, payment.id)

    def authorise(self, payment: Record, at: int) -> list[Happening]:
        """The bank says yes; who does not capture in three days gives the money back."""
        proof = {"rrn": f"{randbelow(10**12):012d}"}
        if payment.body["method"] == "card":
            proof["auth_code"] = f"{randbelow(10**6):06d}"
        else:
            proof["upi_transaction_id"] = wire.minted("", 32).upper()
        payment.body |= {**entities.NO_ERROR, "status": "authorized", "acquirer_data": proof}
        self._bank.records.save(payment)
        self._bank.dues.note(at + LATE_SECONDS, UNCAPTURED, payment.id)
        return [("payment.authorized", {"payment": dict(payment.body)})]

    def late(self, payment: Record, at: int) -> None:
        """What had failed was paid after all. Nobody captures it by itself."""
        if payment.body["status"] != "failed" or at > payment.created + LATE_SECONDS:
            raise Impossible("Only what failed in the last three days can be authorised late.")
        self._bank.dues.forget(LATE, payment.id)
        self._events.tell(payment, self.authorise(payment, at), at)

    def capture(self, payment: Record, at: int) -> list[Happening]:
        """Take the money: the book, the order and the link all follow."""
        fee, tax = entities.charges(payment.body["amount"])
        payment.body |= {"status": "captured", "captured": True, "fee": fee, "tax": tax}
        self._bank.records.save(payment)
        self._bank.dues.forget(UNCAPTURED, payment.id)
        owner = self._bank.records.find(payment.beside["owner"])
        assert owner is not None
        names = {"payment_link": "reference_id", "order": "receipt"}
        self._bank.ledger.enter(
            Entry(
                provider="razorpay",
                account=payment.account,
                kind="capture",
                id=payment.id,
                payment=payment.id,
                reference=owner.body.get(names.get(owner.kind, "id")),
                amount=payment.body["amount"],
                currency=payment.body["currency"],
                fee=fee,
                at=at,
            )
        )
        seen = {"payment": dict(payment.body)}
        happened: list[Happening] = [("payment.captured", seen)]
        order = self._bank.records.find(payment.parent or "", "order")
        if order is not None:
            happened += self._pay_order(order, payment)
        if order is not None and owner.kind == "payment_link":
            happened += self._pay_link(owner, order, payment, at)
        if owner.kind == "qr_code":
            happened += self._credit(owner, payment, at)
        return happened

    def _pay_order(self, order: Record, payment: Record) -> list[Happening]:
        order.body["amount_paid"] += payment.body["amount"]
        order.body["amount_due"] -= payment.body["amount"]
        if order.body["amount_due"] > 0:
            self._bank.records.save(order)
            return []
        order.body["status"] = "paid"
        self._bank.records.save(order)
        return [("order.paid", {"payment": dict(payment.body), "order": dict(order.body)})]

    def _pay_link(self, link: Record, order: Record, payment: Record, at: int) -> list[Happening]:
        link.body["amount_paid"] += payment.body["amount"]
        link.body["updated_at"] = at
        link.body["payments"].append(
            {
                "amount": payment.body["amount"],
                "created_at": payment.created,
                "method": payment.body["method"],
                "payment_id": payment.id,
                "status": "captured",
            }
        )
        whole = link.body["amount_paid"] >= link.body["amount"]
        if link.body["status"] in {"created", "partially_paid"}:
            link.body["status"] = "paid" if whole else "partially_paid"
        self._bank.records.save(link)
        if link.body["status"] not in {"paid", "partially_paid"}:
            return []
        entities_seen = {
            "payment_link": link_seen(link),
            "order": order_seen(order, link),
            "payment": dict(payment.body),
        }
        return [(f"payment_link.{link.body['status']}", entities_seen)]

    def _credit(self, code: Record, payment: Record, at: int) -> list[Happening]:
        code.body["payments_amount_received"] += payment.body["amount"]
        code.body["payments_count_received"] += 1
        seen: dict[str, Any] = {"payment": dict(payment.body), "qr_code": dict(code.body)}
        happened: list[Happening] = [("qr_code.credited", seen)]
        if code.body["usage"] == "single_use":
            code.body |= {"status": "closed", "closed_at": at, "close_reason": "paid"}
            happened.append(("qr_code.closed", {"qr_code": dict(code.body)}))
        self._bank.records.save(code)
        return happened

    def _fall_late(self, payment_id: str, at: int) -> None:
        payment = self._bank.records.find(payment_id, "payment")
        if payment is not None and payment.body["status"] == "failed":
            self.late(payment, at)

    def _give_back(self, payment_id: str, at: int) -> None:
        """An authorised payment nobody captured: it was never ours, so the book stays as it is."""
        payment = self._bank.records.find(payment_id, "payment")
        if payment is None or payment.body["status"] != "authorized":
            return
        amount = payment.body["amount"]
        payment.body |= {"status": "refunded", "amount_refunded": amount, "refund_status": "full"}
        self._bank.records.save(payment)
        refund = entities.refund(payment.body, {}, amount, at)
        kept = Record("razorpay", payment.account, "refund", refund, payment.id, created=at)
        self._bank.records.add(kept)
        seen = {"refund": refund, "payment": dict(payment.body)}
        self._events.tell(payment, [("refund.created", seen), ("refund.processed", seen)], at)
