"""What the product's own rules answer to the inputs of a vector, area by area.

Each function takes a vector's kind and input and returns the answer by the names the file uses,
None when there is no rule for that kind yet.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from cli import vector_payments
from domain import deposit_settlement, identifiers, late_fee, money, proration, tax, upi
from domain.calendar import financial_year_of_instant
from domain.invoice_collection import CollectionFacts, Step, plan
from domain.late_fee import LateFeeBase, LateFeeKind, LateFeeTerms
from domain.proration import Basis

Values = dict[str, Any]
Rule = Callable[[str, Values], Values | None]


def _proration(kind: str, given: Values) -> Values | None:
    if "period_seconds" in given:
        credit, debit = proration.prorate_change(
            given["old_minor"],
            given["new_minor"],
            given["period_seconds"],
            given["elapsed_seconds"],
        )
        return {"credit": credit, "debit": debit, "net": credit + debit}
    if not kind.startswith("move-in/out"):
        return None
    first, last = date.fromisoformat(given["from"]), date.fromisoformat(given["to"])
    rent = given["monthly_rent_paise"]
    return {
        "days": (last - first).days + 1,
        "innkeeper_actual": proration.prorate(rent, Basis.actual_days, first, last),
        "innkeeper_30": proration.prorate(rent, Basis.thirty_days, first, last),
    }


_NO_FEE = LateFeeTerms(
    enabled=True,
    kind=LateFeeKind.fixed,
    percent=None,
    fixed_minor=0,
    grace_days=0,
    cap_minor=None,
    minimum_balance_minor=0,
)


def _late_fee(kind: str, given: Values) -> Values | None:
    if kind == "first-fee-date":
        day = late_fee.fee_day(date.fromisoformat(given["due"]), given["grace_days"])
        return {"fee_on": day.isoformat()}
    if "runs_same_day" in given:
        return {"fee": _charged_by_runs(given["runs_same_day"], given["flat"])}
    if "paid_on_day" in given:
        return {"fee": _daily_fee(given)}
    terms = replace(
        _NO_FEE,
        kind=LateFeeKind.percent if "percent" in given else LateFeeKind.fixed,
        percent=Decimal(given["percent"]) if "percent" in given else None,
        fixed_minor=given.get("flat", 0),
        cap_minor=given.get("cap"),
        minimum_balance_minor=given.get("minimum_balance", 0),
    )
    if "percent" in given and "flat" in given:
        terms = replace(terms, kind=LateFeeKind.greater_of)
    base = _fee_base(given)
    already = given.get("already_charged_this_month", 0)
    return None if base is None else {"fee": late_fee.late_fee(terms, base, 1, already)}


def _daily_fee(given: Values) -> int:
    """A flat fee with so much a day, by days of a month that need not exist."""
    terms = replace(
        _NO_FEE,
        fixed_minor=given["flat"],
        per_day_minor=given["per_day"],
        cap_minor=given.get("cap"),
    )
    due, paid = date(2026, 1, given["due_day"]), date(2026, 1, given["paid_on_day"])
    days = late_fee.fee_days(due, given["grace_days"], paid)
    return late_fee.late_fee(terms, 1, days, given.get("already_charged_this_month", 0))


_BASES = {base.value: base for base in LateFeeBase}


def _fee_base(given: Values) -> int | None:
    base = _BASES.get(given.get("basis", "outstanding_excluding_fees"))
    named = ("outstanding_rent_paise", "outstanding_paise", "invoice_paise", "rent")
    owed = next((given[name] for name in named if name in given), None)
    if base is None or owed is None:
        return None
    outstanding = owed - given.get("paid_paise", 0)
    fees = given.get("outstanding_late_fee_paise", 0)
    return late_fee.fee_base(base, outstanding, given.get("recurring_paise", 0), fees)


def _charged_by_runs(runs: int, flat: int) -> int:
    """The collection's own plan, carried out again and again at one instant."""
    at = datetime(2026, 11, 20, tzinfo=UTC)
    facts = CollectionFacts(
        status="issued",
        invoice_type="rent",
        balance_minor=1_000_000,
        outstanding_without_fees_minor=1_000_000,
        currency="INR",
        due=date(2026, 11, 1),
        issued_at=datetime(2026, 10, 25, tzinfo=UTC),
        zone="Asia/Kolkata",
        reminders_enabled=False,
        rungs=(),
        rungs_sent=frozenset(),
        late_fee=replace(_NO_FEE, fixed_minor=flat),
        fee_charged=False,
        fee_waived=False,
        paused_until=None,
        promised_for=None,
        disputed=False,
        parent_open=False,
        tasks_open=frozenset(),
        handed_over=True,
    )
    charged = 0
    for _ in range(runs):
        if any(action.what == Step.charge_late_fee for action in plan(facts, at)):
            charged += late_fee.late_fee(facts.late_fee, facts.outstanding_without_fees_minor)
            facts = replace(facts, fee_charged=True)
    return charged


def _rounding(kind: str, given: Values) -> Values | None:
    if kind == "half-up":
        return {"half_up": money.half_up(Decimal(given["paise"]))}
    if kind == "split-largest-remainder":
        return {"parts": money.split(given["total_paise"], given["weights"])}
    return None


def _currency(kind: str, given: Values) -> Values | None:
    provider, currency = given["provider"], given["currency"]
    if kind in {"to-minor", "reject"}:
        return {"minor": money.to_provider_minor(provider, currency, given["major"])}
    if kind == "to-major":
        major = money.to_provider_major(provider, currency, given["minor"])
        return {"order_amount": major, "major": major}
    return None


def _room(given: Values) -> Values:
    nightly = given["value_per_unit_per_day_paise"]
    tax.place_of_supply(given["supplier_state"], given["property_state"])
    supply = tax.hotel_room(nightly, date.fromisoformat(given["date"]))
    return _taxed(supply, nightly * given["nights"])


def _long_stay(given: Values) -> Values:
    if "room_rent_paise" in given:
        value = money.split(given["room_rent_paise"], [1] * given["persons"])[0]
    else:
        value = given["value_per_person_per_month_paise"]
    supply = tax.long_stay(
        value,
        given["continuous_days"],
        date.fromisoformat(given["date"]),
        given.get("value_per_unit_per_day_paise"),
    )
    return {"per_person_paise": value, **_taxed(supply, value)}


def _taxed(supply: tax.Supply, taxable: int) -> Values:
    return {
        "exempt": supply.exempt,
        "document": supply.document.value,
        "sac": supply.sac,
        "itc_allowed_to_hotel": supply.input_credit,
        **_heads(taxable, supply.rate),
    }


def _heads(taxable: int, rate: Decimal) -> Values:
    line = tax.tax_line(taxable, rate)
    return {
        "rate": str(line.rate_percent),
        "cgst": line.cgst_minor,
        "sgst": line.sgst_minor,
        "igst": line.igst_minor,
        "total_tax": line.total_minor,
        "invoice_total": taxable + line.total_minor,
    }


def _place(given: Values) -> Values:
    state, taxes = tax.place_of_supply(given["supplier_state"], given["property_state"])
    return {"place_of_supply": state, "taxes": list(taxes)}


def _irn(given: Values) -> Values:
    parts = ("supplier_gstin", "financial_year", "doc_type", "doc_no")
    return {"irn": tax.irn(*(given[part] for part in parts))}


def _round_off(given: Values) -> Values:
    rounded, line = tax.round_off(given["invoice_total_paise"])
    return {"rounded_paise": rounded, "round_off_paise": line}


def _tds(given: Values) -> Values:
    tds = tax.tds_of_operator(
        given["gross_paise"], pan_given=given["pan_given"], participant=given["participant"]
    )
    return {"tds": tds}


def _taxed_late_fee(given: Values) -> Values | None:
    supply: str = given["principal_supply"]
    named = re.search(r"([0-9]+(?:\.[0-9]+)?) ?%", supply)
    if named is None and not supply.startswith("exempt"):
        return None
    rate = Decimal(named[1]) if named else tax.NIL
    line = tax.late_fee_tax(given["late_fee_paise"], rate)
    return {"total_tax": line.total_minor, **_heads(given["late_fee_paise"], rate)}


def _deposit_supply(given: Values) -> Values:
    named = given["event"].split()[0]
    known = {"applied", "adjusted", "withheld"}
    event = tax.DepositEvent.applied if named in known else tax.DepositEvent.received
    amount = given.get("amount_paise", given["deposit_paise"])
    value = tax.deposit_consideration(event, amount)
    return {"taxable": value > 0, "amount_paise": value}


_GST: dict[str, Callable[[Values], Values | None]] = {
    "hotel-room": _room,
    "long-stay": _long_stay,
    "long-stay-shared": _long_stay,
    "place-of-supply": _place,
    "invoice-number": lambda given: {"valid": tax.valid_invoice_number(given["number"])},
    "financial-year": lambda given: {
        "fy": financial_year_of_instant(datetime.fromisoformat(given["instant"]))
    },
    "irn": _irn,
    "split-rounding": lambda given: _heads(given["taxable_paise"], Decimal(given["rate"])),
    "round-off": _round_off,
    "tds-eco": _tds,
    "late-fee": _taxed_late_fee,
    "deposit": _deposit_supply,
}


def _gst(kind: str, given: Values) -> Values | None:
    rule = _GST.get(kind)
    return None if rule is None else rule(given)


def _pan(_: str, given: Values) -> Values:
    pan = identifiers.valid_pan(given["pan"])
    masked = identifiers.mask_pan(pan)
    return {"valid": True, "holder_type": identifiers.pan_holder_type(pan), "masked": masked}


def _gstin(_: str, given: Values) -> Values:
    gstin = identifiers.valid_gstin(given["gstin"])
    return {"valid": True, "state_code": gstin[:2], "pan": gstin[2:12], "check": gstin[-1]}


def _aadhaar(_: str, given: Values) -> Values:
    aadhaar = identifiers.valid_aadhaar(given["aadhaar"])
    display = identifiers.display_aadhaar(aadhaar)
    return {"valid": True, "masked": identifiers.mask_aadhaar(aadhaar), "display": display}


def _cpf(_: str, given: Values) -> Values:
    return {"valid": True, "formatted": identifiers.format_cpf(identifiers.valid_cpf(given["cpf"]))}


def _ifsc(_: str, given: Values) -> Values:
    identifiers.valid_ifsc(given["ifsc"])
    return {"valid": True}


def _vpa(_: str, given: Values) -> Values:
    identifiers.valid_vpa(given["vpa"])
    return {"valid": True}


def _deposit(kind: str, given: Values) -> Values | None:
    if kind == "settlement":
        settled = deposit_settlement.settle(
            given["deposit_paise"],
            given["unpaid_rent_paise"],
            given["utility_paise"],
            given["damages_paise"],
        )
        return {
            "deductions": settled.deductions_minor,
            "refund": settled.refund_minor,
            "balance_due": settled.balance_due_minor,
        }
    if kind == "cap":
        within = deposit_settlement.within_model_cap(
            given["monthly_rent_paise"], given["deposit_paise"], given["use"]
        )
        return {"within_mta_cap": within}
    return None


def _upi(kind: str, given: Values) -> Values | None:
    if kind in {"parse", "reject"}:
        link = upi.parse(given["uri"])
        read = {"pa": link.payee, "pn": link.name, "tr": link.reference, "tn": link.note}
        return {**read, "am_paise": link.amount_minor, "mc": link.merchant_code, "cu": "INR"}
    if kind == "build":
        order = ("pa", "pn", "tr", "tn", "amount_paise", "mc")
        return {"uri": upi.build(upi.UpiLink(*(given[key] for key in order)))}
    if kind == "limit":
        within = upi.within_limit(
            given["amount_paise"],
            given["merchant_category"],
            verified_merchant=given["verified_merchant"],
        )
        return {"within_npci_limit": within}
    return None


RULES: dict[str, Rule] = {
    "proration": _proration,
    "latefee": _late_fee,
    "rounding": _rounding,
    "currency": _currency,
    "gst": _gst,
    "pan": _pan,
    "gstin": _gstin,
    "aadhaar": _aadhaar,
    "cpf": _cpf,
    "ifsc": _ifsc,
    "vpa": _vpa,
    "deposit": _deposit,
    "upi-uri": _upi,
    **vector_payments.RULES,
}
