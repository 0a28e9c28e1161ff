"""A roster of invented residents, as long as asked: the shape of a real house, checkable by eye."""

import csv
from datetime import date, timedelta
from pathlib import Path

COLUMNS = (
    *("property", "property_type", "area", "city", "state", "floor", "room", "sharing", "bed"),
    *("rent", "deposit", "meals", "first_name", "last_name", "email", "phone", "gender"),
    *("date_of_birth", "pan", "move_in", "rent_due_day"),
)
BEDS = "ABCD"
ROOMS_A_HOUSE = 16


def write_roster(path: Path, residents: int) -> None:
    """One resident a bed, four beds a room, sixteen rooms a house; every rent below 20,000."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(_row(number) for number in range(residents))


def _row(number: int) -> dict[str, object]:
    room, bed = divmod(number, len(BEDS))
    house, in_house = divmod(room, ROOMS_A_HOUSE)
    moved_in = date(2026, 4, 1) + timedelta(days=number % 120)
    return {
        "property": f"Sunrise House {house + 1}",
        "property_type": "pg",
        "area": "Madhapur",
        "city": "Hyderabad",
        "state": "Telangana",
        "floor": in_house // 4,
        "room": f"{in_house // 4}{in_house % 4:02d}",
        "sharing": 4,
        "bed": BEDS[bed],
        "rent": 7_000 + 500 * (number % 8),
        "deposit": 2_000,
        "meals": "All Meals" if number % 3 else "Not Available",
        "first_name": "Asha",
        "last_name": f"Rao{number:05d}",
        "email": f"asha.rao{number:05d}@example.com",
        "phone": f"+9198{number:08d}",
        "gender": "female",
        "date_of_birth": "2001-05-17",
        "pan": f"ABCPR{1 + number % 9999:04d}K",
        "move_in": moved_in.isoformat(),
        "rent_due_day": (1, 5, 10)[number % 3],
    }
