"""The pay page: what is due and why, for whoever holds the link, and not a word more."""

import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import httpx2
import pytest
import structlog
from uuid_utils.compat import uuid7

from activities.invoice_collection import Collecting
from api.app import build
from api.parts import Links, Parts
from domain.payment_account import Provider
from models.credit import cancel
from models.database import Database
from models.instalment_plan import agree
from models.pay_link import revoke
from models.suspension import promise
from runtime.clock import SetClock
from tests.support.database import DatabaseUrls
from tests.support.debt import RENT_MINOR, a_debt, pay
from tests.support.house import House, a_database, a_resident
from tests.support.papers import words_of
from tests.support.payer import DUE, VPA, Payer, a_payer
from tests.support.web import NOON, a_vault


@pytest.fixture
async def payer(house: House) -> AsyncGenerator[Payer]:
    """Asha, three days after her rent was due."""
    async with a_payer(house) as found:
        yield found


async def shown(payer: Payer, query: str = "", **headers: str) -> str:
    """The page in words."""
    answer = await payer.page(query, **headers)
    assert answer.status_code == 200
    return words_of(answer.text)


async def test_it_says_what_is_due_and_why(payer: Payer) -> None:
    read = await shown(payer)
    number = (await payer.debt.row()).invoice_number
    assert "Hello Asha, ₹10,000.00 was due on 5 December 2026" in read
    assert f"Rent ₹10,000.00 {number} · Was due on 5 December 2026 overdue" in read
    payer.clock.at = payer.debt.after(0)
    assert "₹10,000.00 is due today" in await shown(payer)
    payer.clock.at = payer.debt.after(-2)
    assert "₹10,000.00 is due on 5 December 2026" in await shown(payer)


async def test_a_late_fee_stands_with_the_invoice_it_is_for(payer: Payer) -> None:
    payer.clock.at = payer.debt.after(4)
    collecting = Collecting(payer.house.database, "a-store")
    await collecting.remind(payer.debt.look(payer.clock.at))
    await collecting.charge_late_fee(payer.debt.look(payer.clock.at))
    fee = await payer.debt.penalty()
    assert fee is not None
    answer = await payer.page()
    assert "₹10,500.00 is open, the first of it since 5 December 2026" in words_of(answer.text)
    assert answer.text.count('<li class="card">') == 1
    assert f"{fee.invoice_number} ₹500.00" in words_of(answer.text)


async def test_part_of_it_paid_asks_for_the_rest(payer: Payer) -> None:
    await pay(payer.debt, payer.clock.at - timedelta(days=1), 4_000_00)
    read = await shown(payer)
    assert "₹6,000.00 was due on 5 December 2026" in read
    assert "₹4,000.00 of ₹10,000.00 is paid" in read
    assert "Paid lately 7 December 2026 Receipt " in read


async def test_what_was_agreed_is_said(payer: Payer) -> None:
    async with payer.house.session() as session:
        await promise(session, payer.debt.invoice_id, DUE + timedelta(days=7), None, payer.clock.at)
    assert "You will pay by 12 December 2026, as you told us promised" in await shown(payer)


async def test_instalments_are_listed_with_their_days(payer: Payer) -> None:
    parts = [(DUE + timedelta(days=10), 4_000_00), (DUE + timedelta(days=20), 6_000_00)]
    async with payer.house.session() as session:
        await agree(session, payer.debt.invoice_id, parts, None, payer.clock.at)
    read = await shown(payer)
    assert "Instalment 1 of 2 Due on 15 December 2026 ₹4,000.00" in read
    assert "Instalment 2 of 2 Due on 25 December 2026 ₹6,000.00" in read


WAYS = [
    ([Provider.stripe], ["checkout"]),
    ([Provider.razorpay], ["link", "upi_qr"]),
    ([Provider.stripe, Provider.razorpay], ["link", "upi_qr", "checkout"]),
]


@pytest.mark.parametrize(("providers", "ways"), WAYS)
async def test_one_main_button_pays_all_by_what_the_house_takes(
    payer: Payer, providers: list[Provider], ways: list[str]
) -> None:
    """The first form carries exactly what its button says; the second what is chosen."""
    other = await a_debt(payer.house, DUE, resident_id=payer.debt.resident_id)
    await payer.may_pay_by(*providers)
    html = (await payer.page()).text
    whole, chosen = re.findall(r"<form.*?</form>", html, re.DOTALL)
    assert f'method="post" action="/pay/{payer.token}/attempts"' in whole
    assert "Pay ₹20,000.00</button>" in whole
    assert 'name="amount" value="20000.00"' in whole
    for debt in (payer.debt, other):
        assert f'type="hidden" name="invoices" value="{debt.invoice_id}"' in whole
        assert f'type="checkbox" name="invoices" value="{debt.invoice_id}" checked' in chosen
    assert '<input id="amount" name="amount" value=""' in chosen
    for form in (whole, chosen):
        assert re.findall(r'name="by" value="(\w+)"', form) == ways
    assert len(re.findall(r'<button class="button" ', html)) == 1


async def test_without_a_provider_the_houses_own_upi_id_is_shown(payer: Payer) -> None:
    await payer.may_pay_to()
    html = (await payer.page()).text
    assert f'<img src="/pay/{payer.token}/qr.svg"' in html
    assert f'href="upi://pay?pa={VPA}' in html.replace("&amp;", "&")
    assert "<form" not in html
    code = await payer.browser.get(f"/pay/{payer.token}/qr.svg")
    assert code.headers["content-type"] == "image/svg+xml"
    assert code.text.startswith("<svg")
    assert "QR code to pay ₹10,000.00 by UPI" in code.text


async def test_without_any_way_to_pay_it_says_whom_to_ask(payer: Payer) -> None:
    assert f"To pay, write to owner@{payer.house.slug}.example.com." in await shown(payer)
    assert (await payer.browser.get(f"/pay/{payer.token}/qr.svg")).status_code == 404


async def test_nothing_due_says_so_with_the_last_receipt_and_the_next_day(payer: Payer) -> None:
    paid = await pay(payer.debt, payer.clock.at - timedelta(hours=1))
    read = await shown(payer)
    assert "Nothing is due" in read
    assert f"8 December 2026 Receipt {paid.payment_number}, by cash ₹10,000.00" in read
    assert re.search(r"The next rent is due on \d+ \w+ 20\d\d\.", read)


async def test_more_than_was_due_is_kept_and_said(payer: Payer) -> None:
    await pay(payer.debt, payer.clock.at, RENT_MINOR + 500_00)
    assert "₹500.00 is kept for your next invoice." in await shown(payer)


@pytest.mark.parametrize("named", ["payment_number", "id"])
async def test_whoever_comes_back_paid_is_thanked(payer: Payer, named: str) -> None:
    paid = await pay(payer.debt, payer.clock.at, 4_000_00)
    name = quote(str(getattr(paid, named)), safe="")
    answer = await payer.page(f"?received={name}")
    read = words_of(answer.text)
    assert "Received with thanks: ₹4,000.00" in read
    assert f"This is receipt {paid.payment_number} of 8 December 2026." in read
    assert "Still open in all: ₹6,000.00." in read
    assert "http-equiv" not in answer.text


async def test_whoever_comes_back_before_the_bank_spoke_waits_a_bounded_time(
    payer: Payer,
) -> None:
    """The page asks again by itself every ten seconds, thirty times, and then says so."""
    answer = await payer.page("?received=x")
    assert "Waiting for your bank" in words_of(answer.text)
    again = re.search(r'<meta http-equiv="refresh" content="10;url=([^"]+)">', answer.text)
    assert again is not None
    assert again[1] == f"/pay/{payer.token}?received=x&amp;looks=1"
    last = await payer.page("?received=x&looks=30")
    assert "http-equiv" not in last.text
    assert "It takes longer than usual" in words_of(last.text)
    for odd in ("-1", "x", "9" * 40, "٣"):
        assert "http-equiv" not in (await payer.page(f"?received=x&looks={odd}")).text
    await pay(payer.debt, payer.clock.at + timedelta(seconds=1))
    assert "Waiting for your bank" in await shown(payer, "?received=x&looks=2")


async def test_money_that_came_while_the_page_waited_is_thanked_for(payer: Payer) -> None:
    await pay(payer.debt, payer.clock.at)
    before = int(payer.clock.at.timestamp()) - 5
    assert "Received with thanks: ₹10,000.00" in await shown(payer, f"?since={before}")
    assert "Nothing is due" in await shown(payer, f"?since={before + 10}")
    assert "Nothing is due" in await shown(payer, "?since=99999999999")
    assert "Nothing is due" in await shown(payer, "?since=soon")


async def test_an_invoice_taken_back_is_not_asked_for(payer: Payer) -> None:
    async with payer.house.session() as session:
        await cancel(session, payer.debt.invoice_id, "billed in error", payer.clock.at)
    assert "Nothing is due" in await shown(payer)


async def test_unknown_and_revoked_are_answered_alike(payer: Payer) -> None:
    """404 with the same words, whatever was wrong with the link."""
    never = await payer.browser.get(f"/pay/{'A' * 43}")
    odd = await payer.browser.get("/pay/x")
    async with payer.house.session() as session:
        await revoke(session, payer.debt.resident_id, payer.clock.at)
    revoked = await payer.page()
    for answer in (never, odd, revoked):
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.text == never.text
    assert "answer the message and ask for a new link" in words_of(never.text)
    assert "लिंक" in (await payer.page("?lang=hi")).text
    assert 'lang="hi"' in (await payer.page(**{"Accept-Language": "hi-IN,en"})).text
    for path in ("status", "qr.svg"):
        gone = await payer.browser.get(f"/pay/{payer.token}/{path}")
        assert (gone.status_code, gone.json()["instance"]) == (404, f"/pay/…/{path}")


async def test_nobody_elses_affairs_are_shown(payer: Payer) -> None:
    """Not another resident's, and of the payer no more than the first name."""
    ravi = await a_resident(payer.house, "Ravi", "Iyer")
    theirs = await a_debt(payer.house, DUE, resident_id=ravi.id)
    html = (await payer.page()).text
    assert str((await theirs.row()).invoice_number) not in html
    assert "Ravi" not in html
    async with payer.house.session() as session:
        asha = await session.get_one(type(ravi), (payer.house.tenant_id, payer.debt.resident_id))
    assert asha.email is not None
    for told in (asha.last_name, asha.email, asha.phone, str(asha.id), str(payer.house.tenant_id)):
        assert told not in html


async def test_it_speaks_the_residents_language_unless_another_is_chosen(payer: Payer) -> None:
    assert 'lang="en"' in (await payer.page(**{"Accept-Language": "hi"})).text
    await payer.reads("hi")
    hindi = (await payer.page()).text
    assert 'lang="hi"' in hindi
    assert "5 दिसंबर 2026" in hindi
    assert "₹10,000.00" in hindi
    assert f'href="/pay/{payer.token}?lang=en"' in hindi
    assert 'lang="en"' in (await payer.page("?lang=en")).text
    assert 'lang="hi"' in (await payer.page("?lang=xx")).text


async def test_the_browser_is_told_to_keep_it_safe(payer: Payer) -> None:
    await payer.may_pay_by(Provider.razorpay)
    answer = await payer.page()
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "img-src 'self' data:" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://rzp.io https://razorpay.com https://*.razorpay.com" in policy
    assert "stripe" not in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    for name, value in {
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "x-frame-options": "DENY",
        "x-robots-tag": "noindex, nofollow",
        "x-content-type-options": "nosniff",
    }.items():
        assert answer.headers[name] == value
    assert "set-cookie" not in answer.headers
    assert not re.search(r"<script|style=|\son\w+=|https?://", answer.text)
    assert len(answer.content) < 30_000


async def test_the_token_stands_in_no_log_and_no_problem(payer: Payer) -> None:
    """Nor where a handler breaks, a method is wrong, or a value is refused."""
    merge = structlog.contextvars.merge_contextvars
    with structlog.testing.capture_logs(processors=[merge]) as written:
        answers = [
            await payer.page("?received=x"),
            await payer.browser.get(f"/pay/{payer.token}/status?since=never"),
            await payer.browser.get(f"/pay/{payer.token}/status?since=2026-12-05T00:00:00"),
            await payer.browser.put(f"/pay/{payer.token}"),
            await payer.browser.get(f"/pay/{payer.token}/nothing"),
            await payer.browser.get(f"/pay/{payer.token}/qr.svg"),
        ]
    assert [answer.status_code for answer in answers] == [200, 422, 422, 405, 404, 404]
    assert payer.token not in str(written)
    lines = [line for line in written if line["event"] == "request"]
    assert lines[0]["route"] == "/pay/{token}"
    assert lines[0]["tenant"] == str(payer.house.tenant_id)
    for problem in answers[1:]:
        assert problem.json()["instance"].startswith("/pay/…")
        assert payer.token not in problem.text


async def test_the_state_is_told_in_few_words_to_whoever_waits(payer: Payer) -> None:
    path = f"/pay/{payer.token}/status"
    before = payer.clock.at.isoformat().replace("+00:00", "Z")
    assert (await payer.browser.get(path)).json() == {
        "due": {"amount": "10000.00", "currency": "INR"},
        "dueMinor": 1_000_000,
        "attempt": None,
        "received": None,
    }
    paid = await pay(payer.debt, payer.clock.at + timedelta(seconds=5), 4_000_00)
    told = (await payer.browser.get(path, params={"since": before})).json()
    assert told["dueMinor"] == 600_000
    assert told["received"]["number"] == paid.payment_number
    assert told["received"]["amount"] == {"amount": "4000.00", "currency": "INR"}
    assert (await payer.browser.get(path)).json()["received"] is None


async def test_while_the_database_is_away_it_says_that_nothing_is_lost(
    database_urls: DatabaseUrls,
) -> None:
    nowhere = "postgresql://inn_app:x@127.0.0.1:1/nothing"
    async with a_database(replace(database_urls, app=nowhere, platform=nowhere)) as away:
        assert "Nothing is lost" in (await at_the_door_of(away)).text


async def at_the_door_of(database: Database) -> httpx2.Response:
    """Somebody opens a link there."""
    parts = Parts(database, a_vault(), SetClock(NOON), Links())
    transport = httpx2.ASGITransport(build(parts))
    async with httpx2.AsyncClient(transport=transport, base_url="http://pay.test") as browser:
        answer = await browser.get(f"/pay/{uuid7().hex}{'A' * 11}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    return answer
