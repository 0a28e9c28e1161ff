"""A bank's list is read as banks print it; a bad row is named and spoils no other."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.money import grouped
from domain.statement import Credit, Statement, identities, read
from domain.statement_cells import day_of, signed, utr_of

TODAY = date(2026, 10, 20)
FIFTH = date(2026, 10, 5)
HEAD = "Date,Amount,UTR,Narration"
UTR = "HDFCN52026100512"


def of(*rows: str, head: str = HEAD, end: str = "\n") -> Statement:
    return read(end.join([head, *rows]) + end, "INR", TODAY)


FILES = {
    "a plain one": "Date,Amount,UTR,Narration\n05/10/2026,10000.00,{utr},NEFT ASHA RAO\n",
    "HDFC": "Date,Narration,Chq./Ref.No.,Value Dt,Withdrawal Amt.,Deposit Amt.,Closing Balance\n"
    '04/10/26,NEFT ASHA RAO,{utr},05/10/26,,"10,000.00","1,20,000.00"\n',
    "ICICI": "S No.,Value Date,Transaction Date,Cheque Number,Transaction Remarks,"
    "Withdrawal Amount (INR ),Deposit Amount (INR ),Balance (INR )\n"
    "1,05/10/2026,04/10/2026,{utr},NEFT ASHA RAO,0.00,10000.00,120000\n",
    "SBI": "Account Name : SUNRISE PG\nAddress :,12 Lake Road\n\n"
    "Txn Date\tValue Date\tDescription\tRef No./Cheque No.\tDebit\tCredit\tBalance\n"
    "4 Oct 2026\t5 Oct 2026\tNEFT ASHA RAO\t{utr}\t \t10,000.00\t1,20,000.00\n",
    "Axis": "Tran Date,CHQNO,PARTICULARS,DR,CR,BAL\n05-10-2026,{utr},NEFT ASHA RAO,,10000,120000\n",
    "Kotak": "Sl. No.,Transaction Date,Description,Chq / Ref No.,Amount,Dr / Cr,Balance,Dr / Cr\n"
    "1,05-Oct-26,NEFT ASHA RAO,{utr},10000.00,CR,120000.00,CR\n",
    "semicolons": "Value Date;Particulars;Reference No;Amount\n"
    "2026-10-05;NEFT ASHA RAO;{utr};10,000.00 Cr\n",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_bank_says_the_same_in_its_own_columns(text: str, end: str) -> None:
    """The value date, the credit, the transfer's number and the words."""
    found = read(text.format(utr=UTR).replace("\n", end), "INR", TODAY)
    assert found.problems == []
    (credit,) = found.credits
    assert (credit.day, credit.minor, credit.utr) == (FIFTH, 10_000_00, UTR)
    assert credit.narration == "NEFT ASHA RAO"


@pytest.mark.parametrize(
    "written",
    [
        "05/10/2026",
        "5/10/26",
        "05-10-2026",
        "05.10.2026",
        "05-Oct-26",
        "5 October 2026",
        "2026-10-05",
        "05-OCT-2026",
        "05/10/2026 14:05:11",
        "2026-10-05T14:05",
        "5Oct2026",
    ],
)
def test_a_day_is_read_with_the_day_first(written: str) -> None:
    assert day_of(written, TODAY) == FIFTH


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("10/31/2026", "no day of the calendar"),
        ("30/02/2026", "no day of the calendar"),
        ("21/10/2026", "is to come"),
        ("05/10/1999", "is before 2000"),
        ("5 Okt 2026", "names no month"),
        ("5/10", "not a day written as"),
        ("", "not a day written as"),
    ],
)
def test_a_day_that_is_none_says_why(written: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        day_of(written, TODAY)


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("1,05,000.00", ("105000.00", None)),
        ("105,000.00", ("105000.00", None)),
        ("₹ 1,05,000.50 Cr", ("105000.50", "cr")),
        ("Rs.500/-", ("500", None)),
        ("INR 500 DR.", ("500", "dr")),
        ("-500.00", ("-500.00", None)),
        ("(500.00)", ("-500.00", None)),
        ("", ("0", None)),
        ("-", ("0", None)),
    ],
)
def test_amounts_are_read_the_indian_way(written: str, read_as: tuple[str, str | None]) -> None:
    assert signed(written) == read_as


@pytest.mark.parametrize("written", ["1,05", "1.050,00", "10,00,00", "5 000", "(5", "--5", "5x"])
def test_an_amount_of_two_readings_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"is not an amount|two signs"):
        signed(written)


@given(st.integers(1, 10**12))
def test_what_is_written_the_indian_way_is_read_back(minor: int) -> None:
    rupees, paise = divmod(minor, 100)
    row = f'05/10/2026,"{grouped(str(rupees), indian=True)}.{paise:02d}",X1,rent'
    assert [credit.minor for credit in of(row).credits] == [minor]


def test_debits_are_counted_and_left() -> None:
    """By sign, by suffix, and by their own column."""
    mixed = of("05/10/2026,-500,X1,fee", "05/10/2026,200.00 Dr,X2,fee", "05/10/2026,300,X3,rent")
    assert (mixed.debits, mixed.debits_minor) == (2, 700_00)
    assert [credit.minor for credit in mixed.credits] == [300_00]
    apart = of("05/10/2026,rent,,300", "05/10/2026,fee,700,", head="Date,Narration,Debit,Credit")
    assert (apart.debits, apart.debits_minor, len(apart.credits)) == (1, 700_00, 1)


def test_every_bad_row_is_told_by_the_files_own_names_and_the_others_go_in() -> None:
    """Line, column, value; a row that breaks two rules is told with both."""
    found = of(
        "05/10/2026,100,X1,good",
        "31/02/2026,abc,X2,two rules",
        "05/10/2026,0.00,X3,nothing moved",
        "05/10/2026,100,,",
        "05/10/2026,100,X5,good,more",
        "05/10/2026,100.005,X6,a tenth of a paisa",
        "05/10/2026,100,X7,b\x07ll",
        f"05/10/2026,100,X8,{'n' * 1001}",
        "05/10/2026,100,X9,good too",
    )
    assert [credit.line for credit in found.credits] == [2, 10]
    assert [(p.line, p.column, p.value[:10]) for p in found.problems] == [
        (3, "Date", "31/02/2026"),
        (3, "Amount", "abc"),
        (4, "Amount", "0.00"),
        (5, "Narration", ""),
        (6, "", ""),
        (7, "Amount", "100.005"),
        (8, "Narration", "b\x07ll"),
        (9, "Narration", "n" * 10),
    ]
    assert found.lines == 9


def test_what_the_bank_prints_around_its_lines_is_no_line() -> None:
    """Opening and closing balances, sums, remarks, and everything after the end."""
    found = of(
        "01/10/2026,Opening Balance,,,500",
        "05/10/2026,rent,,100,600",
        ",,,,",
        "Total,,0,100,",
        "*** End of Statement ***",
        "Opening Balance,Dr Count,1,2,3",
        head="Date,Narration,Debit,Credit,Balance",
    )
    assert (found.lines, found.problems) == (1, [])


def test_sides_that_contradict_each_other_are_refused() -> None:
    head = "Date,Narration,Amount,Dr/Cr"
    rows = ["05/10/2026,a,100 Cr,DR", "05/10/2026,b,-100,CR", "05/10/2026,c,100,NEFT"]
    assert [p.line for p in of(*rows, head=head).problems] == [2, 3, 4]
    both = of("05/10/2026,a,100,100", "05/10/2026,b,,-5", head="Date,Narration,Debit,Credit")
    assert [(p.line, p.column) for p in both.problems] == [(2, "Credit"), (3, "Credit")]


@pytest.mark.parametrize("text", ["", "name,age\nAsha,25\n", "Date,Narration\n05/10/2026,rent\n"])
def test_a_file_without_the_columns_is_refused_whole(text: str) -> None:
    with pytest.raises(InvalidInput, match="names its columns"):
        read(text, "INR", TODAY)


@given(st.text(max_size=200))
def test_no_text_at_all_breaks_the_reader(text: str) -> None:
    """Every row is a credit, a debit, a problem, or says nothing of money."""
    found = read(f"{HEAD}\n05/10/2026,1,X1,rent\n{text}", "INR", TODAY)
    assert found.credits[0].minor == 100
    assert all(credit.minor > 0 for credit in found.credits)


@pytest.mark.parametrize(
    ("written", "certain", "utr"),
    [
        ("0000629312345678", False, "629312345678"),
        ("629312345678", False, "629312345678"),
        ("hdfcn52026100512", False, "HDFCN52026100512"),
        ("N279262345678901", False, "N279262345678901"),
        ("HDFCR52026100512345678", False, "HDFCR52026100512345678"),
        ("000123", False, None),
        ("9876543210", False, None),
        ("TRANSFER FROM 4897691162098", False, None),
        ("HDFC7021807230034567", False, None),
        ("ref-1", True, "REF1"),
        ("0", True, None),
        ("NA", True, None),
    ],
)
def test_only_a_number_that_never_comes_again_is_a_utr(
    written: str, certain: bool, utr: str | None
) -> None:
    """A cheque's, a phone's and a standing mandate's come again, so do words."""
    assert utr_of(written, certain=certain) == utr


def credit(line: int, narration: str = "cash", utr: str | None = None, minor: int = 100) -> Credit:
    return Credit(line, FIFTH, minor, narration, utr or "", utr)


def test_two_equal_lines_of_one_file_are_two_and_stay_them_in_the_next() -> None:
    """A longer file of the same day adds only what is new; another account is another line."""
    first = identities([credit(2), credit(3)], "bank")
    longer = identities([credit(2, "upi"), credit(3), credit(4), credit(5)], "bank")
    assert len(set(first)) == 2
    assert set(first) < set(longer)
    assert len(set(longer)) == 4
    assert set(first).isdisjoint(identities([credit(2)], "savings"))


def test_a_utr_is_the_same_line_whatever_is_written_around_it() -> None:
    same = identities([credit(2, utr="X1"), credit(3, "other words", utr="X1")], "bank")
    assert len(set(same)) == 1
    other = identities([credit(2, utr="X1", minor=200)], "bank")
    assert set(same).isdisjoint(other)
