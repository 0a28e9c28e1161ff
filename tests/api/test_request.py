"""Whose request it is, and what becomes of one that is nobody's or may not be asked."""

from collections.abc import AsyncGenerator
from datetime import timedelta

import httpx2
import pytest
from fastapi import APIRouter
from sqlalchemy import select, text
from uuid_utils.compat import uuid7

from api.app import _all_declared
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from models.record import AuditRow
from models.tenant import ApiKey
from tests.support.house import House, a_tenant
from tests.support.web import NOON, a_client

MINE = "/whoami"
SHOP = "/shop"


async def _whoami(here: Here) -> dict[str, str]:
    actor = here.actor
    return {"slug": here.tenant.slug, "actor": actor.name, "request": actor.whence.request}


async def _rename(here: Here) -> dict[str, str]:
    here.tenant.name = "Renamed"
    return {}


def _router() -> APIRouter:
    router = APIRouter(route_class=TenantRoute)
    router.get(MINE, **allows(Permission.TASKS_READ))(_whoami)
    router.put(MINE, **allows(Permission.SETTINGS_WRITE))(_rename)
    router.get(SHOP, **allows(Permission.STOREFRONT))(_whoami)
    return router


@pytest.fixture
async def caller(house: House) -> AsyncGenerator[httpx2.AsyncClient]:
    """A caller without a credential of its own."""
    async with a_client(house, routers=[_router()]) as opened:
        del opened.headers["Authorization"]
        yield opened


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _sent(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


async def change_keys(house: House, assignment: str) -> None:
    async with house.session() as session:
        await session.execute(text(f"update api_keys set {assignment} where kind = 'sk'"))  # noqa: S608 (written in this file)


async def test_a_secret_key_says_whose_request_it_is(
    caller: httpx2.AsyncClient, house: House
) -> None:
    """Tenant and actor follow from the key alone."""
    answer = await caller.get(MINE, headers=bearer(house.api_key))
    assert answer.status_code == 200
    async with house.session() as session:
        key = await session.scalar(select(ApiKey.id).where(ApiKey.kind == "sk"))
    assert (answer.json()["slug"], answer.json()["actor"]) == (house.slug, f"key:{key}")


async def test_every_tenant_sees_its_own(caller: httpx2.AsyncClient, house: House) -> None:
    """The same address with another key is another house."""
    other = await a_tenant(house.database, "another")
    seen = [
        (await caller.get(MINE, headers=bearer(key))).json()["slug"]
        for key in (house.api_key, other.api_key, house.api_key)
    ]
    assert seen == [house.slug, "another", house.slug]


NOBODY: list[dict[str, str]] = [
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer "},
    {"Authorization": "Basic c2VjcmV0OnNlY3JldA=="},
    {"Authorization": "Bearer sk_live_lakeview_short"},
    {"Authorization": "Bearer sk_live_lakeview_" + "A" * 43},
    {"Authorization": "Bearer sk_live_lakeview_" + "A" * 43 + "\u00e9"},
    {"Authorization": "Bearer ' or 1=1 --"},
]


async def test_nobody_is_refused(caller: httpx2.AsyncClient) -> None:
    """Missing, of another kind, badly formed, unknown: one answer that tells nothing."""
    for header in NOBODY:
        answer = await caller.get(MINE, headers=_sent(header))
        assert answer.status_code == 401, header
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["code"] == "AUTH_REQUIRED"
        assert answer.json()["requestId"] == answer.headers["X-Request-Id"]


async def test_a_key_that_was_revoked_or_has_expired_is_refused(
    caller: httpx2.AsyncClient, house: House
) -> None:
    """By the house's clock, at the very instant."""
    await change_keys(house, f"expires_at = '{(NOON + timedelta(seconds=1)).isoformat()}'")
    assert (await caller.get(MINE, headers=bearer(house.api_key))).status_code == 200
    await change_keys(house, f"expires_at = '{NOON.isoformat()}'")
    expired = await caller.get(MINE, headers=bearer(house.api_key))
    assert (expired.status_code, expired.json()["detail"]) == (401, "this key has expired")
    await change_keys(house, "expires_at = null, revoked_at = now()")
    assert (await caller.get(MINE, headers=bearer(house.api_key))).status_code == 401


async def test_an_account_that_is_closed_is_told_so(
    caller: httpx2.AsyncClient, house: House
) -> None:
    """Known, but not served."""
    for status in ("suspended", "cancelled"):
        async with house.session() as session:
            await session.execute(text("update tenants set status = :s"), {"s": status})
        answer = await caller.get(MINE, headers=bearer(house.api_key))
        assert (answer.status_code, answer.json()["code"]) == (403, "TENANT_INACTIVE")


async def test_a_public_key_opens_the_shop_and_nothing_else(
    caller: httpx2.AsyncClient, house: House
) -> None:
    """However it is sent; and a secret key is never taken as a public one."""
    for headers in (bearer(house.public_key), {"X-Tenant-Key": house.public_key}):
        assert (await caller.get(SHOP, headers=headers)).json()["slug"] == house.slug
        refused = await caller.get(MINE, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    assert (await caller.get(SHOP, headers=bearer(house.api_key))).status_code == 200
    for wrong in (house.api_key, "pk_live_nobody_" + "A" * 43, "nonsense"):
        refused = await caller.get(SHOP, headers={"X-Tenant-Key": wrong})
        assert (refused.status_code, refused.json()["code"]) == (401, "INVALID_TENANT_KEY")
    nobody = await caller.get(SHOP)
    assert (nobody.status_code, nobody.json()["code"]) == (401, "TENANT_KEY_REQUIRED")


async def test_a_narrowed_key_holds_only_what_is_listed(
    caller: httpx2.AsyncClient, house: House
) -> None:
    """An empty list means everything a secret key may."""
    await change_keys(house, """permissions = '["billing:read"]'""")
    refused = await caller.get(MINE, headers=bearer(house.api_key))
    assert (refused.status_code, refused.json()["detail"]) == (
        403,
        "this key does not hold tasks:read",
    )
    await change_keys(house, """permissions = '["tasks:read"]'""")
    assert (await caller.get(MINE, headers=bearer(house.api_key))).status_code == 200


async def test_a_callers_request_id_is_kept(caller: httpx2.AsyncClient, house: House) -> None:
    """In the answer, for the handler, and in the audit of what it changed."""
    given = "ours-1.2_3" + "a" * 54
    headers = {**bearer(house.api_key), "X-Request-Id": given}
    seen = await caller.get(MINE, headers=headers)
    assert (seen.headers["X-Request-Id"], seen.json()["request"]) == (given, given)
    assert (await caller.put(MINE, headers=headers)).status_code == 200
    async with house.session() as session:
        rows = await session.scalars(select(AuditRow).where(AuditRow.table_name == "tenants"))
        written = [(row.request_id, row.operation) for row in rows]
    assert (given, "update") in written


async def test_an_indecent_request_id_is_replaced(caller: httpx2.AsyncClient) -> None:
    """It would stand in logs and pages; ours is a fresh one each time."""
    for given in ("", "a" * 65, "two words", "<script>", "é"):
        headers = _sent({"X-Request-Id": given})
        answers = [await caller.get("/nowhere", headers=headers) for _ in range(2)]
        ids = {answer.headers["X-Request-Id"] for answer in answers}
        assert len(ids) == 2
        assert given not in ids


async def test_a_change_without_a_key_is_rolled_back_with_its_error(
    caller: httpx2.AsyncClient, house: House
) -> None:
    """One request is one transaction, also without an Idempotency-Key."""
    router = APIRouter(route_class=TenantRoute)

    @router.put("/broken", **allows(Permission.SETTINGS_WRITE))
    async def broken(here: Here) -> None:
        here.tenant.name = "half done"
        await here.session.flush()
        raise RuntimeError("no")

    async with a_client(house, routers=[router]) as client:
        assert (await client.put("/broken")).status_code == 500
    async with house.session() as session:
        assert await session.scalar(text("select name from tenants")) == house.slug


def test_a_route_without_a_permission_does_not_start() -> None:
    """Also when it hides in a router within a router."""
    inner, outer = APIRouter(), APIRouter()

    @inner.get(f"/{uuid7()}")
    def forgotten() -> None: ...

    outer.include_router(inner)
    with pytest.raises(RuntimeError, match="declares no permission"):
        _all_declared(outer.routes)
