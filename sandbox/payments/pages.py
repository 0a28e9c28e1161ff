"""The pages a payer sees: no script, nothing from elsewhere, and forms a program can send too."""

import io
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import segno
from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from sandbox import pages
from sandbox.answering import Wording, answer
from sandbox.faults import PAYING
from sandbox.payments.bank import Bank, Impossible, Paid, Tender
from sandbox.payments.cashier import Cashier
from sandbox.payments.records import Record
from sandbox.razorpay.paying import CARDS as RAZORPAY_CARDS
from sandbox.stripe.wire import CARDS as STRIPE_CARDS

LATER_SECONDS = 2 * 3600
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none';"
    " frame-ancestors 'none'; form-action 'self'"
)
KINDS = ("checkout_session", "payment_link", "qr_code")
PAYABLE = {"checkout_session": {"open"}, "payment_link": {"created", "partially_paid"}}
WRONG = "The payment did not go through. Nothing was taken."
NOT_SAVED = "The card was declined. It was not saved."


class PayForm(BaseModel):
    """What the page's form sends. `amount` is in whole units with at most two decimals."""

    action: Literal["pay", "fail", "later", "cancel"] = "pay"
    method: Literal["card", "upi", ""] = ""
    card: str = Field(default="", max_length=30)
    vpa: str = Field(default="payer@sandbox", max_length=100)
    amount: str = Field(default="", pattern=r"^(\d{1,9}(\.\d{1,2})?)?$")
    code: str = Field(default="", pattern=r"^[a-z0-9_]{0,60}$")


class Counter:
    """Shows a page and does what its form says."""

    def __init__(self, bank: Bank, cashier: Cashier) -> None:
        self._bank = bank
        self._cashier = cashier

    def found(self, target: str) -> Record:
        """The page of an id, or 404."""
        try:
            record = self._cashier.find(target)
        except LookupError:
            raise HTTPException(404, "There is no such page.") from None
        if record.kind not in KINDS:
            raise HTTPException(404, "There is no such page.")
        return record

    def page(self, record: Record, said: str = "", status: int = 200) -> Response:
        """The page as it stands, with a word on what just happened."""
        facts: dict[str, Any] = {**shown(record), "said": said}
        facts["sum"] = money(facts["amount"], facts["currency"])
        html = pages.PAGES.get_template("checkout.html").render(**facts)
        return HTMLResponse(html, status, headers=pages.guarded(policy(record)))

    def act(self, record: Record, form: PayForm) -> Response:
        """Carry the form out; the browser goes on where the shop wants it."""
        try:
            paid = self._carried_out(record, form)
        except Impossible as why:
            return self.page(self.found(record.id), str(why), 409)
        self._bank.courier.call()
        if paid.redirect:
            return RedirectResponse(paid.redirect, 303, headers=pages.guarded(policy(record)))
        failed = paid.status in {"failed", "requires_payment_method"}
        wrong = NOT_SAVED if record.body.get("mode") == "setup" else WRONG
        said = wrong if failed else ""
        return self.page(self.found(record.id), said, 402 if said else 200)

    def _carried_out(self, record: Record, form: PayForm) -> Paid:
        if form.action == "cancel":
            return self._cashier.cancel(record.id)
        if form.action == "fail":
            return self._cashier.fail(record.id, form.code)
        later = LATER_SECONDS if form.action == "later" else None
        card = "".join(filter(str.isdigit, form.card)) or "4242424242424242"
        amount = minor(form.amount)
        code = form.code
        tender = Tender(form.method, card, form.vpa, amount, code, later)
        return self._cashier.pay(record.id, tender)


def routes(bank: Bank, cashier: Cashier) -> APIRouter:
    """Everything under /checkout."""
    router = APIRouter(prefix="/checkout", include_in_schema=False)
    counter = Counter(bank, cashier)

    @router.get("/{target}")
    async def show(target: str) -> Response:
        return counter.page(counter.found(target))

    @router.get("/{target}/code.svg")
    async def code(target: str) -> Response:
        record = counter.found(target)
        if record.kind != "qr_code":
            raise HTTPException(404, "There is no such code.")
        drawn = io.BytesIO()
        segno.make(record.body["image_content"], micro=False).save(
            drawn, kind="svg", scale=6, border=4, light="#fff"
        )
        return Response(drawn.getvalue(), media_type="image/svg+xml")

    @router.post("/{target}")
    async def pay(request: Request, target: str, form: Annotated[PayForm, Form()]) -> Response:
        record = counter.found(target)
        fault = bank.faults.take(record.provider, PAYING, named_only=True)
        words = Wording(
            declined=lambda code: counter.act(record, form.model_copy(update={"code": code})),
            busy=lambda: counter.page(record, "Too many payers at once. Try again.", 429),
            broken=lambda: counter.page(record, "Something went wrong here.", 500),
        )
        return await answer(fault, request, lambda: counter.act(record, form), words)

    return router


def shown(record: Record) -> dict[str, Any]:
    """What a page says, whichever provider's it is."""
    body = record.body
    common = {"id": record.id, "kind": record.kind, "status": body["status"], "partial": False}
    common["saves"] = body.get("mode") == "setup"
    if record.kind == "checkout_session":
        return {
            **common,
            "vendor": "Stripe",
            "cards": STRIPE_CARDS,
            "title": "Save a card" if body["mode"] == "setup" else "Pay by Checkout",
            "amount": body["amount_total"],
            "currency": (body["currency"] or "").upper(),
            "lines": [line["description"] for line in record.beside["lines"]],
            "methods": body["payment_method_types"],
            "open": body["status"] == "open",
            "later": body["mode"] == "payment",
            "back": body["cancel_url"],
        }
    is_code = record.kind == "qr_code"
    left = body["payment_amount"] if is_code else body["amount"] - body["amount_paid"]
    return {
        **common,
        "vendor": "Razorpay",
        "cards": RAZORPAY_CARDS,
        "title": "Your UPI app" if is_code else "Pay by link",
        "amount": left,
        "currency": body.get("currency", "INR"),
        "lines": [body["description"]] if body["description"] else [],
        "methods": ["upi"] if is_code or body.get("upi_link") else ["upi", "card"],
        "open": body["status"] in PAYABLE.get(record.kind, {"active"}),
        "partial": left is None or body.get("accept_partial", False),
        "later": True,
        "back": None,
    }


def policy(record: Record) -> str:
    """A form may be answered by sending the browser to the shop, so the shop is allowed."""
    names = ("success_url", "cancel_url", "callback_url")
    parts = [urlsplit(record.body.get(name) or "") for name in names]
    shops = sorted({f"{one.scheme}://{one.netloc}" for one in parts if one.netloc})
    return " ".join([POLICY, *shops])


def minor(amount: str) -> int | None:
    """An amount as typed, in minor units."""
    if not amount:
        return None
    units, _, rest = amount.partition(".")
    return int(units) * 100 + int(f"{rest:0<2}")


def money(amount: int | None, currency: str) -> str:
    """An amount for people."""
    if amount is None:
        return "Any amount"
    return f"{currency} {amount // 100:,}.{amount % 100:02d}"
