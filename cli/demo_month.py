"""`innkeeper demo-month`: one resident's month in skipped time, by the shipped lives, told aloud.

A real PostgreSQL, Temporal's time-skipping server, the sandbox for mail and SMS; nothing is kept.
"""

import asyncio
import shutil
import sysconfig
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

import typer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.testing import WorkflowEnvironment
from uuid_utils.compat import uuid7

from cli.demo_tale import Tale
from domain.calendar import Month, at_local
from models import agreement
from models.database import Actor, Database, one
from models.invoice import Invoice
from models.money_in import receive
from models.money_intake import NewPayment
from models.payment import PaymentMethod
from models.place import Bed, Floor, Property, Room, Unit, UnitKind
from models.resident import AgreementStatus, Resident
from models.tenant import Tenant
from models.tenant_setup import NewTenant, set_up_tenant
from providers.channels import ByChannel
from providers.mail import MailMessenger, MailSettings
from providers.messages import Channel
from providers.twilio import TwilioMessenger, TwilioSettings
from runtime import migrate, schedules
from runtime.clock import SetClock
from runtime.embedded.ports import any_free_port
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.temporal import innkeeper, register_search_attributes, store_id
from runtime.time_machine import Driver
from sandbox.main import Running, running
from workers import billing, lives
from workers.message_relay import MessageRelay
from workers.relay import WakeRelay

ZONE = "Asia/Kolkata"
RENT_MINOR = 9_500_00
DUE_DAY = 5
PAYS_AFTER_DAYS = 9
SILENT_DAYS = 14
HOUSE = NewTenant("Sunrise House", "sunrise", "owner@sunrise.example.com", "IN", "INR", ZONE)
ACTOR = Actor("platform:demo month")


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything the month is played with."""

    database: Database
    tenant_id: UUID
    clock: SetClock
    driver: Driver
    tale: Tale


def demo_month() -> None:
    """Tell one resident's month: invoice, each message, late fee, payment, receipt."""
    folder = Path(tempfile.mkdtemp(prefix="innkeeper-demo-"))
    folder.chmod(0o711)
    try:
        asyncio.run(_play(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _play(folder: Path) -> None:
    quiet = LoggingConfig(TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=quiet)))
    month = Month.of(datetime.now(UTC).date()).next()
    async with _stage(folder, month) as stage:
        bed_of = await _furnish(stage, month)
        say = stage.tale.say
        say(f"Asha Rao moves into bed {bed_of}; the rent is ₹9,500.00, due on day {DUE_DAY}.")
        pays_on = month.clamp(DUE_DAY) + timedelta(days=PAYS_AFTER_DAYS)
        await stage.driver.to(at_local(pays_on, time(17, 30), ZONE))
        await _pay(stage, pays_on)
        await stage.driver.until_quiet()
        await stage.driver.to(at_local(pays_on + timedelta(days=SILENT_DAYS), time(12), ZONE))
        say("The last reminder's day has passed in silence: money stopped everything.")
        await stage.tale.books()


@asynccontextmanager
async def _stage(folder: Path, month: Month) -> AsyncGenerator[Stage]:
    """PostgreSQL, Temporal in skipped time, sandbox, workers, and the driver that moves them."""
    async with AsyncExitStack() as stack:
        postgres = EmbeddedPostgres(folder / "postgres", port=any_free_port())
        stack.push_async_callback(postgres.stop)
        await postgres.start()
        await migrate.upgrade(postgres.dsn("inn_owner"))
        database = Database(postgres.dsn("inn_app"), postgres.dsn("inn_platform"))
        stack.push_async_callback(database.close)
        box = await stack.enter_async_context(running())
        env = await stack.enter_async_context(await _skipping())
        await register_search_attributes(env.client)
        told = await set_up_tenant(database, HOUSE)
        clock = SetClock(at_local(month.previous().last, time(12), ZONE))
        messenger = _messenger(box)
        stack.push_async_callback(messenger.close)
        store = await store_id(env.client)
        await stack.enter_async_context(lives.worker(env.client, database, messenger, store))
        await stack.enter_async_context(billing.worker(env.client, database, store))
        tale = Tale(database, told.tenant_id, box.sandbox.inbox, ZONE)
        relays = (WakeRelay(database, env.client), MessageRelay(database, messenger, clock))
        cyclic = await schedules.cyclic(env.client, database)
        driver = Driver(env, database, clock, relays, schedules=cyclic, watch=tale.go_on)
        await driver.away_until(clock.at)
        yield Stage(database, told.tenant_id, clock, driver, tale)


async def _skipping() -> WorkflowEnvironment:
    program = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
    return await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(program), plugins=[innkeeper()]
    )


def _messenger(box: Running) -> ByChannel:
    mail = MailSettings("127.0.0.1", box.smtp_port, "desk@sunrise.example.com")
    sms = TwilioSettings("AC" + "0" * 32, "demo", "+15005550006", base_url=f"{box.url}/twilio")
    return ByChannel({Channel.EMAIL: MailMessenger(mail), Channel.SMS: TwilioMessenger(sms)})


async def _furnish(stage: Stage, month: Month) -> str:
    """A house with one bed, and a resident whose agreement begins with the month."""
    async with stage.database.tenant(stage.tenant_id, ACTOR) as session:
        bed_id = await _one_bed(session)
        resident = Resident(
            id=uuid7(),
            first_name="Asha",
            last_name="Rao",
            email="asha.rao@example.com",
            phone="+919876543210",
        )
        session.add(resident)
        await session.flush()
        tenant = await one(session, Tenant, stage.tenant_id)
        given = {
            "status": AgreementStatus.ACTIVE,
            "start_date": month.first,
            "rent_due_day": DUE_DAY,
        }
        await agreement.make(
            session, tenant, resident.id, bed_id, given=given, at=stage.clock.now()
        )
    return "A of room 101"


async def _one_bed(session: AsyncSession) -> UUID:
    house = Property(
        id=uuid7(),
        name="Sunrise House",
        type="pg",
        address_line1="12 Lake Road",
        city="Hyderabad",
        state="Telangana",
        postal_code="500033",
        country="IN",
        timezone=ZONE,
    )
    floor = Floor(id=uuid7(), property_id=house.id, floor_number=1)
    room = Room(
        id=uuid7(), floor_id=floor.id, property_id=house.id, room_number="101", currency="INR"
    )
    unit = Unit(id=uuid7(), property_id=house.id, kind=UnitKind.BED)
    bed = Bed(id=unit.id, room_id=room.id, bed_number="A", rent_minor=RENT_MINOR, currency="INR")
    for row in (house, floor, room, unit, bed):
        session.add(row)
        await session.flush()
    return bed.id


async def _pay(stage: Stage, day: date) -> None:
    """She pays all she owes in cash, at the desk."""
    async with stage.database.tenant(stage.tenant_id, ACTOR) as session:
        invoices = (await session.scalars(select(Invoice).order_by(Invoice.due_date))).all()
        owed = sum(invoice.balance_minor for invoice in invoices)
        new = NewPayment(invoices[0].resident_id, owed, "INR", PaymentMethod.CASH, day)
        await receive(session, new, stage.clock.now())


if __name__ == "__main__":
    typer.run(demo_month)
