"""What an attempt's steps do when asking is impossible, or money comes while they ask."""

from dataclasses import replace

import pytest

from activities.payment_attempt import Attempting
from domain.errors import InnkeeperError, Refused, Unavailable
from domain.lives import Look
from models.database import Database
from models.record import Task
from providers.payments import Asked, Opened
from tests.support.attempt import an_attempt, hears, row, told
from tests.support.books import rows
from tests.support.steps.payment_attempt import NOW, Scene, Till, a_scene
from tests.support.twice import Ground


@pytest.fixture
async def scene(database: Database) -> Scene:
    return await a_scene(Ground(database))


async def test_what_cannot_be_asked_for_fails_and_blocks_nobody(scene: Scene) -> None:
    """Without an address to come back to no page is asked for, and the debt may be paid anew."""
    purse = replace(scene.purse, links=replace(scene.purse.links, public=""))
    attempting = Attempting(scene.house.database, "a-store", purse)
    for _ in range(2):
        await attempting.open_page(Look(scene.subject, NOW))
    assert (await row(scene.house, scene.attempt)).status == "failed"
    assert await rows(scene.house, Task) == []
    again = await an_attempt(scene.debt, scene.by, NOW)
    assert again.id != scene.attempt.id


class Overtaken(Till):
    """A provider whose event is booked before its own answer comes back as a refusal."""

    def __init__(self, scene: Scene, error: InnkeeperError) -> None:
        super().__init__()
        self.scene = scene
        self.error = error

    async def opens(self, asked: Asked) -> Opened:
        """The money first, then the error."""
        del asked
        await hears(self.scene.house, told(self.scene.attempt, NOW), NOW)
        raise self.error


@pytest.mark.parametrize("error", [Refused("no"), Unavailable("not now")])
async def test_money_that_came_while_we_asked_stands(scene: Scene, error: InnkeeperError) -> None:
    purse = replace(scene.purse, gateways=Overtaken(scene, error))
    attempting = Attempting(scene.house.database, "a-store", purse)
    await attempting.open_page(Look(scene.subject, NOW))
    assert (await row(scene.house, scene.attempt)).status == "captured"
    assert (await scene.debt.row()).status == "paid"
