"""Logs: one JSON line an event, on standard error. Ids, kinds and counts; never words, phone numbers or signatures."""

from __future__ import annotations

import logging
import sys
import traceback
from contextlib import suppress

import structlog


class Others(logging.Handler):
    """What packages warn of by themselves (web server, pools, queues), in the same lines."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        more = {}
        if record.exc_info and (error := record.exc_info[1]) is not None:
            more = {"error": type(error).__name__, "traceback": "".join(traceback.format_exception(error))}
        with suppress(OSError):  # on a full disk there are no lines
            structlog.get_logger().log(record.levelno, record.getMessage(), logger=record.name, **more)


def configure(level: str) -> None:
    """Once in a process, before anything is logged."""
    logging.getLogger().addHandler(Others())
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
