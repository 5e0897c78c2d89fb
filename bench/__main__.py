"""`make bench`: turns and replies, beside the bare limit in the same run.

Everything runs on this machine's own cores: load, web process, PostgreSQL. Absolute figures move with the machine; the
ratios to the limit are what is kept (docs/bench.md). Whole-process CPU is read from /proc, as user + system time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bench import limit
from bench.load import ACCOUNT, TOKEN, Measured, talk
from house.postgres import Postgres
from house.valkey import Valkey
from store.crypto import Keys
from store.database import migrate
from tests.providers.twilio import FakeTwilio

ROOT = Path(__file__).parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="ours and the limit in turn")
    parser.add_argument("--paced", type=float, default=60.0, help="turns a second while reply latency is measured")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jawab-bench-") as folder:
        report = asyncio.run(measure(Path(folder), given.seconds, given.rounds, given.paced))
    print(json.dumps(report, indent=2))


async def measure(folder: Path, seconds: float, rounds: int, paced: float) -> dict[str, Any]:
    postgres, valkey = Postgres(folder), Valkey(folder)
    database, redis = postgres.start(), valkey.start()
    try:
        with FakeTwilio(account=ACCOUNT, token=TOKEN) as provider:
            web_port, limit_port = _free_port(), _free_port()
            env = os.environ | {
                "JAWAB_MODE": "demo", "JAWAB_DATA": str(folder), "JAWAB_DATABASE_URL": database,
                "JAWAB_REDIS_URL": redis, "JAWAB_PORT": str(web_port), "JAWAB_TWILIO_ACCOUNT_SID": ACCOUNT,
                "JAWAB_TWILIO_AUTH_TOKEN": TOKEN, "JAWAB_TWILIO_API_URL": provider.url, "JAWAB_LOG_LEVEL": "error",
            }  # fmt: skip
            migrate(database, Keys.create(folder / "keys" / "master.key"))
            subprocess.run([sys.executable, "-m", "cli", "seed"], env=env, cwd=ROOT, check=True, capture_output=True)
            bare = _make_limit(database)
            limit_env = os.environ | {
                "LIMIT_DATABASE": bare, "LIMIT_TOKEN": TOKEN, "LIMIT_URL": f"http://127.0.0.1:{limit_port}/in/twilio",
            }  # fmt: skip
            limit_argv = ["uvicorn", "bench.limit:app", "--port", str(limit_port), "--no-access-log"]
            with (
                _process(["cli", "web"], env, web_port) as web,
                _process([*limit_argv, "--log-level", "warning"], limit_env, limit_port) as bare_web,
            ):
                sides = {"ours": (web_port, web), "limit": (limit_port, bare_web)}
                replies = await _reply_latency(provider, web_port, env, seconds, paced)
                for port, _ in sides.values():  # pools, caches and plans are warm before anything is counted
                    await talk(port, _url(port), "/in/twilio", connections=4, seconds=1.0, first=9_000_000)
                turns = [
                    {
                        name: {
                            str(connections): await _one(port, process, connections, seconds, first)
                            for connections in (1, 16)
                        }
                        for name, (port, process) in sides.items()
                    }
                    for first in range(0, rounds * 1_000_000, 1_000_000)
                ]
        return {"turns": _summary(turns), "replies": replies, "rounds": turns}
    finally:
        valkey.stop()
        postgres.stop()


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/in/twilio"


async def _one(port: int, process: psutil.Process, connections: int, seconds: float, first: int) -> dict[str, float]:
    before = _cpu(process)
    measured, _ = await talk(
        port, _url(port), "/in/twilio", connections=connections, seconds=seconds, first=first + connections * 10_000
    )
    spent = _cpu(process) - before
    return _figures(measured) | {"cpu_us": round(1e6 * spent / max(1, len(measured.latencies)), 1)}


def _figures(measured: Measured) -> dict[str, float]:
    return {
        "rate": round(measured.rate, 1),
        "p50_ms": round(1000 * measured.quantile(0.5), 2),
        "p99_ms": round(1000 * measured.quantile(0.99), 2),
        "bad": measured.bad,
    }


def _cpu(web: psutil.Process) -> float:
    """Seconds of CPU that this web process and every PostgreSQL process of this run have used."""
    total = 0.0
    for process in psutil.process_iter(["pid", "name"]):
        if process.pid == web.pid or process.info["name"] == "postgres":
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
    return total


def _summary(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians of the ratios ours / limit, pair by pair, and the medians themselves."""
    made: dict[str, Any] = {}
    for connections in turns[0]["ours"]:
        pairs = [(one["ours"][connections], one["limit"][connections]) for one in turns]
        made[f"c={connections}"] = {
            "ours_rate": statistics.median(ours["rate"] for ours, _ in pairs),
            "limit_rate": statistics.median(bare["rate"] for _, bare in pairs),
            "rate_ratio": round(statistics.median(ours["rate"] / bare["rate"] for ours, bare in pairs), 3),
            "p50_ratio": round(statistics.median(ours["p50_ms"] / bare["p50_ms"] for ours, bare in pairs), 2),
            "cpu_ratio": round(statistics.median(ours["cpu_us"] / bare["cpu_us"] for ours, bare in pairs), 2),
        }
    return made


async def _reply_latency(
    provider: FakeTwilio, port: int, env: dict[str, str], seconds: float, paced: float
) -> dict[str, Any]:
    """From posting a webhook to the reply's arrival at the provider, at a steady pace, through the replies lane."""
    with _process(["cli", "worker", "replies"], env, None):
        await talk(port, _url(port), "/in/twilio", connections=4, seconds=3.0, first=9_500_000, rate=20)  # it warms up
        await _drained(provider, time.monotonic() + 30)
        provider.ledger.clear()
        # One turn a phone at a time: each phone's next reply is the answer to its last webhook.
        connections = max(1, int(paced / 4))
        measured, posted = await talk(
            port, _url(port), "/in/twilio", connections=connections, seconds=seconds * 2, first=8_000_000, rate=paced
        )
        await _drained(provider, time.monotonic() + 30)
    last = {taken.to: taken.arrived for taken in provider.ledger}
    waits = sorted(last[phone] - at for phone, at in posted.items() if phone in last and last[phone] >= at)
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


def _make_limit(database: str) -> str:
    """A database of the limit's own in the same cluster, as an address that asyncpg reads."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bare")
    with psycopg.connect(make_conninfo(database, dbname="bare"), autocommit=True) as connection:
        connection.execute(limit.SCHEMA.encode())
    parts = conninfo_to_dict(database)
    return f"postgresql://{parts['user']}:{parts['password']}@/bare?host={parts['host']}"


@contextlib.contextmanager
def _process(argv: list[str], env: dict[str, str], port: int | None) -> Iterator[psutil.Process]:
    """`python -m argv`, up once its port answers; stopped on leaving."""
    started = subprocess.Popen([sys.executable, "-m", *argv], env=env, cwd=ROOT)
    try:
        deadline = time.monotonic() + 30
        while port is not None:
            if started.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{argv} did not start")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            time.sleep(0.05)
        yield psutil.Process(started.pid)
    finally:
        started.terminate()
        started.wait(20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


if __name__ == "__main__":
    main()
