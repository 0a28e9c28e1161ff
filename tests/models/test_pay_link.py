"""A resident's pay link: one stands, its token is nowhere readable, a revoked one opens nothing."""

import asyncio
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select

from models.database import Database
from models.pay_link import PayLink, PayLinks, link_of, resolve, revoke
from models.tenant_setup import key_hash
from models.vault import Vault
from tests.support.database import DatabaseUrls
from tests.support.house import House, a_resident, a_tenant
from tests.support.web import NOON, a_vault
from tests.support.written import everything


@pytest.fixture
def vault() -> Vault:
    return a_vault()


async def made(house: House, vault: Vault, resident_id: UUID) -> str:
    async with house.session() as session:
        return await link_of(session, vault, resident_id)


async def test_a_link_is_found_again_and_leads_to_its_resident(house: House, vault: Vault) -> None:
    asha, ravi = await a_resident(house), await a_resident(house, "Ravi")
    token = await made(house, vault, asha.id)
    assert await made(house, vault, asha.id) == token
    assert await made(house, vault, ravi.id) != token
    assert len(token) == 43
    assert await resolve(house.database, token) == (house.tenant_id, asha.id)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 44, "'; drop table pay_links; --", "é"])
async def test_what_nobody_was_given_leads_nowhere(database: Database, token: str) -> None:
    assert await resolve(database, token) is None


async def test_a_revoked_link_opens_nothing_and_the_next_is_another(
    house: House, vault: Vault
) -> None:
    asha = await a_resident(house)
    token = await made(house, vault, asha.id)
    async with house.session() as session:
        assert await revoke(session, asha.id, NOON)
        assert not await revoke(session, asha.id, NOON)
    assert await resolve(house.database, token) is None
    other = await made(house, vault, asha.id)
    assert other != token
    assert await resolve(house.database, other) == (house.tenant_id, asha.id)
    async with house.session() as session:
        rows = (await session.scalars(select(PayLink).order_by(PayLink.id))).all()
    assert [row.revoked_at for row in rows] == [NOON, None]


async def test_many_who_make_it_at_once_get_one(house: House, vault: Vault) -> None:
    asha = await a_resident(house)
    tokens = await asyncio.gather(*(made(house, vault, asha.id) for _ in range(10)))
    assert len(set(tokens)) == 1
    assert await resolve(house.database, tokens[0]) == (house.tenant_id, asha.id)


async def test_a_link_that_was_rolled_back_leads_nowhere(house: House, vault: Vault) -> None:
    asha = await a_resident(house)
    async with house.session() as session:
        token = await link_of(session, vault, asha.id)
        await session.rollback()
    assert await resolve(house.database, token) is None


async def test_nobody_revokes_anothers_link(house: House, database: Database, vault: Vault) -> None:
    """Neither by the resident's id nor by the function behind it."""
    asha = await a_resident(house)
    token = await made(house, vault, asha.id)
    other = await a_tenant(database)
    async with house.session() as session:
        link_id = await session.scalar(select(PayLink.id))
    async with other.session() as session:
        assert not await revoke(session, asha.id, NOON)
        await session.execute(select(PayLink))
        connection = await session.connection()
        await connection.exec_driver_sql(f"select forget_pay_link('{link_id}')")
    assert await resolve(database, token) == (house.tenant_id, asha.id)


async def test_the_token_stands_readable_nowhere(
    house: House, vault: Vault, database_urls: DatabaseUrls
) -> None:
    """Sealed in its row, hashed in the look-up, absent from the evidence; the app reads no hash."""
    asha = await a_resident(house)
    token = await made(house, vault, asha.id)
    async with house.session() as session:
        await revoke(session, asha.id, NOON)
    assert not [row for row in await everything(database_urls) if token in row]
    app = await asyncpg.connect(database_urls.app)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.fetch("select * from pay_link_tokens")
        assert await app.fetchrow("select * from find_pay_link($1)", key_hash(token)) is None
    finally:
        await app.close()


async def test_an_address_is_made_only_where_payers_can_reach_us(
    house: House, vault: Vault
) -> None:
    asha = await a_resident(house)
    async with house.session() as session:
        assert await PayLinks("", vault).url_of(session, asha.id) is None
        assert await session.scalar(select(PayLink)) is None
        url = await PayLinks("https://pay.example.com", vault).url_of(session, asha.id)
    assert url == f"https://pay.example.com/pay/{await made(house, vault, asha.id)}"
