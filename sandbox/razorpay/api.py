"""The paths of Razorpay's API the sandbox answers, each under its operation's name."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from sandbox.payments.bank import Bank
from sandbox.payments.refusal import Refused
from sandbox.razorpay import wire
from sandbox.razorpay.call import Act, Call, Door
from sandbox.razorpay.codes import Codes
from sandbox.razorpay.events import Events
from sandbox.razorpay.links import Links
from sandbox.razorpay.orders import Orders, Payments
from sandbox.razorpay.paying import Paying
from sandbox.razorpay.taking import Taking

PREFIX = "/razorpay/v1"


class Razorpay:
    """Answers for Razorpay, from the shared book."""

    def __init__(self, bank: Bank) -> None:
        events = Events(bank)
        taking = Taking(bank, events)
        self.orders = Orders(bank)
        self.payments = Payments(bank, events, taking)
        self.links = Links(bank, events)
        self.codes = Codes(bank, events)
        self.paying = Paying(bank, events, taking)


def routes(bank: Bank, razorpay: Razorpay) -> APIRouter:
    """Everything under /razorpay/v1."""
    router = APIRouter(prefix=PREFIX, tags=["razorpay"])
    door = Door(bank)

    def add(method: str, path: str, operation: str, act: Act) -> None:
        async def endpoint(request: Request) -> Response:
            return await door.through(request, operation, act)

        router.add_api_route(path, endpoint, methods=[method], name=f"razorpay.{operation}")

    orders, payments, links, codes = (
        *(razorpay.orders, razorpay.payments),
        *(razorpay.links, razorpay.codes),
    )
    add("POST", "/orders", "orders.create", orders.create)
    add("GET", "/orders", "orders.list", orders.index)
    add("GET", "/orders/{id}", "orders.fetch", orders.fetch)
    add("GET", "/orders/{id}/payments", "orders.payments", orders.payments)
    for path in ("/payment_links", "/payment_links/"):
        add("POST", path, "payment_links.create", links.create)
        add("GET", path, "payment_links.list", links.index)
    add("GET", "/payment_links/{id}", "payment_links.fetch", links.fetch)
    add("PATCH", "/payment_links/{id}", "payment_links.update", links.update)
    add("POST", "/payment_links/{id}/cancel", "payment_links.cancel", links.cancel)
    add("POST", "/payments/qr_codes", "qr_codes.create", codes.create)
    add("GET", "/payments/qr_codes", "qr_codes.list", codes.index)
    add("GET", "/payments/qr_codes/{id}", "qr_codes.fetch", codes.fetch)
    add("POST", "/payments/qr_codes/{id}/close", "qr_codes.close", codes.close)
    add("GET", "/payments/qr_codes/{id}/payments", "qr_codes.payments", codes.payments)
    add("GET", "/payments", "payments.list", payments.index)
    add("GET", "/payments/{id}", "payments.fetch", payments.fetch)
    add("POST", "/payments/{id}/capture", "payments.capture", payments.capture)
    add("POST", "/payments/{id}/refund", "payments.refund", payments.refund)
    add("GET", "/payments/{id}/refunds", "payments.refunds", payments.refunds)
    add("GET", "/payments/{id}/refunds/{refund}", "refunds.fetch", payments.fetch_refund)
    add("GET", "/refunds", "refunds.list", payments.list_refunds)
    add("GET", "/refunds/{refund}", "refunds.fetch", payments.fetch_refund)
    for method in ("GET", "POST", "PATCH", "DELETE"):
        add(method, "/{path:path}", "*", nowhere)
    return router


def nowhere(_call: Call) -> dict[str, Any]:
    """A path the sandbox does not have."""
    words = "The requested URL was not found on the server."
    raise Refused(wire.error(404, words, source="NA", step="NA", reason="NA"))
