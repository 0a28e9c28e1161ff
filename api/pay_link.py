"""The pay link of a resident: handed out, and taken back when it is in the wrong hands."""

from uuid import UUID

from fastapi import APIRouter

from api.body import Answer
from api.permission import Permission, allows
from api.request import Here, TenantRoute
from domain.errors import Refused
from models import event, pay_link
from models.pay_link import PayLinks
from models.resident_query import known

router = APIRouter(prefix="/residents", tags=["residents"], route_class=TenantRoute)
WRITE = allows(Permission.RESIDENTS_WRITE)
HAND_OUT = allows(Permission.RESIDENTS_WRITE, tells_secret=True)
NO_ADDRESS = "payers cannot reach this house: INNKEEPER_PUBLIC_BASE_URL is not set"


class PayLinkAnswer(Answer):
    """The address of the resident's pay page. Whoever holds it sees what is due and may pay."""

    url: str


@router.post("/{resident_id}/pay-link", **HAND_OUT)
async def hand_out_pay_link(resident_id: UUID, here: Here) -> PayLinkAnswer:
    """The resident's pay link, made where there is none. Asked again, it is the same one."""
    resident = await known(here.session, resident_id)
    links = PayLinks(here.parts.links.public, here.parts.vault)
    url = await links.url_of(here.session, resident.id)
    if url is None:
        raise Refused(NO_ADDRESS, code="NO_PUBLIC_ADDRESS")
    return PayLinkAnswer(url=url)


@router.delete("/{resident_id}/pay-link", status_code=204, **WRITE)
async def revoke_pay_link(resident_id: UUID, here: Here) -> None:
    """Let the link open nothing any more; the next message carries another. Twice is once."""
    resident = await known(here.session, resident_id)
    at = here.parts.clock.now()
    if await pay_link.revoke(here.session, resident.id, at):
        await event.record(here.session, "pay_link.revoked", "resident", resident.id, at)
