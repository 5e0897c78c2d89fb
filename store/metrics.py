"""What is counted for Prometheus, read from the database when somebody asks, at most every few seconds.

A number of ours is named by kind, district and its row; nobody else's number and no word is ever a label. Sealed
matters are in none of these: a rise at the wrong moment would say that somebody has spoken.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import LiteralString

import psycopg
import structlog
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from store.database import Auto, fetch_all
from store.jawab import Jawab

log = structlog.get_logger()

FRESH = 10.0  # seconds that what was read is told again
PATIENCE = 5.0  # seconds for the database to answer; who scrapes waits ten
AWAY = (psycopg.Error, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Gauge:
    """One metric: `sql` gives a row for each sample, with a column for each label and one called `value`."""

    name: str
    told: str
    labels: tuple[str, ...]
    sql: LiteralString


# Whatever is counted here is held small by an index: what is under way, what failed, or the last day.
GAUGES: tuple[Gauge, ...] = (
    Gauge(
        "jawab_outbox_messages",
        "Messages that have not left: queued, being sent, or parked until their receiver writes.",
        ("lane", "state"),
        """WITH here AS (
            SELECT lane, state, count(*) AS n FROM outbox WHERE state = 'queued' GROUP BY lane, state
            UNION ALL SELECT lane, state, count(*) FROM outbox WHERE state = 'sending' GROUP BY lane, state
            UNION ALL SELECT lane, state, count(*) FROM outbox WHERE state = 'parked' GROUP BY lane, state)
        SELECT lane, state, coalesce(n, 0) AS value FROM unnest(ARRAY['replies', 'broadcasts']) AS lane
        CROSS JOIN unnest(ARRAY['queued', 'sending', 'parked']) AS state LEFT JOIN here USING (lane, state)""",
    ),
    Gauge(
        "jawab_outbox_oldest_due_seconds",
        "How long the message that is due longest has waited; 0 where none is.",
        ("lane",),
        """SELECT lane, coalesce(extract(epoch FROM now() - (
            SELECT min(due_at) FROM outbox WHERE outbox.lane = lanes.lane AND state = 'queued' AND due_at <= now())
        ), 0) AS value FROM unnest(ARRAY['replies', 'broadcasts']) AS lanes(lane)""",
    ),
    Gauge(
        "jawab_outbox_last_day",
        "Messages put into the outbox in the last 24 hours by what has become of them, and the last error.",
        ("lane", "state", "error"),
        """SELECT lane, state, coalesce(error, '') AS error, count(*) AS value FROM outbox
        WHERE created_at > now() - interval '1 day' GROUP BY 1, 2, 3""",
    ),
    Gauge(
        "jawab_inbox_messages",
        "Messages whose turn failed: undone is tried again, dead waits for a person.",
        ("state",),
        """SELECT 'undone' AS state, count(*) AS value FROM inbox WHERE state = 'undone'
        UNION ALL SELECT 'dead', count(*) FROM inbox WHERE state = 'dead'""",
    ),
    Gauge(
        "jawab_alarms_open",
        "Alarms that nobody has cleared.",
        ("kind",),
        """SELECT kind, count(*) AS value FROM alarms
        WHERE cleared_at IS NULL AND kind NOT LIKE 'protected%' GROUP BY kind""",
    ),
    Gauge(
        "jawab_channel_silent_seconds",
        "Since the last message from a citizen to a number of ours (within five minutes), or since it was added.",
        ("kind", "district", "channel"),
        """SELECT kind, district_id AS district, coalesce(name, id::text) AS channel,
            extract(epoch FROM now() - coalesce((SELECT max(last_inbound_at) FROM contacts
                WHERE channel_id = channels.id), created_at)) AS value
        FROM channels WHERE retired_at IS NULL""",
    ),
    Gauge(
        "jawab_job_age_seconds",
        "Since a periodic job last began.",
        ("job",),
        "SELECT name AS job, extract(epoch FROM now() - started_at) AS value FROM jobs WHERE started_at IS NOT NULL",
    ),
    Gauge(
        "jawab_job_late_seconds",
        "Since a periodic job should have run; 0 where it is not due. One that runs may take its lease.",
        ("job",),
        "SELECT name AS job, greatest(extract(epoch FROM now() - due_at), 0) AS value FROM jobs",
    ),
    Gauge(
        "jawab_job_seconds",
        "How long the last run of a periodic job took.",
        ("job",),
        # How long a look at sealed cases takes may depend on what is there.
        "SELECT name AS job, seconds AS value FROM jobs WHERE seconds IS NOT NULL AND name NOT LIKE '%protected%'",
    ),
    Gauge(
        "jawab_job_failed",
        "1 where the last run of a periodic job failed, with the kind of error.",
        ("job", "error"),
        """SELECT name AS job, coalesce(error, '') AS error, (outcome = 'failed')::int AS value FROM jobs
        WHERE outcome IS NOT NULL""",
    ),
)


class Families(Collector):
    """What was read, as the client's own text format wants it."""

    def __init__(self, families: list[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> Iterable[GaugeMetricFamily]:
        return self._families


@dataclass(slots=True)
class Metrics:
    """The page of one process; many who ask at once cost the database one reading."""

    jawab: Jawab
    patience: float = PATIENCE
    _text: bytes = b""
    _read_at: float = float("-inf")
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def text(self) -> bytes:
        """All metrics, those of the process too. Never raises for a database that is away: it says so."""
        async with self._reading:
            if time.monotonic() - self._read_at > FRESH:
                self._text = _write(await self._read())
                self._read_at = time.monotonic()
            return self._text

    async def _read(self) -> list[GaugeMetricFamily]:
        up = GaugeMetricFamily("jawab_database_up", "1 where the database answered; without it nothing else is told.")
        try:
            async with asyncio.timeout(self.patience), self.jawab.db.autocommit("console") as auto:
                families = [await _count(auto, gauge) for gauge in GAUGES]
        except AWAY as away:
            log.warning("metrics without a database", error=type(away).__name__)
            families = []
        up.add_metric([], float(bool(families)))
        return [up, *families]


async def _count(auto: Auto, gauge: Gauge) -> GaugeMetricFamily:
    family = GaugeMetricFamily(gauge.name, gauge.told, labels=gauge.labels)
    rows = [([row[label] for label in gauge.labels], float(row["value"])) for row in await fetch_all(auto, gauge.sql)]
    for labels, value in sorted(rows):  # in one order whatever plan the database has taken
        family.add_metric(labels, value)
    return family


def _write(families: list[GaugeMetricFamily]) -> bytes:
    ours = CollectorRegistry(auto_describe=False)
    ours.register(Families(families))
    return generate_latest(ours) + generate_latest(REGISTRY)
