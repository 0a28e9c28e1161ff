"""What the tries of a message make of it, and when the next one is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.delivery_tries import (
    TRIES_MAX,
    UNAVAILABLE,
    UNKNOWN,
    Try,
    due,
    facts_of,
    next_at,
    outcome,
    waits_for_life,
)
from domain.message_delivery import LADDER, DeliveryFacts, DeliveryState, plan

ZONE = "Asia/Kolkata"
TEN = datetime(2026, 10, 6, 4, 30, tzinfo=UTC)
EVENING = datetime(2026, 10, 6, 15, 29, 30, tzinfo=UTC)  # 20:59:30 in India
NINE = datetime(2026, 10, 7, 3, 30, tzinfo=UTC)
MAIL = Try("email", 1, DeliveryState.failed, UNAVAILABLE, TEN, with_relay=False)
SMS = replace(MAIL, channel="sms")
QUEUED = Try("sms", 1, DeliveryState.pending, None, None, with_relay=True)
SENT = Try("email", 1, DeliveryState.sent, None, TEN, with_relay=False)


@pytest.mark.parametrize(
    ("latest", "waits"),
    [
        (MAIL, True),
        (replace(MAIL, attempt=TRIES_MAX), False),
        (replace(MAIL, code="RECIPIENT_REFUSED"), False),
        (replace(MAIL, state=DeliveryState.processing, code=UNKNOWN), True),
        (replace(MAIL, state=DeliveryState.processing, code=None), True),
        (replace(MAIL, state=DeliveryState.processing, with_relay=True), False),
        (QUEUED, False),
        (SENT, False),
        (replace(MAIL, state=DeliveryState.cancelled), False),
    ],
)
def test_a_try_waits_for_the_life_when_its_end_is_not_clear(latest: Try, waits: bool) -> None:
    assert waits_for_life(latest) is waits


@pytest.mark.parametrize(("attempt", "rung"), list(enumerate(LADDER, 1)))
def test_each_try_waits_its_rung(attempt: int, rung: timedelta) -> None:
    assert next_at(replace(MAIL, attempt=attempt), ZONE, TEN) == TEN + rung


def test_after_the_last_rung_an_unknown_try_is_looked_up_a_day_later() -> None:
    unknown = replace(MAIL, attempt=TRIES_MAX, state=DeliveryState.processing, code=UNKNOWN)
    assert next_at(unknown, ZONE, TEN) == TEN + LADDER[-1]


def test_an_sms_keeps_the_quiet_hours_and_a_mail_does_not() -> None:
    mail, sms = replace(MAIL, tried_at=EVENING), replace(SMS, tried_at=EVENING)
    late = EVENING + timedelta(minutes=1)
    assert (next_at(mail, ZONE, EVENING), next_at(sms, ZONE, EVENING)) == (late, NINE)
    assert due([mail, sms], ZONE, late) == [mail]
    assert due([sms], ZONE, NINE) == [sms]


def test_a_step_that_is_late_by_day_does_not_move_its_own_time() -> None:
    assert next_at(SMS, ZONE, TEN + timedelta(hours=2)) == TEN + LADDER[0]


@pytest.mark.parametrize(
    ("tries", "state"),
    [
        ([QUEUED], DeliveryState.pending),
        ([QUEUED, MAIL], DeliveryState.processing),
        ([QUEUED, SENT], DeliveryState.sent),
        ([SENT, replace(SMS, state=DeliveryState.delivered)], DeliveryState.delivered),
        ([SENT, replace(SMS, code="OPTED_OUT")], DeliveryState.sent),
        ([MAIL, replace(SMS, code="OPTED_OUT")], DeliveryState.processing),
        ([replace(MAIL, code="NO"), replace(SMS, code="OPTED_OUT")], DeliveryState.failed),
        ([replace(MAIL, attempt=TRIES_MAX)], DeliveryState.failed),
        ([replace(MAIL, state=DeliveryState.cancelled)], DeliveryState.cancelled),
        (
            [replace(MAIL, state=DeliveryState.cancelled), replace(SMS, code="OPTED_OUT")],
            DeliveryState.failed,
        ),
        ([], DeliveryState.cancelled),
    ],
)
def test_a_message_is_as_far_as_the_furthest_of_its_channels(
    tries: list[Try], state: DeliveryState
) -> None:
    assert outcome(tries) is state


def facts(tries: list[Try], at: datetime, *, wanted: bool = True) -> DeliveryFacts:
    return facts_of(tries, ZONE, at, queued_at=TEN, wanted=wanted, tasks_open=frozenset())


def test_the_plan_is_the_next_try_of_whoever_is_first() -> None:
    later = replace(SMS, attempt=3)
    (action,) = plan(facts([MAIL, later], TEN), TEN)
    assert action.at == TEN + LADDER[0]
    assert "try 2 of 7" in action.why
    assert facts([MAIL, later], TEN).channels == {"email"}
    assert facts([MAIL, SMS], TEN).channels == {"email", "sms"}


def test_the_plan_agrees_with_the_tries_about_the_quiet_hours() -> None:
    sms = replace(SMS, tried_at=EVENING)
    (action,) = plan(facts([SENT, sms], EVENING), EVENING)
    assert action.at == next_at(sms, ZONE, EVENING) == NINE


def test_nothing_is_planned_for_what_is_settled_or_with_the_relay_or_not_wanted() -> None:
    for tries in ([SENT], [QUEUED], [SENT, QUEUED], [replace(MAIL, attempt=TRIES_MAX)]):
        assert plan(facts(tries, TEN), TEN) == []
    assert plan(facts([MAIL], TEN, wanted=False), TEN) == []
