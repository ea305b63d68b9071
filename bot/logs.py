"""Logs: one line an event on standard error, JSON or for the eye, and nothing in it that identifies a person."""

from __future__ import annotations

import logging
import re
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor

from bot.mask import mask_value

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_OURS = ("exception", "stack")
"""What we wrote ourselves in several lines."""

QUIET = ("httpx", "httpcore", "uvicorn", "uvicorn.error", "twilio", "apscheduler", "alembic", "ocpp", "websockets",
         "asyncio", "multipart", "telegram", "aiogram", "aiohttp")  # fmt: skip


def configure(*, json: bool, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send everything that any room logs through the mask to `stream` (standard error)."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    out = stream or sys.stderr
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.StackInfoRenderer(),
                structlog.processors.format_exc_info,
                blank,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def blank(_logger: object, _method: str, event: EventDict) -> EventDict:
    """The last step before a line is written: mask every value, tracebacks included, and keep it one line."""
    return {
        key: value if key in ("timestamp", "level", "logger") else _in_one_line(key, mask_value(value, key))
        for key, value in event.items()
    }


def _in_one_line(key: str, value: object) -> object:
    """What strangers sent must not begin a line of its own or move the cursor of whoever reads."""
    if not isinstance(value, str) or key in _OURS:
        return value
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", value)
