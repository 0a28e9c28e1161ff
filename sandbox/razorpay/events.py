"""Razorpay's events: one payment on a link makes four, each with an id of its own."""

from collections.abc import Sequence
from typing import Any

from sandbox.payments.bank import Bank
from sandbox.payments.hooks import Notice
from sandbox.payments.records import Record
from sandbox.razorpay import wire

Happening = tuple[str, dict[str, dict[str, Any]]]


class Events:
    """Tells what happened."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def tell(self, owner: Record, happened: Sequence[Happening], at: int) -> None:
        """Queue events; the owner's account hears them, its id is their thread."""
        notices = [
            Notice(
                "razorpay",
                owner.account,
                wire.new(""),
                name,
                owner.id,
                {
                    "entity": "event",
                    "account_id": owner.account,
                    "event": name,
                    "contains": list(entities),
                    "payload": {kind: {"entity": body} for kind, body in entities.items()},
                    "created_at": at,
                },
            )
            for name, entities in happened
        ]
        self._bank.hooks.send(notices)


def link_seen(link: Record) -> dict[str, Any]:
    """A link as its webhooks write it: no notes are null here, not an empty list."""
    body = {name: value for name, value in link.body.items() if name != "payments"}
    return {**body, "notes": link.body["notes"] or None}


def order_seen(order: Record, link: Record) -> dict[str, Any]:
    """An order as the webhooks of links write it: its id without the prefix."""
    copied = ("amount", "amount_due", "amount_paid", "attempts", "created_at", "currency")
    return {
        **{name: order.body[name] for name in (*copied, "notes", "receipt", "status")},
        "authorized": True,
        "id": order.id.removeprefix("order_"),
        "merchant_id": order.account.removeprefix("acc_"),
        "partial_payment": link.body["accept_partial"],
        "payment_capture": True,
        "product_id": link.id.removeprefix("plink_"),
        "product_type": "payment_link_v2",
        "updated_at": link.body["updated_at"],
    }
