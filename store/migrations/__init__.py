"""The migrations: the numbered `.sql` files of this folder, run in order, each in one transaction.

`0002_clockwork.sql` needs nothing beside it: its number is its revision, and what it follows is the number before.
Tables, rights and what is carried over stand in one file. A file that a database has run is history: it is not
edited, another one follows it. Import this only where something migrates: Alembic brings SQLAlchemy along.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, LiteralString, cast

import psycopg
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script.base import Script, ScriptDirectory
from alembic.util import CommandError
from psycopg import sql
from sqlalchemy import NullPool, create_engine

from store import house_keys
from store.crypto import Keys
from store.database import LOCKS, ROLES, SPEAKERS

FOLDER = Path(__file__).parent
NAME = re.compile(r"(?!0000)[0-9]{4}_[a-z0-9_]+\.sql")
SILENCE = 5.0  # seconds after which whoever waits is told what for, again and again

MEANWHILE = "pages and messages may wait for it; ended now, it begins again at the next start"

Tell = Callable[[str], None]


class Migrations(ScriptDirectory):
    """Alembic's chain of revisions, made from file names. Raises ValueError in one line for files that make none."""

    def _load_revisions(self) -> Iterator[Script]:
        before: str | None = None
        for path in find(Path(self.dir)):
            revision = ModuleType(path.stem)
            vars(revision).update(down_revision=before, upgrade=_runner(path))
            before = path.name[:4]
            yield Script(revision, before, path)

    def ahead_of(self, current: Any, _: Any) -> Any:
        """The steps from a database's revision to the newest."""
        return self._upgrade_revs("head", current)


def find(folder: Path = FOLDER) -> list[Path]:
    """The files of a folder in order. Raises ValueError for a bad name, a number that is there twice, or a gap."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".sql")
    for path in paths:
        if not NAME.fullmatch(path.name):
            raise ValueError(f"{path.name} is no name of a migration: four digits, _what_it_does, .sql")
    for number, path in enumerate(paths, 1):
        if int(path.name[:4]) < number:
            raise ValueError(f"two migrations have one number: {paths[number - 2].name} and {path.name}")
        if int(path.name[:4]) > number:
            raise ValueError(f"there is no migration {number:04}, but {path.name}")
    return paths


def migrate(url: str, keys: Keys, folder: Path = FOLDER, tell: Tell = lambda _: None) -> None:
    """Make the roles and bring the tables up to date. Safe to run twice, twice at once, and to end half way. Blocking.

    `tell` is given a line for whoever waits, where one file takes long; that is in another thread.

    Raises RuntimeError or ValueError in one line: the database's owner may not make roles, its locale cannot search,
    it is newer than these files, a file does not run (which leaves nothing of itself behind) or is not in the chain;
    `Malformed` where the key file is not the one that the data were written with.
    """
    chain = Migrations(str(folder))
    chain.get_heads()  # reads the names, before anything is done
    with psycopg.connect(url, autocommit=True) as connection:
        with _telling(tell, "another start is migrating", "it is waited for"):
            connection.execute("SELECT pg_advisory_lock(%s)", (LOCKS["migrate"],))  # until this connection closes
        house_keys.refuse_foreign(connection, keys)  # before its passwords are given to the roles
        for role in ROLES + SPEAKERS:
            _make_role(connection, f"jawab_{role}", keys.role_password(role))
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        shown = cast("Any", connection.execute("SELECT show_trgm('پانی') AS grams").fetchone())
        if not shown[0]:
            raise RuntimeError("this database cannot search Arabic script: create it with --locale=C.UTF-8")
        try:
            _upgrade(url, chain, tell)
        except CommandError as refused:
            raise RuntimeError(f"the database is newer than this Jawab: {refused}") from None
        house_keys.pin(connection, keys)


def _upgrade(url: str, chain: Migrations, tell: Tell) -> None:
    # SQLAlchemy reads other addresses than libpq does, so it is handed connections instead.
    engine = create_engine("postgresql+psycopg://", creator=lambda: _connect(url), poolclass=NullPool)
    with EnvironmentContext(Config(), chain, fn=chain.ahead_of) as environment, engine.connect() as connection:
        environment.configure(connection=connection, transaction_per_migration=True)
        with environment.begin_transaction():
            environment.run_migrations(driver=connection.connection.driver_connection, tell=tell)


def _connect(url: str) -> psycopg.Connection[Any]:
    """Where its program is killed the server works no longer for it: the next start would wait for what it holds."""
    connection = psycopg.connect(url, autocommit=True)
    connection.execute("SET client_connection_check_interval = '1s'")
    connection.autocommit = False
    return connection


def _runner(path: Path) -> Callable[..., None]:
    def upgrade(driver: psycopg.Connection[Any], tell: Tell) -> None:
        """On the driver's own connection: SQLAlchemy would read a % in the file as a parameter."""
        try:
            with _telling(tell, path.name, MEANWHILE):
                driver.execute(path.read_text(encoding="utf-8").encode())
        except (psycopg.Error, UnicodeDecodeError) as refused:
            raise RuntimeError(f"{path.name}: {' '.join(str(refused).split())}") from None

    return upgrade


@contextmanager
def _telling(tell: Tell, what: str, meanwhile: str) -> Iterator[None]:
    """Say what is waited for, every SILENCE while it lasts; what is done within that says nothing."""
    begun, done = time.monotonic(), threading.Event()

    def go_on() -> None:
        while not done.wait(SILENCE):
            tell(f"{what}: {time.monotonic() - begun:.0f} s so far; {meanwhile}")

    teller = threading.Thread(target=go_on, daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
    if time.monotonic() - begun > SILENCE:
        tell(f"{what}: done after {time.monotonic() - begun:.0f} s")


def _make_role(connection: psycopg.Connection[Any], role: str, password: str) -> None:
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    verb: LiteralString = "ALTER ROLE {} LOGIN PASSWORD {}" if exists else "CREATE ROLE {} LOGIN PASSWORD {}"
    try:
        connection.execute(sql.SQL(verb).format(sql.Identifier(role), sql.Literal(password)))
    except psycopg.errors.InsufficientPrivilege:
        raise RuntimeError(
            f"the database's owner may not make the role {role}: give it CREATEROLE, or make the role by hand"
        ) from None
