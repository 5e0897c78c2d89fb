"""The sorting list: words written before any choice, a card each, shown to nobody but a named triage role.

No handler, list, search or count reads this table. A row leaves it in one transaction: to a queue as an ordinary case
with the same id and code, into a case of the same phone, or (by the two doors of the protected room, which take it)
behind the seal. Who sorts is in cases.sorters, what they may do to a card in cases.cards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cases import acts, card_boxes, clocks, dismissals, thread
from cases.card_boxes import Kept, Lost
from cases.lifecycle import Refused
from cases.thread import Said, Words
from store import inbox, media, outbox
from store.brief import gone_before, older_than
from store.crypto import Keys, Unopened
from store.database import Auto, Conn, Tx, fetch_all, fetch_one, new_id

TAKES_BACK = timedelta(days=14)  # how long the sender's next words say that it was a complaint after all


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
        "INSERT INTO sorting (id, code_tag, code_box, district_id, contact_id, channel, lang, reason, words, answers,"
        " received_at, due_acknowledge, due_resolve) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            sorting_id,
            *card_boxes.close_code(keys, sorting_id, code),
            district_id,
            contact_id,
            channel,
            lang,
            reason,
            keys.put_brief(words, card_boxes.bound_to("words", sorting_id)),
            keys.put_brief(dict(answers), card_boxes.bound_to("answers", sorting_id)) if answers else None,
            now,
            acknowledge_due,
            resolve_due,
        ),
    )
    return sorting_id


async def add_copy(tx: Tx, sorting_id: UUID, copy: bytes) -> None:
    """What was just kept, as a box that its readers open where the key of its hour is gone."""
    await tx.execute("UPDATE sorting SET copies = copies || %s::bytea WHERE id = %s", (copy, sorting_id))


async def take_lost(tx: Tx, keys: Keys, now: datetime) -> list[Lost]:
    """Delete the cards that nobody here opens any more and return their sealed copies: a restored dump brought them.

    Those whose keys should still be there by `now` stay: they may be on their way.
    """
    rows = await fetch_all(
        tx,
        "SELECT id, code, words, answers, code_box, copies, district_id, received_at FROM sorting"
        " WHERE copies <> '{}' AND words >= %(from)s AND words < %(to)s",
        gone_before(now),
    )
    lost = []
    for row in rows:
        try:
            card_boxes.open_all(keys, row)
        except Unopened:
            gone = await tx.execute("DELETE FROM sorting WHERE id = %s", (row["id"],))
            if gone.rowcount:
                lost.append(Lost(row["district_id"], row["received_at"], [bytes(copy) for copy in row["copies"]]))
    return lost


async def find(conn: Conn, keys: Keys, code: str, contact_id: UUID | None = None) -> UUID | None:
    """The row with this code (of this contact), or None."""
    row = await fetch_one(
        conn,
        "SELECT id FROM sorting WHERE (code_tag = ANY(%s) OR code = %s) AND (%s::uuid IS NULL OR contact_id = %s)",
        (card_boxes.tags(keys, code), code, contact_id, contact_id),
    )
    return None if row is None else row["id"]


async def find_last(conn: Conn, contact_id: UUID, since: datetime) -> UUID | None:
    """The card of this phone that nobody has dealt with yet, where it is of that time, or None."""
    row = await fetch_one(
        conn,
        "SELECT id FROM sorting WHERE contact_id = %s AND state = 'waiting' AND received_at >= %s"
        " ORDER BY received_at DESC LIMIT 1",
        (contact_id, since),
    )
    return None if row is None else row["id"]


async def append(tx: Tx, keys: Keys, sorting_id: UUID, *, words: Words, now: datetime) -> None:
    """More words from the same phone, for the triage to look at again. Its clocks still count from the first."""
    await _add(tx, keys, sorting_id, words, now)
    await dismissals.take_back(tx, sorting_id)
    await set_state(tx, sorting_id, "waiting", now, over=("waiting", "answered", "dismissed"))


async def append_ours(
    tx: Tx,
    keys: Keys,
    sorting_id: UUID,
    text: str,
    *,
    staff_id: UUID,
    by: str,
    kind: str,
    now: datetime,
    said: Said | None = None,
) -> None:
    """What the triage told this person (kind "answer" or "call"), or that it could not reach them ("missed")."""
    ours: dict[str, Any] = {"text": text, "staff": str(staff_id), "by": by, "kind": kind}
    if said is not None:
        ours["said"] = said.as_json()
    await _add(tx, keys, sorting_id, ours, now)


async def _add(tx: Tx, keys: Keys, sorting_id: UUID, words: Words, now: datetime) -> None:
    row = await _lock(tx, sorting_id)
    bound_to = card_boxes.bound_to("words", sorting_id)
    kept = [*keys.get_json(row["words"], bound_to), {"at": now.isoformat(), **words}]
    await tx.execute("UPDATE sorting SET words = %s WHERE id = %s", (keys.put_brief(kept, bound_to), sorting_id))


async def set_state(
    tx: Tx, sorting_id: UUID, state: str, now: datetime, *, over: Iterable[str] = ("waiting", "answered", "call")
) -> bool:
    """Where a card stands from now on; False where it stood nowhere among `over`."""
    done = await tx.execute(
        "UPDATE sorting SET state = %s, state_at = %s WHERE id = %s AND state = ANY(%s) AND state <> %s",
        (state, now, sorting_id, list(over), state),
    )
    return done.rowcount == 1


def heard_at(kept: Kept) -> datetime:
    """When this card was last heard of from its phone."""
    theirs = (datetime.fromisoformat(word["at"]) for word in kept.words if "staff" not in word and "at" in word)
    return max([kept.received_at, *theirs])


async def wants_call(tx: Tx, keys: Keys, contact_id: UUID) -> bool:
    """Whether a card of this phone that is still here says yes to a call."""
    return await _find_call(tx, keys, contact_id) is not None


async def call_back(tx: Tx, keys: Keys, contact_id: UUID, now: datetime) -> None:
    """No message reaches this phone: whoever calls takes up the card on which it said yes to a call."""
    card = await _find_call(tx, keys, contact_id)
    if card is not None:
        await set_state(tx, card, "call", now)


async def _find_call(tx: Tx, keys: Keys, contact_id: UUID) -> UUID | None:
    rows = await fetch_all(
        tx,
        "SELECT id, answers FROM sorting WHERE contact_id = %s AND answers IS NOT NULL"
        " AND state IN ('waiting', 'answered', 'call') ORDER BY received_at DESC LIMIT 20",
        (contact_id,),
    )
    asked = (
        row["id"]
        for row in rows
        if keys.get_json(row["answers"], card_boxes.bound_to("answers", row["id"])).get("call")
    )
    return next(asked, None)


async def take_back(tx: Tx, contact_id: UUID, now: datetime) -> None:
    """This phone has more to say: what was last called no complaint of theirs is looked at again."""
    row = await fetch_one(
        tx,
        "SELECT id FROM sorting WHERE contact_id = %s AND state = 'dismissed' AND state_at > %s"
        " ORDER BY state_at DESC LIMIT 1",
        (contact_id, now - TAKES_BACK),
    )
    if row is not None:
        await look_again(tx, row["id"], now)


async def look_again(tx: Tx, sorting_id: UUID, now: datetime) -> None:
    """What was called no complaint waits for the triage again, and its clocks count from the first word."""
    if await set_state(tx, sorting_id, "waiting", now, over=("dismissed",)):
        await dismissals.take_back(tx, sorting_id)


async def amend(tx: Tx, keys: Keys, sorting_id: UUID, *, lang: str | None = None, **answers: Any) -> None:
    """Later answers (category, place_id, place_text, may_message); a new one is written over an old one."""
    row = await _lock(tx, sorting_id)
    bound_to = card_boxes.bound_to("answers", sorting_id)
    kept = keys.get_json(row["answers"], bound_to) if row["answers"] is not None else {}
    await tx.execute(
        "UPDATE sorting SET answers = %s, lang = coalesce(%s, lang) WHERE id = %s",
        (keys.put_brief({**kept, **answers}, bound_to), lang, sorting_id),
    )


async def pass_on(tx: Tx, other: UUID, contact_id: UUID) -> None:
    """The cards of one of two contacts of a person are the other one's."""
    await tx.execute("UPDATE sorting SET contact_id = %s WHERE contact_id = %s", (contact_id, other))


async def set_language(tx: Tx, contact_id: UUID, lang: str) -> None:
    """What was kept of somebody before they chose a language is answered in the one they choose now."""
    await tx.execute("UPDATE sorting SET lang = %s WHERE contact_id = %s AND lang = ''", (lang, contact_id))


async def _lock(tx: Tx, sorting_id: UUID) -> dict[str, Any]:
    row = await fetch_one(tx, "SELECT words, answers FROM sorting WHERE id = %s FOR UPDATE", (sorting_id,))
    if row is None:
        raise Refused("gone")
    return row


# ── how a row leaves ─────────────────────────────────────────────────────────────────────────────────────────────────
async def take(tx: Tx, keys: Keys, sorting_id: UUID) -> Kept:
    """Delete the row and return its words: whoever takes them must put them somewhere in the same transaction.

    Raises `Refused` where it is gone.
    """
    row = await fetch_one(tx, "DELETE FROM sorting WHERE id = %s RETURNING *", (sorting_id,))
    if row is None:
        raise Refused("gone")
    await dismissals.take_back(tx, sorting_id)
    return card_boxes.open_row(keys, row)


async def erase(tx: Tx, contact_ids: Sequence[UUID]) -> list[UUID]:
    """These people's cards go, words and all; what was said of them is counted on. Returns which they were."""
    rows = await fetch_all(tx, "DELETE FROM sorting WHERE contact_id = ANY(%s) RETURNING id", (list(contact_ids),))
    return [row["id"] for row in rows]


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
    if kept.state == "locked":
        raise Refused("locked")
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


async def is_going_behind(conn: Conn, sorting_id: UUID) -> bool:
    """Whether the triage has said that a card goes behind the seal, or it waits there for a reader."""
    row = await fetch_one(
        conn,
        "SELECT state = 'locked' OR EXISTS (SELECT FROM decisions WHERE card = sorting.id AND verb = 'seal'"
        " AND fault IS NULL) AS going FROM sorting WHERE id = %s",
        (sorting_id,),
    )
    return row is not None and bool(row["going"])


async def lock(tx: Tx, keys: Keys, kept: Kept, now: datetime) -> None:
    """Put back what was taken, for the province's triage alone: there is nobody yet to seal it to."""
    await tx.execute(
        "INSERT INTO sorting (id, code_tag, code_box, district_id, contact_id, channel, lang, reason, words, answers,"
        " received_at, due_acknowledge, due_resolve, state, state_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'locked', %s)",
        (
            kept.id,
            *card_boxes.close_code(keys, kept.id, kept.code),
            kept.district_id,
            kept.contact_id,
            kept.channel,
            kept.lang,
            kept.reason,
            keys.put_brief(kept.words, card_boxes.bound_to("words", kept.id)),
            keys.put_brief(kept.answers, card_boxes.bound_to("answers", kept.id)),
            kept.received_at,
            kept.due_acknowledge,
            kept.due_resolve,
            now,
        ),
    )
    await _blank_messages(tx, keys, kept)


async def blank_copies(tx: Tx, keys: Keys, kept: Kept, sealed_case_id: UUID) -> None:
    """The ordinary copies of words that went behind the seal: inbox bodies go, media wait to be sealed.

    A message that is still undone keeps its body: its own turn will seal it.
    """
    await _blank_messages(tx, keys, kept)
    await media.hand_over(tx, keys, kept.id, sealed_case_id)


async def _blank_messages(tx: Tx, keys: Keys, kept: Kept) -> None:
    await inbox.blank(tx, keys, kept.contact_id, kept.received_at - timedelta(minutes=1))
    await outbox.forget_case(tx, kept.id)


async def renew(auto: Auto, keys: Keys, now: datetime) -> int:
    """Cards that nobody has sorted yet are put under a younger key. Returns how many."""
    rows = await fetch_all(
        auto,
        "SELECT id, code, words, answers, code_box FROM sorting WHERE least(words, answers, code_box) < %(to)s",
        older_than(now),
    )
    for row in rows:
        try:
            kept = card_boxes.open_all(keys, row)
        except Unopened:
            continue
        words, answers, code = kept
        at = now.timestamp()
        boxes = {
            "words": keys.put_brief(words, card_boxes.bound_to("words", row["id"]), at=at),
            "answers": keys.put_brief(answers, card_boxes.bound_to("answers", row["id"]), at=at)
            if row["answers"]
            else None,
            "code_box": keys.encrypt_brief(code.encode(), card_boxes.bound_to("code", row["id"]), at=at),
            "code_tag": keys.brief_tag("card", code, at=at),
        }
        await auto.execute(
            "UPDATE sorting SET words = %(words)s, answers = %(answers)s, code = NULL, code_box = %(code_box)s,"
            " code_tag = %(code_tag)s WHERE id = %(id)s AND words = %(was)s AND answers IS NOT DISTINCT FROM %(had)s",
            {**boxes, "id": row["id"], "was": row["words"], "had": row["answers"]},
        )
    return len(rows)


async def read(tx: Tx, keys: Keys, sorting_id: UUID) -> Kept:
    """One card, held until the transaction ends. Raises `Refused` where it is gone."""
    row = await fetch_one(tx, "SELECT * FROM sorting WHERE id = %s FOR UPDATE", (sorting_id,))
    if row is None:
        raise Refused("gone")
    return card_boxes.open_row(keys, row)
