"""One request, one tenant, one transaction; with an Idempotency-Key, one answer for ever.

The credential alone says whose request it is. A route class does it for every route, so a
handler receives an open transaction of its tenant and nothing can be forgotten.
"""

import re
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy import bindparam, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException

from api import idempotency
from api.parts import Parts
from api.permission import AT_ONCE, EXTRA, SECRET, Permission, granted
from api.problem import Unauthenticated, answer_to
from api.whence import whence_of
from domain.errors import Forbidden, InnkeeperError, InvalidInput
from models.database import Actor, Opened, tenant_of
from models.tenant import ApiKey, Tenant, TenantStatus
from models.tenant_setup import key_hash

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
SECRET_OR_PUBLIC = re.compile(r"[sp]k_(live|test)_[a-z0-9-]{1,63}_[A-Za-z0-9_-]{32,}")
PUBLIC_ONLY = re.compile(r"pk_(live|test)_[a-z0-9-]{1,63}_[A-Za-z0-9_-]{32,}")
KEY_CHARACTERS_MAX = 255
_KEY_AND_TENANT = (
    select(ApiKey, Tenant)
    .join(Tenant, Tenant.id == ApiKey.tenant_id)
    .where(ApiKey.id == bindparam("id"))
)


@dataclass(frozen=True, slots=True)
class Context:
    """What a handler works with: its transaction, whose it is, who asks, what time it is."""

    session: AsyncSession
    tenant: Tenant
    key_id: UUID
    actor: Actor
    parts: Parts


@dataclass(frozen=True, slots=True)
class Shown:
    """A key as it was shown: its hash, and how a wrong one is refused."""

    key_hash: str
    refusal: str

    @property
    def unknown(self) -> Unauthenticated:
        """Nobody has, or had, this key."""
        return Unauthenticated("this key is not known", code=self.refusal)


async def _context(request: Request) -> Context:  # a plain function would cost a thread
    context: Context = request.state.context
    return context


Here = Annotated[Context, Depends(_context)]


class TenantRoute(APIRoute):
    """A route of one tenant: finds out whose request it is and runs the handler behind the wall."""

    @property
    def permission(self) -> Permission:
        """What the route declared."""
        return Permission((self.openapi_extra or {})[EXTRA])

    @property
    def is_stored(self) -> bool:
        """Its answer may be stored; where it must not be, the act itself does nothing twice."""
        return not {SECRET, AT_ONCE} & set(self.openapi_extra or {})

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler in credential, transaction and stored answers."""
        handle = super().get_route_handler()

        async def within_tenant(request: Request) -> Response:
            parts: Parts = request.app.state.parts
            shown = _shown(request, self.permission)
            run = _Run(request, parts, shown, self.permission, handle)
            if request.method in UNSAFE:
                await request.body()  # however slowly it is sent, no transaction waits for it
                key = request.headers.get("Idempotency-Key")
                if key is not None and self.is_stored:
                    return await run.once(key)
            return await run.plainly()

        return within_tenant


@dataclass(frozen=True, slots=True)
class _Run:
    request: Request
    parts: Parts
    shown: Shown
    permission: Permission
    handle: Callable[[Request], Coroutine[Any, Any, Response]]

    async def plainly(self) -> Response:
        """The handler in one transaction; an error rolls it back and is answered above."""
        async with self._admitted() as context:
            self.request.state.context = context
            return await self.handle(self.request)

    async def once(self, key: str) -> Response:
        """The handler, and its answer stored with its effect; asked again: the stored answer.

        Who may not ask is refused before the key is looked at: a stored answer is no way around.
        """
        if not 1 <= len(key) <= KEY_CHARACTERS_MAX:
            rule = f"must be 1 to {KEY_CHARACTERS_MAX} characters"
            raise InvalidInput.of("Idempotency-Key", "LENGTH", rule)
        async with self._admitted() as context:
            question = await idempotency.question(self.request, str(context.key_id), key)
            stored = await idempotency.claim(context.session, question)
        if stored is not None:
            return stored
        try:
            return await self._answer_once(question)
        except BaseException:
            await self._give_back(question)
            raise

    async def _answer_once(self, question: idempotency.Question) -> Response:
        """Effect and answer in one transaction: when the commit fails, neither exists."""
        async with self._admitted() as context:
            self.request.state.context = context
            try:
                async with context.session.begin_nested():
                    response = await self.handle(self.request)
            except (InnkeeperError, RequestValidationError, HTTPException, DBAPIError) as error:
                response = answer_to(self.request, error)
            if idempotency.is_kept(response.status_code):
                await idempotency.store(context.session, question, response)
            else:
                await idempotency.release(context.session, question)
            return response

    async def _give_back(self, question: idempotency.Question) -> None:
        """The key is free at once; where that fails, after the minute of a silent claim."""
        with suppress(InnkeeperError):
            async with self._admitted() as context:
                await idempotency.release(context.session, question)

    @asynccontextmanager
    async def _admitted(self) -> AsyncGenerator[Context]:
        """One transaction of the tenant, for a key that is still good and holds the right."""
        whence = whence_of(self.request)
        async with self.parts.database.keyed(self.shown.key_hash, whence) as keyed:
            if keyed is None:
                raise self.shown.unknown
            tenant = await self._good(keyed)
            actor = Actor(f"key:{keyed.by}", whence)
            yield Context(keyed.session, tenant, keyed.by, actor, self.parts)

    async def _good(self, keyed: Opened) -> Tenant:
        """The key's tenant; refused when the key, the tenant or the key's rights are not good."""
        structlog.contextvars.bind_contextvars(tenant=str(tenant_of(keyed.session)))
        found = await keyed.session.execute(_KEY_AND_TENANT, {"id": keyed.by})
        row = found.one_or_none()
        if row is None or row[0].revoked_at is not None:
            raise Unauthenticated("this key is not valid", code=self.shown.refusal)
        key, tenant = row
        if key.expires_at is not None and key.expires_at <= self.parts.clock.now():
            raise Unauthenticated("this key has expired", code=self.shown.refusal)
        if tenant.status in (TenantStatus.SUSPENDED, TenantStatus.CANCELLED):
            raise Forbidden(f"this account is {tenant.status}", code="TENANT_INACTIVE")
        granted(key.kind, key.permissions, self.permission)
        return tenant


def _shown(request: Request, permission: Permission) -> Shown:
    """The key of the request, which looks like one; a public key may also come as X-Tenant-Key."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    public = request.headers.get("X-Tenant-Key")
    if scheme.lower() == "bearer" and bearer.strip():
        key, looks, refusal = bearer.strip(), SECRET_OR_PUBLIC, "AUTH_REQUIRED"
    elif public is not None:
        key, looks, refusal = public.strip(), PUBLIC_ONLY, "INVALID_TENANT_KEY"
    elif permission is Permission.STOREFRONT:
        raise Unauthenticated("send a key as `X-Tenant-Key: pk_…`", code="TENANT_KEY_REQUIRED")
    else:
        raise Unauthenticated("send a key as `Authorization: Bearer sk_…`")
    shown = Shown(key_hash(key), refusal)
    if not looks.fullmatch(key):
        raise shown.unknown
    return shown
