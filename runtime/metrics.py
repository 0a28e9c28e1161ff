"""What a process tells Prometheus: its own counts, and the house's figures, asked at a scrape.

No label ever names a tenant, a person or a path: routes are told by their template.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import DBAPIError

from domain.errors import Refused, Unavailable, UnknownOutcome
from models import measure
from models.database import Database
from models.measure import Figure
from providers.messages import Messenger, Outgoing, Receipt
from runtime.clock import Clock

log = structlog.get_logger()

CONTENT_TYPE = CONTENT_TYPE_LATEST
# Two scrapers, or an impatient one, ask the database once in this time.
CACHED_SECONDS = 5.0
PATIENCE_SECONDS = 5.0
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)
_MEANINGS = {
    "lives": "Lives that wait, by what they are about and where they stand.",
    "wakes_waiting": "Wake-ups that no relay has delivered yet.",
    "wakes_oldest_seconds": "How long the oldest wake-up waits.",
    "deliveries_open": "Deliveries that are not over, by channel and state.",
    "deliveries_due": "Deliveries whose time has come and that wait for the relay.",
    "deliveries_oldest_due_seconds": "For how long the oldest of them has been due.",
    "provider_events_waiting": "Events of providers that are kept and not settled yet.",
    "provider_events_oldest_seconds": "For how long the oldest of them could have been settled.",
    "provider_events_dead": "Events of providers that wait for a person.",
    "events_unsequenced": "Events without a position, of the newest ten thousand.",
    "events_unsequenced_oldest_seconds": "How long the oldest of them waits for its position.",
    "event_consumer_lag": "Positions that a consumer of events has not come to.",
    "event_retries": "Events that a consumer could not take and will try again.",
    "event_dead_letters": "Events that a consumer could not take and that wait for a person.",
    "messages": "Messages by state, as of the last slow reading.",
    "tasks_open": "Tasks that wait for a person.",
    "tasks_overdue": "Tasks a person should have settled by now.",
    "billing_runs_open": "Billing runs that are queued or running.",
    "invoices_issued_total": "Invoices issued; its rate is billing rows per second.",
    "invariant_breaches": "What breaks an invariant of the books, as of the last slow reading.",
    "slow_figures_age_seconds": "How long ago the last slow reading was begun.",
}


class Metrics:
    """The registry of one process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.house = House(database, clock)
        self.registry.register(self.house)
        self._requests = Counter(
            "innkeeper_requests",
            "Requests answered, by template of their route.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "innkeeper_request_seconds",
            "How long requests took.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._calls = Counter(
            "innkeeper_carrier_calls",
            "Calls to those who carry messages, by what came of them.",
            ("channel", "operation", "outcome"),
            registry=self.registry,
        )

    def answered(self, method: str, route: str, status: int | None, seconds: float) -> None:
        """One request; `route` is a template, and a status of None means nobody waited for it."""
        known = method if method in METHODS else "other"
        self._requests.labels(known, route, str(status or "gone")).inc()
        self._seconds.labels(known, route).observe(seconds)

    def called(self, channel: str, operation: str, outcome: str) -> None:
        """One call to a carrier."""
        self._calls.labels(channel, operation, outcome).inc()

    async def text(self) -> bytes:
        """Everything, as Prometheus reads it. Answers also when the database does not."""
        await self.house.look()
        return generate_latest(self.registry)


class House(Collector):
    """The house's figures as they were when somebody last looked, a few seconds ago at most."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._looking = asyncio.Lock()
        self._looked_at = float("-inf")
        self._figures: Sequence[Figure] | None = None

    async def look(self) -> None:
        """Ask the database, unless that was done just now."""
        async with self._looking:
            if time.monotonic() - self._looked_at < CACHED_SECONDS:
                return
            self._figures = await self._asked(self._clock.now())
            self._looked_at = time.monotonic()

    async def _asked(self, now: datetime) -> Sequence[Figure] | None:
        try:
            async with (
                asyncio.timeout(PATIENCE_SECONDS),
                self._database.platform("metrics") as session,
            ):
                return await measure.figures(session, now)
        except (Unavailable, DBAPIError, TimeoutError) as error:
            log.warning("the house's figures cannot be read", why=type(error).__name__)
            return None

    def collect(self) -> Iterable[Metric]:
        """The figures; without a database only that there are none."""
        known = self._figures is not None
        yield GaugeMetricFamily("innkeeper_house_readable", "The database answered.", value=known)
        for name, figures in _by_name(self._figures or ()).items():
            yield _family(name, figures)

    def describe(self) -> Iterator[Metric]:
        """Nothing to describe before a look."""
        yield from ()


def _by_name(figures: Sequence[Figure]) -> dict[str, list[Figure]]:
    named: dict[str, list[Figure]] = {}
    for figure in figures:
        named.setdefault(figure.name, []).append(figure)
    return named


def _family(name: str, figures: Sequence[Figure]) -> Metric:
    labels = sorted({label for figure in figures for label in figure.labels})
    kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    family = kind(f"innkeeper_{name}", _MEANINGS[name], labels=labels)
    for figure in figures:
        family.add_metric([figure.labels.get(label, "") for label in labels], figure.value)
    return family


class Counted:
    """A messenger whose calls are counted by what came of them."""

    def __init__(self, messenger: Messenger, metrics: Metrics) -> None:
        self._messenger = messenger
        self._metrics = metrics

    async def send(self, outgoing: Outgoing) -> Receipt:
        """As the messenger does."""
        try:
            receipt = await self._messenger.send(outgoing)
        except (Refused, Unavailable) as error:
            self._metrics.called(outgoing.channel, "send", _outcome(error))
            raise
        self._metrics.called(outgoing.channel, "send", receipt.state)
        return receipt

    async def look_up(self, outgoing: Outgoing, sent_after: datetime) -> Receipt | None:
        """As the messenger does."""
        try:
            found = await self._messenger.look_up(outgoing, sent_after)
        except (Refused, Unavailable) as error:
            self._metrics.called(outgoing.channel, "look_up", _outcome(error))
            raise
        self._metrics.called(outgoing.channel, "look_up", found.state if found else "not found")
        return found

    async def close(self) -> None:
        """As the messenger does."""
        await self._messenger.close()


def _outcome(error: Refused | Unavailable) -> str:
    if isinstance(error, UnknownOutcome):
        return "unknown"
    return "refused" if isinstance(error, Refused) else "unavailable"
