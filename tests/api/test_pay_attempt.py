"""The form of the pay page: to a page to pay on, or back with what stood in the way."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from domain import keys
from domain.payment_account import Provider
from tests.conftest import TemporalServer
from tests.support.debt import RENT_MINOR, a_debt
from tests.support.house import House
from tests.support.papers import words_of
from tests.support.payer import Payer, a_payer
from tests.support.shop import a_shop, find


@pytest.fixture
async def payer(house: House) -> AsyncGenerator[Payer]:
    async with a_payer(house) as found:
        await found.may_pay_by(Provider.razorpay, Provider.stripe)
        yield found


async def sends(payer: Payer, token: str = "", **fields: str) -> httpx2.Response:
    """The form, with what the payer chose."""
    data = {"by": "link", "invoices": str(payer.debt.invoice_id), **fields}
    return await payer.browser.post(f"/pay/{token or payer.token}/attempts", data=data)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"amount": "12,5x"}, "Write the amount in figures"),
        ({"amount": "12.345"}, "fewer figures after the point"),
        ({"amount": "0"}, "must be more than zero"),
        ({"amount": "9" * 30}, "This amount is too large"),
        ({"by": "cheque"}, "Choose how you want to pay"),
        ({"invoices": "not-an-id"}, "Choose from what is due"),
        ({"invoices": "01990000-0000-7000-8000-000000000001"}, "Choose from what is due"),
    ],
)
async def test_what_cannot_be_is_said_beside_the_form(
    payer: Payer, fields: dict[str, str], said: str
) -> None:
    answer = await sends(payer, **fields)
    assert answer.status_code == 422
    assert said in words_of(answer.text)
    assert answer.headers["Cache-Control"] == "no-store"


async def test_what_cannot_be_is_said_in_hindi_to_who_reads_hindi(payer: Payer) -> None:
    await payer.reads("hi")
    answer = await sends(payer, amount="0")
    assert "राशि शून्य से अधिक होनी चाहिए।" in words_of(answer.text)
    assert "must be" not in words_of(answer.text)
    data = {"by": "cheque", "invoices": str(payer.debt.invoice_id)}
    chosen = await payer.browser.post(f"/pay/{payer.token}/attempts?lang=en", data=data)
    assert "Choose how you want to pay" in words_of(chosen.text)


async def test_a_way_the_house_has_not_is_said_to_be_closed(house: House) -> None:
    async with a_payer(house) as payer:
        await payer.may_pay_by(Provider.stripe)
        assert "does not work at the moment" in words_of((await sends(payer)).text)


async def test_a_link_nobody_has_opens_no_page(payer: Payer) -> None:
    assert (await sends(payer, token="x" * 43)).status_code == 404


async def test_while_lives_cannot_be_reached_the_page_goes_on_looking(payer: Payer) -> None:
    """What was asked for is kept: the life begins when it can, and the payer's page finds it."""
    answer = await sends(payer)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert 'http-equiv="refresh"' in answer.text
    status = (await payer.browser.get(f"/pay/{payer.token}/status")).json()
    assert status["attempt"]["status"] == "created"


async def test_another_way_closes_the_page_before(
    house: House, temporal_server: TemporalServer
) -> None:
    """Nobody can pay twice: the first page is closed at its provider before the second opens."""
    async with a_shop(house, temporal_server) as shop:
        await shop.account(Provider.razorpay)
        await shop.account(Provider.stripe)
        now = datetime.now(UTC)
        debt = await a_debt(house, now.date() + timedelta(days=10), issued=now)
        assert (await shop.chooses(debt, "link")).status_code == 303
        answer = await shop.chooses(debt, "checkout", amount="4000")
        assert answer.status_code == 303, answer.text
        first, second = await shop.attempts()
        assert (first.status, second.status) == ("cancelled", "pending")
        assert second.amount_minor == 400_000 < RENT_MINOR
        assert (await find(shop, second.id)).pay_url == answer.headers["Location"]
        workflow_id = keys.payment_attempt(house.tenant_id, second.id)
        life = await shop.temporal.get_workflow_handle(workflow_id).describe()
        queued = life.raw_description.workflow_execution_info.priority
        assert queued.fairness_key == str(house.tenant_id)  # however it was started
        link = f"{shop.box.url}/razorpay/v1/payment_links/{first.page_id}"
        merchant = ("rzp_test_Sunrise1", "rzp-sunrise-secret")
        found = await shop.client.get(link, auth=merchant)
        assert found.json()["status"] == "cancelled"
