"""Logs: one JSON line an event, on standard error. Ids, kinds and counts; never words, phone numbers or signatures."""

from __future__ import annotations

import logging
import sys

import structlog


def configure(level: str) -> None:
    """Once in a process, before anything is logged."""
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
