"""The steps of a message that is hard to deliver, prepared with a mail server that is away."""

from datetime import date, datetime, timedelta

from activities.message_delivery import Delivering
from domain import keys
from domain.lives import Look, Subject
from models.message import Purpose
from models.messages import tell
from providers.channels import ByChannel
from providers.mail import MailMessenger, MailSettings
from providers.messages import Channel
from runtime.clock import SetClock
from runtime.embedded.ports import any_free_port
from tests.support.debt import a_debt
from tests.support.house import ZONE, a_tenant
from tests.support.twice import Ground, Step, twice
from workers.message_relay import MessageRelay

DUE = date(2026, 10, 5)


def nobody_at_home() -> ByChannel:
    """Mail to a port where nobody listens; text messages by nobody at all."""
    mail = MailSettings("127.0.0.1", any_free_port(), "billing@sunrise.example")
    return ByChannel({Channel.EMAIL: MailMessenger(mail)})


async def _tried_once(ground: Ground) -> tuple[Delivering, Subject, datetime]:
    """The relay's first try of an invoice's mail found nobody."""
    debt = await a_debt(await a_tenant(ground.database), DUE)
    at, messenger = debt.after(-5), nobody_at_home()
    async with debt.house.session() as session:
        message = await tell(
            session,
            resident_id=debt.resident_id,
            purpose=Purpose.INVOICE,
            at=at,
            timezone=ZONE,
            about_id=debt.invoice_id,
        )
    await MessageRelay(ground.database, messenger, SetClock(at)).turn()
    tenant_id = debt.house.tenant_id
    subject = Subject(tenant_id, message.id, keys.message_delivery(tenant_id, message.id))
    return Delivering(ground.database, ground.store_id, messenger), subject, at


@twice(Delivering.look)
async def a_first_try_found_nobody(ground: Ground) -> Step:
    delivering, subject, at = await _tried_once(ground)
    return Step(delivering.look, (Look(subject, at),))


@twice(Delivering.deliver)
async def the_second_try_finds_nobody_either(ground: Ground) -> Step:
    delivering, subject, at = await _tried_once(ground)
    return Step(delivering.deliver, (Look(subject, at + timedelta(minutes=1)),))
