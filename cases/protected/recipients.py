"""Who reads a case: ids and fingerprints of keys, bound to the case by the house's key.

A list that was changed in the database does not hold: what comes then is sealed to the escrow alone, with an alarm,
rather than to a reader whom nobody has let in.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from uuid import UUID

from cases.lifecycle import Refused
from store import alarms
from store.crypto import Keys, fingerprint
from store.database import Tx, fetch_one


def of_keys(readers: Mapping[UUID, bytes]) -> dict[UUID, str]:
    """Readers with their public keys, as the list of a case keeps them."""
    return {one: fingerprint(key) for one, key in readers.items()}


def bind(keys: Keys, case_id: UUID, recipients: Mapping[UUID, str]) -> bytes:
    """What binds a list to its case. Nobody without the house's key makes one."""
    said = "\x1f".join((str(case_id), *(f"{one}={mark}" for one, mark in sorted(recipients.items()))))
    return hmac.new(keys.derive("recipients"), said.encode(), hashlib.sha256).digest()


async def read(tx: Tx, keys: Keys, case_id: UUID) -> dict[UUID, str]:
    """A case's readers with the fingerprint of the key they were let in with; nobody where the list was changed.

    Raises `Refused` where there is no such case.
    """
    row = await fetch_one(tx, "SELECT * FROM sealed.readers_of(%s)", (case_id,))
    if row is None:
        raise Refused("case_unknown")
    listed = dict(zip(row["recipients"], row["recipient_keys"], strict=False))
    whole = len(row["recipients"]) == len(row["recipient_keys"]) == len(listed)
    if whole and hmac.compare_digest(bind(keys, case_id, listed), bytes(row["mac"] or b"")):
        return listed
    await alarms.sound(tx, "protected_readers_changed", once=("what",), what="recipients")
    return {}
