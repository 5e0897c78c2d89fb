"""Sends of a broadcast: ours beside a raw loop and beside one RQ job for each message, and what is left of a pace."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from collections.abc import Sequence
from typing import Any

from bench import parts
from house.postgres import Postgres
from tests.providers.twilio import FakeTwilio

PER_JOB = {"simple": 300, "fork": 60}  # messages of one measurement: they are slow
PACES = {80.0: 62.0, 20.0: 62.0}  # a second -> for so many seconds, more than the minute that is looked at


async def measure(provider: FakeTwilio, house: parts.House, count: int, rounds: int) -> dict[str, Any]:
    """All sides in turn, `count` messages each where they are not slow; then ours at the paces of `PACES`."""
    if not count:
        return {}
    env, postgres = house.env, house.postgres
    counts = {"ours": count, "limit": count} | PER_JOB
    sent = [{side: await run(side, many, env, postgres) for side, many in counts.items()} for _ in range(rounds)]
    return _medians(sent) | {"paced": {f"{pace:g}": await _pace(provider, env, postgres, pace) for pace in PACES}}


async def run(side: str, count: int, env: dict[str, str], postgres: Postgres, rate: float = 0.0) -> dict[str, float]:
    """One side of bench.send, a process of its own."""
    before = parts.cpu_of(postgres)
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.send", side, str(count), str(rate),
        env=env, cwd=parts.ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await started.communicate()
    if started.returncode:
        raise RuntimeError(f"bench.send {side} failed")
    figures: dict[str, float] = json.loads(said.splitlines()[-1])
    # With what it took to fill the outbox (ours): an upper bound.
    return figures | {"db_s_per_10k_at_most": round((parts.cpu_of(postgres) - before) / count * 10_000, 2)}


def most_in_a_second(arrived: Sequence[float]) -> int:
    """Of times in seconds, in their order: how many lie in the fullest second, wherever it begins."""
    most = first = 0
    for at, time in enumerate(arrived):
        while arrived[first] <= time - 1.0:
            first += 1
        most = max(most, at - first + 1)
    return most


def least_in_a_minute(arrived: Sequence[float]) -> int | None:
    """How many lie in the emptiest minute that begins with one of them; None where they took no minute."""
    if not arrived or arrived[-1] - arrived[0] < 60:
        return None
    begins = [one for one in arrived if one + 60 <= arrived[-1]]
    return min(sum(begin <= one < begin + 60 for one in arrived) for begin in begins)


async def _pace(provider: FakeTwilio, env: dict[str, str], postgres: Postgres, pace: float) -> dict[str, Any]:
    """Ours at the pace of its channel, by the times at which the provider heard of each message."""
    count = int(pace * PACES[pace])
    before = len(provider.ledger)
    figures = await run("ours", count, env, postgres, pace)
    taken = provider.ledger[before:][-count:]
    arrived = sorted(one.arrived for one in taken)
    return figures | {
        "taken": len(provider.ledger) - before,  # those that warmed it up included
        "people": len({one.to for one in taken}),
        "most_in_a_second": most_in_a_second(arrived),
        "least_in_a_minute": least_in_a_minute(arrived),
        "kept": round((count - 1) / (arrived[-1] - arrived[0]) / pace, 4),
    }


def _medians(sent: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Each side's medians, and those of its ratios to the limit of the same round."""
    return {
        side: {name: round(statistics.median(one[side][name] for one in sent), 2) for name in sent[0][side]}
        | {
            f"{name}_ratio": round(statistics.median(one[side][name] / one["limit"][name] for one in sent), 4)
            for name in ("rate", "cpu_s_per_10k")
            if side != "limit"
        }
        for side in sent[0]
    }
