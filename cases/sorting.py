"""The sorting list: words written before any choice, shown to nobody but a named triage role.

No handler, list, search or count reads this table. A row leaves it in one transaction: to a queue as an ordinary case
with the same id and code, or (by the two doors of the protected room, which take it) behind the seal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from cases import acts, clocks, offices, thread, triage
from cases.lifecycle import Refused
from cases.roles import who_may
from cases.thread import Words
from store import audit, inbox, media, outbox
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one, new_id


@dataclass(frozen=True, slots=True)
class Kept:
    """One row of the list, opened. `words` are {"at", "text"} or {"at", "location"}; `answers` came later."""

    id: UUID
    code: str
    district_id: str
    contact_id: UUID
    channel: str
    lang: str
    reason: str
    words: list[dict[str, Any]]
    answers: dict[str, Any]
    received_at: datetime
    due_acknowledge: datetime
    due_resolve: datetime


def _bound_to(column: str, sorting_id: UUID) -> str:
    return f"sorting|{column}|{sorting_id}"


async def keep(
    tx: Tx,
    keys: Keys,
    *,
    code: str,
    district_id: str,
    contact_id: UUID,
    channel: str,
    lang: str,
    story: str | Iterable[Words],
    now: datetime,
    reason: str = "story",
    answers: Mapping[str, Any] | None = None,
) -> UUID:
    """Keep words that came before any choice; `reason` "person" where somebody asked for a person. Returns the id."""
    sorting_id = new_id()
    given = [{"text": story}] if isinstance(story, str) else story
    words = [{"at": now.isoformat(), **word} for word in given]
    acknowledge_due, resolve_due = clocks.due(now)
    await tx.execute(
        "INSERT INTO sorting (id, code, district_id, contact_id, channel, lang, reason, words, answers, received_at,"
        " due_acknowledge, due_resolve) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            sorting_id,
            code,
            district_id,
            contact_id,
            channel,
            lang,
            reason,
            keys.put_json(words, _bound_to("words", sorting_id)),
            keys.put_json(dict(answers), _bound_to("answers", sorting_id)) if answers else None,
            now,
            acknowledge_due,
            resolve_due,
        ),
    )
    return sorting_id


async def find(conn: Conn, code: str, contact_id: UUID | None = None) -> UUID | None:
    """The row with this code (of this contact), or None."""
    row = await fetch_one(
        conn,
        "SELECT id FROM sorting WHERE code = %s AND (%s::uuid IS NULL OR contact_id = %s)",
        (code, contact_id, contact_id),
    )
    return None if row is None else row["id"]


async def append(tx: Tx, keys: Keys, sorting_id: UUID, *, words: Words, now: datetime) -> None:
    """More words from the same phone. Its clocks still count from the first."""
    row = await _lock(tx, sorting_id)
    bound_to = _bound_to("words", sorting_id)
    kept = [*keys.get_json(row["words"], bound_to), {"at": now.isoformat(), **words}]
    await tx.execute("UPDATE sorting SET words = %s WHERE id = %s", (keys.put_json(kept, bound_to), sorting_id))


async def amend(tx: Tx, keys: Keys, sorting_id: UUID, *, lang: str | None = None, **answers: Any) -> None:
    """Later answers (category, place_id, place_text, may_message); a new one is written over an old one."""
    row = await _lock(tx, sorting_id)
    bound_to = _bound_to("answers", sorting_id)
    kept = keys.get_json(row["answers"], bound_to) if row["answers"] is not None else {}
    await tx.execute(
        "UPDATE sorting SET answers = %s, lang = coalesce(%s, lang) WHERE id = %s",
        (keys.put_json({**kept, **answers}, bound_to), lang, sorting_id),
    )


async def set_language(tx: Tx, contact_id: UUID, lang: str) -> None:
    """What was kept of somebody before they chose a language is answered in the one they choose now."""
    await tx.execute("UPDATE sorting SET lang = %s WHERE contact_id = %s AND lang = ''", (lang, contact_id))


async def _lock(tx: Tx, sorting_id: UUID) -> dict[str, Any]:
    row = await fetch_one(tx, "SELECT words, answers FROM sorting WHERE id = %s FOR UPDATE", (sorting_id,))
    if row is None:
        raise Refused("gone")
    return row


# ── who sorts ────────────────────────────────────────────────────────────────────────────────────────────────────────
# A district's own triage, where it has named one that sits in no office which people complain about; else the
# province's. What has waited longer than 72 hours is the province's too: nobody can keep words from being read.
_MINE: LiteralString = """
    SELECT * FROM sorting WHERE ((%(district)s::text IS NULL AND (due_acknowledge <= %(now)s
        OR district_id <> ALL(%(own)s))) OR district_id = %(district)s)
        AND (%(only)s::uuid IS NULL OR id = %(only)s)
    ORDER BY received_at, id LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Sorter:
    """A member of the triage: of a district, or of the province (None)."""

    id: UUID
    district_id: str | None
    office_id: UUID | None


async def _list_mine(
    tx: Tx, staff_id: UUID, now: datetime, limit: int, only: UUID | None = None
) -> list[dict[str, Any]]:
    """The rows that this person sorts, still closed. Raises `Refused` for everybody who sorts none."""
    named = await fetch_all(
        tx,
        "SELECT id, district_id, office_id FROM staff WHERE role = ANY(%s) AND disabled_at IS NULL",
        (list(who_may("sort")),),
        of=Sorter,
    )
    accused = await _accused(tx)
    above = await offices.lines(tx)
    fit = [
        one
        for one in named
        if not triage.is_conflicted(one.office_id, accused.get(one.district_id or "*", accused["*"]), above)
    ]
    me = next((one for one in fit if one.id == staff_id), None)
    if me is None:
        raise Refused("not_allowed")
    own = sorted({one.district_id for one in fit if one.district_id is not None})
    return await fetch_all(
        tx, _MINE, {"district": me.district_id, "own": own, "now": now, "limit": limit, "only": only}
    )


async def _accused(tx: Tx) -> dict[str, set[UUID]]:
    """By district, the offices people may be complaining about; under "*" all of them, for the province's triage."""
    rows = await fetch_all(tx, "SELECT district_id, office_id FROM responsibilities WHERE office_id IS NOT NULL")
    accused: dict[str, set[UUID]] = {"*": {row["office_id"] for row in rows}}
    for row in rows:
        accused.setdefault(row["district_id"], set()).add(row["office_id"])
    return accused


async def list_for(tx: Tx, keys: Keys, staff_id: UUID, now: datetime, *, limit: int = 50) -> list[Kept]:
    """What this member of the triage is to sort, oldest first. Reading it is audited before it is returned.

    Raises `Refused` for everybody else.
    """
    rows = await _list_mine(tx, staff_id, now, limit)
    if rows:
        await audit.write(tx, str(staff_id), "sorting.read", " ".join(str(row["id"]) for row in rows))
    return [_open(keys, row) for row in rows]


async def may_sort(tx: Tx, staff_id: UUID, sorting_id: UUID, now: datetime) -> None:
    """Raises `Refused` unless this person sorts this row."""
    if not await _list_mine(tx, staff_id, now, 1, only=sorting_id):
        raise Refused("not_allowed")


# ── how a row leaves ─────────────────────────────────────────────────────────────────────────────────────────────────
async def take(tx: Tx, keys: Keys, sorting_id: UUID) -> Kept:
    """Delete the row and return its words: whoever takes them must put them somewhere in the same transaction."""
    row = await fetch_one(tx, "DELETE FROM sorting WHERE id = %s RETURNING *", (sorting_id,))
    if row is None:
        raise Refused("gone")
    return _open(keys, row)


async def open_case(
    tx: Tx,
    keys: Keys,
    sorting_id: UUID,
    *,
    category: str,
    now: datetime,
    place_id: str | None = None,
    place_text: str = "",
    may_message: bool | None = None,
    draft: bool = False,
) -> UUID:
    """Make an ordinary case of a row: same id, same code, opened when the first words came. Later answers win."""
    kept = await take(tx, keys, sorting_id)
    answers = kept.answers
    case_id = await acts.open(
        tx,
        keys,
        code=kept.code,
        district_id=kept.district_id,
        contact_id=kept.contact_id,
        channel=kept.channel,
        lang=kept.lang,
        category=category,
        opened_at=kept.received_at,
        now=now,
        place_id=place_id or answers.get("place_id"),
        place_text=place_text or answers.get("place_text") or "",
        story=kept.words,
        may_message=answers.get("may_message") if may_message is None else may_message,
        draft=draft,
        case_id=kept.id,  # photos and voice notes that came with the words already carry this id
    )
    files = await fetch_all(tx, "SELECT id, created_at FROM media WHERE case_id = %s ORDER BY created_at", (case_id,))
    for one in files:
        await thread.append_media(tx, keys, case_id, one["id"], lang=kept.lang, now=one["created_at"])
    return case_id


async def send_to_queue(
    tx: Tx, keys: Keys, sorting_id: UUID, *, actor: UUID, category: str, now: datetime, place_id: str | None = None
) -> UUID:
    """A member of the triage sends kept words to the queue of a category. Returns the case id. Audited."""
    await may_sort(tx, actor, sorting_id, now)
    case_id = await open_case(tx, keys, sorting_id, category=category, now=now, place_id=place_id)
    await audit.write(tx, str(actor), f"sorting.send:{category}", str(case_id))
    return case_id


async def blank_copies(tx: Tx, kept: Kept, sealed_case_id: UUID) -> None:
    """The ordinary copies of words that went behind the seal: inbox bodies go, media wait to be sealed.

    A message that is still undone keeps its body: its own turn will seal it.
    """
    await inbox.blank(tx, kept.contact_id, kept.received_at - timedelta(minutes=1))
    await media.hand_over(tx, kept.id, sealed_case_id)
    await outbox.forget_case(tx, kept.id)


def _open(keys: Keys, row: Mapping[str, Any]) -> Kept:
    words = keys.get_json(row["words"], _bound_to("words", row["id"]))
    answers = keys.get_json(row["answers"], _bound_to("answers", row["id"])) if row["answers"] is not None else {}
    return Kept(**{**row, "words": words, "answers": answers})
