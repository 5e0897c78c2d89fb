"""What is looked at, and what each costs: pages through the whole application, jobs as the clock runs them."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from fastapi import FastAPI

import jobs
from app import pages_of
from bench.scale import places
from bench.scale.places import DB_RATIO, PAGE_MS, SWEEP_MS, WARM_MS, Asked
from desk import sessions
from settings import Settings
from store.bell import Bell
from store.crypto import Keys
from store.database import Database, fetch_one
from store.jawab import Jawab

WARM = 24  # on two connections: psycopg prepares after five uses, PostgreSQL plans for good after five more
HEAD = (
    f"{'':<28}{'wall ms':>8}{'cpu ms':>8}{'db cpu':>8}{'x key':>7}{'x page':>7}{'longest':>8}{'slowest':>8}{'pages':>7}"
)


class Silent(Bell):
    """Nobody is rung: what a job would ring for stays where it is."""

    def ring(self, *_: str) -> None:
        return None


@dataclass(slots=True)
class Ran:
    """One statement as it was sent: by whom, with what, how many seconds until its rows were here, and how many
    milliseconds its process of the database worked."""

    role: str
    query: Any
    params: Any
    seconds: float
    worked: float


@dataclass(frozen=True, slots=True)
class Known:
    """What looking up one case by its code takes the database, milliseconds: `key` alone, `page` as a page does it,
    which first asks whose session it is."""

    key: float
    page: float


@dataclass(slots=True)
class Cost:
    """Middle values of several runs, milliseconds; `db` is what the database's own processes worked, `longest` the
    most for one statement. The slowest statement is as the database itself explains it.
    """

    wall: float
    cpu: float
    db: float
    longest: float
    slowest: float
    pages: int
    statement: str

    def line(self, name: str, known: Known) -> str:
        return (
            f"{name:<28}{self.wall:>8.1f}{self.cpu:>8.1f}{self.db:>8.2f}{self.db / known.key:>7.1f}"
            f"{self.db / known.page:>7.1f}{self.longest:>8.2f}{self.slowest:>8.2f}{self.pages:>7}"
        )


ran: list[Ran] = []
backends: set[int] = set()  # of the database, that work for us


def watch() -> None:
    """Write down every statement that any of our connections runs."""
    execute = psycopg.AsyncCursor.execute

    async def watched(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        pid, begun = self.connection.info.backend_pid, time.perf_counter()
        backends.add(pid)
        before = worked(pid)
        done = await execute(self, query, params, **more)
        seconds = time.perf_counter() - begun
        ran.append(Ran(self.connection.info.user, query, params, seconds, worked(pid) - before))
        return done

    psycopg.AsyncCursor.execute = watched  # type: ignore[method-assign] # in this process alone


def worked(*pids: int) -> float:
    """Milliseconds that these processes of the database, or all of ours, have worked: a crowded machine makes them
    wait, not work. Helpers of a parallel plan are not among them."""
    ran_ns = 0
    for pid in pids or backends:
        with suppress(OSError):
            ran_ns += int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0])
    return ran_ns / 1e6


async def at(settings: Settings, keys: Keys, *, only: Sequence[str], rounds: int) -> float:
    """Look at everything in one filled database and print it, one after the other. Returns the key look-up's ms."""
    watch()
    pool = Database(settings.database_url, keys, size=2)
    clock = Database(settings.database_url, keys, roles=("intake", "console", "custody"), size=2, speaker="clock")
    await asyncio.gather(pool.open(), clock.open())
    jawab = Jawab(settings, pool, keys, Silent(settings.redis_url))
    try:
        known = await _look_up(jawab)
        print(
            f"  looking up one case by its code: the database works {known.key:.3f} ms, {known.page:.3f} as a page does"
        )
        print(
            f"  goals: a list {DB_RATIO} x that and {PAGE_MS} ms in all, a public page {WARM_MS} ms, each statement of"
        )
        print(
            f"  a job {SWEEP_MS} ms of the database (longest); a crowded machine lengthens wall times and the slowest"
        )
        print(f"  {HEAD}  goals")
        await _pages(jawab, known, only, rounds)
        await _jobs(replace(jawab, db=clock), known, only)
        return known.key
    finally:
        await asyncio.gather(pool.close(), clock.close())


async def with_jawab(settings: Settings, keys: Keys, work: Callable[[Jawab], Awaitable[None]]) -> None:
    """Do something else with the same database: what the window and the clock may."""
    pool = Database(settings.database_url, keys, roles=("report", "console"), size=2, speaker="clock")
    await pool.open()
    try:
        await work(Jawab(settings, pool, keys, Silent(settings.redis_url)))
    finally:
        await pool.close()


async def _look_up(jawab: Jawab) -> Known:
    token = await enter(jawab, places.LARGEST)
    async with jawab.db.autocommit("console") as conn:
        found = await fetch_one(conn, "SELECT code FROM cases WHERE code IS NOT NULL ORDER BY id OFFSET 500 LIMIT 1")
        code = found["code"] if found else ""

        async def alone() -> None:
            await fetch_one(conn, "SELECT id FROM cases WHERE code = %(code)s", {"code": code})

        async def as_a_page() -> None:
            await sessions.find(conn, token, demo=True, now=datetime.now(UTC), touch=False)
            await alone()

        return Known(*[await _worked_on(work) for work in (alone, as_a_page)])


async def _worked_on(work: Callable[[], Awaitable[None]]) -> float:
    for times in (50, 500):
        before = worked()
        for _ in range(times):
            await work()
    return (worked() - before) / 500


async def _pages(jawab: Jawab, known: Known, only: Sequence[str], rounds: int) -> None:
    application = pages_of(jawab)
    cookies: dict[str, str] = {}
    for asked in await places.of(jawab):
        if only and not any(one in asked.name for one in only):
            continue
        if asked.login and asked.login not in cookies:
            cookies[asked.login] = await enter(jawab, asked.login)
        cookie = f"{application.state.place.cookie}={cookies[asked.login]}" if asked.login else ""

        async def work(asked: Asked = asked, cookie: str = cookie) -> None:
            status, _ = await ask(application, asked, cookie)
            if status != 200:
                raise RuntimeError(f"{asked.path}: {status}")

        cost = await _tell(jawab, asked.name, work, known, rounds)
        if cost is not None:
            times = DB_RATIO if asked.lists else 0
            both = (
                places.verdict(cost.db / known.key, times, " x key"),
                places.verdict(cost.db / known.page, times, " x page"),
            )
            print(*filter(None, (places.verdict(cost.cpu + cost.db, asked.goal), *both)), sep=", ", flush=True)


async def _jobs(jawab: Jawab, known: Known, only: Sequence[str]) -> None:
    for job in jobs.JOBS:
        wanted = any(one in f"job {job.name}" for one in only) if only else job.name not in places.NOT_RUN
        if not wanted:
            continue
        narrow = replace(jawab, db=jawab.db.only(job.role))

        async def work(job: jobs.Job = job, narrow: Jawab = narrow) -> None:
            await job.work(narrow, datetime.now(UTC))

        cost = await _tell(jawab, f"job {job.name}", work, known, 5)
        if cost is not None:
            print(places.verdict(cost.longest, SWEEP_MS), flush=True)


async def _tell(jawab: Jawab, name: str, work: Callable[[], Awaitable[None]], known: Known, rounds: int) -> Cost | None:
    """A line, left open for what was to be kept; None where it could not be looked at, which hides no other."""
    try:
        cost = await measure(jawab, work, rounds)
    except Exception as broken:  # noqa: BLE001 - told in its line
        print(f"  {name:<28}  {type(broken).__name__}: {' '.join(str(broken).split())[:90]}", flush=True)
        return None
    print(f"  {cost.line(name, known)}", end="  ", flush=True)
    return cost


async def measure(jawab: Jawab, work: Callable[[], Awaitable[None]], rounds: int) -> Cost:
    """Run it until its statements are planned for good (see WARM), then so often; one that takes seconds once more."""
    begun = time.perf_counter()
    await work()
    if time.perf_counter() - begun > 3:
        rounds = 1
    else:
        for _ in range(WARM):
            await work()
    walls, cpus, sums, most, seen = [], [], [], [], []
    for _ in range(rounds):
        gc.collect()
        ran.clear()
        database = worked()
        cpu, wall = time.process_time(), time.perf_counter()
        await work()
        walls.append(1000 * (time.perf_counter() - wall))
        cpus.append(1000 * (time.process_time() - cpu))
        sums.append(worked() - database)
        seen = list(ran)
        most.append(max((one.worked for one in seen), default=0.0))
    slowest = max(seen, key=lambda one: one.seconds, default=None)
    took, pages, text = (0.0, 0, "") if slowest is None else await explain(jawab, slowest)
    wall, cpu, db, longest = (statistics.median(times) for times in (walls, cpus, sums, most))
    return Cost(wall, cpu, db, longest, took, pages, text)


async def explain(jawab: Jawab, one: Ran) -> tuple[float, int, str]:
    """(milliseconds, pages that it touched, its first words); a statement that cannot be explained is as it was."""
    role = one.role.removeprefix("jawab_")
    role = {"clock": "console", "custody_clock": "custody"}.get(role, role)
    text = " ".join((one.query if isinstance(one.query, str) else one.query.as_string(None)).split())[:60]
    plan: Any = None
    with suppress(psycopg.Error):
        async with jawab.db.autocommit(role) as conn:
            query = one.query if isinstance(one.query, str) else one.query.as_string(conn)
            async with conn.transaction(force_rollback=True):
                done = await conn.execute(("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + query).encode(), one.params)
                row = await done.fetchone()
                plan = row["QUERY PLAN"][0] if row else None
    if plan is None:
        return 1000 * one.seconds, 0, text
    touched = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    return plan["Execution Time"], touched, text


async def ask(application: FastAPI, asked: Asked, cookie: str) -> tuple[int, bytes]:
    """One GET through the whole application, without a socket between."""
    path, _, query = asked.path.partition("?")
    headers = [(b"host", b"127.0.0.1"), *([(b"cookie", cookie.encode())] if cookie else [])]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": headers, "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 1), "state": {},
    }  # fmt: skip
    status, parts = 0, []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)
        parts.append(message.get("body", b""))

    await application(scope, receive, send)
    return status, b"".join(parts)


async def enter(jawab: Jawab, login: str) -> str:
    async with jawab.db.transaction("console") as tx:
        row = await fetch_one(tx, "SELECT id FROM staff WHERE login = %s", (login,))
        if row is None:
            raise RuntimeError(f"nobody is called {login}")
        staff_id: UUID = row["id"]
        return await sessions.begin(tx, staff_id, None, datetime.now(UTC))
