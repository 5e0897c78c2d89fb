"""Who reads a case is bound to it: nobody writes themselves in, and a new key opens nothing old by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from cases import sorting, staff
from cases.lifecycle import Refused
from cases.protected import admitting, escrow, notices, reading, recipients, register, roster, vault
from cases.protected.escrow import Denied, Opening
from cases.staff import Person
from store import crypto
from store.crypto import Keys, fingerprint, new_keypair, reader_of
from store.database import Database
from tests.cases.conftest import NOW, fresh_code
from tests.cases.sealed import CANARY, look, seal
from tests.cases.test_roster import alarmed, hire, opens
from tests.roster import vouch

Row = Callable[..., Awaitable[dict[str, Any]]]
PEOPLE = ("Gul Bano, Ombudsperson", "Bibi Hawa, Women's commission")
WHY = "both handlers have left"


async def renew(db: Database, keys: Keys, reader: SimpleNamespace) -> bytes:
    """A new password for one of the demo's readers, and the demo's trustee's signature; their new private key."""
    async with db.transaction("console") as tx:
        password = await staff.add(tx, Person(login=reader.login, name="", role="protected", district_id=None))
        found: Any = await (
            await tx.execute("SELECT private_box, key_salt FROM staff WHERE id = %s", (reader.id,))
        ).fetchone()
    async with db.transaction("custody") as tx:
        await roster.sign_demo(tx, keys)
    return crypto.unlock_private(found["private_box"], password, bytes(found["key_salt"]))


async def admit(db: Database, keys: Keys, case_id: UUID, newcomer: UUID, by: SimpleNamespace) -> int:
    async with db.transaction("custody") as tx:
        return await admitting.admit(tx, keys, case_id, newcomer, staff_id=by.id, private_key=by.key)


async def told(db: Database, staff_id: UUID) -> list[tuple[str, str]]:
    async with db.autocommit("custody") as conn:
        return [(one.kind, one.about) for one in await notices.unseen(conn, staff_id)]


# ── the three attacks, as the desk's role ────────────────────────────────────────────────────────────────────────────
async def test_an_exchanged_key_opens_no_later_words_of_an_old_case(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    await seal(db, keys, code_hash)
    private, public = new_keypair()
    async with db.transaction("console") as tx:
        await tx.execute("UPDATE staff SET public_key = %s WHERE id = %s", (public, readers[1].id))
    await seal(db, keys, code_hash, kind="more")
    assert await opens(db, private) == 0
    assert await opens(db, readers[0].key) == 2
    async with db.transaction("custody") as tx:
        await roster.watch(tx)
    assert await told(db, readers[0].id) == [("other_key", readers[1].login)]
    assert ("roster_unvouched", {"staff": str(readers[1].id), "why": "other_key"}) in await alarmed(db)


async def test_a_handler_who_was_written_in_opens_no_new_report(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    async with db.transaction("console") as tx:
        _, private = await hire(tx, "one-more", demo=True)
    await seal(db, keys, code_hash)
    assert await opens(db, private) == 0


async def test_a_close_cannot_be_forged_by_the_desk(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace], row: Row
) -> None:
    case_id = await seal(db, keys, code_hash)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with db.transaction("console") as tx:
            await tx.execute("UPDATE sealed.cases SET status = 'closed' WHERE id = %s", (case_id,))
    assert (await row("SELECT status FROM sealed.cases"))["status"] == "received"


# ── bound to its case ────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("change", ["added", "moved", "unbound", "cut"])
async def test_a_list_of_readers_that_was_changed_adds_nobody(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace], change: str
) -> None:
    """Also by custody's own role, and with somebody whom the roster vouches for."""
    case_id = await seal(db, keys, code_hash)
    async with db.transaction("console") as tx:
        late, private = await hire(tx, "late")
    await vouch(db)
    other = await seal(db, keys, keys.hash_code(fresh_code()))
    mark = fingerprint(reader_of(private))
    statement = {
        "added": "UPDATE sealed.cases SET recipients = recipients || %(late)s,"
        " recipient_keys = recipient_keys || %(mark)s::text WHERE id = %(case)s",
        "moved": "UPDATE sealed.cases c SET (recipients, recipient_keys, recipients_mac) ="
        " (SELECT recipients, recipient_keys, recipients_mac FROM sealed.cases WHERE id = %(other)s)"
        " WHERE id = %(case)s",
        "unbound": "UPDATE sealed.cases SET recipients_mac = ''::bytea, recipients = recipients || %(late)s,"
        " recipient_keys = recipient_keys || %(mark)s::text WHERE id = %(case)s",
        "cut": "UPDATE sealed.cases SET recipients = recipients || %(late)s WHERE id = %(case)s",
    }[change]
    before = await opens(db, private)
    async with db.transaction("custody") as tx:
        await tx.execute(statement.encode(), {"case": case_id, "other": other, "late": late, "mark": mark})
    await seal(db, keys, code_hash, kind="more")
    assert await opens(db, private) == before
    assert ("protected_readers_changed", {"what": "recipients"}) in await alarmed(db)
    with pytest.raises(psycopg.errors.CheckViolation):
        async with db.transaction("custody") as tx:
            await tx.execute("UPDATE sealed.cases SET recipients_mac = NULL")


async def test_cases_of_before_are_bound_once(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace], owner: psycopg.AsyncConnection[Any]
) -> None:
    case_id = await seal(db, keys, code_hash)
    await owner.execute("ALTER TABLE sealed.cases DROP CONSTRAINT cases_recipients_bound")
    await owner.execute("UPDATE sealed.cases SET recipient_keys = '{}', recipients_mac = NULL")
    await owner.execute("UPDATE sealed.wraps SET key = ''")
    async with db.transaction("custody") as tx:
        assert await register.bind_old(tx, keys) == 1
        assert await register.bind_old(tx, keys) == 0
        assert await recipients.read(tx, keys, case_id) == {one.id: fingerprint(reader_of(one.key)) for one in readers}
    assert [item.kind for item in await look(db, keys, case_id, readers[0])] == ["story"]


# ── a key that is new ────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_new_key_opens_nothing_old_until_another_reader_says_so(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace], row: Row
) -> None:
    case_id = await seal(db, keys, code_hash)
    first, second = readers
    first.key = await renew(db, keys, first)
    await seal(db, keys, code_hash, kind="more", data={"text": "دوم"})
    assert await opens(db, first.key) == 0, "signed, and still no reader of this case"
    assert [item.kind for item in await look(db, keys, case_id, first)] == ["unreadable", "unreadable"]
    assert await told(db, second.id) == [("new_key", first.login)]
    with pytest.raises(Refused, match="not_allowed"):
        await admit(db, keys, case_id, first.id, first)  # nobody lets themselves in
    async with db.transaction("custody") as tx:
        assert await admitting.again(tx, second.id) == {first.id: [case_id]}
        assert [(one.id, one.again) for one in await admitting.waiting(tx, keys, case_id, "pishin")] == [
            (first.id, True)
        ]
    assert await admit(db, keys, case_id, first.id, second) == 2
    assert [item.kind for item in await look(db, keys, case_id, first)] == ["story", "more"]
    await seal(db, keys, code_hash, kind="more")
    assert len(await look(db, keys, case_id, first)) == 3
    assert await told(db, first.id) == [("admitted", first.login)]
    acted = await row("SELECT actor, object FROM audit WHERE action = %s", f"protected.admit:{first.id}")
    assert acted == {"actor": str(second.id), "object": str(case_id)}
    assert ("protected_admitted", {"staff": str(first.id), "by": str(second.id)}) in await alarmed(db)


async def test_whoever_is_not_signed_for_is_let_in_by_nobody(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    case_id = await seal(db, keys, code_hash)
    async with db.transaction("console") as tx:
        late, private = await hire(tx, "late")
    with pytest.raises(Refused, match="not_vouched"):
        await admit(db, keys, case_id, late, readers[0])
    await vouch(db)
    assert await admit(db, keys, case_id, late, readers[0]) == 1
    assert await opens(db, private) == 1


async def test_an_accused_office_is_not_let_in_later(
    db: Database,
    keys: Keys,
    place: SimpleNamespace,
    person: Callable[..., Awaitable[UUID]],
    readers: list[SimpleNamespace],
) -> None:
    """The rule runs again when somebody is let in: whom the case is about stands inside the seal."""
    async with db.transaction("intake") as tx:
        card = await sorting.keep(
            tx, keys, code=fresh_code(), district_id="pishin", contact_id=await person(), channel="sms", lang="ur",
            story=CANARY, now=NOW,
        )  # fmt: skip
    async with db.transaction("custody") as tx:
        kept = await sorting.take(tx, keys, card)
        case_id = await vault.seal_kept(tx, keys, kept, accused=(place.offices["police"],))
    async with db.transaction("console") as tx:
        over, private = await hire(tx, "over-police", office=place.above["police"])
        beside, mine = await hire(tx, "beside", office=place.offices["health"])
    await vouch(db)
    with pytest.raises(Refused, match="conflicted"):
        await admit(db, keys, case_id, over, readers[0])
    await admit(db, keys, case_id, beside, readers[0])
    assert (await opens(db, private), await opens(db, mine)) == (0, 1)


async def test_what_was_seen_is_not_told_again(db: Database, readers: list[SimpleNamespace], demo: object) -> None:
    async with db.transaction("custody") as tx:
        await notices.tell(tx, [readers[0].id], "admitted", about="x", mark="1")
    async with db.transaction("custody") as tx:
        (one,) = await notices.unseen(tx, readers[0].id)
        await notices.see(tx, readers[0].id, one.at)
        await notices.tell(tx, [readers[0].id], "admitted", about="x", mark="1")
    assert await told(db, readers[0].id) == []


# ── the escrow ───────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def pair(keys: Keys) -> tuple[Keys, str]:
    """The house's keys with an escrow whose private half is at hand."""
    private, public = new_keypair()
    return replace(keys, escrow_public=public), private.hex()


@pytest.mark.parametrize(
    ("people", "reason", "private", "said"),
    [
        (PEOPLE[:1], WHY, None, "two people"),
        (("Gul Bano", " gul  bano"), WHY, None, "is one"),
        (PEOPLE, "why not", None, "10 to 300 letters"),
        (PEOPLE, WHY, "abc", "64 hexadecimal digits"),
        (PEOPLE, WHY, "11" * 32, "another escrow"),
    ],
)
def test_the_escrow_stays_shut(
    pair: tuple[Keys, str], people: Any, reason: str, private: str | None, said: str
) -> None:
    keys, right = pair
    with pytest.raises(Denied, match=said) as denied:
        Opening.read(keys, people, reason, private or right)
    assert "\n" not in str(denied.value)
    assert right not in str(denied.value)


async def test_two_people_open_one_case_and_everybody_is_told(
    db: Database, pair: tuple[Keys, str], code_hash: bytes, readers: list[SimpleNamespace], row: Row
) -> None:
    keys, private = pair
    case_id = await seal(db, keys, code_hash)
    opening = Opening.read(keys, PEOPLE, WHY, private)
    async with db.transaction("custody") as tx:
        (item,) = await escrow.open_case(tx, opening, case_id)
    assert item.data["text"] == CANARY
    assert await row("SELECT actor, action, object FROM audit WHERE action LIKE 'escrow%%'") == {
        "actor": "operator",
        "action": f"escrow.open: {PEOPLE[0]} + {PEOPLE[1]}: {WHY}",
        "object": str(case_id),
    }
    for reader in readers:
        assert await told(db, reader.id) == [("escrow", f"{PEOPLE[0]} + {PEOPLE[1]}")]
    assert ("protected_escrow_opened", {"act": "open"}) in await alarmed(db)
    with pytest.raises(Denied, match="no protected case"):
        async with db.transaction("custody") as tx:
            await escrow.open_case(tx, opening, readers[0].id)


async def test_cases_without_two_live_readers_get_the_live_ones(
    db: Database, pair: tuple[Keys, str], code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    keys, private = pair
    async with db.transaction("console") as tx:
        await tx.execute("UPDATE staff SET disabled_at = now() WHERE role = 'protected'")
    orphan = await seal(db, keys, code_hash)
    async with db.transaction("console") as tx:
        await tx.execute("UPDATE staff SET disabled_at = NULL WHERE role = 'protected'")
    whole = await seal(db, keys, keys.hash_code(fresh_code()))
    opening = Opening.read(keys, PEOPLE, WHY, private)
    async with db.transaction("custody") as tx:
        (done,) = await escrow.rewrap(tx, keys, opening)
    assert (done.case_id, set(done.readers), done.why) == (orphan, {one.id for one in readers}, "")
    assert whole != orphan
    for reader in readers:
        assert [item.data["text"] for item in await look(db, keys, orphan, reader)] == [CANARY]
    async with db.transaction("custody") as tx:
        assert await escrow.rewrap(tx, keys, opening) == []
    async with db.autocommit("custody") as conn:
        assert len(await reading.list_for(conn, readers[0].id)) == 2
