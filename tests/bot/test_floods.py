"""More messages than anybody writes: nothing is lost, little is said, and another phone is served."""

from __future__ import annotations

import json
import re

from bot import intake
from bot.intake.turn import MOST_A_MINUTE, MOST_AN_HOUR
from store.jawab import Jawab
from tests.answers import STORY, typed
from tests.bot.phones import CANARY, Owner, Phone, count, heard


async def test_a_flood_is_kept_unanswered_and_another_phone_is_served(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    for number in range(MOST_A_MINUTE):
        await intake.take(jawab, phone.inbound(str(number)))
    for _ in range(3):
        assert await intake.take(jawab, phone.inbound(f"{STORY} {CANARY}")) == "taken"
    owed = await phone.owed()
    assert len(owed) == MOST_A_MINUTE + 1, "one acknowledgement"
    assert owed[-1]["says"] == [["intake.kept", {}]]
    assert await count(owner, "inbox", "state <> 'done'") == 0
    assert await intake.take(jawab, Phone(jawab, owner, "+923990000002").inbound("سلام")) == "taken"


async def test_a_loop_of_two_robots_dies_within_the_hour(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say("سلام")
    await flood(owner, MOST_AN_HOUR)
    for _ in range(3):
        assert await intake.take(jawab, phone.inbound("سلام")) == "taken"
    assert len(await phone.owed()) == 2, "the first answer, and one acknowledgement"
    assert await count(owner, "inbox", "state = 'dead'") == 0
    assert await count(owner, "alarms", "kind = 'flood'") == 1, "who looks is told once"
    assert await count(owner, "sorting") == 1, "and has one card with all of it"
    card, words = await (await owner.execute("SELECT id, words FROM sorting")).fetchone()  # type: ignore[misc]
    assert len(jawab.keys.get_json(words, f"sorting|words|{card}")) == 3


async def test_stop_is_obeyed_in_a_flood(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say("سلام", "1")
    await flood(owner, MOST_AN_HOUR)
    assert await intake.take(jawab, phone.inbound("STOP")) == "taken"
    assert await count(owner, "consents", "NOT granted") == 1


async def flood(owner: Owner, most: int, minutes: int = 10) -> None:
    """So many messages of the only phone there is, by rows."""
    await owner.execute(
        "INSERT INTO inbox (id, provider, provider_id, contact_id, state, received_at)"
        " SELECT gen_random_uuid(), 'twilio', 'SM' || n || contacts.id, contacts.id, 'done',"
        " now() - %s * interval '1 minute' FROM contacts, generate_series(2, %s) AS n",
        (minutes, most),
    )


async def test_who_writes_forty_times_behind_the_door_loses_nothing_and_shows_nothing(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    writers = {kind: Phone(jawab, owner, f"+92399000000{at}") for at, kind in enumerate(("service", "person"), 3)}
    threads = {}
    for kind, writer in writers.items():
        for text in typed(category="security", kind=kind):
            assert await intake.take(jawab, writer.inbound(text)) == "taken"
        for number in range(40):
            assert await intake.take(jawab, writer.inbound(f"{CANARY} {number}")) == "taken"
        threads[kind] = [re.sub(r"\d{13}", "CODE", json.dumps(one["says"])) for one in await writer.owed()]
    assert threads["service"] == threads["person"], "nothing shown"
    assert threads["person"].count('[["intake.kept", {}]]') == 1
    assert await count(owner, "inbox", "state <> 'done'") == 0
    assert await count(owner, "alarms", "kind = 'flood'") == 2
    assert sum(CANARY in text for text in await heard(owner, jawab.keys)) == 40, "no ordinary copy of what is sealed"
    assert await count(owner, "sealed.items") >= 44, "nothing lost"


async def test_a_flood_of_an_hour_behind_the_door_is_sealed_too(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    """A spoofed sender may send as many as they like: the words of the person whose number it is are still sealed."""
    await phone.say(*typed("story", category="security", kind="person"))
    await flood(owner, MOST_AN_HOUR)
    items = await count(owner, "sealed.items")
    assert await intake.take(jawab, phone.inbound(f"{STORY} {CANARY}")) == "taken"
    assert await count(owner, "sealed.items") == items + 1
    assert await count(owner, "inbox", "state = 'dead'") == 0
    assert await heard(owner, jawab.keys) == []
    assert (await phone.session()).node == "story", "and what was asked is still asked"
