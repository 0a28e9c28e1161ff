"""Every table, imported in one place so that migrations and tests see them all."""

from models import (
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
    payment_method,
    place,
    provider_customer,
    reading,
    record,
    resident,
    statement,
    tenant,
)
from models.base import Base

TABLES = Base.metadata
MODULES = (
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
    payment_method,
    place,
    provider_customer,
    reading,
    record,
    resident,
    statement,
    tenant,
)
