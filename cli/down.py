"""`innkeeper down`: stops the stack of a folder, detached or not, and waits until it is gone."""

import signal
import sys
import time

import psutil
import typer

from cli.state import DEFAULT_STATE, StateFolder, StateOption

_PATIENCE_SECONDS = 60


def down(state: StateOption = DEFAULT_STATE) -> None:
    """Stop the stack of the folder; its data stays. Nothing running is no error."""
    folder = StateFolder(state)
    holder = folder.holder()
    if not holder:
        print(f"nothing is up over {folder.folder}")
        return
    process = psutil.Process(holder)
    process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while folder.holder() is not None or _runs(process):
        if time.monotonic() > deadline:
            print(f"process {holder} did not stop; see {folder.log('up')}", file=sys.stderr)
            raise typer.Exit(1)
        time.sleep(0.1)
    print("stopped")


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
