"""Every state of the pay page, as facts: what somebody owes, and what is under way."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from domain.money import Money
from domain.pay_page import Account, Bill, Hindrance, Instalment, Received, Standing, UnderWay
from domain.payment_attempt import AttemptStatus, PayBy
from domain.upi import to_pay
from templates.facts import Choice
from tests.support.papers import inr

AT = datetime(2026, 12, 8, 6, 30, tzinfo=UTC)
VPA = "sunrise@okbank"
FEE = Bill(
    invoice_id=UUID(int=3),
    number="INV/26-27/000124",
    lines=[("Late fee: 5 % of ₹9,500.00", inr("475.00"))],
    due=date(2026, 12, 9),
    total=inr("475.00"),
    balance=inr("475.00"),
    standing=Standing.due,
    house="Sunrise Residency",
)
RENT = Bill(
    invoice_id=UUID(int=1),
    number="INV/26-27/000123",
    lines=[("Rent December 2026", inr("9000.00")), ("Food December 2026", inr("2500.00"))],
    due=date(2026, 12, 5),
    total=inr("11500.00"),
    balance=inr("9500.00"),
    standing=Standing.overdue,
    house="Sunrise Residency",
    fees=[FEE],
)
POWER = Bill(
    invoice_id=UUID(int=2),
    number="INV/26-27/000131",
    lines=[("Electricity November 2026, 142 units", inr("1420.00"))],
    due=date(2026, 12, 15),
    total=inr("1420.00"),
    balance=inr("1420.00"),
    standing=Standing.promised,
    until=date(2026, 12, 20),
    house="Sunrise Residency",
)
PARTS = replace(
    RENT,
    lines=[("Rent December 2026", inr("11500.00"))],
    total=inr("11500.00"),
    due=date(2026, 12, 12),
    standing=Standing.due,
    fees=(),
    instalments=[
        Instalment(2, 3, date(2026, 12, 12), inr("5000.00")),
        Instalment(3, 3, date(2026, 12, 22), inr("4500.00")),
    ],
)
PAID = Received(
    UUID(int=9), "RCP/26-27/000031", inr("2000.00"), date(2026, 12, 6), AT, method="upi"
)
WAYS = (PayBy.link, PayBy.upi_qr, PayBy.checkout)


def account(*bills: Bill, **changed: object) -> Account:
    """Asha's account over these bills."""
    due = Money(sum(b.balance.minor + sum(f.balance.minor for f in b.fees) for b in bills), "INR")
    told: dict[str, object] = {
        "tenant_name": "Sunrise Homes LLP",
        "contact": "desk@sunrise.example",
        "first_name": "Asha",
        "language": "en",
        "at": AT,
        "zone": "Asia/Kolkata",
        "bills": bills,
        "due": due,
        "advance": inr("0.00"),
        "ways": WAYS,
    }
    return Account(**{**told, **changed})  # pyright: ignore[reportArgumentType]


def under_way(by: PayBy, url: str | None) -> UnderWay:
    """A try that is good for twelve more minutes."""
    return UnderWay(by, AttemptStatus.pending, inr("9500.00"), AT + timedelta(minutes=12), url)


@dataclass(frozen=True, slots=True)
class Shown:
    """One state: the account, what the address asks, what was refused."""

    account: Account
    query: str = ""
    choice: Choice | None = None


CODE = to_pay(VPA, "Sunrise Homes LLP", POWER.number, POWER.balance)
STATES = {
    "due": Shown(account(RENT, POWER, received=[PAID])),
    "due_one_way": Shown(account(replace(POWER, standing=Standing.due), ways=(PayBy.checkout,))),
    "instalments": Shown(account(PARTS)),
    "refused": Shown(
        account(RENT, POWER),
        choice=Choice(
            frozenset({str(POWER.invoice_id)}),
            "12,00",
            Hindrance.no_figure,
            PayBy.upi_qr,
        ),
    ),
    "own_upi": Shown(account(POWER, ways=(), payee=VPA, upi=CODE)),
    "no_way": Shown(account(POWER, ways=())),
    "card_left": Shown(account(POWER), "card=left"),
    "nothing_due": Shown(
        account(received=[PAID], next_due=date(2027, 1, 5), advance=inr("500.00"))
    ),
    "thanks": Shown(account(POWER, received=[PAID]), "received=RCP/26-27/000031"),
    "thanks_all": Shown(account(received=[PAID]), "received=RCP/26-27/000031"),
    "waiting": Shown(account(RENT), "received=x"),
    "waited": Shown(account(RENT), "received=x&looks=30"),
    "preparing": Shown(account(RENT, under_way=under_way(PayBy.link, None))),
    "continue": Shown(account(RENT, under_way=under_way(PayBy.link, "https://rzp.io/rzp/AbC"))),
    "scan": Shown(account(RENT, under_way=under_way(PayBy.upi_qr, CODE))),
}
