"""Stripe's events: kept, listed, and sent to whoever registered."""

from collections.abc import Sequence
from typing import Any

from sandbox.payments.bank import Bank
from sandbox.payments.hooks import Notice
from sandbox.payments.records import Record
from sandbox.stripe import wire
from sandbox.stripe.call import Call

Happening = tuple[str, dict[str, Any]]


class Events:
    """Tells what happened, each with a snapshot of the object as it was then."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def tell(
        self,
        owner: Record,
        happened: Sequence[Happening],
        *,
        at: int | None = None,
        call: Call | None = None,
    ) -> None:
        """Keep events and queue them; the owner's account hears them, its id is their thread."""
        moment = self._bank.now if at is None else at
        listeners = len(self._bank.hooks.listeners("stripe", owner.account))
        notices: list[Notice] = []
        for kind, snapshot in happened:
            event: dict[str, Any] = {
                "id": wire.new("evt_"),
                "object": "event",
                "api_version": wire.VERSION,
                "created": moment,
                "data": {"object": snapshot},
                "livemode": bool(snapshot.get("livemode", owner.body.get("livemode"))),
                "pending_webhooks": listeners,
                "request": {
                    "id": call.request if call else None,
                    "idempotency_key": call.key if call else None,
                },
                "type": kind,
            }
            kept = Record("stripe", owner.account, "event", event, reference=kind, created=moment)
            self._bank.records.add(kept)
            notices.append(Notice("stripe", owner.account, event["id"], kind, owner.id, event))
        self._bank.hooks.send(notices)
