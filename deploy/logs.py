"""Logging: one line an event, as text for people or JSON for machines, with secrets taken out.

The id of the request (or job) at hand travels in a context variable and is put on every line.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp.http_exceptions import HttpProcessingError

from deploy.config import option

HEARD_LIMIT_CHARS = 200
context_id: ContextVar[str] = ContextVar("context_id", default="")

_SECRETS = (
    (re.compile(r"([?&](?:token|key|passphrase|X-Amz-[A-Za-z]+)=)[^&\s\"']+"), r"\1…"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"), r"\1 …"),
    (re.compile(r"(\w+://[^/\s:@]*):[^@\s/]+@"), r"\1:…@"),
    (re.compile(r"(?i)(\b(?:password|passwd|secret|secret_key|tongbu_session)\b\W{1,4})[^\s,;&\"']+"),
     r"\1…"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+"), "…"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How the service writes what it does."""

    level: str = option("info", "debug, info, warning or error")
    format: str = option("text", "text for people, json for machines")

    def __post_init__(self) -> None:
        if self.level not in ("debug", "info", "warning", "error"):
            raise ValueError(f"level must be debug, info, warning or error, not {self.level!r}")
        if self.format not in ("text", "json"):
            raise ValueError(f"format must be text or json, not {self.format!r}")


def redact(text: str) -> str:
    """Replace credentials and tokens in a line by an ellipsis."""
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    return text


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        mark = context_id.get()
        head = f"{_time(record)} {record.levelname:<7} {record.name}"
        text = f"{head} [{mark}] {record.getMessage()}" if mark else f"{head} {record.getMessage()}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return redact(text)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "id": context_id.get(),
            "message": redact(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps({k: v for k, v in line.items() if v}, ensure_ascii=False)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def set_up_logging(settings: LogSettings) -> None:
    """Send every logger's lines to standard error in the chosen form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if settings.format == "json" else _Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for noisy in ("procrastinate", "psycopg.pool", "aiohttp.access", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("aiohttp.server").addFilter(_without_inside)


def _without_inside(record: logging.LogRecord) -> bool:
    """Say in one line what is not HTTP: anybody can send it, and often."""
    error = record.exc_info[1] if record.exc_info else None
    if not isinstance(error, HttpProcessingError):
        return True
    record.exc_info = None
    record.levelno, record.levelname = logging.INFO, "INFO"
    record.msg, record.args = "not HTTP: %s", (" ".join(str(error).split())[:HEARD_LIMIT_CHARS],)
    return logging.getLogger().isEnabledFor(logging.INFO)
