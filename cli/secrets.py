"""`innkeeper secrets`: every secret a new house needs, drawn now, as lines of an env file."""

import base64
import json
import secrets as draw

from models.vault import new_keyset

PASSWORDS = (
    "POSTGRES_PASSWORD",
    "INN_OWNER_PASSWORD",
    "INN_APP_PASSWORD",
    "INN_PLATFORM_PASSWORD",
    "TEMPORAL_POSTGRES_PASSWORD",
    "INNKEEPER_METRICS_TOKEN",
)


def secrets() -> None:
    """Draw keys and passwords. Keep the keys: without them encrypted columns are lost."""
    keyset = json.dumps(json.loads(new_keyset()), separators=(",", ":"))
    print(f"INNKEEPER_KEYSET={keyset}")
    print(f"INNKEEPER_BLIND_INDEX_KEY={base64.b64encode(draw.token_bytes(32)).decode()}")
    for name in PASSWORDS:
        print(f"{name}={draw.token_urlsafe(24)}")
