"""What a payer does on Stripe's hosted page, and what the bank says later."""

from dataclasses import replace

from sandbox.payments.bank import Bank, Impossible, Paid, Tender
from sandbox.payments.records import Record
from sandbox.stripe import shapes, wire
from sandbox.stripe.charging import Charging
from sandbox.stripe.events import Events, Happening
from sandbox.stripe.intents import Intents

SETTLES = "stripe.bank_settles"


class Paying:
    """Pays a Checkout Session."""

    def __init__(self, bank: Bank, events: Events, charging: Charging, intents: Intents) -> None:
        self._bank = bank
        self._events = events
        self._charging = charging
        self._intents = intents
        bank.dues.know({SETTLES: self._settle})

    def pay(self, session: Record, tender: Tender) -> Paid:
        """Pay or leave a card; a code or a card that always fails is a decline."""
        if not is_open(session):
            raise Impossible(f"This page is {session.body['status']}.")
        kinds = session.body["payment_method_types"]
        tender = replace(tender, method=tender.method or kinds[0])
        if tender.method not in kinds:
            raise Impossible(f"{tender.method} is not taken here.")
        method = self._method(session, tender)
        code = tender.code or method.beside.get("declines", "")
        if session.body["mode"] == "setup":
            return self._save_card(session, method, code)
        intent = self._intent(session)
        if tender.later_seconds is not None and not code:
            return self._wait(session, intent, method, tender.later_seconds)
        happened = self._charging.charge(intent, method, code, self._bank.now)
        if not code:
            happened.append(self._complete(session, "paid"))
        self._events.tell(session, happened)
        return self._paid(session, intent)

    def approve(self, session: Record) -> Paid:
        """The bank that took its time says yes."""
        return self._late(session, "", self._bank.now)

    def fail(self, session: Record, code: str) -> Paid:
        """The bank that took its time says no, or the payer's next try is declined."""
        if is_open(session):
            return self.pay(session, Tender(method="", code=code or "generic_decline"))
        return self._late(session, code or "generic_decline", self._bank.now)

    def cancel(self, session: Record) -> Paid:
        """The payer goes back to the shop; the page stays open."""
        is_open(session)
        return Paid(session.body["payment_intent"] or "", "open", session.body["cancel_url"])

    def account(self, key: str) -> str:
        """The account of a secret key."""
        return wire.account_of(key)

    def _late(self, session: Record, code: str, at: int) -> Paid:
        intent = self._bank.records.find(session.body["payment_intent"] or "", "payment_intent")
        if intent is None or intent.body["status"] != "processing":
            raise Impossible("No bank is thinking about this one.")
        method = self._bank.records.find(intent.body["payment_method"], "payment_method")
        assert method is not None
        self._bank.dues.forget(SETTLES, session.id)
        happened = self._charging.charge(intent, method, code, at)
        session.body["payment_status"] = "unpaid" if code else "paid"
        self._bank.records.save(session)
        word = "failed" if code else "succeeded"
        happened.append((f"checkout.session.async_payment_{word}", dict(session.body)))
        self._events.tell(session, happened, at=at)
        return self._paid(session, intent)

    def _settle(self, session_id: str, at: int) -> None:
        session = self._bank.records.find(session_id, "checkout_session")
        intent_id = "" if session is None else session.body["payment_intent"]
        intent = self._bank.records.find(intent_id, "payment_intent")
        # The shop may have cancelled the intent meanwhile.
        if session is not None and intent is not None and intent.body["status"] == "processing":
            self._late(session, "", at)

    def _wait(self, session: Record, intent: Record, method: Record, seconds: int) -> Paid:
        happened = self._charging.process(intent, method)
        happened.append(self._complete(session, "unpaid"))
        self._events.tell(session, happened)
        self._bank.dues.note(self._bank.now + seconds, SETTLES, session.id)
        return self._paid(session, intent)

    def _save_card(self, session: Record, method: Record, code: str) -> Paid:
        setup = self._bank.records.find(session.body["setup_intent"], "setup_intent")
        assert setup is not None
        happened: list[Happening] = []
        if code:
            reason = {**wire.decline(code), "payment_method": method.body}
            setup.body["last_setup_error"] = reason
            happened.append(("setup_intent.setup_failed", setup.body))
        else:
            method.body["customer"] = method.parent = session.body["customer"]
            self._bank.records.save(method)
            done = {"status": "succeeded", "payment_method": method.id, "last_setup_error": None}
            setup.body |= done
            happened.append(("setup_intent.succeeded", setup.body))
            if method.parent:
                happened.insert(0, ("payment_method.attached", dict(method.body)))
            happened.append(self._complete(session, "no_payment_required"))
        self._bank.records.save(setup)
        self._events.tell(session, happened)
        return self._paid(session, setup)

    def _complete(self, session: Record, payment_status: str) -> Happening:
        session.body |= {
            "status": "complete",
            "payment_status": payment_status,
            "url": None,
            "customer_details": self._details(session),
        }
        self._bank.records.save(session)
        return "checkout.session.completed", dict(session.body)

    def _details(self, session: Record) -> dict[str, object]:
        customer = self._bank.records.find(session.body["customer"] or "", "customer")
        known = {} if customer is None else customer.body
        return {
            "address": known.get("address") or dict(shapes.NOWHERE),
            "business_name": None,
            "email": known.get("email") or session.body["customer_email"],
            "individual_name": None,
            "name": known.get("name"),
            "phone": known.get("phone"),
            "tax_exempt": "none",
            "tax_ids": [],
        }

    def _intent(self, session: Record) -> Record:
        """The session's intent, made at the payer's first try."""
        found = self._bank.records.find(session.body["payment_intent"] or "", "payment_intent")
        if found is not None:
            return found
        given = {
            **session.beside["intent"],
            "amount": session.body["amount_total"],
            "currency": session.body["currency"],
            "customer": session.body["customer"],
            "payment_method_types": session.body["payment_method_types"],
        }
        live = session.body["livemode"]
        intent = self._charging.new(session.account, given, self._bank.now, live=live)
        intent.reference = session.body["client_reference_id"]
        session.body["payment_intent"] = session.reference = intent.id
        self._bank.records.save(session)
        self._events.tell(session, [("payment_intent.created", dict(intent.body))])
        return intent

    def _method(self, session: Record, tender: Tender) -> Record:
        live, now = session.body["livemode"], self._bank.now
        details = self._details(session)
        who = {name: str(details[name]) for name in ("email", "name", "phone") if details[name]}
        if tender.method == "card":
            return self._intents.keep_card(session.account, tender.card, live=live, **who)
        body = shapes.method({"type": "upi", "vpa": tender.vpa, **who}, now, live=live)
        record = Record("stripe", session.account, "payment_method", body, created=now)
        return self._bank.records.add(record)

    def _paid(self, session: Record, intent: Record) -> Paid:
        if session.body["status"] != "complete":
            return Paid(intent.id, intent.body["status"])
        url = session.body["success_url"].replace("{CHECKOUT_SESSION_ID}", session.id)
        return Paid(intent.id, intent.body["status"], url)


def is_open(session: Record) -> bool:
    """Whether one can still pay here; anything but a session is no page."""
    if session.kind != "checkout_session":
        raise Impossible(f"{session.id} is no page to pay on.")
    return session.body["status"] == "open"
