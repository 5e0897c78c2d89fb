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
from bench.scale.places import DB_RATIO, PAGE_MS, SWEEP_MS, Asked
from desk import sessions
from settings import Settings
from store.bell import Bell
from store.crypto import Keys
from store.database import Database, fetch_one
from store.jawab import Jawab

WARM = 24  # on two connections: psycopg prepares after five uses, PostgreSQL plans for good after five more
HEAD = f"{'':<34}{'wall ms':>9}{'cpu ms':>8}{'db cpu':>9}{'x key':>7}{'slowest':>9}{'pages':>8}"


class Silent(Bell):
    """Nobody is rung: what a job would ring for stays where it is."""

    def ring(self, *_: str) -> None:
        return None


@dataclass(slots=True)
class Ran:
    """One statement as it was sent: by whom, with what, and how many seconds until its rows were here."""

    role: str
    query: Any
    params: Any
    seconds: float


@dataclass(slots=True)
class Cost:
    """Middle values of several runs, milliseconds; `db` is what the database's own processes worked.

    The slowest statement is as the database itself explains it.
    """

    wall: float
    cpu: float
    db: float
    slowest: float
    pages: int
    statement: str

    def line(self, name: str, key: float) -> str:
        return (
            f"{name:<34}{self.wall:>9.1f}{self.cpu:>8.1f}{self.db:>9.2f}{self.db / key:>7.1f}"
            f"{self.slowest:>9.2f}{self.pages:>8}"
        )


ran: list[Ran] = []
backends: set[int] = set()  # of the database, that work for us


def watch() -> None:
    """Write down every statement that any of our connections runs."""
    execute = psycopg.AsyncCursor.execute

    async def watched(self: Any, query: Any, params: Any = None, **more: Any) -> Any:
        begun = time.perf_counter()
        backends.add(self.connection.info.backend_pid)
        done = await execute(self, query, params, **more)
        ran.append(Ran(self.connection.info.user, query, params, time.perf_counter() - begun))
        return done

    psycopg.AsyncCursor.execute = watched  # type: ignore[method-assign] # in this process alone


def worked() -> float:
    """Milliseconds that the database's processes have worked for us: a crowded machine makes them wait, not work."""
    ran_ns = 0
    for pid in backends:
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
        key = await _key(jawab)
        print(f"  looking up one case by its code: the database works {key:.3f} ms; a page is to take {DB_RATIO} x it")
        print(
            f"  and {PAGE_MS} ms in all, a job of the clock {SWEEP_MS} ms; a crowded machine lengthens wall times alone"
        )
        print(f"  {HEAD}")
        await _pages(jawab, key, only, rounds)
        await _jobs(replace(jawab, db=clock), key, only)
        return key
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


async def _key(jawab: Jawab) -> float:
    async with jawab.db.autocommit("console") as conn:
        found = await fetch_one(conn, "SELECT code FROM cases WHERE code IS NOT NULL ORDER BY id OFFSET 500 LIMIT 1")
        code = found["code"] if found else ""
        for times in (50, 500):
            before = worked()
            for _ in range(times):
                await fetch_one(conn, "SELECT id FROM cases WHERE code = %(code)s", {"code": code})
    return (worked() - before) / 500


async def _pages(jawab: Jawab, key: float, only: Sequence[str], rounds: int) -> None:
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

        await _tell(jawab, asked.name, work, key, rounds)


async def _jobs(jawab: Jawab, key: float, only: Sequence[str]) -> None:
    for job in jobs.JOBS:
        wanted = any(one in f"job {job.name}" for one in only) if only else job.name not in places.NOT_RUN
        if not wanted:
            continue
        narrow = replace(jawab, db=jawab.db.only(job.role))

        async def work(job: jobs.Job = job, narrow: Jawab = narrow) -> None:
            await job.work(narrow, datetime.now(UTC))

        await _tell(jawab, f"job {job.name}", work, key, 5)


async def _tell(jawab: Jawab, name: str, work: Callable[[], Awaitable[None]], key: float, rounds: int) -> None:
    try:
        cost = await measure(jawab, work, rounds)
    except Exception as broken:  # noqa: BLE001 - one that cannot be looked at does not hide the others
        print(f"  {name:<34}  {type(broken).__name__}: {' '.join(str(broken).split())[:90]}", flush=True)
        return
    print(f"  {cost.line(name, key)}  {cost.statement}", flush=True)


async def measure(jawab: Jawab, work: Callable[[], Awaitable[None]], rounds: int) -> Cost:
    """Run it until its statements are planned for good (see WARM), then so often; one that takes seconds once more."""
    begun = time.perf_counter()
    await work()
    if time.perf_counter() - begun > 3:
        rounds = 1
    else:
        for _ in range(WARM):
            await work()
    walls, cpus, sums, seen = [], [], [], []
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
    slowest = max(seen, key=lambda one: one.seconds, default=None)
    took, pages, text = (0.0, 0, "") if slowest is None else await explain(jawab, slowest)
    wall, cpu, db = (statistics.median(times) for times in (walls, cpus, sums))
    return Cost(wall, cpu, db, took, pages, text)


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
