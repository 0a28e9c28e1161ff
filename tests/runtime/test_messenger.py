"""What the settings say about mail and text messages is what carries them."""

from pathlib import Path

import httpx2

from runtime.messenger import messenger_of
from runtime.settings import Settings
from sandbox.main import running
from tests.support.outgoing import ACCOUNT, letter, text

SETTINGS = """
INNKEEPER_DATABASE_URL=postgresql://inn_app@127.0.0.1/innkeeper
INNKEEPER_PLATFORM_DATABASE_URL=postgresql://inn_platform@127.0.0.1/innkeeper
INNKEEPER_KEYSET={}
INNKEEPER_BLIND_INDEX_KEY=YSBrZXkgb2YgdGhpcnR5LXR3byBieXRlcyBsZW5ndGg=
INNKEEPER_SMTP_HOST=127.0.0.1
INNKEEPER_SMTP_PORT=%(smtp)s
INNKEEPER_SMTP_SECURITY=none
INNKEEPER_SMTP_FROM=billing@sunrise.example
INNKEEPER_TWILIO_ACCOUNT_SID=%(account)s
INNKEEPER_TWILIO_AUTH_TOKEN=a-token
INNKEEPER_TWILIO_FROM=+15005550006
INNKEEPER_TWILIO_BASE_URL=%(url)s/twilio
"""


async def test_mail_and_text_go_where_the_settings_say(tmp_path: Path) -> None:
    async with running() as box, httpx2.AsyncClient(base_url=box.url, trust_env=False) as client:
        file = tmp_path / "settings"
        file.write_text(SETTINGS % {"smtp": box.smtp_port, "account": ACCOUNT, "url": box.url})
        async with messenger_of(Settings.load(file)) as messenger:
            for outgoing in (letter(1), text(2)):
                await messenger.send(outgoing)
        arrived = (await client.get("/control/inbox")).json()["items"]
    assert sorted((one["channel"], one["from"]) for one in arrived) == [
        ("email", "Sunrise PG <billing@sunrise.example>"),
        ("sms", "+15005550006"),
    ]
