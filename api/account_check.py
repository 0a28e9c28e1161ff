"""Asking a provider whether keys are good, once the request's transaction has ended."""

import asyncio
from datetime import datetime
from enum import StrEnum
from typing import Final

from fastapi import Response
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from api.body import Answer
from api.parts import Parts
from domain.errors import Refused, Unavailable
from domain.payment_account import AccountMode, Provider
from models import event, payment_account
from models.database import Actor
from models.payment_account import WORKS, PaymentAccount, credentials_of
from providers.payments import Refusal

PATIENCE_SECONDS: Final = 15
KIND: Final = "payment_account"
# A refusal of a provider, as whoever entered the keys understands it.
WHY: Final = {
    Refusal.credentials: "these keys are not known there, or not any more; copy them again",
    Refusal.not_permitted: "the keys are good and may not do this; give them the right there",
}
REFUSED_SO: Final = "the provider refuses to work with these keys"


class CheckResult(StrEnum):
    """What the provider says of the keys."""

    works = WORKS
    refused = "refused"


class AccountCheck(Answer):
    """What a provider said of an account's keys when it was asked.

    `code` is stable and `detail` for people; `said` is what the provider answered, for its support.
    """

    result: CheckResult
    tested_at: datetime
    code: str | None = None
    detail: str
    said: str | None = None


class Checked(Response):
    """Asks while it is sent: the request's transaction has ended by then."""

    media_type = "application/json"

    def __init__(self, parts: Parts, actor: Actor, account: PaymentAccount) -> None:
        super().__init__()
        self._parts = parts
        self._actor = actor
        self._account = account

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask, keep what was said, answer. Unavailable when nothing was."""
        told = await self._asked()
        account = self._account
        async with self._parts.database.tenant(account.tenant_id, self._actor) as session:
            said = told.code or told.result
            await payment_account.tested(session, account, said, told.tested_at)
            what = f"payment_account.{'works' if told.code is None else 'refused'}"
            await event.record(session, what, KIND, account.id, told.tested_at)
        body = told.model_dump(mode="json", by_alias=True)
        await JSONResponse(body)(scope, receive, send)

    async def _asked(self) -> AccountCheck:
        at = self._parts.clock.now()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._checked()
        except Refused as refusal:
            why = next((words for code, words in WHY.items() if code == refusal.code), REFUSED_SO)
            return AccountCheck(
                result=CheckResult.refused,
                tested_at=at,
                code=refusal.code,
                detail=why,
                said=refusal.detail,
            )
        except TimeoutError as error:
            raise Unavailable(f"{self._account.provider} gave no answer in time") from error
        return AccountCheck(result=CheckResult.works, tested_at=at, detail="the keys are good")

    async def _checked(self) -> None:
        account = self._account
        provider, mode = Provider(account.provider), AccountMode(account.mode)
        credentials = credentials_of(self._parts.vault, account)
        await self._parts.gateways.of(provider, mode, credentials).check()
