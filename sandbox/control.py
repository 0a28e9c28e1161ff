"""The control API: read the inbox, move the clock, order what goes wrong, start afresh."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from sandbox import pages
from sandbox.callbacks import Callbacks
from sandbox.clock import Clock
from sandbox.faults import DECLINE, OPERATIONS, OUTCOME, Faults
from sandbox.inbox import Inbox, Wanted, shown
from sandbox.state import State


class Body(BaseModel):
    """A request body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class ClockSetting(Body):
    """`now` stops the clock at a moment (null: follow real time again); `advance` moves it on.

    `advance` is in seconds or an ISO 8601 duration such as `P3DT2H`.
    """

    now: AwareDatetime | None = None
    advance: timedelta | None = Field(default=None, ge=timedelta())

    @model_validator(mode="after")
    def says_one_thing(self) -> "ClockSetting":
        """Exactly one of the two is named."""
        if len(self.model_fields_set) != 1:
            raise ValueError("give either `now` or `advance`")
        if "advance" in self.model_fields_set and self.advance is None:
            raise ValueError("`advance` is a number of seconds or an ISO 8601 duration")
        return self


class ClockState(BaseModel):
    """What the clock shows, and whether it runs."""

    now: datetime
    runs: bool


class NextOutcome(Body):
    """How the next requests of an operation end. Delay in seconds."""

    provider: Literal["twilio", "smtp", "stripe", "razorpay"]
    operation: str = "*"
    outcome: str = Field(pattern=OUTCOME.pattern)
    delay: float = Field(default=0.0, ge=0, le=3600)
    times: int = Field(default=1, ge=1, le=1_000_000)

    @model_validator(mode="after")
    def names_a_known_operation(self) -> "NextOutcome":
        """The operation is one the provider's dialect has."""
        known = OPERATIONS[self.provider]
        if self.operation not in known:
            raise ValueError(f"`operation` of {self.provider} is one of {', '.join(known)}")
        _, _, code = self.outcome.partition(":")
        if code and not DECLINE[self.provider].fullmatch(code):
            raise ValueError(f"{self.provider} has no refusal of the kind {code}")
        return self


class Tricks(Body):
    """What happens to webhooks: true = always, a number = the next so many, 0 = no more.

    `delay` is in seconds: real ones for a messenger's callbacks, at most an hour; of the
    sandbox's clock for events of payment providers. `provider` keeps the tricks to one of them.
    """

    duplicate: bool | int = 0
    reorder: bool | int = 0
    drop: bool | int = 0
    tamper: bool | int = 0
    delay: float = Field(default=0.0, ge=0, le=30 * 24 * 3600)
    provider: Literal["twilio", "stripe", "razorpay"] | None = None


Found = TypeVar("Found")


class InboxQuery(Body):
    """What to list. `since` is a moment of the sandbox's clock, `cursor` the last page's next."""

    to: str | None = Field(default=None, max_length=320)
    channel: Literal["email", "sms"] | None = None
    since: AwareDatetime | None = None
    cursor: int | None = None
    limit: int = Field(default=50, ge=1, le=1000)


def routes(
    state: State, clock: Clock, inbox: Inbox, faults: Faults, callbacks: Callbacks
) -> APIRouter:
    """Everything under /control."""
    router = APIRouter(prefix="/control", tags=["control"])
    router.include_router(inbox_routes(inbox, clock))
    router.include_router(clock_routes(clock))

    @router.get("/next")
    async def read_next() -> dict[str, Any]:
        """The outcomes still to come."""
        return {"items": faults.waiting()}

    @router.post("/next")
    async def order_next(body: NextOutcome) -> dict[str, Any]:
        """Order how the next requests end."""
        faults.order(body.provider, body.operation, body.outcome, body.delay, body.times)
        return {"items": faults.waiting()}

    @router.get("/webhooks")
    async def read_webhooks() -> dict[str, Any]:
        """The tricks played on status callbacks."""
        return callbacks.ordered()

    @router.post("/webhooks")
    async def order_webhooks(body: Tricks) -> dict[str, Any]:
        """Order tricks; those not named stay as they are."""
        callbacks.order(body.model_dump(exclude_unset=True))
        return callbacks.ordered()

    @router.post("/reset")
    async def reset() -> dict[str, str]:
        """Forget every message, fault, trick and setting; the clock follows real time."""
        state.forget_everything()
        return {"status": "empty"}

    return router


def clock_routes(clock: Clock) -> APIRouter:
    """The sandbox's own clock."""
    router = APIRouter()

    @router.get("/clock")
    async def read_clock() -> ClockState:
        """What time it is here."""
        return ClockState(now=clock.now(), runs=not clock.stands)

    @router.post("/clock")
    async def set_clock(body: ClockSetting) -> ClockState:
        """Set the clock or move it on."""
        if body.advance is not None:
            clock.advance(body.advance)
        elif body.now is not None:
            clock.stand_at(body.now)
        else:
            clock.follow_real_time()
        return await read_clock()

    return router


def inbox_routes(inbox: Inbox, clock: Clock) -> APIRouter:
    """The inbox, as JSON for programs and as pages for browsers."""
    router = APIRouter(prefix="/inbox")

    @router.get("", response_model=None)
    async def read_inbox(
        request: Request, query: Annotated[InboxQuery, Query()]
    ) -> Response | dict[str, Any]:
        """Messages sent, newest first."""
        wanted = Wanted(query.to, query.channel, query.since, query.cursor, query.limit)
        found, following = inbox.page(wanted)
        if pages.wanted_by(request):
            return pages.inbox(found, following, wanted, inbox.total(wanted), clock)
        return {
            "items": [shown(row, inbox.attachments(row["id"])) for row in found],
            "nextCursor": following,
            "total": inbox.total(wanted),
        }

    @router.get("/{message_id}", response_model=None)
    async def read_message(request: Request, message_id: str) -> Response | dict[str, Any]:
        """One message."""
        row = found_or_404(inbox.find(message_id))
        message = shown(row, inbox.attachments(message_id))
        return pages.message(message, clock) if pages.wanted_by(request) else message

    @router.get("/{message_id}/html", response_model=None)
    async def read_letter(message_id: str) -> Response:
        """The HTML of a mail, fenced in: no script, nothing fetched, links in a new window."""
        return pages.letter(found_or_404(inbox.find(message_id))["html"] or "")

    @router.get("/{message_id}/attachments/{ordinal}", response_model=None)
    async def read_attachment(message_id: str, ordinal: int) -> Response:
        """A file of a mail, to be saved."""
        files = inbox.attachments(message_id)
        return pages.download(found_or_404(dict(enumerate(files)).get(ordinal)))

    return router


def found_or_404(found: Found | None) -> Found:
    """What was found, or 404."""
    if found is None:
        raise HTTPException(404, "There is no such message.")
    return found
