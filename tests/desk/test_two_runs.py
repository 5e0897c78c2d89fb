"""Two runs of one town that differ only in what one telephone says behind the protected door: whoever is no protected
reader sees the same in both.

In each run a telephone with an ordinary case of its own comes back a day and a half later, and another one that nobody
has heard of. `behind`: the first reports a beating behind the door, the other an ordinary complaint. `away`: the first
says nothing; the other as before. `turned`: the first makes the ordinary complaint, the other goes behind the door.

Compared between `behind` and `away`, where what one telephone said is all the difference: status, size, headers and
words of every page of the desk that opens for a role that reads nothing sealed, the case of that telephone among them;
of a letter and of an office's link; of the public window with its feeds and open data; and what the database tells each
of its roles of its statistics. Between `behind` and `turned`, where as much was said in all: these and the metrics.

Masked: ids, numbers of cases and links, which are random; times to the minute; in the metrics, seconds and the process.
Not compared: what the reporter's own telephone shows (tests/flows, tests/bot/test_after_the_report.py), and how long a
turn takes (`make bench`). The metrics of `away` are not: fewer messages were sent there, and they count messages.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

import jobs
from app import assemble
from bot import registry
from bot.deliver import drain
from cases import acts, offices, ways
from desk import roles, sessions
from pages import paper
from settings import Settings
from store import outbox
from store.crypto import Keys
from store.database import ROLES, Database
from store.jawab import Jawab
from tests import databases
from tests.answers import STORY, after, typed
from tests.bot.phones import Phone
from tests.conftest import PUBLIC_URL, RecordedBell
from tests.later import later
from tests.providers.twilio import FakeTwilio

ONE, OTHER, WATER = "+923990000001", "+923990000002", "+923330000001"
BEHIND, ORDINARY = "person", "service"  # what a report is about
RUNS: dict[str, tuple[str, str]] = {  # of the one telephone ("": it says nothing) and of the other
    "behind": (BEHIND, ORDINARY),
    "away": ("", ORDINARY),
    "turned": (ORDINARY, BEHIND),
}
MORE = "اور بھی بات ہے"
WINDOW = (
    *("/", "/updates", "/updates.atom", "/figures", "/record", "/record.txt", "/health", "/ready", "/try"),
    *("/open-data/figures.json", "/open-data/figures.csv", "/open-data/dictionary.csv", "/open-data/editions.json"),
)
# What the database may tell of how much was written, and where.
STATISTICS = (
    "SELECT relname, n_tup_ins, n_tup_upd, n_live_tup FROM pg_stat_all_tables ORDER BY 1",
    "SELECT relname, heap_blks_hit FROM pg_statio_all_tables ORDER BY 1",
    "SELECT query, xact_start FROM pg_stat_activity",
    "SELECT xact_commit, tup_inserted FROM pg_stat_database",
    "SELECT relname, reltuples, relpages FROM pg_class ORDER BY 1",
    "SELECT pg_relation_size('sealed.items'), pg_total_relation_size('sealed.cases')",
    "SELECT pg_stat_get_tuples_inserted('sealed.items'::regclass)",
    "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'sealed'",
    "SELECT count(*) FROM sealed.cases",
    "SELECT pg_database_size(current_database())",
)
UUID_ = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MASKED = (
    (UUID_, "ID"),
    (re.compile(r'(name="(?:csrf|once|mark)" value=)"[^"]*"|(seen|token)=[0-9a-f]+'), "KEY"),
    (re.compile(r"\d{4} \d{4} \d{4} \d|\b\d{13}\b|\+92399\d{7}"), "CODE"),
    (re.compile(r"/o/[\w-]{20,}"), "/o/LINK"),
    (re.compile(r"\b\d{8}\b"), "REF"),
    (re.compile(r"\d\d-\d\d-\d{4} \d\d:\d\d(:\d\d)?|\d{4}-\d\d-\d\dT[\d:.+Z]+|\b\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{16}\b"), "HASH"),
)
MOVING = re.compile(r"^(#|process_|python_|jawab_\w*_seconds|jawab_outbox_oldest)")
HEADERS = frozenset({"date", "set-cookie", "etag", "last-modified"})  # random, or of the minute


def about(kind: str) -> dict[str, str]:
    return {"category": "security", "kind": kind, "story": STORY}


def again(kind: str) -> list[str]:
    """The same report by a telephone that has made one before."""
    return ["MENU", "1", *after("first", **about(kind))]


def masked(text: str) -> str:
    for what, name in MASKED:
        text = what.sub(name, text)
    return text


@dataclass
class Run:
    """One town, and what is seen of it."""

    jawab: Jawab
    owner: psycopg.AsyncConnection[Any]
    http: httpx.AsyncClient
    twilio: FakeTwilio
    staff: dict[str, UUID] = field(default_factory=dict)
    case: UUID = field(default_factory=uuid4)

    async def act(self, verb: Callable[..., Awaitable[Any]], **more: Any) -> None:
        async with self.jawab.db.transaction("console") as tx:
            await verb(tx, self.jawab.keys, self.case, actor=self.staff["handler"], now=datetime.now(UTC), **more)
        await self.send()

    async def send(self) -> None:
        (tell,) = [job for job in jobs.JOBS if job.name == "tell_offices"]
        for _ in range(2):
            await tell.work(self.jawab, datetime.now(UTC))
            await drain(self.jawab, "replies")

    async def live(self, one: str, other: str) -> None:
        """An ordinary case that is answered late; then the two telephones; then it is answered again."""
        first = Phone(self.jawab, self.owner, ONE, "whatsapp")
        await first.say(*typed(story=STORY))
        await self.send()
        rows = await (await self.owner.execute("SELECT id FROM cases ORDER BY opened_at DESC LIMIT 1")).fetchall()
        self.case = rows[0][0]
        people = await (await self.owner.execute("SELECT role, id FROM staff ORDER BY login")).fetchall()
        for role, staff_id in people:
            self.staff.setdefault(role, staff_id)
        await self.refer()
        await later(self.owner, 36, days=1)
        await self.act(acts.acknowledge)
        await self.act(acts.answer, text="کل ہم آئیں گے۔")
        await later(self.owner, 1)
        if one:
            await first.say(*again(one), MORE)
            await self.send()
        await Phone(self.jawab, self.owner, OTHER, "whatsapp").say(*typed(**about(other)), MORE)
        await self.send()
        await self.act(acts.start)
        await self.act(acts.answer, text="آج بھی آئے تھے۔")

    async def refer(self) -> None:
        """To an office that gets a link, and to one that no way leads to: it gets a letter."""
        async with self.jawab.db.transaction("console") as tx:
            here = [await offices.find(tx, "pishin", department) for department in ("water", "administration")]
            for kind, address in (("sms", WATER), ("whatsapp", WATER)):
                await ways.put(
                    tx, self.jawab.keys, kind=kind, address=address, now=datetime.now(UTC), office_id=here[0]
                )
        for office_id in here:
            await self.act(acts.refer, office_id=office_id, due_on=date(2999, 1, 1), summary="The pump stands still.")

    async def at_the_office(self) -> tuple[Any, ...]:
        """What the link shows to who has its code."""
        rows = await (
            await self.owner.execute("SELECT id, message FROM outbox WHERE purpose = 'office' ORDER BY created_at, id")
        ).fetchall()
        says = [pair for one, box in rows for pair in self.jawab.keys.get_json(box, outbox.bound_to(one))["says"]]
        link = next(values["link"] for _, values in says if "link" in values)
        code = next(values["code"] for key, values in says if key == "to_office.code")
        path = urlsplit(link).path
        await self.http.post(path, data={"code": code})
        shown = _seen(await self.http.get(path))
        self.http.cookies.clear()
        return shown

    async def letter(self, monkeypatch: pytest.MonkeyPatch) -> str:
        """What stands in the letter; its PDF has a link of its own in it."""
        held: list[dict[str, Any]] = []

        def write(_: Any, values: dict[str, Any]) -> bytes:
            held.append(values)
            return b"%PDF"

        monkeypatch.setattr(paper, "render", write)
        row = await (await self.owner.execute("SELECT id FROM referrals WHERE unreached_at IS NOT NULL")).fetchone()
        assert row
        async with self.jawab.db.transaction("console") as tx:
            token = await sessions.begin(tx, self.staff["handler"], None, datetime.now(UTC))
        self.http.cookies.set("__Host-jawab", token, domain="jawab.test", path="/")
        page = await self.http.get(f"/desk/cases/{self.case}")
        csrf = re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]
        form = {"csrf": csrf, "referral": str(row[0]), "letter_lang": "ur"}
        assert (await self.http.post(f"/desk/cases/{self.case}/letter", data=form)).status_code == 200
        self.http.cookies.clear()
        return masked(re.sub(r"/o/[\w-]+", "/o/LINK", str({**held[0], "qr": ""})))

    async def look(self) -> dict[str, tuple[Any, ...]]:
        """Everything that is looked at, by who looks and at what."""
        seen: dict[str, tuple[Any, ...]] = {}
        for role in sorted(set(self.staff) - {"protected"}):
            async with self.jawab.db.transaction("console") as tx:
                token = await sessions.begin(tx, self.staff[role], None, datetime.now(UTC))
            for path in await self.paths(role):
                self.http.cookies.set("__Host-jawab", token, domain="jawab.test", path="/")
                seen[f"{role} {masked(path)} {len(seen)}"] = _seen(await self.http.get(path))
        self.http.cookies.clear()
        for path in WINDOW:
            for lang in ("ur", "brh"):
                seen[f"anybody {path} {lang}"] = _seen(await self.http.get(path, headers={"accept-language": lang}))
        return seen

    async def paths(self, role: str) -> list[str]:
        """Every page that opens for this role, each case and line of its own in its order."""
        cases = await (await self.owner.execute("SELECT id FROM cases ORDER BY opened_at, id")).fetchall()
        found = [path for (method, path), who in roles.DOORS.items() if method == "GET" and who and role in who]
        said = "SELECT id FROM case_items WHERE case_id = %s AND kind = 'said' ORDER BY at, id"
        lines = await (await self.owner.execute(said, (self.case,))).fetchall()
        paths = [path for path in found if "{" not in path]
        paths += ["/desk/queue?status=done", "/desk/queue?overdue=1", *(f"/desk/sorting?state={s}" for s in STATES)]
        for path in found:
            if path.count("{") == 1 and "{case_id" in path:
                paths += [re.sub(r"\{.*?\}", str(case), path) for (case,) in cases]
        paths += [f"/desk/cases/{self.case}/told/{line}" for (line,) in lines]
        return paths

    async def metrics(self) -> list[str]:
        text = (await self.http.get("/metrics", headers={"host": "127.0.0.1"})).text
        return [masked(line) for line in text.splitlines() if not MOVING.match(line)]

    async def statistics(self) -> dict[str, str]:
        told = {}
        for role in ROLES:
            for asked in STATISTICS:
                if role == "custody" and "FROM sealed" in asked:
                    continue  # who serves the readers may count what they read
                try:
                    async with self.jawab.db.autocommit(role) as conn:
                        told[f"{role}: {asked}"] = str(await (await conn.execute(asked)).fetchall())
                except psycopg.Error as refused:
                    told[f"{role}: {asked}"] = type(refused).__name__
        return told


STATES = ("waiting", "answered", "call", "dismissed")


def _seen(answer: httpx.Response) -> tuple[Any, ...]:
    headers = {name: masked(value) for name, value in answer.headers.items() if name not in HEADERS}
    return answer.status_code, len(answer.content), headers, masked(answer.text).splitlines()


@pytest.fixture
async def runs(
    cluster: str, seeded: list[dict[str, str]], settings: Settings, keys: Keys, at_once: None
) -> AsyncIterator[dict[str, Run]]:
    """The three runs, lived one after the other, each in a database and at a provider of its own."""
    made: dict[str, Run] = {}
    with ExitStack() as left:
        for name, script in RUNS.items():
            database = left.enter_context(_copied(cluster))
            twilio = left.enter_context(FakeTwilio())
            here = settings.model_copy(update={"database_url": database, "twilio_api_url": twilio.url})
            db = Database(database, keys)
            await db.open()
            jawab = Jawab(here, db, keys, RecordedBell())
            http = httpx.AsyncClient(transport=httpx.ASGITransport(app=assemble(jawab)), base_url=PUBLIC_URL)
            owner = await psycopg.AsyncConnection.connect(database, autocommit=True)
            made[name] = Run(jawab, owner, http, twilio)
            await made[name].live(*script)
        yield made
        await registry.close()
        for run in made.values():
            await run.http.aclose()
            await run.owner.close()
            await run.jawab.db.close()


@contextmanager
def _copied(cluster: str) -> Iterator[str]:
    """A database with the demo district, while it is needed."""
    name = f"t_{uuid4().hex[:12]}"
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{databases.SEEDED}" STRATEGY file_copy')
    yield urlsplit(cluster)._replace(path=f"/{name}").geturl()
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def different(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """What is not the same in two runs, as short as it can be read."""
    found: dict[str, Any] = {}
    for what in sorted(one.keys() | other.keys()):
        here, there = one.get(what), other.get(what)
        if here == there:
            continue
        if isinstance(here, tuple) and isinstance(there, tuple) and len(here) == len(there) == 4:
            lines = [(a, b) for a, b in zip(here[3], there[3], strict=False) if a != b][:3]
            found[what] = (here[:3], there[:3], lines)
        else:
            found[what] = (here, there)
    return found


async def test_what_a_telephone_says_behind_the_door_is_seen_by_nobody_else(
    runs: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    behind, away, turned = (runs[name] for name in RUNS)
    counts = [await _count(run, "sealed.cases") for run in (behind, away, turned)]
    assert counts == [1, 0, 1]
    assert [await _count(run, "cases") for run in (behind, away, turned)] == [await _count(behind, "cases")] * 3
    told = [await run.statistics() for run in (behind, away, turned)]
    pages = [await run.look() for run in (behind, away, turned)]
    own = [
        answer[0] for what, answer in pages[0].items() if re.match(r"(handler|supervisor) /desk/(cases/ID|queue)", what)
    ]
    assert len(own) > 10
    assert set(own) == {200}, "each of them opens"
    for run, seen in zip((behind, away, turned), pages, strict=True):
        seen["the office"] = await run.at_the_office()
        seen["the letter"] = (await run.letter(monkeypatch),)
    assert pages[0]["the office"][0] == 200
    assert different(pages[0], pages[1]) == {}
    assert different(pages[0], pages[2]) == {}
    assert different(told[0], told[1]) == {}
    assert different(told[0], told[2]) == {}
    assert await behind.metrics() == await turned.metrics()


async def _count(run: Run, table: str) -> int:
    row = await (await run.owner.execute(f"SELECT count(*) FROM {table}")).fetchone()
    assert row
    return int(row[0])
