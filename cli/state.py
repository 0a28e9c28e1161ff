"""The folder of one embedded stack: its settings, its secrets, its lock, its logs."""

import base64
import fcntl
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TextIO, TypeVar

import typer
from pydantic import ValidationError

from domain.errors import Conflict
from models.vault import new_keyset
from runtime.embedded.ports import RememberedPorts
from runtime.settings import PREFIX, Concern, Settings

StateOption = Annotated[
    Path,
    typer.Option("--state", metavar="DIR", help="The folder of one embedded stack."),
]
DEFAULT_STATE = Path(".innkeeper")
Told = TypeVar("Told", bound=Concern)


@dataclass(frozen=True, slots=True)
class StackSecrets:
    """What is drawn once for a stack and never again."""

    blind_index_key: str
    twilio_account_sid: str
    twilio_auth_token: str


class StateFolder:
    """Paths and files of one state folder. Files with secrets are readable by their owner alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.stack_file = self.folder / "stack.json"
        self.settings_file = self.folder / "settings.env"
        self.keyset_file = self.folder / "keyset.json"
        self.demo_file = self.folder / "demo.json"
        self._lock_file = self.folder / "lock"

    def make(self) -> None:
        """Make the folder; others may pass through it, which PostgreSQL's user must."""
        self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        (self.folder / "logs").mkdir(mode=0o700, exist_ok=True)

    def log(self, part: str) -> Path:
        """Where a part's words go."""
        return self.folder / "logs" / f"{part}.log"

    def ports(self) -> RememberedPorts:
        """The ports this stack had last time."""
        return RememberedPorts(self.folder / "ports.json")

    def lock(self, pid: int) -> TextIO:
        """Claim the folder for this process until the file is closed; Conflict if it is claimed."""
        lock = self._lock_file.open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as taken:
            lock.close()
            raise Conflict(f"a stack is up over {self.folder} (process {self.holder()})") from taken
        lock.truncate(0)
        lock.write(str(pid))
        lock.flush()
        return lock

    def holder(self) -> int | None:
        """The process that holds the folder, None if nobody does."""
        if not self._lock_file.exists():
            return None
        with self._lock_file.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                words = lock.read().strip()
                return int(words) if words else 0
        return None

    def stack_secrets(self) -> StackSecrets:
        """The stack's own secrets, drawn now if it is new; the keyset lies beside them."""
        if not self.keyset_file.exists():
            write_private(self.keyset_file, new_keyset())
        file = self.folder / "secrets.json"
        if not file.exists():
            drawn = {
                "blind_index_key": base64.b64encode(secrets.token_bytes(32)).decode(),
                "twilio_account_sid": "AC" + secrets.token_hex(16),
                "twilio_auth_token": secrets.token_hex(16),
            }
            write_private(file, json.dumps(drawn, indent=2) + "\n")
        return StackSecrets(**json.loads(file.read_text()))

    def write_settings(self, settings: Mapping[str, str]) -> None:
        """Keep the settings of the stack's parts; names as in `docs/settings.md`."""
        lines = [f"{name}='{value}'\n" for name, value in settings.items()]
        write_private(self.settings_file, "".join(lines))


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    unfinished = file.with_name(f".{file.name}.new")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text(text)
    unfinished.replace(file)


def read_json(file: Path) -> dict[str, Any] | None:
    """The object a file holds, None if there is no file."""
    return json.loads(file.read_text()) if file.exists() else None


def load_settings(state: Path) -> Settings:
    """The settings of the API and the workers: the environment, then the stack of `state`.

    Prints what is missing or bad and ends the program with 1.
    """
    file = StateFolder(state).settings_file
    try:
        return Settings.load(file if file.exists() else None)
    except ValidationError as problem:
        raise _explained(problem, state) from problem


def load_concern(concern: type[Told], state: Path) -> Told:
    """The settings of one concern, in the same way."""
    file = StateFolder(state).settings_file
    try:
        return concern.load(file if file.exists() else None)
    except ValidationError as problem:
        raise _explained(problem, state) from problem


def _explained(problem: ValidationError, state: Path) -> typer.Exit:
    for error in problem.errors(include_url=False, include_input=False):
        name = PREFIX + "_".join(str(part) for part in error["loc"]).upper()
        typer.echo(f"{name}: {error['msg']}", err=True)
    typer.echo(f"no stack in {state} says it either; see docs/settings.md", err=True)
    return typer.Exit(1)
