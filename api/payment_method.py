"""Ways to pay that residents saved: left on a provider's page, used later, forgotten on demand.

Catalogue #96 to #98. Of a card only its brand, its last digits and its month ever leave here.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import ColumnElement, and_, func, select

from api.body import Answer, Body, PlanAnswer
from api.page import Page, Paging, page_of, paged
from api.permission import Permission, allows
from api.plan import plan_of
from api.request import Context, Here, TenantRoute
from domain import keys
from domain.calendar import local_day
from domain.errors import Refused
from domain.payment_account import Provider
from domain.payment_method import MethodKind, MethodStatus
from models import method_asking
from models.database import one, tenant_of
from models.payment_method import SavedMethod

router = APIRouter(prefix="/payments/methods", tags=["payments"], route_class=TenantRoute)
READ, WRITE = allows(Permission.PAYMENTS_READ), allows(Permission.PAYMENTS_WRITE)
NO_ADDRESS = "residents cannot come back to this house: INNKEEPER_PUBLIC_BASE_URL is not set"


class MethodAsked(Body):
    """Whose card shall be saved, and whether it shall be paid with where none is named.

    The first card of a resident is, whatever is asked.
    """

    resident_id: UUID
    make_default: bool = False


class MethodAnswer(Answer):
    """A saved way to pay. `setupUrl` is where the resident leaves the card, while that is open.

    `usable` tells whether it can be paid with today: it is kept, and the card's month has not gone.
    """

    id: UUID
    resident_id: UUID
    provider: Provider
    kind: MethodKind
    status: MethodStatus
    usable: bool
    is_default: bool
    brand: str | None
    last4: str | None
    expiry_month: int | None
    expiry_year: int | None
    setup_url: str | None
    expires_at: datetime
    saved_at: datetime | None
    ended_at: datetime | None
    failure_code: str | None
    created_at: datetime
    plan: str


@router.get("", **READ)
async def list_methods(
    here: Here,
    paging: Paging,
    *,
    resident_id: Annotated[UUID | None, Query(alias="residentId")] = None,
    status: MethodStatus | None = None,
    usable: bool | None = None,
) -> Page[MethodAnswer]:
    """The tenant's saved ways to pay, the newest first; `usable=true`: what can be paid with."""
    query = select(SavedMethod)
    if resident_id is not None:
        query = query.where(SavedMethod.resident_id == resident_id)
    if status is not None:
        query = query.where(SavedMethod.status == status)
    if usable is not None:
        good = _good(here)
        query = query.where(good if usable else ~good)
    rows, cursor = await paged(here.session, query, SavedMethod, paging)
    return page_of(rows, cursor, lambda row: _shown(here, row))


@router.post("", status_code=202, **WRITE)
async def save_method(body: MethodAsked, here: Here) -> MethodAnswer:
    """Ask for a page on which the resident leaves a card; asked again, it is the one that is open.

    202: the page is opened by the method's life, ask for the method again in a moment. 409
    `NO_ACCOUNT` where the house has no account at a provider that keeps cards.
    """
    if not here.parts.links.public:
        raise Refused(NO_ADDRESS, code="NO_PUBLIC_ADDRESS")
    currency, at = here.tenant.currency, here.parts.clock.now()
    method = await method_asking.ask(
        here.session, body.resident_id, currency, at, make_default=body.make_default
    )
    return _shown(here, method)


@router.get("/{method_id}", **READ)
async def read_method(method_id: UUID, here: Here) -> MethodAnswer:
    """One saved way to pay."""
    return _shown(here, await one(here.session, SavedMethod, method_id))


@router.get("/{method_id}/plan", **READ)
async def read_plan(method_id: UUID, here: Here) -> PlanAnswer:
    """What happens to it next, when, and why."""
    row = await one(here.session, SavedMethod, method_id)
    workflow_id = keys.payment_method(tenant_of(here.session), row.id)
    return await plan_of(here.session, row.id, stage=row.status, workflow_id=workflow_id)


@router.post("/{method_id}/default", **WRITE)
async def prefer_method(method_id: UUID, here: Here) -> MethodAnswer:
    """Pay with this one where none is named; the one before is no longer the default."""
    at, zone = here.parts.clock.now(), here.tenant.timezone
    return _shown(here, await method_asking.prefer(here.session, method_id, at, zone))


@router.delete("/{method_id}", status_code=202, **WRITE)
async def remove_method(method_id: UUID, here: Here) -> MethodAnswer:
    """Forget it: from now on nobody pays with it, and its life has the provider forget it too."""
    at = here.parts.clock.now()
    return _shown(here, await method_asking.remove(here.session, method_id, at))


def _good(here: Context) -> ColumnElement[bool]:
    """What `SavedMethod.usable` says, for a list."""
    today = local_day(here.parts.clock.now(), here.tenant.timezone)
    month = SavedMethod.expiry_year * 12 + SavedMethod.expiry_month
    good_through = func.coalesce(month >= today.year * 12 + today.month, True)
    return and_(SavedMethod.status == MethodStatus.active, good_through)


def _shown(here: Context, row: SavedMethod) -> MethodAnswer:
    today = local_day(here.parts.clock.now(), here.tenant.timezone)
    same = set(MethodAnswer.model_fields) & set(SavedMethod.__table__.c.keys()) - {"is_default"}
    usable = row.usable(today)
    return MethodAnswer(
        **{name: getattr(row, name) for name in same},
        usable=usable,
        is_default=row.is_default and usable,
        plan=f"/api/v1/payments/methods/{row.id}/plan",
    )
