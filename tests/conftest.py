"""Real parts for every test: PostgreSQL and Valkey of our own for a run, a fresh migrated database for each test."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import os
import secrets
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from bot import registry
from bot.intake import door
from house.postgres import Postgres
from house.valkey import Valkey
from locales.channels import CHANNELS
from settings import Settings
from store import audit, desk_sessions
from store.bell import Bell
from store.crypto import Keys
from store.database import ROLES, SPEAKERS, Database, Tx
from store.jawab import Jawab
from tests import costs, databases, folders
from tests.databases import Shared
from tests.providers.twilio import FakeTwilio
from tests.town import town

__all__ = ["town"]  # one running system for a run, whichever folder asks for it

HERE = Path(__file__).parent
# What takes longest begins first, so that no worker is left with a long file while the other has nothing to do.
FIRST = (
    "test_cleanroom.py",
    "end_to_end/test_first_day.py",
    "house/test_warm.py",
    "house/test_supervisor.py",
    "flows/test_every_path.py",
    "bot/test_evenness.py",
    "cases/test_a_year_of_figures.py",
    "desk/test_login.py",
    "end_to_end/test_divided.py",
)
# Who shares one running town comes last: it takes a twentieth of a processor for as long as it runs.
LAST = (
    "browser/test_pages.py",
    "end_to_end/test_main_job.py",
    "browser/test_protected.py",
    "end_to_end/test_force.py",
    "browser/test_edition.py",
    "browser/test_triage.py",
    "browser/test_offices.py",
)
SHARED = os.environ.get("JAWAB_TEST_DATABASES", "")  # a file that tells where they are; see tests.databases
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # images set it: every process that a test starts would compile us anew
sys.dont_write_bytecode = False
for name in [name for name in os.environ if name.startswith("JAWAB_") and name != "JAWAB_TWILIO_OPENAPI"]:
    del os.environ[name]

# A crowded machine is no reason to call a test slow or its inputs too large.
hypothesis.settings.register_profile("jawab", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("jawab")

ACCOUNT = "AC" + "a" * 32
TOKEN = "the-provider-signs-with-this"
PUBLIC_URL = "https://jawab.test"
Owner = psycopg.AsyncConnection[Any]


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(costs.Costs())


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Five thousand tests and what they import are no garbage: it is not looked for among them, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`FIRST`, else as they were found, `LAST`; xdist is told to leave it so (see the Makefile)."""
    place = {HERE / name: number for number, name in enumerate((*FIRST, "", *LAST))}
    items.sort(key=lambda item: place.get(item.path, len(FIRST)))


class RecordedBell(Bell):
    """Stands where Redis begins: remembers who was rung, and which rows nobody else could see yet when it rang."""

    def __init__(self, database_url: str = "") -> None:
        super().__init__("")
        self.rings: list[tuple[str, str, tuple[str, ...]]] = []
        self.early: list[str] = []
        self.closed = False
        self._url = database_url
        self._looks: psycopg.Connection | None = None

    def ring(self, lane: str, job: str, *ids: str) -> None:
        if self.closed:
            return  # a reply that was held when its test ended
        self.rings.append((lane, job, ids))
        if self._url and lane == "replies":
            self._looks = self._looks or psycopg.connect(self._url, autocommit=True)
            seen = self._looks.execute("SELECT id::text FROM outbox WHERE id = ANY(%s::uuid[])", [list(ids)]).fetchall()
            self.early += set(ids) - {row[0] for row in seen}

    def close(self) -> None:
        self.closed = True
        if self._looks is not None:
            self._looks.close()
            self._looks = None


@pytest.fixture(scope="session")
def data() -> Iterator[Path]:
    with folders.made("test") as folder:
        yield folder


@pytest.fixture(scope="session")
def shared() -> Shared | None:
    """The databases that somebody keeps running for many runs; None: this run makes its own."""
    return Shared.read(Path(SHARED)) if SHARED else None


@pytest.fixture(scope="session")
def keys(data: Path, shared: Shared | None) -> Keys:
    """This run's own, in its own folder: a test that lets time pass destroys the keys of hours that have gone by."""
    path = data / "keys" / "master.key"
    if shared:
        shutil.copytree(Path(shared.key_file).parent, path.parent)
    Keys.create(path)
    return Keys.give_passwords(path, ROLES + SPEAKERS)


@pytest.fixture(scope="session")
def addresses(data: Path, shared: Shared | None) -> Iterator[tuple[str, str]]:
    """A running PostgreSQL's: the owner's, and the superuser's, who alone brings a dump back."""
    if shared:
        yield shared.cluster, shared.superusers
        return
    postgres = Postgres(data)
    yield databases.start(postgres), postgres.superusers_url
    postgres.stop()


@pytest.fixture(scope="session")
def cluster(addresses: tuple[str, str]) -> str:
    """Owner's address of a running PostgreSQL."""
    return addresses[0]


@pytest.fixture(scope="session")
def template(cluster: str, keys: Keys, shared: Shared | None) -> str:
    """Address of a migrated database that every test's own is copied from."""
    if not shared:
        databases.make_template(cluster, keys)
    return make_conninfo(cluster, dbname=databases.TEMPLATE)


# Seeding is done once for a run, and a test that asks for `demo` gets a copy.
@pytest.fixture(scope="session")
def seeded(cluster: str, template: str, keys: Keys, shared: Shared | None) -> list[dict[str, str]]:
    """The logins of a database that holds the demo district."""
    return shared.logins if shared else databases.make_seeded(cluster, keys)


@pytest.fixture
def database_url(cluster: str, template: str, request: pytest.FixtureRequest) -> Iterator[str]:
    source = databases.TEMPLATE
    if "demo" in request.fixturenames:
        request.getfixturevalue("seeded")
        source = databases.SEEDED
    name = f"t_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY file_copy')
        yield urlsplit(cluster)._replace(path=f"/{name}").geturl()
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def db(database_url: str, keys: Keys) -> AsyncIterator[Database]:
    database = Database(database_url, keys)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(autouse=True)
def signed_in(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Who acts in a test of a room without a desk is signed in first, in the same transaction; not where
    it is marked `as_signed_in`: there only who has signed in is."""
    if request.node.get_closest_marker("as_signed_in"):
        return
    write = audit.write

    async def sign_in_and_write(tx: Tx, actor: str, action: str, obj: str) -> None:
        if audit._secret.get() or not audit._is_person(actor):
            await write(tx, actor, action, obj)
            return
        token, now = secrets.token_urlsafe(16), datetime.now(UTC)
        await desk_sessions.put(
            tx,
            token_hash=hashlib.sha256(token.encode()).digest(),
            staff_id=uuid.UUID(actor),
            csrf="",
            key_box=None,
            now=now,
            longest=timedelta(minutes=1),
        )
        with audit.speaking(token):
            await write(tx, actor, action, obj)

    monkeypatch.setattr(audit, "write", sign_in_and_write)


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Owner]:
    """The owner's own connection: for looking at everything, as no process of ours may."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def valkey(data: Path) -> Iterator[str]:
    server = Valkey(data)
    yield server.start()
    server.stop()


@pytest.fixture
def redis_url(valkey: str) -> str:
    from redis import Redis

    client = Redis.from_url(valkey)
    client.flushall()
    client.close()
    return valkey


@pytest.fixture
def bell(database_url: str) -> Iterator[RecordedBell]:
    """Looks from a connection of its own at each row it is rung for: a worker that came at once must find it."""
    bell = RecordedBell(database_url)
    yield bell
    bell.close()
    assert bell.early == [], "rung before the commit"


@pytest.fixture
def demo(seeded: list[dict[str, str]], db: Database) -> SimpleNamespace:
    """The seeded demo district: `district` (its id), `logins` {role: (login, password)} and `all` of them."""
    logins: dict[str, tuple[str, str]] = {}
    for row in seeded:
        logins.setdefault(row["role"], (row["user"], row["password"]))
    return SimpleNamespace(district="pishin", logins=logins, all=seeded)


@pytest.fixture
def settings(data: Path, database_url: str) -> Settings:
    return Settings(
        mode="demo",
        data=data,
        database_url=database_url,
        redis_url="",
        public_url=PUBLIC_URL,
        twilio_account_sid=ACCOUNT,
        twilio_auth_token=TOKEN,
        twilio_api_url="http://127.0.0.1:9",  # nobody listens; see `wired`
    )


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as fake:
        yield fake


@pytest.fixture
async def wired(data: Path, database_url: str, redis_url: str, twilio: FakeTwilio) -> AsyncIterator[Settings]:
    """Settings with the provider's stand-in and the real Valkey; what was opened to them is given back."""
    yield Settings(
        mode="demo",
        data=data,
        database_url=database_url,
        redis_url=redis_url,
        public_url=PUBLIC_URL,
        twilio_account_sid=twilio.account,
        twilio_auth_token=twilio.token,
        twilio_api_url=twilio.url,
    )
    await registry.close()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests write faster than anybody: no reply is held for more of the same, but where that is what is tried."""
    for name, limits in CHANNELS.items():
        monkeypatch.setitem(CHANNELS, name, dataclasses.replace(limits, bubble_seconds=0))


@pytest.fixture(autouse=True)
def door_looked_at_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test opens or closes the protected door within a second, and nobody waits that long."""
    monkeypatch.setattr(door, "FRESH", 0.0)


@pytest.fixture
def jawab(settings: Settings, db: Database, keys: Keys, bell: RecordedBell, at_once: None) -> Jawab:
    return Jawab(settings, db, keys, bell)


@pytest.fixture
async def client(jawab: Jawab, demo: SimpleNamespace) -> AsyncIterator[Any]:
    """An HTTP client on the real application, in this process."""
    import httpx

    from app import assemble

    transport = httpx.ASGITransport(app=assemble(jawab), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as http:
        yield http
