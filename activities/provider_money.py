"""What a provider tells of money, in the words of the books."""

from uuid import UUID

from domain.payment_account import Provider
from models.provider_money import Heard
from providers.payments import Movement


def heard_of(movement: Movement, provider: Provider, account_id: UUID) -> Heard:
    """One payment as it goes into the books of the account it came through."""
    return Heard(
        provider=provider,
        account_id=account_id,
        provider_payment_id=movement.provider_payment_id,
        state=movement.state,
        amount_minor=movement.amount.minor,
        currency=movement.amount.currency,
        at=movement.at,
        method=movement.method,
        attempt_id=movement.attempt_id,
        page_id=movement.page_id,
        reference=movement.reference,
        code=movement.code,
    )
