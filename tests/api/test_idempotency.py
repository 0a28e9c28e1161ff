"""One key, one body, one effect, one answer: whatever breaks between the two."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import httpx2
import pytest
from fastapi import APIRouter
from sqlalchemy import func, select, text
from uuid_utils.compat import uuid7

from api import idempotency
from api.body import Answer, Body
from api.permission import Permission, allows
from api.problem import Unauthenticated
from api.request import Here, TenantRoute
from domain.errors import Conflict, Refused, Unavailable
from models.event import record
from models.life import SubjectKind
from models.record import DomainEvent, StoredAnswer
from tests.support.database import DatabaseUrls
from tests.support.house import House, a_tenant
from tests.support.web import NOON, a_client


class Order(Body):
    """What the desk of this test is asked for."""

    what: str
    fail: str = ""


class Done(Answer):
    """What it answers."""

    id: UUID
    what: str


FAILURES = {
    "conflict": Conflict("taken"),
    "refused": Refused("no"),
    "unauthenticated": Unauthenticated("who?"),
    "unavailable": Unavailable("later"),
    "broken": RuntimeError("a secret of the house"),
}


@dataclass
class Desk:
    """A route with an effect, which fails as it is told and waits while the door is shut."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    runs: int = 0

    def router(self) -> APIRouter:
        """POST /desk and PUT /desk."""
        router = APIRouter(route_class=TenantRoute)
        for verb in (router.post, router.put):
            verb("/desk", status_code=201, **allows(Permission.TASKS_WRITE))(self.serve)
        return router

    async def serve(self, here: Here, body: Order) -> Done:
        """Write one event, then fail or answer."""
        self.runs += 1
        made = uuid7()
        await record(here.session, "desk.served", SubjectKind.INVOICE, made, NOON, what=body.what)
        self.entered.set()
        await self.open.wait()
        if body.fail == "statement":
            await here.session.execute(text("select cast('99999999999' as integer)"))
        elif body.fail == "hang up":
            await here.session.execute(text("select pg_terminate_backend(pg_backend_pid())"))
        elif body.fail:
            raise FAILURES[body.fail]
        return Done(id=made, what=body.what)


@pytest.fixture
def desk() -> Desk:
    """A desk whose door is open."""
    made = Desk()
    made.open.set()
    return made


@pytest.fixture
async def served(house: House, desk: Desk) -> AsyncGenerator[httpx2.AsyncClient]:
    """A program of the tenant before the desk."""
    async with a_client(house, routers=[desk.router()]) as opened:
        yield opened


async def ask(
    client: httpx2.AsyncClient, what: str = "tea", fail: str = "", *, key: str = "k1"
) -> httpx2.Response:
    body = {"what": what, "fail": fail}
    return await client.post("/desk", json=body, headers={"Idempotency-Key": key})


async def effects(house: House) -> int:
    async with house.session() as session:
        events = select(func.count()).where(DomainEvent.type == "desk.served")
        return int(await session.scalar(events) or 0)


async def claims(house: House) -> list[StoredAnswer]:
    async with house.session() as session:
        return list(await session.scalars(select(StoredAnswer)))


async def grow_old(house: House) -> None:
    async with house.session() as session:
        moved = "update idempotent_answers set claimed_at = claimed_at - interval '61 seconds'"
        await session.execute(text(moved))


async def test_the_same_question_gets_the_same_bytes(
    served: httpx2.AsyncClient, house: House
) -> None:
    """The second answer says that it is a repetition, and nothing happens twice."""
    first, second = await ask(served), await ask(served)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert second.headers["content-type"] == first.headers["content-type"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert await effects(house) == 1


async def test_a_key_belongs_to_one_body(served: httpx2.AsyncClient, house: House) -> None:
    """The same key with another body, or another query, is a mistake of the caller."""
    await ask(served, "tea")
    other = await ask(served, "coffee")
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    same = {"what": "tea", "fail": ""}
    asked = await served.post("/desk?x=1", json=same, headers={"Idempotency-Key": "k1"})
    assert asked.json()["code"] == "IDEMPOTENCY_MISMATCH"
    assert await effects(house) == 1


async def test_a_key_belongs_to_one_credential_method_and_path(
    served: httpx2.AsyncClient, house: House, desk: Desk
) -> None:
    """Another verb, or another tenant with the same key, is another question."""
    await ask(served)
    same = {"what": "tea", "fail": ""}
    await served.put("/desk", json=same, headers={"Idempotency-Key": "k1"})
    assert await effects(house) == 2
    theirs = await a_tenant(house.database, "theirs")
    async with a_client(theirs, routers=[desk.router()]) as them:
        answer = await ask(them)
    assert "Idempotent-Replayed" not in answer.headers
    assert await effects(theirs) == 1


async def test_without_a_key_everything_happens_again(
    served: httpx2.AsyncClient, house: House
) -> None:
    """No key, no memory."""
    for _ in range(2):
        await served.post("/desk", json={"what": "tea"})
    assert await effects(house) == 2
    assert await claims(house) == []


@pytest.mark.parametrize("length", [0, 256])
async def test_a_key_has_between_one_and_255_characters(
    served: httpx2.AsyncClient, length: int
) -> None:
    """An empty or endless key is refused by name."""
    answer = await ask(served, key="k" * length)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


async def test_a_question_that_still_runs_is_not_asked_again(
    served: httpx2.AsyncClient, house: House, desk: Desk
) -> None:
    """The second caller is told at once; when the first is done, the answer is there."""
    desk.open.clear()
    running = asyncio.create_task(ask(served))
    await desk.entered.wait()
    second = await ask(served)
    assert (second.status_code, second.json()["code"]) == (409, "STILL_RUNNING")
    desk.open.set()
    first = await running
    assert (await ask(served)).content == first.content
    assert await effects(house) == 1


async def test_fifty_at_once_have_one_effect(
    served: httpx2.AsyncClient, house: House, desk: Desk
) -> None:
    """One does it; the others hear the same answer or that it still runs."""
    answers = await asyncio.gather(*(ask(served) for _ in range(50)))
    done = [answer for answer in answers if answer.status_code == 201]
    waiting = [answer.json()["code"] for answer in answers if answer.status_code != 201]
    assert done
    assert len({answer.content for answer in done}) == 1
    assert set(waiting) <= {"STILL_RUNNING"}
    assert desk.runs == 1
    assert await effects(house) == 1


@pytest.mark.parametrize(("fail", "status"), [("conflict", 409), ("refused", 422)])
async def test_a_refusal_is_an_answer_and_is_kept(
    served: httpx2.AsyncClient, house: House, desk: Desk, fail: str, status: int
) -> None:
    """What the handler wrote before it refused is gone; the refusal stays."""
    first, second = await ask(served, fail=fail), await ask(served, fail=fail)
    assert first.status_code == status
    assert second.content == first.content
    assert second.headers["content-type"] == "application/problem+json"
    assert (desk.runs, await effects(house)) == (1, 0)


async def test_a_body_that_breaks_a_rule_is_an_answer_too(served: httpx2.AsyncClient) -> None:
    """The field errors are the same bytes the second time."""
    sent = {"what": "tea", "sugar": 2}
    answers = [
        await served.post("/desk", json=sent, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("fail", "status"),
    [("unauthenticated", 401), ("unavailable", 503), ("broken", 500)],
)
async def test_what_says_nothing_of_the_act_is_not_kept(
    served: httpx2.AsyncClient, house: House, fail: str, status: int
) -> None:
    """The key is free again, so the same question may be asked until it is answered."""
    refused = await ask(served, fail=fail)
    assert refused.status_code == status
    assert await claims(house) == []
    assert await effects(house) == 0


async def test_a_value_the_database_refuses_is_an_answer(
    served: httpx2.AsyncClient, house: House
) -> None:
    """The failed statement undoes the handler's work alone: the refusal is kept beside it."""
    first, second = await ask(served, fail="statement"), await ask(served, fail="statement")
    assert (first.status_code, first.json()["code"]) == (422, "INVALID_VALUE")
    assert second.content == first.content
    assert await effects(house) == 0


async def test_a_lost_connection_leaves_nothing_and_frees_the_key(
    served: httpx2.AsyncClient, house: House
) -> None:
    """Neither effect nor answer; the caller is told to come again, and may."""
    lost = await ask(served, fail="hang up")
    assert lost.status_code == 503
    assert lost.headers["Retry-After"]
    assert await effects(house) == 0
    assert await claims(house) == []


async def test_when_the_commit_fails_there_is_no_answer_either(
    served: httpx2.AsyncClient, house: House, database_urls: DatabaseUrls
) -> None:
    """A rule that speaks only at the end takes the stored answer with it."""
    owner = await asyncpg.connect(database_urls.owner)
    try:
        await owner.execute(
            "alter table domain_events add constraint once unique (type)"
            " deferrable initially deferred"
        )
    finally:
        await owner.close()
    assert (await ask(served, key="a")).status_code == 201
    second = await ask(served, key="b")
    assert second.status_code == 409
    assert await effects(house) == 1
    assert [claim.key for claim in await claims(house)] == ["a"]


async def test_a_process_that_died_between_claim_and_answer_is_replaced(
    served: httpx2.AsyncClient, house: House
) -> None:
    """For a minute its silence is respected; then the next one takes over and does it once."""
    first = await ask(served)
    async with house.session() as session:
        dead = "update idempotent_answers set status = null, answer = null"
        await session.execute(text(dead))
    assert first.status_code == 201
    early = await ask(served)
    assert early.json()["code"] == "STILL_RUNNING"
    await grow_old(house)
    taken_over = await ask(served)
    assert taken_over.status_code == 201
    assert (await ask(served)).content == taken_over.content


async def test_who_was_taken_over_has_no_effect(
    served: httpx2.AsyncClient, house: House, desk: Desk
) -> None:
    """The slow one comes to its end and finds that somebody else did it: its work is undone."""
    desk.open.clear()
    slow = asyncio.create_task(ask(served))
    await desk.entered.wait()
    await grow_old(house)
    desk.entered.clear()
    quick = asyncio.create_task(ask(served))
    await desk.entered.wait()
    desk.open.set()
    answers = await asyncio.gather(slow, quick)
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert quick.result().status_code == 201
    assert (desk.runs, await effects(house)) == (2, 1)
    assert (await ask(served)).content == quick.result().content


async def test_a_key_that_was_taken_back_cannot_read_old_answers(
    served: httpx2.AsyncClient, house: House
) -> None:
    """Whoever may not ask any more hears nothing of what was answered before."""
    await ask(served)
    async with house.session() as session:
        await session.execute(text("update api_keys set revoked_at = now()"))
    again = await ask(served)
    assert (again.status_code, again.json()["code"]) == (401, "AUTH_REQUIRED")


async def test_a_key_given_back_while_another_asks_is_taken_by_that_one(house: House) -> None:
    """The claim that is released between two statements of the next asker is no error."""

    def asked() -> idempotency.Question:
        return idempotency.Question("c", "POST", "/x", "k", "h", uuid7())

    first, second = asked(), asked()
    async with house.session() as session:
        assert await idempotency.claim(session, first) is None
    async with house.session() as holder:
        await idempotency.release(holder, first)
        waiting = asyncio.create_task(_claimed(house, second))
        await asyncio.sleep(0.1)
        assert not waiting.done()
    assert await waiting is None
    assert [claim.id for claim in await claims(house)] == [second.claim_id]


async def _claimed(house: House, asked: idempotency.Question) -> object:
    async with house.session() as session:
        return await idempotency.claim(session, asked)
