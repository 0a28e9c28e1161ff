"""What a route asks of its caller, declared at the route and shown in the OpenAPI document."""

from enum import StrEnum
from typing import Any

from domain.errors import Forbidden
from models.tenant import ApiKeyKind


class Permission(StrEnum):
    """One right. A secret key holds all but the public's own; a public key only `storefront`."""

    PUBLIC = "public"
    STOREFRONT = "storefront"
    PLACES_READ = "places:read"
    PLACES_WRITE = "places:write"
    RESIDENTS_READ = "residents:read"
    RESIDENTS_WRITE = "residents:write"
    BILLING_READ = "billing:read"
    BILLING_WRITE = "billing:write"
    PAYMENTS_READ = "payments:read"
    PAYMENTS_WRITE = "payments:write"
    LEDGER_READ = "ledger:read"
    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    EVENTS_READ = "events:read"
    AUDIT_READ = "audit:read"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"


EXTRA = "x-permission"
SECRET = "x-tells-secret"  # noqa: S105 (the name of a mark)
AT_ONCE = "x-asks-now"


def allows(
    permission: Permission, *, tells_secret: bool = False, asks_now: bool = False
) -> dict[str, Any]:
    """`@router.get(path, **allows(Permission.X))`: a route without it fails at start.

    The answer of a route that tells a secret is stored nowhere, so asked twice it must answer the
    same by itself. Nor is that of one that asks somebody how it stands now: an old answer is wrong.
    """
    marks = {SECRET: tells_secret, AT_ONCE: asks_now}
    set_ones = {name: True for name, is_set in marks.items() if is_set}
    return {"openapi_extra": {EXTRA: permission.value, **set_ones}}


def granted(kind: str, listed: list[Any], permission: Permission) -> None:
    """Refuse a key that does not hold the right; `listed` narrows a secret key further."""
    if kind == ApiKeyKind.PUBLIC:
        held = permission is Permission.STOREFRONT
    else:
        held = not listed or permission.value in listed
    if not held:
        raise Forbidden(f"this key does not hold {permission.value}")
