"""What residents saved to pay with later: the rows, what these say, and the plan that follows."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from domain import keys, payment_method
from domain.payment_account import Provider
from domain.payment_method import ENDED, MethodFacts, MethodKind, MethodStatus, good_through
from models import event, plan
from models.base import TenantRow, one_of, within_tenant
from models.database import one, tenant_of
from models.life import SubjectKind
from models.plan import Planned
from models.task import close_tasks, open_whats


class SavedMethod(TenantRow):
    """A card at a provider, or the page on which a resident may leave one.

    Its id goes to the provider with every call and comes back with every event. No number of a card
    is ever here: `last4` and the month it is good through are what people know it by. `asks` counts
    who wanted to know how it stands, `answered` how many of these were told by the provider.
    """

    __tablename__ = "payment_methods"
    __table_args__ = (
        within_tenant("resident_id", "residents"),
        within_tenant("account_id", "payment_accounts"),
        UniqueConstraint("tenant_id", "account_id", "page_id"),
        UniqueConstraint("tenant_id", "account_id", "provider_method_id"),
        one_of("provider", Provider),
        one_of("kind", MethodKind),
        one_of("status", MethodStatus),
        # What stands by default is usable as far as we know; a card past its month is seen to be.
        CheckConstraint("not is_default or status = 'active'", name="default_active"),
        Index(
            "uq_payment_methods_default",
            "tenant_id",
            "resident_id",
            unique=True,
            postgresql_where=text("is_default"),
        ),
        Index("ix_payment_methods_resident", "tenant_id", "resident_id"),
    )

    resident_id: Mapped[UUID]
    account_id: Mapped[UUID]
    provider: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str]
    currency: Mapped[str]
    is_default: Mapped[bool] = mapped_column(server_default=text("false"))
    make_default: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    page_id: Mapped[str | None]
    setup_url: Mapped[str | None]
    opened_at: Mapped[datetime | None]
    provider_method_id: Mapped[str | None]
    brand: Mapped[str | None]
    last4: Mapped[str | None]
    expiry_month: Mapped[int | None]
    expiry_year: Mapped[int | None]
    saved_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    tried_at: Mapped[datetime | None]
    unknown_since: Mapped[datetime | None]
    look_ups: Mapped[int] = mapped_column(server_default=text("0"))
    asks: Mapped[int] = mapped_column(server_default=text("0"))
    answered: Mapped[int] = mapped_column(server_default=text("0"))
    asked_at: Mapped[datetime | None]
    remove_asked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    failure_code: Mapped[str | None]

    def usable(self, today: date) -> bool:
        """Whether it can be paid with on a day."""
        if self.status != MethodStatus.active:
            return False
        if self.expiry_month is None or self.expiry_year is None:
            return True
        return good_through(self.expiry_month, self.expiry_year, today)


async def locked(session: AsyncSession, method_id: UUID) -> SavedMethod:
    """The method, locked and read anew. Its resident, if needed, is locked first."""
    await session.flush()
    return await one(session, SavedMethod, method_id, lock=True)


async def facts_of(session: AsyncSession, method: SavedMethod) -> MethodFacts:
    """What the rows say of a locked method."""
    return MethodFacts(
        status=MethodStatus(method.status),
        created_at=method.created_at,
        expires_at=method.expires_at,
        tries=method.tries,
        tried_at=method.tried_at,
        unknown_since=method.unknown_since,
        look_ups=method.look_ups,
        asked_at=method.asked_at if method.asks > method.answered else None,
        opened_at=method.opened_at,
        page_known=method.page_id is not None,
        card_known=method.provider_method_id is not None,
        remove_asked_at=method.remove_asked_at,
        tasks_open=await open_whats(session, method.id),
    )


async def planned(session: AsyncSession, method: SavedMethod) -> Planned:
    """The plan of a locked method."""
    await session.flush()
    return Planned(
        kind=SubjectKind.PAYMENT_METHOD,
        subject_id=method.id,
        workflow_id=keys.payment_method(tenant_of(session), method.id),
        property_id=None,
        stage=method.status,
        actions=payment_method.plan(await facts_of(session, method)),
    )


async def replan(session: AsyncSession, method_id: UUID, _at: datetime) -> Planned:
    """Facts of the method changed: write its plan anew and wake its life when that matters."""
    now = await planned(session, await locked(session, method_id))
    await plan.changed(session, now)
    return now


async def asked_after(session: AsyncSession, method: SavedMethod, at: datetime) -> None:
    """Somebody wants to know how a locked method stands: the provider is asked at once."""
    method.asks += 1
    method.asked_at = at
    await plan.changed(session, await planned(session, method))


async def moved(
    session: AsyncSession, method: SavedMethod, status: MethodStatus, at: datetime
) -> None:
    """Take a locked method to another status; what has ended leaves no page and no task."""
    was, method.status = method.status, status
    method.tries, method.tried_at = 0, None
    method.unknown_since, method.look_ups = None, 0
    if status is not MethodStatus.pending:
        method.setup_url = None
    if status is not MethodStatus.active:
        method.is_default = False
    if status in ENDED:
        method.ended_at = at
        await close_tasks(session, method.id, f"the saved method is {status}", at)
    if was != status:
        kind, resident = SubjectKind.PAYMENT_METHOD, str(method.resident_id)
        name = f"payment_method.{status}"
        await event.record(session, name, kind, method.id, at, resident_id=resident)


async def stand_first(session: AsyncSession, method: SavedMethod) -> None:
    """Pay with this one where none is named. The resident is locked by the caller."""
    await session.flush()
    await session.execute(
        update(SavedMethod)
        .where(
            SavedMethod.resident_id == method.resident_id,
            SavedMethod.is_default,
            SavedMethod.id != method.id,
        )
        .values(is_default=False)
        .execution_options(synchronize_session=False)
    )
    method.is_default = True
    await session.flush()
