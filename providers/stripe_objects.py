"""Stripe's sessions, intents and charges as the port's words, from an answer or an event alike.

A payment is named by its intent: an intent is charged at most once with success, however many
charges it took. Fields: docs.stripe.com/api, version 2026-10-28.endive.
"""

from datetime import datetime
from uuid import UUID

from domain.errors import InvalidInput, Refused
from domain.money import Money, to_provider_major, to_provider_minor
from domain.movement import MovementState
from providers.payments import Movement, Opened, PageState, Refusal, Standing
from providers.told import Told

NAME = "stripe"  # as the rules of money know it
ATTEMPT = "attempt_id"  # the metadata of session and intent
_STATES = {
    "succeeded": MovementState.captured,
    "requires_capture": MovementState.authorized,
    "processing": MovementState.pending,
    "requires_action": MovementState.pending,
    "requires_confirmation": MovementState.pending,
    "canceled": MovementState.failed,
}
_AMOUNTS = {"succeeded": "amount_received", "requires_capture": "amount_capturable"}


def money(minor: int, currency: str) -> Money:
    """Stripe's integer as ours: króna, shilling and ariary have other decimals there."""
    code = currency.upper()
    return Money.parse(_plain(to_provider_major(NAME, code, minor)), code)


def minor(amount: Money) -> int:
    """Our amount as Stripe's integer; Refused (AMOUNT_REFUSED) for one Stripe does not take."""
    try:
        return to_provider_minor(NAME, amount.currency, _plain(amount.major))
    except InvalidInput as problem:
        raise Refused(problem.detail, code=Refusal.amount) from problem


def _plain(major: str) -> str:
    """A decimal without a fraction of nothing."""
    whole, _, rest = major.partition(".")
    return f"{whole}.{rest}" if rest.strip("0") else whole


def attempt_of(*given: str | None) -> UUID | None:
    """The first of what may name an attempt that does."""
    for word in given:
        try:
            return UUID(word or "")
        except ValueError:
            continue
    return None


def opened(session: Told) -> Opened:
    """A page as it was opened; an ended one has no address any more."""
    url = session.text_or_none("url")
    return Opened(session.text("id"), session.moment("expires_at"), pay_url=url)


def page_state(session: Told) -> PageState:
    """Where a page stands; one that is used up while a bank still thinks is closed, not paid."""
    if session.text("status") == "open":
        return PageState.open
    unpaid = session.text("payment_status") == "unpaid"
    complete = session.text("status") == "complete"
    return PageState.paid if complete and not unpaid else PageState.closed


def session_attempt(session: Told) -> UUID | None:
    """The attempt a page was opened for."""
    named = session.texts("metadata").get(ATTEMPT)
    return attempt_of(session.text_or_none("client_reference_id"), named)


def standing(session: Told) -> Standing:
    """A page with its payment; `payment_intent` and its `latest_charge` are expanded in it."""
    intent = session.inner_or_none("payment_intent")
    found = None
    if intent is not None:
        charge = intent.inner_or_none("latest_charge")
        at = (charge or intent).moment("created")
        found = intent_movement(intent, at, page_id=session.text("id"))
    movements = () if found is None else (found,)
    return Standing(opened(session), page_state(session), movements)


def session_movement(session: Told, at: datetime) -> Movement | None:
    """What the end of a page says of its payment; None when nobody began to pay."""
    payment_id = session.text_or_none("payment_intent")
    if payment_id is None or session.text("status") != "complete":
        return None
    paid = session.text("payment_status") == "paid"
    ways = session.words("payment_method_types")
    return Movement(
        provider_payment_id=payment_id,
        state=MovementState.captured if paid else MovementState.pending,
        amount=money(session.whole("amount_total"), session.text("currency")),
        at=at,
        method=ways[0] if len(ways) == 1 else None,
        attempt_id=session_attempt(session),
        page_id=session.text("id"),
    )


def intent_movement(intent: Told, at: datetime, *, page_id: str | None = None) -> Movement | None:
    """A payment; None when nobody has tried to pay it yet."""
    status = intent.text("status")
    problem = intent.inner_or_none("last_payment_error")
    if status == "requires_payment_method" and problem is None:
        return None
    state = _STATES.get(status, MovementState.failed if problem else MovementState.pending)
    code = None
    if state is MovementState.failed:
        code = intent.text_or_none("cancellation_reason") if problem is None else reason(problem)
    return Movement(
        provider_payment_id=intent.text("id"),
        state=state,
        amount=money(intent.whole(_AMOUNTS.get(status, "amount")), intent.text("currency")),
        at=at,
        method=_method(intent),
        attempt_id=attempt_of(intent.texts("metadata").get(ATTEMPT)),
        page_id=page_id,
        code=code,
    )


def charge_movement(charge: Told, at: datetime) -> Movement | None:
    """A charge as a try of its intent; None for one that has none."""
    payment_id = charge.text_or_none("payment_intent")
    if payment_id is None:
        return None
    states = {"failed": MovementState.failed, "pending": MovementState.pending}
    taken = MovementState.captured if charge.flag("captured") else MovementState.authorized
    state = states.get(charge.text("status"), taken)
    amount = charge.whole("amount_captured" if state is MovementState.captured else "amount")
    details = charge.inner_or_none("payment_method_details")
    outcome = charge.inner_or_none("outcome")
    refused = outcome and outcome.text_or_none("reason")
    code = refused or charge.text_or_none("failure_code")
    return Movement(
        provider_payment_id=payment_id,
        state=state,
        amount=money(amount, charge.text("currency")),
        at=at,
        method=details and details.text_or_none("type"),
        attempt_id=attempt_of(charge.texts("metadata").get(ATTEMPT)),
        code=code if state is MovementState.failed else None,
    )


def reason(problem: Told) -> str | None:
    """Why a bank said no, in its most exact word."""
    return problem.text_or_none("decline_code") or problem.text_or_none("code")


def _method(intent: Told) -> str | None:
    charge = intent.inner_or_none("latest_charge")
    details = charge and charge.inner_or_none("payment_method_details")
    if details:
        return details.text_or_none("type")
    ways = intent.words("payment_method_types")
    return ways[0] if len(ways) == 1 else None
