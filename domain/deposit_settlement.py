"""A deposit is owed back: less what was left unpaid or broken, and never below zero."""

from dataclasses import dataclass

# Model Tenancy Act 2021: months of rent a deposit should not exceed. A model: warn only.
MODEL_CAP_MONTHS: dict[str, int] = {"residential": 2, "non_residential": 6}


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a deposit ends, in minor units: kept, paid back, and what is still owed on an invoice."""

    deductions_minor: int
    refund_minor: int
    balance_due_minor: int


def settle(
    deposit_minor: int, unpaid_rent_minor: int, utility_minor: int, damages_minor: int
) -> Settlement:
    """Deposit less rent, utilities and damages; what it does not cover becomes an invoice."""
    owed = unpaid_rent_minor + utility_minor + damages_minor
    kept = min(owed, deposit_minor)
    return Settlement(kept, deposit_minor - kept, owed - kept)


def within_model_cap(monthly_rent_minor: int, deposit_minor: int, use: str) -> bool:
    """Whether a deposit keeps to the Model Tenancy Act for `residential` or other use."""
    months = MODEL_CAP_MONTHS.get(use, MODEL_CAP_MONTHS["non_residential"])
    return deposit_minor <= monthly_rent_minor * months
