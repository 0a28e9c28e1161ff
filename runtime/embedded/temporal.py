"""A real Temporal server with its UI, its store in one file, on ports of loopback."""

import asyncio
import os
import signal
import subprocess
import sysconfig
from pathlib import Path
from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from domain.errors import Unavailable
from runtime.embedded.ports import LOOPBACK, any_free_port
from runtime.embedded.process import ServerFailed, spawn, stop
from runtime.temporal import SEARCH_ATTRIBUTES

NAMESPACE: Final = "innkeeper"
# Three times faster than the default; a commit lost at power loss is repaired from the rows.
_PRAGMAS: Final = ("journal_mode=WAL", "synchronous=NORMAL")
# Without it a server takes the fairness keys of our starts and ignores them.
FAIRNESS: Final = "matching.enableFairness=true"
_START_SECONDS = 60


class EmbeddedTemporal:
    """One development server over one folder. Call `start` on the thread that lives longest."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        ui_port: int | None = None,
        namespace: str = NAMESPACE,
    ) -> None:
        self.folder = folder.absolute()
        self.log = self.folder / "temporal.log"
        self.store = self.folder / "temporal.db"
        self.port = port or any_free_port()
        self.ui_port = ui_port or any_free_port()
        self.namespace = namespace
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The running server, for whoever watches over it."""
        return self._process

    @property
    def address(self) -> str:
        """`host:port` of the gRPC service."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def ui_url(self) -> str:
        """Where a browser finds the UI."""
        return f"http://{LOOPBACK}:{self.ui_port}"

    async def start(self) -> None:
        """Start the server and wait until the namespace answers.

        Raises Unavailable with the reason when it does not come up.
        """
        self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        program = Path(sysconfig.get_path("scripts")) / "temporal"
        if not program.exists():
            raise Unavailable("the program `temporal` is missing: install the extra [embedded]")
        self._process = spawn(
            [str(program), *self._arguments()],
            self.log,
            parting_signal=signal.SIGTERM,
            environment={"PATH": os.defpath, "HOME": str(self.folder), "LANG": "C.UTF-8"},
            folder=self.folder,
        )
        try:
            await self._wait_until_it_answers()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the server; its store stays. Harmless if it is stopped."""
        if self._process is not None:
            await stop(self._process, signal.SIGTERM, patience_seconds=5)
            self._process = None

    def _arguments(self) -> list[str]:
        return [
            *("server", "start-dev", "--disable-config-file", "--disable-config-env"),
            *("--db-filename", str(self.store), "--ip", LOOPBACK, "--port", str(self.port)),
            *("--ui-port", str(self.ui_port), "--ui-disable-news-fetch"),
            *("--namespace", self.namespace, "--log-level", "warn", "--log-format", "json"),
            *("--dynamic-config-value", FAIRNESS),
            *(word for pragma in _PRAGMAS for word in ("--sqlite-pragma", pragma)),
            *(
                word
                for name, kind in SEARCH_ATTRIBUTES.items()
                for word in ("--search-attribute", f"{name}={_kind_name(kind)}")
            ),
        ]

    async def _wait_until_it_answers(self) -> None:
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while True:
            process = self._process
            if process is None or process.poll() is not None:
                raise ServerFailed("Temporal", "ended while starting", self.log)
            try:
                client = await Client.connect(self.address, namespace=self.namespace)
                request = DescribeNamespaceRequest(namespace=self.namespace)
                await client.workflow_service.describe_namespace(request)
            except (RuntimeError, RPCError) as problem:
                if asyncio.get_running_loop().time() > deadline:
                    raise ServerFailed("Temporal", "did not answer", self.log) from problem
                await asyncio.sleep(0.1)
            else:
                return


def _kind_name(kind: IndexedValueType.ValueType) -> str:
    return IndexedValueType.Name(kind).removeprefix("INDEXED_VALUE_TYPE_").capitalize()
