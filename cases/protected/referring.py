"""Referral of a sealed case to whoever helps: with consent, by a person, each step in the seal and in the audit.

No message goes to a provider from here: a handler speaks with them, and says here what was told. Where a referral
stands is reckoned from the case's opened items, and known nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from cases import calendar, providers
from cases.lifecycle import Refused
from cases.protected import acting, reading, telling, vault
from cases.protected.acting import Reader
from cases.providers import Provider
from store.crypto import Keys
from store.database import Conn, Tx

KIND = "referral"  # of the items
WHO = ("reporter", "for_them")  # who consented: the person, or somebody who may for a child or an ill person
HOW = ("call", "written", "met")
# What may be said of a referral, where it stands then, and over what.
STEPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "accept": ("accepted", ("referred",)),
    "reject": ("rejected", ("referred",)),
    "revoke": ("revoked", ("referred", "accepted")),
    "done": ("done", ("accepted",)),
}


@dataclass(frozen=True, slots=True)
class Consent:
    """Who said yes to it, how, and on which day."""

    who: str
    how: str
    on: date | None


@dataclass(frozen=True, slots=True)
class Referral:
    """One referral of a case as it stands: referred, accepted, rejected, revoked or done."""

    id: str
    provider_id: str
    names: dict[str, str]
    kind: str
    state: str

    @property
    def steps(self) -> tuple[str, ...]:
        """What may be said of it now."""
        return tuple(step for step, (_, over) in STEPS.items() if self.state in over)


def of(items: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Referral]:
    """From the opened items of a case as (kind, data), oldest first. Pure."""
    found: dict[str, Referral] = {}
    for data in (data for kind, data in items if kind == KIND):
        one = data["referral"]
        if data["step"] == "refer":
            found[one] = Referral(one, data["provider"], data["provider_names"], data["provider_kind"], "referred")
        elif one in found:
            found[one] = replace(found[one], state=STEPS[data["step"]][0])
    return list(found.values())


async def offered(conn: Conn, district_id: str) -> list[Provider]:
    """Whom a case of this district may be referred to now."""
    return await providers.of_district(conn, district_id)


async def refer(
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    reader: Reader,
    *,
    provider_id: UUID,
    consent: Consent,
    told: str,
    word: str,
    until: date | None,
) -> UUID | None:
    """Refer to one provider; a reader comes back to it by `until`, or an alarm sounds.

    `told` is what the provider was told ("": that somebody asks for help, and nothing else). A `word` to the reporter
    stands at the number. Returns the id of the message that says that there is one, where that is allowed.
    """
    today = calendar.day_of(reader.now)
    if consent.who not in WHO or consent.how not in HOW or consent.on is None or consent.on > today:
        raise Refused("consent_missing")
    if until is None:
        raise Refused("date_missing")
    teller, case = await acting.begin(tx, case_id, reader, "refer")
    if case["status"] == "closed":
        raise Refused("unknown_move")
    one = next((one for one in await offered(tx, case["district_id"]) if one.id == provider_id), None)
    if one is None:
        raise Refused("provider_unknown")
    await acting.come_back_on(tx, case_id, reader.now, until)
    data = {
        "referral": str(uuid4()),
        "step": "refer",
        "provider": str(one.id),
        "provider_names": one.names,
        "provider_kind": one.kind,
        "consent_who": consent.who,
        "consent_how": consent.how,
        "consent_on": consent.on.isoformat(),
        "until": until.isoformat(),
        "by": str(reader.id),
        **({"text": told} if told.strip() else {}),
    }
    await vault.append(tx, keys, case_id=case_id, kind=KIND, data=data, now=reader.now)
    return await _say(tx, keys, teller, word)


async def step(
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    reader: Reader,
    *,
    referral: str,
    said: str,
    text: str,
    word: str,
    until: date | None,
) -> UUID | None:
    """Say one of STEPS of a referral, with a line of one's own. Returns the reporter's message, as `refer` does."""
    if said not in STEPS:
        raise Refused("unknown_move")
    teller, case = await acting.begin(tx, case_id, reader, f"referral.{said}")
    items = await reading.read_items(tx, case_id, reader.id, reader.private_key)
    one = next((one for one in of((item.kind, item.data) for item in items) if one.id == referral), None)
    if one is None or said not in one.steps:
        raise Refused("unknown_move")
    if said == "accept" and one.provider_id not in {str(live.id) for live in await offered(tx, case["district_id"])}:
        raise Refused("provider_disabled")
    if until is not None:
        await acting.come_back_on(tx, case_id, reader.now, until)
    data = {"referral": one.id, "step": said, "provider_names": one.names, "by": str(reader.id)}
    data |= {"text": text} if text.strip() else {}
    data |= {"until": until.isoformat()} if until else {}
    await vault.append(tx, keys, case_id=case_id, kind=KIND, data=data, now=reader.now)
    return await _say(tx, keys, teller, word)


async def _say(tx: Tx, keys: Keys, teller: telling.Teller, word: str) -> UUID | None:
    if not word.strip():
        return None
    says = [("case.answered", {"code": teller.code})]
    return await telling.tell(tx, keys, teller, "answer", says=says, text=word, question="answer")
