"""People at the desk, each with a browser of their own on one application, and cases for them to work on."""

from __future__ import annotations

import itertools
import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from socket import AF_UNIX, socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import UUID

import httpx
import pytest
from bs4 import BeautifulSoup
from psycopg.types.json import Jsonb
from starlette.types import ASGIApp

from app import assemble
from cases import acts, calendar
from desk import protected, sessions, slot
from flows import codes
from store import contacts
from store.crypto import Keys, new_keypair, new_salt
from store.database import Database
from store.jawab import Jawab
from tests.cheap import cheap_numbers
from tests.conftest import PUBLIC_URL
from tests.roster import vouch

__all__ = ["cheap_numbers"]

if TYPE_CHECKING:
    from tests.desk.triage import Attach, Keep

NUMBER = "+15005550006"
_twelve = itertools.count(482_177_309_154)


Row = dict[str, Any]


def fresh_code() -> str:
    return codes.complete(str(next(_twelve)))


@dataclass
class Browser:
    """One person's browser: keeps the cookie, and sends the form's token as the page's own form would."""

    http: httpx.AsyncClient
    csrf: str = ""
    staff_id: UUID | None = None
    role: str = ""

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.get(path, **more)

    async def post(self, path: str, form: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        return await self.http.post(path, data={"csrf": self.csrf, **(form or {})}, **more)

    async def soup(self, path: str) -> BeautifulSoup:
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text[:500]
        return BeautifulSoup(answer.text, "html.parser")


@dataclass
class Office:
    """What the tests ask for of the demo district."""

    district: str
    channel: UUID
    staff: dict[str, UUID]
    all: list[dict[str, Any]] = field(default_factory=list)
    logins: dict[str, tuple[str, str]] = field(default_factory=dict)


Enter = Callable[..., Awaitable[Browser]]
Write = Callable[..., Awaitable[UUID]]
Open = Callable[..., Awaitable[UUID]]
Hire = Callable[..., Awaitable[tuple[UUID, bytes | None]]]
One = Callable[..., Awaitable[Row]]


def last_week() -> tuple[str, datetime]:
    """The last full week in the demo district, and a moment in the middle of it."""
    wanted = calendar.last_full(datetime.now(UTC), "Asia/Karachi")
    return wanted, calendar.bounds(wanted, "Asia/Karachi")[0] + timedelta(days=3)


@pytest.fixture
async def office(db: Database, demo: SimpleNamespace) -> Office:
    async with db.autocommit("console") as conn:
        people = await (await conn.execute("SELECT id, login, role, district_id FROM staff ORDER BY login")).fetchall()
        channel = await (await conn.execute("SELECT id FROM channels WHERE kind = 'sms'")).fetchone()
    assert channel is not None
    staff: dict[str, UUID] = {}
    for row in people:
        staff.setdefault(row["role"], row["id"])
    return Office(demo.district, channel["id"], staff, people, demo.logins)


@dataclass
class House:
    """The desk's processes: two that know nothing of each other but the slot, or one for all."""

    desk: httpx.AsyncClient
    custody: httpx.AsyncClient

    @property
    def divided(self) -> bool:
        return self.desk is not self.custody


@pytest.fixture
def divided() -> bool:
    """A module that overrides it has desk and custody as `jawab up` has them outside demo mode."""
    return False


def _browse(app: ASGIApp) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL)


@pytest.fixture
async def house(jawab: Jawab, demo: SimpleNamespace, divided: bool) -> AsyncIterator[House]:
    if not divided:
        async with _browse(assemble(jawab)) as http:
            yield House(http, http)
        return
    desk, custody = (replace(jawab, db=jawab.db.only(role)) for role in ("console", "custody"))
    with socket(AF_UNIX) as listening:
        listening.bind("")
        listening.listen()
        server = await slot.listen(protected.slot(custody), listening, "the word")
        put = slot.call(listening.getsockname()[1:].decode(), "the word")
        async with _browse(assemble(desk, "desk", put)) as one, _browse(assemble(custody, "custody")) as other:
            yield House(one, other)
        server.close()


@pytest.fixture
def client(house: House) -> httpx.AsyncClient:
    """The desk's."""
    return house.desk


@pytest.fixture
async def stranger(client: httpx.AsyncClient) -> AsyncIterator[Browser]:
    """Somebody without a login."""
    async with httpx.AsyncClient(transport=client._transport, base_url=client.base_url) as http:
        yield Browser(http)


@pytest.fixture
async def enter(house: House, db: Database, office: Office) -> AsyncIterator[Enter]:
    """Signs somebody in by their row, as the login page does after the password: `await enter("handler")`."""
    opened: list[httpx.AsyncClient] = []

    async def make(role: str, staff_id: UUID | None = None, private_key: bytes | None = None) -> Browser:
        staff_id = staff_id or office.staff[role]
        at_custody = house.divided and role == "protected"
        client = house.custody if at_custody else house.desk
        async with db.transaction("custody" if at_custody else "console") as tx:
            token = await sessions.begin(tx, staff_id, private_key, datetime.now(UTC))
            row = await (
                await tx.execute(
                    "SELECT csrf FROM desk_sessions WHERE staff_id = %s ORDER BY created_at DESC", (staff_id,)
                )
            ).fetchone()
        assert row is not None
        http = httpx.AsyncClient(transport=client._transport, base_url=client.base_url)
        http.cookies.set("__Host-jawab-custody" if at_custody else "__Host-jawab", token, domain="jawab.test", path="/")
        opened.append(http)
        return Browser(http, row["csrf"], staff_id, role)

    yield make
    for http in opened:
        await http.aclose()


@pytest.fixture
def write(db: Database, keys: Keys, office: Office) -> Write:
    """A contact who writes in this language; returns its id."""

    async def make(lang: str = "ur", channel: UUID | None = None) -> UUID:
        contact_id = uuid.uuid4()
        address = f"+92300{secrets.randbelow(10**7):07}"
        async with db.transaction("intake") as tx:
            await contacts.make(
                tx,
                keys,
                id=contact_id,
                channel_id=channel or office.channel,
                tag=contacts.tag(keys, "sms", NUMBER, address),
                address=address,
            )
            await tx.execute("UPDATE contacts SET lang = %s WHERE id = %s", (lang, contact_id))
        return contact_id

    return make


@pytest.fixture
def opened(db: Database, keys: Keys, office: Office, write: Write) -> Open:
    """Opens an ordinary case as the citizen's side does; returns its id."""

    async def make(**more: Any) -> UUID:
        at = more.pop("at", None) or datetime.now(UTC)
        given: dict[str, Any] = {
            "code": fresh_code(),
            "district_id": office.district,
            "contact_id": more.pop("contact_id", None) or await write(more.get("lang", "ur")),
            "channel": "sms",
            "lang": "ur",
            "category": "water",
            "opened_at": at,
            "now": at,
            "story": "تین ہفتے سے پانی نہیں آ رہا",
            "may_message": True,
        }
        async with db.transaction("intake") as tx:
            return await acts.open(tx, keys, **{**given, **more})

    return make


@pytest.fixture
async def elsewhere(db: Database) -> str:
    """Another district; returns its id."""
    async with db.transaction("console") as tx:
        await tx.execute("INSERT INTO districts (id, names) VALUES ('ziarat', %s)", (Jsonb({"en": "Ziarat"}),))
    return "ziarat"


@pytest.fixture
def hire(db: Database) -> Hire:
    """A row of staff without the slow hash of a password; returns its id and a protected handler's private key."""

    async def make(
        role: str, district: str | None = "pishin", office: UUID | None = None, *, vouched: bool = True
    ) -> tuple[UUID, bytes | None]:
        private, public = new_keypair() if role == "protected" else (None, None)
        async with db.transaction("console") as tx:
            row: Any = await (
                await tx.execute(
                    "INSERT INTO staff (login, name, role, district_id, office_id, password_hash, public_key,"
                    " private_box, key_salt) VALUES (%s, %s, %s, %s, %s, 'none', %s, %s, %s) RETURNING id",
                    (
                        (login := f"t{secrets.token_hex(6)}"),
                        f"Somebody {login}",
                        role,
                        district,
                        office,
                        public,
                        b"none" if public else None,
                        new_salt() if public else None,
                    ),
                )
            ).fetchone()
        if role == "protected" and vouched:
            await vouch(db)
        return row["id"], private

    return make


@pytest.fixture
async def readers(enter: Enter, hire: Hire) -> list[Browser]:
    """Two protected handlers of the province with open keys, hired before anything was sealed."""
    people = []
    for _ in range(2):
        staff_id, private = await hire("protected", None)
        people.append(await enter("protected", staff_id, private))
    return people


@pytest.fixture
def one(db: Database) -> One:
    """One row, read as the desk reads it, or custody what is sealed."""

    async def read(statement: LiteralString, *values: Any) -> Row:
        async with db.autocommit("custody" if "sealed." in statement else "console") as conn:
            found = await (await conn.execute(statement, values)).fetchone()
        assert found is not None
        return found

    return read


@pytest.fixture
def keep(db: Database, keys: Keys, write: Write) -> Keep:
    """A card of the triage; see tests.desk.triage, which needs the people of this file."""
    from tests.desk.triage import keeper

    return keeper(db, keys, write)


@pytest.fixture
def attach(db: Database, keys: Keys) -> Attach:
    """A file of a card or a case."""
    from tests.desk.triage import attacher

    return attacher(db, keys)
