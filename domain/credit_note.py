"""What a credit note takes back of an invoice: lines and tax heads by weight, to the last unit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.invoice import LineKind
from domain.money import divide_half_up, split


@dataclass(frozen=True, slots=True)
class Charge:
    """What one line charges, or what is left of it, each head in minor units."""

    kind: LineKind
    amount_minor: int
    cgst_minor: int
    sgst_minor: int
    igst_minor: int = 0

    @property
    def gross_minor(self) -> int:
        """The line with its taxes."""
        return self.amount_minor + self.cgst_minor + self.sgst_minor + self.igst_minor


def taken_back(charges: Sequence[Charge], total_minor: int) -> list[Charge]:
    """The part of each charge in a note of `total_minor`, taxes at the rate they were charged.

    The parts sum to the total and CGST stays equal to SGST; ValueError beyond what is charged.
    """
    weights = [charge.gross_minor for charge in charges]
    if not 0 < total_minor <= sum(weights):
        raise ValueError(f"{total_minor} is not within what is charged, {sum(weights)}")
    parts = split(total_minor, weights)
    return [_part(charge, part) for charge, part in zip(charges, parts, strict=True)]


def left_after(charges: Sequence[Charge], notes_minor: Iterable[int]) -> list[Charge]:
    """What is left of the charges after earlier notes, in their order."""
    left = list(charges)
    for total in notes_minor:
        taken = taken_back(left, total)
        left = [_less(charge, part) for charge, part in zip(left, taken, strict=True)]
    return left


def _part(charge: Charge, gross: int) -> Charge:
    if gross == charge.gross_minor:
        return charge
    whole = charge.gross_minor
    central = divide_half_up(gross * charge.cgst_minor, whole)
    state = divide_half_up(gross * charge.sgst_minor, whole)
    integrated = divide_half_up(gross * charge.igst_minor, whole)
    return Charge(charge.kind, gross - central - state - integrated, central, state, integrated)


def _less(charge: Charge, part: Charge) -> Charge:
    return Charge(
        charge.kind,
        charge.amount_minor - part.amount_minor,
        charge.cgst_minor - part.cgst_minor,
        charge.sgst_minor - part.sgst_minor,
        charge.igst_minor - part.igst_minor,
    )
