"""`innkeeper worker`: serves the task queues and the relay until told to stop."""

import asyncio
from typing import Annotated

import typer

from cli.state import DEFAULT_STATE, StateOption, load_settings
from runtime import logging
from workers.main import run


def worker(
    state: StateOption = DEFAULT_STATE,
    queue: Annotated[str | None, typer.Option("--queue", help="Serve this queue alone.")] = None,
) -> None:
    """Serve the task queues and the relay."""
    settings = load_settings(state)
    logging.configure(settings.log.log_level, "worker")
    asyncio.run(run(settings, queue))
