"""A lost number: the cases that a safe word, a month and a tehsil lead to, and a new number for one of them.

No page shows a safe word, and none is kept but among the words it came with. Who asks is written down before anything
is opened; what matches nothing counts against them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from cases import card_boxes, history, register, thread
from cases.calendar import day_of
from cases.fresh import fresh_code
from cases.lifecycle import Refused
from flows import safe_words
from store import alarms, audit
from store.crypto import Keys
from store.database import LOCKS, Conn, Tx, fetch_all, fetch_one

MOST_WRONG = 5  # an hour; more is guessing
MONTHS = 24  # that can be asked for, this one and those before it


@dataclass(frozen=True, slots=True)
class Sought:
    """What somebody says on a call who lost the number; `month` is its first day, `word` the key of a word."""

    word: str
    month: date
    place_id: str
    district_id: str

    @property
    def next_month(self) -> date:
        return (self.month + timedelta(days=31)).replace(day=1)

    @property
    def weeks(self) -> list[str]:
        """The weeks that have a day in that month, "2026-W45"."""
        days = (self.next_month - self.month).days
        return sorted({f"{self.month + timedelta(days=day):%G-W%V}" for day in range(days)})

    def fits(self, word: Any, place_id: str | None) -> bool:
        """Whether it is this word, of this tehsil or of none that was named."""
        return word == self.word and place_id in {None, "", self.place_id}


@dataclass(frozen=True, slots=True)
class Found:
    """What a word led to: a case, or a `card` that nobody has sorted yet."""

    id: UUID
    day: date  # on which it was told
    category: str
    card: bool


def months(today: date) -> list[date]:
    """The first days of the months that can be asked for, the newest first."""
    found = [today.replace(day=1)]
    while len(found) < MONTHS:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found


def read(word: str, month: str, place: tuple[str, str] | None, today: date) -> Sought:
    """From a form; `place` is (id, district) of the tehsil that was picked. Raises `Refused`."""
    key = safe_words.key(word[: safe_words.MOST * 4])
    picked = next((one for one in months(today) if f"{one:%Y-%m}" == month), None)
    if not key:
        raise Refused("word_missing")
    if picked is None:
        raise Refused("month_missing")
    if place is None:
        raise Refused("place_missing")
    return Sought(key, picked, *place)


# ── how often ────────────────────────────────────────────────────────────────────────────────────────────────────────
async def hold(tx: Tx, staff_id: UUID) -> None:
    """One search of one person at a time: two at once must not both see four wrong ones."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", (str(staff_id), LOCKS["word_tries"]))


async def sound(tx: Tx, staff_id: UUID) -> None:
    """Somebody has tried as many words as fit into an hour."""
    await alarms.sound(tx, "word_guessing", once=["staff"], staff=str(staff_id))


async def left(conn: Conn, staff_id: UUID) -> int:
    """How many words may still lead nowhere within this hour."""
    row = await fetch_one(
        conn,
        "SELECT count(*) AS wrong FROM word_tries WHERE staff_id = %s AND at > clock_timestamp() - interval '1 hour'",
        (staff_id,),
    )
    return max(0, MOST_WRONG - int(row["wrong"] if row else 0))


# ── ordinary cases ───────────────────────────────────────────────────────────────────────────────────────────────────
async def find(tx: Tx, keys: Keys, sought: Sought, *, staff_id: UUID, cards: bool) -> list[Found]:
    """The ordinary cases (and `cards`) that this leads to, oldest first. Raises `Refused` who has guessed too often."""
    await hold(tx, staff_id)
    if not await left(tx, staff_id):
        raise Refused("guessed_often")
    await audit.write(tx, str(staff_id), "case.find_by_word", str(staff_id))
    found = await _cases(tx, keys, sought) + (await _cards(tx, keys, sought) if cards else [])
    if not found:
        await tx.execute("INSERT INTO word_tries (staff_id) VALUES (%s)", (staff_id,))
        if not await left(tx, staff_id):
            await sound(tx, staff_id)
    for one in found:
        await audit.write(tx, str(staff_id), "case.found_by_word", str(one.id))
    return sorted(found, key=lambda one: (one.day, one.id))


async def renumber(tx: Tx, keys: Keys, case_id: UUID, sought: Sought, *, staff_id: UUID, now: datetime) -> str:
    """Give a new number to a case that the word leads to, for whoever is on the call. Returns it; the old ones end.

    It stands in no message: it is said on that call, and nowhere else. "" where the word leads not there, which counts
    as a wrong one: the transaction must be committed. Raises `Refused`.
    """
    if case_id not in {one.id for one in await find(tx, keys, sought, staff_id=staff_id, cards=False)}:
        return ""
    case = await register.read(tx, case_id)
    await register.role_of(tx, staff_id, case.district_id)
    code = fresh_code()
    await register.renumber(tx, case_id, code)
    await history.write(tx, case_id, "renumber", actor=staff_id, now=now, was=case.status, became=case.status)
    await audit.write(tx, str(staff_id), "case.renumber", str(case_id))
    return code


async def _cases(tx: Tx, keys: Keys, sought: Sought) -> list[Found]:
    rows = await fetch_all(
        tx,
        "SELECT c.id, c.category, c.place_id, (c.opened_at AT TIME ZONE d.timezone)::date AS day, i.id AS item, i.body"
        " FROM case_items i JOIN cases c ON c.id = i.case_id JOIN districts d ON d.id = c.district_id"
        " WHERE i.kind = 'safe_word' AND c.district_id = %s AND c.contact_id IS NOT NULL"
        " AND (c.opened_at AT TIME ZONE d.timezone)::date >= %s AND (c.opened_at AT TIME ZONE d.timezone)::date < %s",
        (sought.district_id, sought.month, sought.next_month),
    )
    found = {
        row["id"]: Found(row["id"], row["day"], row["category"], card=False)
        for row in rows
        if sought.fits(keys.get_json(row["body"], thread.body_bound_to(row["item"])).get("safe_word"), row["place_id"])
    }
    return list(found.values())


async def _cards(tx: Tx, keys: Keys, sought: Sought) -> list[Found]:
    rows = await fetch_all(
        tx,
        "SELECT s.* FROM sorting s JOIN districts d ON d.id = s.district_id WHERE s.district_id = %s"
        " AND (s.received_at AT TIME ZONE d.timezone)::date >= %s"
        " AND (s.received_at AT TIME ZONE d.timezone)::date < %s",
        (sought.district_id, sought.month, sought.next_month),
    )
    kept = card_boxes.open_rows(keys, rows)
    return [
        Found(one.id, day_of(one.received_at), str(one.answers.get("category") or ""), card=True)
        for one in kept
        if any(sought.fits(word.get("safe_word"), one.answers.get("place_id")) for word in one.words)
    ]
