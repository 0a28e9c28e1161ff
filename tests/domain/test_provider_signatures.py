"""Signatures of payment providers: judged as the vendors' own verifiers judge them."""

import hashlib
import hmac
import time
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from razorpay.errors import SignatureVerificationError
from razorpay.utility import Utility

from domain import provider_signatures as signatures
from domain.provider_signatures import LinkReturned

BODY = b'{"id":"evt_1","note":"\xe2\x82\xb9 9,500"}'
SECRET, OLD = "whsec_new", "whsec_old"
SIGNED_AT = 1_795_300_000


def sign(secret: str, text: bytes) -> str:
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def v1(secret: str = SECRET, body: bytes = BODY, at: int = SIGNED_AT) -> str:
    return sign(secret, b"%d.%b" % (at, body))


def at(seconds: float = 0) -> datetime:
    return datetime.fromtimestamp(SIGNED_AT + seconds, UTC)


GOOD = f"t={SIGNED_AT},v1={v1()}"
HEADERS = [
    (GOOD, True),
    (f"t={SIGNED_AT},v1={v1(OLD)},v1={v1()}", True),
    (f"v1={v1()},t={SIGNED_AT}", True),
    (f"t={SIGNED_AT},v0={v1()}", False),
    (f"t={SIGNED_AT},v0={v1(OLD)},v1={v1()},v2=x", True),
    (f"t={SIGNED_AT},v1={v1(OLD)}", False),
    (f"t={SIGNED_AT},v1={v1().upper()}", False),
    (f"t={SIGNED_AT}, v1={v1()}", False),
    (f"t={SIGNED_AT + 1},v1={v1()}", False),
    (f"v1={v1()}", False),
    (f"t={SIGNED_AT}", False),
    (f"t=soon,v1={v1()}", False),
    (f"t=,v1={v1()}", False),
    (f"t={'9' * 5000},v1={v1()}", False),
    (f"t={SIGNED_AT},v1={v1()}=x", True),
    ("t,v1", False),
    ("", False),
    (",,=,", False),
    ("t=१७९५३०००००,v1=ü", False),
]


@pytest.mark.parametrize(("header", "good"), HEADERS)
def test_a_header_is_read_as_stripes_own_verifier_reads_it(
    header: str, good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert signatures.stripe_webhook(BODY, header, [SECRET], at(5)) is good
    monkeypatch.setattr(time, "time", lambda: float(SIGNED_AT + 5))
    assert by_the_sdk(header) is good


def by_the_sdk(header: str, body: bytes = BODY, secret: str = SECRET) -> bool:
    try:
        return stripe.WebhookSignature.verify_header(body, header, secret, 300)
    except (stripe.SignatureVerificationError, TypeError, ValueError):
        return False


@pytest.mark.parametrize(
    ("later", "good"), [(300, True), (300.5, False), (301, False), (0, True), (-4_000, True)]
)
def test_five_minutes_are_in_time_and_a_second_more_is_not(
    later: float, good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert signatures.stripe_webhook(BODY, GOOD, [SECRET], at(later)) is good
    monkeypatch.setattr(time, "time", lambda: SIGNED_AT + later)
    assert by_the_sdk(GOOD) is good


def test_while_a_secret_is_replaced_either_is_good() -> None:
    old = f"t={SIGNED_AT},v1={v1(OLD)}"
    assert signatures.stripe_webhook(BODY, old, [SECRET, OLD], at())
    assert signatures.razorpay_webhook(BODY, sign(OLD, BODY), [SECRET, OLD])
    assert not signatures.stripe_webhook(BODY, old, [SECRET], at())
    assert not signatures.razorpay_webhook(BODY, sign(OLD, BODY), [SECRET])


@pytest.mark.parametrize("secrets", [[], [""], [" \t"]])
def test_an_empty_secret_signs_nothing(secrets: list[str]) -> None:
    header = f"t={SIGNED_AT},v1={v1(''.join(secrets))}"
    assert not signatures.stripe_webhook(BODY, header, secrets, at())
    nothing = [secret.strip() for secret in secrets]
    assert not signatures.razorpay_webhook(BODY, sign("", BODY), nothing)
    assert not signatures.razorpay_checkout("o", "p", sign("", b"o|p"), "")


@given(body=st.binary(max_size=40), place=st.integers(0, 39), bit=st.integers(0, 7))
def test_a_changed_body_is_never_good(body: bytes, place: int, bit: int) -> None:
    changed = bytearray(body)
    if body:
        changed[place % len(body)] ^= 1 << bit
    else:
        changed.append(bit)
    header = f"t={SIGNED_AT},v1={v1(body=body)}"
    assert signatures.stripe_webhook(body, header, [SECRET], at())
    assert not signatures.stripe_webhook(bytes(changed), header, [SECRET], at())
    assert signatures.razorpay_webhook(body, sign(SECRET, body), [SECRET])
    assert not signatures.razorpay_webhook(bytes(changed), sign(SECRET, body), [SECRET])


def asked_of_the_sdk(check: str, *facts: Any) -> bool:
    """Razorpay's verifiers raise, or answer False where something is missing."""
    try:
        return bool(getattr(Utility(Keys()), check)(*facts))
    except SignatureVerificationError:
        return False


class Keys:
    auth = ("rzp_test_x", SECRET)


@pytest.mark.parametrize("signature", [sign(SECRET, BODY), sign(OLD, BODY), "", "ü", "x" * 64])
def test_a_webhook_is_judged_as_razorpays_own_verifier_judges_it(signature: str) -> None:
    ours = signatures.razorpay_webhook(BODY, signature, [SECRET])
    if signature.isascii():  # the vendor's own stumbles over others
        theirs = asked_of_the_sdk("verify_webhook_signature", BODY.decode(), signature, SECRET)
        assert ours is theirs
    assert ours is (signature == sign(SECRET, BODY))


@pytest.mark.parametrize("signed", [b"order_1|pay_1", b"pay_1|order_1", b"order_1|pay_2"])
def test_checkout_signs_order_before_payment(signed: bytes) -> None:
    signature = sign(SECRET, signed)
    ours = signatures.razorpay_checkout("order_1", "pay_1", signature, SECRET)
    facts = {"razorpay_order_id": "order_1", "razorpay_payment_id": "pay_1"}
    theirs = asked_of_the_sdk(
        "verify_payment_signature", {**facts, "razorpay_signature": signature}
    )
    assert ours is theirs is (signed == b"order_1|pay_1")


@pytest.mark.parametrize("signed", [b"pay_1|sub_1", b"sub_1|pay_1"])
def test_a_subscription_signs_the_payment_first(signed: bytes) -> None:
    signature = sign(SECRET, signed)
    ours = signatures.razorpay_subscription("pay_1", "sub_1", signature, SECRET)
    facts = {"razorpay_subscription_id": "sub_1", "razorpay_payment_id": "pay_1"}
    theirs = asked_of_the_sdk(
        "verify_subscription_payment_signature", {**facts, "razorpay_signature": signature}
    )
    assert ours is theirs is (signed == b"pay_1|sub_1")


@pytest.mark.parametrize(
    ("reference", "status", "signed"),
    [
        ("ref-1", "paid", b"plink_1|ref-1|paid|pay_1"),
        ("", "paid", b"plink_1||paid|pay_1"),
        ("ref-1", "partially_paid", b"plink_1|ref-1|partially_paid|pay_1"),
        ("ref-1", "paid", b"plink_1|ref-1|partially_paid|pay_1"),
    ],
)
def test_a_links_way_back_signs_its_status_too(reference: str, status: str, signed: bytes) -> None:
    signature = sign(SECRET, signed)
    returned = LinkReturned("plink_1", reference, status, "pay_1")
    ours = signatures.razorpay_payment_link(returned, signature, SECRET)
    facts = {
        "payment_link_id": "plink_1",
        "payment_link_reference_id": reference,
        "payment_link_status": status,
        "razorpay_payment_id": "pay_1",
        "razorpay_signature": signature,
    }
    assert ours is asked_of_the_sdk("verify_payment_link_signature", facts)
    assert ours is (f"|{status}|".encode() in signed)
