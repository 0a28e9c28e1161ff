"""Stripe's objects found, listed and expanded."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from sandbox.payments.bank import Bank
from sandbox.payments.records import Asked, Record, bodies
from sandbox.stripe import params, wire
from sandbox.stripe.call import Call

PAGE_SIZE, PAGE_SIZE_MAX = 10, 100
EXPANDABLE = frozenset(
    {
        *("payment_intent", "setup_intent", "customer", "latest_charge", "charge"),
        *("payment_method", "default_payment_method"),
    }
)


class Shelf:
    """What an account has, as it asks for it."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def get(
        self,
        call: Call,
        kind: str,
        record_id: str,
        param: str = "id",
        *,
        deleted_too: bool = False,
    ) -> Record:
        """One object of the account; another's is none, and neither is one that was deleted."""
        found = self._bank.records.owned(call.account, record_id, kind)
        if found is None or (found.beside.get("deleted") and not deleted_too):
            raise wire.missing(kind, record_id, param, status=404 if param == "id" else 400)
        return found

    def shown(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """An object with what the request wants expanded."""
        shown = deepcopy(body)
        for path in call.given.get("expand", []):
            self._expand(shown, str(path).split("."), str(path))
        return shown

    def page(self, call: Call, kind: str, spec: params.Spec, **asked: Any) -> dict[str, Any]:
        """A list, newest first, with its cursors."""
        given = call.takes({**params.LIST, **params.EXPAND, **spec})
        limit = given.get("limit", PAGE_SIZE)
        if not 1 <= limit <= PAGE_SIZE_MAX:
            raise wire.invalid(
                f"This value must be between 1 and {PAGE_SIZE_MAX}.",
                param="limit",
                code="parameter_invalid_integer",
            )
        for name, bound in (("starting_after", "before_seq"), ("ending_before", "after_seq")):
            if name in given:
                asked[bound] = self.get(call, kind, given[name], name).seq
        asked |= moments(given.get("created", {}))
        found = [
            record
            for record in self._bank.records.listed(
                call.account, kind, Asked(limit=limit + 1, **asked)
            )
            if not record.beside.get("deleted")
        ]
        kept = found[-limit:] if "after_seq" in asked else found[:limit]
        return self.shown(call, wire.page(call.path, bodies(kept), more=len(found) > limit))

    def _expand(self, body: dict[str, Any], path: Sequence[str], whole: str) -> None:
        head, rest = path[0], path[1:]
        if head == "data" and body.get("object") == "list":
            for inner in body["data"]:
                self._expand(inner, rest, whole)
            return
        if head == "line_items" and body.get("object") == "checkout.session":
            body[head] = self.lines(body["id"])
            return
        if head not in EXPANDABLE or head not in body:
            raise wire.invalid(f"This property cannot be expanded ({whole}).")
        if isinstance(body[head], str):
            found = self._bank.records.find(body[head])
            body[head] = body[head] if found is None else found.body
        if rest and isinstance(body[head], dict):
            self._expand(body[head], rest, whole)

    def lines(self, session_id: str) -> dict[str, Any]:
        """The lines of a session."""
        found = self._bank.records.find(session_id, "checkout_session")
        items: list[dict[str, Any]] = [] if found is None else found.beside["lines"]
        return wire.page(f"/v1/checkout/sessions/{session_id}/line_items", items, more=False)


def moments(created: dict[str, int]) -> dict[str, int]:
    """A span of creation, in bounds that include themselves."""
    bounds = {"gt": ("since", 1), "gte": ("since", 0), "lt": ("until", -1), "lte": ("until", 0)}
    return {bounds[name][0]: moment + bounds[name][1] for name, moment in created.items()}
