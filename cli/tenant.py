"""`innkeeper tenant create`: a new operator, and its credentials, told once and never again."""

import asyncio
import json
from typing import Annotated

import typer

from cli.door import opened
from cli.state import DEFAULT_STATE, StateOption, load_concern
from domain.errors import Refused
from models.tenant_setup import Credentials, NewTenant, set_up_tenant
from runtime.settings import DatabaseSettings

REFUSED = 2
tenant_app = typer.Typer(help="The operators this house serves.", no_args_is_help=True)


@tenant_app.callback()
def _group() -> None:
    """The operators this house serves."""


@tenant_app.command("create")
def create(  # noqa: PLR0917 (typer gives them by name)
    name: Annotated[str, typer.Option(help="What people call it.")],
    slug: Annotated[str, typer.Option(help="Its short name, in keys and addresses.")],
    owner: Annotated[str, typer.Option(metavar="MAIL", help="The owner's mail address.")],
    country: Annotated[str, typer.Option(help="ISO 3166 code: how its phones are read.")],
    currency: Annotated[str, typer.Option(help="ISO 4217 code: what it bills in.")],
    timezone: Annotated[str, typer.Option(help="IANA name: whose days its days are.")],
    as_json: Annotated[bool, typer.Option("--json", help="Tell it to a program.")] = False,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Make a tenant with its owner and two keys; a bad or taken value is one line and exit 2."""
    asked = NewTenant(name, slug, owner, country, currency, timezone)
    try:
        told = asyncio.run(create_tenant(load_concern(DatabaseSettings, state), asked))
    except Refused as refused:
        typer.echo(refused.detail, err=True)
        raise typer.Exit(REFUSED) from refused
    shown = {
        "tenantId": str(told.tenant_id),
        "apiKey": told.api_key,
        "publicKey": told.public_key,
        "ownerId": str(told.owner_id),
        "password": told.password,
    }
    typer.echo(json.dumps(shown) if as_json else _table(asked, shown))


async def create_tenant(settings: DatabaseSettings, asked: NewTenant) -> Credentials:
    """Make the tenant in the database that the settings name; Refused when a value is not right."""
    async with opened(settings) as database:
        return await set_up_tenant(database, asked)


def _table(asked: NewTenant, shown: dict[str, str]) -> str:
    words = ("tenant", "API key", "public key", "owner", "password")
    rows = zip(words, shown.values(), strict=True)
    lines = [f"  {word:<11} {value}" for word, value in rows]
    return "\n".join([f"{asked.name} is set up. Keep these: they are not shown again.", *lines])
