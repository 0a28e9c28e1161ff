"""Payments by Razorpay: a payment link, or a UPI code for a single use, for every attempt.

Links know no idempotency key: their reference is the attempt and may stand on one link only. Codes
know neither, so they are looked for before one is made. Rules of the pages:
razorpay.com/docs/api/payments/payment-links and razorpay.com/docs/api/qr-codes.
"""

from collections.abc import AsyncGenerator, Mapping
from datetime import timedelta
from typing import Any, Final

from domain.errors import InvalidInput, NotFound, Refused, Unavailable, UnknownOutcome
from domain.money import Money, to_provider_minor
from domain.payment_attempt import PayBy
from providers import razorpay_entities as entities
from providers.payments import (
    Asked,
    Movement,
    MovementState,
    Opened,
    PageState,
    Refusal,
    Standing,
)
from providers.razorpay_wire import PROVIDER, RazorpayClient
from providers.told import Told, reading

LINKS, CODES = "/payment_links", "/payments/qr_codes"
# Razorpay counts from the making; the margins are for clocks that differ and calls that wait.
LINK_SHORTEST: Final = timedelta(minutes=25)
LINK_LONGEST: Final = timedelta(days=180)
CODE_SHORTEST: Final = timedelta(minutes=10)
CODE_LONGEST: Final = timedelta(hours=2)
MARGIN: Final = timedelta(minutes=10)
PAGE_SIZE, PAGES_MAX = 100, 100
LINK_TEXT_MAX, CODE_TEXT_MAX = 2048, 250
# Codes take rupees alone.
CODE_CURRENCY: Final = "INR"


class RazorpayGateway:
    """One account's payment links and UPI codes."""

    def __init__(self, client: RazorpayClient) -> None:
        self._client = client

    async def open(self, asked: Asked) -> Opened:
        """Open the link or the code, or find the one an earlier call opened."""
        if asked.by is PayBy.link:
            return await self._open_link(asked)
        if asked.by is PayBy.upi_qr:
            return await self._open_code(asked)
        raise Refused(f"Razorpay opens no {asked.by} page here", code=Refusal.no_such_way)

    async def look_up(self, asked: Asked, provider_id: str | None) -> Standing | None:
        """What became of it."""
        found = await (
            self._found(asked) if provider_id is None else self._page(asked, provider_id)
        )
        return None if found is None else await self._standing(asked, found)

    async def close(self, asked: Asked, provider_id: str) -> Standing:
        """Cancel the link, close the code; where Razorpay will not, by what it has become."""
        path = _path(asked)
        verb = "close" if path == CODES else "cancel"
        try:
            page = await self._client.post(f"{path}/{provider_id}/{verb}")
        except Refused:
            found = await self.look_up(asked, provider_id)
            if found is None:
                raise NotFound("Razorpay has no such page", code=Refusal.no_such_page) from None
            if found.state is PageState.open:
                raise
            return found
        try:
            return await self._standing(asked, page)
        except Unavailable as untold:
            words = f"Razorpay closed the page and did not say how it stands: {untold.detail}"
            raise UnknownOutcome(words) from untold

    async def capture(self, provider_payment_id: str, amount: Money) -> Movement:
        """Take what was authorised, all of it."""
        path = f"/payments/{provider_payment_id}"
        try:
            taken = await self._client.post(
                f"{path}/capture", {"amount": _minor(amount), "currency": amount.currency}
            )
        except Refused:
            found = _payment(await self._client.get(path))
            if found.state is not MovementState.captured:
                raise
            return found
        with reading(PROVIDER, changes=True):
            return entities.payment(taken)

    async def check(self) -> None:
        """Ask for one payment."""
        await self._client.get("/payments", count="1")

    async def _open_link(self, asked: Asked) -> Opened:
        ends = asked.ends(LINK_SHORTEST, LINK_LONGEST)
        try:
            link = await self._client.post(LINKS, _link(asked))
        except Refused:
            # Also where the reference stands on a link already, whatever the words for that are.
            found = await self._found(asked)
            if found is None:
                raise
            link = found
        with reading(PROVIDER, changes=True):
            return entities.link_opened(link, ends)

    async def _open_code(self, asked: Asked) -> Opened:
        if asked.amount.currency != CODE_CURRENCY:
            raise Refused("UPI moves rupees only", code=Refusal.currency)
        ends = asked.ends(CODE_SHORTEST, CODE_LONGEST)
        code = await self._found(asked)
        if code is None:
            code = await self._made_code(asked)
        with reading(PROVIDER, changes=True):
            return entities.code_opened(code, ends)

    async def _made_code(self, asked: Asked) -> Told:
        try:
            return await self._client.post(CODES, _code(asked))
        except Refused as refused:
            if refused.code != Refusal.no_such_page:
                raise
            words = "this Razorpay account has no UPI codes: Razorpay switches them on"
            raise Refused(words, code=Refusal.no_such_way) from refused

    async def _page(self, asked: Asked, provider_id: str) -> Told | None:
        try:
            return await self._client.get(f"{_path(asked)}/{provider_id}")
        except Refused as refused:
            # Razorpay answers 400 for an id it does not know.
            if refused.code in {Refusal.other, Refusal.no_such_page}:
                return None
            raise

    async def _found(self, asked: Asked) -> Told | None:
        """The page by our own reference; of two codes, the one that was paid."""
        if _path(asked) == LINKS:
            reference = entities.reference(asked.attempt_id)
            told = await self._client.get(LINKS, reference_id=reference)
            with reading(PROVIDER, changes=False):
                links = told.many("payment_links")
                own = [link for link in links if entities.link_attempt(link) == asked.attempt_id]
            return own[0] if own else None
        codes = [
            code
            async for code in self._around(asked)
            if entities.code_attempt(code) == asked.attempt_id
        ]
        with reading(PROVIDER, changes=False):
            paid = [code for code in codes if entities.code_state(code) is PageState.paid]
        return next(iter([*paid, *codes]), None)

    async def _around(self, asked: Asked) -> AsyncGenerator[Told]:
        """Every code that was made while this one could have been."""
        until = asked.ends(CODE_SHORTEST, CODE_LONGEST) + MARGIN
        span = {
            "from": str(int((asked.asked_at - MARGIN).timestamp())),
            "to": str(int(until.timestamp())),
            "count": str(PAGE_SIZE),
        }
        for page in range(PAGES_MAX):
            skip = str(page * PAGE_SIZE)
            codes = await self._many(CODES, **span, skip=skip)
            for code in codes:
                yield code
            if len(codes) < PAGE_SIZE:
                return
        raise UnknownOutcome("Razorpay has more codes of those hours than can be looked through")

    async def _standing(self, asked: Asked, page: Told) -> Standing:
        """A page with every payment made on it."""
        with reading(PROVIDER, changes=False):
            if _path(asked) == CODES:
                opened = entities.code_opened(page, asked.ends(CODE_SHORTEST, CODE_LONGEST))
                state = entities.code_state(page)
            else:
                opened = entities.link_opened(page, asked.ends(LINK_SHORTEST, LINK_LONGEST))
                state = entities.link_state(page)
        payments = await self._payments(asked, page, opened.provider_id)
        with reading(PROVIDER, changes=False):
            made = [
                entities.payment(one, page_id=opened.provider_id, attempt_id=asked.attempt_id)
                for one in payments
            ]
        return Standing(opened, state, tuple(made))

    async def _payments(self, asked: Asked, page: Told, page_id: str) -> list[Told]:
        """All tries: a link itself lists only what was taken, its order lists the others too."""
        if _path(asked) == CODES:
            count = str(PAGE_SIZE)
            return await self._many(f"{CODES}/{page_id}/payments", count=count)
        found: list[Told] = []
        order = page.word_or_none("order_id")
        if order:
            found = await self._many(f"/orders/{entities.order_id(order)}/payments")
        known = {one.word_or_none("id") for one in found}
        with reading(PROVIDER, changes=False):
            named = [one.text("payment_id") for one in page.many("payments")]
        missing = [payment for payment in named if payment not in known]
        return found + [await self._client.get(f"/payments/{payment}") for payment in missing]

    async def _many(self, path: str, **query: str) -> list[Told]:
        told = await self._client.get(path, **query)
        with reading(PROVIDER, changes=False):
            return list(told.many("items"))


def _path(asked: Asked) -> str:
    return CODES if asked.by is PayBy.upi_qr else LINKS


def _payment(told: Told) -> Movement:
    with reading(PROVIDER, changes=False):
        return entities.payment(told)


def _link(asked: Asked) -> Mapping[str, Any]:
    payer = asked.payer
    customer = {"name": payer.name, "email": payer.email, "contact": payer.phone}
    return {
        "amount": _minor(asked.amount),
        "currency": asked.amount.currency,
        "accept_partial": False,
        "reference_id": entities.reference(asked.attempt_id),
        "description": asked.description[:LINK_TEXT_MAX],
        "customer": {name: value for name, value in customer.items() if value},
        "notify": {"sms": False, "email": False},
        "reminder_enable": False,
        "notes": {entities.ATTEMPT: str(asked.attempt_id)},
        "callback_url": asked.return_url,
        "callback_method": "get",
        "expire_by": int(asked.ends(LINK_SHORTEST, LINK_LONGEST).timestamp()),
    }


def _code(asked: Asked) -> Mapping[str, Any]:
    return {
        "type": "upi_qr",
        "usage": "single_use",
        "fixed_amount": True,
        "payment_amount": _minor(asked.amount),
        "description": asked.description[:CODE_TEXT_MAX],
        "close_by": int(asked.ends(CODE_SHORTEST, CODE_LONGEST).timestamp()),
        "notes": {entities.ATTEMPT: str(asked.attempt_id)},
    }


def _minor(amount: Money) -> int:
    try:
        return to_provider_minor(entities.NAME, amount.currency, amount.major)
    except InvalidInput as problem:
        raise Refused(problem.detail, code=Refusal.amount) from problem
