"""What stands of a phone when its message comes: read in one row, without a lock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID

from bot.channels import Inbound
from bot.intake import district, people
from cases import card_boxes, clocks
from flows.model import Focus
from store import channels, contacts, sessions
from store.crypto import Keys, Unopened
from store.database import Auto, fetch_one, new_id
from store.jawab import Jawab
from store.kept import Statement, spell
from store.several import asked, by


@dataclass(frozen=True, slots=True)
class Standing:
    """A contact with its session as it was read; a turn is written only over this `version`."""

    district_id: str
    channel_id: UUID
    contact_id: UUID
    kind: str  # of channel
    lang: str
    weekly: bool
    version: int
    state: bytes | None  # the session, encrypted; None before the first turn
    settled: bool = False  # the contact's own row already says what a turn would write there
    repeat: bool = False  # this very message is kept already
    ours: bool = False  # its sender is a number of ours
    minute: int = 0  # messages of this phone in the last minute
    hour: int = 0
    given: bool = False  # it was given a number before
    focus: Focus | None = None  # what we asked of it last by ourselves
    held_id: UUID | None = None  # the last reply, which may still be held
    missed: bool = False  # something that we said waits for this message to be shown


# An edition asks about no case: what its reader says of theirs goes to the newest that is open.
_FOCUS: LiteralString = f"""
    SELECT jsonb_build_array(sessions.focus_kind, cases.code, encode(cases.code_box, 'hex'), cases.id,
        (CASE sessions.focus_kind WHEN 'edition'
            THEN cases.opened_at ELSE sessions.focus_at END AT TIME ZONE districts.timezone)::date,
        extract(epoch FROM sessions.focus_at), cases.status, extract(epoch FROM cases.told_at))
    FROM (SELECT id, code, NULL AS code_box, contact_id, district_id, status, opened_at, told_at, asked_by FROM cases
          UNION ALL SELECT id, code, code_box, contact_id, district_id, 'card', received_at, NULL, NULL FROM sorting
          UNION ALL SELECT id, id::text, NULL, contact_id, channels.district_id, 'drop', NULL, NULL,
              CASE WHEN sessions.focus_kind IN ('confirm', 'accept')
                  THEN (SELECT id FROM outbox WHERE case_id = drops.id LIMIT 1) END FROM drops) AS cases
    JOIN districts ON districts.id = cases.district_id
    WHERE {sessions.FOCUS} AND cases.contact_id = sessions.contact_id AND CASE sessions.focus_kind
        WHEN 'edition' THEN cases.status NOT IN ('closed', 'card', 'drop')
        WHEN 'confirm' THEN cases.id = sessions.focus_case AND cases.status IN ('resolved', 'partly', 'closed', 'drop')
        WHEN 'accept' THEN cases.id = sessions.focus_case AND cases.status IN ('cannot', 'closed')
        ELSE cases.id = sessions.focus_case END
        -- Whoever has not seen the question does not answer it: a "yes" to a knock is no "yes, it is done".
        AND NOT EXISTS (SELECT FROM outbox WHERE outbox.id = cases.asked_by AND sessions.focus_kind <> 'edition'
            AND outbox.missed AND coalesce(outbox.template, '') NOT LIKE 'done:%%')
    ORDER BY cases.opened_at DESC LIMIT 1"""  # noqa: S608 - a piece of our own
_OF: LiteralString = f"""
SELECT channels.id AS channel_id, channels.district_id, channels.kind, contacts.id AS contact_id, contacts.lang,
       contacts.weekly_since IS NOT NULL AS weekly, sessions.version, sessions.state,
       sessions.held_id,
       contacts.stopped_at IS NULL AND contacts.invalid_at IS NULL
           AND contacts.last_inbound_at > now() - interval '5 minutes' AS settled,
       EXISTS (SELECT FROM inbox WHERE provider = %(provider)s AND provider_id = %(provider_id)s) AS repeat,
       lately.minute, lately.hour,
       EXISTS (SELECT FROM channels AS ours WHERE ours.kind = %(kind)s AND ours.address = %(address)s) AS ours,
       sessions.given,
       EXISTS (SELECT FROM outbox WHERE outbox.contact_id = contacts.id AND outbox.missed) AS missed,
       CASE WHEN sessions.focus_at IS NOT NULL THEN ({_FOCUS}) END AS focus, {{known}} AS known
FROM channels
LEFT JOIN {{who}}
LEFT JOIN sessions ON sessions.contact_id = contacts.id
CROSS JOIN LATERAL (SELECT count(*) AS hour, count(*) FILTER (WHERE received_at > now() - interval '1 minute') AS minute
    FROM inbox WHERE inbox.contact_id = contacts.id AND received_at > now() - interval '1 hour') AS lately
WHERE channels.kind = %(kind)s AND channels.address = %(to)s
"""  # noqa: S608 - pieces of our own
# By its address; `known` where the contact's row says already that this is how they are reached, and by which id.
_OF_A_MESSAGE: LiteralString = _OF.replace(
    "{who}", "contacts ON contacts.channel_id = channels.id AND contacts.address_tag = %(tag)s"
).replace("{known}", "contacts.reached_tag IS NULL")
# Where the provider names an id of the person: by the number, else by the id beside a number, else by the id alone.
_OF_A_PERSON: LiteralString = _OF.replace(
    "{who}",
    """LATERAL (
    SELECT * FROM contacts WHERE contacts.channel_id = channels.id
        AND (address_tag = %(tag)s OR person_tag = %(person)s OR address_tag = %(person)s)
    ORDER BY CASE WHEN address_tag <> %(person)s AND address_tag = %(tag)s THEN 0
        WHEN person_tag = %(person)s THEN 1 ELSE 2 END LIMIT 1) AS contacts ON true""",
).replace(
    "{known}",
    """coalesce(contacts.reached_tag, contacts.address_tag) = %(tag)s
           AND coalesce(contacts.person_tag, contacts.address_tag) = %(person)s""",
)
# Several at once: the same, where each parameter is a column of the row that it belongs to.
_ASKED = {
    "tag": "bytea", "person": "bytea", "provider": "text", "provider_id": "text", "kind": "text", "to": "text",
    "address": "text",
}  # fmt: skip


def _of_many(statement: str) -> Statement:
    whose, _, where = statement.partition("\nWHERE ")
    what, _, joins = whose.partition("\nFROM channels\n")
    what, where, joins = (by("asked", piece) for piece in (what, where, joins))
    return spell(f"{what}, n FROM {asked(_ASKED)} JOIN channels ON {where} {joins}", _ASKED)


_OF_MESSAGES, _OF_PEOPLE = _of_many(_OF_A_MESSAGE), _of_many(_OF_A_PERSON)
_OF_ONE_MESSAGE, _OF_ONE_PERSON = spell(_OF_A_MESSAGE, _ASKED), spell(_OF_A_PERSON, _ASKED)
_OF_A_SILENCE: LiteralString = """
SELECT channels.id AS channel_id, channels.district_id, channels.kind, contacts.id AS contact_id, contacts.lang,
       contacts.weekly_since IS NOT NULL AS weekly, sessions.version, sessions.state
FROM sessions JOIN contacts ON contacts.id = sessions.contact_id JOIN channels ON channels.id = contacts.channel_id
WHERE contact_id = %s AND quiet_at <= now()
"""


async def read(jawab: Jawab, message: Inbound) -> Standing | None:
    """Where the sender of this message stands, made known at their first one; None where it came to nobody's number."""
    what = _what(jawab.keys, message)
    tag, person = what["tag"], what["person"]
    row = await _read_one(jawab, what)
    if row is None and jawab.settings.demo:
        async with jawab.db.autocommit("intake") as auto:
            await channels.adopt(auto, kind=message.channel, provider=message.provider, address=message.to)
        row = await _read_one(jawab, what)
    if row is not None and not jawab.settings.demo and (await district.get(jawab.db, row["district_id"])).demo:
        return None  # its keys and its people are the demo's: outside demo mode such a number is nobody's
    if row is not None and row["contact_id"] is None:
        async with jawab.db.autocommit("intake") as auto:
            await contacts.make(
                auto, jawab.keys, id=new_id(), channel_id=row["channel_id"], tag=tag, address=message.address
            )
        row = await _read_one(jawab, what)
    if row is not None and not (row["known"] or row["repeat"] or row["ours"] or message.system):
        await people.note(jawab, row["contact_id"], tag=tag, person=person, address=message.address)
        row = await _read_one(jawab, what)
    return None if row is None else _standing(jawab.keys, row)


async def _read_one(jawab: Jawab, what: Mapping[str, Any]) -> Mapping[str, Any] | None:
    statement = _OF_ONE_MESSAGE if what["person"] is None else _OF_ONE_PERSON
    return next(iter(await jawab.db.kept.fetch(statement, what)), None)


async def read_many(jawab: Jawab, messages: Sequence[Inbound]) -> list[Standing | None]:
    """The same of several, in their order, for whom nothing has to be written first; None for the others."""
    found: list[Standing | None] = [None] * len(messages)
    for statement, places in (
        (_OF_MESSAGES, [place for place, one in enumerate(messages) if not one.person]),
        (_OF_PEOPLE, [place for place, one in enumerate(messages) if one.person]),
    ):
        what = [_what(jawab.keys, messages[place]) for place in places]
        columns = {name: [one[name] for one in what] for name in _ASKED}
        for row in await jawab.db.kept.fetch(statement, columns) if places else ():
            place = places[row["n"] - 1]
            if row["contact_id"] is None or not row["known"]:
                continue
            if jawab.settings.demo or not (await district.get(jawab.db, row["district_id"])).demo:
                found[place] = _standing(jawab.keys, row)
    return found


def _what(keys: Keys, message: Inbound) -> dict[str, Any]:
    return {
        "tag": contacts.tag(keys, message.channel, message.to, message.address),
        "person": contacts.tag(keys, message.channel, message.to, message.person) if message.person else None,
        "provider": message.provider,
        "provider_id": message.provider_id,
        "kind": message.channel,
        "to": message.to,
        "address": message.address,
    }


async def read_quiet(auto: Auto, keys: Keys, contact_id: UUID) -> Standing | None:
    """Where a phone stands whose session went quiet; None where it has been written to since."""
    row = await fetch_one(auto, _OF_A_SILENCE, (contact_id,))
    return None if row is None else _standing(keys, row)


def _standing(keys: Keys, row: Mapping[str, Any]) -> Standing:
    return Standing(
        **{
            **{name: value for name, value in row.items() if name not in {"known", "n"}},
            "given": bool(row.get("given")),
            "missed": bool(row.get("missed")),
            "focus": _focus(keys, row.get("focus")),
        }
    )


def _focus(keys: Keys, asked: str | None) -> Focus | None:
    """[kind, code, a card's code as a box, id, day, seconds since 1970, status, when it was told how it ended]."""
    if asked is None:
        return None
    kind, code, box, card, day, at, status, told = json.loads(asked)
    if box is not None:
        try:
            code = card_boxes.open_code(keys, UUID(card), bytes.fromhex(box))
        except Unopened:  # a restore brought the card without the key of its hour
            return None
    told_at = None if told is None else datetime.fromtimestamp(float(told), UTC)
    late = not clocks.disputable(status, told_at, datetime.now(UTC))
    return Focus(kind, code, day, float(at), late, drop=status == "drop")
