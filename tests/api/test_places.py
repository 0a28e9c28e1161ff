"""Properties, floors, rooms and beds over HTTP: made, listed, closed, removed."""

from datetime import date
from typing import Any

import httpx2
import pytest
from sqlalchemy import event

from tests.support.house import House, a_property, a_resident, an_agreement

ADDRESS = {
    "addressLine1": "12 Lake Road",
    "city": "Hyderabad",
    "state": "Telangana",
    "postalCode": "500033",
}
RENT = {"amount": "9500.00", "currency": "INR"}


async def made(client: httpx2.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def a_house(client: httpx2.AsyncClient, name: str = "Lake View") -> dict[str, Any]:
    """A property with a floor, a room and two beds, as the API answered them."""
    home = await made(client, "/properties", name=name, type="pg", **ADDRESS)
    floor = await made(client, f"/properties/{home['id']}/floors", floorNumber=1, name="First")
    room = await made(client, f"/floors/{floor['id']}/rooms", roomNumber="101", rentAmount=RENT)
    beds = [
        await made(client, f"/rooms/{room['id']}/beds", bedNumber=number, rentAmount=RENT)
        for number in "AB"
    ]
    return {"property": home, "floor": floor, "room": room, "beds": beds}


async def test_a_house_is_built_from_the_outside_in(client: httpx2.AsyncClient) -> None:
    """Each answer carries what was sent, what is the tenant's own, and what is counted."""
    home = await a_house(client)
    assert home["property"]["country"] == "IN"
    assert home["property"]["timezone"] == "Asia/Kolkata"
    assert home["beds"][0]["rentAmount"] == RENT
    assert home["beds"][0]["status"] == "vacant"
    assert home["beds"][0]["residentId"] is None
    seen = (await client.get(f"/properties/{home['property']['id']}")).json()
    assert (seen["totalFloors"], seen["totalRooms"], seen["totalBeds"]) == (1, 1, 2)
    assert seen["createdAt"]
    assert seen["updatedAt"]
    floors = (await client.get(f"/properties/{seen['id']}/floors")).json()["items"]
    assert [(f["floorNumber"], f["totalRooms"], f["totalBeds"]) for f in floors] == [(1, 1, 2)]
    rooms = (await client.get(f"/floors/{floors[0]['id']}/rooms")).json()["items"]
    assert [(r["roomNumber"], r["totalBeds"], r["status"]) for r in rooms] == [("101", 2, "vacant")]
    assert rooms[0]["rentAmount"] == RENT
    beds = (await client.get(f"/rooms/{rooms[0]['id']}/beds?sort=bedNumber")).json()
    assert [bed["bedNumber"] for bed in beds["items"]] == ["A", "B"]
    assert beds["nextCursor"] is None


async def test_what_is_sent_changes_and_the_rest_stays(client: httpx2.AsyncClient) -> None:
    """PUT of some fields, on every floor of the house."""
    home = await a_house(client)
    path = f"/properties/{home['property']['id']}"
    changed = await client.put(
        path,
        json={"name": "Hill View", "latitude": 17.4, "metadata": {"wing": "east"}, "rules": {}},
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["name"] == "Hill View"
    assert changed.json()["latitude"] == 17.4
    assert changed.json()["metadata"] == {"wing": "east"}
    assert changed.json()["city"] == "Hyderabad"
    assert changed.json()["updatedAt"] > changed.json()["createdAt"]
    floor = await client.put(f"/floors/{home['floor']['id']}", json={"floorNumber": 2})
    assert (floor.json()["floorNumber"], floor.json()["name"]) == (2, "First")
    room = await client.put(f"/rooms/{home['room']['id']}", json={"depositAmount": RENT})
    assert room.json()["depositAmount"] == RENT
    bed = await client.put(
        f"/beds/{home['beds'][0]['id']}",
        json={"rentAmount": {"amount": "8000", "currency": "INR"}, "bedType": "bunk"},
    )
    assert (bed.json()["rentAmount"]["amount"], bed.json()["bedType"]) == ("8000.00", "bunk")


async def test_two_of_a_name_do_not_stand_side_by_side(client: httpx2.AsyncClient) -> None:
    """Names of properties, numbers of floors, rooms and beds are unique where they stand."""
    home = await a_house(client)
    twice = {
        "/properties": {"name": "Lake View", "type": "pg", **ADDRESS},
        f"/properties/{home['property']['id']}/floors": {"floorNumber": 1},
        f"/floors/{home['floor']['id']}/rooms": {"roomNumber": "101"},
        f"/rooms/{home['room']['id']}/beds": {"bedNumber": "A", "rentAmount": RENT},
    }
    for path, body in twice.items():
        answer = await client.post(path, json=body)
        assert (answer.status_code, answer.json()["code"][-6:]) == (409, "_TAKEN"), path


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\u0000b"}, "body"),
        ({"type": "castle"}, "type"),
        ({"country": "India"}, "country"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"gstNumber": "36AABCU9603R1Z1"}, "gstNumber"),
        ({"latitude": 91}, "latitude"),
        ({"colour": "blue"}, "colour"),
    ],
)
async def test_a_bad_property_names_the_field(
    client: httpx2.AsyncClient, body: dict[str, Any], field: str
) -> None:
    """422 with the field that breaks a rule; nothing is made."""
    whole = {"name": "Lake View", "type": "pg", **ADDRESS, **body}
    answer = await client.post("/properties", json=whole)
    assert answer.status_code == 422, answer.text
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert (await client.get("/properties")).json()["items"] == []


@pytest.mark.parametrize(
    ("rent", "field"),
    [
        ({"amount": "9500.00", "currency": "USD"}, "rentAmount.currency"),
        ({"amount": "9500.001", "currency": "INR"}, "rentAmount.amount"),
        ({"amount": "-1", "currency": "INR"}, "rentAmount.amount"),
        ({"amount": 9500, "currency": "INR"}, "rentAmount.amount"),
    ],
)
async def test_money_of_another_kind_is_refused(
    client: httpx2.AsyncClient, rent: dict[str, Any], field: str
) -> None:
    """Amounts are decimal strings of the tenant's currency, not below zero."""
    room = (await a_house(client))["room"]
    answer = await client.post(
        f"/rooms/{room['id']}/beds", json={"bedNumber": "C", "rentAmount": rent}
    )
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_beds_status_follows_from_who_lives_there(
    client: httpx2.AsyncClient, house: House
) -> None:
    """Occupied from the first day, reserved before it, vacant without a claim."""
    place = await a_property(house, beds=3)
    now, later = await a_resident(house), await a_resident(house)
    await an_agreement(house, now.id, place, bed=0, start=date(2026, 10, 1))
    await an_agreement(house, later.id, place, bed=1, start=date(2026, 11, 1))
    beds = (await client.get(f"/beds?propertyId={place.property_id}&sort=bedNumber")).json()
    assert [bed["status"] for bed in beds["items"]] == ["occupied", "reserved", "vacant"]
    assert [bed["residentId"] for bed in beds["items"]] == [str(now.id), None, None]
    for status, bed_id in zip(("occupied", "reserved", "vacant"), place.bed_ids, strict=True):
        listed = (await client.get(f"/beds?status={status}&roomId={place.room_id}")).json()["items"]
        assert [bed["id"] for bed in listed] == [str(bed_id)]
    room = (await client.get(f"/floors/{place.floor_id}/rooms")).json()["items"][0]
    assert (room["status"], room["totalBeds"], room["vacantBeds"]) == ("vacant", 3, 1)


async def test_a_bed_is_closed_for_maintenance_and_opened_again(
    client: httpx2.AsyncClient,
) -> None:
    """Asked twice it is closed once; opened twice it is open."""
    bed = (await a_house(client))["beds"][0]["id"]
    for status in ("maintenance", "maintenance", "vacant", "vacant", "maintenance"):
        answer = await client.put(f"/beds/{bed}", json={"status": status})
        assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert (await client.put(f"/beds/{bed}", json={"status": "occupied"})).status_code == 422


async def test_a_taken_bed_cannot_be_closed_and_others_are_offered(
    client: httpx2.AsyncClient, house: House
) -> None:
    """409 with the free beds of the house; a room closes all its beds or none."""
    place = await a_property(house, beds=2)
    await an_agreement(house, (await a_resident(house)).id, place, bed=0)
    answer = await client.put(f"/beds/{place.bed_ids[0]}", json={"status": "maintenance"})
    assert (answer.status_code, answer.json()["code"]) == (409, "BOOKING_CONFLICT")
    assert [free["bedId"] for free in answer.json()["alternatives"]] == [str(place.bed_ids[1])]
    answer = await client.put(f"/rooms/{place.room_id}", json={"status": "maintenance"})
    assert (answer.status_code, answer.json()["code"]) == (409, "BOOKING_CONFLICT")
    free = (await client.get(f"/rooms/{place.room_id}/beds?sort=bedNumber")).json()["items"]
    assert [bed["status"] for bed in free] == ["occupied", "vacant"]
    answer = await client.put(f"/beds/{place.bed_ids[0]}", json={"status": "vacant"})
    assert (answer.status_code, answer.json()["code"]) == (409, "ILLEGAL_TRANSITION")


async def test_a_room_closes_with_its_beds_or_as_a_whole(client: httpx2.AsyncClient) -> None:
    """A room without beds is a unit of its own; while closed it takes no beds."""
    home = await a_house(client)
    room = home["room"]["id"]
    closed = (await client.put(f"/rooms/{room}", json={"status": "maintenance"})).json()
    assert (closed["status"], closed["vacantBeds"]) == ("maintenance", 0)
    opened = (await client.put(f"/rooms/{room}", json={"status": "vacant"})).json()
    assert (opened["status"], opened["vacantBeds"]) == ("vacant", 2)
    hall = await made(client, f"/floors/{home['floor']['id']}/rooms", roomNumber="Hall")
    closed = await client.put(f"/rooms/{hall['id']}", json={"status": "maintenance"})
    assert (closed.json()["status"], closed.json()["totalBeds"]) == ("maintenance", 0)


async def test_nothing_is_removed_while_somebody_lives_in_it(
    client: httpx2.AsyncClient, house: House
) -> None:
    """Bed, room, floor and property answer 409, and an empty bed beside goes."""
    place = await a_property(house, beds=2)
    await an_agreement(house, (await a_resident(house)).id, place)
    for path in (
        f"/beds/{place.bed_ids[0]}",
        f"/rooms/{place.room_id}",
        f"/floors/{place.floor_id}",
        f"/properties/{place.property_id}",
    ):
        answer = await client.delete(path)
        assert (answer.status_code, answer.json()["code"]) == (409, "IN_USE")
    assert (await client.delete(f"/beds/{place.bed_ids[1]}")).status_code == 204
    assert len((await client.get(f"/rooms/{place.room_id}/beds")).json()["items"]) == 1


async def test_a_house_with_a_past_is_hidden_and_its_name_is_free_again(
    client: httpx2.AsyncClient, house: House
) -> None:
    """The old agreement still names its bed; lists and reads no longer show it."""
    place = await a_property(house, name="Lake View")
    await an_agreement(
        house,
        (await a_resident(house)).id,
        place,
        start=date(2026, 1, 1),
        end=date(2026, 6, 30),
    )
    assert (await client.delete(f"/properties/{place.property_id}")).status_code == 204
    assert (await client.get(f"/properties/{place.property_id}")).status_code == 404
    assert (await client.get("/beds")).json()["items"] == []
    assert (await client.delete(f"/properties/{place.property_id}")).status_code == 404
    await a_house(client, "Lake View")
    removed = await client.delete(
        f"/properties/{(await client.get('/properties')).json()['items'][0]['id']}"
    )
    assert removed.status_code == 204


async def test_another_tenants_places_do_not_exist(
    client: httpx2.AsyncClient, stranger: httpx2.AsyncClient
) -> None:
    """Every route with an id of somebody else's place answers 404."""
    home = await a_house(client)
    floor, room, bed = home["floor"]["id"], home["room"]["id"], home["beds"][0]["id"]
    estate = home["property"]["id"]
    asked = [
        ("GET", f"/properties/{estate}", None),
        ("PUT", f"/properties/{estate}", {"name": "Mine"}),
        ("DELETE", f"/properties/{estate}", None),
        ("POST", f"/properties/{estate}/floors", {"floorNumber": 3}),
        ("GET", f"/properties/{estate}/floors", None),
        ("PUT", f"/floors/{floor}", {"floorNumber": 3}),
        ("DELETE", f"/floors/{floor}", None),
        ("POST", f"/floors/{floor}/rooms", {"roomNumber": "1"}),
        ("GET", f"/floors/{floor}/rooms", None),
        ("PUT", f"/rooms/{room}", {"roomNumber": "1"}),
        ("DELETE", f"/rooms/{room}", None),
        ("POST", f"/rooms/{room}/beds", {"bedNumber": "Z", "rentAmount": RENT}),
        ("GET", f"/rooms/{room}/beds", None),
        ("PUT", f"/beds/{bed}", {"status": "maintenance"}),
        ("DELETE", f"/beds/{bed}", None),
    ]
    for method, path, body in asked:
        answer = await stranger.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND"), (method, path)
    assert (await stranger.get("/beds")).json()["items"] == []


async def test_a_property_asked_for_twice_with_one_key_is_made_once(
    client: httpx2.AsyncClient,
) -> None:
    """The second answer is the first one, word for word."""
    body = {"name": "Lake View", "type": "pg", **ADDRESS}
    key = {"Idempotency-Key": "make-lake-view"}
    first = await client.post("/properties", json=body, headers=key)
    again = await client.post("/properties", json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len((await client.get("/properties")).json()["items"]) == 1


async def test_a_list_comes_in_pages(client: httpx2.AsyncClient) -> None:
    """Each page names the next; filters and search hold across pages."""
    for number in range(5):
        await made(client, "/properties", name=f"House {number}", type="pg", **ADDRESS)
    seen: list[str] = []
    path = "/properties?limit=2&sort=name"
    while path:
        page = (await client.get(path)).json()
        seen += [item["name"] for item in page["items"]]
        cursor = page["nextCursor"]
        path = f"/properties?limit=2&sort=name&cursor={cursor}" if cursor else ""
    assert seen == [f"House {number}" for number in range(5)]
    assert len((await client.get("/properties?q=house 3")).json()["items"]) == 1
    assert len((await client.get("/properties?city=Pune")).json()["items"]) == 0


async def test_a_list_of_beds_asks_as_often_for_thirty_as_for_three(
    client: httpx2.AsyncClient, house: House
) -> None:
    """Status and resident of a whole page come in one query."""
    asked: list[str] = []

    def note(*told: Any) -> None:
        asked.append(told[2])

    engine = house.database.app.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    counts: list[int] = []
    for beds in (3, 30):
        place = await a_property(house, beds=beds)
        await an_agreement(house, (await a_resident(house)).id, place)
        asked.clear()
        listed = await client.get(f"/beds?propertyId={place.property_id}")
        assert len(listed.json()["items"]) == beds
        counts.append(len(asked))
    assert counts[0] == counts[1]


async def test_what_is_no_text_and_no_number_breaks_nothing(client: httpx2.AsyncClient) -> None:
    """NUL, half a surrogate pair, NaN and a very deep body are refused, not our mistake."""
    home = (await a_house(client))["property"]
    for value in (b'["\\ud800"]', b'{"\\u0000": 1}', b"NaN", b"[" * 900 + b"]" * 900):
        answer = await client.put(
            f"/properties/{home['id']}",
            content=b'{"metadata": {"a": ' + value + b"}}",
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code in {200, 400, 422}, value[:20]
    for path in ("/properties?q=%00", "/properties?city=%00", "/residents?q=a%00"):
        assert (await client.get(path)).status_code == 422
