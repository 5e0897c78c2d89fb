"""A husk: what is left of an ordinary case whose words went behind the protected door.

Its row keeps what the figures count and nothing that leads to a person: no code, no contact, no words, no file. No
page, list or search shows it. Its history, which is never changed, keeps verbs and times, and says nothing of this.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from cases import clocks, history, office_lines, referrals, register, thread
from cases.card_boxes import Kept
from cases.lifecycle import Refused
from cases.thread import Entry
from store import sessions
from store.crypto import Keys
from store.database import Tx, fetch_one


async def take(tx: Tx, keys: Keys, case_id: UUID, *, now: datetime) -> Kept:
    """Empty an ordinary case and return what it held: whoever takes it must put it somewhere in the same transaction.

    Raises `Refused` where there is none to empty. Waits for a citizen's turn that adds words, and ends up with them.
    """
    row = await fetch_one(
        tx,
        "SELECT code, district_id, contact_id, channel, lang, category, place_id, place_text, status, may_message,"
        " opened_at FROM cases WHERE id = %s AND contact_id IS NOT NULL FOR UPDATE",
        (case_id,),
    )
    if row is None:
        raise Refused("case_unknown")
    words = [word for entry in await thread.read(tx, keys, case_id) for word in _words(entry)]
    words += await _of_offices(tx, keys, case_id)
    words.append({"at": now.isoformat(), "text": await _told(tx, case_id), "by": "", "kind": "note"})
    typed = row["place_text"]
    answers = {
        "category": row["category"],
        "place_id": row["place_id"],
        "place_text": keys.decrypt(typed, register.text_bound_to(case_id)).decode() if typed is not None else None,
        "may_message": row["may_message"],
        "status": row["status"],
    }
    await thread.forget(tx, case_id)
    await office_lines.forget(tx, case_id)
    await referrals.forget(tx, case_id)
    await sessions.unask(tx, case_id)
    await register.hollow(tx, case_id, now)
    acknowledge_due, resolve_due = clocks.due(row["opened_at"])
    return Kept(
        id=case_id,
        code=row["code"],
        district_id=row["district_id"],
        contact_id=row["contact_id"],
        channel=row["channel"],
        lang=row["lang"],
        reason="story",
        words=words,
        answers={name: value for name, value in answers.items() if value is not None},
        received_at=row["opened_at"],
        due_acknowledge=acknowledge_due,
        due_resolve=resolve_due,
    )


def _words(entry: Entry) -> list[dict[str, Any]]:
    """One thing said, as kept words: a file goes by itself."""
    at = {"at": entry.at.isoformat()}
    ours = {} if entry.author == "citizen" else {"by": entry.staff or "", "kind": entry.kind}
    words: list[dict[str, Any]] = []
    if entry.text:
        words.append({**at, "text": entry.text, **ours})
    if entry.location:
        words.append({**at, "location": list(entry.location), **ours})
    if entry.safe_word:
        words.append({**at, "safe_word": entry.safe_word})
    return words


async def _of_offices(tx: Tx, keys: Keys, case_id: UUID) -> list[dict[str, Any]]:
    """What handlers wrote for offices, and offices back, as notes."""
    noted = [
        {"at": one.at.isoformat(), "text": summary, "by": "", "kind": "note"}
        for one in await referrals.of_case(tx, case_id)
        if one.kind == "refer" and (summary := referrals.read_summary(keys, one))
    ]
    for line in await office_lines.of_case(tx, keys, case_id):
        text = " ".join(part for part in (line.kind, line.day and line.day.isoformat(), line.text) if part)
        noted.append({"at": line.at.isoformat(), "text": text, "by": line.office.get("en", ""), "kind": "note"})
    return noted


async def _told(tx: Tx, case_id: UUID) -> str:
    """Who did what with it so far, a line each: for the protected handlers, who see no other history of it."""
    lines = await history.read(tx, case_id)
    return "\n".join(f"{line.at:%Y-%m-%d %H:%M} {line.verb} {line.actor_name or line.actor}" for line in lines)
