"""Photos and voice notes: rows that wait for their bytes, what became of them, and where these are bound to."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, LiteralString
from uuid import UUID

from store import channels, hours, kinds, sounds, vcards
from store.brief import gone_before, older_than
from store.crypto import Keys, Unopened
from store.database import Auto, Conn, Tx, fetch_all, fetch_one


@dataclass(slots=True, kw_only=True)
class Waiting(channels.Carried):
    """A file that is to be fetched through its channel; `source` is the provider's address, encrypted."""

    id: UUID
    contact_id: UUID
    lang: str  # of who sent it
    content_type: str
    source: bytes | None
    attempts: int


@dataclass(slots=True)
class Held:
    """A file whose row this transaction holds; `content` is encrypted, None until it was fetched; `fault` why never."""

    id: UUID
    case_id: UUID | None  # of an ordinary case or a card
    sealed_case_id: UUID | None
    content_type: str
    content: bytes | None
    fault: str | None
    inbox_id: UUID | None  # the message it came with, where that came just now


@dataclass(frozen=True, slots=True)
class File:
    """What is known of a file without its bytes: `state` is waiting, kept or failed, `fault` why it failed.

    `bytes` and `seconds` are None where it is not here, or does not say.
    """

    id: UUID
    case_id: UUID
    content_type: str
    state: str
    fault: str | None
    bytes: int | None
    seconds: float | None
    created_at: datetime

    @property
    def kind(self) -> str:
        """The type without its parameters, in small letters."""
        return kinds.plain(self.content_type)


# The lease is the next due time: two chores never fetch one file, and one that dies is followed by another.
_CLAIM: LiteralString = """
WITH due AS (SELECT id FROM media WHERE state = 'waiting' AND due_at <= now()
             ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
UPDATE media m SET attempts = m.attempts + 1, due_at = now() + interval '2 minutes' * power(2, m.attempts)
FROM due, contacts c, channels h WHERE m.id = due.id AND c.id = m.contact_id AND h.id = c.channel_id
RETURNING m.id, m.contact_id, c.lang, m.content_type, m.source, m.attempts, {channel}""".replace(
    "{channel}", channels.CARRIED
)


def bound_to(column: Literal["source", "content", "sealed"], media_id: UUID) -> str:
    """Where the provider's address, the bytes or the id of a sealed case are bound to; see store.crypto."""
    return f"media|{column}|{media_id}"


async def note(
    tx: Tx,
    keys: Keys,
    media_id: UUID,
    *,
    contact_id: UUID,
    content_type: str,
    url: str,
    case_id: UUID | None = None,
    sealed_case_id: UUID | None = None,
    inbox_id: UUID | None = None,
    fault: str = "",
) -> None:
    """Note a file that waits to be fetched from the provider, for an ordinary case (or kept story) or a sealed one.

    One that belongs to nothing yet is fetched all the same, and noted again with where it belongs. With a `fault` it is
    known already that there is none to be kept.
    """
    await tx.execute(
        "INSERT INTO media (id, contact_id, case_id, sealed_box, content_type, source, inbox_id, state, fault)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO UPDATE"
        " SET case_id = CASE WHEN excluded.sealed_box IS NULL THEN coalesce(excluded.case_id, media.case_id) END,"
        " sealed_box = coalesce(excluded.sealed_box, media.sealed_box)",
        (
            media_id,
            contact_id,
            case_id,
            sealed_case_id and _close_sealed(keys, media_id, sealed_case_id),
            content_type,
            None if fault else keys.encrypt(url.encode(), bound_to("source", media_id)),
            inbox_id,
            "failed" if fault else "waiting",
            fault or None,
        ),
    )


async def delete(tx: Tx, media_id: UUID) -> None:
    """A row that stayed would say for ever which phone has a protected case."""
    await tx.execute("DELETE FROM media WHERE id = %s", (media_id,))


async def delete_of(tx: Tx, case_id: UUID) -> None:
    """Every file of a kept story that is to be forgotten."""
    await tx.execute("DELETE FROM media WHERE case_id = %s", (case_id,))


async def is_any_due(conn: Conn) -> bool:
    """Whether a file waits to be fetched now."""
    return await fetch_one(conn, "SELECT 1 FROM media WHERE state = 'waiting' AND due_at <= now() LIMIT 1") is not None


async def claim(conn: Conn, most: int) -> list[Waiting]:
    """Take up to `most` files that wait to be fetched, for two minutes; longer each time it fails."""
    return await fetch_all(conn, _CLAIM, (most,), of=Waiting)


async def kept_of_sealed(conn: Conn, most: int) -> list[UUID]:
    """Files that were kept, or given up, in the ordinary way before their story was sealed."""
    rows = await fetch_all(
        conn,
        "SELECT id FROM media WHERE state <> 'waiting' AND (sealed_box IS NOT NULL OR sealed_case_id IS NOT NULL)"
        " ORDER BY sealed_box DESC LIMIT %s",
        (most,),
    )
    return [row["id"] for row in rows]


async def waiting_of_sealed(conn: Conn, keys: Keys, sealed_case_id: UUID) -> list[str]:
    """The types of the files that are still to be sealed into a protected case, oldest first."""
    rows = await fetch_all(
        conn,
        "SELECT id, content_type, sealed_box, sealed_case_id FROM media"
        " WHERE sealed_box IS NOT NULL OR sealed_case_id IS NOT NULL ORDER BY created_at, id",
    )
    return [row["content_type"] for row in rows if _goes_to(keys, row, sealed_case_id)]


async def erase_of_sealed(tx: Tx, keys: Keys, sealed_case_id: UUID) -> None:
    """The files that still wait to be sealed into a protected case that is erased."""
    rows = await fetch_all(tx, "SELECT id, sealed_box, sealed_case_id FROM media WHERE sealed_box IS NOT NULL")
    gone = [row["id"] for row in rows if _goes_to(keys, row, sealed_case_id)]
    await tx.execute("DELETE FROM media WHERE id = ANY(%s)", (gone,))


def _close_sealed(keys: Keys, media_id: UUID, sealed_case_id: UUID) -> bytes:
    """To which sealed case a file goes, as long as it has not gone there: beside it stands whose it is."""
    return keys.encrypt_brief(sealed_case_id.bytes, bound_to("sealed", media_id))


def _open_sealed(keys: Keys, row: dict[str, Any]) -> UUID | None:
    if row["sealed_box"] is not None:
        return UUID(bytes=keys.decrypt(row["sealed_box"], bound_to("sealed", row["id"])))
    of_before: UUID | None = row["sealed_case_id"]
    return of_before


def _goes_to(keys: Keys, row: dict[str, Any], sealed_case_id: UUID) -> bool:
    try:
        return _open_sealed(keys, row) == sealed_case_id
    except Unopened:
        return False


# What is said of a file is an answer for so long as its sender may still hold the phone; later quiet hours hold it.
_HELD: LiteralString = """
SELECT id, case_id, sealed_case_id, sealed_box, content_type, content, fault,
    CASE WHEN created_at > now() - interval '10 minutes' THEN inbox_id END AS inbox_id
FROM media WHERE id = %s FOR UPDATE"""


async def hold(tx: Tx, keys: Keys, media_id: UUID) -> Held | None:
    """A file's row, held. Raises `Unopened` where it is not known any more to which protected case it goes."""
    row = await fetch_one(tx, _HELD, (media_id,))
    if row is None:
        return None
    sealed = _open_sealed(keys, row)
    del row["sealed_box"]
    return Held(**{**row, "sealed_case_id": sealed})


async def keep(tx: Tx, keys: Keys, media_id: UUID, content: bytes, content_type: str) -> None:
    """Keep a fetched file, encrypted, and forget where it came from. Until it is a case's its words are brief."""
    box = keys.encrypt_brief(content, bound_to("content", media_id))
    await tx.execute(
        "UPDATE media SET state = 'kept', source = NULL, content = %s, hour = %s, content_type = %s, bytes = %s,"
        " seconds = %s WHERE id = %s",
        (
            box,
            hours.of_box(box),
            content_type,
            len(content),
            sounds.seconds(content, content_type),
            media_id,
        ),
    )


async def give_up(tx: Tx, media_id: UUID, fault: str) -> None:
    """There is no file to be had: gone, of no kind we keep, too large (size), or unreachable. See migration 0009."""
    await tx.execute("UPDATE media SET state = 'failed', source = NULL, fault = %s WHERE id = %s", (fault, media_id))


_FILE: LiteralString = (
    "SELECT id, case_id, content_type, state, fault, bytes, seconds, created_at FROM media WHERE case_id = ANY(%s)"
)


async def list_of(conn: Conn, case_ids: Collection[UUID]) -> dict[UUID, list[File]]:
    """The files of ordinary cases and kept cards, by their id, oldest first; [] for one without."""
    found: dict[UUID, list[File]] = {one: [] for one in case_ids}
    for file in await fetch_all(conn, _FILE + " ORDER BY created_at, id", (list(found),), of=File):
        found[file.case_id].append(file)
    return found


async def find(conn: Conn, case_id: UUID, media_id: UUID) -> File | None:
    """A file of this case or card, or None."""
    return await fetch_one(conn, _FILE + " AND id = %s", ([case_id], media_id), of=File)


async def read(conn: Conn, keys: Keys, media_id: UUID) -> bytes | None:
    """The bytes of a file, None where they are not here."""
    row = await fetch_one(conn, "SELECT content FROM media WHERE id = %s AND content IS NOT NULL", (media_id,))
    return None if row is None else _read(keys, row["content"], media_id)


def _read(keys: Keys, box: bytes, media_id: UUID) -> bytes | None:
    try:
        return keys.decrypt(box, bound_to("content", media_id))
    except Unopened:  # a restore brought it without the key of its hour
        return None


async def read_cards(conn: Conn, keys: Keys, files: Iterable[File]) -> dict[UUID, str]:
    """What contact cards among these files say, by the file's id; they stand nowhere but in the file itself."""
    cards = [file.id for file in files if file.kind == "text/vcard" and (file.bytes or 0) <= vcards.BYTES_MOST]
    rows = await fetch_all(conn, "SELECT id, content FROM media WHERE id = ANY(%s) AND content IS NOT NULL", (cards,))
    opened = {row["id"]: _read(keys, row["content"], row["id"]) for row in rows}
    return {one: vcards.read(content) for one, content in opened.items() if content is not None}


async def hand_over(tx: Tx, keys: Keys, case_id: UUID, sealed_case_id: UUID) -> None:
    """What belonged to an ordinary case or a kept story belongs to a protected one now, and waits to be sealed."""
    for row in await fetch_all(tx, "SELECT id FROM media WHERE case_id = %s", (case_id,)):
        await tx.execute(
            "UPDATE media SET sealed_box = %s, case_id = NULL WHERE id = %s",
            (_close_sealed(keys, row["id"], sealed_case_id), row["id"]),
        )


async def renew(auto: Auto, keys: Keys, now: datetime) -> int:
    """A file of a case is kept with the case; one that still waits for somebody is put under a younger key."""
    rows = await fetch_all(
        auto,
        "SELECT id, EXISTS (SELECT FROM cases WHERE cases.id = media.case_id) AS settled FROM media"
        " WHERE hour < %s OR (hour IS NOT NULL AND EXISTS (SELECT FROM cases WHERE cases.id = media.case_id))"
        " OR (sealed_box >= %s AND sealed_box < %s)",
        (hours.oldest(now), *older_than(now).values()),
    )
    for row in rows:
        one, settled = row["id"], row["settled"]
        held = await fetch_one(auto, "SELECT content, sealed_box FROM media WHERE id = %s", (one,)) or {}
        content, sealed = held.get("content"), held.get("sealed_box")
        if content is not None:
            content = _move_on(keys, content, bound_to("content", one), now, settled=settled) or content
        await auto.execute(
            "UPDATE media SET content = %s, hour = %s, sealed_box = %s"
            " WHERE id = %s AND sealed_box IS NOT DISTINCT FROM %s",
            (
                content,
                content and hours.of_box(content),
                sealed and keys.renew(sealed, bound_to("sealed", one), now),
                one,
                sealed,
            ),
        )
    return len(rows)


async def forget(auto: Auto, now: datetime) -> int:
    """Files go that nobody here opens any more: a restore brought them without the keys of their hours. How many."""
    gone = await auto.execute(
        "DELETE FROM media WHERE hour < %(hour)s OR (sealed_box >= %(from)s AND sealed_box < %(to)s)",
        {"hour": hours.oldest_key(now), **gone_before(now)},
    )
    return gone.rowcount


def _move_on(keys: Keys, box: bytes, place: str, now: datetime, *, settled: bool) -> bytes | None:
    if not settled:
        return keys.renew(box, place, now)
    try:
        return keys.encrypt(keys.decrypt(box, place), place)
    except Unopened:
        return None


async def join(tx: Tx, card_id: UUID, case_id: UUID) -> None:
    """What came with a kept card belongs to the case that its words went into."""
    await tx.execute("UPDATE media SET case_id = %s WHERE case_id = %s", (case_id, card_id))


@dataclass(frozen=True, slots=True)
class Source:
    """A file that goes; `source` is the provider's address, encrypted, None where its copy was deleted."""

    id: UUID
    channel_id: UUID
    source: bytes | None


async def erase(tx: Tx, contact_ids: Collection[UUID], case_ids: Collection[UUID]) -> list[Source]:
    """These people's files, and those of these cases and cards, go. Returns what they were."""
    return await fetch_all(
        tx,
        "DELETE FROM media m USING contacts c WHERE c.id = m.contact_id"
        " AND (m.contact_id = ANY(%s) OR m.case_id = ANY(%s)) RETURNING m.id, c.channel_id, m.source",
        (list(contact_ids), list(case_ids)),
        of=Source,
    )
