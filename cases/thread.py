"""The thread of a case: what was said by whom, encrypted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from cases.history import Actor, staff_id
from locales import render
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one, new_id

# {"text": …}, {"location": [lat, lon]} or {"safe_word": …}, with an optional "at" (ISO 8601); of the triage's own
# besides "staff" (an id), "by" (a name) and "kind" ("answer", "call", or "missed" for a call that nobody took), and
# "said", which is the message that went out as `Said.as_json` writes it
Words = Mapping[str, Any]
SHOWN_ON = "try"  # the kind of channel that shows a message as a page does


@dataclass(frozen=True, slots=True)
class Said:
    """A message to a citizen, as its line in the thread keeps it: keys, values, options and text, never a sentence.

    `verb` is the act that it tells; `outbox_id` is None where this phone may not be messaged.
    """

    verb: str
    message: Mapping[str, Any]
    lang: str  # that it goes out in
    outbox_id: UUID | None

    def as_json(self) -> dict[str, Any]:
        outbox_id = str(self.outbox_id) if self.outbox_id else None
        return {"verb": self.verb, "message": dict(self.message), "lang": self.lang, "outbox": outbox_id}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Said:
        return cls(kept["verb"], kept["message"], kept["lang"], UUID(kept["outbox"]) if kept["outbox"] else None)

    def shown(self) -> str:
        """The message as its reader sees it, digits and dates as on a page."""
        return render(dict(self.message), self.lang, SHOWN_ON)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing said. Of what was told to the citizen `text` is the message as they see it, and `verb` the act.

    `outbox_id` and what became of that row (`sent`, its state, `sent_at` and `error`) are None where nothing was sent.
    `sent` is "noticed" where its reader knows that it waits and these words have not been shown, "unreached" where
    nobody was told of it in any way.
    """

    id: UUID
    at: datetime
    author: str  # citizen, staff, system
    staff: str | None  # the name of whoever of the staff wrote it
    kind: str
    media_id: UUID | None
    content_type: str | None  # of the photo or voice note
    lang: str
    verb: str | None
    outbox_id: UUID | None
    sent: str | None
    sent_at: datetime | None
    error: str | None
    by_code: bool  # from another phone than the case's, by who had the code
    text: str | None
    location: tuple[float, float] | None  # (lat, lon)
    safe_word: str | None  # for what goes behind the door with the rest; no page shows it
    message: Mapping[str, Any] | None  # of what was told: keys and values, for `locales.render`


def body_bound_to(item_id: UUID) -> str:
    """Where an item's words are bound to; see store.crypto."""
    return f"case_items|body|{item_id}"


async def append(
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    *,
    author: str,
    kind: str,
    body: str | Mapping[str, Any] | None,
    lang: str,
    now: datetime,
    staff_id: UUID | None = None,
    media_id: UUID | None = None,
    verb: str | None = None,
    outbox_id: UUID | None = None,
    by_code: bool = False,
) -> UUID:
    """Add one item to a case's thread and return its id.

    The body is text, {"lat", "lon"}, {"safe_word"}, the message of a "said" line, or None for a photo or voice note.
    `by_code`: it came from another phone than the case's, whose owner had the code.
    """
    item_id = new_id()
    thing = {"text": body} if isinstance(body, str) else dict(body or {})
    await tx.execute(
        "INSERT INTO case_items (id, case_id, at, author, staff_id, kind, body, media_id, lang, verb, outbox_id,"
        " by_code) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            item_id,
            case_id,
            now,
            author,
            staff_id,
            kind,
            keys.put_json(thing, body_bound_to(item_id)) if thing else None,
            media_id,
            lang,
            verb,
            outbox_id,
            by_code,
        ),
    )
    return item_id


async def append_said(tx: Tx, keys: Keys, case_id: UUID, said: Said, *, now: datetime, by: Actor | None = None) -> None:
    """Add what the citizen is told, one line for one message; `by` is who of the staff typed words in it."""
    await append(
        tx,
        keys,
        case_id,
        author="staff" if by else "system",
        kind="said",
        body=said.message,
        lang=said.lang,
        now=now,
        staff_id=staff_id(by) if by else None,
        verb=said.verb,
        outbox_id=said.outbox_id,
    )


async def append_media(
    tx: Tx, keys: Keys, case_id: UUID, media_id: UUID, *, lang: str, now: datetime, by_code: bool = False
) -> UUID:
    """Add a citizen's photo or voice note, whose bytes may still be on their way. Returns the item's id."""
    return await append(
        tx,
        keys,
        case_id,
        author="citizen",
        kind="media",
        body=None,
        lang=lang,
        now=now,
        media_id=media_id,
        by_code=by_code,
    )


async def append_safe_word(
    tx: Tx, keys: Keys, case_id: UUID, word: str, *, now: datetime, by_code: bool = False
) -> None:
    """Add a word by which whoever wrote the case is known again."""
    body = {"safe_word": word}
    await append(tx, keys, case_id, author="citizen", kind="safe_word", body=body, lang="", now=now, by_code=by_code)


async def put_words(
    tx: Tx, keys: Keys, case_id: UUID, words: Iterable[Words], *, lang: str, now: datetime, told: bool = False
) -> None:
    """Add a citizen's first words, each at the time it came. The first text is the story unless that is `told`."""
    for word in words:
        at = datetime.fromisoformat(word["at"]) if "at" in word else now
        if word.get("said"):
            said = Said.from_json(word["said"])
            by = word["staff"] if said.message.get("text") else None
            await append_said(tx, keys, case_id, said, now=at, by=by)
        elif word.get("staff") and word["text"]:  # of before what is told was kept as it was told
            await append(
                tx,
                keys,
                case_id,
                author="staff",
                kind=word["kind"],
                body=word["text"],
                lang="",
                now=at,
                staff_id=UUID(word["staff"]),
            )
        elif word.get("text"):
            kind = "more" if told else "story"
            told = True
            await append(tx, keys, case_id, author="citizen", kind=kind, body=word["text"], lang=lang, now=at)
        if word.get("location"):
            lat, lon = word["location"]
            point = {"lat": lat, "lon": lon}
            await append(tx, keys, case_id, author="citizen", kind="location", body=point, lang=lang, now=at)
        if word.get("safe_word"):
            await append_safe_word(tx, keys, case_id, word["safe_word"], now=at)


async def append_note(tx: Tx, keys: Keys, case_id: UUID, text: str, *, actor: Actor, now: datetime) -> None:
    """Add somebody's line for colleagues."""
    await append(tx, keys, case_id, author="staff", kind="note", body=text, lang="", now=now, staff_id=staff_id(actor))


async def forget(tx: Tx, case_id: UUID) -> None:
    """Everything that was said in a case whose words went behind the protected door."""
    await tx.execute("DELETE FROM case_items WHERE case_id = %s", (case_id,))


_READ: LiteralString = """
SELECT i.id, i.at, i.author, s.name AS staff, i.kind, i.body, i.media_id, m.content_type, i.lang, i.verb, i.outbox_id,
    CASE WHEN o.error = 'told:sms' OR (o.missed AND o.state IN ('sent', 'delivered', 'read')
            AND split_part(o.template, ':', 1) NOT IN ('acknowledged', 'done')) THEN 'noticed'
        WHEN o.error LIKE 'not_reached:%%' THEN 'unreached' ELSE o.state END AS sent, o.sent_at, o.error, i.by_code
FROM case_items i LEFT JOIN staff s ON s.id = i.staff_id LEFT JOIN media m ON m.id = i.media_id
LEFT JOIN outbox_of_cases o ON o.id = i.outbox_id WHERE i.case_id = %s"""


async def read(conn: Conn, keys: Keys, case_id: UUID) -> list[Entry]:
    """What was said in a case, oldest first."""
    rows = await fetch_all(conn, _READ + " ORDER BY i.at, i.id", (case_id,))
    return [_open(row, keys.get_json(row["body"], body_bound_to(row["id"])) if row["body"] else {}) for row in rows]


async def find(conn: Conn, case_id: UUID, item_id: UUID) -> Entry | None:
    """One thing said, without its words; None where the case has none such."""
    row = await fetch_one(conn, _READ + " AND i.id = %s", (case_id, item_id))
    return None if row is None else _open(row, {})


def _open(row: dict[str, Any], body: dict[str, Any]) -> Entry:
    del row["body"]
    said = Said(row["verb"], body, row["lang"], row["outbox_id"]) if row["kind"] == "said" else None
    return Entry(
        **row,
        text=said.shown() if said else body.get("text"),
        location=(body["lat"], body["lon"]) if "lat" in body else None,
        safe_word=body.get("safe_word"),
        message=said.message if said else None,
    )
