"""The periodic jobs: each once when due, whoever ticks; a broken one is told once; what is needed is not pruned."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

import clockwork
import jobs
from bot import intake
from clockwork import Clockwork
from jobs import Job
from store.commands import find_wrong
from store.jawab import Jawab
from tests.test_worker import message, states

Owner = psycopg.AsyncConnection[Any]
Work = Callable[[Jawab, datetime], Awaitable[object]]


async def kept(owner: Owner, name: str) -> SimpleNamespace:
    """The job's row, with `left`: seconds until it is due."""
    cursor = await owner.execute(
        "SELECT *, extract(epoch FROM due_at - now())::float8 AS left FROM jobs WHERE name = %s", (name,)
    )
    row = await cursor.fetchone()
    assert row is not None
    assert cursor.description is not None
    return SimpleNamespace(**dict(zip([column.name for column in cursor.description], row, strict=True)))


async def due(owner: Owner) -> None:
    await owner.execute("UPDATE jobs SET due_at = now()")


async def alarms(owner: Owner) -> list[Any]:
    rows = await (await owner.execute("SELECT kind, data FROM alarms ORDER BY id")).fetchall()
    return [(kind, data) for kind, data in rows]


@pytest.fixture
def counted() -> tuple[Job, list[int]]:
    """A job that counts its runs and gives way in the middle of each."""
    runs: list[int] = []

    async def work(_: Jawab, __: datetime) -> None:
        await asyncio.sleep(0)
        runs.append(len(runs))

    return Job("counted", jobs.SWEEP, work, "console"), runs


async def broken(_: Jawab, __: datetime) -> None:
    raise RuntimeError("words that belong to somebody")


async def test_many_ticks_at_once_run_a_due_job_once(
    jawab: Jawab, owner: Owner, counted: tuple[Job, list[int]]
) -> None:
    job, runs = counted
    await clockwork.enter(jawab, [job])
    ran = await asyncio.gather(*(clockwork.run(jawab, job) for _ in range(6)))
    assert sum(ended is not None for ended in ran) == 1
    assert len(runs) == 1
    await due(owner)
    clocks = [Clockwork(jawab, [job]) for _ in range(3)]
    await asyncio.gather(*(clock.tick() for clock in clocks))
    await asyncio.gather(*(clock.finish() for clock in clocks))
    assert len(runs) == 2


async def test_its_end_is_written_and_it_is_due_again_at_its_pace(
    jawab: Jawab, owner: Owner, counted: tuple[Job, list[int]]
) -> None:
    job, runs = counted
    await clockwork.enter(jawab, [job])
    assert await clockwork.run(jawab, job) is not None
    row = await kept(owner, "counted")
    assert (row.outcome, row.error) == ("done", None)
    assert row.started_at <= row.ended_at
    assert 0 <= row.seconds < 5
    assert 0 < row.left <= 5
    assert await clockwork.run(jawab, job) is None, "not due yet"
    await clockwork.enter(jawab, [job])  # another start changes nothing of that
    assert await clockwork.run(jawab, job) is None
    assert len(runs) == 1


async def test_a_broken_job_stops_no_other_and_is_told_once(
    jawab: Jawab, owner: Owner, counted: tuple[Job, list[int]]
) -> None:
    job, runs = counted
    table = [Job("broken", jobs.SWEEP, broken, "console"), job]
    await clockwork.enter(jawab, table)
    clock = Clockwork(jawab, table)
    for _ in range(3):
        await due(owner)
        await clock.tick()
        await clock.finish()
    assert len(runs) == 3
    row = await kept(owner, "broken")
    assert (row.outcome, row.error) == ("failed", "RuntimeError"), "the kind, and no word of it"
    assert 0 < row.left <= 5
    once = [("job_failed", {"job": "broken", "error": "RuntimeError"})]
    assert await alarms(owner) == once
    await owner.execute("UPDATE alarms SET cleared_at = now()")
    await due(owner)
    await clock.tick()
    await clock.finish()
    assert await alarms(owner) == once * 2, "it is still so, though somebody has said that it is dealt with"


async def test_a_job_that_succeeds_again_clears_its_alarm(
    jawab: Jawab, owner: Owner, counted: tuple[Job, list[int]]
) -> None:
    job, _ = counted
    other = Job("other", jobs.SWEEP, broken, "console")
    await clockwork.enter(jawab, [job, other])
    for work in (broken, broken, job.work):
        await due(owner)
        await clockwork.run(jawab, other)
        await clockwork.run(jawab, replace(job, work=work))
    rows = await (await owner.execute("SELECT data ->> 'job', cleared_at IS NULL FROM alarms ORDER BY 1")).fetchall()
    assert rows == [("counted", False), ("other", True)]


async def test_a_database_that_goes_away_is_no_failure_of_the_job_it_cut_short(
    jawab: Jawab, owner: Owner, counted: tuple[Job, list[int]]
) -> None:
    job, runs = counted

    async def cut(here: Jawab, now: datetime) -> None:
        async with here.db.autocommit("console") as auto:
            row = await (await auto.execute("SELECT pg_backend_pid() AS pid")).fetchone()
            assert row
            await owner.execute("SELECT pg_terminate_backend(%s)", (row["pid"],))
            await auto.execute("SELECT 1")

    async def held(here: Jawab, now: datetime) -> None:
        async with here.db.transaction("console") as tx:
            await tx.execute("SET LOCAL statement_timeout = 1")
            await tx.execute("SELECT pg_sleep(5)")

    await clockwork.enter(jawab, [job])
    with pytest.raises(psycopg.OperationalError):
        await clockwork.run(jawab, replace(job, work=cut))
    assert await alarms(owner) == []
    assert 0 < (await kept(owner, "counted")).left <= clockwork.LEASE.total_seconds()
    await due(owner)
    assert await clockwork.run(jawab, job) is not None
    assert len(runs) == 1
    await due(owner)
    await clockwork.run(jawab, replace(job, work=held))
    assert [kind for kind, _ in await alarms(owner)] == ["job_failed"], "a database that is there and says no"


async def test_a_slow_job_holds_up_itself_alone(jawab: Jawab, owner: Owner, counted: tuple[Job, list[int]]) -> None:
    job, runs = counted
    begun: list[int] = []
    go_on = asyncio.Event()

    async def wait(_: Jawab, __: datetime) -> None:
        begun.append(len(begun))
        await go_on.wait()

    table = [Job("slow", jobs.SWEEP, wait, "console"), job]
    await clockwork.enter(jawab, table)
    clock = Clockwork(jawab, table)
    while len(runs) < 3 or not begun:
        await clock.tick()
        await due(owner)  # the slow one's lease is over too
    assert begun == [0], "this process knows that it is at it still"
    go_on.set()
    await clock.finish()


async def test_what_ran_when_its_process_died_is_due_after_its_lease(
    jawab: Jawab, owner: Owner, counted: tuple[Job, list[int]]
) -> None:
    job, runs = counted
    begun = asyncio.Event()

    async def hang(_: Jawab, __: datetime) -> None:
        begun.set()
        await asyncio.Event().wait()

    await clockwork.enter(jawab, [job])
    clock = Clockwork(jawab, [replace(job, work=hang)])
    await clock.tick()
    await begun.wait()
    await clock.finish(patience=0)  # cut short, as by a kill
    row = await kept(owner, "counted")
    assert row.ended_at is None
    assert 50 < row.left <= 60
    assert await clockwork.run(jawab, job) is None, "somebody may be at it"
    assert await clockwork.run(jawab, job, early=True) is None, "for an operator too"
    await owner.execute("UPDATE jobs SET due_at = due_at - interval '61 seconds'")
    assert await clockwork.run(jawab, job) is not None
    assert len(runs) == 1


async def test_who_overran_its_lease_writes_nothing_over_the_next_run(
    jawab: Jawab, owner: Owner, counted: tuple[Job, list[int]]
) -> None:
    job, _ = counted
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def fail_late(_: Jawab, __: datetime) -> None:
        begun.set()
        await go_on.wait()
        raise RuntimeError

    await clockwork.enter(jawab, [job])
    late = asyncio.create_task(clockwork.run(jawab, replace(job, work=fail_late)))
    await begun.wait()
    await due(owner)
    await clockwork.run(jawab, job)
    go_on.set()
    await late
    assert (await kept(owner, "counted")).outcome == "done"
    assert await alarms(owner) == []


async def test_a_job_reaches_the_database_as_its_role_alone(jawab: Jawab, owner: Owner) -> None:
    async def stray(jawab: Jawab, _: datetime) -> None:
        async with jawab.db.autocommit("intake"):
            pass

    job = Job("stray", jobs.SWEEP, stray, "console")
    await clockwork.enter(jawab, [job])
    ended = await clockwork.run(jawab, job)
    assert ended is not None
    assert ended.error == "KeyError"


async def test_a_job_that_is_no_more_leaves_no_row_and_a_new_pace_holds_at_once(
    jawab: Jawab, owner: Owner, counted: tuple[Job, list[int]]
) -> None:
    job, _ = counted
    await clockwork.enter(jawab, [replace(job, name="gone"), replace(job, pace=timedelta(days=300))])
    await clockwork.run(jawab, replace(job, pace=timedelta(days=300)))
    await clockwork.enter(jawab, [job])
    rows = await (await owner.execute("SELECT name, due_at <= now() FROM jobs")).fetchall()
    assert rows == [("counted", True)]


KARACHI = timedelta(hours=5)


@pytest.mark.parametrize(
    ("began", "hours"),
    [
        (datetime(2026, 11, 25, 3, 29, tzinfo=UTC) - KARACHI, 1 / 60),
        (datetime(2026, 11, 25, 3, 30, tzinfo=UTC) - KARACHI, 24),
        (datetime(2026, 11, 25, 23, 30, tzinfo=UTC) - KARACHI, 4),
        (datetime(2026, 12, 31, 4, 30, tzinfo=UTC) - KARACHI, 23),
    ],
)
def test_daily_is_an_hour_of_the_provinces_day(began: datetime, hours: float) -> None:
    job = Job("daily", time(3, 30), broken, "console")
    assert job.after(began) - began == timedelta(hours=hours)
    assert job.after(began, failed=True) - began == timedelta(hours=min(hours, 1)), "a failure waits for no tomorrow"


async def test_a_daily_job_does_not_run_at_the_first_start(jawab: Jawab, owner: Owner) -> None:
    await clockwork.enter(jawab)
    left = (await kept(owner, "prune")).left
    assert 0 < left <= 24 * 3600
    assert (await kept(owner, "send_replies")).left <= 0


async def test_two_of_the_same_at_once_send_each_reply_once(
    jawab: Jawab, owner: Owner, demo: SimpleNamespace, redis_url: str
) -> None:
    for number in range(3):
        await intake.take(jawab, message(str(number)))
    works: list[Work] = [job.work for job in jobs.JOBS if job.name != "prune"]
    await asyncio.gather(*(work(jawab, datetime.now(UTC)) for work in works * 2))
    assert await states(owner) == ["sent"] * 3
    assert await (await owner.execute("SELECT sum(attempts) FROM outbox")).fetchone() == (3,)


async def test_every_job_runs_well_as_the_role_it_names(jawab: Jawab, demo: SimpleNamespace, redis_url: str) -> None:
    await clockwork.enter(jawab)
    for job in jobs.JOBS:
        ended = await clockwork.run(jawab, job, early=True)
        assert ended is not None, job.name
        assert ended.error is None, (job.name, ended.error)
    assert [row["job"] for row in await clockwork.list_runs(jawab) if row["outcome"] == "done"] == [
        job.name for job in jobs.JOBS
    ]


async def test_doctor_names_who_has_not_run_for_three_paces(jawab: Jawab, owner: Owner) -> None:
    async def named() -> list[str]:
        return [row["kind"] for row in await find_wrong(jawab) if "job" in row["kind"]]

    assert await named() == ["no_job_ever_ran"]
    await clockwork.enter(jawab)
    await owner.execute("UPDATE jobs SET due_at = now() - 1.9 * pace")
    assert await named() == []
    await owner.execute("UPDATE jobs SET due_at = now() - 2.1 * pace WHERE name IN ('prune', 'escalate')")
    assert sorted(await named()) == ["job_not_run escalate", "job_not_run prune"]


# ── what is pruned, and what is still needed ─────────────────────────────────────────────────────────────────────────
async def test_what_nothing_needs_goes_and_what_is_needed_stays(
    jawab: Jawab, owner: Owner, demo: SimpleNamespace
) -> None:
    await intake.take(jawab, message())
    (contact,) = (await (await owner.execute("SELECT id FROM contacts")).fetchall())[0]
    (staff,) = (await (await owner.execute("SELECT id FROM staff LIMIT 1")).fetchall())[0]
    for counts, age in ((True, "23 hours"), (False, "25 hours")):
        await owner.execute("INSERT INTO code_tries (contact_id, at) VALUES (%s, now() - %s::interval)", (contact, age))
        await owner.execute(
            "INSERT INTO login_attempts (login, source, ok, at) VALUES (%s, '', false, now() - %s::interval)",
            (str(counts), age),
        )
        await owner.execute("INSERT INTO sealed.looks (staff_id, at) VALUES (%s, now() - %s::interval)", (staff, age))
    for age in ("47 hours", "49 hours"):
        await owner.execute(
            "INSERT INTO once (form, staff_id, act, object, at) VALUES (%s, %s, 'case.note', '', now() - %s::interval)",
            (uuid.uuid4(), staff, age),
        )
    for name, seen, left in (
        ("lives", "14 minutes", "1 hour"),
        ("idle", "16 minutes", "1 hour"),
        ("over", "0", "-1 s"),
    ):
        await owner.execute(
            "INSERT INTO desk_sessions (token_hash, staff_id, csrf, seen_at, expires_at)"
            " VALUES (%s, %s, %s, now() - %s::interval, now() + %s::interval)",
            (name.encode(), staff, name, seen, left),
        )
    await clockwork.enter(jawab)
    for name in ("prune", "prune_protected"):
        ended = await clockwork.run_now(jawab, name)
        assert ended.error is None
    for table, column, still in (
        ("code_tries", "at > now() - interval '1 day'", [True]),
        ("sealed.looks", "at > now() - interval '1 day'", [True]),
        ("once", "at > now() - interval '2 days'", [True]),
        ("login_attempts", "login", ["True"]),
        ("desk_sessions", "csrf", ["lives"]),
    ):
        rows = await (await owner.execute(f"SELECT {column} FROM {table}".encode())).fetchall()
        assert [row[0] for row in rows] == still, table
