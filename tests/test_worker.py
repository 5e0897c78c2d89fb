"""The lanes on a real Valkey with real RQ, and the tick that does the work when nobody rings."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

import worker
from bot import intake
from bot.channels import Inbound
from store.bell import Bell
from store.jawab import Jawab

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
        for _ in range(5):
            assert await intake.take(rung, message()) == "taken"
        deadline = time.monotonic() + 30
        while await states(owner) != ["sent"] * 5:
            assert time.monotonic() < deadline, await states(owner)
            await asyncio.sleep(0.05)
    finally:
        lane.send_signal(signal.SIGTERM)
        assert lane.wait(20) == 0
        bell.close()


async def test_without_any_ring_the_tick_sends_what_is_due(
    jawab: Jawab, owner: psycopg.AsyncConnection[Any], demo: SimpleNamespace, redis_url: str
) -> None:
    assert await intake.take(jawab, message()) == "taken"
    await worker.tick(jawab)
    assert await states(owner) == ["sent"]


async def test_a_broken_task_stops_no_other(
    jawab: Jawab, owner: psycopg.AsyncConnection[Any], demo: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_down(_: Jawab, __: datetime) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(worker, "TASKS", (break_down, *worker.TASKS))
    assert await intake.take(jawab, message()) == "taken"
    await worker.tick(jawab)
    assert await states(owner) == ["sent"]


async def test_two_ticks_at_once_send_each_reply_once(
    jawab: Jawab, owner: psycopg.AsyncConnection[Any], demo: SimpleNamespace
) -> None:
    for _ in range(3):
        await intake.take(jawab, message())
    await asyncio.gather(worker.tick(jawab), worker.tick(jawab))
    assert await states(owner) == ["sent"] * 3
    row = await (await owner.execute("SELECT sum(attempts) FROM outbox")).fetchone()
    assert row == (3,)


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
