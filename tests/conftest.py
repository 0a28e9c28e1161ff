"""What every test may ask for: a database of its own, Temporal, and Temporal in skipped time."""

import gc
import os
import shutil
import sysconfig
import tempfile
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import structlog
from hypothesis import HealthCheck, settings
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from temporalio.testing import WorkflowEnvironment

from models import tenant_setup
from models.database import Database
from runtime.embedded.databases import Databases
from runtime.temporal import innkeeper, register_search_attributes
from tests.support.database import DatabaseUrls, copied, databases_of
from tests.support.house import House, a_database, a_tenant
from tests.support.run import BLANK, Run
from tests.support.soak import SOAK, soaked

_RUN = pytest.StashKey[Run]()
_ROOM = 4 << 30  # bytes that must be free; a run was seen to take a tenth
settings.register_profile(
    "house",
    max_examples=soaked(500),
    deadline=None,
    derandomize=not SOAK,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("house")
# Short words where a test shows its log; the default paints every local, for seconds.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
    ]
)


def pytest_configure(config: pytest.Config) -> None:
    """Begin the run in its owner; a helper process joins the owner's."""
    joined: dict[str, Any] | None = getattr(config, "workerinput", None)
    if joined is not None:
        config.stash[_RUN] = Run(Path(joined["run_folder"]), joined["run_owner"])
        return
    folder = Path(tempfile.mkdtemp(prefix="innkeeper-tests-", dir=_quick_ground()))
    folder.chmod(0o711)
    config.stash[_RUN] = Run(folder, psutil.Process().pid)


def _quick_ground() -> Path | None:
    """The memory's own file system where it has room: a database is copied there in a tenth.

    None means the ordinary place for passing files; a container gives its memory 64 MB.
    """
    memory = Path("/dev/shm")  # noqa: S108 -- the run makes a folder of its own below it
    if not memory.is_dir() or not os.access(memory, os.W_OK):
        return None
    roomy = shutil.disk_usage(memory).free > _ROOM
    return memory if roomy and psutil.virtual_memory().available > 2 * _ROOM else None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a helper process whose run it joins."""
    run: Run = node.config.stash[_RUN]
    node.workerinput["run_folder"] = str(run.folder)
    node.workerinput["run_owner"] = run.owner


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the run's servers, whatever happened."""
    if not hasattr(config, "workerinput") and _RUN in config.stash:
        config.stash[_RUN].stop()
        shutil.rmtree(config.stash[_RUN].folder, ignore_errors=True)


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> Run:
    """The run this test belongs to."""
    return request.config.stash[_RUN]


@pytest.fixture(scope="session")
def postgres_server(run: Run) -> Databases:
    """The run's PostgreSQL: `dsn`, `create`, `drop`."""
    return databases_of(run.server("postgres"))


@pytest.fixture
async def database_urls(postgres_server: Databases) -> AsyncGenerator[DatabaseUrls]:
    """A migrated database of this test alone, as each role reaches it."""
    async with copied(postgres_server) as urls:
        yield urls


@pytest.fixture
async def database(database_urls: DatabaseUrls) -> AsyncGenerator[Database]:
    """The door to that database, wide enough for tests that race."""
    async with a_database(database_urls, pool_size=25) as opened:
        yield opened


@pytest.fixture(autouse=True, scope="session")
def quick_passwords() -> Iterator[None]:
    """Argon2id at its cheapest: nearly every test makes an owner and never signs in."""
    hasher = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tenant_setup, "PASSWORDS", PasswordHash((hasher,)))
        yield


@pytest.fixture
async def house(database: Database) -> House:
    """A tenant in it."""
    return await a_tenant(database)


@pytest.fixture
async def blank_database_urls(postgres_server: Databases) -> AsyncGenerator[DatabaseUrls]:
    """A database of this test alone without any table, for the migrations' own tests."""
    async with copied(postgres_server, BLANK) as urls:
        yield urls


@dataclass(frozen=True, slots=True)
class TemporalServer:
    """Where the run's real Temporal server answers; shared, so take names of your own."""

    address: str
    namespace: str
    ui: str


@pytest.fixture(scope="session")
def temporal_server(run: Run) -> TemporalServer:
    """The run's Temporal server, in real time, search attributes registered."""
    return TemporalServer(**run.server("temporal"))


@pytest.fixture
async def env() -> AsyncGenerator[WorkflowEnvironment]:
    """Temporal in skipped time, of this test alone, speaking as the house does."""
    program = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(program), plugins=[innkeeper()]
    ) as environment:
        await register_search_attributes(environment.client)
        yield environment


def pytest_collection_finish() -> None:
    """What was imported and collected stays: nobody looks for garbage in it again and again."""
    gc.collect()
    gc.freeze()
