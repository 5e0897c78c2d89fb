"""The register: how a citizen's words become a case, and what he may say to it afterwards.

The desk's moves are in cases.moves and are offered here under one name. Every function is given its transaction and
never commits; `now` is an aware time. All raise `lifecycle.Refused`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from cases import change, clocks
from cases.change import Actor
from cases.lifecycle import CITIZEN, Refused
from cases.moves import acknowledge, answer, assign, close, commit, escalate, note, refer, reopen, resolve, start
from cases.outcomes import CATEGORIES
from cases.thread import Words, append, append_media, history, put_words, thread
from store.crypto import Keys
from store.database import Conn, Tx, fetch_one

__all__ = [
    "acknowledge",
    "amend",
    "answer",
    "append",
    "append_media",
    "assign",
    "close",
    "commit",
    "confirm",
    "dispute",
    "escalate",
    "find",
    "history",
    "note",
    "open",
    "refer",
    "reopen",
    "resolve",
    "start",
    "thread",
]


def text_bound_to(case_id: UUID) -> str:
    """Where a typed place is bound to; see store.crypto."""
    return f"cases|place_text|{case_id}"


async def open(  # noqa: A001 - the word for it everywhere; a case is opened with all that is known of it
    tx: Tx,
    keys: Keys,
    *,
    code: str,
    district_id: str,
    contact_id: UUID,
    channel: str,
    lang: str,
    category: str,
    opened_at: datetime,
    now: datetime,
    place_id: str | None = None,
    place_text: str = "",
    story: str | Iterable[Words] | None = None,
    may_message: bool | None = None,
    draft: bool = False,
    case_id: UUID | None = None,
) -> UUID:
    """Open an ordinary case: routed to an office, its clocks counted from `opened_at`. Returns its id."""
    if category not in CATEGORIES:
        raise Refused("category_unknown")
    case_id = case_id or uuid4()
    office_id = await change.route(tx, district_id, category, place_id)
    acknowledge_due, resolve_due = clocks.due(opened_at)
    await tx.execute(
        "INSERT INTO cases (id, code, district_id, contact_id, channel, lang, category, place_id, place_text, draft,"
        " may_message, office_id, opened_at, next_due)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            case_id,
            code,
            district_id,
            contact_id,
            channel,
            lang,
            category,
            place_id,
            keys.encrypt(place_text.encode(), text_bound_to(case_id)) if place_text else None,
            draft,
            may_message,
            office_id,
            opened_at,
            acknowledge_due,
        ),
    )
    await tx.execute(
        "INSERT INTO clocks (case_id, kind, due_at) VALUES (%s, 'acknowledge', %s), (%s, 'resolve', %s)",
        (case_id, acknowledge_due, case_id, resolve_due),
    )
    await change.write_history(
        tx,
        case_id,
        "open",
        actor=CITIZEN,
        now=now,
        was=None,
        became="received",
        data={"office": str(office_id) if office_id else None, "draft": draft},
    )
    words = [{"text": story}] if isinstance(story, str) else list(story or ())
    await put_words(tx, keys, case_id, words, lang=lang, now=now)
    return case_id


async def amend(
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    *,
    now: datetime,
    actor: Actor = CITIZEN,
    version: int | None = None,
    may_message: bool | None = None,
    place_id: str | None = None,
    place_text: str | None = None,
    category: str | None = None,
    finish: bool = False,
) -> None:
    """Write later answers over an open case; None leaves a thing as it is, `finish` ends a draft.

    A new category or place finds its office again while nobody has taken the case, and whenever staff says so.
    """
    case = await change.read(tx, case_id)
    given: dict[str, Any] = {"may_message": may_message, "place_id": place_id, "category": category}
    columns = {name: value for name, value in given.items() if value is not None and value != case[name]}
    if category is not None and category not in CATEGORIES:
        raise Refused("category_unknown")
    if place_text:
        columns["place_text"] = keys.encrypt(place_text.encode(), text_bound_to(case_id))
    changed = sorted(columns)
    if {"category", "place_id"} & columns.keys() and (case["status"] == "received" or actor != CITIZEN):
        merged = {**case, **columns}
        columns["office_id"] = await change.route(tx, case["district_id"], merged["category"], merged["place_id"])
    finishes = finish and case["draft"]
    if finishes:
        columns["draft"] = False
    if not columns:
        return
    data: dict[str, Any] = {"changed": changed}
    if "category" in columns:
        data["category"] = [case["category"], category]
    verb = "finish" if finishes else "amend"
    await change.move(tx, case_id, verb, actor=actor, now=now, version=version, data=data, columns=columns)


async def confirm(tx: Tx, case_id: UUID, *, now: datetime, actor: Actor = CITIZEN) -> None:
    """The citizen says that it is done."""
    await change.move(tx, case_id, "confirm", actor=actor, now=now)


async def dispute(tx: Tx, case_id: UUID, *, now: datetime, actor: Actor = CITIZEN) -> None:
    """The citizen says that it is not done: the resolution clock runs on from where it was set.

    What was promised for it is open again at the next sweep: the citizen's side cannot write promises.
    """
    await change.move(tx, case_id, "dispute", actor=actor, now=now)


async def find(conn: Conn, code: str) -> dict[str, Any] | None:
    """The ordinary case with this code and where it stands, or None. Shows no words."""
    return await fetch_one(
        conn,
        "SELECT id, code, district_id, contact_id, category, place_id, draft, status, may_message, office_id,"
        " opened_at, resolved_at, outcome, outcome_values FROM cases WHERE code = %s",
        (code,),
    )
