"""Finds free ports on loopback and remembers them for one state folder."""

import json
import secrets
import socket
from pathlib import Path

from domain.errors import Unavailable

LOOPBACK = "127.0.0.1"
_TRIES = 200
_OURS = range(15_000, 32_000)


def is_free(port: int) -> bool:
    """Whether nobody listens on `port` of loopback at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def any_free_port() -> int:
    """A port that was free a moment ago, below those the system gives to whoever calls out.

    One of those may be gone by the time a server wants it.
    """
    return next_free_port(secrets.choice(_OURS))


def next_free_port(wanted: int, taken: frozenset[int] = frozenset()) -> int:
    """`wanted` itself or the first free port after it that is not `taken`."""
    for port in range(wanted, min(wanted + _TRIES, 65_536)):
        if port not in taken and is_free(port):
            return port
    raise Unavailable(f"no free port from {wanted} on")


class RememberedPorts:
    """The ports of one state folder: a part keeps its port from one start to the next if it can."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}

    def take(self, part: str, default: int) -> tuple[int, int]:
        """The port wanted for `part` and the one it gets: the same unless somebody holds it."""
        wanted = self._ports.get(part, default)
        others = frozenset(port for name, port in self._ports.items() if name != part)
        port = next_free_port(wanted, others)
        self._ports[part] = port
        self._file.write_text(json.dumps(self._ports, indent=2, sort_keys=True) + "\n")
        return wanted, port
