"""A trustee of the tests, who signs whom a test has hired."""

from __future__ import annotations

from cases.protected import roster
from cases.protected.signing import Roster, Signed, Trust
from store.database import Database
from store.signatures import sign, signer_of

TRUSTEE = bytes(range(32))


def signed(made: Roster, *privates: bytes) -> Signed:
    text = made.write()
    return Signed(text, {signer_of(one).hex(): sign(one, text.encode()).hex() for one in privates or (TRUSTEE,)})


async def vouch(db: Database) -> Roster:
    """Everybody who is a protected handler here, but the demo's, is one by the trustee's word."""
    async with db.transaction("custody") as tx:
        if False not in await roster.read(tx):
            await roster.pin(tx, Trust((signer_of(TRUSTEE),), 1))
        return await roster.load(tx, signed(await roster.draft(tx)))
