"""`innkeeper migrate`: brings the database to the newest migration."""

import asyncio

from cli.state import DEFAULT_STATE, StateOption, load_concern
from runtime import migrate as migrations
from runtime.settings import OwnerSettings


def migrate(state: StateOption = DEFAULT_STATE) -> None:
    """Bring the database to the newest migration; harmless when it is there."""
    owner = load_concern(OwnerSettings, state).owner_database_url.get_secret_value()
    before = asyncio.run(migrations.applied(owner))
    asyncio.run(migrations.upgrade(owner))
    after = asyncio.run(migrations.applied(owner))
    print(f"at {after}" if before == after else f"from {before or 'nothing'} to {after}")
