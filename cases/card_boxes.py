"""A card of the sorting list as it is stored, under the key of an hour, and opened again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from cases import readable
from cases.calendar import day_of
from cases.lifecycle import Refused
from cases.readable import Message
from cases.thread import Said
from store.crypto import Keys, Unopened


@dataclass(frozen=True, slots=True)
class Kept:
    """One row of the list, opened. `words` are {"at", "text"} or {"at", "location"}; `answers` came later.

    Words of ours have "by", a name, besides, and "staff", an id; what was told has "said".
    """

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
    state: str = "waiting"  # waiting, answered, call, dismissed, locked
    state_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """A card whose keys are gone: where and when it came, and what was sealed of it."""

    district_id: str
    received_at: datetime
    copies: list[bytes]


def bound_to(column: str, sorting_id: UUID) -> str:
    return f"sorting|{column}|{sorting_id}"


def close_code(keys: Keys, sorting_id: UUID, code: str) -> tuple[bytes, bytes]:
    """A code as it is stored: what it is found by, and itself, both under the key of the hour.

    In clear it would name, for good and beside its phone, the sealed case that a card may become.
    """
    return keys.brief_tag("card", code), keys.encrypt_brief(code.encode(), bound_to("code", sorting_id))


def tags(keys: Keys, code: str) -> list[bytes]:
    """What the card of this code may be found by."""
    return keys.brief_tags("card", code)


def open_code(keys: Keys, sorting_id: UUID, box: bytes) -> str:
    return keys.decrypt(box, bound_to("code", sorting_id)).decode()


def open_all(keys: Keys, row: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any], str]:
    """(words, answers, code) of a row."""
    one = row["id"]
    return (
        keys.get_json(row["words"], bound_to("words", one)),
        keys.get_json(row["answers"], bound_to("answers", one)) if row["answers"] is not None else {},
        row["code"] or open_code(keys, one, row["code_box"]),
    )


def open_rows(keys: Keys, rows: Iterable[Mapping[str, Any]]) -> list[Kept]:
    """Those that open: what a restore brought without the key of its hour goes where `sorting.take_lost` says."""
    opened = []
    for row in rows:
        with suppress(Refused):
            opened.append(open_row(keys, row))
    return opened


def open_row(keys: Keys, row: Mapping[str, Any]) -> Kept:
    """Raises `Refused` where the key of its hour is gone."""
    try:
        words, answers, code = open_all(keys, row)
    except Unopened:
        raise Refused("gone") from None
    opened: dict[str, Any] = {"words": words, "answers": answers, "code": code}
    return Kept(**{name: row[name] for name in Kept.__slots__ if name not in opened}, **opened)


def open_told(keys: Keys, sorting_id: UUID, box: bytes) -> list[Message]:
    """What stands at a card's number, oldest first: its `words` as they are kept."""
    kept = keys.get_json(box, bound_to("words", sorting_id))
    told = [(Said.from_json(word["said"]), datetime.fromisoformat(word["at"])) for word in kept if word.get("said")]
    standing = [readable.of(said.verb, said.message, day_of(at)) for said, at in told]
    return [message for message in standing if message is not None][-readable.MOST :]
