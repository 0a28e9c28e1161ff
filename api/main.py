"""Serves the API: one process, uvicorn on uvloop, drained on SIGTERM."""

import time
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from api.app import build
from api.parts import Links, Parts
from models.database import Database
from runtime.clock import SystemClock
from runtime.drain import CLOSING_SECONDS, end_now, insist
from runtime.gateways import ProviderGateways
from runtime.lives import LifeDesk
from runtime.pay_links import vault_of
from runtime.settings import DrainSettings, Settings
from runtime.temporal import connect

log = structlog.get_logger()


def app_of(settings: Settings) -> FastAPI:
    """The application as the settings say."""
    database = Database(
        settings.database.database_url.get_secret_value(),
        settings.database.platform_database_url.get_secret_value(),
        pool_size=settings.database.database_pool_size,
    )
    vault = vault_of(settings)
    links = Links(
        public=settings.api.public_base_url or "",
        temporal_ui=settings.temporal.temporal_ui_url,
        temporal=settings.temporal.temporal_address,
        namespace=settings.temporal.temporal_namespace,
        sandbox=settings.sandbox.sandbox_url or "",
    )
    token = settings.metrics.metrics_token
    secret = "" if token is None else token.get_secret_value()
    reached = settings.temporal.temporal_address, settings.temporal.temporal_namespace
    desk = LifeDesk(lambda: connect(*reached))
    gateways = ProviderGateways(settings.payments)
    return build(
        Parts(database, vault, SystemClock(), links, secret, lives=desk, gateways=gateways)
    )


def serve(settings: Settings) -> None:
    """Serve until told to stop; requests under way are finished first."""
    app = app_of(settings)
    config = uvicorn.Config(
        app,
        host=settings.api.api_host,
        port=settings.api.api_port,
        log_config=None,
        access_log=False,
        server_header=False,
    )
    Server(config, app, settings.drain).run()


class Server(uvicorn.Server):
    """Told to stop, it first says so at /health/ready, answers what runs, and closes then.

    Its port stays open meanwhile: who asks whether it is ready is told, not turned away.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI, patience: DrainSettings) -> None:
        super().__init__(config)
        self._app = app
        self._patience = patience
        self._told_at = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """The first signal asks, the second ends; the exit code of an orderly end is 0."""
        if self._app.state.leaving:
            end_now("told twice to stop")
        log.info("told to stop", seconds=self._patience.drain_seconds)
        insist(self._patience.drain_seconds + CLOSING_SECONDS)
        self._told_at = time.monotonic()
        self._app.state.leaving = True

    async def on_tick(self, counter: int) -> bool:
        """Asked ten times a second whether it is time to close the port."""
        if self._app.state.leaving and not self.should_exit:
            since = time.monotonic() - self._told_at
            left = self._patience.drain_seconds - since
            quiet = since >= self._patience.linger_seconds and not self.server_state.tasks
            if quiet or left <= 0:
                self.config.timeout_graceful_shutdown = max(1, int(left))
                self.should_exit = True
        return await super().on_tick(counter)
