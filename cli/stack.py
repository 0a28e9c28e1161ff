"""One embedded stack: PostgreSQL, Temporal, sandbox, worker, API over one state folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli import supervision
from cli.child import Child
from cli.demo import demo_tenant
from cli.state import StateFolder, load_settings, write_private
from cli.supervision import Part, Server
from runtime import migrate
from runtime.drain import CLOSING_SECONDS
from runtime.embedded.ports import LOOPBACK
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.embedded.temporal import NAMESPACE, EmbeddedTemporal
from runtime.settings import environment_without

DEFAULT_PORTS = {
    "postgres": 5433,
    "temporal": 7233,
    "temporal-ui": 8233,
    "sandbox": 8100,
    "sandbox-smtp": 8125,
    "api": 8000,
}
# The sandbox knows every key of the right shape; this one opens nothing anywhere else.
PLATFORM_KEY = "sk_test_innkeeper_platform"
_DRAIN_SECONDS = 9  # each of API and worker: the whole stack is down within 30
_PATIENCE_SECONDS = _DRAIN_SECONDS + CLOSING_SECONDS + 1


class Stack:
    """The parts in the order they start; they stop in the opposite one."""

    def __init__(self, state: StateFolder, say: Callable[[str], None]) -> None:
        self._state = state
        self._say = say
        self._parts: list[Part] = []
        self._ports: dict[str, int] = {}
        self._settings: dict[str, str] = {}

    async def start(self, *, demo: bool) -> dict[str, Any]:
        """Bring everything up and answer what `stack.json` says, which is written by then.

        Raises Unavailable with the reason when a part does not come up; `stop` is still due.
        """
        self._state.stack_file.unlink(missing_ok=True)
        self._take_ports()
        postgres = EmbeddedPostgres(self._folder("postgres"), port=self._ports["postgres"])
        temporal = EmbeddedTemporal(
            self._folder("temporal"),
            port=self._ports["temporal"],
            ui_port=self._ports["temporal-ui"],
        )
        await self._start("PostgreSQL", postgres)
        await self._start("Temporal", temporal)
        self._write_settings(postgres, temporal)
        await self._start("the sandbox", self._child("sandbox", f"{self._url('sandbox')}/"))
        await migrate.upgrade(postgres.dsn("inn_owner"))
        shown = await self._demo() if demo else None
        worker = self._child("worker", None, drain=_PATIENCE_SECONDS)
        await self._start("the worker", worker)
        api = self._child("api", f"{self._url('api')}/health/ready", drain=_PATIENCE_SECONDS)
        await self._start("the API", api)
        worker.check()
        return self._write_stack(postgres, temporal, shown)

    async def watch(self) -> None:
        """Start again whatever ends, until cancelled."""
        await supervision.keep_running(self._parts, self._say)

    async def stop(self) -> None:
        """API, worker, sandbox, Temporal, PostgreSQL; what was answered is on disk."""
        while self._parts:
            await self._parts.pop().server.stop()
        self._state.stack_file.unlink(missing_ok=True)

    async def _start(self, name: str, server: Server) -> None:
        self._parts.append(Part(name, server))
        await server.start()

    def _take_ports(self) -> None:
        remembered = self._state.ports()
        for part, default in DEFAULT_PORTS.items():
            wanted, port = remembered.take(part, default)
            if port != wanted:
                self._say(f"port {wanted} is busy: {part} takes {port}")
            self._ports[part] = port

    def _folder(self, part: str) -> Path:
        return self._state.folder / part

    def _url(self, part: str) -> str:
        return f"http://{LOOPBACK}:{self._ports[part]}"

    def _child(self, part: str, health: str | None, *, drain: float = 3) -> Child:
        return Child(
            part,
            self._state.folder,
            self._state.log(part),
            environment=environment_without(self._settings),
            health=health,
            patience_seconds=drain,
        )

    def _write_settings(self, postgres: EmbeddedPostgres, temporal: EmbeddedTemporal) -> None:
        drawn = self._state.stack_secrets()
        self._settings = {
            "INNKEEPER_DATABASE_URL": postgres.dsn("inn_app"),
            "INNKEEPER_PLATFORM_DATABASE_URL": postgres.dsn("inn_platform"),
            "INNKEEPER_OWNER_DATABASE_URL": postgres.dsn("inn_owner"),
            "INNKEEPER_TEMPORAL_ADDRESS": temporal.address,
            "INNKEEPER_TEMPORAL_NAMESPACE": temporal.namespace,
            "INNKEEPER_TEMPORAL_UI_URL": temporal.ui_url,
            "INNKEEPER_API_HOST": LOOPBACK,
            "INNKEEPER_API_PORT": str(self._ports["api"]),
            "INNKEEPER_PUBLIC_BASE_URL": self._url("api"),
            "INNKEEPER_SMTP_HOST": LOOPBACK,
            "INNKEEPER_SMTP_PORT": str(self._ports["sandbox-smtp"]),
            "INNKEEPER_SMTP_SECURITY": "none",
            "INNKEEPER_SMTP_USER": "",
            "INNKEEPER_SMTP_PASSWORD": "",
            "INNKEEPER_SMTP_FROM": "desk@innkeeper.example",
            "INNKEEPER_TWILIO_ACCOUNT_SID": drawn.twilio_account_sid,
            "INNKEEPER_TWILIO_AUTH_TOKEN": drawn.twilio_auth_token,
            "INNKEEPER_TWILIO_FROM": "+15005550006",
            "INNKEEPER_TWILIO_BASE_URL": f"{self._url('sandbox')}/twilio",
            "INNKEEPER_STRIPE_URL": f"{self._url('sandbox')}/stripe",
            "INNKEEPER_STRIPE_PLATFORM_KEY": PLATFORM_KEY,
            "INNKEEPER_RAZORPAY_URL": f"{self._url('sandbox')}/razorpay",
            "INNKEEPER_SANDBOX_HOST": LOOPBACK,
            "INNKEEPER_SANDBOX_PORT": str(self._ports["sandbox"]),
            "INNKEEPER_SANDBOX_SMTP_PORT": str(self._ports["sandbox-smtp"]),
            "INNKEEPER_SANDBOX_URL": self._url("sandbox"),
            "INNKEEPER_KEYSET": str(self._state.keyset_file),
            "INNKEEPER_BLIND_INDEX_KEY": drawn.blind_index_key,
            "INNKEEPER_DRAIN_SECONDS": str(_DRAIN_SECONDS),
        }
        self._state.write_settings(self._settings)

    async def _demo(self) -> dict[str, str] | None:
        return await demo_tenant(self._state, load_settings(self._state.folder))

    def _write_stack(
        self,
        postgres: EmbeddedPostgres,
        temporal: EmbeddedTemporal,
        demo: dict[str, str] | None,
    ) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "api": self._url("api"),
            "temporalUi": temporal.ui_url,
            "temporal": temporal.address,
            "sandbox": self._url("sandbox"),
            "postgres": postgres.dsn("postgres"),
            "namespace": NAMESPACE,
            "demo": demo,
        }
        write_private(self._state.stack_file, json.dumps(shown, indent=2) + "\n")
        return shown
