"""Logs: one JSON line an event, on standard error. Ids, kinds and counts; never words, phone numbers or signatures."""

from __future__ import annotations

import logging
import sys
import traceback
from contextlib import suppress
from pathlib import Path

import structlog

FRAMES = 6  # of an error's way that are told


class Others(logging.Handler):
    """What packages warn of by themselves (web server, pools, queues), in the same lines.

    The first line of it alone: below it RQ and asyncio write the error's own sentence.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else sys.exc_info()[1]
        more = {} if error is None else {"error": type(error).__name__, "where": where(error)}
        event = record.getMessage().partition("\n")[0]
        with suppress(OSError):  # on a full disk there are no lines
            structlog.get_logger().log(record.levelno, event, logger=record.name, **more)


def where(error: BaseException) -> list[str]:
    """Files and lines that an error came through, the last of them where it arose.

    Never its own sentence: it may quote what a person wrote, as a database's does what it choked on.
    """
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]


def configure(level: str) -> None:
    """Before anything is logged. Called again, it changes nothing but the level: custody opens its parts twice."""
    logging.basicConfig(handlers=[Others()])
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
