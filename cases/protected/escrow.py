"""The escrow: what opens a case that has lost its readers. Two people bring its private half, and say why.

The private half is given for one act and kept nowhere. Who did it, for what and why stands in the audit before a word
is opened, and every live reader is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from cases.lifecycle import Refused
from cases.protected import admitting, notices, reading, recipients, roster
from cases.protected.reading import Item
from store import alarms, audit
from store.crypto import ESCROW, Keys, reader_of
from store.database import Tx, fetch_all, fetch_one

FEW = 2  # live readers: with fewer a case is one password away from being closed for good
REASON_LEAST, REASON_MOST = 10, 300  # letters


class Denied(ValueError):
    """Why the escrow stays shut: one line."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Two people, one reason, and the escrow's private half."""

    people: tuple[str, str]
    reason: str
    private: bytes

    @classmethod
    def read(cls, keys: Keys, people: Sequence[str], reason: str, private: str) -> Opening:
        """Raises `Denied`."""
        names = [" ".join(one.split()) for one in people]
        if len(names) != 2 or not all(names):
            raise Denied("the escrow is opened by two people: name both")
        if names[0].casefold() == names[1].casefold():
            raise Denied(f"two people open the escrow, and {names[0]!r} is one")
        reason = " ".join(reason.split())
        if not REASON_LEAST <= len(reason) <= REASON_MOST:
            raise Denied(f"say why, in {REASON_LEAST} to {REASON_MOST} letters: it stands in the audit for good")
        try:
            key = bytes.fromhex(private.strip())
            public = reader_of(key)
        except ValueError:
            raise Denied("the escrow's private half is 64 hexadecimal digits") from None
        if public != keys.escrow_public:
            raise Denied("this is the private half of another escrow than what is sealed here is sealed to")
        return cls((names[0], names[1]), reason, key)

    @property
    def who(self) -> str:
        return " + ".join(self.people)


async def open_case(tx: Tx, opening: Opening, case_id: UUID) -> list[Item]:
    """Read one case, oldest item first. Raises `Denied` where there is none."""
    if await fetch_one(tx, "SELECT 1 FROM sealed.cases WHERE id = %s", (case_id,)) is None:
        raise Denied(f"there is no protected case {case_id}")
    await _write_down(tx, opening, "open", case_id)
    await _tell(tx, opening, "open", case_id)
    rows = await admitting.read_wrapped(tx, case_id, ESCROW, reader_of(opening.private))
    return [reading.open_row(row, case_id, opening.private) for row in rows]


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """What became of one case: who reads it since, or why nobody does ("" where all is well)."""

    case_id: UUID
    readers: tuple[UUID, ...]
    why: str


async def rewrap(tx: Tx, keys: Keys, opening: Opening) -> list[Rewrapped]:
    """Give the cases with fewer than two live readers to the live readers, but to nobody of an accused office."""
    live = recipients.of_keys(await roster.readers(tx))
    rows = await fetch_all(
        tx, "SELECT id, district_id FROM sealed.cases WHERE status <> 'closed' ORDER BY id FOR UPDATE"
    )
    done = []
    for row in rows:
        listed = await recipients.read(tx, keys, row["id"])
        alive = {one: mark for one, mark in listed.items() if live.get(one) == mark}
        if len(alive) >= FEW:
            continue
        await _write_down(tx, opening, "rewrap", row["id"])
        wrapped = await admitting.read_wrapped(tx, row["id"], ESCROW, reader_of(opening.private))
        fit = await roster.readers(tx, row["district_id"])
        missing = [one for one in fit if one not in alive]
        try:
            added = await admitting.add(
                tx, keys, row["id"], row["district_id"], alive, missing, wrapped, opening.private
            )
        except Refused:
            done.append(Rewrapped(row["id"], tuple(alive), "the escrow does not open all of it"))
            continue
        now = (*alive, *added)
        done.append(Rewrapped(row["id"], now, "" if len(now) >= FEW else "too few live readers"))
    if done:
        await _tell(tx, opening, "rewrap", done[0].case_id)
    return done


async def _write_down(tx: Tx, opening: Opening, act: str, case_id: UUID) -> None:
    await audit.write(tx, "operator", f"escrow.{act}: {opening.who}: {opening.reason}", str(case_id))


async def _tell(tx: Tx, opening: Opening, act: str, case_id: UUID) -> None:
    """`case_id` is the first of several."""
    await notices.tell(tx, await roster.readers(tx), "escrow", about=opening.who, mark=f"{act} {case_id}")
    await alarms.sound(tx, "protected_escrow_opened", act=act)
