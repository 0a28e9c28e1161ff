"""The gateways of a process: every merchant account at every provider, as the settings say."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from domain.errors import Refused
from domain.payment_account import AccountMode, Provider
from providers import stripe_wire
from providers.cards import Cards
from providers.gateways import Gateways
from providers.payments import Gateway, Refusal
from providers.razorpay import RazorpayGateway
from providers.razorpay_wire import RazorpayClient
from providers.stripe import StripeGateway
from providers.stripe_cards import StripeCards
from providers.wire import Wire
from runtime.settings import PaymentSettings, Settings


class ProviderGateways:
    """Stripe and Razorpay. Accounts of one provider share its connections, never their keys."""

    def __init__(self, settings: PaymentSettings) -> None:
        self._settings = settings
        self._wires = {provider: Wire(settings.payment_timeout_seconds) for provider in Provider}

    def of(self, provider: Provider, mode: AccountMode, credentials: Mapping[str, str]) -> Gateway:
        """The gateway of one account; `credentials` as domain/payment_account.py has checked them.

        Refused (code CREDENTIALS) where the account belongs to a platform and there is no key.
        """
        if provider is Provider.razorpay:
            wire = self._wires[provider]
            key_id, key_secret = credentials["keyId"], credentials["keySecret"]
            client = RazorpayClient(wire, self._settings.razorpay_url, key_id, key_secret)
            return RazorpayGateway(client)
        return StripeGateway(self._stripe(mode, credentials))

    def cards(self, provider: Provider, mode: AccountMode, credentials: Mapping[str, str]) -> Cards:
        """The cards kept for one account: at Stripe alone. Refused as `of` refuses."""
        if provider is not Provider.stripe:
            words = f"{provider} keeps no cards without a mandate"
            raise Refused(words, code=Refusal.no_such_way)
        return StripeCards(self._stripe(mode, credentials))

    async def close(self) -> None:
        """Hang up; the next call connects anew."""
        for wire in self._wires.values():
            await wire.close()

    def _stripe(
        self, mode: AccountMode, credentials: Mapping[str, str]
    ) -> stripe_wire.StripeClient:
        connected = mode is AccountMode.connected
        key = self._platform_key() if connected else credentials["secretKey"]
        account = credentials["accountId"] if connected else None
        wire, url = self._wires[Provider.stripe], self._settings.stripe_url
        return stripe_wire.client(wire, url, key, account)

    def _platform_key(self) -> str:
        key = self._settings.stripe_platform_key
        if key is None:
            words = "this house has no platform at Stripe: INNKEEPER_STRIPE_PLATFORM_KEY is not set"
            raise Refused(words, code=Refusal.credentials)
        return key.get_secret_value()


@asynccontextmanager
async def gateways_of(settings: Settings) -> AsyncGenerator[Gateways]:
    """Speaks to payment providers for the length of the block, then hangs up."""
    gateways: Gateways = ProviderGateways(settings.payments)
    try:
        yield gateways
    finally:
        await gateways.close()
