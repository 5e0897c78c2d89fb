"""What a person takes back: their words, files, number and conversation go, and what is counted of them stays.

A case becomes a husk, a contact a row that nobody is found by. What was erased is listed by ids alone, which lead to
nobody: after a restore the list is gone through again, before anything else happens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cases import decisions, husk, joined, sorting
from cases.card_boxes import Kept
from cases.lifecycle import Refused
from store import audit, contacts, copies, drops, inbox, media, outbox, sessions
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all

BEFORE = timedelta(minutes=1)  # a case is opened a moment after its first words came
WHATS = ("contact", "case", "card", "sealed")


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever an address is: `contacts` on our numbers, and their `cases` and `cards` that are not behind the door."""

    contacts: tuple[UUID, ...]
    cases: tuple[UUID, ...]
    cards: tuple[UUID, ...]

    @property
    def things(self) -> tuple[UUID, ...]:
        return (*self.cases, *self.cards)


@dataclass(frozen=True, slots=True)
class Erased:
    """One row of the list: what kind of thing it was, and its id."""

    what: str
    id: UUID
    at: datetime | None = None


async def find(conn: Conn, keys: Keys, address: str) -> Person:
    """All that is held about an address (a number, or a provider's id of a person) in the open part of the house."""
    rows = await fetch_all(conn, "SELECT DISTINCT kind, address FROM channels")
    tags = [contacts.tag(keys, row["kind"], row["address"], address) for row in rows]
    return await _of(conn, await contacts.find_all(conn, tags))


async def _of(conn: Conn, contact_ids: list[UUID]) -> Person:
    cases = await fetch_all(conn, "SELECT id FROM cases WHERE contact_id = ANY(%s) ORDER BY opened_at", (contact_ids,))
    cards = await fetch_all(conn, "SELECT id FROM sorting WHERE contact_id = ANY(%s)", (contact_ids,))
    return Person(tuple(contact_ids), tuple(row["id"] for row in cases), tuple(row["id"] for row in cards))


async def of_case(conn: Conn, code: str) -> UUID:
    """The ordinary case of a number. Raises `Refused`, also for one behind the door: nobody here can know."""
    rows = await fetch_all(conn, "SELECT id FROM cases WHERE code = %s", (code,))
    if not rows:
        raise Refused("case_unknown")
    return UUID(str(rows[0]["id"]))


async def list_held(conn: Conn, person: Person) -> list[dict[str, Any]]:
    """{"held": table, "rows"} of every table that holds something about this person, and of the people themselves."""
    rows = await fetch_all(
        conn,
        "SELECT held, rows FROM held_about(%s, %s) WHERE rows > 0 ORDER BY held",
        (list(person.contacts), list(person.things)),
    )
    return [{"held": "contacts", "rows": len(person.contacts)}, *rows] if person.contacts else []


async def erase_person(tx: Tx, keys: Keys, person: Person, *, forgetful: Collection[str], now: datetime) -> None:
    """All of it. `forgetful` are the providers that can be asked to delete their copies."""
    await copies.put_of(tx, keys, person.contacts, forgetful)
    for case_id in person.cases:
        await _erase_case(tx, keys, case_id, now)
    for card in await sorting.erase(tx, person.contacts):
        await decisions.forget(tx, card)
        await outbox.forget_case(tx, card)
        await _note(tx, "card", card)
    await _erase_files(tx, keys, person.contacts, person.things)
    await inbox.erase(tx, person.contacts)
    await outbox.erase(tx, person.contacts)
    await sessions.erase(tx, person.contacts)
    await drops.erase(tx, person.contacts)
    for contact_id in person.contacts:
        await contacts.erase(tx, contact_id)
        await _note(tx, "contact", contact_id)
        await audit.write(tx, "operator", "erase.contact", str(contact_id))


async def erase_case(tx: Tx, keys: Keys, case_id: UUID, *, forgetful: Collection[str], now: datetime) -> None:
    """One case, with the messages since it was begun, and nothing else of whoever wrote it.

    Raises `Refused` where it is gone.
    """
    kept = await _erase_case(tx, keys, case_id, now)
    await _erase_files(tx, keys, (), (case_id,))
    await inbox.blank(tx, keys, kept.contact_id, kept.received_at - BEFORE)
    if forgetful:
        await copies.put_of(tx, keys, (kept.contact_id,), forgetful)


async def _erase_case(tx: Tx, keys: Keys, case_id: UUID, now: datetime) -> Kept:
    kept = await husk.take(tx, keys, case_id, now=now)
    await joined.take(tx, case_id)
    await outbox.erase(tx, (), (case_id,))
    await outbox.forget_case(tx, case_id)
    await _note(tx, "case", case_id)
    await audit.write(tx, "operator", "erase.case", str(case_id))
    return kept


async def _erase_files(tx: Tx, keys: Keys, contact_ids: Collection[UUID], case_ids: Collection[UUID]) -> None:
    """Files, and the provider's copies of those that were never fetched."""
    for file in await media.erase(tx, contact_ids, case_ids):
        if file.source is not None:
            url = keys.decrypt(file.source, media.bound_to("source", file.id)).decode()
            await copies.put(tx, keys, file.id, file.channel_id, kind="file", ref=url)


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────────────
async def _note(tx: Tx, what: str, thing: UUID) -> None:
    await tx.execute("INSERT INTO erasures (what, id) VALUES (%s, %s) ON CONFLICT DO NOTHING", (what, thing))


async def list_erased(conn: Conn) -> list[Erased]:
    """Everything that was erased, oldest first."""
    return await fetch_all(conn, "SELECT what, id, at FROM erasures ORDER BY at, what, id", of=Erased)


async def replay(tx: Tx, keys: Keys, listed: Iterable[Erased], *, now: datetime) -> int:
    """Erase again what a restored database holds of the list. Returns how many things were there again."""
    again = 0
    by_kind = {what: [one.id for one in listed if one.what == what] for what in WHATS}
    person = await _of(tx, await _still(tx, by_kind["contact"]))
    for case_id in {*by_kind["case"]} - {*person.cases}:
        try:
            await erase_case(tx, keys, case_id, forgetful=(), now=now)
            again += 1
        except Refused:
            await _note(tx, "case", case_id)
    if person.contacts:
        await erase_person(tx, keys, person, forgetful=(), now=now)
        again += len(person.contacts)
    return again


async def _still(tx: Tx, contact_ids: list[UUID]) -> list[UUID]:
    rows = await fetch_all(tx, "SELECT id FROM contacts WHERE id = ANY(%s) AND address_box <> ''", (contact_ids,))
    return [row["id"] for row in rows]
