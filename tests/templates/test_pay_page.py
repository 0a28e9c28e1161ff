"""The pay page as words: what was typed stays, and what people typed is shown, never run."""

import re
from dataclasses import replace

import pytest

import templates
from domain.pay_page import Hindrance
from templates.facts import PayLinkUnknown, PayPage, PayPageAway
from tests.support.accounts import POWER, STATES, account


def shown(state: str, locale: str = "en") -> str:
    told = STATES[state]
    facts = PayPage(path="/pay/x", account=told.account, choice=told.choice)
    return templates.page(facts, locale)


def test_what_was_refused_is_shown_again_with_the_reason_at_the_field() -> None:
    whole, chosen = re.findall(r"<form.*?</form>", shown("refused"), re.DOTALL)
    assert re.findall(r'name="(\w+)" value="([^"]+)" checked', chosen) == [
        ("invoices", "00000000-0000-0000-0000-000000000002"),
        ("by", "upi_qr"),
    ]
    assert 'name="amount" value="12,00"' in chosen
    assert 'aria-describedby="amount-hint amount-problem" aria-invalid="true"' in chosen
    words = "Write the amount in figures, for example 1200 or 1200.50."
    assert f'<p class="problem" id="amount-problem">{words}</p>' in chosen
    assert "12,00" not in whole
    assert "<details open>" in shown("refused")
    assert "<details>" in shown("due")


@pytest.mark.parametrize("locale", ["en", "hi"])
def test_what_stands_in_the_way_is_said_in_the_payers_language(locale: str) -> None:
    for problem in Hindrance:
        told = STATES["refused"]
        assert told.choice is not None
        facts = PayPage(
            path="/pay/x", account=told.account, choice=replace(told.choice, problem=problem)
        )
        found = re.search(r'id="amount-problem">(.+?)</p>', templates.page(facts, locale))
        assert found is not None, problem
        is_hindi = bool(re.search(r"[\u0900-\u097f]", found[1]))
        assert is_hindi == (locale == "hi"), found[1]


@pytest.mark.parametrize("locale", ["en", "hi"])
def test_what_people_typed_is_shown_never_run(locale: str) -> None:
    evil = "<script>alert('x')</script>"
    bill = replace(POWER, number=evil, house=evil, lines=[(evil, POWER.balance)])
    told = account(bill, first_name=evil, tenant_name=evil, contact=evil)
    html = templates.page(PayPage(path="/pay/x", account=told), locale)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("locale", ["en", "hi"])
def test_a_page_without_an_account_tells_of_nobody(locale: str) -> None:
    for page in (PayLinkUnknown(), PayPageAway()):
        html = templates.page(page, locale)
        assert f'<html lang="{locale}">' in html
        assert "href=" not in html.replace('href="data:,"', "")
