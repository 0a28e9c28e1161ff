"""How a tenant bills: numbers, due days, late fee, reminders, GST, UPI; for later invoices."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.body import Answer, Body, MoneyField, in_minor, money
from api.permission import Permission, allows
from api.request import Context, Here, TenantRoute
from domain.errors import InvalidInput
from domain.identifiers import valid_gstin, valid_vpa
from domain.numbering import RESERVED
from domain.proration import Basis
from models.event import record
from models.tenant import BillingSettings

router = APIRouter(prefix="/billing/settings", tags=["billing"], route_class=TenantRoute)
MONEY = {
    "late_fee_cap": "late_fee_cap_minor",
    "late_fee_minimum_balance": "late_fee_minimum_balance_minor",
}
PERCENT_MAX = 100
Days = Annotated[int, Field(ge=0, le=90)]
LateFeeType = Literal["percentage", "fixed"]
NONE = MoneyField(amount="0", currency="")


class SettingsAnswer(Answer):
    """How the tenant bills today; `lateFeeValue` is percent, or major units when it is fixed.

    `upiVpa` is the address UPI payments go to; documents with something due show it as a QR code.
    """

    invoice_prefix: str
    invoice_starting_number: int
    default_due_days: int
    proration_basis: Basis
    late_fee_enabled: bool
    late_fee_type: LateFeeType
    late_fee_value: Decimal
    late_fee_grace_period_days: int
    late_fee_cap: MoneyField | None
    late_fee_minimum_balance: MoneyField
    reminder_enabled: bool
    reminder_days_before: int
    reminder_days_after: list[int]
    gst_enabled: bool
    gst_number: str | None
    upi_vpa: str | None
    created_at: datetime


class SettingsChange(Body):
    """What is to change; a field that is left out stays as it is."""

    invoice_prefix: Annotated[str, Field(pattern="^[A-Z0-9]{1,3}$")] = ""
    invoice_starting_number: Annotated[int, Field(ge=1, le=999_999)] = 1
    default_due_days: Days = 0
    proration_basis: Basis = Basis.actual_days
    late_fee_enabled: bool = True
    late_fee_type: LateFeeType = "percentage"
    late_fee_value: Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2)] = Decimal(0)
    late_fee_grace_period_days: Days = 0
    late_fee_cap: MoneyField | None = None
    late_fee_minimum_balance: MoneyField = NONE
    reminder_enabled: bool = True
    reminder_days_before: Annotated[int, Field(ge=0, le=30)] = 0
    reminder_days_after: Annotated[
        list[Annotated[int, Field(ge=1, le=90)]], Field(max_length=10)
    ] = Field(default_factory=list[int])
    gst_enabled: bool = True
    gst_number: Annotated[str, Field(max_length=20)] | None = None
    upi_vpa: Annotated[str, Field(max_length=320)] | None = None

    def values(self, currency: str) -> dict[str, Any]:
        """The fields that were sent, as the row keeps them."""
        given = in_minor(self.given(), currency, MONEY)
        if self.invoice_prefix in RESERVED:
            raise InvalidInput.of(
                "invoicePrefix", "RESERVED", f"{self.invoice_prefix} is the series of other papers"
            )
        if given.get("gst_number"):
            given["gst_number"] = valid_gstin(given["gst_number"], "gstNumber")
        if given.get("upi_vpa") is not None:
            given["upi_vpa"] = valid_vpa(given["upi_vpa"], "upiVpa")
        if "reminder_days_after" in given:
            given["reminder_days_after"] = sorted(set(given["reminder_days_after"]))
        return given


@router.get("", **allows(Permission.SETTINGS_READ))
async def get_settings(here: Here) -> SettingsAnswer:
    """How the tenant bills today."""
    return _shown(await _settings(here.session), here)


@router.put("", **allows(Permission.SETTINGS_WRITE))
async def change_settings(body: SettingsChange, here: Here) -> SettingsAnswer:
    """Change how invoices are issued from now on; those issued keep their terms.

    A new prefix begins at the starting number; a series that has begun goes on as it counts.
    """
    settings = await _settings(here.session, lock=True)
    for column, value in body.values(here.tenant.currency).items():
        setattr(settings, column, value)
    if settings.late_fee_type == "percentage" and settings.late_fee_value > PERCENT_MAX:
        raise InvalidInput.of(
            "lateFeeValue", "TOO_LARGE", f"is {settings.late_fee_value} percent; 100 is the most"
        )
    await here.session.flush()
    now = here.parts.clock.now()
    await record(here.session, "billing_settings.changed", "tenant", here.tenant.id, now)
    return _shown(settings, here)


async def _settings(session: AsyncSession, *, lock: bool = False) -> BillingSettings:
    query = select(BillingSettings)
    return (await session.scalars(query.with_for_update() if lock else query)).one()


def _shown(row: BillingSettings, here: Context) -> SettingsAnswer:
    currency, cap = here.tenant.currency, row.late_fee_cap_minor
    kept = {
        name: getattr(row, name)
        for name in SettingsAnswer.model_fields
        if name not in ("late_fee_cap", "late_fee_minimum_balance", "created_at")
    }
    return SettingsAnswer(
        **kept,
        late_fee_cap=None if cap is None else money(cap, currency),
        late_fee_minimum_balance=money(row.late_fee_minimum_balance_minor, currency),
        created_at=row.recorded_at,
    )
