"""Every table, imported in one place so that migrations and tests see them all."""

from models import (
    invoice,
    ledger,
    life,
    message,
    payment,
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
    invoice,
    ledger,
    life,
    message,
    payment,
    place,
    reading,
    record,
    resident,
    statement,
    tenant,
)
