"""Everything a process is told from outside, by environment variables that begin with INNKEEPER_.

The only reader of the environment. Built once in an entry point and passed on by constructor;
nothing secret has a default, and a missing or bad setting is named at the start.
"""

import base64
import binascii
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "INNKEEPER_"
_KEY_BYTES = 32


def _without_slash(url: str) -> str:
    return url.rstrip("/")


def _postgres_address(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith("postgresql://"):
        raise ValueError("an address like postgresql://role:password@host:port/database")
    return url


def _blind_index_key(key: SecretStr) -> SecretStr:
    try:
        raw = base64.b64decode(key.get_secret_value(), validate=True)
    except binascii.Error as problem:
        raise ValueError("32 bytes in base64") from problem
    if len(raw) != _KEY_BYTES:
        raise ValueError("32 bytes in base64")
    return key


Url = Annotated[str, AfterValidator(_without_slash)]
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres_address)]
BlindIndexKey = Annotated[SecretStr, AfterValidator(_blind_index_key)]
Port = Annotated[int, Field(ge=1, le=65_535)]


class Concern(BaseSettings):
    """Settings of one concern: each field is the variable INNKEEPER_<FIELD>."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    @classmethod
    def load(cls, file: Path | None = None) -> Self:
        """From the environment, and where it is silent from `file` (NAME=value lines).

        Raises pydantic.ValidationError, which names each setting but shows no value.
        """
        return cls(_env_file=file)  # pyright: ignore[reportCallIssue]


class DatabaseSettings(Concern):
    """How the parts reach PostgreSQL."""

    database_url: PostgresUrl = Field(
        description="PostgreSQL as the role `inn_app`, which the walls bind"
    )
    platform_database_url: PostgresUrl = Field(
        description="PostgreSQL as the role `inn_platform`: relay, repair, doctor"
    )
    database_pool_size: int = Field(
        10,
        ge=2,
        le=200,
        description="connections of one process as `inn_app`; half as many again as `inn_platform`",
    )


class OwnerSettings(Concern):
    """How `bootstrap`, `migrate` and `doctor` reach PostgreSQL."""

    owner_database_url: PostgresUrl = Field(
        description="PostgreSQL as the role `inn_owner`, which owns the tables"
    )


class AdminSettings(Concern):
    """How `bootstrap` makes roles and database."""

    admin_database_url: PostgresUrl = Field(
        description="PostgreSQL as a role that may create roles and databases; `bootstrap` alone"
    )


class TemporalSettings(Concern):
    """How the parts reach Temporal."""

    temporal_address: str = Field(
        "127.0.0.1:7233", description="host:port of Temporal's gRPC service"
    )
    temporal_namespace: str = Field("innkeeper", description="Temporal's namespace of this house")
    temporal_ui_url: Url = Field(
        "http://127.0.0.1:8233", description="where a browser finds Temporal's UI, for links"
    )


class ApiSettings(Concern):
    """Where HTTP is served."""

    api_host: str = Field("127.0.0.1", description="address the API listens on")
    api_port: Port = Field(8000, description="port the API listens on")
    public_base_url: Url | None = Field(
        None,
        description="the API's address as payers and providers see it; unset, no pay link is sent",
    )


class MailSettings(Concern):
    """How mail leaves the house."""

    smtp_host: str = Field(description="the mail server")
    smtp_port: Port = Field(587, description="the mail server's port")
    smtp_security: Literal["none", "starttls", "tls"] = Field(
        "starttls", description="encryption towards it; `none` is for loopback"
    )
    smtp_user: str | None = Field(None, description="user name, if the server wants one")
    smtp_password: SecretStr | None = Field(None, description="password of that user")
    smtp_from: str = Field(description="the address all our mail comes from")


class SmsSettings(Concern):
    """How short messages leave the house."""

    twilio_account_sid: str = Field(description="Twilio account")
    twilio_auth_token: SecretStr = Field(description="Twilio token of that account")
    twilio_from: str = Field(description="sending number (E.164) or messaging service")
    twilio_base_url: Url = Field(
        "https://api.twilio.com", description="Twilio's API, or the sandbox's `/twilio`"
    )


class PaymentSettings(Concern):
    """How money is asked for."""

    stripe_url: Url = Field(
        "https://api.stripe.com", description="Stripe's API, or the sandbox's `/stripe`"
    )
    stripe_platform_key: SecretStr | None = Field(
        None,
        description="secret key of the Stripe platform that connected accounts belong to; without"
        " one every operator brings keys of its own",
    )
    razorpay_url: Url = Field(
        "https://api.razorpay.com", description="Razorpay's API, or the sandbox's `/razorpay`"
    )
    payment_timeout_seconds: float = Field(
        20.0, ge=1, le=60, description="how long a payment provider's answer is waited for"
    )


class SandboxSettings(Concern):
    """Where the providers' stand-in is served."""

    sandbox_host: str = Field("127.0.0.1", description="address the sandbox listens on")
    sandbox_port: Port = Field(8100, description="port the sandbox listens on")
    sandbox_smtp_port: Port = Field(8125, description="port of the sandbox's mail server")
    sandbox_url: Url | None = Field(
        None, description="the sandbox's address, for links to its inbox; unset in production"
    )


class KeySettings(Concern):
    """The keys of personal data."""

    keyset: SecretStr = Field(
        description="Tink keyset (AES256_GCM) as JSON, or the path of a file with it"
    )
    blind_index_key: BlindIndexKey = Field(
        description="32 bytes in base64: key of the index over encrypted columns"
    )

    def keyset_json(self) -> str:
        """The keyset itself, read from its file if the setting names one."""
        value = self.keyset.get_secret_value().strip()
        return value if value.startswith("{") else Path(value).read_text()

    def blind_index_bytes(self) -> bytes:
        """The 32 bytes of the blind index key."""
        return base64.b64decode(self.blind_index_key.get_secret_value())


class DrainSettings(Concern):
    """How a process ends when it is told to."""

    drain_seconds: float = Field(
        25.0,
        ge=1,
        le=27,
        description="how long what is under way may take to finish; 3 s later it is gone anyway",
    )
    linger_seconds: float = Field(
        0.0,
        ge=0,
        le=20,
        description="how long the API, not ready any more, still answers before it closes its port",
    )


class MetricsSettings(Concern):
    """Who may watch, and where."""

    metrics_token: SecretStr | None = Field(
        None,
        description="bearer token of whoever reads `/metrics`; without one the API answers this"
        " machine alone, the worker's port whoever reaches it",
    )
    worker_host: str = Field(
        "127.0.0.1", description="address of the worker's own port for `/metrics` and `/health`"
    )
    worker_port: Port | None = Field(None, description="that port; without it there is none")
    temporal_metrics_address: str | None = Field(
        None, description="host:port where the worker serves the Temporal SDK's own metrics"
    )
    slow_figures_minutes: int = Field(
        15, ge=1, le=1440, description="how often one worker checks the books and counts messages"
    )


class LogSettings(Concern):
    """How much is told to the log."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least serious event that is logged"
    )


CONCERNS: tuple[type[Concern], ...] = (
    DatabaseSettings,
    OwnerSettings,
    AdminSettings,
    TemporalSettings,
    ApiSettings,
    MailSettings,
    SmsSettings,
    PaymentSettings,
    SandboxSettings,
    KeySettings,
    DrainSettings,
    MetricsSettings,
    LogSettings,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the API and the workers are told, one field per concern. It knows no owner."""

    database: DatabaseSettings
    temporal: TemporalSettings
    api: ApiSettings
    mail: MailSettings
    sms: SmsSettings
    payments: PaymentSettings
    sandbox: SandboxSettings
    keys: KeySettings
    drain: DrainSettings
    metrics: MetricsSettings
    log: LogSettings

    @classmethod
    def load(cls, file: Path | None = None) -> Self:
        """Every concern from the environment, and where it is silent from `file`."""
        return cls(
            database=DatabaseSettings.load(file),
            temporal=TemporalSettings.load(file),
            api=ApiSettings.load(file),
            mail=MailSettings.load(file),
            sms=SmsSettings.load(file),
            payments=PaymentSettings.load(file),
            sandbox=SandboxSettings.load(file),
            keys=KeySettings.load(file),
            drain=DrainSettings.load(file),
            metrics=MetricsSettings.load(file),
            log=LogSettings.load(file),
        )


def environment_without(names: Iterable[str]) -> dict[str, str]:
    """This process's environment less the variables named, which a child reads from a file."""
    left_out = frozenset(names)
    return {name: value for name, value in os.environ.items() if name not in left_out}
