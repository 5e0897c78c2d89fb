"""How an office, or a supervisor of the desk, is reached: numbers and addresses, encrypted, one of each kind."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from cases.lifecycle import Refused
from locales.channels import CHANNELS
from store import contacts
from store.crypto import Keys
from store.database import Conn, Tx, fetch_all, fetch_one, new_id

KINDS = ("whatsapp", "email", "sms")  # in the order in which a link goes; its code goes the other way
LANGS = ("ur", "en")
PIN_DIGITS = 6

_NUMBER = re.compile(r"\+[1-9][0-9]{7,14}")
_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}")
# Of our own numbers, which can carry a message to a way of this kind.
_CARRIES = {
    kind: tuple(name for name in CHANNELS if name == kind or (kind == "sms" and name == "gateway"))
    for kind in KINDS
    if kind != "email"
}


@dataclass(frozen=True, slots=True)
class Way:
    """One way to an office or a supervisor. Shows no address."""

    id: UUID
    kind: str
    lang: str
    address_tag: bytes
    address_box: bytes
    added_at: datetime


_WAY: LiteralString = "SELECT id, kind, lang, address_tag, address_box, added_at FROM ways WHERE ended_at IS NULL AND "


def bound_to(way_id: UUID) -> str:
    """Where an address is bound to; see store.crypto."""
    return f"ways|address_box|{way_id}"


def address(keys: Keys, way: Way) -> str:
    return keys.decrypt(way.address_box, bound_to(way.id)).decode()


async def of_office(conn: Conn, office_id: UUID) -> list[Way]:
    """In the order in which they are tried."""
    return _in_order(await fetch_all(conn, _WAY + "office_id = %s", (office_id,), of=Way))


async def of_staff(conn: Conn, staff_id: UUID) -> list[Way]:
    return _in_order(await fetch_all(conn, _WAY + "staff_id = %s", (staff_id,), of=Way))


def _in_order(found: Sequence[Way]) -> list[Way]:
    return sorted(found, key=lambda way: KINDS.index(way.kind))


def choose_second(ways: Sequence[Way], first: Way) -> Way | None:
    """The way that a code goes by whose link goes by the first: to another address where there is one."""
    others = [way for way in ways if way.id != first.id]
    return min(others, key=lambda way: way.address_tag == first.address_tag, default=None)


async def put(
    tx: Tx,
    keys: Keys,
    *,
    kind: str,
    address: str,
    now: datetime,
    office_id: UUID | None = None,
    staff_id: UUID | None = None,
    lang: str = "ur",
) -> None:
    """Set the way of this kind; the one before it ends. Raises `Refused` for what is no such address."""
    typed = re.sub(r"[\s()-]", "", address) if kind != "email" else address.strip()
    if kind not in KINDS or lang not in LANGS or not (_MAIL if kind == "email" else _NUMBER).fullmatch(typed):
        raise Refused("way_unusable")
    tag = keys.tag("way", "email" if kind == "email" else "phone", typed.lower())
    there = await fetch_one(
        tx,
        "SELECT id FROM ways WHERE kind = %s AND (office_id = %s OR staff_id = %s) AND ended_at IS NULL"
        " AND address_tag = %s AND lang = %s",
        (kind, office_id, staff_id, tag, lang),
    )
    if there is not None:
        return
    await end(tx, kind=kind, now=now, office_id=office_id, staff_id=staff_id)
    way_id = new_id()
    await tx.execute(
        "INSERT INTO ways (id, office_id, staff_id, kind, address_tag, address_box, lang, added_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (way_id, office_id, staff_id, kind, tag, keys.encrypt(typed.encode(), bound_to(way_id)), lang, now),
    )


async def end(tx: Tx, *, kind: str, now: datetime, office_id: UUID | None = None, staff_id: UUID | None = None) -> None:
    """Nothing goes this way any more."""
    await tx.execute(
        "UPDATE ways SET ended_at = %s WHERE kind = %s AND (office_id = %s OR staff_id = %s) AND ended_at IS NULL",
        (now, kind, office_id, staff_id),
    )


# ── the PIN ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def new_code() -> str:
    """Six digits that nobody chose."""
    return f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}}"


def tag_pin(keys: Keys, office_id: UUID, pin: str) -> bytes:
    """What a PIN is compared by: a keyed hash, since a dump of six digits would be tried in a second."""
    return keys.tag("office-pin", str(office_id), pin)


# ── by our own numbers ───────────────────────────────────────────────────────────────────────────────────────────────
async def find_contact(tx: Tx, keys: Keys, way: Way, district_id: str) -> UUID | None:
    """The contact that a message to this way goes to, made where there is none.

    None where the district has no number of ours that could carry it.
    """
    own: Any = await fetch_one(
        tx,
        "SELECT id, kind, address FROM channels WHERE district_id = %s AND kind = ANY(%s) AND retired_at IS NULL"
        " ORDER BY kind = %s DESC, address LIMIT 1",
        (district_id, list(_CARRIES[way.kind]), way.kind),
    )
    if own is None:
        return None
    to = address(keys, way)
    tag = contacts.tag(keys, own["kind"], own["address"], to)
    await contacts.make(tx, keys, id=new_id(), channel_id=own["id"], tag=tag, address=to)
    found: Any = await fetch_one(
        tx, "SELECT id FROM contacts WHERE channel_id = %s AND address_tag = %s", (own["id"], tag)
    )
    contact_id: UUID = found["id"]
    return contact_id
