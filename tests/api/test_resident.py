"""Residents over HTTP: made, found, masked, changed, removed."""

from datetime import date, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from models.resident import Resident
from tests.support.house import House, a_property, a_resident, an_agreement
from tests.support.web import NOON

ASHA = {"firstName": "Asha", "lastName": "Rao", "phone": "98200 00001"}


async def made(client: httpx2.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post("/residents", json={**ASHA, **body})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_resident_is_kept_as_people_write_and_shown_as_machines_read(
    client: httpx2.AsyncClient,
) -> None:
    """The phone becomes E.164 of the tenant's country, the mail address is normalised."""
    asha = await made(
        client,
        email="Asha.Rao@Example.COM",
        dateOfBirth="2001-02-03",
        emergencyContact={"name": "Dev Rao", "phone": "+919820000002"},
        occupation="student",
        language="hi",
    )
    assert (asha["phone"], asha["email"]) == ("+919820000001", "asha.rao@example.com")
    assert (asha["status"], asha["kycStatus"], asha["bedId"]) == ("prospect", "pending", None)
    assert (await client.get(f"/residents/{asha['id']}")).json() == asha


async def test_a_pan_is_sealed_and_comes_out_masked_only(
    client: httpx2.AsyncClient, house: House
) -> None:
    """Neither the row, nor the audit, nor the answer holds it in the clear."""
    asha = await made(client, panNumber="acupa 7085 r", aadhaarNumber="2345 6789 0124")
    assert (asha["panNumber"], asha["aadhaarNumber"]) == ("ACUPAXXXXR", "XXXXXXXX0124")
    async with house.session() as session:
        row = await session.get(Resident, (house.tenant_id, asha["id"]))
        assert row is not None
        assert row.pan_index is not None
        assert b"ACUPA7085R" not in (row.pan_encrypted or b"")
        audit = await session.scalar(text("select string_agg(after::text, '') from audit_log"))
        assert "7085" not in audit
        assert "pan_encrypted" not in audit
    cleared = await client.put(f"/residents/{asha['id']}", json={"panNumber": None})
    assert (cleared.json()["panNumber"], cleared.json()["aadhaarNumber"][-4:]) == (None, "0124")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"phone": "12"}, "phone"),
        ({"email": "nobody"}, "email"),
        ({"panNumber": "ABMXA3211G"}, "panNumber"),
        ({"aadhaarNumber": "234567890123"}, "aadhaarNumber"),
        ({"dateOfBirth": "2027-01-01"}, "dateOfBirth"),
        ({"kycStatus": "verified"}, "kycStatus"),
        ({"firstName": " "}, "firstName"),
        ({"status": "gone"}, "status"),
    ],
)
async def test_a_bad_resident_names_the_field(
    client: httpx2.AsyncClient, body: dict[str, Any], field: str
) -> None:
    """422 with the field; a PAN or Aadhaar number is never repeated in the words."""
    answer = await client.post("/residents", json={**ASHA, **body})
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert "3211" not in answer.text
    assert "234567" not in answer.text


async def test_residents_are_found_by_status_house_name_and_phone(
    client: httpx2.AsyncClient, house: House
) -> None:
    """Filters and search, and the stay of each in the list."""
    place = await a_property(house)
    asha = await a_resident(house, "Asha", "Rao", phone="+919811112222")
    await a_resident(house, "Dev", "Iyer")
    await an_agreement(house, asha.id, place, start=date(2026, 9, 5), end=date(2026, 12, 31))
    for query in ("q=asha r", "q=98111 12222", f"propertyId={place.property_id}"):
        listed = (await client.get(f"/residents?{query}")).json()["items"]
        assert [one["firstName"] for one in listed] == ["Asha"], query
    assert listed[0]["bedId"] == str(place.bed_ids[0])
    assert listed[0]["checkInDate"] == "2026-09-05"
    assert listed[0]["expectedCheckOut"] == "2026-12-31"
    assert listed[0]["checkOutDate"] is None
    assert (
        len((await client.get("/residents?status=active&kycStatus=pending")).json()["items"]) == 2
    )
    assert (await client.get("/residents?status=prospect")).json()["items"] == []


async def test_a_resident_with_an_agreement_stays(client: httpx2.AsyncClient, house: House) -> None:
    """Neither removed nor made inactive while an agreement binds; afterwards hidden."""
    place = await a_property(house)
    asha, dev = await a_resident(house), await a_resident(house)
    await an_agreement(house, asha.id, place)
    assert (await client.delete(f"/residents/{asha.id}")).json()["code"] == "AGREEMENT_ACTIVE"
    left = await client.put(f"/residents/{asha.id}", json={"status": "inactive"})
    assert (left.status_code, left.json()["code"]) == (409, "AGREEMENT_ACTIVE")
    assert (await client.delete(f"/residents/{dev.id}")).status_code == 204
    assert (await client.get(f"/residents/{dev.id}")).status_code == 404
    assert len((await client.get("/residents")).json()["items"]) == 1


async def test_a_residents_plan_tells_the_next_billing(
    client: httpx2.AsyncClient, house: House
) -> None:
    """Over all their agreements and invoices, the next first."""
    place = await a_property(house)
    asha = await a_resident(house)
    await an_agreement(house, asha.id, place, billed_through=date(2026, 10, 1))
    plan = (await client.get(f"/residents/{asha.id}/plan")).json()
    assert plan["stage"] == "active"
    assert [step["what"] for step in plan["next"]] == ["bill"]
    assert plan["next"][0]["at"] == "2026-10-31T18:45:00Z"
    assert plan["workflowId"] == f"billing/{house.tenant_id}/2026-11"
    dev = await a_resident(house)
    nothing = (await client.get(f"/residents/{dev.id}/plan")).json()
    assert (nothing["next"], nothing["workflowId"]) == ([], "")


async def test_another_tenants_residents_do_not_exist(
    client: httpx2.AsyncClient, stranger: httpx2.AsyncClient
) -> None:
    """404 for every route with an id of somebody else's resident."""
    asha = (await made(client))["id"]
    asked = [
        ("GET", f"/residents/{asha}", None),
        ("PUT", f"/residents/{asha}", {"firstName": "Mine"}),
        ("DELETE", f"/residents/{asha}", None),
        ("GET", f"/residents/{asha}/plan", None),
        ("GET", f"/residents/{asha}/agreements", None),
        ("POST", f"/residents/{asha}/agreements", {"bedId": asha, "startDate": "2026-11-01"}),
    ]
    for method, path, body in asked:
        answer = await stranger.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND"), (method, path)
    assert (await stranger.get("/residents")).json()["items"] == []


async def test_one_key_makes_one_resident(client: httpx2.AsyncClient) -> None:
    """The same key with another body is refused."""
    key = {"Idempotency-Key": "asha"}
    first = await client.post("/residents", json=ASHA, headers=key)
    again = await client.post("/residents", json=ASHA, headers=key)
    other = await client.post("/residents", json={**ASHA, "firstName": "Usha"}, headers=key)
    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    assert len((await client.get("/residents")).json()["items"]) == 1


def test_the_clock_of_these_tests_stands_at_noon() -> None:
    """Days in them are counted from 20 October 2026."""
    assert (NOON + timedelta(hours=5.5)).date() == date(2026, 10, 20)
