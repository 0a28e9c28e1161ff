"""An invoice paid in parts: what is open of each, what may be agreed, and what the plan does."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.instalments import Part, check_agreed, open_parts
from domain.invoice_collection import CollectionFacts, Stage, due_reminder, plan, stage
from tests.domain.samples import OCTOBER_RENT, identity, in_india
from tests.domain.test_invoice_collection import shown

AGREED = in_india(7, 12)


def part(day: int, minor: int, *sent: int) -> Part:
    return Part(identity(day), date(2026, 10, day), minor, AGREED, frozenset(sent))


IN_THREE = replace(
    OCTOBER_RENT,
    rungs_sent=frozenset({-3, 0, 1}),
    instalments=(part(12, 300_000), part(19, 300_000), part(26, 350_000)),
)


def paid(minor: int) -> CollectionFacts:
    left = IN_THREE.balance_minor - minor
    return replace(IN_THREE, balance_minor=left, outstanding_without_fees_minor=left)


def test_the_plan_shows_the_day_of_each_part() -> None:
    assert shown(IN_THREE, AGREED) == [
        ("remind", "09 Oct 10:00"),
        ("remind", "12 Oct 10:00"),
        ("break_instalments", "13 Oct 10:00"),
        ("remind", "16 Oct 10:00"),
        ("remind", "19 Oct 10:00"),
        ("break_instalments", "20 Oct 10:00"),
        ("remind", "23 Oct 10:00"),
        ("remind", "26 Oct 10:00"),
        ("break_instalments", "27 Oct 10:00"),
    ]
    why = [action.why for action in plan(IN_THREE, AGREED)]
    first = "₹3,000.00 is due on 12 October 2026, instalment 1 of 3"
    assert why[0] == f"{first}; reminder 3 days before"
    assert why[2] == f"{first}; unpaid by then, collection goes on as usual"
    assert stage(IN_THREE, AGREED) is Stage.instalments


def test_a_part_paid_in_time_leaves_the_others_as_agreed() -> None:
    assert shown(paid(300_000), in_india(12)) == shown(IN_THREE, AGREED)[3:]
    assert shown(paid(300_001), in_india(12)) == shown(IN_THREE, AGREED)[3:]
    assert plan(paid(300_001), in_india(12))[0].why.startswith("₹2,999.99 is due on 19 October")


def test_a_part_that_is_short_by_the_smallest_coin_is_missed() -> None:
    assert shown(paid(299_999), in_india(13))[0] == ("break_instalments", "13 Oct 10:00")
    assert due_reminder(paid(299_999), in_india(13)) is None


def test_once_broken_the_usual_course_goes_on_with_the_fee_that_is_due() -> None:
    broken = replace(IN_THREE, instalments=())
    assert shown(broken, in_india(13)) == [
        ("charge_late_fee", "09 Oct 10:00"),
        ("remind", "12 Oct 10:00"),
        ("remind", "20 Oct 10:00"),
        ("hand_to_operator", "21 Oct 10:00"),
    ]


def test_a_reminder_of_a_part_is_sent_once_and_never_for_a_day_before_it_was_agreed() -> None:
    sent = replace(IN_THREE, instalments=(part(12, 300_000, -3), *IN_THREE.instalments[1:]))
    assert shown(sent, in_india(10))[0] == ("remind", "12 Oct 10:00")
    soon = replace(IN_THREE, instalments=(part(7, 300_000), part(8, 650_000)))
    assert shown(soon, AGREED) == [
        ("break_instalments", "08 Oct 10:00"),
        ("remind", "08 Oct 10:00"),
        ("break_instalments", "09 Oct 10:00"),
    ]


def test_after_downtime_only_the_newest_reminder_of_the_parts_is_due() -> None:
    assert shown(IN_THREE, in_india(12, 11))[0] == ("remind", "12 Oct 10:00")
    found = due_reminder(IN_THREE, in_india(12, 11))
    assert found is not None
    assert (found.rung, found.part and found.part.number) == (0, 1)


def test_a_pause_puts_off_the_reminders_and_the_day_a_part_is_missed() -> None:
    paused = replace(IN_THREE, paused_until=date(2026, 10, 16))
    assert shown(paused, AGREED)[:2] == [
        ("break_instalments", "16 Oct 10:00"),
        ("remind", "16 Oct 10:00"),
    ]
    assert stage(paused, AGREED) is Stage.paused
    assert stage(paused, in_india(16)) is Stage.instalments


def test_a_promise_and_a_dispute_come_before_the_instalments() -> None:
    promised = replace(IN_THREE, promised_for=date(2026, 10, 14))
    assert shown(promised, AGREED) == [("break_promise", "15 Oct 10:00")]
    assert plan(replace(IN_THREE, disputed=True), in_india(20)) == []


def test_a_refused_step_of_the_instalments_waits_for_its_task() -> None:
    facts = replace(IN_THREE, tasks_open=frozenset({"break_instalments"}))
    assert {one.what for one in plan(facts, AGREED)} == {"remind"}


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=6), st.integers(0, 9000))
def test_what_is_open_of_the_parts_is_what_is_open_of_the_invoice(
    amounts: list[int], balance: int
) -> None:
    parts = [part(number, minor) for number, minor in enumerate(amounts, 1)]
    left = open_parts(parts, balance)
    assert sum(one.open_minor for one in left) == balance
    assert [one.number for one in left] == list(range(len(parts) - len(left) + 1, len(parts) + 1))
    assert all(one.open_minor == one.part.minor for one in left[1:])


TODAY = date(2026, 10, 7)


def soon(*parts: tuple[int, int]) -> list[tuple[date, int]]:
    return [(TODAY + timedelta(days=days), minor) for days, minor in parts]


@pytest.mark.parametrize(
    ("parts", "field", "code"),
    [
        (soon((0, 1000)), "instalments", "NUMBER_OF_PARTS"),
        (soon(*((day, 40) for day in range(25))), "instalments", "NUMBER_OF_PARTS"),
        (soon((-1, 500), (5, 500)), "instalments.0.dueDate", "OUT_OF_RANGE"),
        (soon((5, 500), (5, 500)), "instalments.1.dueDate", "OUT_OF_RANGE"),
        (soon((5, 500), (367, 500)), "instalments.1.dueDate", "OUT_OF_RANGE"),
        (soon((5, 0), (6, 1000)), "instalments.0.amount", "TOO_SMALL"),
        (soon((5, 500), (6, 499)), "instalments", "SUM"),
        (soon((5, 500), (6, 501)), "instalments", "SUM"),
    ],
)
def test_what_cannot_be_agreed_is_named_by_its_field(
    parts: Sequence[tuple[date, int]], field: str, code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_agreed(parts, 1000, "INR", TODAY)
    assert [(one.field, one.code) for one in refused.value.problems] == [(field, code)]


def test_parts_that_follow_each_other_and_add_up_are_agreed() -> None:
    check_agreed(soon((0, 1), (366, 999)), 1000, "INR", TODAY)
