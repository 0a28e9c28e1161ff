"""What a table can be besides walled: audited, append-only. And the functions that make it so."""

from alembic import op

AUDITED = {
    "tenants": (),
    "users": ("password_hash",),
    "api_keys": (),
    "billing_settings": (),
    "properties": (),
    "floors": (),
    "rooms": (),
    "beds": (),
    "occupancies": ("span",),
    "residents": ("pan_encrypted", "pan_index", "aadhaar_encrypted"),
    "agreements": (),
    "invoices": (),
    "credit_notes": (),
    "payments": (),
    "tasks": (),
    "billing_runs": (),
}
# Here a function of the owner's may change what only follows from audited rows: mark_billed, which
# repeats what the invoices of the same transaction say.
DERIVED = ("agreements",)
APPEND_ONLY = (
    "invoice_lines",
    "allocations",
    "journal_entries",
    "postings",
    "reminders",
    "domain_events",
    "audit_log",
)
# Later tables are made so by the migration that makes them.
APPEND_ONLY_LATER = (
    "credit_note_lines",
    "event_positions",
    "gateway_logs",  # but for the columns that say how far an event came
)


def audited(table: str, *secrets: str) -> None:
    """Every change of the table leaves who, what, before and after; named columns stay out."""
    arguments = ", ".join(f"'{column}'" for column in secrets)
    for event, tables in (
        ("insert", "NEW TABLE AS after_rows"),
        ("update", "OLD TABLE AS before_rows NEW TABLE AS after_rows"),
        ("delete", "OLD TABLE AS before_rows"),
    ):
        derived = event == "update" and table in DERIVED
        condition = " WHEN (current_user = session_user)" if derived else ""
        op.execute(
            f"CREATE TRIGGER audit_{event} AFTER {event.upper()} ON {table} REFERENCING {tables}"
            f" FOR EACH STATEMENT{condition} EXECUTE FUNCTION audit_{event}({arguments})"
        )


def append_only(table: str) -> None:
    """Rows of the table are never changed or removed, by grant and by trigger."""
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM inn_app, inn_platform")
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting()"
    )
