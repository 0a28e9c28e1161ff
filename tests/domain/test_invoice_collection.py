"""Collecting an invoice: what is said, when, why, and what a payment stops."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import at_local, zone_of
from domain.invoice_collection import (
    CollectionFacts,
    Stage,
    Step,
    derived_status,
    due_rung,
    plan,
    stage,
)
from domain.late_fee import LateFeeKind, late_fee
from tests.domain.samples import INDIA, OCTOBER_RENT, PERCENT_TERMS, in_india

ISSUED = OCTOBER_RENT.issued_at


def shown(facts: CollectionFacts, at: datetime) -> list[tuple[str, str]]:
    """The plan as (step, day and hour in India)."""
    return [
        (action.what, action.at.astimezone(zone_of(INDIA)).strftime("%d %b %H:%M"))
        for action in plan(facts, at)
    ]


def test_an_issued_invoice_lists_its_whole_life() -> None:
    assert shown(OCTOBER_RENT, ISSUED) == [
        ("remind", "02 Oct 10:00"),
        ("remind", "05 Oct 10:00"),
        ("remind", "06 Oct 10:00"),
        ("charge_late_fee", "09 Oct 10:00"),
        ("remind", "12 Oct 10:00"),
        ("remind", "20 Oct 10:00"),
        ("hand_to_operator", "21 Oct 10:00"),
    ]


def test_each_action_says_why_in_a_sentence() -> None:
    why = [action.why for action in plan(OCTOBER_RENT, ISSUED)]
    assert why[0] == "₹9,500.00 is due on 5 October 2026; reminder 3 days before"
    assert why[1] == "₹9,500.00 is due on 5 October 2026; reminder on the day"
    assert why[2] == "₹9,500.00 is due on 5 October 2026; reminder 1 day after"
    assert why[3] == (
        "₹9,500.00 is due on 5 October 2026; late fee of ₹475.00 after 3 days of grace"
    )
    assert why[-1].endswith("an operator takes over the day after the last reminder")
    assert all(action.changeable_by for action in plan(OCTOBER_RENT, ISSUED))


@pytest.mark.parametrize(
    "changes",
    [
        {"balance_minor": 0},
        {"status": "paid"},
        {"status": "cancelled"},
        {"status": "written_off"},
        {"status": "draft"},
        {"disputed": True},
        {"invoice_type": "penalty", "parent_open": True},
    ],
)
def test_nothing_is_done_when_nothing_may_be_collected(changes: dict[str, object]) -> None:
    facts = replace(OCTOBER_RENT, **changes)  # pyright: ignore[reportArgumentType]
    assert plan(facts, in_india(30)) == []
    assert due_rung(facts, in_india(30)) is None


def test_after_downtime_only_the_newest_reminder_and_one_fee_are_due() -> None:
    at = in_india(15, month=12)
    assert shown(OCTOBER_RENT, at) == [
        ("charge_late_fee", "09 Oct 10:00"),
        ("remind", "20 Oct 10:00"),
        ("hand_to_operator", "21 Oct 10:00"),
    ]
    assert due_rung(OCTOBER_RENT, at) == 15


@pytest.mark.parametrize(
    ("sent", "at", "rung"),
    [
        (set[int](), in_india(2, 9, 59), None),
        (set[int](), in_india(2), -3),
        ({-3}, in_india(2), None),
        ({-3}, in_india(6, 11), 1),
        ({0}, in_india(5, 11), None),
        ({1}, in_india(6, 11), None),
        ({15}, in_india(30), None),
    ],
)
def test_a_reminder_is_never_older_than_one_that_went_out(
    sent: set[int], at: datetime, rung: int | None
) -> None:
    assert due_rung(replace(OCTOBER_RENT, rungs_sent=frozenset(sent)), at) == rung


def test_switched_off_reminders_leave_fee_and_hand_over() -> None:
    facts = replace(OCTOBER_RENT, reminders_enabled=False)
    assert [what for what, _ in shown(facts, ISSUED)] == ["charge_late_fee", "hand_to_operator"]
    alone = replace(facts, rungs=(), fee_waived=True)
    assert shown(alone, ISSUED) == [("hand_to_operator", "06 Oct 10:00")]
    early = replace(alone, rungs=(-3,))
    assert shown(early, ISSUED) == [("hand_to_operator", "06 Oct 10:00")]


@pytest.mark.parametrize(
    "changes",
    [
        {"fee_charged": True},
        {"fee_waived": True},
        {"invoice_type": "penalty"},
        {"late_fee": replace(PERCENT_TERMS, enabled=False)},
        {"outstanding_without_fees_minor": 0},
    ],
)
def test_there_are_reasons_to_charge_no_fee(changes: dict[str, object]) -> None:
    facts = replace(OCTOBER_RENT, **changes)  # pyright: ignore[reportArgumentType]
    assert "charge_late_fee" not in [what for what, _ in shown(facts, ISSUED)]


def test_a_fee_comes_before_the_reminder_of_the_same_moment() -> None:
    facts = replace(OCTOBER_RENT, late_fee=replace(PERCENT_TERMS, grace_days=6))
    assert shown(facts, in_india(7))[:2] == [
        ("remind", "06 Oct 10:00"),
        ("charge_late_fee", "12 Oct 10:00"),
    ]
    assert shown(facts, in_india(7))[2] == ("remind", "12 Oct 10:00")


def test_a_pause_moves_everything_to_the_morning_it_ends() -> None:
    facts = replace(OCTOBER_RENT, paused_until=date(2026, 10, 12))
    assert shown(facts, in_india(3)) == [
        ("charge_late_fee", "12 Oct 10:00"),
        ("remind", "12 Oct 10:00"),
        ("remind", "20 Oct 10:00"),
        ("hand_to_operator", "21 Oct 10:00"),
    ]
    assert due_rung(facts, in_india(12, 9, 59)) is None
    assert due_rung(facts, in_india(12)) == 7
    assert stage(facts, in_india(12, 9, 59)) is Stage.paused
    assert stage(facts, in_india(12)) is Stage.overdue


def test_a_promise_suspends_everything_until_it_is_broken() -> None:
    promised = replace(OCTOBER_RENT, promised_for=date(2026, 10, 9))
    assert shown(promised, in_india(6)) == [("break_promise", "10 Oct 10:00")]
    assert plan(promised, in_india(6))[0].why.startswith("₹9,500.00 was promised for 9 October")
    assert due_rung(promised, in_india(11)) is None
    broken = replace(promised, promised_for=None)
    assert shown(broken, in_india(10))[:2] == [
        ("remind", "06 Oct 10:00"),
        ("charge_late_fee", "09 Oct 10:00"),
    ]


def test_nothing_is_planned_before_the_invoice_exists() -> None:
    late = replace(OCTOBER_RENT, issued_at=in_india(6, 14), due=date(2026, 10, 5))
    assert shown(late, in_india(6, 14))[0] == ("remind", "06 Oct 14:00")
    assert due_rung(late, in_india(6, 14)) == 1


def test_a_step_with_an_open_task_is_left_out() -> None:
    facts = replace(OCTOBER_RENT, tasks_open=frozenset({"remind"}))
    assert [what for what, _ in shown(facts, ISSUED)] == ["charge_late_fee", "hand_to_operator"]


def test_an_operator_is_told_once() -> None:
    facts = replace(OCTOBER_RENT, handed_over=True)
    assert "hand_to_operator" not in [what for what, _ in shown(facts, ISSUED)]


@pytest.mark.parametrize(
    ("changes", "at", "word"),
    [
        ({}, in_india(4), Stage.waiting),
        ({}, in_india(5, 23, 59), Stage.due),
        ({}, in_india(6, 0), Stage.overdue),
        ({"disputed": True}, in_india(6), Stage.disputed),
        ({"promised_for": date(2026, 10, 9)}, in_india(6), Stage.promised),
        ({"handed_over": True}, in_india(22), Stage.handed_over),
        ({"balance_minor": 0}, in_india(6), Stage.paid),
        ({"status": "cancelled"}, in_india(6), Stage.cancelled),
        ({"status": "written_off", "disputed": True}, in_india(6), Stage.written_off),
    ],
)
def test_one_word_says_where_it_stands(
    changes: dict[str, object], at: datetime, word: Stage
) -> None:
    facts = replace(OCTOBER_RENT, **changes)  # pyright: ignore[reportArgumentType]
    assert stage(facts, at) is word


@pytest.mark.parametrize(
    ("status", "sent", "viewed", "balance", "day", "shown_as"),
    [
        ("issued", False, False, 100, 5, "issued"),
        ("issued", True, False, 100, 5, "sent"),
        ("issued", True, True, 100, 5, "viewed"),
        ("issued", True, True, 60, 5, "partially_paid"),
        ("issued", True, True, 60, 6, "overdue"),
        ("issued", False, False, 100, 6, "overdue"),
        ("paid", True, True, 0, 6, "paid"),
        ("cancelled", True, True, 100, 6, "cancelled"),
    ],
)
def test_the_status_shown_is_the_latest_that_applies(  # noqa: PLR0917
    status: str, sent: bool, viewed: bool, balance: int, day: int, shown_as: str
) -> None:
    derived = derived_status(
        status,
        sent=sent,
        viewed=viewed,
        total_minor=100,
        balance_minor=balance,
        due=date(2026, 10, 5),
        today=date(2026, 10, day),
    )
    assert derived == shown_as


FACTS = st.builds(
    replace,
    st.just(OCTOBER_RENT),
    status=st.sampled_from(["issued", "issued", "issued", "draft", "paid", "cancelled"]),
    invoice_type=st.sampled_from(["rent", "deposit", "penalty"]),
    balance_minor=st.sampled_from([0, 1, 950_000, 1_000_000]),
    due=st.dates(date(2026, 9, 20), date(2026, 10, 25)),
    zone=st.sampled_from([INDIA, "America/New_York", "Pacific/Auckland"]),
    reminders_enabled=st.booleans(),
    rungs=st.lists(st.integers(-10, 30), unique=True, max_size=6).map(tuple),
    rungs_sent=st.frozensets(st.integers(-10, 30), max_size=2),
    late_fee=st.builds(
        replace,
        st.just(PERCENT_TERMS),
        enabled=st.booleans(),
        kind=st.sampled_from(LateFeeKind),
        fixed_minor=st.sampled_from([0, 5_000]),
        grace_days=st.integers(0, 10),
    ),
    fee_charged=st.booleans(),
    fee_waived=st.booleans(),
    paused_until=st.one_of(st.none(), st.dates(date(2026, 9, 25), date(2026, 11, 10))),
    promised_for=st.one_of(st.none(), st.dates(date(2026, 9, 25), date(2026, 11, 10))),
    disputed=st.sampled_from([False, False, True]),
    parent_open=st.booleans(),
    parent_paid_at=st.one_of(st.none(), st.just(in_india(6, 18))),
    tasks_open=st.frozensets(st.sampled_from([step.value for step in Step]), max_size=1),
    handed_over=st.booleans(),
)
MOMENTS = st.datetimes(datetime(2026, 10, 1), datetime(2026, 12, 31)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)


def test_who_has_just_paid_the_rent_is_asked_for_its_fee_on_the_next_morning() -> None:
    fee = replace(OCTOBER_RENT, invoice_type="penalty", parent_paid_at=in_india(6, 18))
    now = in_india(6, 18)
    assert due_rung(fee, now) is None
    first = next(action for action in plan(fee, now) if action.what == Step.remind)
    assert first.at == in_india(7)


@given(FACTS, MOMENTS)
def test_a_plan_is_ordered_and_every_reminder_in_it_is_still_wanted(
    facts: CollectionFacts, at: datetime
) -> None:
    actions = plan(facts, at)
    assert [action.at for action in actions] == sorted(action.at for action in actions)
    assert len({(action.what, action.at) for action in actions}) == len(actions)
    due = [action for action in actions if action.what == Step.remind and action.at <= at]
    assert len(due) <= 1
    if "remind" not in facts.tasks_open:
        assert bool(due) == (due_rung(facts, at) is not None)
    for step in (Step.charge_late_fee, Step.hand_to_operator, Step.break_promise):
        assert sum(action.what == step for action in actions) <= 1
    if facts.balance_minor == 0:
        assert not actions
    assert not facts.tasks_open & {action.what for action in actions}
    assert all(action.at >= facts.issued_at for action in actions)
    assert stage(facts, at) in Stage


@given(FACTS, MOMENTS, st.integers(1, 60 * 24 * 40))
def test_time_alone_never_brings_back_a_reminder_that_was_passed_over(
    facts: CollectionFacts, at: datetime, minutes: int
) -> None:
    later = at + timedelta(minutes=minutes)
    now, then = due_rung(facts, at), due_rung(facts, later)
    if now is not None:
        assert then is not None
        assert then >= now


def broken(facts: CollectionFacts, _at: datetime) -> CollectionFacts:
    return replace(facts, promised_for=None)


def charged(facts: CollectionFacts, at: datetime) -> CollectionFacts:
    fee = late_fee(facts.late_fee, facts.outstanding_without_fees_minor)
    assert fee > 0
    assert at > at_local(facts.due, datetime.min.time(), facts.zone)
    return replace(facts, fee_charged=True, balance_minor=facts.balance_minor + fee)


def reminded(facts: CollectionFacts, at: datetime) -> CollectionFacts:
    rung = due_rung(facts, at)
    assert rung is not None
    assert all(rung > sent for sent in facts.rungs_sent)
    return replace(facts, rungs_sent=facts.rungs_sent | {rung})


def handed_over(facts: CollectionFacts, at: datetime) -> CollectionFacts:
    assert at >= facts.issued_at
    return replace(facts, handed_over=True)


CARRIED_OUT: dict[str, Callable[[CollectionFacts, datetime], CollectionFacts]] = {
    Step.break_promise: broken,
    Step.charge_late_fee: charged,
    Step.remind: reminded,
    Step.hand_to_operator: handed_over,
}


@given(FACTS, MOMENTS, st.lists(st.integers(0, 60 * 24 * 9), max_size=30))
def test_a_life_of_any_delays_ends_and_says_nothing_twice(
    facts: CollectionFacts, at: datetime, delays: list[int]
) -> None:
    done: list[str] = []
    while actions := plan(facts, at):
        delay = timedelta(minutes=delays[len(done)] if len(done) < len(delays) else 0)
        at = max(at, actions[0].at + delay)
        step = plan(facts, at)[0].what
        facts = CARRIED_OUT[step](facts, at)
        done.append(step)
        assert len(done) <= len(facts.rungs) + 3
    assert all(done.count(step) <= 1 for step in Step if step != Step.remind)


@given(FACTS, MOMENTS, st.integers(0, 8))
def test_money_between_any_two_steps_stops_everything_at_once(
    facts: CollectionFacts, at: datetime, steps: int
) -> None:
    for _ in range(steps):
        actions = plan(facts, at)
        if not actions:
            break
        at = max(at, actions[0].at)
        facts = CARRIED_OUT[plan(facts, at)[0].what](facts, at)
    paid = replace(facts, balance_minor=0)
    assert plan(paid, at) == []
    assert plan(replace(facts, status="paid"), at) == []
    assert due_rung(paid, at) is None
