"""Serves the API: one process, uvicorn on uvloop, drained on SIGTERM."""

import uvicorn
from fastapi import FastAPI

from api.app import build
from api.parts import Links, Parts
from models.database import Database
from models.vault import Vault
from runtime.clock import SystemClock
from runtime.settings import Settings

DRAIN_SECONDS = 25


def app_of(settings: Settings) -> FastAPI:
    """The application as the settings say."""
    database = Database(
        settings.database.database_url.get_secret_value(),
        settings.database.platform_database_url.get_secret_value(),
        pool_size=settings.database.database_pool_size,
    )
    vault = Vault(settings.keys.keyset_json(), settings.keys.blind_index_bytes())
    links = Links(
        temporal_ui=settings.temporal.temporal_ui_url,
        temporal=settings.temporal.temporal_address,
        namespace=settings.temporal.temporal_namespace,
        sandbox=settings.sandbox.sandbox_url or "",
    )
    return build(Parts(database, vault, SystemClock(), links))


def serve(settings: Settings) -> None:
    """Serve until told to stop; requests under way are finished first."""
    uvicorn.run(
        app_of(settings),
        host=settings.api.api_host,
        port=settings.api.api_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
