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
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bench import even, floor, limit, receipts
from bench.load import ACCOUNT, SCRIPTS, TOKEN, Measured, talk
from bot.intake.drawer import IDLE
from house.postgres import Postgres
from house.valkey import Valkey
from store.crypto import Keys
from store.database import ROLES, SPEAKERS
from store.migrations import migrate
from tests.providers.twilio import FakeTwilio

ROOT = Path(__file__).parent.parent
PEERS = ("psycopg", "core", "orm")
RECEIPTS_MOST = 4000  # a second, and more than are taken
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
    seconds, rounds, sends = given.seconds, given.rounds, given.sends
    postgres, valkey = Postgres(folder), Valkey(folder)
    database, redis = postgres.start(), valkey.start()
    try:
        with FakeTwilio(account=ACCOUNT, token=TOKEN) as provider:
            web_port = _free_port()
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
            with contextlib.ExitStack() as stack:
                web = stack.enter_context(_process(["cli", "web"], env, web_port))
                sides = {"ours": (web_port, web), "limit": _bare(stack, "bench.limit:app", bare)}
                if given.beside:
                    port, there = _free_port(), given.beside
                    other = env | {"JAWAB_PORT": str(port), "PYTHONPATH": there}
                    sides["beside"] = port, stack.enter_context(_process(["cli", "web"], other, port, there))
                if given.peers:
                    sides |= {peer: _bare(stack, "bench.peers:app", bare, PEER=peer) for peer in PEERS}
                if not given.turns and not given.receipts:
                    with _process(["cli", "worker", "replies"], env, None):
                        evenness = await even.measure(web_port, _url(web_port), 7_000_000, web.pid, provider)
                    if given.even:
                        return {"evenness": evenness}
                    replies = await _reply_latency(provider, web_port, env, seconds, given.paced)
                for port, _ in sides.values():  # pools, caches and plans are warm before anything is counted
                    await talk(port, _url(port), "/in/twilio", connections=4, seconds=1.0, first=_unused())
                _analyze(postgres.superusers_url)
                for name in {"ours", "beside"} & sides.keys():
                    await _filled(sides[name][1])
                told = [
                    {f"c={phones}": await _receipts(sides, postgres, phones, seconds) for phones in (16, 64)}
                    for _ in range(0 if given.turns else rounds)
                ]
                if given.receipts:
                    return {"receipts": _told(told), "load": os.getloadavg()}
                kinds = list(itertools.product(given.scripts.split(","), map(int, given.phones.split(","))))
                turns: list[dict[str, Any]] = [{side: {} for side in sides} for _ in range(rounds)]
                for measured in turns:
                    for script, phones in kinds:
                        for side, web_at in sides.items():
                            one = await _one(web_at, postgres, script, phones, seconds)
                            measured[side][f"{script} c={phones}"] = one
            if given.turns:
                return {"turns": _summary(turns), "floor_us": floor.measure(), "load": os.getloadavg()}
            sent = [
                {side: await _send(side, sends, env, postgres) for side in ("ours", "limit")}
                for _ in range(rounds if sends else 0)
            ]
        return {
            "turns": _summary(turns),
            "receipts": _told(told),
            "floor_us": floor.measure(),
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
    said, first = SCRIPTS[script], _unused()
    load = talk(port, _url(port), "/in/twilio", connections=connections, seconds=seconds, first=first, script=said)
    return await _cost(process, postgres, load)


async def _cost(process: psutil.Process, postgres: Postgres, load: Awaitable[Measured]) -> dict[str, float]:
    """What a load took, in all and by what it did."""
    web, threads, database = _cpu(process), _threads(process), _cpu_of(postgres)
    measured = await load
    done = max(1, len(measured.latencies))
    drawer, others = (1e6 * (now - before) / done for now, before in zip(_threads(process), threads, strict=True))
    web = 1e6 * (_cpu(process) - web) / done - drawer
    database = 1e6 * (_cpu_of(postgres) - database) / done
    return _figures(measured) | {
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
        load = receipts.tell(port, _url(port), ids, connections=phones, seconds=seconds)
        done[side] = await _cost(process, postgres, load)
    return done


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


def _threads(process: psutil.Process) -> tuple[float, float]:
    """Seconds of CPU of the thread that fills the drawer behind all else, and of the others beside the loop's."""
    drawer = others = 0.0
    for thread in Path(f"/proc/{process.pid}/task").iterdir():
        with contextlib.suppress(OSError):
            stat = (thread / "stat").read_text().rpartition(")")[2].split()
            used = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
            if stat[16] == str(IDLE):
                drawer += used
            elif int(thread.name) != process.pid:
                others += used
    return drawer, others


async def _filled(process: psutil.Process) -> None:
    """Wait until the drawer is full, a minute at most: what is reckoned for later is not to be counted now."""
    deadline, before = time.monotonic() + 60, -1.0
    while (now := _threads(process)[0]) != before and time.monotonic() < deadline:
        before = now
        await asyncio.sleep(1)


def _cpu_of(postgres: Postgres) -> float:
    head = psutil.Process(int((postgres.cluster / "postmaster.pid").read_text().split()[0]))
    return sum(map(_cpu, [head, *head.children(recursive=True)]))


def _summary(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """By what was said and how many phones: each side's medians, and of the ratios to the limit, pair by pair."""
    return {
        kind: {
            side: {
                name: round(statistics.median(one[side][kind][name] for one in turns), 2)
                for name in turns[0][side][kind]
            }
            | {
                f"{name}_ratio": round(
                    statistics.median(one[side][kind][name] / one["limit"][kind][name] for one in turns), 2
                )
                for name in ("rate", "p50_ms", "web_us", "db_us", "cpu_us")
                if side != "limit"
            }
            for side in turns[0]
        }
        for kind in turns[0]["ours"]
    }


def _told(told: list[dict[str, Any]]) -> dict[str, Any]:
    """As `_summary`, of receipts: by how many connections."""
    return _summary([{side: {kind: one[kind][side] for kind in one} for side in one["c=16"]} for one in told])


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
        measured = await talk(
            port, _url(port), "/in/twilio", connections=connections, seconds=seconds * 2, first=8_000_000, rate=paced
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


def _make_limit(database: str) -> str:
    """A database of the limit's own in the same cluster, as an address that asyncpg reads."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bare")
    with psycopg.connect(make_conninfo(database, dbname="bare"), autocommit=True) as connection:
        connection.execute(limit.SCHEMA.encode())
    parts = conninfo_to_dict(database)
    return f"postgresql://{parts['user']}:{parts['password']}@/bare?host={parts['host']}"


def _analyze(database: str) -> None:
    """Tell the planner how large the tables are, as autovacuum does within a minute where people write."""
    for address in (database, make_conninfo(database, dbname="bare")):
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("ANALYZE")


def _bare(stack: contextlib.ExitStack, app: str, database: str, **more: str) -> tuple[int, psutil.Process]:
    """A limit's or a peer's process at a port of its own."""
    port = _free_port()
    env = os.environ | more | {"LIMIT_DATABASE": database, "LIMIT_TOKEN": TOKEN, "LIMIT_URL": _url(port)}
    argv = ["uvicorn", app, "--port", str(port), "--no-access-log", "--log-level", "warning"]
    return port, stack.enter_context(_process(argv, env, port))


@contextlib.contextmanager
def _process(
    argv: list[str], env: dict[str, str], port: int | None, folder: str | Path = ROOT
) -> Iterator[psutil.Process]:
    """`python -m argv`, up once its port answers; stopped on leaving."""
    started = subprocess.Popen([sys.executable, "-m", *argv], env=env, cwd=folder)
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
