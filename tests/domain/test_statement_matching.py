"""Whose money a credit is: certain, or asked. What could be two people's is never booked."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.allocation import OpenInvoice
from domain.statement import Credit
from domain.statement_facts import Facts, Payer, Payment
from domain.statement_matching import Ask, Book, Matching, Rule, There, Verdict, rehearse
from domain.statement_words import address_in, number_of, numbers_in, phones_in, words_in

DAY = date(2026, 10, 5)
RENT = 10_000_00
UTR = "HDFCN52026100512"


def an_id(number: int) -> UUID:
    return UUID(int=number)


def invoice(number: int, minor: int = RENT, due: date = DAY) -> OpenInvoice:
    return OpenInvoice(an_id(1000 + number), due, f"BOS/26-27/{number:06d}", minor)


def payer(who: int, name: str, *invoices: OpenInvoice, **more: object) -> Payer:
    number = f"AGR/26-27/{who:06d}"
    return Payer(an_id(who), name, invoices=invoices, numbers=(number,), **more)  # pyright: ignore[reportArgumentType]


ASHA = payer(1, "Asha Rao", invoice(12), phone="+919820000001")
BINOD = payer(2, "Binod Kumar", invoice(13, 8_000_00), phone="+919820000002")
CHITRA = payer(3, "Chitra Iyer", invoice(14), phone="+919820000003")


def a_credit(narration: str, minor: int = RENT, line: int = 2, utr: str | None = None) -> Credit:
    return Credit(line, DAY, minor, narration, utr or "", utr)


def decided(facts: Facts, *credits_: Credit) -> dict[int, Verdict]:
    return {credit.line: verdict for credit, verdict in rehearse(Matching(facts), credits_)}


def facts_of(*payers: Payer, **more: object) -> Facts:
    return Facts({one.id: one for one in payers}, **more)  # pyright: ignore[reportArgumentType]


def one(verdicts: dict[int, Verdict]) -> Verdict:
    (verdict,) = verdicts.values()
    return verdict


@pytest.mark.parametrize(
    "narration",
    [
        "NEFT BOS/26-27/000012 ASHA RAO",
        "UPI/629312345678/bos-26-27-000012/payment",
        "bos 26 27 000012",
        "BOS2627000012",
        "AGR/26-27/000001",
        "UPI/CR/629312345678/9820000001@ybl",
        "UPI 919820000001",
        f"to {an_id(1)}",
    ],
)
def test_whoever_is_named_and_owes_just_this_is_booked_as_exact(narration: str) -> None:
    """By invoice, by agreement, by phone, however the bank mangled it."""
    verdict = one(decided(facts_of(ASHA, CHITRA), a_credit(narration)))
    assert isinstance(verdict, Book)
    assert (verdict.rule, verdict.resident_id) == (Rule.EXACT, ASHA.id)
    assert verdict.invoice_id == ASHA.invoices[0].id


@pytest.mark.parametrize(
    "narration",
    [
        "BOS/26-27/0000123",
        "BOS/26-27/00001",
        "XBOS/26-27/000012",
        "150982000000199",
        "A9820000001",
        "asha@example.com",
    ],
)
def test_a_part_of_a_longer_word_names_nobody(narration: str) -> None:
    """Neither number nor phone; two residents owe the same, so it is asked."""
    verdict = one(decided(facts_of(ASHA, CHITRA), a_credit(narration)))
    assert isinstance(verdict, Ask)
    assert {candidate.resident_id for candidate in verdict.candidates} == {ASHA.id, CHITRA.id}


@pytest.mark.parametrize("minor", [4_000_00, 12_000_00])
def test_a_named_invoice_takes_another_amount_by_reference(minor: int) -> None:
    """Less is a part, more is an advance."""
    verdict = one(decided(facts_of(ASHA), a_credit("BOS/26-27/000012", minor)))
    assert isinstance(verdict, Book)
    assert (verdict.rule, verdict.invoice_id) == (Rule.REFERENCE, ASHA.invoices[0].id)


def test_an_invoice_that_is_paid_still_says_whose_money_it_is() -> None:
    """Last month's note on this month's money."""
    facts = facts_of(ASHA, CHITRA, closed=[("BOS/26-27/000002", ASHA.id, an_id(1002))])
    verdict = one(decided(facts, a_credit("BOS/26-27/000002")))
    assert isinstance(verdict, Book)
    assert (verdict.resident_id, verdict.invoice_id) == (ASHA.id, ASHA.invoices[0].id)


def test_numbers_of_two_residents_are_asked() -> None:
    verdict = one(decided(facts_of(ASHA, CHITRA), a_credit("BOS/26-27/000012 BOS/26-27/000014")))
    assert isinstance(verdict, Ask)
    assert verdict.candidates[0].why.startswith("it names BOS/26-27/0000")
    assert {c.resident_id for c in verdict.candidates} == {ASHA.id, CHITRA.id}


def test_another_amount_with_somebody_elses_phone_is_asked() -> None:
    narration = "BOS/26-27/000012 9820000003@ybl"
    facts = facts_of(ASHA, CHITRA)
    assert isinstance(one(decided(facts, a_credit(narration, 500_00))), Ask)
    assert isinstance(one(decided(facts, a_credit(narration))), Book)


def test_an_address_that_paid_before_is_known_again() -> None:
    facts = facts_of(ASHA, CHITRA, addresses={"asha.rao@okhdfc": ASHA.id})
    verdict = one(decided(facts, a_credit("UPI/629312345678/Asha.Rao@okhdfc/rent")))
    assert isinstance(verdict, Book)
    assert (verdict.rule, verdict.resident_id) == (Rule.EXACT, ASHA.id)
    against = one(decided(facts, a_credit("UPI/CHITRA IYER/asha.rao@okhdfc")))
    assert isinstance(against, Ask)


def test_a_phone_of_two_residents_is_nobodys() -> None:
    twin = payer(4, "Asim Rao", invoice(15), phone=ASHA.phone)
    assert isinstance(one(decided(facts_of(ASHA, twin), a_credit("9820000001@ybl"))), Ask)


def test_an_amount_that_one_alone_owes_is_booked() -> None:
    verdict = one(decided(facts_of(ASHA, BINOD), a_credit("CASH DEPOSIT", 8_000_00)))
    assert isinstance(verdict, Book)
    assert (verdict.rule, verdict.resident_id) == (Rule.AMOUNT, BINOD.id)
    assert verdict.invoice_id == BINOD.invoices[0].id


@pytest.mark.parametrize("narration", ["NEFT RAO ASHA", "UPI/ASHA RAO/oct", "IMPS-Asha-Rao-rent"])
def test_of_many_who_owe_the_same_the_one_with_the_name_is_booked(narration: str) -> None:
    verdict = one(decided(facts_of(ASHA, CHITRA), a_credit(narration)))
    assert isinstance(verdict, Book)
    assert (verdict.rule, verdict.resident_id) == (Rule.AMOUNT, ASHA.id)


@pytest.mark.parametrize(
    ("narration", "others"),
    [
        ("ASHA", [CHITRA]),
        ("RAO", [CHITRA]),
        ("ASHA RAO", [payer(5, "Asha Rao", invoice(16))]),
        ("ASHA RAO", [payer(5, "Asha Rao")]),
        ("ASHA RAO FOR CHITRA IYER", [CHITRA]),
        ("CHITRA IYER", [payer(3, "Chitra Iyer")]),
        ("9820000003@ybl", [payer(3, "Chitra Iyer", phone="+919820000003")]),
        ("CASH", [CHITRA]),
        ("CASH", [payer(3, "Chitra Iyer", rents=frozenset({RENT}))]),
    ],
)
def test_an_amount_with_any_rival_is_asked(narration: str, others: list[Payer]) -> None:
    """One name alone, the same name twice, another's name or phone, another who owes it."""
    verdict = one(decided(facts_of(ASHA, *others), a_credit(narration)))
    assert isinstance(verdict, Ask)
    assert verdict.candidates


def test_rent_before_its_invoice_is_an_advance_unless_money_just_came() -> None:
    early = payer(1, "Asha Rao", rents=frozenset({RENT}))
    verdict = one(decided(facts_of(early), a_credit("CASH")))
    assert isinstance(verdict, Book)
    assert (verdict.rule, verdict.invoice_id) == (Rule.AMOUNT, None)
    paid = payer(1, "Asha Rao", rents=frozenset({RENT}), paid_lately=True)
    assert isinstance(one(decided(facts_of(paid), a_credit("CASH"))), Ask)
    assert isinstance(one(decided(facts_of(paid), a_credit("ASHA RAO"))), Book)


def test_two_nameless_credits_that_one_debt_explains_are_both_asked() -> None:
    told = decided(facts_of(ASHA), a_credit("CASH", line=2), a_credit("CASH", line=3))
    assert all(isinstance(verdict, Ask) for verdict in told.values())
    waiting = facts_of(ASHA, waiting={RENT: {ASHA.id}})
    assert isinstance(one(decided(waiting, a_credit("CASH", line=3))), Ask)


def test_the_surest_credit_of_a_file_is_booked_first() -> None:
    """A nameless line above the one that names the invoice does not take its place."""
    told = decided(facts_of(ASHA), a_credit("CASH", line=2), a_credit("BOS/26-27/000012", line=3))
    exact = told[3]
    assert isinstance(exact, Book)
    assert exact.rule is Rule.EXACT
    assert isinstance(told[2], Ask)


def test_what_was_booked_by_hand_with_the_utr_is_there_already() -> None:
    """In its column or within the words, written in whatever way; then never again."""
    by_hand = Payment(an_id(9), "PAY/26-27/000001", ASHA.id, RENT, DAY, UTR.lower())
    for credit in (a_credit("BOS/26-27/000012", utr=UTR), a_credit(f"NEFT {UTR} BOS/26-27/000012")):
        verdict = one(decided(facts_of(ASHA, payments=[by_hand]), credit))
        assert isinstance(verdict, There)
        assert verdict.payment_id == by_hand.id
    other = one(decided(facts_of(ASHA, payments=[by_hand]), a_credit("x", 500_00, utr=UTR)))
    assert isinstance(other, Ask)
    assert other.candidates[0].payment_id == by_hand.id


def test_one_transfer_booked_by_hand_for_two_residents_is_there_already() -> None:
    """A parent pays for both children."""
    halves = [
        Payment(an_id(8 + n), f"PAY/26-27/00000{n}", who.id, RENT // 2, DAY, UTR)
        for n, who in enumerate((ASHA, CHITRA))
    ]
    verdict = one(decided(facts_of(ASHA, CHITRA, payments=halves), a_credit("x", utr=UTR)))
    assert isinstance(verdict, There)


def test_a_cheques_number_is_its_money_only_about_its_day() -> None:
    cheque = Payment(an_id(9), "PAY/26-27/000001", ASHA.id, RENT, DAY, "000123")
    near = Credit(2, DAY, RENT, "CLG", "123")
    assert isinstance(one(decided(facts_of(ASHA, payments=[cheque]), near)), There)
    far = Credit(2, date(2027, 10, 5), RENT, "BOS/26-27/000012", "123")
    assert isinstance(one(decided(facts_of(ASHA, payments=[cheque]), far)), Book)


def test_equal_money_booked_by_hand_without_a_utr_is_asked() -> None:
    """It may be the same money; three days later it is other money."""
    by_hand = Payment(an_id(9), "PAY/26-27/000001", ASHA.id, RENT, DAY)
    verdict = one(decided(facts_of(ASHA, payments=[by_hand]), a_credit("BOS/26-27/000012")))
    assert isinstance(verdict, Ask)
    assert verdict.candidates[0].payment_id == by_hand.id
    before = Payment(an_id(9), "PAY/26-27/000001", ASHA.id, RENT, date(2026, 10, 1))
    earlier = decided(facts_of(ASHA, payments=[before]), a_credit("BOS/26-27/000012"))
    assert isinstance(one(earlier), Book)


def test_a_utr_with_two_amounts_is_asked() -> None:
    facts = facts_of(ASHA, utrs={UTR: {RENT, 500_00}})
    assert isinstance(one(decided(facts, a_credit("BOS/26-27/000012", utr=UTR))), Ask)


def test_words_are_told_apart() -> None:
    assert number_of("BOS/26-27/000012") == "BOS2627000012"
    assert [number_of(short) for short in ("7", "A1", "RENT", "123456")] == [None] * 4
    assert "BOS2627000012" in numbers_in("x BOS/26-27/000012/y")
    assert address_in("UPI/asha@okhdfc/rent") == "asha@okhdfc"
    assert address_in("mail asha@gmail.com") is None
    assert phones_in("UPI 629312345678 9820000001", "629312345678") == {"9820000001"}
    assert words_in("José-MARIA 12") == {"JOSE", "MARIA"}


NAMES = ("Asha Rao", "Asha Iyer", "Binod Rao", "Asha Rao", "Binod", "")
people = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(["", "+919820000001", "+919820000002"]),
        st.lists(st.sampled_from([RENT, 8_000_00, 500_00]), max_size=2),
        st.sampled_from([RENT, 8_000_00]),
    ),
    min_size=1,
    max_size=4,
)
lines = st.lists(
    st.tuples(
        st.sampled_from([RENT, 8_000_00, 500_00, 18_000_00]),
        st.lists(
            st.sampled_from(
                [
                    "ASHA",
                    "RAO",
                    "IYER",
                    "BINOD",
                    "CASH",
                    "9820000001",
                    "BOS/26-27/000010",
                    "BOS/26-27/000020",
                    "AGR/26-27/000001",
                    "a@okhdfc",
                ]
            ),
            max_size=4,
        ),
    ),
    max_size=6,
)


@given(people, lines)
def test_nothing_is_booked_that_another_could_have_paid_as_well(
    drawn: list[tuple[str, str, list[int], int]], said: list[tuple[int, list[str]]]
) -> None:
    """An oracle of its own: whoever is named by number, else the only one who fits by name or sum.

    Every credit is decided once, and money that is booked or asked adds up to the statement.
    """
    payers = [
        payer(
            who,
            name,
            *(invoice(10 * who + n, minor) for n, minor in enumerate(owed)),
            phone=phone,
            rents=frozenset({rent}),
        )
        for who, (name, phone, owed, rent) in enumerate(drawn, 1)
    ]
    credits_ = [a_credit(" ".join(w), minor, line) for line, (minor, w) in enumerate(said, 2)]
    told = rehearse(Matching(facts_of(*payers)), credits_)
    assert sorted(credit.line for credit, _ in told) == [credit.line for credit in credits_]
    by_rule = [(credit, v) for credit, v in told if isinstance(v, Book)]
    asked = sum(credit.minor for credit, v in told if isinstance(v, Ask))
    assert sum(credit.minor for credit, _ in by_rule) + asked == sum(c.minor for c in credits_)
    for credit, verdict in by_rule:
        words = set(credit.narration.split())
        numbered = {
            one.id
            for one in payers
            if words & {*one.numbers, *(invoice.number for invoice in one.invoices)}
        }
        in_full = {
            one.id
            for one in payers
            if len(one.name.split()) > 1 and set(one.name.upper().split()) <= words
        }
        called = {one.id for one in payers if one.phone[3:] and one.phone[3:] in words}
        if numbered:
            assert numbered == {verdict.resident_id}
        elif in_full or called:
            assert in_full | called == {verdict.resident_id}
        else:
            could = {one.id for one in payers if credit.minor in one.amounts}
            assert could <= {verdict.resident_id} | {v.resident_id for _, v in by_rule}
