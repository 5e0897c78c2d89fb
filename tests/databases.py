"""The databases that every test's own is copied from: made once for a run, or once for many runs that share them."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cases.seed import seed_demo
from desk.protected_roster import sign_demo
from house.postgres import Postgres
from store.crypto import Keys
from store.database import ROLES, SPEAKERS, Database
from store.migrations import migrate

TEMPLATE, SEEDED = "jawab_template", "jawab_seeded"


def start(postgres: Postgres) -> str:
    """Owner's address of a PostgreSQL for tests, where the owner makes and drops databases.

    Each test copies and drops a database, and these tests pull no plug: nothing waits for the disk, if there is one.
    What survives a kill is tried on clusters of their own, in tests/house.
    """
    url = postgres.start()
    with psycopg.connect(postgres.superusers_url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET max_wal_size = '128MB'")  # it may lie in memory
        connection.execute("SELECT pg_reload_conf()")
        _make_connecting_cheap(connection, url)
        connection.execute("ALTER ROLE jawab_owner CREATEDB")
        connection.execute("GRANT pg_signal_backend TO jawab_owner")
    return url


def _make_connecting_cheap(superuser: psycopg.Connection, url: str) -> None:
    """Each test connects half a dozen times, and a password is 4,096 rounds of SHA-256: 7 ms of ours, 2 with one."""
    if superuser.info.server_version < 160000:
        return  # it has no such setting
    superuser.execute("ALTER SYSTEM SET scram_iterations = 1")
    superuser.execute("SET scram_iterations = 1")
    password = conninfo_to_dict(url)["password"]
    superuser.execute(sql.SQL("ALTER ROLE jawab_owner PASSWORD {}").format(sql.Literal(password)))


def make_template(cluster: str, keys: Keys) -> None:
    """Make a migrated database, in which statistics are shut as in the cluster's own, which is empty."""
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE jawab ENCODING 'UTF8'")
    migrate(make_conninfo(cluster, dbname=TEMPLATE), keys)
    with psycopg.connect(make_conninfo(cluster, dbname=TEMPLATE), autocommit=True) as connection:
        # One process of a test is the desk, the clock and the operator.
        connection.execute(
            "INSERT INTO audit_speakers SELECT role, actor, '.'"
            " FROM unnest(ARRAY['jawab_console', 'jawab_custody']) role, unnest(ARRAY['operator', 'clock']) actor"
        )


def make_seeded(cluster: str, keys: Keys) -> list[dict[str, str]]:
    """A copy of the template with the demo district in it, which costs two seconds of Argon2; its logins."""
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {SEEDED} TEMPLATE {TEMPLATE}")

    async def run() -> list[dict[str, str]]:
        database = Database(make_conninfo(cluster, dbname=SEEDED), keys, roles=("console", "custody"), size=1)
        await database.open()
        made = await seed_demo(database, keys)
        await sign_demo(database, keys)
        await database.close()
        return made

    with ThreadPoolExecutor(1) as thread:  # beside the loop of the test that asks first
        return thread.submit(asyncio.run, run()).result()


@dataclass(frozen=True, slots=True)
class Shared:
    """What one process keeps running for the test runs of others: told to them by a file."""

    cluster: str
    superusers: str
    key_file: str
    logins: list[dict[str, str]]

    @classmethod
    def make(cls, postgres: Postgres, key_file: Path) -> Shared:
        Keys.create(key_file)
        keys = Keys.give_passwords(key_file, ROLES + SPEAKERS)
        cluster = start(postgres)
        make_template(cluster, keys)
        return cls(cluster, postgres.superusers_url, str(key_file), make_seeded(cluster, keys))

    @classmethod
    def read(cls, file: Path) -> Shared:
        return cls(**json.loads(file.read_text()))

    def write(self, file: Path) -> None:
        file.touch(mode=0o600)
        file.write_text(json.dumps(asdict(self)))
