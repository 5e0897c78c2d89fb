"""The parts of a measurement: a house in a folder, processes at ports of their own, and the CPU that they use."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bench import limit
from bench.load import ACCOUNT, TOKEN
from bot.intake.drawer import IDLE
from house.postgres import Postgres
from house.valkey import Valkey
from store.crypto import Keys
from store.database import ROLES, SPEAKERS
from store.migrations import migrate

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class House:
    """What all sides stand on: a database with the demo in it, a Valkey, the limit's own database."""

    postgres: Postgres
    valkey: Valkey
    env: dict[str, str]  # of our own processes
    web_port: int
    bare: str  # address of the limit's database


@contextlib.contextmanager
def house(folder: Path, provider_url: str) -> Iterator[House]:
    """In an empty folder; `provider_url` is where our messages go."""
    postgres, valkey = Postgres(folder), Valkey(folder)
    database, redis, port = postgres.start(), valkey.start(), free_port()
    try:
        env = os.environ | {
            "JAWAB_MODE": "demo", "JAWAB_DATA": str(folder), "JAWAB_DATABASE_URL": database,
            "JAWAB_REDIS_URL": redis, "JAWAB_PORT": str(port), "JAWAB_TWILIO_ACCOUNT_SID": ACCOUNT,
            "JAWAB_TWILIO_AUTH_TOKEN": TOKEN, "JAWAB_TWILIO_API_URL": provider_url, "JAWAB_LOG_LEVEL": "error",
        }  # fmt: skip
        key_file = folder / "keys" / "master.key"
        Keys.create(key_file)
        migrate(database, Keys.give_passwords(key_file, ROLES + SPEAKERS))
        subprocess.run([sys.executable, "-m", "cli", "seed"], env=env, cwd=ROOT, check=True, capture_output=True)
        yield House(postgres, valkey, env, port, make_limit(postgres.superusers_url))
    finally:
        valkey.stop()
        postgres.stop()


def make_limit(database: str) -> str:
    """A database of the limit's own in the same cluster, as an address that asyncpg reads."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bare")
    with psycopg.connect(make_conninfo(database, dbname="bare"), autocommit=True) as connection:
        connection.execute(limit.SCHEMA.encode())
    parts = conninfo_to_dict(database)
    return f"postgresql://{parts['user']}:{parts['password']}@/bare?host={parts['host']}"


def analyze(database: str) -> None:
    """Tell the planner how large the tables are, as autovacuum does within a minute where people write."""
    for address in (database, make_conninfo(database, dbname="bare")):
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("ANALYZE")


def bare(stack: contextlib.ExitStack, app: str, house: House, **more: str) -> tuple[int, psutil.Process]:
    """A limit's or a peer's process at a port of its own."""
    port = free_port()
    env = os.environ | more | {"LIMIT_DATABASE": house.bare, "LIMIT_TOKEN": TOKEN, "LIMIT_URL": url_of(port)}
    argv = ["uvicorn", app, "--port", str(port), "--no-access-log", "--log-level", "warning"]
    return port, stack.enter_context(process(argv, env, port))


@contextlib.contextmanager
def process(
    argv: list[str], env: dict[str, str], port: int | None, folder: str | Path = ROOT
) -> Iterator[psutil.Process]:
    """`python -m argv`, up once its port answers; stopped on leaving."""
    started = subprocess.Popen([sys.executable, "-m", *argv], env=env, cwd=folder, stdout=subprocess.DEVNULL)
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def url_of(port: int) -> str:
    return f"http://127.0.0.1:{port}/in/twilio"


def cpu(process: psutil.Process) -> float:
    """Seconds of CPU that a process has used, and its children that have ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return float(sum(process.cpu_times()[:4]))
    return 0.0


def threads(process: psutil.Process) -> tuple[float, float]:
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


async def filled(process: psutil.Process) -> None:
    """Wait until the drawer is full, a minute at most: what is reckoned for later is not to be counted now."""
    deadline, before = time.monotonic() + 60, -1.0
    while (now := threads(process)[0]) != before and time.monotonic() < deadline:
        before = now
        await asyncio.sleep(1)


def cpu_of(postgres: Postgres) -> float:
    head = psutil.Process(int((postgres.cluster / "postmaster.pid").read_text().split()[0]))
    return sum(map(cpu, [head, *head.children(recursive=True)]))
