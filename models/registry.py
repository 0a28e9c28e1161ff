"""Every table, imported in one place so that migrations and tests see them all."""

from models import (
    instalment,
    invoice,
    ledger,
    life,
    message,
    payment,
    place,
    record,
    resident,
    tenant,
)
from models.base import Base

TABLES = Base.metadata
MODULES = (instalment, invoice, ledger, life, message, payment, place, record, resident, tenant)
