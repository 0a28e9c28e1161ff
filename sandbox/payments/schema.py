"""The tables of the payments half: one book for every provider."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS payment_objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    parent TEXT,
    reference TEXT,
    body TEXT NOT NULL,
    beside TEXT NOT NULL,
    created INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_payment_objects_kind ON payment_objects (account, kind, seq);
CREATE INDEX IF NOT EXISTS ix_payment_objects_parent ON payment_objects (parent, kind, seq);
CREATE INDEX IF NOT EXISTS ix_payment_objects_reference ON payment_objects (reference, kind, seq);
CREATE TABLE IF NOT EXISTS payment_ledger (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    payment TEXT NOT NULL,
    reference TEXT,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    fee INTEGER NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (kind, id)
);
CREATE TABLE IF NOT EXISTS payment_answers (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (account, key)
);
CREATE TABLE IF NOT EXISTS payment_keys (
    account TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    key TEXT NOT NULL,
    secret TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS payment_dues (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_payment_dues ON payment_dues (at, seq);
CREATE TABLE IF NOT EXISTS webhook_endpoints (
    id TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    account TEXT,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    old_secret TEXT,
    old_until INTEGER NOT NULL DEFAULT 0,
    disabled INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS webhook_deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    endpoint TEXT NOT NULL,
    event TEXT NOT NULL,
    type TEXT NOT NULL,
    thread TEXT NOT NULL,
    body TEXT NOT NULL,
    secret TEXT NOT NULL,
    created REAL NOT NULL,
    due REAL NOT NULL,
    not_before REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    answered INTEGER,
    state TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_webhook_deliveries ON webhook_deliveries (due, seq)
    WHERE state = 'waiting';
"""
TABLES = (
    "payment_objects",
    "payment_ledger",
    "payment_answers",
    "payment_keys",
    "payment_dues",
    "webhook_endpoints",
    "webhook_deliveries",
)
