"""Which parameters each operation takes, and what Stripe says about any other."""

from collections.abc import Mapping
from typing import Any, cast

from sandbox.payments.refusal import Refused
from sandbox.stripe import wire

TEXT, WHOLE, FLAG, WORDS = "text", "whole", "flag", "words"
Spec = Mapping[str, Any]

ADDRESS: Spec = dict.fromkeys(("line1", "line2", "city", "state", "postal_code", "country"), TEXT)
TRANSFER: Spec = {"destination": TEXT, "amount": WHOLE}
EXPAND: Spec = {"expand": [TEXT]}
CUSTOMER: Spec = {
    **dict.fromkeys(("email", "name", "phone", "description"), TEXT),
    "address": ADDRESS,
    "shipping": {"address": ADDRESS, "name": TEXT, "phone": TEXT},
    "metadata": WORDS,
    "preferred_locales": [TEXT],
    "invoice_settings": {"default_payment_method": TEXT},
    **EXPAND,
}
INTENT: Spec = {
    "application_fee_amount": WHOLE,
    "capture_method": TEXT,
    "description": TEXT,
    "metadata": WORDS,
    "on_behalf_of": TEXT,
    "receipt_email": TEXT,
    "setup_future_usage": TEXT,
    "statement_descriptor": TEXT,
    "statement_descriptor_suffix": TEXT,
    "transfer_data": TRANSFER,
    "transfer_group": TEXT,
}
CREATE_INTENT: Spec = {
    **INTENT,
    **dict.fromkeys(("currency", "customer", "payment_method", "return_url"), TEXT),
    "amount": WHOLE,
    "confirm": FLAG,
    "off_session": FLAG,
    "error_on_requires_action": FLAG,
    "payment_method_types": [TEXT],
    "automatic_payment_methods": {"enabled": FLAG, "allow_redirects": TEXT},
    **EXPAND,
}
CONFIRM_INTENT: Spec = {
    "payment_method": TEXT,
    "return_url": TEXT,
    "off_session": FLAG,
    "receipt_email": TEXT,
    "setup_future_usage": TEXT,
    **EXPAND,
}
CHECKOUT: Spec = {
    **dict.fromkeys(("mode", "customer", "customer_email", "customer_creation"), TEXT),
    **dict.fromkeys(("client_reference_id", "success_url", "cancel_url", "currency"), TEXT),
    **dict.fromkeys(("locale", "submit_type", "ui_mode", "billing_address_collection"), TEXT),
    "expires_at": WHOLE,
    "metadata": WORDS,
    "payment_method_types": [TEXT],  # gone from the API with endive; older callers still send it
    "allowed_payment_method_types": [TEXT],
    "line_items": [
        {
            "price_data": {
                "currency": TEXT,
                "unit_amount": WHOLE,
                "product_data": {
                    "name": TEXT,
                    "description": TEXT,
                    "images": [TEXT],
                    "metadata": WORDS,
                },
            },
            "quantity": WHOLE,
        }
    ],
    "payment_intent_data": INTENT,
    "setup_intent_data": {"description": TEXT, "metadata": WORDS, "on_behalf_of": TEXT},
    **EXPAND,
}
REFUND: Spec = {
    **dict.fromkeys(("charge", "payment_intent", "reason"), TEXT),
    "amount": WHOLE,
    "metadata": WORDS,
    "refund_application_fee": FLAG,
    "reverse_transfer": FLAG,
    **EXPAND,
}
MOMENTS: Spec = dict.fromkeys(("gt", "gte", "lt", "lte"), WHOLE)
LIST: Spec = {"limit": WHOLE, "starting_after": TEXT, "ending_before": TEXT, "created": MOMENTS}


def taken(given: Mapping[str, Any], spec: Spec, at: str = "") -> dict[str, Any]:
    """What was given, in its kinds; anything the operation does not know ends the request."""
    kept: dict[str, Any] = {}
    for name, value in given.items():
        path = f"{at}[{name}]" if at else name
        if name not in spec:
            raise wire.invalid(
                f"Received unknown parameter: {path}", param=path, code="parameter_unknown"
            )
        kept[name] = read(value, spec[name], path)
    return kept


def read(value: Any, kind: Any, path: str) -> Any:
    """One value of a kind."""
    match kind:
        case dict():
            return taken(as_object(value, path), cast("Spec", kind), path)
        case list():
            return [
                read(inner, kind[0], f"{path}[{place}]")
                for place, inner in enumerate(as_list(value, path))
            ]
        case "words":
            return {name: str(inner) for name, inner in as_object(value, path).items()}
        case "whole":
            return whole(value, path)
        case "flag":
            return flag(value, path)
        case _:
            return as_text(value, path)


def as_object(value: Any, path: str) -> dict[str, Any]:
    """A value with names in it; an empty text stands for none."""
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise wire.invalid("Invalid object", param=path)
    return cast("dict[str, Any]", value)


def as_list(value: Any, path: str) -> list[Any]:
    """A value with places in it."""
    if not isinstance(value, list):
        raise wire.invalid("Invalid array", param=path)
    return cast("list[Any]", value)


def as_text(value: Any, path: str) -> str:
    """A plain value."""
    if not isinstance(value, str):
        raise wire.invalid(f"Invalid string: {value}", param=path)
    return value


def whole(value: Any, path: str) -> int:
    """A whole number."""
    try:
        return int(as_text(value, path))
    except ValueError:
        raise wire.invalid(
            f"Invalid integer: {value}", param=path, code="parameter_invalid_integer"
        ) from None


def flag(value: Any, path: str) -> bool:
    """Yes or no."""
    if value not in {"true", "false"}:
        raise wire.invalid(f"Invalid boolean: {value}", param=path)
    return value == "true"


def needed(given: Mapping[str, Any], *names: str) -> None:
    """Each of these was given."""
    for name in names:
        if given.get(name) in {None, ""}:
            raise absent(name)


def absent(name: str) -> Refused:
    """Something that must be there is not."""
    return wire.invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")
