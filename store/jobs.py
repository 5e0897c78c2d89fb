"""The last run of every periodic job, and the claim by which two clocks run it once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from store import alarms
from store.database import Conn, Tx, fetch_all, fetch_one


@dataclass(frozen=True, slots=True)
class Run:
    """A job and its last run; while it runs, or where its process died, `ended_at` is before `started_at`."""

    name: str
    pace: timedelta
    due_at: datetime  # of one that runs: when another may take it over
    started_at: datetime | None
    ended_at: datetime | None
    seconds: float | None
    outcome: str | None  # done, failed
    error: str | None  # kind of failure


async def enter(tx: Tx, jobs: Mapping[str, tuple[timedelta, datetime]]) -> None:
    """Write down which jobs there are: name → (pace, when first due). What others there were is let go of."""
    for name, (pace, due_at) in sorted(jobs.items()):
        await tx.execute(
            "INSERT INTO jobs (name, pace, due_at) VALUES (%s, %s, %s) ON CONFLICT (name) DO UPDATE"
            " SET pace = excluded.pace, due_at = excluded.due_at WHERE jobs.pace <> excluded.pace",
            (name, pace, due_at),
        )
    await tx.execute("DELETE FROM jobs WHERE name <> ALL(%s)", (list(jobs),))


async def list_all(conn: Conn) -> list[Run]:
    return await fetch_all(
        conn,
        "SELECT name, pace, due_at, started_at, ended_at, seconds, outcome, error FROM jobs ORDER BY pace, name",
        of=Run,
    )


async def list_due(conn: Conn) -> set[str]:
    return {row["name"] for row in await fetch_all(conn, "SELECT name FROM jobs WHERE due_at <= now()")}


async def claim(conn: Conn, name: str, lease: timedelta, *, early: bool = False) -> datetime | None:
    """Take a job that is due, until it ends or the lease is over. Returns when it began; None where another has it.

    `early` takes one that is not due yet, but none that runs.
    """
    row = await fetch_one(
        conn,
        "UPDATE jobs SET started_at = clock_timestamp(), due_at = clock_timestamp() + %(lease)s"
        " WHERE name = %(name)s AND (due_at <= now() OR (%(early)s"
        " AND coalesce(ended_at, '-infinity') >= coalesce(started_at, '-infinity'))) RETURNING started_at",
        {"name": name, "lease": lease, "early": early},
    )
    return row["started_at"] if row else None


async def end(tx: Tx, name: str, started_at: datetime, *, seconds: float, error: str | None, due_at: datetime) -> bool:
    """Write what became of a claimed run. One that failed sounds an alarm, unless an earlier one of its still stands;
    the first that succeeds after it clears that.

    False where the lease was over and another has taken it meanwhile: then that one's end is what is kept.
    """
    before = await fetch_one(
        tx,
        "UPDATE jobs SET ended_at = clock_timestamp(), seconds = %(seconds)s, outcome = %(outcome)s, error = %(error)s,"
        " due_at = greatest(%(due_at)s, clock_timestamp()) FROM (SELECT outcome FROM jobs WHERE name = %(name)s) before"
        " WHERE name = %(name)s AND started_at = %(started_at)s RETURNING before.outcome",
        {
            "name": name,
            "started_at": started_at,
            "seconds": seconds,
            "outcome": "failed" if error else "done",
            "error": error,
            "due_at": due_at,
        },
    )
    if before is None:
        return False
    if error is not None:
        await alarms.sound(tx, "job_failed", once=("job",), job=name, error=error)
    elif before["outcome"] == "failed":
        await alarms.clear(tx, "job_failed", job=name)
    return True
