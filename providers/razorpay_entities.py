"""Razorpay's payments, links and codes as the port's words, from an answer or an event alike.

Its quirks live here: notes are an object when filled, an empty list when not, null in the webhooks
of links; an order's id comes without its prefix in those; a code tells only how it was closed.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from domain.money import Money, to_provider_major
from domain.movement import MovementState
from providers.payments import Movement, Opened, PageState
from providers.told import Told

NAME: Final = "razorpay"  # as the rules of money know it
ATTEMPT: Final = "attempt_id"  # the note on links and codes
ORDER_PREFIX: Final = "order_"
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_LINK_STATES = {
    "created": PageState.open,
    "partially_paid": PageState.open,
    "paid": PageState.paid,
}
_STATES = {
    "authorized": MovementState.authorized,
    "captured": MovementState.captured,
    "failed": MovementState.failed,
}
# What the bank's own number is called, by how it was paid; the first that is there.
_REFERENCES = ("rrn", "utr", "bank_transaction_id", "transaction_id", "auth_code")


def notes(given: object) -> Mapping[str, str]:
    """Notes as they were meant: none for an empty list, for null, for a text."""
    if not isinstance(given, dict):
        return {}
    facts = cast("dict[str, Any]", given)
    return {name: str(word) for name, word in facts.items() if word is not None}


def order_id(given: str) -> str:
    """An order's id with its prefix, which the webhooks of payment links leave out."""
    return given if given.startswith(ORDER_PREFIX) else ORDER_PREFIX + given


def reference(attempt: UUID) -> str:
    """What a link is called by us: at most 40 characters, new for every attempt."""
    return attempt.hex


def attempt_of(*given: str | None) -> UUID | None:
    """The first of what may name an attempt that does; links of other programs name others."""
    for word in given:
        if word and _UUID.fullmatch(word):
            return UUID(word)
    return None


def link_attempt(link: Told) -> UUID | None:
    """The attempt a link was made for."""
    named = notes(link.value("notes")).get(ATTEMPT)
    return attempt_of(named, link.text_or_none("reference_id"))


def code_attempt(code: Told) -> UUID | None:
    """The attempt a code was made for."""
    return attempt_of(notes(code.value("notes")).get(ATTEMPT))


def order_attempt(order: Told) -> UUID | None:
    """The attempt of the link an order belongs to: the link's reference is the order's receipt."""
    named = notes(order.value("notes")).get(ATTEMPT)
    return attempt_of(named, order.text_or_none("receipt"))


def link_opened(link: Told, ends: datetime) -> Opened:
    """A link as it can be sent; `ends` counts where it has no end of its own."""
    own_end = link.moment("expire_by") if link.whole_or_none("expire_by") else ends
    return Opened(link.text("id"), own_end, pay_url=link.text("short_url"))


def code_opened(code: Told, ends: datetime) -> Opened:
    """A code as it can be shown: its text, where the account may read it, and its picture."""
    own_end = code.moment("close_by") if code.whole_or_none("close_by") else ends
    return Opened(
        code.text("id"),
        own_end,
        pay_url=code.text_or_none("image_url"),
        upi_uri=code.text_or_none("image_content"),
    )


def link_state(link: Told) -> PageState:
    """Where a link stands."""
    return _LINK_STATES.get(link.text("status"), PageState.closed)


def code_state(code: Told) -> PageState:
    """Where a code stands; one for a single use is closed by being paid."""
    if code.text("status") == "active":
        return PageState.open
    paid = code.text_or_none("close_reason") == "paid"
    received = (code.whole_or_none("payments_count_received") or 0) > 0
    return PageState.paid if paid or received else PageState.closed


def payment(told: Told, *, page_id: str | None = None, attempt_id: UUID | None = None) -> Movement:
    """One payment. Its hour is that of its making, whichever of its events tells of it.

    A late yes of the bank is about money the payer sent then; what was authorised and never taken
    goes back after three days and was not ours.
    """
    status = told.text("status")
    state = _STATES.get(status, MovementState.pending)
    code = None
    if status == "refunded":
        state = MovementState.captured if told.flag("captured") else MovementState.failed
        code = None if told.flag("captured") else "not_captured"
    elif state is MovementState.failed:
        code = told.text_or_none("error_reason") or told.text_or_none("error_code")
    currency = told.text("currency")
    return Movement(
        provider_payment_id=told.text("id"),
        state=state,
        amount=Money.parse(to_provider_major(NAME, currency, told.whole("amount")), currency),
        at=told.moment("created_at"),
        method=told.text_or_none("method"),
        attempt_id=attempt_of(notes(told.value("notes")).get(ATTEMPT)) or attempt_id,
        page_id=page_id,
        reference=_bank_reference(told.inner_or_none("acquirer_data")),
        fee_minor=told.whole_or_none("fee"),
        code=code,
    )


def _bank_reference(proof: Told | None) -> str | None:
    if proof is None:
        return None
    found = (proof.word_or_none(name) for name in _REFERENCES)
    return next((word for word in found if word), None)
