"""The demo's merchant accounts, at the sandbox: made once, told of events wherever we are now."""

import http.client
import json
import secrets
from typing import Any, cast
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import Unavailable
from domain.payment_account import AccountMode, Provider
from models.database import Actor, Database
from models.payment_account import (
    AccountStatus,
    NewAccount,
    PaymentAccount,
    credentials_of,
    open_account,
    webhook_secrets_of,
)
from models.tenant_setup import tenant_by_slug
from models.vault import Vault
from runtime.clock import SystemClock
from runtime.settings import Settings

ACTOR = Actor("platform:furnish the demo")
PATIENCE_SECONDS = 10
NAMES = {Provider.stripe: "Demo cards", Provider.razorpay: "Demo rents"}


async def demo_accounts(database: Database, vault: Vault, settings: Settings, slug: str) -> None:
    """An account at each provider, whose events the sandbox sends to our present address.

    Nothing without a sandbox. Unavailable when it does not answer.
    """
    sandbox, public = settings.sandbox.sandbox_url, settings.api.public_base_url
    tenant_id = await tenant_by_slug(database, slug)
    if tenant_id is None or not sandbox or not public:
        return
    async with database.tenant(tenant_id, ACTOR) as session:
        accounts = [await _account(session, vault, provider) for provider in Provider]
    for account in accounts:
        _listen(sandbox, public, vault, account)


async def _account(session: AsyncSession, vault: Vault, provider: Provider) -> PaymentAccount:
    known = await session.scalar(
        select(PaymentAccount).where(
            PaymentAccount.provider == provider, PaymentAccount.status == AccountStatus.ACTIVE
        )
    )
    if known is not None:
        return known
    keys = {
        Provider.stripe: {"secretKey": f"sk_test_demo{secrets.token_hex(12)}"},
        Provider.razorpay: {
            "keyId": f"rzp_test_{secrets.token_hex(7)}",
            "keySecret": secrets.token_hex(12),
        },
    }[provider]
    new = NewAccount(
        provider, AccountMode.own_keys, NAMES[provider], keys, f"whsec_{secrets.token_hex(16)}"
    )
    return await open_account(session, vault, new)


def _listen(sandbox: str, public: str, vault: Vault, account: PaymentAccount) -> None:
    """Have this account's events sent here and nowhere else."""
    signing = webhook_secrets_of(vault, account, SystemClock().now())
    if not signing:
        return
    named = f"?k={account.webhook_token}"
    url = f"{public}/api/v1/payments/webhooks/{account.provider}{named}"
    for endpoint in _asked(sandbox, "GET", "/control/webhook-endpoints")["items"]:
        if endpoint["url"].endswith(named) and endpoint["url"] != url:
            _asked(sandbox, "DELETE", f"/control/webhook-endpoints/{endpoint['id']}")
    key = next(iter(credentials_of(vault, account).values()))
    told = {"provider": account.provider, "url": url, "secret": signing[0], "key": key}
    _asked(sandbox, "POST", "/control/webhook-endpoints", told)


def _asked(
    sandbox: str, method: str, path: str, body: dict[str, str] | None = None
) -> dict[str, Any]:
    connection = http.client.HTTPConnection(urlsplit(sandbox).netloc, timeout=PATIENCE_SECONDS)
    try:
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable("the sandbox does not answer") from error
    finally:
        connection.close()
    if answer.status >= http.client.BAD_REQUEST:
        raise Unavailable(f"the sandbox answered {answer.status} to {method} {path}")
    return cast("dict[str, Any]", json.loads(text)) if text else {}
