"""`innkeeper events`: who follows the events, how far they are, and beginning one of them anew."""

import asyncio
from typing import Annotated

import typer

from cli.door import opened
from cli.state import DEFAULT_STATE, StateOption, load_concern
from models import backlog, event_cursor
from models.database import Database
from models.event_cursor import Consumer
from runtime.settings import DatabaseSettings
from workers.event_relay import CONSUMERS, EventRelay

PAUSE_SECONDS = 0.2
events_app = typer.Typer(help="Those who follow what happens.", no_args_is_help=True)


@events_app.command("consumers")
def consumers(state: StateOption = DEFAULT_STATE) -> None:
    """One line for each: how many positions it is behind, and its dead letters."""
    for line in asyncio.run(_lines(load_concern(DatabaseSettings, state))):
        typer.echo(line)


@events_app.command("rebuild")
def rebuild(
    consumer: Annotated[str, typer.Argument(help="As `events consumers` names it.")],
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Undo all a consumer made of the events and let it take every one again, from the first."""
    settings = load_concern(DatabaseSettings, state)
    position = asyncio.run(_rebuilt(settings, consumer))
    typer.echo(f"{consumer} is made anew from {position} events")


async def _lines(settings: DatabaseSettings) -> list[str]:
    async with opened(settings) as database, database.platform("events") as session:
        return [
            f"{known.consumer}: {known.behind} behind, {known.waiting} tried again,"
            f" {known.dead} dead letters"
            for known in await backlog.consumers(session)
        ]


async def _rebuilt(settings: DatabaseSettings, name: str) -> int:
    async with opened(settings) as database:
        return await remade(database, _named(name))


def _named(name: str) -> Consumer:
    known = {consumer.name: consumer for consumer in CONSUMERS}
    if name not in known:
        raise typer.BadParameter(f"{name} follows no events; known: {', '.join(known)}")
    return known[name]


async def remade(database: Database, consumer: Consumer) -> int:
    """Begin anew and go on until the consumer is where the sequence was; that position.

    Workers may help: whoever holds the cursor reads on.
    """
    async with database.platform("events: rebuild") as session:
        await event_cursor.begin_anew(session, consumer)
        goal = await event_cursor.newest(session)
    relay = EventRelay(database, consumer)
    while await _position(database, consumer) < goal:
        if not await relay.turn():
            await asyncio.sleep(PAUSE_SECONDS)
    return goal


async def _position(database: Database, consumer: Consumer) -> int:
    async with database.platform("events: rebuild") as session:
        return await event_cursor.position_of(session, consumer)
