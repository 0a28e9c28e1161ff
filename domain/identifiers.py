"""Numbers that name people, firms and accounts: normalised, checked, masked; by country.

A refusal names the rule that was broken and never repeats the number.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from domain.errors import InvalidInput

_SEPARATORS = re.compile(r"[\s-]+")
_PAN = re.compile(r"[A-Z]{3}[ABCFGHJLPTK][A-Z]([0-9]{4})[A-Z]")
_GSTIN = re.compile(r"([0-9]{2})([A-Z0-9]{10})([1-9A-Z])Z([0-9A-Z])")
_AADHAAR = re.compile(r"[2-9][0-9]{11}")
_CPF = re.compile(r"[0-9]{11}")
_IFSC = re.compile(r"[A-Z]{4}0[A-Z0-9]{6}")
_VPA = re.compile(r"[A-Za-z0-9._-]{2,256}@[A-Za-z][A-Za-z0-9]{1,63}")

# 25 was merged into 26 in 2020; 97 is Other Territory, 99 the Centre.
_STATES = (
    "01:JK 02:HP 03:PB 04:CH 05:UK 06:HR 07:DL 08:RJ 09:UP 10:BR 11:SK 12:AR 13:NL 14:MN 15:MZ "
    "16:TR 17:ML 18:AS 19:WB 20:JH 21:OD 22:CG 23:MP 24:GJ 26:DNHDD 27:MH 28:AP 29:KA 30:GA "
    "31:LD 32:KL 33:TN 34:PY 35:AN 36:TS 37:AP 38:LA 97:OT 99:CT"
)
GST_STATES: dict[str, str] = {pair[:2]: pair[3:] for pair in _STATES.split()}
_BASE_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_VERHOEFF_MULTIPLY = (
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
)
_VERHOEFF_PERMUTE = (
    *("0123456789", "1576283094", "5803796142", "8916043527"),
    *("9453126870", "4286573901", "2793806415", "7046913258"),
)


def _refused(field: str, message: str) -> InvalidInput:
    return InvalidInput.of(field, f"INVALID_{field.rpartition('.')[2].upper()}", message)


def compact(value: str) -> str:
    """Upper case without spaces and hyphens."""
    return _SEPARATORS.sub("", value).upper()


def valid_pan(value: str, field: str = "pan") -> str:
    """The normalised PAN; InvalidInput unless it has the Income-tax Department's form."""
    pan = compact(value)
    match = _PAN.fullmatch(pan)
    if match is None:
        message = "a PAN is five letters (the fourth a holder type), four digits and a letter"
        raise _refused(field, message)
    if match[1] == "0000":
        raise _refused(field, "the four digits of a PAN are never 0000")
    return pan


def pan_holder_type(pan: str) -> str:
    """The fourth letter of a valid PAN: P a person, C a company, F a firm."""
    return pan[3]


def mask_pan(pan: str) -> str:
    """ACUPA7085R becomes ACUPAXXXXR."""
    return f"{pan[:5]}XXXX{pan[-1]}"


def gstin_check_digit(first_14: str) -> str:
    """The 15th character of a GSTIN."""
    total = 0
    for position, character in enumerate(first_14):
        product = _BASE_36.index(character) * (1 + position % 2)
        total += product // 36 + product % 36
    return _BASE_36[(36 - total % 36) % 36]


def valid_gstin(value: str, field: str = "gstin") -> str:
    """The normalised GSTIN; InvalidInput unless State, PAN, form and check digit are right."""
    gstin = compact(value)
    match = _GSTIN.fullmatch(gstin)
    if match is None:
        message = "a GSTIN is 15 characters: State, PAN, entity 1-9 or A-Z, the letter Z, check"
        raise _refused(field, message)
    if match[1] not in GST_STATES:
        raise _refused(field, f"{match[1]} is not a State code of GST")
    try:
        valid_pan(match[2], field)
    except InvalidInput as problem:
        inner = problem.problems[0].message
        raise _refused(field, f"characters 3 to 12 of a GSTIN are a PAN: {inner}") from None
    if gstin_check_digit(gstin[:14]) != match[4]:
        raise _refused(field, "the check digit of the GSTIN does not match")
    return gstin


def mask_gstin(gstin: str) -> str:
    """Its PAN masked; State, entity and check stay."""
    return f"{gstin[:2]}{mask_pan(gstin[2:12])}{gstin[12:]}"


def _verhoeff(digits: str) -> int:
    state = 0
    for position, digit in enumerate(reversed(digits)):
        permuted = int(_VERHOEFF_PERMUTE[position % 8][int(digit)])
        state = int(_VERHOEFF_MULTIPLY[state][permuted])
    return state


def valid_aadhaar(value: str, field: str = "aadhaar") -> str:
    """The twelve digits; InvalidInput unless form and Verhoeff digit are right, no palindrome."""
    aadhaar = compact(value)
    if _AADHAAR.fullmatch(aadhaar) is None:
        raise _refused(field, "an Aadhaar number is 12 digits and begins with 2 to 9")
    if aadhaar == aadhaar[::-1]:
        raise _refused(field, "an Aadhaar number does not read the same backwards")
    if _verhoeff(aadhaar):
        raise _refused(field, "the check digit of the Aadhaar number does not match")
    return aadhaar


def mask_aadhaar(aadhaar: str) -> str:
    """The first eight digits always hidden: XXXXXXXX2346."""
    return f"XXXXXXXX{aadhaar[-4:]}"


def display_aadhaar(aadhaar: str) -> str:
    """Masked and in groups, as people read it: XXXX XXXX 2346."""
    return f"XXXX XXXX {aadhaar[-4:]}"


def _cpf_digit(digits: str) -> str:
    weights = range(len(digits) + 1, 1, -1)
    rest = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11
    return str((11 - rest) % 11 % 10)


def valid_cpf(value: str, field: str = "cpf") -> str:
    """The eleven digits; InvalidInput unless both check digits match and digits differ."""
    cpf = compact(value).replace(".", "")
    if _CPF.fullmatch(cpf) is None:
        raise _refused(field, "a CPF is 11 digits")
    if len(set(cpf)) == 1:
        raise _refused(field, "a CPF is not one digit repeated")
    first = _cpf_digit(cpf[:9])
    if cpf[9:] != first + _cpf_digit(cpf[:9] + first):
        raise _refused(field, "the check digits of the CPF do not match")
    return cpf


def format_cpf(cpf: str) -> str:
    """39053344705 becomes 390.533.447-05."""
    return f"{cpf[:3]}.{cpf[3:6]}.{cpf[6:9]}-{cpf[9:]}"


def mask_cpf(cpf: str) -> str:
    """Only the middle six digits stay, as Brazil's own registers print it."""
    return f"***.{cpf[3:6]}.{cpf[6:9]}-**"


def valid_ifsc(value: str, field: str = "ifsc") -> str:
    """The bank branch code; InvalidInput unless four letters, 0 and six letters or digits."""
    ifsc = compact(value)
    if _IFSC.fullmatch(ifsc) is None:
        raise _refused(field, "an IFSC is four letters, a zero and six letters or digits")
    return ifsc


def mask_ifsc(ifsc: str) -> str:
    """The bank stays, the branch is hidden."""
    return f"{ifsc[:5]}XXXXXX"


def valid_vpa(value: str, field: str = "vpa") -> str:
    """The UPI address; InvalidInput unless it is name@handle with a handle without dots."""
    vpa = value.strip()
    if _VPA.fullmatch(vpa) is None:
        raise _refused(field, "a UPI address is name@handle, the handle letters and digits only")
    return vpa


def mask_vpa(vpa: str) -> str:
    """The first two characters and the handle stay."""
    name, _, handle = vpa.partition("@")
    return f"{name[:2]}***@{handle}"


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one kind of number is checked (returns it normalised) and masked."""

    country: str
    name: str
    valid: Callable[[str, str], str]
    mask: Callable[[str], str]


SCHEMES: dict[tuple[str, str], Scheme] = {
    (scheme.country, scheme.name): scheme
    for scheme in (
        Scheme("IN", "pan", valid_pan, mask_pan),
        Scheme("IN", "gstin", valid_gstin, mask_gstin),
        Scheme("IN", "aadhaar", valid_aadhaar, mask_aadhaar),
        Scheme("IN", "ifsc", valid_ifsc, mask_ifsc),
        Scheme("IN", "vpa", valid_vpa, mask_vpa),
        Scheme("BR", "cpf", valid_cpf, mask_cpf),
    )
}


def scheme(country: str, name: str) -> Scheme:
    """The scheme of a country; InvalidInput when the house does not know it."""
    try:
        return SCHEMES[country, name]
    except KeyError:
        message = f"no identifier {name[:20]!r} is known for {country[:8]!r}"
        raise InvalidInput.of("scheme", "UNKNOWN_SCHEME", message) from None
