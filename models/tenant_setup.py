"""A new operator: its row, its settings, its owner, its two keys, in one transaction."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

from phonenumbers import SUPPORTED_REGIONS
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.calendar import zone_of
from domain.errors import Conflict, FieldProblem, InvalidInput
from domain.money import exponent
from models.contact import mail_address
from models.database import Actor, Database
from models.tenant import ApiKey, ApiKeyKind, BillingSettings, Role, Tenant, User

# ASVS asks m >= 46 MiB at t=1 or 19 MiB at t=2; this is above both.
PASSWORDS = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=47_104, parallelism=1),))
KEY_BYTES = 32
NAME = re.compile(r"(?=.{1,200}$)[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*")
# A label of the domain name system: the slug stands in keys and in addresses.
SLUG = re.compile(r"(?=.{2,63}$)[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class NewTenant:
    """What is asked of an operator at the start."""

    name: str
    slug: str
    owner_email: str
    country: str
    currency: str
    timezone: str
    test_keys: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the new operator is told once and never again."""

    tenant_id: UUID
    api_key: str
    public_key: str
    owner_id: UUID
    password: str


def key_hash(key: str) -> str:
    """How a key is looked up: SHA-256. A key carries 256 random bits, so no salt is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


async def set_up_tenant(database: Database, asked: NewTenant) -> Credentials:
    """Make a tenant, or nothing: InvalidInput names each bad field, a taken slug is a Conflict."""
    tenant_id = uuid7()
    email = checked(asked)
    password = secrets.token_urlsafe(15)
    async with database.tenant(tenant_id, Actor("platform:set up a tenant")) as session:
        if not await session.scalar(text("select claim_slug(:slug)"), {"slug": asked.slug}):
            raise Conflict(f"slug: {asked.slug!r} is taken; choose another", code="SLUG_TAKEN")
        session.add(_row(tenant_id, asked, email))
        session.add(BillingSettings())
        owner = User(email=email, password_hash=PASSWORDS.hash(password), role=Role.OWNER)
        session.add(owner)
        await session.flush()
        await session.execute(
            text("select claim_email(:email, :user)"), {"email": email, "user": owner.id}
        )
        secret = await _new_key(session, ApiKeyKind.SECRET, asked)
        public = await _new_key(session, ApiKeyKind.PUBLIC, asked)
        return Credentials(tenant_id, secret, public, owner.id, password)


def checked(asked: NewTenant) -> str:
    """The owner's mail address as it is kept; InvalidInput with every field that breaks a rule."""
    problems: list[FieldProblem] = []
    email = ""
    if not NAME.fullmatch(asked.name):
        rule = "is not a name: 1 to 200 characters in one line"
        problems.append(FieldProblem("name", "NAME", f"{asked.name[:80]!r} {rule}"))
    if not SLUG.fullmatch(asked.slug):
        rule = "is not a slug: 2 to 63 small letters, digits and single hyphens between them"
        problems.append(FieldProblem("slug", "SLUG", f"{asked.slug[:80]!r} {rule}"))
    try:
        email = mail_address("owner", asked.owner_email)
    except InvalidInput as refused:
        problems += refused.problems
    if asked.country not in SUPPORTED_REGIONS:
        rule = "is not an ISO 3166 country code such as IN"
        problems.append(FieldProblem("country", "COUNTRY", f"{asked.country[:80]!r} {rule}"))
    for rule_of, value in ((exponent, asked.currency), (zone_of, asked.timezone)):
        try:
            rule_of(value)
        except InvalidInput as refused:
            problems += refused.problems
    if problems:
        raise InvalidInput(*problems)
    return email


def _row(tenant_id: UUID, asked: NewTenant, email: str) -> Tenant:
    return Tenant(
        id=tenant_id,
        name=asked.name,
        slug=asked.slug,
        country=asked.country,
        currency=asked.currency,
        timezone=asked.timezone,
        billing_email=email,
        test_keys=asked.test_keys,
    )


async def _new_key(session: AsyncSession, kind: ApiKeyKind, asked: NewTenant) -> str:
    mode = "test" if asked.test_keys else "live"
    random = base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode().rstrip("=")
    key = f"{kind}_{mode}_{asked.slug}_{random}"
    row = ApiKey(kind=kind, name="first key", hint=f"…{key[-4:]}")
    session.add(row)
    await session.flush()
    await session.execute(
        text("select register_api_key(:hash, :key)"), {"hash": key_hash(key), "key": row.id}
    )
    return key


async def tenant_by_slug(database: Database, slug: str) -> UUID | None:
    """The tenant that a slug names."""
    async with database.anonymous() as connection:
        found: UUID | None = await connection.scalar(
            select(text("find_tenant(:slug)")), {"slug": slug}
        )
        return found
