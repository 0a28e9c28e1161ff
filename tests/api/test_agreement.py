"""Agreements over HTTP: drafted, signed, ended; one bed is let once, whoever asks and how many."""

import asyncio
from collections import Counter
from datetime import date
from typing import Any
from uuid import UUID

import httpx2
import pytest

from models.resident import ResidentStatus
from tests.support.house import House, Place, a_property, a_resident, an_agreement

RENT = {"amount": "9500.00", "currency": "INR"}


async def agreed(
    client: httpx2.AsyncClient, resident_id: UUID, place: Place, bed: int = 0, **terms: Any
) -> httpx2.Response:
    body = {"bedId": str(place.bed_ids[bed]), "startDate": "2026-10-05", "status": "active"}
    return await client.post(f"/residents/{resident_id}/agreements", json={**body, **terms})


async def status_of(client: httpx2.AsyncClient, place: Place, bed: int = 0) -> str:
    beds = (await client.get(f"/rooms/{place.room_id}/beds")).json()["items"]
    return next(b["status"] for b in beds if b["id"] == str(place.bed_ids[bed]))


async def test_a_signed_agreement_takes_its_bed_and_makes_a_resident(
    client: httpx2.AsyncClient, house: House
) -> None:
    """Terms not sent come from the bed and the settings; the number is the next one."""
    place = await a_property(house, rent_minor=9_500_00)
    asha = await a_resident(house, status=ResidentStatus.PROSPECT)
    answer = await agreed(client, asha.id, place, foodCharges={"amount": "500", "currency": "INR"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["status"], made["stage"]) == ("active", "checked_in")
    assert made["agreementNumber"] == "AGR/26-27/000001"
    assert made["rentAmount"] == RENT
    assert made["foodCharges"]["amount"] == "500.00"
    assert made["depositAmount"]["amount"] == "0.00"
    assert (made["noticePeriodDays"], made["rentDueDay"]) == (30, 5)
    assert (made["lateFeePercentage"], made["prorationBasis"]) == (None, "actual_days")
    assert made["signedByResidentAt"] == made["signedByOwnerAt"] == "2026-10-20T06:30:00Z"
    assert (await client.get(f"/agreements/{made['id']}")).json() == made
    assert (await client.get(f"/residents/{asha.id}")).json()["status"] == "active"
    assert await status_of(client, place) == "occupied"
    listed = (await client.get(f"/residents/{asha.id}/agreements?status=active")).json()["items"]
    assert listed == [made]


async def test_one_that_begins_later_is_reserved(client: httpx2.AsyncClient, house: House) -> None:
    """Stage and bed say so until the first day comes."""
    place = await a_property(house)
    answer = await agreed(client, (await a_resident(house)).id, place, startDate="2026-11-01")
    assert answer.json()["stage"] == "reserved"
    assert await status_of(client, place) == "reserved"


async def test_a_taken_bed_is_refused_with_free_ones_near_it(
    client: httpx2.AsyncClient, house: House
) -> None:
    """409; the alternatives are free for the whole span asked for."""
    place = await a_property(house, beds=3)
    asha, dev, usha = [await a_resident(house) for _ in range(3)]
    await an_agreement(house, asha.id, place, bed=0)
    await an_agreement(house, dev.id, place, bed=1, start=date(2026, 12, 1))
    answer = await agreed(client, usha.id, place, endDate="2026-11-30")
    assert (answer.status_code, answer.json()["code"]) == (409, "BOOKING_CONFLICT")
    free = [bed["bedId"] for bed in answer.json()["alternatives"]]
    assert free == [str(place.bed_ids[1]), str(place.bed_ids[2])]
    open_ended = await agreed(client, usha.id, place)
    assert [bed["bedId"] for bed in open_ended.json()["alternatives"]] == [str(place.bed_ids[2])]
    fits = await agreed(client, usha.id, place, bed=1, endDate="2026-11-30")
    assert fits.status_code == 201


async def test_of_fifty_who_ask_for_one_bed_one_gets_it(
    client: httpx2.AsyncClient, house: House
) -> None:
    """One 201, forty-nine 409, no deadlock: with numbers of ours and with numbers of theirs."""
    place = await a_property(house, beds=3)
    asking = [(await a_resident(house)).id for _ in range(50)]
    for bed, own_numbers in ((0, False), (1, True)):
        terms = [{"agreementNumber": f"OWN-{i}"} if own_numbers else {} for i in range(50)]
        answers = await asyncio.gather(
            *(
                agreed(client, resident_id, place, bed, **more)
                for resident_id, more in zip(asking, terms, strict=True)
            )
        )
        counted = Counter(answer.status_code for answer in answers)
        assert counted == {201: 1, 409: 49}
        codes = {answer.json().get("code") for answer in answers if answer.status_code == 409}
        assert codes == {"BOOKING_CONFLICT"}
    following = await agreed(client, asking[0], place, 2)
    assert following.json()["agreementNumber"] == "AGR/26-27/000002"


async def test_a_draft_holds_its_bed_until_it_is_signed_or_cancelled(
    client: httpx2.AsyncClient, house: House
) -> None:
    """Terms move while it is a draft: another bed, another rent; then signed by PUT."""
    place = await a_property(house, beds=2)
    asha = await a_resident(house)
    draft = (await agreed(client, asha.id, place, status="draft")).json()
    assert (draft["status"], draft["stage"], draft["signedByOwnerAt"]) == ("draft", "drafted", None)
    assert await status_of(client, place) == "reserved"
    path = f"/agreements/{draft['id']}"
    moved = await client.put(
        path, json={"bedId": str(place.bed_ids[1]), "rentAmount": RENT, "endDate": "2027-03-31"}
    )
    assert moved.status_code == 200, moved.text
    assert (moved.json()["rentAmount"], moved.json()["endDate"]) == (RENT, "2027-03-31")
    assert await status_of(client, place, 0) == "vacant"
    assert await status_of(client, place, 1) == "reserved"
    signed = (await client.put(path, json={"status": "active"})).json()
    assert (signed["status"], signed["stage"]) == ("active", "checked_in")
    assert await status_of(client, place, 1) == "occupied"
    other = (await agreed(client, asha.id, place, status="draft")).json()
    gone = await client.put(f"/agreements/{other['id']}", json={"status": "cancelled"})
    assert (gone.json()["status"], gone.json()["stage"]) == ("cancelled", "cancelled")
    assert await status_of(client, place, 0) == "vacant"


async def test_signed_terms_are_frozen_but_the_end_moves(
    client: httpx2.AsyncClient, house: House
) -> None:
    """The residence moves with the end date, as far as the bed is free."""
    place = await a_property(house)
    asha, dev = await a_resident(house), await a_resident(house)
    made = (await agreed(client, asha.id, place, endDate="2026-12-31")).json()
    path = f"/agreements/{made['id']}"
    frozen = await client.put(path, json={"rentAmount": RENT, "endDate": "2027-01-31"})
    assert (frozen.status_code, frozen.json()["code"]) == (409, "ILLEGAL_TRANSITION")
    shorter = await client.put(path, json={"endDate": "2026-11-30"})
    assert (shorter.status_code, shorter.json()["endDate"]) == (200, "2026-11-30")
    following = await agreed(client, dev.id, place, startDate="2026-12-01")
    assert following.status_code == 201, following.text
    longer = await client.put(path, json={"endDate": None})
    assert (longer.status_code, longer.json()["code"]) == (409, "BOOKING_CONFLICT")
    assert (await client.get(path)).json()["endDate"] == "2026-11-30"
    before = await client.put(path, json={"endDate": "2026-10-01"})
    assert (before.status_code, before.json()["errors"][0]["field"]) == (422, "endDate")


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"rentAmount": {"amount": "9500.00", "currency": "USD"}}, "rentAmount.currency"),
        ({"foodCharges": {"amount": "-1.00", "currency": "INR"}}, "foodCharges.amount"),
        ({"rentDueDay": 32}, "rentDueDay"),
        ({"lateFeePercentage": 101}, "lateFeePercentage"),
        ({"endDate": "2026-10-04"}, "endDate"),
        ({"billedThrough": "October"}, "billedThrough"),
        ({"status": "expired"}, "status"),
        ({"bonus": 1}, "bonus"),
    ],
)
async def test_bad_terms_name_the_field_and_claim_nothing(
    client: httpx2.AsyncClient, house: House, terms: dict[str, Any], field: str
) -> None:
    """422, and the bed is as free as before."""
    place = await a_property(house)
    answer = await agreed(client, (await a_resident(house)).id, place, **terms)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await status_of(client, place) == "vacant"


async def test_two_agreements_never_share_a_number(
    client: httpx2.AsyncClient, house: House
) -> None:
    """One typed in by hand is refused twice, and passed over by the house's own counting."""
    place = await a_property(house, beds=3)
    asha = await a_resident(house)
    number = "AGR/26-27/000001"
    assert (await agreed(client, asha.id, place, 0, agreementNumber=number)).status_code == 201
    twice = await agreed(client, asha.id, place, 1, agreementNumber=number)
    assert (twice.status_code, twice.json()["code"]) == (409, "NUMBER_TAKEN")
    counted = await agreed(client, asha.id, place, 2)
    assert counted.json()["agreementNumber"] == "AGR/26-27/000002"


async def test_a_plan_names_the_month_the_amount_and_the_day(
    client: httpx2.AsyncClient, house: House
) -> None:
    """From the terms and what was billed, here or elsewhere; a draft has no plan."""
    place = await a_property(house, beds=2)
    asha = await a_resident(house)
    made = await agreed(client, asha.id, place, billedThrough="2026-10", endDate="2027-09-30")
    assert made.json()["billedThrough"] == "2026-10"
    plan = (await client.get(f"/agreements/{made.json()['id']}/plan")).json()
    assert (plan["stage"], plan["workflowId"]) == (
        "checked_in",
        f"billing/{house.tenant_id}/2026-11",
    )
    bill, end = plan["next"]
    assert (bill["what"], bill["at"]) == ("bill", "2026-10-31T18:45:00Z")
    assert bill["why"] == ("billed for 2026-11 on 1 November 2026: ₹10,000.00, due 6 November 2026")
    assert bill["changeableBy"]
    assert (end["what"], end["at"]) == ("end", "2027-09-30T18:30:00Z")
    late = await agreed(client, asha.id, place, 1)
    first = (await client.get(f"/agreements/{late.json()['id']}/plan")).json()["next"][0]
    assert first["why"].startswith("billed for 2026-10 on 21 October 2026: ₹8,709.68")


async def test_nobody_signs_with_the_blacklisted(client: httpx2.AsyncClient, house: House) -> None:
    """409 before anything is claimed."""
    place = await a_property(house)
    resident = await a_resident(house, status=ResidentStatus.BLACKLISTED)
    answer = await agreed(client, resident.id, place)
    assert (answer.status_code, answer.json()["code"]) == (409, "RESIDENT_BLACKLISTED")


async def test_another_tenants_agreements_and_beds_do_not_exist(
    client: httpx2.AsyncClient, stranger: httpx2.AsyncClient, house: House
) -> None:
    """404 for their agreement, and for their bed in an agreement of ours."""
    place = await a_property(house)
    made = (await agreed(client, (await a_resident(house)).id, place)).json()
    for method, path, body in (
        ("GET", f"/agreements/{made['id']}", None),
        ("GET", f"/agreements/{made['id']}/plan", None),
        ("PUT", f"/agreements/{made['id']}", {"endDate": "2026-12-31"}),
    ):
        answer = await stranger.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND"), path
    theirs = await stranger.post("/residents", json={"firstName": "Eve", "phone": "+919820000009"})
    answer = await agreed(stranger, UUID(theirs.json()["id"]), place)
    assert answer.status_code == 404


async def test_one_key_makes_one_agreement(client: httpx2.AsyncClient, house: House) -> None:
    """Asked again, the stored answer; the bed is not taken against itself."""
    place = await a_property(house)
    asha = await a_resident(house)
    body = {"bedId": str(place.bed_ids[0]), "startDate": "2026-10-05", "status": "active"}
    key = {"Idempotency-Key": "asha-1"}
    path = f"/residents/{asha.id}/agreements"
    first = await client.post(path, json=body, headers=key)
    again = await client.post(path, json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
