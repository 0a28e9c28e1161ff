"""Cards kept at Stripe: left on a Checkout Session in setup mode, by the vendor's SDK.

Rules: docs.stripe.com/payments/save-and-reuse, API version 2026-10-28.endive.
"""

from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING, Final

import stripe

from domain import keys
from domain.errors import Refused, UnknownOutcome
from domain.payment_method import SavedCard
from providers import stripe_objects
from providers.cards import Owner, SetupAsked, SetupStanding
from providers.payments import Opened, PageState, Refusal
from providers.stripe_sessions import LONGEST, MARGIN, SHORTEST, TURNS_MAX, Sessions
from providers.stripe_wire import PAGE_SIZE, PROVIDER, answered, listed, once
from providers.told import Told, reading

if TYPE_CHECKING:
    from stripe.params import CustomerCreateParams, CustomerListParams
    from stripe.params.checkout import SessionCreateParams

EXPANDED: Final = ["setup_intent.payment_method"]
OWNER: Final = "innkeeper_payer"  # the metadata of a customer
METHOD: Final = "innkeeper_method"  # the metadata of session and setup intent


class StripeCards:
    """One account's customers and their cards."""

    def __init__(self, client: stripe.StripeClient) -> None:
        self._v1 = client.v1
        self._sessions = Sessions(client, EXPANDED)

    async def owner(self, owner: Owner) -> str:
        """The customer, or the one an earlier call made."""
        if owner.asked_before is not None and (found := await self._customer(owner)):
            return found
        for turn in range(1, TURNS_MAX + 1):
            key = keys.customer(owner.row_id, owner.made, turn)
            form = _customer_form(owner)
            made = await once(self._v1.customers.create_async(form, {"idempotency_key": key}))
            if made is not None:
                with reading(PROVIDER, changes=True):
                    return made.text("id")
            if found := await self._customer(owner):
                return found
        raise UnknownOutcome("Stripe repeats a fault of its own under every key")

    async def open(self, asked: SetupAsked, customer: str) -> Opened:
        """Open the page, or find the one an earlier call opened."""
        try:
            session = await self._sessions.open(
                asked,
                _form(asked, customer),
                partial(keys.setting_up, asked.method_id),
                partial(_is_ours, asked),
            )
        except Refused as refused:
            if refused.code == Refusal.no_such_page:  # the form names nothing but a customer
                words = "Stripe does not know the customer any more"
                raise Refused(words, code=Refusal.no_such_customer) from refused
            raise
        with reading(PROVIDER, changes=True):
            return stripe_objects.opened(session)

    async def look_up(self, asked: SetupAsked, page_id: str | None) -> SetupStanding | None:
        """What became of the page."""
        if page_id is None:
            session = await self._sessions.found(asked, partial(_is_ours, asked))
        else:
            session = await self._sessions.read(page_id)
        with reading(PROVIDER, changes=False):
            return None if session is None else setup_standing(session)

    async def close(self, asked: SetupAsked, page_id: str) -> SetupStanding:
        """Expire the page; where Stripe will not, tell why by what it has become."""
        del asked
        session = await self._sessions.close(page_id)
        with reading(PROVIDER, changes=True):
            return setup_standing(session)

    async def card(self, provider_id: str) -> SavedCard | None:
        """The payment method; one without a customer can never be used again."""
        try:
            method = await answered(
                self._v1.payment_methods.retrieve_async(provider_id), changes=False
            )
        except Refused as refused:
            if refused.code == Refusal.no_such_page:
                return None
            raise
        with reading(PROVIDER, changes=False):
            return saved_card(method) if method.has("customer") else None

    async def detach(self, provider_id: str) -> None:
        """Detach it; where Stripe will not because it is done, it is done."""
        try:
            await answered(self._v1.payment_methods.detach_async(provider_id), changes=True)
        except Refused:
            if await self.card(provider_id) is not None:
                raise

    async def _customer(self, owner: Owner) -> str | None:
        """The customer by our own reference: Stripe searches none by metadata in India."""
        form: CustomerListParams = {"limit": PAGE_SIZE}
        if owner.asked_before is not None:
            form["created"] = {"gte": int((owner.asked_before - MARGIN).timestamp())}

        def listing(after: str | None) -> Awaitable[stripe.StripeObject]:
            asking: CustomerListParams = {**form, "starting_after": after} if after else form
            return self._v1.customers.list_async(asking)

        named = _owner_reference(owner)
        async for customer in listed(listing, "new customers"):
            if customer.texts("metadata").get(OWNER) == named:
                with reading(PROVIDER, changes=False):
                    return customer.text("id")
        return None


def _is_ours(asked: SetupAsked, session: Told) -> bool:
    return session.word_or_none("client_reference_id") == str(asked.method_id)


def setup_standing(session: Told) -> SetupStanding:
    """A page with the card left on it; `setup_intent.payment_method` is expanded in it."""
    state = stripe_objects.page_state(session)
    card = None
    if state is PageState.paid:
        card = saved_card(session.inner("setup_intent").inner("payment_method"))
    return SetupStanding(stripe_objects.opened(session), state, card)


def saved_card(method: Told) -> SavedCard:
    """A payment method as people know it."""
    card = method.inner_or_none("card")
    if card is None:
        return SavedCard(method.text("id"), method.text("type"))
    return SavedCard(
        provider_id=method.text("id"),
        brand=card.text("brand"),
        last4=card.text("last4"),
        expiry_month=card.whole("exp_month"),
        expiry_year=card.whole("exp_year"),
    )


def _owner_reference(owner: Owner) -> str:
    return f"{owner.row_id}/{owner.made}"


def _customer_form(owner: Owner) -> "CustomerCreateParams":
    payer = owner.payer
    form: CustomerCreateParams = {
        "name": payer.name,
        "metadata": {OWNER: _owner_reference(owner)},
    }
    if payer.email:
        form["email"] = payer.email
    if payer.phone:
        form["phone"] = payer.phone
    return form


def _form(asked: SetupAsked, customer: str) -> "SessionCreateParams":
    """A page that takes a card and no money. The method stands on the session and its intent."""
    method = str(asked.method_id)
    named = {METHOD: method}
    return {
        "mode": "setup",
        "customer": customer,
        "currency": asked.currency.lower(),
        "allowed_payment_method_types": ["card"],
        "client_reference_id": method,
        "metadata": named,
        "setup_intent_data": {"metadata": named},
        "success_url": asked.return_url,
        "cancel_url": asked.cancel_url,
        "expires_at": int(asked.ends(SHORTEST, LONGEST).timestamp()),
    }
