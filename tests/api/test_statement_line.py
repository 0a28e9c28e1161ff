"""Lines of a statement over HTTP: listed with candidates, settled by resolving their task."""

from typing import Any

import httpx2
import pytest

from models.payment import Payment
from tests.support.books import DUE, balances, booked, breaches, money, rows
from tests.support.debt import RENT_MINOR, Debt, a_debt
from tests.support.house import House, a_resident
from tests.support.statement import a_statement, brought_in
from tests.support.web import NOON

TEN = "10000.00"


async def two_debts(house: House) -> tuple[Debt, Debt]:
    """Asha and Chitra owe the same."""
    debts: list[Debt] = []
    for first_name, last_name in (("Asha", "Rao"), ("Chitra", "Iyer")):
        resident = await a_resident(house, first_name, last_name)
        debts.append(await a_debt(house, DUE, resident_id=resident.id))
    return debts[0], debts[1]


async def an_open_line(house: House, client: httpx2.AsyncClient, utr: str = "X1") -> dict[str, Any]:
    """A line that could be either's."""
    await brought_in(house, a_statement(f"05/10/2026,10000,{utr},CASH"), NOON)
    (line,) = (await client.get("/statement-lines?state=open")).json()["items"]
    return line


async def resolved(
    client: httpx2.AsyncClient, line: dict[str, Any], **choice: Any
) -> httpx2.Response:
    body = {"resolution": "asked them", **choice}
    return await client.post(f"/tasks/{line['taskId']}/resolve", json=body)


async def now(client: httpx2.AsyncClient, line: dict[str, Any]) -> dict[str, Any]:
    return (await client.get(f"/statement-lines/{line['id']}")).json()


async def test_an_open_line_shows_who_it_may_be_and_what_they_owe_now(
    house: House, client: httpx2.AsyncClient, stranger: httpx2.AsyncClient
) -> None:
    asha, _ = await two_debts(house)
    line = await an_open_line(house, client)
    assert (line["valueDate"], line["amount"]) == (
        "2026-10-05",
        {"amount": TEN, "currency": "INR"},
    )
    assert [c["name"] for c in line["candidates"]] == ["Asha Rao", "Chitra Iyer"]
    first = line["candidates"][0]
    assert (first["residentId"], first["invoiceId"]) == (
        str(asha.resident_id),
        str(asha.invoice_id),
    )
    assert first["openAmount"] == first["invoiceOpenAmount"] == {"amount": TEN, "currency": "INR"}
    assert first["why"]
    task = (await client.get(f"/tasks?subjectId={line['id']}")).json()["items"][0]
    assert (task["id"], task["subjectKind"], task["what"]) == (
        line["taskId"],
        "statement_line",
        "match",
    )
    assert "Asha Rao" in task["detail"]
    assert (await stranger.get(f"/statement-lines/{line['id']}")).status_code == 404
    assert (await stranger.get("/statement-lines")).json()["items"] == []


async def test_lines_are_listed_by_state_and_value_date_page_by_page(
    house: House, client: httpx2.AsyncClient
) -> None:
    await two_debts(house)
    lines = [f"0{day}/10/2026,10{day},,CASH" for day in range(1, 6)]
    await brought_in(house, a_statement(*lines), NOON)
    path = "/statement-lines?sort=valueDate&limit=2&from=2026-10-02&to=2026-10-04"
    first = (await client.get(path)).json()
    rest = (await client.get(f"{path}&cursor={first['nextCursor']}")).json()
    days = [line["valueDate"] for line in [*first["items"], *rest["items"]]]
    assert days == ["2026-10-02", "2026-10-03", "2026-10-04"]
    assert rest["nextCursor"] is None
    assert (await client.get("/statement-lines?state=booked")).json()["items"] == []
    assert (await client.get("/statement-lines?state=lost")).status_code == 422
    assert (await client.get("/statement-lines?account=other")).json()["items"] == []


async def test_choosing_an_invoice_books_the_money_on_its_value_date(
    house: House, client: httpx2.AsyncClient
) -> None:
    _, chitra = await two_debts(house)
    line = await an_open_line(house, client)
    answer = await resolved(client, line, invoiceId=str(chitra.invoice_id))
    assert (answer.status_code, answer.json()["status"]) == (200, "done")
    after = await now(client, line)
    assert (after["state"], after["rule"], after["taskId"]) == ("booked", "person", None)
    assert after["residentId"] == str(chitra.resident_id)
    payment = (await client.get(f"/payments/{after['paymentId']}")).json()
    assert (payment["paidOn"], payment["reference"]) == ("2026-10-05", "X1")
    assert (await chitra.row()).status == "paid"
    again = await resolved(client, line, invoiceId=str(chitra.invoice_id))
    assert again.json()["code"] == "ILLEGAL_TRANSITION"
    assert (await balances(house))["bank"] == RENT_MINOR
    assert await breaches(house.database) == {}


async def test_choosing_a_resident_pays_the_oldest_due(
    house: House, client: httpx2.AsyncClient
) -> None:
    asha, _ = await two_debts(house)
    line = await an_open_line(house, client)
    assert (await resolved(client, line, residentId=str(asha.resident_id))).status_code == 200
    assert (await asha.row()).status == "paid"
    known = await brought_in(house, a_statement("05/10/2026,10000,X1,CASH"), NOON)
    assert known.outcome.known == 1


async def test_money_that_is_here_already_is_linked_once(
    house: House, client: httpx2.AsyncClient
) -> None:
    """Booked by hand without its UTR: the person says which payment it is."""
    asha, chitra = await two_debts(house)
    payment = await booked(house, money(asha.resident_id, RENT_MINOR), NOON)
    other = await booked(house, money(chitra.resident_id, 500_00), NOON)
    line = await an_open_line(house, client)
    wrong = await resolved(client, line, paymentId=str(other.id))
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "OTHER_AMOUNT")
    assert (await resolved(client, line, paymentId=str(payment.id))).status_code == 200
    after = await now(client, line)
    assert (after["state"], after["paymentId"]) == ("known", str(payment.id))
    assert len(await rows(house, Payment)) == 2
    second = await an_open_line(house, client, "X2")
    taken = await resolved(client, second, paymentId=str(payment.id))
    assert (taken.status_code, taken.json()["code"]) == (409, "ALREADY_LINKED")


async def test_a_utr_that_was_booked_by_hand_meanwhile_is_not_booked_again(
    house: House, client: httpx2.AsyncClient
) -> None:
    asha, chitra = await two_debts(house)
    line = await an_open_line(house, client)
    await booked(house, money(asha.resident_id, RENT_MINOR, reference="x-1"), NOON)
    answer = await resolved(client, line, residentId=str(chitra.resident_id))
    assert (answer.status_code, answer.json()["code"]) == (409, "ALREADY_BOOKED")
    assert (await now(client, line))["state"] == "open"


async def test_what_is_no_residents_money_is_dismissed(
    house: House, client: httpx2.AsyncClient
) -> None:
    await two_debts(house)
    line = await an_open_line(house, client)
    assert (await resolved(client, line, dismiss=True)).status_code == 200
    after = await now(client, line)
    assert (after["state"], after["why"]) == ("dismissed", "somebody decided: asked them")
    assert await rows(house, Payment) == []


@pytest.mark.parametrize("both", [False, True])
async def test_exactly_one_choice_is_asked(
    house: House, client: httpx2.AsyncClient, *, both: bool
) -> None:
    asha, _ = await two_debts(house)
    line = await an_open_line(house, client)
    choice = {"residentId": str(asha.resident_id), "dismiss": True} if both else {}
    answer = await resolved(client, line, **choice)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "CHOICE")
    assert (await now(client, line))["state"] == "open"


async def test_an_invoice_of_another_resident_or_tenant_is_refused(
    house: House, client: httpx2.AsyncClient
) -> None:
    asha, chitra = await two_debts(house)
    line = await an_open_line(house, client)
    wrong = await resolved(
        client, line, residentId=str(asha.resident_id), invoiceId=str(chitra.invoice_id)
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (422, "OTHER_RESIDENT")
    nowhere = await resolved(client, line, invoiceId=line["id"])
    assert nowhere.status_code == 404
