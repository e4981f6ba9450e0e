"""Structured logging: one JSON line an event, set up by process entrances only."""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, FilteringBoundLogger

_LEFT_OUT = {"level", "event", "timestamp", "module", "logger", "exception"}
"""Fields that a line for people shows first, last, or not at all."""


def configure(level: str = "INFO", *, for_people: bool = False) -> None:
    """Send this process's logs to standard error as JSON lines, ours and the libraries'.

    Event names are fixed strings; facts are fields: document_id, job_id, stage, correlation_id.

    Args:
        level: Least level of our own lines.
        for_people: Standard error is a terminal: only warnings and worse, in plain words.
    """
    least: int = logging.getLevelName(level)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        _plain if for_people else structlog.processors.JSONRenderer(default=str),
    ]
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(
            max(least, logging.WARNING) if for_people else least
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    logging.basicConfig(handlers=[stream], level=logging.WARNING, force=True)


def get(name: str) -> FilteringBoundLogger:
    """The logger of a module."""
    logger: FilteringBoundLogger = structlog.get_logger(module=name)
    return logger


def _plain(_logger: Any, _method: str, event: EventDict) -> str:
    """A line without anything that a terminal would obey, and the exception below it."""
    parts = [f"{name} {value}" for name, value in event.items() if name not in _LEFT_OUT]
    line = f"{event['level']}: {event['event']}" + (f" ({', '.join(parts)})" if parts else "")
    lines = [line, *str(event.get("exception", "")).splitlines()]
    return "\n".join("".join(c if c.isprintable() else "\ufffd" for c in line) for line in lines)
