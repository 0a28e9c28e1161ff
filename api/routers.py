"""Every router of the API, in the order the documentation shows them."""

from fastapi import APIRouter

from api import (
    agreement,
    audit_log,
    bed,
    billing_preview,
    billing_run,
    billing_settings,
    credit_note,
    credit_note_paper,
    dead_letter,
    event,
    floor,
    health,
    instalments,
    invoice,
    invoice_collection,
    ledger,
    metrics,
    pay_attempt,
    pay_link,
    pay_page,
    payment,
    payment_account,
    payment_analytics,
    payment_attempt,
    payment_method,
    payment_webhook,
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
    pay_link.router,
    agreement.router,
    billing_run.router,
    billing_preview.router,
    billing_settings.router,
    invoice.router,
    invoice_collection.router,
    credit_note.router,
    credit_note_paper.router,
    instalments.router,
    payment_method.router,  # before /payments/{id}
    payment.router,
    payment_account.router,
    payment_attempt.router,
    payment_analytics.router,
    statement_line.router,
    ledger.router,
    plan.router,
    task.router,
    event.router,
    audit_log.router,
    dead_letter.router,
]
# Routes of nobody in particular, under /api/v1: what they bring along says whose they are.
PUBLIC: list[APIRouter] = [health.router, payment_webhook.router]
# The same at the root.
OPEN: list[APIRouter] = [
    start.router,
    health.router,
    metrics.router,
    pay_page.router,
    pay_attempt.router,
]
