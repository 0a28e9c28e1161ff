"""Razorpay's own samples as a judge of shapes: names and kinds of what the sandbox writes."""

import json
from typing import Any

from tests.support.stripe_contract import SHARED

SAMPLES = SHARED / "razorpay-samples.json"
# Documented for accounts that have it switched on, but in none of the samples.
BEYOND = {"qr_code": {"image_content"}, "payment_link": {"order_id", "upi_link"}}
ANSWERS = {
    "order": ("orders.create",),
    "payment": ("payments.fetch", "payments.capture", "payments.entity", "orders.fetch_payments"),
    "payment_link": ("payment_links.entity",),
    "qr_code": ("qr_codes.create", "qr_codes.close"),
    "refund": ("refunds.create", "refunds.fetch"),
}


def kind(value: Any) -> str:
    return (
        "number" if isinstance(value, int) and not isinstance(value, bool) else type(value).__name__
    )


class RazorpayContract:
    """Learns every entity from the samples, then holds answers and events against them."""

    def __init__(self) -> None:
        told = json.loads(SAMPLES.read_text())
        self._seen: dict[str, list[dict[str, Any]]] = {}
        self._hooked: dict[str, list[dict[str, Any]]] = {}
        for entity, names in ANSWERS.items():
            for sample in (one["json"] for name in names for one in told["responses"][name]):
                if "error" not in sample:
                    self._seen.setdefault(entity, []).extend(sample.get("items", [sample]))
        for hook in told["webhooks"].values():
            for entity, wrapped in hook["payload"].get("payload", {}).items():
                if isinstance(wrapped, dict) and "entity" in wrapped:
                    self._hooked.setdefault(entity, []).append(wrapped["entity"])
        self.events = {hook["payload"]["event"] for hook in told["webhooks"].values()}
        self.error = told["responses"]["orders.create"][1]["json"]["error"]

    def answer(self, entity: str, body: dict[str, Any]) -> None:
        """An entity as the API answers it: all names every sample has, and no other."""
        samples = self._seen[entity]
        required = set.intersection(*(set(one) for one in samples))
        if entity == "payment_link":
            required -= {"callback_method", "callback_url"}
        assert required - set(body) == set(), entity
        self._judge(entity, body, samples + self._hooked.get(entity, []))

    def event(self, body: dict[str, Any]) -> None:
        """A webhook: its envelope, and every entity in it."""
        assert body["event"] in self.events | {"payment_link.partially_paid"}
        assert set(body) == {"entity", "account_id", "event", "contains", "payload", "created_at"}
        assert list(body["payload"]) == body["contains"]
        for entity, wrapped in body["payload"].items():
            samples = self._hooked[entity] + self._seen.get(entity, [])
            self._judge(entity, wrapped["entity"], samples)

    def refusal(self, body: dict[str, Any]) -> None:
        """An error."""
        assert set(self.error) - set(body["error"]) <= {"field"}
        assert set(body["error"]) <= set(self.error)

    @staticmethod
    def _judge(entity: str, body: dict[str, Any], samples: list[dict[str, Any]]) -> None:
        names = {name for one in samples for name in one} | BEYOND.get(entity, set())
        assert set(body) - names == set(), entity
        for name, value in body.items():
            kinds = {kind(one[name]) for one in samples if one.get(name) is not None}
            if name == "notes":
                kinds = {"dict", "list"}
            assert not kinds or value is None or kind(value) in kinds, f"{entity}.{name}: {value!r}"
