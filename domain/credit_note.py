"""What a credit note takes back of an invoice: lines and tax heads by weight, to the last unit."""

from collections.abc import Iterable, Mapping, Sequence
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


def lines_taken_back(charges: Sequence[Charge], asked: Mapping[int, int]) -> list[Charge]:
    """The part of each charge when each line is named with what is taken off its price.

    `asked` is keyed by the place in `charges`, in minor units before tax: the tax goes back with
    it at the rate it was charged. ValueError beyond what a line charges, or for no line at all.
    """
    beyond = [
        place
        for place, amount in asked.items()
        if not 0 <= place < len(charges) or not 0 < amount <= charges[place].amount_minor
    ]
    if beyond or not asked:
        raise ValueError(f"not within what is charged: lines {beyond}")
    return [_priced(charge, asked.get(place, 0)) for place, charge in enumerate(charges)]


def left_after(charges: Sequence[Charge], notes: Iterable[int | Sequence[Charge]]) -> list[Charge]:
    """What is left of the charges after earlier notes, in their order.

    A note is the parts it took back, or its total alone: then they follow from the weights.
    """
    left = list(charges)
    for note in notes:
        taken = taken_back(left, note) if isinstance(note, int) else note
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


def _priced(charge: Charge, amount: int) -> Charge:
    if amount == charge.amount_minor:
        return charge if amount else Charge(charge.kind, 0, 0, 0)
    whole = charge.amount_minor
    central = divide_half_up(amount * charge.cgst_minor, whole)
    state = divide_half_up(amount * charge.sgst_minor, whole)
    integrated = divide_half_up(amount * charge.igst_minor, whole)
    return Charge(charge.kind, amount, central, state, integrated)


def _less(charge: Charge, part: Charge) -> Charge:
    return Charge(
        charge.kind,
        charge.amount_minor - part.amount_minor,
        charge.cgst_minor - part.cgst_minor,
        charge.sgst_minor - part.sgst_minor,
        charge.igst_minor - part.igst_minor,
    )
