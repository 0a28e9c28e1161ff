"""The sandbox as a process of its own: it stops when told, and remembers."""

import signal
import smtplib
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from sandbox.main import bind

RUN = "from pathlib import Path; from sandbox.main import run; run('127.0.0.1', {}, {}, Path({!r}))"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(port: int, smtp_port: int, state: Path) -> subprocess.Popen[bytes]:
    code = RUN.format(port, smtp_port, str(state))
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    for _ in range(200):
        try:
            httpx2.get(f"http://127.0.0.1:{port}/health", trust_env=False)
        except httpx2.ConnectError:
            assert process.poll() is None, "it ended at once"
            time.sleep(0.05)
        else:
            return process
    raise AssertionError("it never answered")


def stop(process: subprocess.Popen[bytes]) -> bytes:
    process.send_signal(signal.SIGTERM)
    _, complaints = process.communicate(timeout=10)
    assert process.returncode == 0
    return complaints


def test_it_stops_cleanly_and_remembers(tmp_path: Path) -> None:
    port, smtp_port = free_port(), free_port()
    process = start(port, smtp_port, tmp_path)
    with smtplib.SMTP("127.0.0.1", smtp_port) as still_open:
        still_open.sendmail("a@pg.example", ["b@mail.example"], b"Subject: kept\r\n\r\nhello\r\n")
        assert stop(process) == b""
        still_open.close()
    process = start(port, smtp_port, tmp_path)
    inbox = httpx2.get(f"http://127.0.0.1:{port}/control/inbox", trust_env=False).json()
    assert [message["subject"] for message in inbox["items"]] == ["kept"]
    assert stop(process) == b""


def test_a_busy_port_is_an_error_at_once() -> None:
    taken = bind("127.0.0.1", 0)
    taken.listen()
    with pytest.raises(OSError, match="in use"):
        bind("127.0.0.1", taken.getsockname()[1])
    taken.close()
