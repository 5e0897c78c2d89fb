"""Let one more reader, or a new key of one, into a case: another reader does, with their own key at hand.

Nobody resets a way into what was sealed before: not an operator, not the trustee, not the person whose key is new.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cases.lifecycle import Refused
from cases.protected import notices, recipients, register, roster, vault
from cases.protected.vault import Wrap
from store import alarms, audit
from store.crypto import Keys, Unopened, fingerprint, open_item, reader_of, rewrap
from store.database import Tx, fetch_all, fetch_one


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A live reader who cannot open a case; `again`: they could, with the key they had before."""

    id: UUID
    login: str
    name: str
    again: bool


async def waiting(tx: Tx, keys: Keys, case_id: UUID, district_id: str) -> list[Newcomer]:
    """The live readers who are none of this case with the key they have. Who is conflicted is told by the act alone."""
    listed = await recipients.read(tx, keys, case_id)
    live = recipients.of_keys(await roster.readers(tx, district_id))
    rows = await fetch_all(
        tx,
        "SELECT id, login, name FROM staff WHERE id = ANY(%s) ORDER BY login",
        ([one for one, mark in live.items() if listed.get(one) != mark],),
    )
    return [Newcomer(row["id"], row["login"], row["name"], row["id"] in listed) for row in rows]


async def again(tx: Tx, staff_id: UUID) -> dict[UUID, list[UUID]]:
    """The cases of a reader that others could open with the key they had before, by those others."""
    live = recipients.of_keys(await roster.readers(tx))
    # Nearly all cases have the same readers with the same keys: the list is told apart before a case is looked at.
    lists = await fetch_all(
        tx,
        "SELECT DISTINCT recipients, recipient_keys FROM sealed.cases WHERE %s = ANY(recipients)",
        (staff_id,),
    )
    found: dict[UUID, list[UUID]] = {}
    for row in lists:
        pairs = zip(row["recipients"], row["recipient_keys"], strict=False)
        others = [one for one, mark in pairs if one != staff_id and one in live and live[one] != mark]
        if others:
            ids = await fetch_all(
                tx,
                "SELECT id FROM sealed.cases WHERE recipients = %s AND recipient_keys = %s",
                (row["recipients"], row["recipient_keys"]),
            )
            for one in others:
                found.setdefault(one, []).extend(case["id"] for case in ids)
    for cases in found.values():
        cases.sort()
    return found


async def admit(tx: Tx, keys: Keys, case_id: UUID, newcomer: UUID, *, staff_id: UUID, private_key: bytes) -> int:
    """Let a live reader read a case, the old words too. Returns how many items they open now.

    Raises `Refused` for who is no reader with this key, for a newcomer whom the roster does not vouch for, and for one
    whom an accused office reaches.
    """
    case = await fetch_one(tx, "SELECT district_id FROM sealed.cases WHERE id = %s FOR UPDATE", (case_id,))
    listed = await recipients.read(tx, keys, case_id) if case else {}
    if case is None or listed.get(staff_id) != fingerprint(reader_of(private_key)):
        raise Refused("not_allowed")
    await audit.write(tx, str(staff_id), f"protected.admit:{newcomer}", str(case_id))
    rows = await read_wrapped(tx, case_id, str(staff_id), reader_of(private_key))
    added = await add(tx, keys, case_id, case["district_id"], listed, (newcomer,), rows, private_key)
    if newcomer not in added:
        raise Refused("conflicted" if newcomer in await roster.readers(tx, case["district_id"]) else "not_vouched")
    login = await fetch_one(tx, "SELECT login FROM staff WHERE id = %s", (newcomer,))
    told = [one for one in (*listed, newcomer) if one != staff_id]
    await notices.tell(tx, told, "admitted", about=login["login"] if login else "", mark=str(case_id))
    await alarms.sound(tx, "protected_admitted", staff=str(newcomer), by=str(staff_id))
    return len(rows)


async def read_wrapped(tx: Tx, case_id: UUID, reader: str, public: bytes) -> list[dict[str, Any]]:
    """{"id", "blob", "wrap"} of each item that this key of a reader (or of the escrow) was sealed to."""
    return await fetch_all(
        tx,
        "SELECT DISTINCT ON (i.seq) i.id, i.blob, w.wrap FROM sealed.items i JOIN sealed.wraps w ON w.item_id = i.id"
        " WHERE i.case_id = %s AND w.reader = %s AND w.key IN (%s, '') ORDER BY i.seq, w.key DESC",
        (case_id, reader, fingerprint(public)),
    )


async def add(  # noqa: PLR0917 - what both who admit have in hand
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    district_id: str,
    listed: dict[UUID, str],
    newcomers: Iterable[UUID],
    rows: list[dict[str, Any]],
    private_key: bytes,
) -> dict[UUID, bytes]:
    """Wrap what a private key opens for those of the newcomers who may have it. Returns these, with their keys.

    Whom the words are about is read in them: who sits there, above or below gets none. Raises `Refused` where the key
    opens not all of it.
    """
    try:
        known = [
            json.loads(open_item(row["blob"], row["wrap"], private_key, str(case_id), str(row["id"]))) for row in rows
        ]
    except Unopened:
        raise Refused("unreadable") from None
    accused = [UUID(office) for item in known for office in item["data"].get("accused", ())]
    fit = await vault.unconflicted(tx, district_id, accused)
    added = {one: fit[one] for one in newcomers if one in fit}
    await vault.put_wraps(
        tx,
        [
            Wrap(row["id"], str(one), public, rewrap(row["wrap"], private_key, public))
            for one, public in added.items()
            for row in rows
        ],
    )
    await register.set_recipients(tx, keys, case_id, {**listed, **recipients.of_keys(added)})
    return added
