"""The database ends and comes back under a running process: a real one, of our own, stopped and started."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app import assemble
from bot import doors
from commands import readying
from house.postgres import Postgres
from locales import ALL_LANGS, say
from pages import kept
from settings import Settings
from store import arrival, pool
from store.crypto import Keys
from store.database import Database
from store.jawab import Jawab
from tests import databases, folders
from tests.bot.conftest import OURS
from tests.conftest import PUBLIC_URL, RecordedBell
from tests.providers.twilio import FakeTwilio
from tests.town import wait_for

ONE = "whatsapp:+923001112233"
US = f"whatsapp:{OURS}"
MAIN = '<main id="main" tabindex="-1">\n'


@dataclass
class Ours:
    """A server of our own, with the demo district in it, and how it is ended and begun."""

    postgres: Postgres
    url: str
    hands: ThreadPoolExecutor  # one thread for all of its life: a server dies with the thread that began it

    def stop(self) -> None:
        self.postgres._end(keep_address=True)

    def start(self) -> None:
        self.hands.submit(self.postgres.start).result()


@pytest.fixture(scope="module")
def served(keys: Keys) -> Iterator[Ours]:
    with folders.made("away") as folder, ThreadPoolExecutor(1) as hands:
        postgres = Postgres(folder)
        cluster = hands.submit(databases.start, postgres).result()
        databases.make_template(cluster, keys)
        databases.make_seeded(cluster, keys)
        yield Ours(postgres, cluster.replace("/jawab?", f"/{databases.SEEDED}?"), hands)
        postgres.stop()


@pytest.fixture
def server(served: Ours) -> Iterator[Ours]:
    yield served
    if served.postgres.poll() is not None:
        served.start()


@pytest.fixture
async def there(server: Ours, settings: Settings, keys: Keys, at_once: None) -> AsyncIterator[Jawab]:
    database = Database(server.url, keys)
    await database.open()
    yield Jawab(settings, database, keys, RecordedBell())
    await database.close()


@pytest.fixture
async def http(there: Jawab) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=assemble(there), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
        yield client


async def ask(there: Jawab, role: str = "report") -> int:
    async with there.db.autocommit(role) as conn:
        row: Any = await (await conn.execute("SELECT 1 AS one")).fetchone()
        return int(row["one"])


async def restart(server: Ours) -> None:
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)


async def test_what_died_while_it_lay_idle_is_nobodys_error(there: Jawab, server: Ours) -> None:
    async def hold(all_hold: asyncio.Barrier) -> None:
        async with there.db.autocommit("report"):
            await all_hold.wait()

    all_hold = asyncio.Barrier(4)
    await asyncio.gather(*(hold(all_hold) for _ in range(4)))  # four lie idle from here on
    await restart(server)
    begun = time.monotonic()
    assert await asyncio.gather(*(ask(there) for _ in range(8))) == [1] * 8
    assert time.monotonic() - begun < pool.CONNECT_SECONDS


async def test_a_database_that_is_back_is_used_within_a_second_however_long_it_was_away(
    there: Jawab, server: Ours, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pauses: list[float] = []
    schedule = pool.Pool.schedule_task

    async def note(self: Any, task: Any, delay: float) -> None:
        if type(task).__name__ == "AddConnection":
            pauses.append(delay)
            delay = 0.0  # nobody waits here; what it would have waited is noted
        await schedule(self, task, delay)

    monkeypatch.setattr(pool.Pool, "schedule_task", note)
    await asyncio.to_thread(server.stop)
    asking = asyncio.create_task(ask(there))
    await asyncio.to_thread(wait_for, lambda: len(pauses) >= 12)
    await asyncio.to_thread(server.start)
    assert await asking == 1
    assert max(pauses) <= 1.0
    assert len([line for line in caplog.messages if line.startswith("error connecting")]) <= 1, "a full log tells less"


async def test_the_door_waits_for_it_and_takes_the_message_once(
    http: httpx.AsyncClient, there: Jawab, server: Ours, twilio: FakeTwilio
) -> None:
    await asyncio.to_thread(server.stop)
    hurry(there)
    sent = asyncio.create_task(twilio.webhook(http, ONE, US, "السلام علیکم"))
    await asyncio.to_thread(wait_for, lambda: refusals(there) >= 3)
    assert not sent.done(), "refused while there was time"
    await asyncio.to_thread(server.start)
    assert (await sent)[0] == 200
    async with there.db.autocommit("intake") as conn:
        row: Any = await (await conn.execute("SELECT count(*) FROM inbox")).fetchone()
    assert row["count"] == 1


async def test_a_door_that_waited_in_vain_asks_the_provider_to_come_again(
    http: httpx.AsyncClient, there: Jawab, server: Ours, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "ANSWER_SECONDS", 0.5)
    await asyncio.to_thread(server.stop)
    hurry(there)
    assert (await twilio.webhook(http, ONE, US, "السلام علیکم"))[0] == 503
    assert refusals(there) >= 1


async def test_a_public_page_is_shown_as_it_was(http: httpx.AsyncClient, there: Jawab, server: Ours) -> None:
    pages_of = {lang: (await http.get(f"/?lang={lang}")).text for lang in ALL_LANGS}
    await http.get("/try?lang=ur")
    http.cookies.clear()
    await asyncio.to_thread(server.stop)
    hurry(there)
    for lang, page in pages_of.items():
        answer = await http.get(f"/?lang={lang}")
        http.cookies.clear()
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        assert answer.headers["content-security-policy"]
        assert said_of_when(lang) in answer.text
        assert page.split(MAIN)[1] in answer.text, "and nothing of it is another"
    # Never shown before, somebody's own, or a part of a list: plain words, and not that it was our mistake.
    for path in ("/figures?lang=ur", "/try?lang=ur", "/?lang=ur&x=1"):
        answer = await http.get(path)
        assert answer.status_code == 503, path
        assert say("error.503", "ur") in answer.text
        assert say("error.500", "ur") not in answer.text
    await asyncio.to_thread(server.start)
    for one in there.db._pools.values():
        one.timeout = 10
    answer = await http.get("/?lang=en")
    assert answer.status_code == 200
    assert said_of_when("en") not in answer.text


async def test_the_desk_says_that_it_cannot_read_just_now(http: httpx.AsyncClient, there: Jawab, server: Ours) -> None:
    http.cookies.set("__Host-jawab", "somebody", domain="jawab.test", path="/")
    await asyncio.to_thread(server.stop)
    hurry(there)
    answer = await http.get("/desk/queue?lang=en")
    assert answer.status_code == 503
    assert answer.headers["cache-control"] == "no-store"
    assert say("error.503", "en") in answer.text


def test_few_pages_are_kept_and_no_large_one() -> None:
    pages = kept.Kept()
    for number in range(kept.MOST + 1):
        pages.put(f"/{number}", "en", b"x", {})
    pages.put("/large", "en", b"x" * (kept.LARGEST + 1), {})
    assert pages.get("/0", "en") is None
    assert pages.get("/1", "en") == b"x"
    assert pages.get("/1", "ur") is None
    assert pages.get("/large", "en") is None


def test_a_start_waits_for_it_and_says_so(
    server: Ours, settings: Settings, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("house.supervisor.say", said.append)
    monkeypatch.setattr("store.logs.configure", lambda _: None)  # the loggers of this run stay as they are
    monkeypatch.setattr(arrival, "EVERY", 0.02)
    server.stop()
    assert keys.folder is not None
    here = settings.model_copy(update={"database_url": server.url, "data": keys.folder.parent})
    with ThreadPoolExecutor(1) as thread:
        started = thread.submit(readying.ready, here)
        wait_for(lambda: said or started.done())
        server.start()
        started.result(timeout=60)
    assert [line.split(",")[0] for line in said] == ["the database does not answer yet"]


@pytest.mark.parametrize("wrong", [{"password": "not it"}, {"dbname": "no_such"}], ids=str)
def test_what_waiting_would_not_change_is_not_waited_for(
    server: Ours, wrong: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "PATIENCE", 0.1)
    said: list[str] = []
    with pytest.raises(psycopg.OperationalError):
        arrival.wait_for(make_conninfo(server.url, **wrong), said.append)
    assert said == []


def test_one_that_never_comes_is_given_up(server: Ours, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrival, "EVERY", 0.0)
    monkeypatch.setattr(arrival, "PATIENCE", 0.1)
    server.stop()
    with pytest.raises(psycopg.OperationalError):
        arrival.wait_for(server.url, lambda _: None)


@pytest.mark.parametrize("words", arrival.SOON)
def test_one_that_is_only_just_beginning_is_not_final(words: str) -> None:
    assert not arrival.is_final(f"connection to server on socket failed: FATAL:  the database system is {words}")


def hurry(there: Jawab) -> None:
    """A pool without a connection says so at once instead of after ten seconds."""
    for one in there.db._pools.values():
        one.timeout = 0.05


def refusals(there: Jawab) -> int:
    return sum(one.get_stats().get("requests_errors", 0) for one in there.db._pools.values())


def said_of_when(lang: str) -> str:
    return say("error.kept", lang, time="\0").split("\0")[-1].strip()
