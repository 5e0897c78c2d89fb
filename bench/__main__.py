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

from bench import even, limit
from bench.load import ACCOUNT, SCRIPTS, TOKEN, Measured, talk
from house.postgres import Postgres
from house.valkey import Valkey
from store.crypto import Keys
from store.database import ROLES, SPEAKERS
from store.migrations import migrate
from tests.providers.twilio import FakeTwilio

ROOT = Path(__file__).parent.parent
_firsts = itertools.count(0, 10_000)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="ours and the limit in turn")
    parser.add_argument("--paced", type=float, default=60.0, help="turns a second while reply latency is measured")
    parser.add_argument(
        "--sends", type=int, default=4000, help="messages of one broadcast measurement; 0 leaves it out"
    )
    parser.add_argument("--even", action="store_true", help="only how even sealed and ordinary turns are")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jawab-bench-") as folder:
        report = asyncio.run(measure(Path(folder), given))
    print(json.dumps(report, indent=2))


async def measure(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Everything, or what was asked for; see `main`."""
    seconds, rounds, sends = given.seconds, given.rounds, given.sends
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
            key_file = folder / "keys" / "master.key"
            Keys.create(key_file)
            migrate(database, Keys.give_passwords(key_file, ROLES + SPEAKERS))
            subprocess.run([sys.executable, "-m", "cli", "seed"], env=env, cwd=ROOT, check=True, capture_output=True)
            bare = _make_limit(postgres.superusers_url)
            limit_env = os.environ | {
                "LIMIT_DATABASE": bare, "LIMIT_TOKEN": TOKEN, "LIMIT_URL": f"http://127.0.0.1:{limit_port}/in/twilio",
            }  # fmt: skip
            limit_argv = ["uvicorn", "bench.limit:app", "--port", str(limit_port), "--no-access-log"]
            with (
                _process(["cli", "web"], env, web_port) as web,
                _process([*limit_argv, "--log-level", "warning"], limit_env, limit_port) as bare_web,
            ):
                sides = {"ours": (web_port, web), "limit": (limit_port, bare_web)}
                with _process(["cli", "worker", "replies"], env, None):
                    evenness = await even.measure(web_port, _url(web_port), 7_000_000, web.pid, provider)
                if given.even:
                    return {"evenness": evenness}
                replies = await _reply_latency(provider, web_port, env, seconds, given.paced)
                for port, _ in sides.values():  # pools, caches and plans are warm before anything is counted
                    await talk(port, _url(port), "/in/twilio", connections=4, seconds=1.0, first=9_000_000)
                turns = [
                    {
                        side: {
                            f"{script} c={connections}": await _one(web_at, postgres, script, connections, seconds)
                            for script in SCRIPTS
                            for connections in (1, 16)
                        }
                        for side, web_at in sides.items()
                    }
                    for _ in range(rounds)
                ]
            sent = [
                {side: await _send(side, sends, env, postgres) for side in ("ours", "limit")}
                for _ in range(rounds if sends else 0)
            ]
        return {
            "turns": _summary(turns),
            "evenness": evenness,
            "replies": replies,
            "sends": _sends(sent),
            "rounds": turns,
            "sent": sent,
        }
    finally:
        valkey.stop()
        postgres.stop()


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/in/twilio"


async def _one(
    web_at: tuple[int, psutil.Process], postgres: Postgres, script: str, connections: int, seconds: float
) -> dict[str, float]:
    port, process = web_at
    web, database = _cpu(process), _cpu_of(postgres)
    measured, _ = await talk(
        port,
        _url(port),
        "/in/twilio",
        connections=connections,
        seconds=seconds,
        first=_unused(),
        script=SCRIPTS[script],
    )
    turns = max(1, len(measured.latencies))
    web, database = 1e6 * (_cpu(process) - web) / turns, 1e6 * (_cpu_of(postgres) - database) / turns
    return _figures(measured) | {
        "web_us": round(web, 1),
        "db_us": round(database, 1),
        "cpu_us": round(web + database, 1),
    }


async def _send(side: str, count: int, env: dict[str, str], postgres: Postgres) -> dict[str, float]:
    """One side of bench.send, a process of its own."""
    before = _cpu_of(postgres)
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.send", side, str(count), env=env, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await started.communicate()
    if started.returncode:
        raise RuntimeError(f"bench.send {side} failed")
    figures: dict[str, float] = json.loads(said.splitlines()[-1])
    # With what it took to fill the outbox (ours): an upper bound.
    return figures | {"db_s_per_10k_at_most": round((_cpu_of(postgres) - before) / count * 10_000, 2)}


def _unused() -> int:
    """The first of ten thousand phones that nobody has used: each talk is with new people."""
    return next(_firsts)


def _figures(measured: Measured) -> dict[str, float]:
    return {
        "rate": round(measured.rate, 1),
        "p50_ms": round(1000 * measured.quantile(0.5), 2),
        "p99_ms": round(1000 * measured.quantile(0.99), 2),
        "bad": measured.bad,
    }


def _cpu(process: psutil.Process) -> float:
    """Seconds of CPU that a process has used, and its children that have ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return float(sum(process.cpu_times()[:4]))
    return 0.0


def _cpu_of(postgres: Postgres) -> float:
    head = psutil.Process(int((postgres.cluster / "postmaster.pid").read_text().split()[0]))
    return sum(map(_cpu, [head, *head.children(recursive=True)]))


def _summary(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians of the ratios ours / limit, pair by pair, and the medians themselves."""
    made: dict[str, Any] = {}
    for kind in turns[0]["ours"]:
        pairs = [(one["ours"][kind], one["limit"][kind]) for one in turns]
        made[kind] = {
            f"{side}_{name}": round(statistics.median(one[name] for one in figures), 1)
            for side, figures in zip(("ours", "limit"), zip(*pairs, strict=True), strict=True)
            for name in ("rate", "web_us", "db_us")
        } | {
            f"{name.split('_')[0]}_ratio": round(statistics.median(our[name] / bare[name] for our, bare in pairs), 2)
            for name in ("rate", "p50_ms", "web_us", "db_us", "cpu_us")
        }
    return made


def _sends(sent: list[dict[str, Any]]) -> dict[str, Any]:
    if not sent:
        return {}
    return {
        f"{side}_{name}": statistics.median(one[side][name] for one in sent)
        for side in ("ours", "limit")
        for name in ("rate", "cpu_s_per_10k", "db_s_per_10k_at_most")
    } | {
        "rate_ratio": round(statistics.median(one["ours"]["rate"] / one["limit"]["rate"] for one in sent), 2),
        "cpu_ratio": round(
            statistics.median(one["ours"]["cpu_s_per_10k"] / one["limit"]["cpu_s_per_10k"] for one in sent), 2
        ),
    }


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
