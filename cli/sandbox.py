"""`innkeeper sandbox`: serves the providers' stand-in until told to stop."""

from cli.state import DEFAULT_STATE, StateFolder, StateOption, load_concern
from runtime import logging
from runtime.settings import LogSettings, SandboxSettings
from sandbox.main import run


def sandbox(state: StateOption = DEFAULT_STATE) -> None:
    """Serve the sandbox: mail, SMS, payments and their pages, the inbox, the clock."""
    settings = load_concern(SandboxSettings, state)
    logging.configure(load_concern(LogSettings, state).log_level, "sandbox")
    folder = StateFolder(state).folder / "sandbox"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    run(settings.sandbox_host, settings.sandbox_port, settings.sandbox_smtp_port, folder)
