"""The vector runner: what it compares, what it skips, what it answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli import vectors


def vector(area: str, kind: str, given: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"{area}-1", "area": area, "kind": kind, "input": given, "expected": expected}


HALF = vector("rounding", "half-up", {"paise": "2.5"}, {"half_up": 3, "half_even": 9})
WRONG = vector("rounding", "half-up", {"paise": "2.5"}, {"half_up": 2})
FEE = vector(
    "latefee",
    "percent of outstanding",
    {"invoice_paise": 1_200_000, "paid_paise": 700_000, "percent": "5"},
    {"fee": 25_000},
)


def test_a_file_is_counted_by_area(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "vectors.json"
    unknown = vector("weather", "rain", {}, {})
    path.write_text(json.dumps({"vectors": [HALF, unknown, FEE]}))
    assert vectors.run(path) == 0
    assert capsys.readouterr().out == "rounding 1 0 0\nweather 0 0 1\nlatefee 1 0 0\n"


def test_a_failure_is_shown_and_fails_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps({"vectors": [HALF, WRONG]}))
    assert vectors.run(path) == 1
    assert "rounding 1 1 0\nrounding-1: expected {'half_up': 2}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("area", "kind", "given", "expected", "outcome"),
    [
        ("pan", "invalid", {"pan": "ACUPA0000R"}, {"valid": False}, "passed"),
        ("pan", "valid", {"pan": "ACUPA7085R"}, {"valid": True, "holder_type": "C"}, "failed"),
        ("pan", "valid", {"pan": "ACUPA7085R"}, {"length": 10}, "failed"),
        (
            "currency",
            "reject",
            {"provider": "stripe", "currency": "isk", "major": "40.10"},
            {"error": True},
            "passed",
        ),
        (
            "currency",
            "reject",
            {"provider": "stripe", "currency": "isk", "major": "40.00"},
            {"error": True},
            "failed",
        ),
        (
            "gst",
            "place-of-supply",
            {"supplier_state": "27", "property_state": "29"},
            {"error": "supplier needs a registration in state 29"},
            "passed",
        ),
        (
            "stripe-sig",
            "rotation",
            {"payload": "{}", "header": "t=5,v1=00", "secret": "whsec_x", "now": 5},
            {"valid": False},
            "passed",
        ),
        ("razorpay-sig", "checkout", {"type": "checkout"}, {"valid": False}, "passed"),
        ("razorpay-sig", "dance", {"type": "dance"}, {"valid": False}, "skipped"),
        ("semantics", "razorpay-notes", {"notes": []}, {"notes": {}}, "passed"),
        (
            "semantics",
            "razorpay-late-auth",
            {"events": ["payment.failed", "payment.captured", "payment.authorized"]},
            {"final_status": "captured"},
            "passed",
        ),
        (
            "semantics",
            "stripe-checkout-completed-paid",
            {"event": "checkout.session.completed", "payment_status": "paid"},
            {"fulfil": True},
            "passed",
        ),
        (
            "semantics",
            "razorpay-qr-close_by",
            {"usage": "single_use", "close_by_minutes": 180},
            {"close_by_minutes": 120},
            "passed",
        ),
        (
            "semantics",
            "razorpay-qr-close_by",
            {"usage": "multiple_use", "close_by_minutes": 60},
            {"error": True},
            "passed",
        ),
        ("semantics", "weather", {}, {}, "skipped"),
        ("rounding", "bankers", {}, {}, "skipped"),
        ("gst", "unheard-of", {}, {}, "skipped"),
        ("latefee", "percent", {"percent": "5", "basis": "moon"}, {"fee": 0}, "skipped"),
        ("latefee", "idempotent", {"runs_same_day": 3, "flat": 7}, {"fee": 7}, "passed"),
    ],
)
def test_each_vector_is_judged_by_the_rule_of_its_area(
    area: str,
    kind: str,
    given: dict[str, Any],
    expected: dict[str, Any],
    outcome: str,
) -> None:
    assert vectors.judge(vector(area, kind, given, expected)).outcome == outcome
