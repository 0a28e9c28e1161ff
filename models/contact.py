"""How people are reached, written one way: phones as E.164, mail addresses normalised."""

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from domain.errors import InvalidInput


def phone_number(field: str, given: str, country: str) -> str:
    """`+919876543210`; a number without a country code is read as one of `country`."""
    try:
        number = phonenumbers.parse(given, country)
    except phonenumbers.NumberParseException as error:
        raise InvalidInput.of(field, "PHONE", f"{given!r} is not a phone number") from error
    if not phonenumbers.is_valid_number(number):
        raise InvalidInput.of(field, "PHONE", f"{given!r} is not a number that exists")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def mail_address(field: str, given: str) -> str:
    """The address in lower case, checked for form; whether it is reachable is found out by mail."""
    try:
        found = validate_email(given, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise InvalidInput.of(field, "EMAIL", f"{given!r}: {error}") from error
    return found.normalized.lower()
