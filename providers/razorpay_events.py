"""Razorpay's events, verified before, as what they say of payments and pages.

One payment on a link makes four events with four ids, in any order: a payment is known by its own
id alone. Kinds and shapes: razorpay.com/docs/webhooks/payloads.
"""

from uuid import UUID

from domain.errors import InvalidInput
from providers import razorpay_entities as entities
from providers.payments import Movement, PageNews, ProviderEvent
from providers.told import Told

_TELLING = frozenset(
    {
        *("payment.authorized", "payment.captured", "payment.failed", "order.paid"),
        *("payment_link.paid", "payment_link.partially_paid", "payment_link.cancelled"),
        *("payment_link.expired", "qr_code.credited", "qr_code.closed"),
    }
)


def read(body: bytes, event_id: str) -> ProviderEvent:
    """One verified raw body; `event_id` is the header x-razorpay-event-id.

    InvalidInput names what is missing in one that cannot be read.
    """
    if not event_id:
        raise InvalidInput.of("x-razorpay-event-id", "REQUIRED", "is missing: a text")
    event = Told.parse(body)
    kind, payload = event.text("event"), event.inner("payload")
    # Some kinds carry their hour within.
    within = payload.has("created_at") and not event.has("created_at")
    at = (payload if within else event).moment("created_at")
    account = event.text_or_none("account_id")
    if kind not in _TELLING:
        return ProviderEvent(event_id, kind, at, account=account)
    page = _page(payload)
    movement = _movement(payload, page)
    movements = () if movement is None else (movement,)
    return ProviderEvent(event_id, kind, at, movements, page, account)


def _page(payload: Told) -> PageNews | None:
    link, code = _entity(payload, "payment_link"), _entity(payload, "qr_code")
    if link is not None:
        state = entities.link_state(link)
        return PageNews(link.text("id"), state, entities.link_attempt(link))
    if code is not None:
        return PageNews(code.text("id"), entities.code_state(code), entities.code_attempt(code))
    return None


def _movement(payload: Told, page: PageNews | None) -> Movement | None:
    payment = _entity(payload, "payment")
    if payment is None:
        return None
    attempt: UUID | None = None if page is None else page.attempt_id
    order = _entity(payload, "order")
    if attempt is None and order is not None:
        attempt = entities.order_attempt(order)
    page_id = None if page is None else page.page_id
    return entities.payment(payment, page_id=page_id, attempt_id=attempt)


def _entity(payload: Told, kind: str) -> Told | None:
    wrapped = payload.inner_or_none(kind)
    return None if wrapped is None else wrapped.inner("entity")
