"""How a preview is answered: the totals of the whole, what could not be billed, a page of bills."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from api.body import Answer, MoneyField, money
from api.invoice_answer import LineAnswer, answered
from api.page import Page
from domain.billing_preview import FeeAhead, WarningCode
from models.billing_preview import Foreseen, Preview
from models.fee_ahead import OpenFee

LISTED = 500


class TotalsAnswer(Answer):
    """What the invoices of one currency add up to; `lateFees` follow if nobody pays."""

    currency: str
    invoice_count: int
    subtotal: MoneyField
    tax_amount: MoneyField
    total_amount: MoneyField
    advances_used: MoneyField
    balance_due: MoneyField
    late_fees: MoneyField


class AdvanceAnswer(Answer):
    """What of a payment would pay the invoice."""

    payment_id: UUID
    payment_number: str
    amount: MoneyField


class FeeAnswer(Answer):
    """A part of the late fee, charged at that instant if nothing is paid until then."""

    part: Literal["flat", "daily"]
    at: datetime
    amount: MoneyField
    tax_amount: MoneyField
    total_amount: MoneyField


class WarningAnswer(Answer):
    """Something a person should see before it is sent."""

    code: WarningCode
    message: str


class BeforeAnswer(Answer):
    """What the month before asked for, and by how much this one differs."""

    total_amount: MoneyField
    difference: MoneyField


class ForeseenAnswer(Answer):
    """An invoice as it would be issued; it has no number yet."""

    agreement_id: UUID
    agreement_number: str
    resident_id: UUID
    recipient_name: str
    property_id: UUID
    period: str
    document: str
    invoice_date: date
    due_date: date
    line_items: list[LineAnswer]
    subtotal: MoneyField
    tax_amount: MoneyField
    total_amount: MoneyField
    advances: list[AdvanceAnswer]
    balance_due: MoneyField
    late_fees: list[FeeAnswer]
    month_before: BeforeAnswer | None
    warnings: list[WarningAnswer]


class RefusedAnswer(Answer):
    """An agreement the run could not bill, and why."""

    agreement_id: UUID
    period: str
    code: str
    problem: str


class OwingNothingAnswer(Answer):
    """An agreement of which the month asks nothing."""

    agreement_id: UUID
    period: str


class WarningCount(Answer):
    """How many invoices carry a warning."""

    code: WarningCode
    count: int


class OpenFeeAnswer(FeeAnswer):
    """A part of a late fee that the plan of an open invoice announces; its terms are frozen."""

    invoice_id: UUID
    invoice_number: str | None
    resident_id: UUID
    why: str


class OpenFeesAnswer(Answer):
    """Those of the scope: all of them counted, the next 500 listed."""

    count: int
    totals: list[MoneyField]
    items: list[OpenFeeAnswer]


class PreviewAnswer(Answer):
    """What a run would do. `months` are billed in this order, the one asked for last.

    Of what is refused and of what owes nothing the first 500 are listed.
    """

    period: str
    as_of: date
    months: list[str]
    invoice_count: int
    totals: list[TotalsAnswer]
    warnings: list[WarningCount]
    refused_count: int
    refusals: list[RefusedAnswer]
    owing_nothing_count: int
    owing_nothing: list[OwingNothingAnswer]
    invoices: Page[ForeseenAnswer]
    open_fees: OpenFeesAnswer


def shown(
    seen: Preview,
    page: Sequence[Foreseen],
    cursor: str | None,
    as_of: date,
    warned: Mapping[WarningCode, int],
) -> PreviewAnswer:
    """The preview with one page of its invoices."""
    return PreviewAnswer(
        period=str(seen.months[-1]),
        as_of=as_of,
        months=[str(month) for month in seen.months],
        invoice_count=len(seen.invoices),
        totals=_totals(seen.invoices),
        warnings=[WarningCount(code=code, count=warned[code]) for code in sorted(warned)],
        refused_count=len(seen.refusals),
        refusals=[
            RefusedAnswer(
                agreement_id=one.agreement_id,
                period=str(month),
                code=one.code,
                problem=one.problem,
            )
            for month, one in seen.refusals[:LISTED]
        ],
        owing_nothing_count=len(seen.empty),
        owing_nothing=[
            OwingNothingAnswer(agreement_id=agreement_id, period=str(month))
            for month, agreement_id in seen.empty[:LISTED]
        ],
        invoices=Page(items=[_invoice(one) for one in page], next_cursor=cursor),
        open_fees=_open_fees(seen.open_fees),
    )


@dataclass(slots=True)
class _Sum:
    count: int = 0
    subtotal: int = 0
    tax: int = 0
    used: int = 0
    balance: int = 0
    fees: int = 0

    def add(self, one: Foreseen) -> None:
        owed = one.bill.pattern.draft
        self.count += 1
        self.subtotal += owed.subtotal_minor
        self.tax += owed.tax_minor
        self.used += owed.total_minor - one.balance_minor
        self.balance += one.balance_minor
        self.fees += sum(fee.total_minor for fee in one.fees)


def _totals(invoices: Iterable[Foreseen]) -> list[TotalsAnswer]:
    sums: dict[str, _Sum] = defaultdict(_Sum)
    for one in invoices:
        sums[one.bill.row["currency"]].add(one)
    return [
        TotalsAnswer(
            currency=currency,
            invoice_count=found.count,
            subtotal=money(found.subtotal, currency),
            tax_amount=money(found.tax, currency),
            total_amount=money(found.subtotal + found.tax, currency),
            advances_used=money(found.used, currency),
            balance_due=money(found.balance, currency),
            late_fees=money(found.fees, currency),
        )
        for currency, found in sorted(sums.items())
    ]


def _invoice(one: Foreseen) -> ForeseenAnswer:
    row, owed = one.bill.row, one.bill.pattern.draft
    currency = row["currency"]
    return ForeseenAnswer(
        agreement_id=row["id"],
        agreement_number=row["agreement_number"],
        resident_id=row["resident_id"],
        recipient_name=row["recipient"],
        property_id=row["property_id"],
        period=str(one.month),
        document=owed.document,
        invoice_date=one.issued_on,
        due_date=owed.due,
        line_items=[
            answered(line, line.rate, currency, position)
            for position, line in enumerate(owed.lines, 1)
        ],
        subtotal=money(owed.subtotal_minor, currency),
        tax_amount=money(owed.tax_minor, currency),
        total_amount=money(owed.total_minor, currency),
        advances=[
            AdvanceAnswer(
                payment_id=use.payment_id,
                payment_number=use.payment_number,
                amount=money(use.minor, currency),
            )
            for use in one.used
        ],
        balance_due=money(one.balance_minor, currency),
        late_fees=[_fee(fee, currency) for fee in one.fees],
        month_before=_before(one, currency),
        warnings=[WarningAnswer(code=told.code, message=told.message) for told in one.warned],
    )


def _fee(fee: FeeAhead, currency: str) -> FeeAnswer:
    return FeeAnswer(
        part=fee.part.name,
        at=fee.at,
        amount=money(fee.fee_minor, currency),
        tax_amount=money(fee.tax.total_minor, currency),
        total_amount=money(fee.total_minor, currency),
    )


def _before(one: Foreseen, currency: str) -> BeforeAnswer | None:
    before = one.before
    if before is None or before.currency != currency:
        return None
    difference = one.bill.pattern.draft.total_minor - before.total_minor
    return BeforeAnswer(
        total_amount=money(before.total_minor, currency), difference=money(difference, currency)
    )


def _open_fees(fees: Sequence[OpenFee]) -> OpenFeesAnswer:
    totals: dict[str, int] = defaultdict(int)
    for one in fees:
        totals[one.currency] += one.fee.total_minor
    return OpenFeesAnswer(
        count=len(fees),
        totals=[money(minor, currency) for currency, minor in sorted(totals.items())],
        items=[
            OpenFeeAnswer(
                **dict(_fee(one.fee, one.currency)),
                invoice_id=one.invoice_id,
                invoice_number=one.invoice_number,
                resident_id=one.resident_id,
                why=one.why,
            )
            for one in fees[:LISTED]
        ],
    )
