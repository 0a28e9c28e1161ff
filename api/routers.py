"""Every router of the API, in the order the documentation shows them."""

from fastapi import APIRouter

from api import (
    agreement,
    bed,
    billing_run,
    billing_settings,
    credit_note_paper,
    floor,
    health,
    invoice,
    invoice_collection,
    ledger,
    metrics,
    payment,
    plan,
    property,  # noqa: A004 (a house, not the built-in)
    resident,
    room,
    start,
    statement_line,
    task,
)

# Routes of one tenant, under /api/v1: each finds its tenant by the credential.
TENANT: list[APIRouter] = [
    property.router,
    floor.router,
    room.router,
    bed.router,
    resident.router,
    agreement.router,
    billing_run.router,
    billing_settings.router,
    invoice.router,
    invoice_collection.router,
    credit_note_paper.router,
    payment.router,
    statement_line.router,
    ledger.router,
    plan.router,
    task.router,
]
# Routes of nobody in particular, at the root.
OPEN: list[APIRouter] = [start.router, health.router, metrics.router]
