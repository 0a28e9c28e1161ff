"""The one door to PostgreSQL: one `async with` is one transaction of one tenant.

Nobody else opens a session or commits. The tenant, the actor and the request are set
transaction-locally, so a pooled connection carries nothing to its next borrower.
"""

from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import Row, TextClause, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session, UOWTransaction

from domain.errors import NotFound, Unavailable
from models.base import TenantRow, WalledRow

TENANT = "tenant_id"
# How long a borrower waits for a connection when all are lent.
POOL_SECONDS = 10.0
Model = TypeVar("Model", bound=TenantRow)


@dataclass(frozen=True, slots=True)
class Whence:
    """From where a change comes and for what: a request, its address and program; a step's name."""

    request: str = ""
    ip: str = ""
    agent: str = ""
    why: str = ""

    @property
    def settings(self) -> dict[str, str]:
        """What a transaction is told of it."""
        return {"request": self.request, "ip": self.ip, "agent": self.agent, "why": self.why}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes rows: `user:<id>`, `key:<id>`, `life:<workflow id>`, `platform:<reason>`."""

    name: str
    whence: Whence = Whence()

    @classmethod
    def life(cls, workflow_id: str, step: str = "") -> "Actor":
        """A step of a running life."""
        return cls(f"life:{workflow_id}", Whence(why=step))


@dataclass(frozen=True, slots=True)
class Opened:
    """A transaction that a secret opened, and the id of what the secret belongs to."""

    session: AsyncSession
    by: UUID


class TenantSession(Session):
    """A session that fills the tenant of every new row from itself."""


@event.listens_for(TenantSession, "before_flush")
def _fill_tenant(session: Session, _context: UOWTransaction, _instances: object) -> None:
    for row in session.new:
        if isinstance(row, WalledRow):
            row.tenant_id = session.info[TENANT]


class Database:
    """Opens transactions: `tenant` for one tenant's rows, `platform` for named platform work."""

    def __init__(
        self,
        app_url: str,
        platform_url: str,
        *,
        pool_size: int = 10,
        pool_seconds: float = POOL_SECONDS,
    ) -> None:
        self.app = _engine(app_url, pool_size, pool_seconds)
        self._platform = _engine(platform_url, max(2, pool_size // 2), pool_seconds)

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID, actor: Actor) -> AsyncGenerator[AsyncSession]:
        """One transaction, one tenant: commits on success, rolls back on error."""
        values = {"t": str(tenant_id), **_named(actor)}
        async with _transaction(self.app, TenantSession, _IDENTIFY, values) as (session, _):
            session.sync_session.info[TENANT] = tenant_id
            yield session

    @asynccontextmanager
    async def keyed(self, key_hash: str, whence: Whence) -> AsyncGenerator[Opened | None]:
        """One transaction of the tenant whose key has this hash, acting as that key; None: no key.

        The key alone says whose rows are seen, in the transaction that sees them.
        """
        values = {"hash": key_hash, **whence.settings}
        async with self._opened(_IDENTIFY_KEY, values) as opened:
            yield opened

    @asynccontextmanager
    async def addressed(self, address_hash: str, actor: Actor) -> AsyncGenerator[Opened | None]:
        """The same for the merchant account whose webhook address has this hash."""
        values = {"hash": address_hash, **_named(actor)}
        async with self._opened(_IDENTIFY_ADDRESS, values) as opened:
            yield opened

    @asynccontextmanager
    async def _opened(
        self, identify: TextClause, values: dict[str, str]
    ) -> AsyncGenerator[Opened | None]:
        async with _transaction(self.app, TenantSession, identify, values) as (session, found):
            if found is None:
                yield None
            else:
                session.sync_session.info[TENANT] = found.tenant_id
                yield Opened(session, found.id)

    @asynccontextmanager
    async def platform(self, reason: str) -> AsyncGenerator[AsyncSession]:
        """One transaction above the walls, for relay, repair and doctor; its reason is audited."""
        values = {"t": "", **_named(Actor(f"platform:{reason}"))}
        async with _transaction(self._platform, Session, _IDENTIFY, values) as (session, _):
            yield session

    @asynccontextmanager
    async def anonymous(self) -> AsyncGenerator[AsyncSession]:
        """The app role without a tenant: sees no tenant row, may call the look-up functions."""
        values = {"t": "", **_named(Actor(""))}
        async with _transaction(self.app, TenantSession, _IDENTIFY, values) as (session, _):
            yield session

    async def close(self) -> None:
        """Give every connection back."""
        await self.app.dispose()
        await self._platform.dispose()


_WHENCE = ", ".join(f"set_config('app.{name}', :{name}, true)" for name in Whence().settings)
_WALL = "tenant_id, set_config('app.current_tenant', tenant_id::text, true)"
_IDENTIFY = text(
    "select set_config('app.current_tenant', :t, true), set_config('app.actor', :actor, true),"
    f" {_WHENCE}"
)
_IDENTIFY_KEY = text(
    f"select {_WALL}, key_id as id, set_config('app.actor', 'key:' || key_id, true),"  # noqa: S608
    f" {_WHENCE} from find_api_key(:hash)"
)
_IDENTIFY_ADDRESS = text(
    f"select {_WALL}, account_id as id, set_config('app.actor', :actor, true),"  # noqa: S608
    f" {_WHENCE} from find_payment_account(:hash)"
)


def _named(actor: Actor) -> dict[str, str]:
    return {"actor": actor.name, **actor.whence.settings}


def _engine(url: str, pool_size: int, pool_seconds: float) -> AsyncEngine:
    address = url.replace("postgresql://", "postgresql+asyncpg://", 1)
    return create_async_engine(
        address,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_seconds,
        pool_use_lifo=True,  # the connection that has its statements ready is lent first
        hide_parameters=True,  # what a statement was given may be personal: no log shows it
    )


@asynccontextmanager
async def _transaction(
    engine: AsyncEngine, kind: type[Session], identify: TextClause, values: dict[str, str]
) -> AsyncGenerator[tuple[AsyncSession, Row[Any] | None]]:
    """A transaction that has said who it is; a connection that died in the pool is replaced."""
    async with _translated(), AsyncExitStack() as stack:
        try:
            begun = await _begun(stack, engine, kind, identify, values)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            begun = await _begun(stack, engine, kind, identify, values)
        yield begun


async def _begun(
    stack: AsyncExitStack,
    engine: AsyncEngine,
    kind: type[Session],
    identify: TextClause,
    values: dict[str, str],
) -> tuple[AsyncSession, Row[Any] | None]:
    """Begins on the stack only when the first statement went through."""
    async with AsyncExitStack() as own:
        session = AsyncSession(engine, sync_session_class=kind, expire_on_commit=False)
        await own.enter_async_context(session)
        await own.enter_async_context(session.begin())
        with _reaching():
            row = (await session.execute(identify, values)).first()
        stack.push_async_exit(own.pop_all())
        return session, row


@contextmanager
def _reaching() -> Generator[None]:
    """Before the first statement the driver has no word for it: nobody listens, or all is busy."""
    try:
        yield
    except (OSError, PoolTimeoutError, asyncpg.InternalClientError) as error:
        raise Unavailable("the database does not answer") from error


@asynccontextmanager
async def _translated() -> AsyncGenerator[None]:
    """A database that is lost, or asks us to come again, is unavailable, however it is told."""
    try:
        yield
    except (DBAPIError, *_DRIVER) as error:
        if is_away(error):
            raise Unavailable("the database does not answer") from error
        raise


def is_away(error: Exception) -> bool:
    """Whether the database is lost or asks us to come again, and nothing was wrong with us."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _is_passing(cause_of(error))
    return isinstance(error, Unavailable) or _is_passing(error)


# From the driver's own connection, see models/bulk.py.
_DRIVER = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
# InternalClientError is none of the others' subclasses and still means a lost server.
_PASSING = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
)


def _is_passing(cause: BaseException | None) -> bool:
    return isinstance(cause, _PASSING) and not is_bad_value(cause)


_BAD_VALUES = (
    asyncpg.NumericValueOutOfRangeError,
    asyncpg.DatetimeFieldOverflowError,
    asyncpg.InvalidTextRepresentationError,
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.UntranslatableCharacterError,
    asyncpg.StringDataRightTruncationError,
)


def is_bad_value(cause: BaseException | None) -> bool:
    """A value that no column can hold: too large, a NUL in a text. Refused by server or driver.

    The driver's own refusal is an InterfaceError like a lost connection, and a ValueError besides.
    """
    return isinstance(cause, _BAD_VALUES) or (
        isinstance(cause, asyncpg.InterfaceError) and isinstance(cause, ValueError)
    )


def cause_of(error: DBAPIError) -> BaseException | None:
    """What the driver itself said."""
    return error.orig.__cause__ if error.orig is not None else None


def tenant_of(session: AsyncSession) -> UUID:
    """The tenant this session belongs to."""
    tenant_id: UUID = session.info[TENANT]
    return tenant_id


async def one(
    session: AsyncSession, model: type[Model], row_id: UUID, *, lock: bool = False
) -> Model:
    """The tenant's row of that id, or NotFound; `lock` takes it FOR UPDATE and reads it anew."""
    row = await session.get(
        model, (tenant_of(session), row_id), with_for_update=lock or None, populate_existing=lock
    )
    if row is None:
        raise NotFound(f"there is no {model.__name__.lower()} {row_id}")
    return row
