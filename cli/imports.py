"""`innkeeper import`: what other programs and banks know comes in, twice as well as once."""

import typer

from cli.import_roster import roster
from cli.import_statement import statement

import_app = typer.Typer(help="Bring in what other programs know.", no_args_is_help=True)
import_app.command("roster")(roster)
import_app.command("statement")(statement)
