"""`innkeeper api`: serves HTTP until told to stop."""

from api.main import serve
from cli.state import DEFAULT_STATE, StateOption, load_settings
from runtime import logging


def api(state: StateOption = DEFAULT_STATE) -> None:
    """Serve the HTTP API."""
    settings = load_settings(state)
    logging.configure(settings.log.log_level, "api")
    serve(settings)
