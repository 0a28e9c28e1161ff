"""Document numbers: consecutive per tenant, series and fiscal year, never a gap (CGST Rule 46)."""

from collections.abc import Mapping

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.numbering import document_number
from models.tenant import BillingSettings

_TAKE = text(
    "insert into number_series as s (series, fiscal_year, next_number)"
    " select asked.series, cast(:year as text), cast(:first as bigint) + asked.amount"
    " from unnest(cast(:series as text[]), cast(:amounts as bigint[])) as asked(series, amount)"
    " order by asked.series"
    " on conflict (tenant_id, series, fiscal_year) do update"
    " set next_number = s.next_number + excluded.next_number - cast(:first as bigint)"
    " returning s.series, s.next_number"
)


async def take_numbers(
    session: AsyncSession,
    wanted: Mapping[str, int],
    fiscal_year: str,
    settings: BillingSettings | None = None,
) -> dict[str, list[str]]:
    """The next numbers of each series, in order; the last thing before the documents' insert.

    All series of a transaction are taken in one statement, in key order, so two transactions
    never wait for each other in a circle. They go back when the transaction does.
    """
    settings = settings or (await session.scalars(select(BillingSettings))).one()
    series = sorted(name for name, amount in wanted.items() if amount)
    first = settings.invoice_starting_number
    rows = await session.execute(
        _TAKE,
        {
            "series": series,
            "amounts": [wanted[name] for name in series],
            "year": fiscal_year,
            "first": first,
        },
    )
    ends: dict[str, int] = dict(rows.all())
    return {
        name: [
            document_number(name, fiscal_year, number)
            for number in range(ends[name] - wanted[name], ends[name])
        ]
        for name in series
    }
