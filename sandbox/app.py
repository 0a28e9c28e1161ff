"""The sandbox as one FastAPI app: the providers' dialects, the inbox and the control API."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import Response

from sandbox import control, pages, twilio
from sandbox.callbacks import Callbacks
from sandbox.carrier import Carrier
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.inbox import Inbox, Wanted
from sandbox.payments import control as payments_control
from sandbox.payments import pages as payments_pages
from sandbox.payments.bank import Bank
from sandbox.payments.cashier import Cashier
from sandbox.razorpay import api as razorpay_api
from sandbox.state import State
from sandbox.stripe import api as stripe_api


class Sandbox:
    """The parts that share one memory. `smtp` is set once the mail server listens."""

    def __init__(self, path: Path | None) -> None:
        self.state = State(path)
        self.clock = Clock(self.state)
        self.inbox = Inbox(self.state, self.clock)
        self.faults = Faults(self.state)
        self.callbacks = Callbacks(self.state)
        self.carrier = Carrier(self.state, self.inbox, self.callbacks)
        self.bank = Bank(self.state, self.clock, self.faults, self.callbacks)
        self.stripe = stripe_api.Stripe(self.bank)
        self.razorpay = razorpay_api.Razorpay(self.bank)
        counters = {"stripe": self.stripe.paying, "razorpay": self.razorpay.paying}
        self.cashier = Cashier(self.bank, counters)
        self.smtp: tuple[str, int] | None = None


def build(state: Path | None) -> FastAPI:
    """The app over one SQLite file (None: in memory). Its parts are in `app.state.sandbox`."""
    sandbox = Sandbox(state)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        sandbox.carrier.resume()
        sandbox.bank.courier.start()
        yield
        await sandbox.carrier.stop()
        await sandbox.bank.courier.stop()
        sandbox.state.close()

    app = FastAPI(
        title="Innkeeper sandbox",
        description=__doc__ or "",
        version="1",
        lifespan=lifespan,
        docs_url=None,  # its pages would fetch from another origin
        redoc_url=None,
    )
    app.state.sandbox = sandbox
    dialect = twilio.Dialect(sandbox.state, sandbox.inbox, sandbox.faults, sandbox.carrier)
    app.include_router(twilio.routes(sandbox.state, dialect))
    app.include_router(stripe_api.routes(sandbox.bank, sandbox.stripe))
    app.include_router(razorpay_api.routes(sandbox.bank, sandbox.razorpay))
    app.include_router(payments_pages.routes(sandbox.bank, sandbox.cashier))
    app.include_router(payments_control.routes(sandbox.bank, sandbox.cashier))
    app.include_router(
        control.routes(
            sandbox.state, sandbox.clock, sandbox.inbox, sandbox.faults, sandbox.callbacks
        )
    )
    add_front_door(app, sandbox)
    return app


def add_front_door(app: FastAPI, sandbox: Sandbox) -> None:
    """The start page, the stylesheet, the health check, and answers in a vendor's own words."""

    @app.get("/", include_in_schema=False)
    async def start(request: Request) -> Response:
        counts = {name: sandbox.inbox.total(Wanted(channel=name)) for name in ("email", "sms")}
        address = str(request.base_url).rstrip("/")
        return pages.start(sandbox.clock, counts, address, sandbox.smtp)

    @app.get("/control/style.css", include_in_schema=False)
    async def style() -> Response:
        return pages.style()

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Whether the sandbox answers."""
        return {"status": "ok"}

    @app.exception_handler(twilio.Rejected)
    async def rejected(_request: Request, error: Exception) -> Response:
        if not isinstance(error, twilio.Rejected):
            raise error
        return error.response
