"""What the settings say about payment providers is where money is asked for."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.errors import Refused, Unavailable
from domain.payment_account import AccountMode, Provider, checked
from domain.payment_attempt import PayBy
from runtime.gateways import ProviderGateways
from runtime.settings import PaymentSettings
from sandbox.main import running
from tests.support.paying import RENT, asked

OWN, CONNECTED = AccountMode.own_keys, AccountMode.connected
STRIPE = checked(Provider.stripe, OWN, {"secretKey": "sk_test_sunrise_pg"})
RAZORPAY = checked(Provider.razorpay, OWN, {"keyId": "rzp_test_sunrise", "keySecret": "key-secret"})
MOONRISE = checked(Provider.stripe, CONNECTED, {"accountId": "acct_moonrise"})


def told(folder: Path, *lines: str) -> PaymentSettings:
    file = folder / "settings"
    file.write_text("\n".join(lines))
    return PaymentSettings.load(file)


async def test_pages_are_opened_where_the_settings_say(tmp_path: Path) -> None:
    async with running() as box:
        settings = told(
            tmp_path,
            f"INNKEEPER_STRIPE_URL={box.url}/stripe/",
            f"INNKEEPER_RAZORPAY_URL={box.url}/razorpay",
            "INNKEEPER_STRIPE_PLATFORM_KEY=sk_test_platform",
        )
        gateways = ProviderGateways(settings)
        accounts = [
            (gateways.of(Provider.stripe, OWN, STRIPE), PayBy.checkout),
            (gateways.of(Provider.stripe, CONNECTED, MOONRISE), PayBy.checkout),
            (gateways.of(Provider.razorpay, OWN, RAZORPAY), PayBy.link),
            (gateways.of(Provider.razorpay, OWN, RAZORPAY), PayBy.upi_qr),
        ]
        now = datetime.now(UTC)
        for gateway, by in accounts:
            await gateway.check()
            page = asked(by, asked_at=now, expires_at=now + timedelta(hours=1))
            opened = await gateway.open(page)
            assert opened.pay_url
            assert opened.pay_url.startswith(box.url)
            await gateways.close()  # the next call connects anew
            assert await gateway.look_up(page, opened.provider_id)
        await gateways.close()


def test_a_connected_account_needs_a_platform(tmp_path: Path) -> None:
    gateways = ProviderGateways(told(tmp_path, ""))
    with pytest.raises(Refused, match="INNKEEPER_STRIPE_PLATFORM_KEY") as refused:
        gateways.of(Provider.stripe, CONNECTED, MOONRISE)
    assert refused.value.code == "CREDENTIALS"


async def test_where_nobody_listens_nothing_is_opened(tmp_path: Path) -> None:
    gateways = ProviderGateways(told(tmp_path, "INNKEEPER_STRIPE_URL=http://127.0.0.1:1"))
    gateway = gateways.of(Provider.stripe, OWN, STRIPE)
    with pytest.raises(Unavailable):
        await gateway.open(asked(PayBy.checkout, amount=RENT))
    await gateways.close()
