"""How periodic jobs are run: each that is due beside the others, by a clock or by hand, and its run written down."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import structlog

import jobs
from bot import registry
from cases.calendar import PROVINCE
from jobs import Job
from store import jobs as book
from store.database import CUSTODY
from store.jawab import Jawab
from store.pool import is_away

log = structlog.get_logger()

EVERY = 1.0  # seconds between two looks at what is due
LEASE = timedelta(minutes=1)  # after a process died with a job at work, another begins it again


def _keeps(job: Job) -> str:
    """As whom a job's runs are written down: custody's run in the process that serves its pages, as nobody else."""
    return CUSTODY if job.role == CUSTODY else "console"


class NotRun(Exception):
    """Why a job that somebody asked for was not run, in one line."""


# ── how they are run ─────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one run; `error` is the kind of failure."""

    seconds: float
    error: str | None


async def enter(jawab: Jawab, table: Sequence[Job] = jobs.JOBS) -> None:
    """Write the table into the database, so that everybody sees what should run."""
    now = datetime.now(UTC)
    first = {job.name: (job.period, job.after(now) if isinstance(job.pace, time) else now) for job in table}
    async with jawab.db.transaction("console") as tx:
        await book.enter(tx, first)


async def run(jawab: Jawab, job: Job, *, early: bool = False) -> Ended | None:
    """Run a job that is due (or `early`) and write down what became of it. None where another has it, or had it.

    Raises psycopg's error where the database went away meanwhile: that is no failure of the job, which is due again
    after its lease.
    """
    async with jawab.db.autocommit(_keeps(job)) as auto:
        started_at = await book.claim(auto, job.name, LEASE, early=early)
    if started_at is None:
        return None
    begun, error = monotonic(), None
    try:
        await job.work(replace(jawab, db=jawab.db.only(job.role)), datetime.now(UTC))
    except Exception as broken:
        if is_away(broken):
            raise
        error = type(broken).__name__
        log.error("job failed", job=job.name, error=error)
    seconds = monotonic() - begun
    due_at = job.after(started_at, failed=error is not None)
    async with jawab.db.transaction(_keeps(job)) as tx:
        await book.end(tx, job.name, started_at, seconds=seconds, error=error, due_at=due_at)
    return Ended(seconds, error)


async def run_now(jawab: Jawab, name: str) -> Ended:
    """Run a job for an operator, due or not. Raises `NotRun` where there is none of that name, or it is at work."""
    found = next((job for job in jobs.JOBS if job.name == name), None)
    if found is None:
        raise NotRun(f"no job {name!r}; there are {', '.join(job.name for job in jobs.JOBS)}")
    await enter(jawab)  # where no clock has ticked yet
    try:
        ended = await run(jawab, found, early=True)
    finally:
        await registry.close()
    if ended is None:
        raise NotRun(f"{name} is at work now")
    return ended


async def list_runs(jawab: Jawab) -> list[dict[str, Any]]:
    """Every job of the table and its last run, for programs."""
    async with jawab.db.autocommit("console") as auto:
        runs = {run.name: run for run in await book.list_all(auto)}
    return [
        {
            "job": job.name,
            "pace": job.told,
            "role": job.role,
            "started": kept.started_at if kept else None,
            "ended": kept.ended_at if kept else None,
            "seconds": round(kept.seconds, 3) if kept and kept.seconds is not None else None,
            "outcome": kept.outcome if kept else None,
            "error": kept.error if kept else None,
            "due": kept.due_at if kept else None,
        }
        for job in jobs.JOBS
        for kept in [runs.get(job.name)]
    ]


def shorten(run: dict[str, Any]) -> dict[str, Any]:
    """One of `list_runs` for people: what fits on a line, in the province's time."""
    began, took = run["started"], run["seconds"]
    return {
        "job": run["job"],
        "pace": run["pace"],
        "last began": began.astimezone(ZoneInfo(PROVINCE)).strftime("%d.%m. %H:%M:%S") if began else "never",
        "took": f"{took:.1f} s" if took is not None else "",
        "outcome": run["error"] or run["outcome"],
    }


class Clockwork:
    """One process's clock: each job runs beside the others, so that a slow one holds up itself alone.

    All of a table are kept by one role: custody's, or all but custody's.
    """

    def __init__(self, jawab: Jawab, table: Sequence[Job] = jobs.JOBS) -> None:
        self._jawab = jawab
        self._table = table
        self._running: dict[str, asyncio.Task[None]] = {}

    async def tick(self) -> None:
        """Begin every job that is due and not at work here. A database that is away is looked at again next time."""
        try:
            async with self._jawab.db.autocommit(_keeps(self._table[0])) as auto:
                due = await book.list_due(auto)
        except Exception as error:  # noqa: BLE001 - the clock outlives whatever the database does
            log.error("tick", error=type(error).__name__)
            return
        for job in self._table:
            if job.name in due and job.name not in self._running:
                self._running[job.name] = asyncio.create_task(self._run(job))

    async def finish(self, patience: float | None = None) -> None:
        """Wait for what is at work, at most so many seconds; what is cut short is due again after its lease."""
        if self._running:
            _, late = await asyncio.wait(list(self._running.values()), timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self, job: Job) -> None:
        try:
            await run(self._jawab, job)
        except Exception as error:  # noqa: BLE001 - neither claimed nor written down: it is due again
            log.error("job not kept", job=job.name, error=type(error).__name__)
        finally:
            del self._running[job.name]
