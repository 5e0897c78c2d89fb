"""Readers whom nobody can forge: who may write the table of staff makes no reader by it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from cases.protected import roster, signing
from cases.protected.signing import Roster, Seat, Signed, Trust, Unsound
from store import crypto
from store.crypto import ESCROW, Keys, new_keypair
from store.database import Database, Tx
from store.signatures import new_signer, signer_of
from tests.cases.sealed import seal, wraps
from tests.roster import TRUSTEE, signed, vouch

SALT = b"0" * 16


async def hire(tx: Tx, login: str, *, demo: bool = False, office: UUID | None = None) -> tuple[UUID, bytes]:
    """A row of a protected handler, as whoever may write the table can make one; returns its id and private key."""
    private, public = new_keypair()
    row: Any = await (
        await tx.execute(
            "INSERT INTO staff (login, name, role, password_hash, demo, office_id, public_key, private_box, key_salt)"
            " VALUES (%(login)s, %(login)s, 'protected', 'none', %(demo)s, %(office)s, %(key)s, '', %(salt)s)"
            " RETURNING id",
            {"login": login, "demo": demo, "office": office, "key": public, "salt": SALT},
        )
    ).fetchone()
    return row["id"], private


async def opens(db: Database, private: bytes) -> int:
    """How many of all sealed items a private key opens, whatever name the wraps carry."""
    async with db.autocommit("custody") as conn:
        rows = await (
            await conn.execute(
                "SELECT i.id, i.case_id, i.blob, w.wrap FROM sealed.items i JOIN sealed.wraps w ON w.item_id = i.id"
            )
        ).fetchall()
    opened = 0
    for row in rows:
        try:
            crypto.open_item(row["blob"], row["wrap"], private, str(row["case_id"]), str(row["id"]))
        except crypto.Unopened:
            continue
        opened += 1
    return opened


async def alarmed(db: Database) -> list[tuple[str, dict[str, Any]]]:
    async with db.autocommit("console") as conn:
        rows = await (
            await conn.execute("SELECT kind, data FROM alarms WHERE cleared_at IS NULL ORDER BY id")
        ).fetchall()
    return [(row["kind"], row["data"]) for row in rows]


async def test_a_row_that_nobody_signed_for_opens_nothing_and_sounds_once(
    db: Database, keys: Keys, code_hash: bytes, demo: object
) -> None:
    async with db.transaction("console") as tx:
        forged, private = await hire(tx, "also-demo", demo=True)
        real, mine = await hire(tx, "also-real")
    await seal(db, keys, code_hash)
    assert await opens(db, private) == await opens(db, mine) == 0
    assert len(await wraps(db)) == 3  # the demo's two, and the escrow
    for _ in range(2):
        async with db.transaction("custody") as tx:
            await roster.watch(tx)
    assert await alarmed(db) == [
        ("roster_unvouched", {"staff": str(forged), "why": "not_signed"}),
        ("roster_unvouched", {"staff": str(real), "why": "no_roster"}),
    ]
    await vouch(db)  # which looks again
    assert await alarmed(db) == [("roster_unvouched", {"staff": str(forged), "why": "not_signed"})]
    await seal(db, keys, keys.hash_code("9000000000018"))
    assert await opens(db, mine) == 1
    assert await opens(db, private) == 0


async def test_a_key_that_was_exchanged_is_sealed_to_no_more(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    private, public = new_keypair()
    async with db.transaction("console") as tx:
        await tx.execute("UPDATE staff SET public_key = %s WHERE id = %s", (public, readers[0].id))
    async with db.transaction("custody") as tx:
        await roster.watch(tx)
    await seal(db, keys, code_hash)
    assert await opens(db, private) == await opens(db, readers[0].key) == 0
    assert await opens(db, readers[1].key) == 1
    assert await alarmed(db) == [("roster_unvouched", {"staff": str(readers[0].id), "why": "other_key"})]


async def test_whoever_moves_a_seat_away_from_the_accused_gets_no_key(
    db: Database, keys: Keys, code_hash: bytes, demo: object
) -> None:
    async with db.transaction("console") as tx:
        police: Any = await (await tx.execute("SELECT id FROM offices WHERE department = 'police'")).fetchone()
        _, private = await hire(tx, "sits-there", office=police["id"])
    await vouch(db)
    async with db.transaction("console") as tx:
        await tx.execute("UPDATE staff SET office_id = NULL WHERE login = 'sits-there'")
    async with db.transaction("custody") as tx:
        (found,) = await roster.doubts(tx)
    assert found.why == roster.OTHER_OFFICE
    await seal(db, keys, code_hash)
    assert await opens(db, private) == 0


async def test_without_a_roster_there_is_the_escrow_alone(
    db: Database, keys: Keys, owner: psycopg.AsyncConnection[Any], code_hash: bytes, demo: object
) -> None:
    await owner.execute("TRUNCATE sealed.trust, sealed.rosters")
    await seal(db, keys, code_hash)
    assert [row["reader"] for row in await wraps(db)] == [ESCROW]
    async with db.transaction("custody") as tx:
        assert {one.why for one in await roster.watch(tx)} == {roster.NO_ROSTER}


async def test_a_roster_put_there_by_hand_is_none_and_the_one_before_stays_in_force(
    db: Database, keys: Keys, code_hash: bytes, readers: list[SimpleNamespace]
) -> None:
    """With the right to write rosters, and without a trustee's key."""
    other, _ = new_signer()
    async with db.transaction("console") as tx:
        forged, private = await hire(tx, "also-demo", demo=True)
    async with db.transaction("custody") as tx:
        made = await roster.draft(tx, demo=True)
        await tx.execute(
            "INSERT INTO sealed.rosters (demo, version, statement, signatures) VALUES (true, %s, %s, %s)",
            (made.version, made.write(), psycopg.types.json.Jsonb(dict(signed(made, other).signatures))),
        )
        await roster.watch(tx)
    await seal(db, keys, code_hash)
    assert await opens(db, private) == 0
    assert [await opens(db, one.key) for one in readers] == [1, 1]
    assert await alarmed(db) == [
        ("roster_unvouched", {"staff": str(forged), "why": "not_signed"}),
        ("roster_forged", {"demo": True, "version": made.version}),
    ]


async def test_what_was_pinned_is_pinned_for_good(db: Database, demo: object) -> None:
    await vouch(db)
    with pytest.raises(Unsound, match="pinned already"):
        async with db.transaction("custody") as tx:
            await roster.pin(tx, Trust((signer_of(new_signer()[0]),), 1))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with db.transaction("custody") as tx:
            await tx.execute("UPDATE sealed.trust SET needs = 1")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with db.transaction("custody") as tx:
            await tx.execute("DELETE FROM sealed.rosters")


async def test_one_trustee_is_followed_by_two_of_three(db: Database, keys: Keys, demo: object) -> None:
    """The trustees of the next roster stand on the one before."""
    three = [new_signer()[0] for _ in range(3)]
    later = Trust(tuple(signer_of(one) for one in three), 2)
    await vouch(db)
    async with db.transaction("custody") as tx:
        await roster.load(tx, signed(await roster.draft(tx, trust=later)))
    for privates, holds in (((TRUSTEE,), False), ((three[0],), False), ((three[0], three[2]), True)):
        async with db.transaction("custody") as tx:
            given = signed(await roster.draft(tx), *privates)
        if holds:
            async with db.transaction("custody") as tx:
                await roster.load(tx, given)
        else:
            assert "of the trustees" in await refuse(db, given)


async def refuse(db: Database, given: Signed) -> str:
    with pytest.raises(Unsound) as refused:
        async with db.transaction("custody") as tx:
            await roster.load(tx, given)
    return str(refused.value)


async def test_each_roster_that_cannot_be_is_refused_in_one_line(db: Database, demo: object) -> None:
    async with db.transaction("console") as tx:
        await hire(tx, "gul"), await hire(tx, "bano")
    made = await vouch(db)
    next_one = replace(made, version=2)
    gul, bano = sorted(made.people, key=lambda one: one.login, reverse=True)
    said = {
        "wrong key": await refuse(db, signed(next_one, new_signer()[0])),
        "no signature": await refuse(db, Signed(next_one.write())),
        "changed after": await refuse(db, Signed(replace(made, version=3).write(), signed(next_one).signatures)),
        "old": await refuse(db, signed(made)),
        "the demo's": await refuse(db, signed(replace(next_one, demo=True))),
        "same login": await refuse(db, signed(replace(next_one, people=(gul, replace(bano, login="gul"))))),
        "same row": await refuse(db, signed(replace(next_one, people=(gul, replace(bano, id=gul.id))))),
        "same key": await refuse(db, signed(replace(next_one, people=(gul, replace(bano, key=gul.key))))),
        "same person": await refuse(db, signed(replace(next_one, people=(gul, replace(bano, person=" GUL "))))),
        "nobody here": await refuse(db, signed(replace(next_one, people=(replace(gul, id=uuid4()),)))),
        "another key": await refuse(db, signed(replace(next_one, people=(replace(gul, key=bytes(32)),)))),
        "no trustees": await refuse(db, signed(replace(next_one, trust=Trust((), 1)))),
    }
    assert said["wrong key"] == said["no signature"] == said["changed after"]
    for what, part in {
        "wrong key": "signed by 0 of the trustees",
        "old": "is old: version 1, and 1 is in force",
        "the demo's": "is the demo's",
        "same login": "are one on this roster: the same login twice",
        "same row": "are one on this roster: the same row of staff twice",
        "same key": "are one on this roster: the same key twice",
        "same person": "gul and bano are one on this roster: the same person twice",
        "nobody here": "gul is no protected handler of the province here",
        "another key": "gul has another key or office here",
        "no trustees": "1 of 0 trustees",
    }.items():
        assert part in said[what]
        assert "\n" not in said[what]
    async with db.autocommit("custody") as conn:
        assert (await roster.read(conn))[False].version == 1


def test_a_file_comes_back_as_it_went_and_nonsense_is_refused() -> None:
    trust = Trust((signer_of(TRUSTEE),), 1)
    made = Roster(1, demo=False, trust=trust, people=(Seat(uuid4(), "gul", "گل بانو", uuid4(), bytes(32)),))
    assert Signed.read(signed(made).write()).accept(trust) == made
    for nonsense in ("", "{}", "[]", '{"roster": 1}', '{"roster": {}, "signatures": 5}'):
        with pytest.raises(Unsound):
            Signed.read(nonsense).accept(trust)
    with pytest.raises(Unsound, match="another format"):
        signing.read(made.write().replace(signing.FORMAT, "jawab roster 9"))
