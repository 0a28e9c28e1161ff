"""Phones and mail addresses are kept in one way of writing, or refused by name."""

import pytest

from domain.errors import InvalidInput
from models.contact import mail_address, phone_number


@pytest.mark.parametrize(
    ("given", "country", "kept"),
    [
        ("9876543210", "IN", "+919876543210"),
        ("098765 43210", "IN", "+919876543210"),
        ("+91 98765-43210", "US", "+919876543210"),
        ("(650) 253-0000", "US", "+16502530000"),
        ("+44 20 7946 0018", "IN", "+442079460018"),
        ("९८७६५४३२१०", "IN", "+919876543210"),
    ],
)
def test_a_number_is_kept_as_the_world_dials_it(given: str, country: str, kept: str) -> None:
    """Without a country code it is read as one of the house's country; written twice, the same."""
    assert phone_number("phone", given, country) == kept
    assert phone_number("phone", kept, country) == kept


@pytest.mark.parametrize("given", ["", "hello", "12345", "+91 1234", "1111111111", "9" * 40])
def test_a_number_that_nobody_has_is_refused_by_name(given: str) -> None:
    """The answer names field and value."""
    with pytest.raises(InvalidInput) as refused:
        phone_number("emergencyContact.phone", given, "IN")
    (problem,) = refused.value.problems
    assert (problem.field, problem.code) == ("emergencyContact.phone", "PHONE")
    assert repr(given) in problem.message


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Asha.Rao@Example.COM", "asha.rao@example.com"),
        ("asha+hostel@mail.example.in", "asha+hostel@mail.example.in"),
        ("asha@münchen.de", "asha@münchen.de"),
        ("owner@desk.test", "owner@desk.test"),
    ],
)
def test_an_address_is_kept_in_lower_case(given: str, kept: str) -> None:
    """One person, one way of writing."""
    assert mail_address("email", given) == kept
    assert mail_address("email", kept) == kept


@pytest.mark.parametrize(
    "given",
    ["", "asha", "asha@", "@example.com", "a b@example.com", "asha@exa mple.com", "a@b@example.com",
     "asha@example", "asha@example.com\nBcc: all@example.com", "Asha <asha@example.com>"],
)  # fmt: skip
def test_what_is_no_address_is_refused_by_name(given: str) -> None:
    """Also what would smuggle a second line into a mail."""
    with pytest.raises(InvalidInput) as refused:
        mail_address("ownerEmail", given)
    (problem,) = refused.value.problems
    assert (problem.field, problem.code) == ("ownerEmail", "EMAIL")
    assert "\n" not in problem.message
