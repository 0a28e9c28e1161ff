"""One set of facts for every template: a payer, her invoices, the papers about them."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from domain import paper
from domain.money import Money
from domain.tax import Document
from templates import facts

INVOICE, FEE = "INV/26-27/000123", "INV/26-27/000124"
PAY = "https://inn.example.com/pay/0123456789_abcdefghijklmnopqrstuvwxyz-ABCDEF"
SEE = "http://127.0.0.1:8000/see/0123456789abcdef"
STOP = "http://127.0.0.1:8000/stop/0123456789abcdef"
DUE_DAY = date(2026, 10, 5)


def words_of(html: str) -> str:
    """The page as it is read: no tags, single spaces."""
    body = re.sub(r"<style>.*?</style>|<title>.*?</title>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).replace("&amp;", "&")


def inr(rupees: str) -> Money:
    return Money.parse(rupees, "INR")


SENDER = facts.Sender(
    "Sunrise Residency", "+91 98765 43210", "desk@sunrise.example", "12 Lake Road, Hyderabad"
)
RENT = facts.Due(INVOICE, "Rent October 2026", DUE_DAY, inr("9500.00"))
FOOD = facts.Due("INV/26-27/000125", "Food October 2026", date(2026, 10, 7), inr("109500.50"))
LATE = facts.Due(FEE, "Late fee", date(2026, 10, 14), inr("475.00"))
SUPPLIER = paper.Party(
    "Sunrise Residency LLP",
    ("12 Lake Road", "Gachibowli", "Hyderabad 500032"),
    "36AABCS1429B1Z5",
    "36",
    "+91 98765 43210",
    "desk@sunrise.example",
)
PAYER = paper.Party("Asha Rao", ("Room 204, Bed B",), None, "36", None, "asha@mail.example")


def reminder(rung: int, *dues: facts.Due, **changed: object) -> facts.Reminder:
    dues = dues or (RENT,)
    total = Money(sum(due.balance.minor for due in dues), "INR")
    told: dict[str, object] = {
        "sender": SENDER,
        "payer_name": "Asha Rao",
        "url": PAY,
        "stop_url": STOP,
        "rung": rung,
        "dues": dues,
        "total": total,
    }
    return facts.Reminder(**{**told, **changed})  # pyright: ignore[reportArgumentType]


def letters() -> dict[str, facts.Letter]:
    """Every message, by the name of the case."""
    return {
        "reminder_before": reminder(-3),
        "reminder_today": reminder(0),
        "reminder_gentle": reminder(1),
        "reminder_firm": reminder(7),
        "reminder_of_two": reminder(1, RENT, FOOD),
        "reminder_of_two_ahead": reminder(-3, RENT, FOOD),
        "reminder_of_two_today": reminder(0, RENT, FOOD),
        "late_fee": facts.LateFee(
            sender=SENDER, payer_name="Asha Rao", url=PAY, fee=LATE, late=RENT
        ),
        "late_fee_of_days": facts.LateFee(
            sender=SENDER,
            payer_name="Asha Rao",
            url=PAY,
            fee=LATE,
            late=replace(RENT, balance=inr("0")),
        ),
        "fee_reversed": facts.FeeReversed(
            sender=SENDER,
            payer_name="Asha Rao",
            url=PAY,
            fee_number=FEE,
            credit_note_number="CN/26-27/000007",
            amount=inr("475.00"),
            late_number=INVOICE,
            paid_on=DUE_DAY,
            remaining=inr("0"),
        ),
        "receipt": receipt(),
        "receipt_with_advance": receipt_with_advance(),
        "invoice": invoice(Document.tax_invoice, inr("9975.00")),
        "bill_of_supply": invoice(Document.bill_of_supply, inr("9975.00")),
        "invoice_half_paid": invoice(Document.tax_invoice, inr("4000.00")),
        "invoice_paid": invoice(Document.tax_invoice, inr("0")),
        **agreed_and_broken(),
    }


def agreed_and_broken() -> dict[str, facts.Letter]:
    """What is said about promises and instalments."""
    return {
        "promise_noted": facts.PromiseNoted(
            sender=SENDER,
            payer_name="Asha Rao",
            url=PAY,
            promised_for=date(2026, 10, 12),
            dues=[RENT],
            total=inr("9500.00"),
        ),
        "promise_broken": facts.PromiseBroken(
            sender=SENDER,
            payer_name="Asha Rao",
            url=PAY,
            promised_for=date(2026, 10, 12),
            dues=[RENT],
            total=inr("9500.00"),
        ),
        "instalments_agreed": facts.InstalmentsAgreed(
            sender=SENDER,
            payer_name="Asha Rao",
            url=PAY,
            dues=[
                replace(RENT, due=date(2026, 10, 12), balance=inr("5000.00"), part=(1, 2)),
                replace(RENT, due=date(2026, 10, 26), balance=inr("4500.00"), part=(2, 2)),
            ],
            total=inr("9500.00"),
        ),
        "instalments_broken": facts.InstalmentsBroken(
            sender=SENDER,
            payer_name="Asha Rao",
            url=PAY,
            missed_on=date(2026, 10, 12),
            dues=[RENT],
            total=inr("9500.00"),
        ),
    }


def receipt(**changed: object) -> facts.Receipt:
    told: dict[str, object] = {
        "sender": SENDER,
        "payer_name": "Asha Rao",
        "url": SEE,
        "number": "RCP/26-27/000031",
        "amount": inr("10000.00"),
        "method": "cash",
        "reference": None,
        "paid_on": date(2026, 10, 9),
        "settled": [
            paper.Settled(INVOICE, "Rent October 2026", inr("9500.00"), inr("0")),
            paper.Settled(FEE, "Late fee", inr("500.00"), inr("25.00")),
        ],
        "remaining": inr("25.00"),
        "advance": inr("0"),
    }
    return facts.Receipt(**{**told, **changed})  # pyright: ignore[reportArgumentType]


def receipt_with_advance() -> facts.Receipt:
    return receipt(
        settled=[paper.Settled(INVOICE, "Rent October 2026", inr("9500.00"), inr("0"))],
        remaining=inr("0"),
        advance=inr("500.00"),
    )


def invoice(document: Document, balance: Money) -> facts.Invoice:
    return facts.Invoice(
        sender=SENDER,
        payer_name="Asha Rao",
        url=PAY,
        document=document,
        number=INVOICE,
        issued_on=date(2026, 10, 1),
        due=DUE_DAY,
        lines=[("Rent October 2026", inr("9500.00")), ("CGST and SGST", inr("475.00"))],
        total=inr("9975.00"),
        balance=balance,
    )


def tax_invoice(**changed: Any) -> paper.InvoicePaper:
    five = paper.taxes("INR", Decimal(5), 57500, 57500, 0)
    told: dict[str, Any] = {
        "document": Document.tax_invoice,
        "number": INVOICE,
        "issued_on": date(2026, 10, 1),
        "due": DUE_DAY,
        "first_day": date(2026, 10, 1),
        "last_day": date(2026, 10, 31),
        "supplier": SUPPLIER,
        "recipient": PAYER,
        "property_name": "Sunrise Gachibowli",
        "place_of_supply": "36",
        "lines": [
            paper.Line("Rent October 2026, bed 204-B", inr("23000.00"), "996322", five),
            paper.Line("Maintenance October 2026", inr("1250.50"), "996322", ()),
        ],
        "total": inr("25401.00"),
        "balance": inr("25401.00"),
        "url": PAY,
        "note": "Rent covers water and wifi.",
    }
    told.update(changed)
    told.setdefault("credited", inr("0"))
    told.setdefault("paid", told["total"] - told["balance"] - told["credited"])
    return paper.InvoicePaper(**told)


def bill_of_supply() -> paper.InvoicePaper:
    return tax_invoice(
        document=Document.bill_of_supply,
        number="BOS/26-27/000123",
        lines=[paper.Line("Rent October 2026, bed 204-B", inr("9500.00"), "996322")],
        total=inr("9500.00"),
        balance=inr("0"),
        note=None,
    )


def credit_note() -> paper.CreditNotePaper:
    return paper.CreditNotePaper(
        number="CN/26-27/000007",
        issued_on=date(2026, 10, 20),
        supplier=SUPPLIER,
        recipient=PAYER,
        property_name="Sunrise Gachibowli",
        place_of_supply="36",
        lines=[
            paper.Line(
                "Late fee taken back",
                inr("475.00"),
                "996322",
                paper.taxes("INR", Decimal(5), 1188, 1188, 0),
            )
        ],
        total=inr("498.76"),
        invoice_number=FEE,
        invoice_date=date(2026, 10, 9),
        reason="Payment of 5 October 2026 came in time",
    )


def receipt_paper() -> paper.ReceiptPaper:
    letter = receipt_with_advance()
    return paper.ReceiptPaper(
        number=letter.number,
        paid_on=letter.paid_on,
        supplier=SUPPLIER,
        payer=PAYER,
        amount=letter.amount,
        method="bank_transfer",
        reference="N281026123456789",
        settled=letter.settled,
        remaining=letter.remaining,
        advance=letter.advance,
    )


def start_page() -> facts.StartPage:
    return facts.StartPage(
        tenant_name="Sunrise Residency",
        docs_url="/docs",
        temporal_url="http://127.0.0.1:8233",
        inbox_url="http://127.0.0.1:8500/control/inbox",
        subjects=[
            facts.Subject(
                f"{INVOICE} of Asha Rao",
                "overdue",
                inr("9500.00"),
                facts.Next(
                    datetime(2026, 10, 9, 4, 30, tzinfo=UTC),
                    "Asia/Kolkata",
                    "charge_late_fee",
                    "5% of the outstanding amount, three days of grace are over",
                ),
                "/api/v1/invoices/0199/plan",
                "http://127.0.0.1:8233/namespaces/default/workflows/invoice",
            ),
            facts.Subject("INV/26-27/000098 of Vikram Shah", "paid", inr("0"), None, "/plan"),
        ],
    )
