"""What forty residents do about one rent, and what each of them hears: told by hand, day by day.

Days count from the due day; the house acts at 10:00, people at the hour that is given.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from models import credit, instalment_plan, suspension
from models.bounce import bounce
from models.message import Purpose
from models.payment import PaymentMethod
from tests.support.debt import FEE_MINOR, RENT_MINOR, Debt, pay

Act = Callable[[Debt, datetime], Awaitable[object]]
Heard = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody does on a day at an hour."""

    day: int
    act: Act
    hour: int = 18

    def at(self, debt: Debt) -> datetime:
        """When it is done to this debt."""
        return debt.after(self.day) + timedelta(hours=self.hour - 10)


@dataclass(frozen=True, slots=True)
class Story:
    """What is done, what is heard, and how the invoice ends."""

    name: str
    deeds: Sequence[Deed]
    heard: Sequence[Heard]
    ends: str = "paid"
    invoices: int = 1
    fee_minor: int | None = None


def reminded(*days: int) -> list[Heard]:
    return [(Purpose.REMINDER, day) for day in days]


def charged(day: int) -> list[Heard]:
    return [(Purpose.LATE_FEE, day)]


def receipt(day: int) -> list[Heard]:
    return [(Purpose.RECEIPT, day)]


def noted(day: int) -> list[Heard]:
    return [(Purpose.PROMISE_NOTED, day)]


def broken(day: int) -> list[Heard]:
    return [(Purpose.PROMISE_BROKEN, day)]


def agreed(day: int) -> list[Heard]:
    return [(Purpose.INSTALMENTS_AGREED, day)]


def missed(day: int) -> list[Heard]:
    return [(Purpose.INSTALMENTS_BROKEN, day)]


def pays(minor: int = RENT_MINOR) -> Act:
    async def act(debt: Debt, at: datetime) -> object:
        return await pay(debt, at, minor)

    return act


def pays_as_of(days_from_due: int, minor: int = RENT_MINOR) -> Act:
    """Money that was paid earlier than it is booked."""

    async def act(debt: Debt, at: datetime) -> object:
        paid_on = debt.due + timedelta(days=days_from_due)
        return await pay(debt, at, minor, paid_on=paid_on)

    return act


def cheque_that_bounces() -> tuple[Act, Act]:
    """A cheque, and its coming back."""
    cheques: dict[UUID, UUID] = {}

    async def bring(debt: Debt, at: datetime) -> object:
        payment = await pay(debt, at, method=PaymentMethod.CHEQUE)
        cheques[debt.invoice_id] = payment.id
        return payment

    async def come_back(debt: Debt, at: datetime) -> object:
        async with debt.house.session() as session:
            return await bounce(session, cheques[debt.invoice_id], at, "no funds")

    return bring, come_back


def promises(days_from_due: int) -> Act:
    async def act(debt: Debt, at: datetime) -> object:
        day = debt.due + timedelta(days=days_from_due)
        async with debt.house.session() as session:
            return await suspension.promise(session, debt.invoice_id, day, None, at)

    return act


def pauses(days_from_due: int) -> Act:
    async def act(debt: Debt, at: datetime) -> object:
        day = debt.due + timedelta(days=days_from_due)
        async with debt.house.session() as session:
            return await suspension.pause(session, debt.invoice_id, day, None, at)

    return act


def pays_in_parts(*days_from_due: int) -> Act:
    """Equal parts, one by each of these days."""

    async def act(debt: Debt, at: datetime) -> object:
        each = RENT_MINOR // len(days_from_due)
        parts = [(debt.due + timedelta(days=day), each) for day in days_from_due]
        async with debt.house.session() as session:
            return await instalment_plan.agree(session, debt.invoice_id, parts, None, at)

    return act


async def resumes(debt: Debt, at: datetime) -> object:
    async with debt.house.session() as session:
        return await suspension.resume(session, debt.invoice_id, at)


async def waives(debt: Debt, at: datetime) -> object:
    async with debt.house.session() as session:
        return await credit.waive_fee(session, debt.invoice_id, "a good payer", at)


async def cancels(debt: Debt, at: datetime) -> object:
    async with debt.house.session() as session:
        return await credit.cancel(session, debt.invoice_id, "billed in error", at)


async def writes_off(debt: Debt, at: datetime) -> object:
    async with debt.house.session() as session:
        return await credit.write_off(session, debt.invoice_id, "moved away", at)


# The days between any two steps, and what has been heard by then.
GAPS: list[tuple[int, list[Heard]]] = [
    (-6, []),
    (-2, reminded(-3)),
    (0, reminded(-3, 0)),
    (2, reminded(-3, 0, 1)),
    (5, [*reminded(-3, 0, 1), *charged(4)]),
    (10, [*reminded(-3, 0, 1), *charged(4), *reminded(7)]),
    (15, [*reminded(-3, 0, 1), *charged(4), *reminded(7, 15)]),
    (20, [*reminded(-3, 0, 1), *charged(4), *reminded(7, 15)]),
]
ALL: list[Heard] = GAPS[-1][1]
FEE_DAY = 4


def whole(day: int) -> int:
    """All that is owed on a day."""
    return RENT_MINOR + (FEE_MINOR if day > FEE_DAY else 0)


def paying_in_each_gap() -> list[Story]:
    return [
        Story(f"pays on day {day}", [Deed(day, pays(whole(day)))], [*heard, *receipt(day)])
        for day, heard in GAPS
    ]


def paying_half_in_each_gap() -> list[Story]:
    """The rest is asked for as before; before the fee day the fee is on the half alone."""
    half = RENT_MINOR // 2
    return [
        Story(
            f"pays half on day {day}",
            [Deed(day, pays(half))],
            [*ALL, *receipt(day)],
            ends="issued",
            fee_minor=FEE_MINOR // (2 if day < FEE_DAY else 1),
        )
        for day, _ in GAPS
    ]


def cancelled_in_each_gap() -> list[Story]:
    return [
        Story(f"is cancelled on day {day}", [Deed(day, cancels)], heard, ends="cancelled")
        for day, heard in GAPS[::2]
    ]


UNTIL_FEE = reminded(-3, 0, 1)


def others() -> list[Story]:
    return [*with_promises(), *with_pauses(), *with_acts_on_the_fee(), *with_odd_payments()]


def with_promises() -> list[Story]:
    return [
        Story("does nothing", [], ALL, ends="issued", fee_minor=FEE_MINOR),
        Story(
            "keeps a promise",
            [Deed(2, promises(5)), Deed(4, pays())],
            [*UNTIL_FEE, *noted(2), *receipt(4)],
        ),
        Story(
            "breaks a promise",
            [Deed(2, promises(5))],
            [*UNTIL_FEE, *noted(2), *broken(6), *charged(6), *reminded(7, 15)],
            ends="issued",
        ),
        Story(
            "breaks a promise after the next reminder was due",
            [Deed(2, promises(9))],
            [*UNTIL_FEE, *noted(2), *broken(10), *charged(10), *reminded(10, 15)],
            ends="issued",
        ),
        Story(
            "promises again before the first promise is broken",
            [Deed(2, promises(5)), Deed(4, promises(8)), Deed(8, pays())],
            [*UNTIL_FEE, *noted(2), *noted(4), *receipt(8)],
        ),
        Story(
            "pays after a broken promise",
            [Deed(2, promises(3)), Deed(5, pays(whole(5)))],
            [*UNTIL_FEE, *noted(2), *broken(4), *charged(4), *receipt(5)],
        ),
    ]


HALF = RENT_MINOR // 2


def with_instalments() -> list[Story]:
    """Days cost 100.00 each on top of the fee; the days of a part are its own reminders."""
    return [
        Story(
            "pays each part in time",
            [Deed(2, pays_in_parts(10, 20)), Deed(9, pays(HALF)), Deed(20, pays(HALF))],
            [*UNTIL_FEE, *agreed(2), *reminded(7), *receipt(9), *reminded(17, 20), *receipt(20)],
            fee_minor=0,
        ),
        Story(
            "pays one part and misses the next",
            [Deed(2, pays_in_parts(10, 20)), Deed(9, pays(HALF))],
            [
                *(*UNTIL_FEE, *agreed(2), *reminded(7), *receipt(9), *reminded(17, 20)),
                *(*missed(21), *charged(21), *charged(21), *reminded(21)),
            ],
            ends="issued",
            fee_minor=FEE_MINOR // 2,
        ),
        Story(
            "is paused over the day of a part",
            [Deed(2, pays_in_parts(6, 12)), Deed(4, pauses(14)), Deed(14, pays(), hour=9)],
            [*UNTIL_FEE, *agreed(2), *reminded(3), *receipt(14)],
            fee_minor=0,
        ),
        Story(
            "pays late and each late day with it",
            [Deed(6, pays())],
            [
                *(*UNTIL_FEE, *charged(4), *receipt(6), *charged(6)),
                *reminded(7, 11, 13, 19, 21),
            ],
            fee_minor=FEE_MINOR,
        ),
    ]


def with_pauses() -> list[Story]:
    return [
        Story(
            "is paused over the due day",
            [Deed(-5, pauses(5))],
            [*charged(5), *reminded(5, 7, 15)],
            ends="issued",
        ),
        Story(
            "is paused and resumed",
            [Deed(-5, pauses(25)), Deed(2, resumes)],
            [*reminded(2), *charged(4), *reminded(7, 15)],
            ends="issued",
        ),
        Story(
            "pays while paused",
            [Deed(0, pauses(10)), Deed(6, pays())],
            [*reminded(-3, 0), *receipt(6)],
        ),
        Story(
            "takes a promise back by resuming",
            [Deed(-2, promises(10)), Deed(2, resumes), Deed(3, pays())],
            [*reminded(-3), *noted(-2), *reminded(2), *receipt(3)],
        ),
    ]


def with_acts_on_the_fee() -> list[Story]:
    cheque, comes_back = cheque_that_bounces()
    return [
        Story(
            "is spared the fee",
            [Deed(2, waives)],
            [*UNTIL_FEE, *reminded(7, 15)],
            ends="issued",
            fee_minor=0,
        ),
        Story(
            "has the fee waived after it was charged",
            [Deed(5, waives), Deed(6, pays())],
            [*UNTIL_FEE, *charged(4), *receipt(6)],
        ),
        Story(
            "is written off",
            [Deed(2, writes_off)],
            UNTIL_FEE,
            ends="written_off",
        ),
        Story(
            "brings a cheque that bounces",
            [Deed(1, cheque), Deed(9, comes_back)],
            [*UNTIL_FEE, *receipt(1), *charged(9), *reminded(9, 15)],
            ends="issued",
        ),
        Story(
            "paid before the fee day, booked after it",
            [Deed(6, pays_as_of(3))],
            [*UNTIL_FEE, *charged(4), *receipt(6), (Purpose.FEE_REVERSED, 6)],
        ),
    ]


def with_odd_payments() -> list[Story]:
    return [
        Story(
            "owes three rents and pays one",
            [Deed(2, pays())],
            [*UNTIL_FEE, *receipt(2), *charged(4), *charged(4), *reminded(7, 15)],
            invoices=3,
        ),
        Story(
            "owes two rents and pays both",
            [Deed(2, pays(2 * RENT_MINOR))],
            [*UNTIL_FEE, *receipt(2)],
            invoices=2,
        ),
        Story(
            "pays half, then the rest",
            [Deed(-6, pays(RENT_MINOR // 2)), Deed(2, pays(RENT_MINOR // 2))],
            [*receipt(-6), *UNTIL_FEE, *receipt(2)],
        ),
        Story(
            "promises, is paused, promises again, pays nothing",
            [Deed(-6, promises(1)), Deed(0, pauses(6)), Deed(1, promises(4))],
            [*noted(-6), *noted(1), *charged(6), *reminded(6, 7, 15)],
            ends="issued",
        ),
        Story(
            "pays at the very hour of a reminder",
            [Deed(7, pays(whole(7)), hour=10)],
            [*UNTIL_FEE, *charged(4), *reminded(7), *receipt(7)],
        ),
    ]


def forty() -> list[Story]:
    """Every story: payment in every gap, half of it in every gap, and all else."""
    told = [
        *paying_in_each_gap(),
        *paying_half_in_each_gap(),
        *cancelled_in_each_gap(),
        *others(),
    ]
    assert len(told) == len({story.name for story in told}) == 40
    return told
