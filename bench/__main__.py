"""`make bench`: turns, replies and broadcast sends, beside the bare limits in the same run.

Everything runs on this machine's own cores: load, web process, PostgreSQL. Absolute figures move with the machine; the
ratios to the limits are what is kept (docs/bench.md). CPU is user + system time from /proc, of the web process and of
this run's own PostgreSQL apart.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import tempfile
import time
from collections.abc import Awaitable
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from bench import broadcasts, even, floor, mix, parts, receipts, sums
from bench.load import ACCOUNT, SCRIPTS, TOKEN, Measured, talk
from house.postgres import Postgres
from tests.providers.twilio import FakeTwilio

PEERS = ("psycopg", "core", "orm")
RECEIPTS_MOST = 4000  # a second, and more than are taken
_firsts = itertools.count(0, 10_000)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="ours and the limit in turn")
    parser.add_argument("--paced", type=float, default=60.0, help="turns a second while reply latency is measured")
    parser.add_argument(
        "--sends", type=int, default=4000, help="messages of one broadcast measurement; 0 leaves them out"
    )
    parser.add_argument("--even", action="store_true", help="only how even sealed and ordinary turns are")
    parser.add_argument(
        "--editions", dest="only", action="store_const", const="sends",
        help="only broadcast sends, unpaced and paced, and one RQ job for each message",
    )  # fmt: skip
    parser.add_argument(
        "--mix", dest="only", action="store_const", const="mix", help="only receipts, turns and sends together"
    )
    parser.add_argument(
        "--shares", default=mix.SHARES, help="of the whole mix, tried in this order until one is missed"
    )
    parser.add_argument("--turns", action="store_true", help="only turns, beside the limit and the floor")
    parser.add_argument("--receipts", action="store_true", help="only delivery receipts, beside one UPDATE each")
    parser.add_argument("--peers", action="store_true", help="FastAPI with psycopg, Core and ORM too")
    parser.add_argument(
        "--beside", type=os.path.abspath, help="the folder of another state of this code, served from the same database"
    )
    parser.add_argument("--phones", default="1,16,64", help="how many talk at once")
    parser.add_argument("--scripts", default=",".join(SCRIPTS), help="what they say")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jawab-bench-") as folder:
        report = asyncio.run(measure(Path(folder), given))
    print(json.dumps(report, indent=2))


async def measure(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Everything, or what was asked for; see `main`."""
    seconds, rounds = given.seconds, given.rounds
    with FakeTwilio(account=ACCOUNT, token=TOKEN) as provider, parts.house(folder, provider.url) as house:
        postgres, env, web_port = house.postgres, house.env, house.web_port
        alone = {
            "mix": partial(mix.measure, house, seconds, given.shares),
            "sends": partial(broadcasts.measure, provider, house, given.sends, rounds),
        }
        for name in alone.keys() & {given.only}:
            return {name: await alone[name](), "load": os.getloadavg()}
        with contextlib.ExitStack() as stack:
            web = stack.enter_context(parts.process(["cli", "web"], env, web_port))
            sides = {"ours": (web_port, web), "limit": parts.bare(stack, "bench.limit:app", house)}
            if given.beside:
                port, there = parts.free_port(), given.beside
                other = env | {"JAWAB_PORT": str(port), "PYTHONPATH": there}
                sides["beside"] = port, stack.enter_context(parts.process(["cli", "web"], other, port, there))
            if given.peers:
                sides |= {peer: parts.bare(stack, "bench.peers:app", house, PEER=peer) for peer in PEERS}
            if not given.turns and not given.receipts:
                with parts.process(["cli", "worker", "replies"], env, None):
                    evenness = await even.measure(web_port, parts.url_of(web_port), 7_000_000, web.pid, provider)
                if given.even:
                    return {"evenness": evenness}
                replies = await _reply_latency(provider, web_port, env, seconds, given.paced)
            for port, _ in sides.values():  # pools, caches and plans are warm before anything is counted
                await talk(port, parts.url_of(port), "/in/twilio", connections=4, seconds=1.0, first=_unused())
            parts.analyze(postgres.superusers_url)
            for name in {"ours", "beside"} & sides.keys():
                await parts.filled(sides[name][1])
            told = [
                {f"c={phones}": await _receipts(sides, postgres, phones, seconds) for phones in (16, 64)}
                for _ in range(0 if given.turns else rounds)
            ]
            if given.receipts:
                return {"receipts": sums.told(told), "load": os.getloadavg()}
            kinds = list(itertools.product(given.scripts.split(","), map(int, given.phones.split(","))))
            turns: list[dict[str, Any]] = [{side: {} for side in sides} for _ in range(rounds)]
            for measured in turns:
                for script, phones in kinds:
                    for side, web_at in sides.items():
                        one = await _one(web_at, postgres, script, phones, seconds)
                        measured[side][f"{script} c={phones}"] = one
        if given.turns:
            return {"turns": sums.summary(turns), "floor_us": floor.measure(), "load": os.getloadavg()}
        sent = await broadcasts.measure(provider, house, given.sends, rounds)
    return {
        "turns": sums.summary(turns),
        "receipts": sums.told(told),
        "floor_us": floor.measure(),
        "evenness": evenness,
        "replies": replies,
        "sends": sent,
        "rounds": turns,
    }


async def _one(
    web_at: tuple[int, psutil.Process], postgres: Postgres, script: str, connections: int, seconds: float
) -> dict[str, float]:
    port, process = web_at
    said, first = SCRIPTS[script], _unused()
    load = talk(
        port, parts.url_of(port), "/in/twilio", connections=connections, seconds=seconds, first=first, script=said
    )
    return await _cost(process, postgres, load)


async def _cost(process: psutil.Process, postgres: Postgres, load: Awaitable[Measured]) -> dict[str, float]:
    """What a load took, in all and by what it did."""
    web, threads, database = parts.cpu(process), parts.threads(process), parts.cpu_of(postgres)
    measured = await load
    done = max(1, len(measured.latencies))
    drawer, others = (1e6 * (now - before) / done for now, before in zip(parts.threads(process), threads, strict=True))
    web = 1e6 * (parts.cpu(process) - web) / done - drawer
    database = 1e6 * (parts.cpu_of(postgres) - database) / done
    return sums.figures(measured) | {
        "web_us": round(web, 1),
        "threads_us": round(others, 1),  # within it: the bell, and hashes that a turn waited for
        "drawer_us": round(drawer, 1),  # beside it
        "db_us": round(database, 1),
        "cpu_us": round(web + database, 1),
    }


async def _receipts(
    sides: dict[str, tuple[int, psutil.Process]], postgres: Postgres, phones: int, seconds: float
) -> dict[str, dict[str, float]]:
    """Delivery receipts on so many connections: ours taken together, the limit's one UPDATE each."""
    done = {}
    for side, (port, process) in sides.items():
        if side in PEERS:
            continue
        ids = receipts.fill(postgres.superusers_url, int(seconds * RECEIPTS_MOST), ours=side != "limit")
        load = receipts.tell(port, parts.url_of(port), ids, connections=phones, seconds=seconds)
        done[side] = await _cost(process, postgres, load)
    return done


def _unused() -> int:
    """The first of ten thousand phones that nobody has used: each talk is with new people."""
    return next(_firsts)


async def _reply_latency(
    provider: FakeTwilio, port: int, env: dict[str, str], seconds: float, paced: float
) -> dict[str, Any]:
    """From posting a webhook to the reply's arrival at the provider, at a steady pace, through the replies lane."""
    with parts.process(["cli", "worker", "replies"], env, None):
        await talk(
            port, parts.url_of(port), "/in/twilio", connections=4, seconds=3.0, first=9_500_000, rate=20
        )  # it warms up
        await _drained(provider, time.monotonic() + 30)
        provider.ledger.clear()
        # One turn a phone at a time: each phone's next reply is the answer to its last webhook.
        connections = max(1, int(paced / 4))
        measured = await talk(
            port,
            parts.url_of(port),
            "/in/twilio",
            connections=connections,
            seconds=seconds * 2,
            first=8_000_000,
            rate=paced,
        )
        await _drained(provider, time.monotonic() + 30)
    last = {taken.to: taken.arrived for taken in provider.ledger}
    waits = sorted(last[phone] - at for phone, at in measured.posted.items() if phone in last and last[phone] >= at)
    return {
        "turns": len(measured.latencies),
        "arrived": len(provider.ledger),
        "paced_per_second": paced,
        "p50_ms": round(1000 * waits[len(waits) // 2], 1) if waits else None,
        "p99_ms": round(1000 * waits[int(len(waits) * 0.99)], 1) if waits else None,
        "over_turn_p50": round(waits[len(waits) // 2] / measured.quantile(0.5), 1) if waits else None,
    }


async def _drained(provider: FakeTwilio, deadline: float) -> None:
    """Wait until the provider has heard nothing new for a second, or the deadline has passed."""
    heard, since = -1, time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - since < 1.5:
        if provider.posts != heard:
            heard, since = provider.posts, time.monotonic()
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    main()
