"""Every table, imported in one place so that migrations and tests see them all."""

from models import (
    event_cursor,
    event_dead_letter,
    event_sequence,
    gateway_log,
    instalment,
    invoice,
    ledger,
    life,
    message,
    pay_link,
    payment,
    payment_account,
    payment_attempt,
    payment_day,
    place,
    reading,
    record,
    resident,
    statement,
    tenant,
)
from models.base import Base

TABLES = Base.metadata
MODULES = (
    event_cursor,
    event_dead_letter,
    event_sequence,
    gateway_log,
    instalment,
    invoice,
    ledger,
    life,
    message,
    pay_link,
    payment,
    payment_account,
    payment_attempt,
    payment_day,
    place,
    reading,
    record,
    resident,
    statement,
    tenant,
)
