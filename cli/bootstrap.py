"""`innkeeper bootstrap`: what must stand before the first migration, in PostgreSQL and Temporal."""

import asyncio

from cli.state import DEFAULT_STATE, StateOption, load_concern
from runtime.bootstrap import prepare_postgres, prepare_temporal
from runtime.settings import AdminSettings, DatabaseSettings, OwnerSettings, TemporalSettings


def bootstrap(state: StateOption = DEFAULT_STATE) -> None:
    """Make roles, database, namespace and what is in them; harmless when all is there."""
    admin = load_concern(AdminSettings, state).admin_database_url.get_secret_value()
    house = load_concern(DatabaseSettings, state)
    owner = load_concern(OwnerSettings, state)
    temporal = load_concern(TemporalSettings, state)
    urls = {
        "inn_owner": owner.owner_database_url.get_secret_value(),
        "inn_app": house.database_url.get_secret_value(),
        "inn_platform": house.platform_database_url.get_secret_value(),
    }
    asyncio.run(prepare_postgres(admin, urls))
    print("PostgreSQL: roles, database and extensions are there")
    asyncio.run(prepare_temporal(temporal.temporal_address, temporal.temporal_namespace))
    print(f"Temporal: namespace {temporal.temporal_namespace} knows our search attributes")
