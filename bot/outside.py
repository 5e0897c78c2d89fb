"""Outside the window: what is known of a row there, and what the ladder's step makes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from bot import ladder
from bot.channels import Channel, Fate, Outbound
from bot.ladder import Facts, Step
from cases import sorting
from locales import templates as texts
from locales.values import Value
from store import contacts, outbox, templates
from store.crypto import Keys
from store.database import Tx, fetch_all, fetch_one, new_id
from store.jawab import Jawab
from store.outbox import claims
from store.outbox.claims import Claimed, Outcome, outcome

_KNOWN = """
SELECT d.names AS district, extract(epoch FROM now() - c.knocked_at) AS knocked,
    (SELECT may_message FROM cases WHERE cases.id = %(case)s) AS may_message,
    (SELECT state FROM outbox WHERE notice_of = %(id)s) AS notice
FROM contacts c, districts d WHERE c.id = %(contact)s AND d.id = %(district)s"""
# Whoever is known to have written by SMS; not who did so behind the protected door alone: a case's page would tell.
_BY_SMS = """
SELECT c.id FROM contacts c JOIN channels h ON h.id = c.channel_id
JOIN unnest(%s::uuid[], %s::bytea[]) AS t (channel_id, tag) ON t.channel_id = h.id AND t.tag = c.address_tag
WHERE c.stopped_at IS NULL AND c.invalid_at IS NULL AND h.retired_at IS NULL
    AND (c.weekly_since IS NOT NULL OR EXISTS (SELECT FROM cases WHERE cases.contact_id = c.id)
        OR EXISTS (SELECT FROM sorting WHERE sorting.contact_id = c.id AND sorting.state <> 'locked'))
ORDER BY c.last_inbound_at DESC NULLS LAST LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Looked:
    """A row's facts, with what carries out whatever is chosen."""

    facts: Facts
    district: dict[str, str]
    sms: UUID | None  # the contact who is this person by SMS


async def climb(jawab: Jawab, row: Claimed, channel: Channel, made: Outbound) -> Outbound | Outcome:
    """The row as the template that it goes out as now, or what becomes of it instead; `made` is its own message.

    That it goes out is written before it does: whatever dies meanwhile, no template goes twice.
    """
    message = jawab.keys.get_json(row.message, outbox.bound_to(row.id))
    async with jawab.db.transaction("intake") as tx:
        looked = await _look(tx, jawab.keys, row, channel, message)
        step = ladder.choose(looked.facts)
        if step.way in {"template", "sms"} and not await contacts.knock(tx, row.contact_id):
            step = Step("park", why=ladder.ONE_A_DAY, wait=ladder.DAY)  # another process was faster
        if step.way == "template":
            await claims.note_template(tx, row, step.name, step.lang)
            row.template = f"{step.name}:{step.lang}"
            ready = looked.facts.ready[step.name, step.lang]
            values = texts.find_values(step.name, message, looked.district) or {}
            return as_template(made, step.name, step.lang, values, content=ready.content)
        if step.way == "sms" and looked.sms is not None:
            await _owe_notice(tx, jawab.keys, row, looked.sms)
        if step.way == "call":
            await sorting.call_back(tx, jawab.keys, row.contact_id, row.now)
        return outcome(row, "parked", step.why, due_in=step.wait, back=1)


async def amend(jawab: Jawab, row: Claimed, fate: Fate, came_to: Outcome) -> Outcome:
    """What an error of this fate makes of a row whose template was not taken, or may not have been.

    One that is not taken gives way to the next rung; another try of the same one is a first one.
    """
    if came_to.state in {"sent", "sending"}:
        return came_to
    async with jawab.db.transaction("intake") as tx:
        await miss(tx, row.contact_id, row.template or "", fate)
    if fate in {"park", "refused"}:
        return replace(came_to, state="parked", due_in=0.0)
    return replace(came_to, untold=True)


async def miss(tx: Tx, contact_id: UUID, template: str, fate: Fate) -> None:
    """A template did not reach its reader. One that the provider refuses is asked after before it is used again."""
    await contacts.unknock(tx, contact_id)
    if fate == "refused":
        name, _, lang = template.partition(":")
        await templates.doubt(tx, name, lang)


async def rebuild(jawab: Jawab, row: Claimed, made: Outbound) -> Outbound:
    """A row that may have gone out as a template, as it would have, to ask the provider after it."""
    name, lang = (row.template or "").split(":")
    message = jawab.keys.get_json(row.message, outbox.bound_to(row.id))
    async with jawab.db.autocommit("intake") as conn:
        found = await fetch_one(conn, "SELECT names FROM districts WHERE id = %s", (row.district_id,))
    values = texts.find_values(name, message, found["names"] if found else {}) or {}
    return as_template(made, name, lang, values)


def as_template(made: Outbound, name: str, lang: str, values: dict[str, Value], *, content: str = "") -> Outbound:
    """The same message as an approved text."""
    return Outbound(
        id=made.id,
        channel=made.channel,
        sender=made.sender,
        address=made.address,
        text=texts.render(name, lang, values),
        attempt=made.attempt,
        door=made.door,
        expires=made.expires,
        template=content,
        values=json.dumps(texts.number(name, lang, values), ensure_ascii=False),
    )


async def _look(tx: Tx, keys: Keys, row: Claimed, channel: Channel, message: dict[str, Any]) -> Looked:
    of = {"case": row.case_id, "id": row.id, "contact": row.contact_id, "district": row.district_id}
    known = await fetch_one(tx, _KNOWN, of)
    if known is None:
        raise LookupError(row.contact_id)
    case = row.edition_id is None
    purpose = texts.choose(message, row.purpose)
    if texts.find_values(purpose, message, known["district"]) is None:
        purpose = texts.NEUTRAL if case else ""
    sms = await _find_by_sms(tx, keys, row) if case and known["notice"] is None else None
    facts = Facts(
        purpose=purpose,
        lang=row.lang,
        ready=await templates.list_ready(tx, channel.templates) if channel.templates else {},
        tried=row.template.partition(":")[0] if row.template else None,
        followed=row.freed_at is not None,
        case=case,
        may=known["may_message"] is not False,
        knocked=float(known["knocked"]) if known["knocked"] is not None else None,
        sms=sms is not None,
        notice=known["notice"],
        call=case and await sorting.wants_call(tx, keys, row.contact_id),
    )
    return Looked(facts, known["district"], sms)


async def _find_by_sms(tx: Tx, keys: Keys, row: Claimed) -> UUID | None:
    """The contact of this very number on an SMS number of the district: who has reported, or subscribed, by SMS too."""
    address = keys.decrypt(row.address_box, contacts.bound_to(row.contact_id)).decode()
    rows = await fetch_all(
        tx,
        "SELECT id, kind, address FROM channels"
        " WHERE district_id = %s AND kind IN ('sms', 'gateway') AND retired_at IS NULL",
        (row.district_id,),
    )
    tags = [contacts.tag(keys, one["kind"], one["address"], address) for one in rows]
    found = await fetch_one(tx, _BY_SMS, ([one["id"] for one in rows], tags)) if rows else None
    return found["id"] if found else None


async def _owe_notice(tx: Tx, keys: Keys, row: Claimed, contact_id: UUID) -> None:
    """One line by SMS, once for a row: that there is news, and where to read it."""
    await outbox.put(
        tx,
        keys,
        id=new_id(),
        contact_id=contact_id,
        lane="replies",
        purpose="case",
        lang=row.lang,
        message={"says": [["template.sms", {}]]},
        case_id=row.case_id,
        notice_of=row.id,
    )
