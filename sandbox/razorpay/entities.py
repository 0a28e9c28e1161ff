"""Razorpay's entities as they are when new."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sandbox.razorpay import wire

Body = dict[str, Any]
FEE_PERCENT, TAX_PERCENT = 2, 18
NO_ERROR: Body = dict.fromkeys(
    ("error_code", "error_description", "error_source", "error_step", "error_reason")
)


def order(given: Mapping[str, Any], now: int) -> Body:
    """An order nobody has tried to pay."""
    return {
        "id": wire.new("order_"),
        "entity": "order",
        "amount": given["amount"],
        "amount_due": given["amount"],
        "amount_paid": 0,
        "attempts": 0,
        "created_at": now,
        "currency": given["currency"],
        "notes": wire.notes(given.get("notes")),
        "offer_id": None,
        "receipt": given.get("receipt"),
        "status": "created",
    }


def link(given: Mapping[str, Any], now: int, base: str) -> Body:
    """A payment link, unpaid."""
    record_id = wire.new("plink_")
    body: Body = {
        "id": record_id,
        "accept_partial": given.get("accept_partial", False),
        "amount": given["amount"],
        "amount_paid": 0,
        "callback_method": given.get("callback_method", ""),
        "callback_url": given.get("callback_url", ""),
        "cancelled_at": 0,
        "created_at": now,
        "currency": given.get("currency", "INR"),
        "customer": given.get("customer") or {},
        "description": given.get("description", ""),
        "expire_by": given.get("expire_by") or 0,
        "expired_at": 0,
        "first_min_partial_amount": given.get("first_min_partial_amount") or 0,
        "notes": wire.notes(given.get("notes")),
        "notify": {"email": False, "sms": False, "whatsapp": False, **(given.get("notify") or {})},
        "payments": [],
        "reference_id": given.get("reference_id", ""),
        "reminder_enable": given.get("reminder_enable", False),
        "reminders": {"status": "failed"},
        "short_url": f"{base}/checkout/{record_id}",
        "status": "created",
        "updated_at": now,
        "upi_link": bool(given.get("upi_link", False)),
        "user_id": "",
        "whatsapp_link": False,
    }
    return body


def code(given: Mapping[str, Any], now: int, base: str) -> Body:
    """A UPI QR code, open."""
    record_id = wire.new("qr_")
    paise = given.get("payment_amount")
    name = given.get("name") or "Sandbox"
    asked = [
        ("pa", "sandbox.rzp@sandbox"),
        ("pn", name),
        ("tr", record_id.replace("_", "")),
        ("tn", given.get("description") or name),
        *([("am", f"{paise // 100}.{paise % 100:02d}")] if paise else []),
        ("cu", "INR"),
    ]
    query = "&".join(f"{key}={quote(str(value)[:50], safe='@')}" for key, value in asked)
    return {
        "id": record_id,
        "entity": "qr_code",
        "created_at": now,
        "name": given.get("name"),
        "usage": given["usage"],
        "type": given["type"],
        "image_url": f"{base}/checkout/{record_id}/code.svg",
        "image_content": f"upi://pay?{query}",
        "payment_amount": paise,
        "status": "active",
        "description": given.get("description"),
        "fixed_amount": given.get("fixed_amount", False),
        "payments_amount_received": 0,
        "payments_count_received": 0,
        "notes": wire.notes(given.get("notes")),
        "customer_id": given.get("customer_id"),
        "close_by": given.get("close_by"),
        "closed_at": None,
        "close_reason": None,
    }


def payment(facts: Mapping[str, Any], now: int) -> Body:
    """A try to pay, just begun. `facts`: amount, currency, method, vpa or card, order, notes."""
    upi = facts["method"] == "upi"
    who: dict[str, Any] = facts.get("customer") or {}
    body: Body = {
        "id": wire.new("pay_"),
        "entity": "payment",
        "amount": facts["amount"],
        "currency": facts["currency"],
        "status": "created",
        "order_id": facts.get("order_id"),
        "invoice_id": None,
        "international": False,
        "method": facts["method"],
        "amount_refunded": 0,
        "refund_status": None,
        "captured": False,
        "description": facts.get("description"),
        "card_id": None if upi else wire.new("card_"),
        "bank": None,
        "wallet": None,
        "vpa": facts["vpa"] if upi else None,
        "email": who.get("email") or "void@razorpay.com",
        "contact": who.get("contact") or "+919999999999",
        "notes": facts.get("notes") or [],
        "fee": None,
        "tax": None,
        **NO_ERROR,
        "acquirer_data": {"rrn": None} if upi else {"auth_code": None},
        "created_at": now,
    }
    if upi:
        body["upi"] = {"vpa": facts["vpa"]}
    else:
        body["card"] = card(body["card_id"], facts["card"])
    return body


def card(card_id: str, number: str) -> Body:
    """A card as it is shown."""
    return {
        "id": card_id,
        "entity": "card",
        "name": "",
        "last4": number[-4:],
        "network": {"5": "MasterCard", "6": "RuPay"}.get(number[:1], "Visa"),
        "type": "debit",
        "issuer": None,
        "international": False,
        "emi": False,
        "sub_type": "consumer",
        "token_iin": None,
    }


def refund(payment: Body, given: Mapping[str, Any], amount: int, now: int) -> Body:
    """A refund, done at once."""
    speed = given.get("speed", "normal")
    return {
        "id": wire.new("rfnd_"),
        "entity": "refund",
        "amount": amount,
        "receipt": given.get("receipt"),
        "currency": payment["currency"],
        "payment_id": payment["id"],
        "notes": wire.notes(given.get("notes")),
        "acquirer_data": {"arn": None},
        "created_at": now,
        "batch_id": None,
        "status": "processed",
        "speed_processed": "normal",
        "speed_requested": speed,
    }


def charges(amount: int) -> tuple[int, int]:
    """Razorpay's fee in paise and the tax within it, each rounded half up."""
    bare = (amount * FEE_PERCENT + 50) // 100
    tax = (bare * TAX_PERCENT + 50) // 100
    return bare + tax, tax
