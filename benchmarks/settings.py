"""The settings of a server of the house, as a process of the benchmarks is told them."""

import base64

from benchmarks.house import BilledHouse

INDEX_KEY = bytes(32)


def settings_of(house: BilledHouse, port: int, keyset: str) -> dict[str, str]:
    """What the API and the worker cannot do without."""
    return {
        "INNKEEPER_DATABASE_URL": house.dsn("inn_app"),
        "INNKEEPER_PLATFORM_DATABASE_URL": house.dsn("inn_platform"),
        "INNKEEPER_API_PORT": str(port),
        "INNKEEPER_KEYSET": keyset,
        "INNKEEPER_BLIND_INDEX_KEY": base64.b64encode(INDEX_KEY).decode(),
        "INNKEEPER_SMTP_HOST": "127.0.0.1",
        "INNKEEPER_SMTP_FROM": "billing@example.com",
        "INNKEEPER_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "INNKEEPER_TWILIO_AUTH_TOKEN": "token",
        "INNKEEPER_TWILIO_FROM": "+15005550006",
        "INNKEEPER_LOG_LEVEL": "error",
    }
