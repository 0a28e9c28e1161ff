"""Logs one event a line with request, tenant and life ids, without secrets or personal data."""

import json
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED: Final = "[redacted]"
_SECRET_KEY: Final = re.compile(
    r"passw|secret|token|authori[sz]ation|cookie|api_?key|keyset|credential|signature|otp$"
    r"|dsn$|database_url|^pan$|_pan$|aadhaar|phone|mobile|e?mail$|recipient|address_line"
    r"|full_?name|first_?name|last_?name|account_number|ifsc|document_number",
    re.IGNORECASE,
)
# In order: what holds a secret before what looks like a person's number.
_PERSONAL: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"\[parameters: .*", re.DOTALL), "[parameters redacted]"),
    (re.compile(r"DETAIL: .*"), "DETAIL: [redacted]"),
    (re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+@"), "[credentials]@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), r"\1 [redacted]"),
    (re.compile(r"\b([sp]k_(?:live|test)_)[\w-]+"), r"\1[redacted]"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "[token]"),
    (re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), "[mail]"),
    (re.compile(r"(?<![\w-])\+\d(?:[\s().-]{0,2}\d){6,14}(?![\w-])"), "[phone]"),
    (re.compile(r"(?i)(?<![\w-])[a-z]{5}\d{4}[a-z](?![\w-])"), "[pan]"),
    (re.compile(r"(?<![\w.-])\d{4}[ -]\d{4}[ -]\d{4}(?:[ -]\d{1,7})?(?![\w.-])"), "[number]"),
    (re.compile(r"(?<![\w.-])\d{5}[ -]\d{5}(?![\w.-])"), "[phone]"),
    (re.compile(r"(?<![\w.-])\d{9,19}(?![\w-])"), "[number]"),
)


def redacted(text: str) -> str:
    """The text without mails, phones, PANs, card and account numbers, keys and passwords."""
    for pattern, replacement in _PERSONAL:
        text = pattern.sub(replacement, text)
    return text


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take personal data and secrets out of an event, by the names of its keys and by looks."""
    return {key: _safe(key, value) for key, value in event.items()}


def _safe(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return REDACTED if value is not None and _SECRET_KEY.search(key) else value
    if _SECRET_KEY.search(key):
        return REDACTED
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return {str(name): _safe(str(name), part) for name, part in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe("", part) for part in value]  # pyright: ignore[reportUnknownVariableType]
    return redacted(str(value))


def configure(level: str, part: str, *, output: TextIO | None = None) -> None:
    """Send every event of this process, also the libraries', to `output` (default: stderr).

    One JSON object a line, or readable lines when `output` is a terminal. `part` names the process.
    """
    stream = output or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(part),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _rendered(terminal=stream.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("httpx2", "httpcore2", "asyncio", "sqlalchemy.engine", "stripe", "twilio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _named(part: str) -> Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["part"] = part
        return event

    return add


def _rendered(*, terminal: bool) -> Processor:
    if terminal:
        return structlog.dev.ConsoleRenderer()
    return structlog.processors.JSONRenderer(serializer=_json)


def _json(event: object, **_options: object) -> str:
    return json.dumps(event, default=str, ensure_ascii=False)
