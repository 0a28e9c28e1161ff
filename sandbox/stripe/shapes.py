"""Stripe's objects as they are when new; what is not known of them yet is null."""

from collections.abc import Mapping
from typing import Any

from sandbox.stripe import wire

Body = dict[str, Any]
NOWHERE: Body = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


def customer(given: Mapping[str, Any], now: int, *, live: bool) -> Body:
    """A customer."""
    return {
        "id": wire.minted("cus_", 14),
        "object": "customer",
        "address": given.get("address") and {**NOWHERE, **given["address"]},
        "balance": 0,
        "created": now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": given.get("description"),
        "discount": None,
        "email": given.get("email"),
        "invoice_prefix": wire.minted("", 8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": live,
        "metadata": given.get("metadata", {}),
        "name": given.get("name"),
        "phone": given.get("phone"),
        "preferred_locales": given.get("preferred_locales", []),
        "shipping": given.get("shipping"),
        "tax_exempt": "none",
        "test_clock": None,
    }


def session(given: Mapping[str, Any], now: int, *, live: bool) -> Body:
    """A Checkout Session, open."""
    record_id = wire.minted("cs_live_" if live else "cs_test_", 58)
    copied = ("cancel_url", "client_reference_id", "customer", "customer_email", "locale")
    return {
        "id": record_id,
        "object": "checkout.session",
        **dict.fromkeys(("after_expiration", "allow_promotion_codes")),
        "allowed_payment_method_types": given.get("allowed_payment_method_types"),
        **dict.fromkeys(("amount_subtotal", "amount_total")),
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": given.get("billing_address_collection"),
        **{name: given.get(name) for name in copied},
        "client_secret": None,
        "consent": None,
        "consent_collection": None,
        "created": now,
        "currency": given.get("currency"),
        "custom_fields": [],
        "custom_text": dict.fromkeys(
            ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
        ),
        "customer_creation": given.get("customer_creation"),
        "customer_details": None,
        "expires_at": given["expires_at"],
        "invoice": None,
        "invoice_creation": None,
        "livemode": live,
        "metadata": given.get("metadata", {}),
        "mode": given["mode"],
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_options": {},
        "payment_method_types": ways(given),
        "payment_status": "no_payment_required" if given["mode"] == "setup" else "unpaid",
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": given.get("submit_type"),
        "subscription": None,
        "success_url": given["success_url"],
        "total_details": None,
        "ui_mode": given.get("ui_mode"),
        "url": None,
    }


def ways(given: Mapping[str, Any]) -> list[str]:
    """The ways to pay on a page: those asked for, else cards."""
    named = given.get("payment_method_types") or given.get("allowed_payment_method_types")
    return named or ["card"]


def item(line: Mapping[str, Any]) -> Body:
    """A line of a session."""
    price, quantity = line["price_data"], line.get("quantity", 1)
    total = price["unit_amount"] * quantity
    return {
        "id": wire.new("li_"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": price["currency"].lower(),
        "description": price["product_data"]["name"],
        "price": None,
        "quantity": quantity,
    }


def intent(given: Mapping[str, Any], now: int, *, live: bool) -> Body:
    """A payment intent without a payment method."""
    record_id = wire.new("pi_")
    copied = (
        *("application_fee_amount", "customer", "description", "on_behalf_of", "receipt_email"),
        *("setup_future_usage", "statement_descriptor", "statement_descriptor_suffix"),
        *("transfer_data", "transfer_group"),
    )
    return {
        "id": record_id,
        "object": "payment_intent",
        "amount": given["amount"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        **{name: given.get(name) for name in copied},
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": given.get("capture_method", "automatic_async"),
        "client_secret": f"{record_id}_secret_{wire.minted('', 25)}",
        "confirmation_method": "automatic",
        "created": now,
        "currency": given["currency"].lower(),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": live,
        "metadata": given.get("metadata", {}),
        "next_action": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": given.get("payment_method_types") or ["card"],
        "processing": None,
        "review": None,
        "shipping": None,
        "source": None,
        "status": "requires_payment_method",
    }


def charge(intent: Body, method: Body, now: int, reason: Body | None) -> Body:
    """A charge of an intent, succeeded or failed for a reason."""
    good = reason is None
    copied = ("application_fee_amount", "currency", "customer", "description", "livemode")
    more = ("metadata", "on_behalf_of", "receipt_email", "transfer_data", "transfer_group")
    return {
        "id": wire.new("ch_"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if good else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "balance_transaction": wire.new("txn_") if good else None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "SANDBOX",
        "captured": good,
        "created": now,
        **{name: intent[name] for name in (*copied, *more)},
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": reason and reason["code"],
        "failure_message": reason and reason["message"],
        "fraud_details": {},
        "outcome": {
            "advice_code": reason and reason.get("advice_code"),
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network" if good else "declined_by_network",
            "reason": reason and reason["decline_code"],
            "risk_level": "normal",
            "seller_message": "Payment complete." if good else "The bank declined it.",
            "type": "authorized" if good else "issuer_declined",
        },
        "paid": good,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": details(method),
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded" if good else "failed",
    }


def details(method: Body) -> Body:
    """How a charge was paid."""
    if method["type"] == "upi":
        return {"type": "upi", "upi": {"vpa": method["upi"]["vpa"]}}
    card = method["card"]
    shared = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding")
    facts = {name: card[name] for name in (*shared, "last4")}
    more = {"amount_authorized": None, "authorization_code": None, "installments": None}
    rest = {"mandate": None, "network": card["brand"], "three_d_secure": None, "wallet": None}
    return {"type": "card", "card": {**facts, **more, **rest}}


def method(given: Mapping[str, Any], now: int, *, live: bool) -> Body:
    """A payment method: a card by its number, or a UPI address."""
    body: Body = {
        "id": wire.new("pm_"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": dict(NOWHERE),
            "email": given.get("email"),
            "name": given.get("name"),
            "phone": given.get("phone"),
            "tax_id": None,
        },
        "created": now,
        "customer": None,
        "livemode": live,
        "metadata": {},
        "type": given["type"],
    }
    if given["type"] == "upi":
        return {**body, "upi": {"vpa": given["vpa"]}}
    return {**body, "card": card(given["number"])}


def card(number: str) -> Body:
    """A card as it is shown: never more of the number than its last four digits."""
    brand = {"3": "amex", "5": "mastercard", "6": "discover"}.get(number[:1], "visa")
    return {
        "brand": brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": "IN" if number.startswith("400000356") else "US",
        "display_brand": brand,
        "exp_month": 12,
        "exp_year": 2034,
        "fingerprint": wire.account_of(number).removeprefix("acct_"),
        "funding": "credit",
        "generated_from": None,
        "last4": number[-4:],
        "networks": {"available": [brand], "preferred": None},
        "regulated_status": None,
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def setup(given: Mapping[str, Any], now: int, *, live: bool) -> Body:
    """A setup intent without a payment method."""
    record_id = wire.new("seti_")
    return {
        "id": record_id,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{record_id}_secret_{wire.minted('', 25)}",
        "created": now,
        "customer": given.get("customer"),
        "description": given.get("description"),
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": live,
        "mandate": None,
        "metadata": given.get("metadata", {}),
        "next_action": None,
        "on_behalf_of": given.get("on_behalf_of"),
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": given.get("payment_method_types") or ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
    }


def refund(charge: Body, given: Mapping[str, Any], amount: int, now: int) -> Body:
    """A refund of a charge, done at once."""
    kind = charge["payment_method_details"]["type"]
    return {
        "id": wire.new("re_"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": wire.new("txn_"),
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "destination_details": {"type": kind},
        "metadata": given.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "reason": given.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
