"""Who hides their number on WhatsApp stays the same person: language, consent, STOP, and where we write to."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from bot.channels import Inbound
from bot.deliver import drain
from bot.intake import people, standing
from store import contacts
from store.jawab import Jawab
from tests.answers import STORY, typed
from tests.bot.conftest import OURS, Rows
from tests.bot.phones import count
from tests.providers.twilio import FakeTwilio

NUMBER, ID = "+923001112233", "PK.13ab99Zz"
US = f"whatsapp:{OURS}"


class Person:
    """One person on WhatsApp, under their number or under the id that the provider gave them."""

    def __init__(self, jawab: Jawab, rows: Rows, twilio: FakeTwilio, hooks: httpx.AsyncClient) -> None:
        self.jawab, self.rows, self.twilio, self.hooks = jawab, rows, twilio, hooks

    async def say(self, *texts: str, hidden: bool = False, id: str | None = ID, number: str = NUMBER) -> None:
        for text in texts:
            named = {"ExternalUserId": f"whatsapp:{id}"} if id else {}
            address = f"whatsapp:{id if hidden else number}"
            assert (await self.twilio.webhook(self.hooks, address, US, text, **named))[0] == 200

    async def contact(self, where: str = "true") -> dict[str, Any]:
        return await self.rows.one(f"SELECT * FROM contacts WHERE {where}")

    async def sent_to(self) -> list[str]:
        """Where everything went that was owed until now."""
        before = len(self.twilio.ledger)
        await drain(self.jawab, "replies")
        return [taken.form["To"] for taken in self.twilio.ledger[before:]]


@pytest.fixture
async def person(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, hooks: httpx.AsyncClient, demo: SimpleNamespace
) -> Person:
    await rows.channel("whatsapp", "pishin")
    return Person(jawab, rows, twilio, hooks)


async def test_who_hides_the_number_goes_on_with_language_and_session(person: Person) -> None:
    await person.say("سلام", "1")
    assert (await person.contact())["lang"] == "ur"
    await person.say("MENU", hidden=True)
    assert await count(person.rows.owner, "contacts") == 1
    assert await count(person.rows.owner, "inbox", "contact_id IS NOT NULL") == 3
    assert (await person.contact())["lang"] == "ur"


async def test_we_write_to_the_name_they_wrote_from_and_keep_the_number(person: Person) -> None:
    await person.say("سلام")
    assert set(await person.sent_to()) == {f"whatsapp:{NUMBER}"}
    await person.say("1", hidden=True)
    assert set(await person.sent_to()) == {f"whatsapp:{ID}"}
    found = await person.contact()
    async with person.jawab.db.transaction("intake") as tx:
        assert await contacts.address(tx, person.jawab.keys, found["id"]) == NUMBER, "whom a handler may have to call"
    await person.say("MENU", id=None)
    assert set(await person.sent_to()) == {f"whatsapp:{NUMBER}"}
    assert (await person.contact())["reached_box"] is None


async def test_no_id_of_a_person_stands_in_clear(person: Person) -> None:
    await person.say("سلام", STORY)
    await person.say("MENU", hidden=True)
    found = await person.contact()
    for value in found.values():
        assert ID.encode() not in (bytes(value) if isinstance(value, bytes) else str(value).encode())


@pytest.mark.parametrize("hidden", [True, False])
async def test_a_stop_under_either_name_counts_for_both(person: Person, hidden: bool) -> None:
    await person.say("سلام", "1")
    await person.rows.owner.execute("UPDATE contacts SET weekly_since = now()")
    await person.say("STOP", hidden=hidden)
    assert (await person.contact())["weekly_since"] is None
    assert await count(person.rows.owner, "consents", "NOT granted") == 1
    await person.sent_to()
    async with person.jawab.db.transaction("intake") as tx:
        assert await contacts.stop(tx, (await person.contact())["id"])
    await person.rows.owe((await person.contact())["id"], answer=False)
    assert await person.sent_to() == []


async def test_who_wrote_under_the_id_first_is_the_same_once_the_number_shows(person: Person) -> None:
    await person.say("سلام", "1", hidden=True)
    before = await person.contact()
    await person.say("MENU")
    await person.say("MENU", id=None)
    await person.say("MENU", hidden=True)
    found = await person.contact()
    assert await count(person.rows.owner, "contacts") == 1
    assert found["id"] == before["id"]
    assert found["address_tag"] == contacts.tag(person.jawab.keys, "whatsapp", OURS, NUMBER)
    assert found["person_tag"] == before["address_tag"]


async def test_two_contacts_that_turn_out_to_be_one_person_lose_nothing(person: Person) -> None:
    await person.say("سلام", "3", id=None)  # long ago, before there were ids
    await person.say(*typed(upto="more"), hidden=True)
    await person.rows.owner.execute(
        "UPDATE contacts SET weekly_since = now() WHERE id = (SELECT contact_id FROM cases)"
    )
    old = await person.contact("id <> (SELECT contact_id FROM cases)")
    await person.say("MENU")
    case = await person.rows.one("SELECT contact_id FROM cases")
    assert case["contact_id"] == old["id"]
    assert (await person.contact("weekly_since IS NOT NULL"))["id"] == old["id"]
    assert await count(person.rows.owner, "contacts", "weekly_since IS NOT NULL") == 1, "one edition, not two"
    assert (await person.rows.one("SELECT given FROM sessions WHERE contact_id = %s", old["id"]))["given"]
    await person.sent_to()
    await person.say("MENU", hidden=True)
    assert (await person.rows.one("SELECT contact_id FROM inbox ORDER BY received_at DESC LIMIT 1"))[
        "contact_id"
    ] == old["id"]
    async with person.jawab.db.transaction("intake") as tx:
        await contacts.stop(tx, old["id"])
    assert await count(person.rows.owner, "contacts", "stopped_at IS NOT NULL") == 2


async def test_somebody_elses_id_and_number_stay_somebody_else(person: Person) -> None:
    await person.say("سلام", "1")
    await person.say("سلام", id="PK.ENT.other", number="+923001112244")
    await person.say("سلام", id="PK.ENT.third", hidden=True)
    assert await count(person.rows.owner, "contacts") == 3


async def test_an_id_that_is_none_is_not_read(person: Person) -> None:
    for id_ in ("", "PK", "pk.1", "PK.1FromX+1", "PK." + "x" * 129):
        fields = person.twilio.message(f"whatsapp:{NUMBER}", US, "x", ExternalUserId=id_)
        assert (await person.twilio.post(person.hooks, "/in/twilio", fields))[0] == 200
    assert (await person.contact())["person_tag"] is None


async def test_an_id_costs_a_statement_once_and_then_none(
    person: Person, monkeypatch: pytest.MonkeyPatch, jawab: Jawab
) -> None:
    noted: list[str] = []
    real = people.note

    async def note(*given: Any, **more: Any) -> None:
        noted.append(more["address"])
        await real(*given, **more)

    monkeypatch.setattr(people, "note", note)
    await person.say("سلام", "1", "MENU")
    await person.say("MENU", "MENU", hidden=True)
    assert noted == [NUMBER, ID]
    repeat = Inbound("twilio", f"SM{uuid.uuid4().hex}", "whatsapp", OURS, NUMBER, "x", person=ID)
    await standing.read(jawab, repeat)
    assert noted == [NUMBER, ID, NUMBER]
