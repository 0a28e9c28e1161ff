"""Settings are documented, frozen, never have a default secret, and are read in one place."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from runtime.settings import CONCERNS, PREFIX, DatabaseSettings, KeySettings, Settings

ROOT = Path(__file__).parents[2]
FLOORS = [
    *("domain", "models", "providers", "templates", "activities", "workflows", "runtime"),
    *("api", "workers", "sandbox", "cli", "migrations"),
]
# Told to a library we load is not read from outside: fontconfig hears of our fonts in no other way.
READS = re.compile(r"\bos\.(environ(?!\[\"\w+\"\] = )|getenv)|from os import (environ|getenv)")
FIELDS = [(concern, name) for concern in CONCERNS for name in concern.model_fields]
COMPLETE = {
    "INNKEEPER_DATABASE_URL": "postgresql://inn_app:x@127.0.0.1/innkeeper",
    "INNKEEPER_PLATFORM_DATABASE_URL": "postgresql://inn_platform:x@127.0.0.1/innkeeper",
    "INNKEEPER_SMTP_HOST": "127.0.0.1",
    "INNKEEPER_SMTP_FROM": "desk@example.com",
    "INNKEEPER_TWILIO_ACCOUNT_SID": "AC0",
    "INNKEEPER_TWILIO_AUTH_TOKEN": "token-of-a-test",
    "INNKEEPER_TWILIO_FROM": "+15005550006",
    "INNKEEPER_KEYSET": "{}",
    "INNKEEPER_BLIND_INDEX_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
}


def written(field: FieldInfo) -> str:
    """The default as the page writes it."""
    if field.is_required():
        return "required"
    return "none" if field.default is None else f"`{field.default}`"


def test_the_page_lists_every_setting_with_its_default_and_meaning() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| `(INNKEEPER_\w+)` \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    expected: list[tuple[str, str, str]] = []
    for concern, name in FIELDS:
        field = concern.model_fields[name]
        expected.append((PREFIX + name.upper(), written(field), str(field.description)))
    assert rows == expected


@pytest.mark.parametrize(("concern", "name"), FIELDS)
def test_no_secret_has_a_default(concern: Any, name: str) -> None:
    field: FieldInfo = concern.model_fields[name]
    if "SecretStr" in str(field.annotation):
        assert field.is_required() or field.default is None


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        str(file.relative_to(ROOT))
        for floor in FLOORS
        for file in (ROOT / floor).rglob("*.py")
        if READS.search(file.read_text())
    ]
    assert readers == ["runtime/settings.py"]


def test_settings_come_from_the_environment_and_else_from_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "settings.env"
    told = {**COMPLETE, "INNKEEPER_API_PORT": "9001", "INNKEEPER_LOG_LEVEL": "debug"}
    file.write_text("".join(f"{name}='{value}'\n" for name, value in told.items()))
    monkeypatch.setenv("INNKEEPER_API_PORT", "9002")
    settings = Settings.load(file)
    assert settings.api.api_port == 9002
    assert settings.log.log_level == "debug"
    assert settings.mail.smtp_from == "desk@example.com"
    assert settings.keys.blind_index_bytes() == bytes(32)


def test_a_missing_or_bad_setting_is_named_and_its_value_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("INNKEEPER_DATABASE_URL", raising=False)
    monkeypatch.setenv("INNKEEPER_PLATFORM_DATABASE_URL", "mysql://root:hunter2@x/y")
    with pytest.raises(ValidationError) as refused:
        DatabaseSettings.load()
    told = str(refused.value)
    assert "database_url" in told
    assert "postgresql://role:password@host" in told
    assert "hunter2" not in told


def test_a_settings_object_cannot_be_changed_and_does_not_print_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    with pytest.raises(ValidationError, match="frozen"):
        settings.keys.keyset = SecretStr("{}")
    assert "token-of-a-test" not in repr(settings)
    assert "inn_app:x@" not in repr(settings)


def test_a_keyset_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "keyset.json").write_text('{"key": []}')
    monkeypatch.setenv("INNKEEPER_KEYSET", str(tmp_path / "keyset.json"))
    assert KeySettings.load().keyset_json() == '{"key": []}'
