"""The weeks: public pages of a process that has nothing yet, one changed case, a draft; in the largest district."""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from statistics import median
from typing import Any

from app import pages_of
from bench.scale import look
from bench.scale.places import COLD_MS, DRAFT_MS, WARM_MS, Asked, verdict
from broadcast import publish
from cases import calendar, figures
from store.jawab import Jawab
from window import feed, updates

DISTRICT = "pishin"
COLD = ("/", "/figures", "/updates", "/updates.atom", "/open-data/figures.json", "/open-data/editions.json")
HEAD = f"{'':<44}{'wall ms':>9}{'least':>9}{'cpu ms':>9}{'db cpu':>9}  goals"


async def at(jawab: Jawab, rounds: int) -> None:
    now = datetime.now(UTC)
    await _catch_up(jawab, now)
    print(f"  {HEAD}")
    application = pages_of(jawab)
    for path in COLD:

        async def read(path: str = path) -> None:
            status, _ = await look.ask(application, Asked(path, "", f"{path}?district={DISTRICT}"), "")
            if status != 200:
                raise RuntimeError(f"{path}: {status}")

        await read()
        cold, warm = (0, 0) if "data" in path else (COLD_MS, WARM_MS)
        await _tell(f"cold {path}", read, rounds, first=lambda: _forget(application), goal=cold)
        await _tell(f"warm {path}", read, rounds, goal=warm)
    async with jawab.db.autocommit("console") as conn:
        row = await (
            await conn.execute(
                "SELECT id FROM cases WHERE district_id = %s ORDER BY opened_at DESC LIMIT 1", (DISTRICT,)
            )
        ).fetchone()
    case_id = row["id"] if row else None

    async def one_case() -> None:
        async with _undone(jawab) as tx:
            await tx.execute("INSERT INTO to_recount (case_id) VALUES (%s)", (case_id,))
            await figures.recount(tx)

    async def page_with_change() -> None:
        async with _undone(jawab) as tx:
            await tx.execute("INSERT INTO to_recount (case_id) VALUES (%s)", (case_id,))
            await figures.published(tx, DISTRICT, now)

    async def draft() -> None:
        week = calendar.last_full(now, calendar.PROVINCE)
        async with _undone(jawab) as tx:
            there = await publish.find_week(tx, DISTRICT, week)  # in a database that is measured again
            await (publish.redraft(tx, there, None, now) if there else publish.draft(tx, DISTRICT, week, None, now))

    async def from_rows() -> None:
        async with jawab.db.autocommit("report") as conn:
            await figures.from_rows(conn, DISTRICT, now)

    await _tell("one changed case kept in the weeks", one_case, rounds)
    await _tell("all weeks, one case changed since", page_with_change, rounds)
    await _tell("a draft of last week", draft, min(rounds, 3), goal=DRAFT_MS)
    await _tell("all weeks counted again from the rows", from_rows, 1)


async def _catch_up(jawab: Jawab, now: datetime) -> None:
    """Where nothing is kept yet, as after an update: all is counted once."""
    begun, turns = time.perf_counter(), 0
    for work in (figures.recount, lambda tx: figures.tell_weeks(tx, now)):
        more = True
        while more:
            async with jawab.db.transaction("console") as tx:
                more, turns = await work(tx), turns + 1
    print(f"  weeks kept in {turns} transactions, {time.perf_counter() - begun:.1f} s", flush=True)


def _forget(application: Any) -> None:
    """As in a process that has just begun."""
    application.state.counted.clear()
    updates.forget()
    feed.forget()


@asynccontextmanager
async def _undone(jawab: Jawab) -> Any:
    async with jawab.db.autocommit("console") as conn, conn.transaction(force_rollback=True):
        yield conn


async def _tell(
    name: str,
    work: Callable[[], Awaitable[None]],
    rounds: int,
    *,
    first: Callable[[], None] | None = None,
    goal: float = 0,
) -> None:
    """A line with the middle and the least; what is to keep a goal is the work, as in `look`."""
    walls, cpus, sums = [], [], []
    for _ in range(rounds):
        if first is not None:
            first()
        gc.collect()
        database, cpu, wall = look.worked(), time.process_time(), time.perf_counter()
        await work()
        walls.append(1000 * (time.perf_counter() - wall))
        cpus.append(1000 * (time.process_time() - cpu))
        sums.append(look.worked() - database)
    told = f"  {name:<44}{median(walls):>9.1f}{min(walls):>9.1f}{median(cpus):>9.1f}{median(sums):>9.1f}"
    print(told, verdict(median(cpus) + median(sums), goal), sep="  ", flush=True)
