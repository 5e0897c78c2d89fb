"""The lanes on a real Valkey with real RQ, and the tick that does the work when nobody rings."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from redis import Redis
from rq import Callback, Queue
from rq.serializers import JSONSerializer

import clockwork
import jobs
import worker
from bot import intake
from bot.channels import Inbound
from house.valkey import Valkey
from store.bell import Bell
from store.jawab import Jawab
from tests.town import wait_for

ROOT = Path(__file__).parent.parent


def message(text: str = "سلام") -> Inbound:
    return Inbound(
        provider="simulator",
        provider_id=uuid.uuid4().hex,
        channel="try",
        to="try",
        address="+923990000001",
        text=text,
    )


async def states(owner: psycopg.AsyncConnection[Any]) -> list[str]:
    return [
        state for (state,) in await (await owner.execute("SELECT state FROM outbox ORDER BY created_at")).fetchall()
    ]


async def test_a_ring_reaches_the_lane_and_the_reply_goes_out(
    jawab: Jawab,
    owner: psycopg.AsyncConnection[Any],
    demo: SimpleNamespace,
    redis_url: str,
    database_url: str,
    data: Path,
) -> None:
    bell = Bell(redis_url)
    env = {name: value for name, value in os.environ.items() if not name.startswith("JAWAB_")} | {
        "JAWAB_MODE": "demo",
        "JAWAB_DATA": str(data),
        "JAWAB_DATABASE_URL": database_url,
        "JAWAB_REDIS_URL": redis_url,
    }
    lane = subprocess.Popen([sys.executable, "-m", "cli", "worker", "replies"], env=env, cwd=ROOT)
    try:
        rung = Jawab(jawab.settings, jawab.db, jawab.keys, bell)
        for number in range(5):
            assert await intake.take(rung, message(str(number))) == "taken"
        deadline = time.monotonic() + 30
        while await states(owner) != ["sent"] * 5:
            assert time.monotonic() < deadline, await states(owner)
            await asyncio.sleep(0.05)
    finally:
        lane.send_signal(signal.SIGTERM)
        assert lane.wait(20) == 0
        bell.close()


def test_a_lane_that_has_lost_redis_stops_when_it_is_told_to(database_url: str, data: Path, tmp_path: Path) -> None:
    log, bell = tmp_path / "log", Valkey(tmp_path / "bell")
    env = os.environ | {"JAWAB_DATA": str(data), "JAWAB_DATABASE_URL": database_url, "JAWAB_REDIS_URL": bell.start()}

    def stands() -> bool:
        assert lane.poll() is None, log.read_text()
        return True

    with log.open("w") as said, Redis.from_url(env["JAWAB_REDIS_URL"]) as redis:
        lane = subprocess.Popen(
            [sys.executable, "-m", "cli", "worker", "replies"], env=env, cwd=ROOT, stdout=said, stderr=said
        )
        try:
            wait_for(lambda: stands() and redis.smembers("rq:workers"), 60)
            bell.stop()
            wait_for(lambda: stands() and "could not connect to Redis" in log.read_text(), 60)
        finally:
            bell.stop()
            lane.send_signal(signal.SIGTERM)
            assert lane.wait(20) == 0, log.read_text()


# As when Redis went while the package looked after its registries: it gives up, and its handler of signals stays.
GIVES_UP = """
import signal, sys, settings, worker

class GivesUp(worker.Lane):
    def work(self, **_):
        self._install_signal_handlers()
        signal.raise_signal(signal.SIGTERM)

worker.Lane = GivesUp
sys.exit(worker.run_lane(settings.load(), "replies"))
"""


def test_a_stop_that_the_package_does_not_reckon_with_is_a_stop(database_url: str, data: Path, redis_url: str) -> None:
    env = os.environ | {"JAWAB_DATA": str(data), "JAWAB_DATABASE_URL": database_url, "JAWAB_REDIS_URL": redis_url}
    ended = subprocess.run([sys.executable, "-c", GIVES_UP], env=env, cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr.decode()


HEARD: list[object] = []


def hear(*given: object) -> None:
    HEARD.append(given)


def test_whoever_reaches_the_doorbell_has_nothing_run_but_what_is_rung(redis_url: str, tmp_path: Path) -> None:
    """Tried: as the desk's process, which has no account of a provider, in the worker that has."""
    redis = Redis.from_url(redis_url)
    queue = Queue("chores", connection=redis, serializer=JSONSerializer)
    queue.enqueue("os.mkdir", str(tmp_path / "made"))
    queue.enqueue("worker.run_lane", "nowhere")
    after = {"on_success": Callback("tests.test_worker.hear"), "on_failure": Callback("tests.test_worker.hear")}
    queue.enqueue("worker.chores", **after)  # its parts are not open here, so it fails
    queue.enqueue("tests.test_worker.hear", **after)
    worker.answering(queue, redis, threading.Event()).work(burst=True, logging_level="CRITICAL")
    assert queue.count == 0
    assert not (tmp_path / "made").exists()
    assert HEARD == []
    redis.close()


async def test_without_any_ring_the_clock_sends_what_is_due(
    jawab: Jawab, owner: psycopg.AsyncConnection[Any], demo: SimpleNamespace, redis_url: str
) -> None:
    assert await intake.take(jawab, message()) == "taken"
    await clockwork.enter(jawab)
    clock = clockwork.Clockwork(jawab)
    await clock.tick()
    await clock.finish()
    assert await states(owner) == ["sent"]


async def test_the_tick_is_a_process_that_works_and_ends_when_it_is_told(
    jawab: Jawab,
    owner: psycopg.AsyncConnection[Any],
    demo: SimpleNamespace,
    redis_url: str,
    database_url: str,
    data: Path,
) -> None:
    assert await intake.take(jawab, message()) == "taken"
    env = {name: value for name, value in os.environ.items() if not name.startswith("JAWAB_")} | {
        "JAWAB_MODE": "demo",
        "JAWAB_DATA": str(data),
        "JAWAB_DATABASE_URL": database_url,
        "JAWAB_REDIS_URL": redis_url,
    }
    tick = subprocess.Popen([sys.executable, "-m", "cli", "tick"], env=env, cwd=ROOT)
    try:
        deadline = time.monotonic() + 30
        while await states(owner) != ["sent"]:
            assert time.monotonic() < deadline, await states(owner)
            await asyncio.sleep(0.05)
    finally:
        tick.send_signal(signal.SIGTERM)
        assert tick.wait(20) == 0
    rows = await owner.execute("SELECT name FROM jobs WHERE ended_at >= started_at AND outcome = 'done'")
    ran = {name for (name,) in await rows.fetchall()}
    assert ran == {job.name for job in jobs.JOBS if job.period != jobs.DAY and job.role != "custody"}


def test_an_unknown_lane_is_refused_in_one_line(capsys: pytest.CaptureFixture[str], jawab: Jawab) -> None:
    assert worker.run_lane(jawab.settings, "letters") == 2
    assert capsys.readouterr().err == "jawab: no lane 'letters'; there are replies, broadcasts, chores\n"


def test_a_bell_without_redis_neither_blocks_nor_raises() -> None:
    bell = Bell("redis://127.0.0.1:9/0")
    started = time.monotonic()
    for _ in range(20_000):
        bell.ring("replies", "replies")
    assert time.monotonic() - started < 5
    bell.close()
