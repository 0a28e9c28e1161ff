"""Money that arrives: oldest due first, never too much, nothing lost."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.allocation import OpenInvoice, allocate
from tests.domain.samples import identity

INVOICES = st.lists(
    st.builds(
        OpenInvoice,
        id=st.uuids(),
        due=st.dates(date(2026, 1, 1), date(2026, 3, 1)),
        number=st.sampled_from(["INV/26-27/000001", "INV/26-27/000002", "BOS/26-27/000001"]),
        balance_minor=st.integers(0, 10**7),
    ),
    unique_by=lambda invoice: invoice.id,
    max_size=8,
)
SEPTEMBER = OpenInvoice(identity(1), date(2026, 9, 5), "INV/26-27/000001", 500)
OCTOBER = OpenInvoice(identity(2), date(2026, 10, 5), "INV/26-27/000002", 700)
OCTOBER_FEE = OpenInvoice(identity(3), date(2026, 10, 5), "INV/26-27/000003", 35)


@pytest.mark.parametrize(
    ("amount", "parts", "rest"),
    [
        (0, [], 0),
        (499, [(SEPTEMBER, 499)], 0),
        (500, [(SEPTEMBER, 500)], 0),
        (501, [(SEPTEMBER, 500), (OCTOBER, 1)], 0),
        (1_235, [(SEPTEMBER, 500), (OCTOBER, 700), (OCTOBER_FEE, 35)], 0),
        (2_000, [(SEPTEMBER, 500), (OCTOBER, 700), (OCTOBER_FEE, 35)], 765),
    ],
)
def test_the_oldest_due_invoice_is_paid_first(
    amount: int, parts: list[tuple[OpenInvoice, int]], rest: int
) -> None:
    allocation = allocate(amount, [OCTOBER_FEE, OCTOBER, SEPTEMBER])
    assert allocation.parts == [(invoice.id, part) for invoice, part in parts]
    assert allocation.rest_minor == rest


@given(st.integers(0, 10**8), INVOICES)
def test_nothing_is_lost_and_no_invoice_gets_more_than_it_owes(
    amount: int, invoices: list[OpenInvoice]
) -> None:
    allocation = allocate(amount, invoices)
    balances = {invoice.id: invoice.balance_minor for invoice in invoices}
    assert sum(part for _, part in allocation.parts) + allocation.rest_minor == amount
    assert all(0 < part <= balances[invoice] for invoice, part in allocation.parts)
    assert allocation.rest_minor == max(0, amount - sum(balances.values()))
    assert allocate(amount, reversed(invoices)) == allocation


@given(st.integers(0, 10**8), INVOICES)
def test_a_younger_invoice_gets_nothing_while_an_older_one_is_open(
    amount: int, invoices: list[OpenInvoice]
) -> None:
    paid = dict(allocate(amount, invoices).parts)
    for older in invoices:
        for younger in invoices:
            if younger.due > older.due and younger.id in paid:
                assert paid.get(older.id, 0) == older.balance_minor


def test_money_that_goes_out_is_not_allocated() -> None:
    with pytest.raises(ValueError, match="came in"):
        allocate(-1, [])
