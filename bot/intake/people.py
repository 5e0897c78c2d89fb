"""Who hides their number stays who they are: what is noted when somebody is first seen under another name.

Both forms already have a contact where somebody wrote under their id first, and later under a number that was known
before. The number's is the one that goes on: its language, consents and STOP hold. The other's cases, kept cards,
open question and subscription move to it, so that one person is asked, told and stopped once; its past messages, and a
report that lay unfinished in its conversation, stay where they were written and end as any silence does. Nothing is
lost: what is owed there is sent to the same person.
"""

from __future__ import annotations

from uuid import UUID

import psycopg

from cases import register, sorting
from store import contacts, sessions
from store.jawab import Jawab


async def note(jawab: Jawab, contact_id: UUID, *, tag: bytes, person: bytes | None, address: str) -> None:
    """Note how this contact is reached now, and by which id the provider knows them. Rare: only what has changed."""
    try:
        async with jawab.db.transaction("intake") as tx:
            await contacts.note_reached(tx, jawab.keys, contact_id, tag=tag, person=person, address=address)
            for other in await contacts.list_twins(tx, contact_id) if person is not None else ():
                await register.pass_on(tx, other, contact_id)
                await sorting.pass_on(tx, other, contact_id)
                await sessions.pass_on(tx, other, contact_id)
                await contacts.pass_on(tx, other, contact_id)
    except psycopg.errors.UniqueViolation:
        return  # the number has just got a row of its own: whoever reads again finds that one
