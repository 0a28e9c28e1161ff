"""Customers and the cards they left: made, changed, detached, deleted by API."""

from typing import Any

from sandbox.payments.bank import Bank
from sandbox.payments.records import Record
from sandbox.stripe import params, shapes, wire
from sandbox.stripe.call import Call
from sandbox.stripe.events import Events
from sandbox.stripe.shelf import Shelf


class Cards:
    """The routes of customers and payment methods."""

    def __init__(self, bank: Bank, shelf: Shelf, events: Events) -> None:
        self._bank = bank
        self._shelf = shelf
        self._events = events

    def create_customer(self, call: Call) -> dict[str, Any]:
        """Write a customer down."""
        body = shapes.customer(call.takes(params.CUSTOMER), self._bank.now, live=call.live)
        record = Record("stripe", call.account, "customer", body, reference=body["email"])
        record.created = self._bank.now
        self._bank.records.add(record)
        self._events.tell(record, [("customer.created", body)], call=call)
        return self._shelf.shown(call, body)

    def retrieve_customer(self, call: Call) -> dict[str, Any]:
        """One customer; of a deleted one only that it is deleted."""
        call.takes(params.EXPAND)
        record = self._shelf.get(call, "customer", call.ids["id"], deleted_too=True)
        return deleted(record) if is_deleted(record) else self._shelf.shown(call, record.body)

    def update_customer(self, call: Call) -> dict[str, Any]:
        """Change what is known of a customer; an empty text forgets it."""
        given = call.takes(params.CUSTOMER)
        record = self._shelf.get(call, "customer", call.ids["customer"])
        metadata = {**record.body["metadata"], **given.pop("metadata", {})}
        record.body["metadata"] = {name: word for name, word in metadata.items() if word}
        given.pop("expand", None)
        given.pop("invoice_settings", None)
        record.body |= {name: value or None for name, value in given.items()}
        record.reference = record.body["email"]
        self._bank.records.save(record)
        self._events.tell(record, [("customer.updated", record.body)], call=call)
        return self._shelf.shown(call, record.body)

    def delete_customer(self, call: Call) -> dict[str, Any]:
        """Forget a customer for good, and every card of theirs."""
        call.takes({})
        record = self._shelf.get(call, "customer", call.ids["customer"])
        for method in self._bank.records.children(record.id, "payment_method"):
            self._let_go(method, call)
        record.beside["deleted"] = True
        self._bank.records.save(record)
        self._events.tell(record, [("customer.deleted", record.body)], call=call)
        return deleted(record)

    def customers(self, call: Call) -> dict[str, Any]:
        """Customers, also by mail address."""
        email = call.given.get("email")
        return self._shelf.page(call, "customer", {"email": params.TEXT}, reference=email)

    def index(self, call: Call) -> dict[str, Any]:
        """What a customer left to be charged later."""
        customer = self._shelf.get(call, "customer", call.ids["customer"])
        return self._shelf.page(call, "payment_method", {"type": params.TEXT}, parent=customer.id)

    def detach(self, call: Call) -> dict[str, Any]:
        """Take a card from its customer; it can never be used again."""
        call.takes(params.EXPAND)
        method = self._shelf.get(call, "payment_method", call.ids["method"], "payment_method")
        if method.body["customer"] is None:
            raise wire.invalid(
                "The payment method you provided is not attached to a customer so detachment is"
                " impossible.",
                param="payment_method",
            )
        self._let_go(method, call)
        return self._shelf.shown(call, method.body)

    def _let_go(self, method: Record, call: Call) -> None:
        method.body["customer"] = method.parent = None
        method.beside["detached"] = True
        self._bank.records.save(method)
        self._events.tell(method, [("payment_method.detached", dict(method.body))], call=call)


def is_deleted(record: Record) -> bool:
    """Whether a customer was deleted."""
    return bool(record.beside.get("deleted"))


def deleted(record: Record) -> dict[str, Any]:
    """All that is told of a deleted customer."""
    return {"id": record.id, "object": "customer", "deleted": True}
