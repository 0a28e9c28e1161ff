"""The command line `innkeeper`: every command lives in a module of its own.

Only the module of the command that is asked for is imported, so that each starts at once.
"""

import gc
import importlib
import sys
from typing import Final

import typer

from domain.errors import InnkeeperError

# A command is a function; a group of commands is a typer.Typer. Here is where they are registered.
COMMANDS: Final[dict[str, str]] = {
    "up": "cli.up:up",
    "down": "cli.down:down",
    "api": "cli.api:api",
    "worker": "cli.worker:worker",
    "sandbox": "cli.sandbox:sandbox",
    "bootstrap": "cli.bootstrap:bootstrap",
    "secrets": "cli.secrets:secrets",
    "migrate": "cli.migrate:migrate",
    "doctor": "cli.doctor:doctor",
    "events": "cli.events:events_app",
    "tenant": "cli.tenant:tenant_app",
    "import": "cli.imports:import_app",
    "vectors": "cli.vectors:vectors",
    "demo-month": "cli.demo_month:demo_month",
}


def main() -> None:
    """Run the command that the arguments name; a refusal is one line and exit code 1."""
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = {asked: COMMANDS[asked]} if asked in COMMANDS else COMMANDS
    try:
        _loaded(chosen)()
    except InnkeeperError as problem:
        typer.echo(problem.detail, err=True)
        raise SystemExit(1) from problem


def _loaded(commands: dict[str, str]) -> typer.Typer:
    """The application, whose modules nobody looks through for garbage, now or later."""
    gc.disable()
    try:
        return application(commands)
    finally:
        gc.freeze()
        gc.enable()


def application(commands: dict[str, str]) -> typer.Typer:
    """The typer application of these commands."""
    app = typer.Typer(
        name="innkeeper",
        help="A back office for people who let beds, rooms and hours.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_innkeeper)
    for name, place in commands.items():
        module, _, attribute = place.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def _innkeeper() -> None:
    """A back office for people who let beds, rooms and hours."""


if __name__ == "__main__":
    main()
