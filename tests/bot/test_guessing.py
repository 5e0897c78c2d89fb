"""Numbers that are guessed: slow for who guesses, an answer for who asks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flows import codes
from store.jawab import Jawab
from tests.answers import typed
from tests.bot.phones import CODE, Owner, Phone, count

LATER = "follow.later"


def wrong(number: int) -> str:
    return codes.complete(f"9{number:011d}")


def mask(message: dict[str, Any]) -> str:
    return CODE.sub("CODE", json.dumps(message, sort_keys=True))


async def asked(phone: Phone, text: str) -> str:
    return mask((await phone.say(text))[-1])


@pytest.mark.usefixtures("demo")
async def test_205_wrong_numbers_from_41_phones_cost_nobody_else_an_answer(jawab: Jawab, owner: Owner) -> None:
    writers = {kind: Phone(jawab, owner, f"+92399000000{at}") for at, kind in enumerate(("service", "person"))}
    before = {}
    for kind, writer in writers.items():
        await writer.say(*typed(category="security", kind=kind))
        before[kind] = await asked(writer, f"STATUS {await writer.code()}")
    for guesser in range(41):
        phone = Phone(jawab, owner, f"+92399000{guesser + 100:04d}")
        await phone.say("سلام", "1")
        for number in range(5):
            await phone.say(f"STATUS {wrong(guesser * 5 + number)}")
    assert await count(owner, "code_tries") == 205
    assert await count(owner, "alarms", "kind = 'code_guessing'") == 1, "a person is told, once"
    for kind, writer in writers.items():
        assert await asked(writer, f"STATUS {await writer.code()}") == before[kind], kind
    assert before["service"] == before["person"]
    assert await count(owner, "outbox", "due_at > created_at + interval '15 seconds'") >= 2, "slower, for everybody"
    stranger = Phone(jawab, owner, "+923990009999")
    await stranger.say("سلام", "1")
    assert "follow.now" in await asked(stranger, f"STATUS {await writers['person'].code()}")


@pytest.mark.usefixtures("demo")
async def test_who_is_limited_reads_the_same_for_every_number_and_their_own_phone_is_asked_as_anybodys(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    numbers = []
    for at, kind in enumerate(("service", "person")):
        writer = Phone(jawab, owner, f"+92399000000{at + 2}")
        await writer.say(*typed(category="security", kind=kind))
        numbers.append(await writer.code())
    await phone.say(*typed())
    numbers.append(await phone.code())
    for number in range(5):
        await phone.say(f"STATUS {wrong(number)}")
    assert await count(owner, "code_tries") == 5
    read = {await asked(phone, f"STATUS {number}") for number in (*numbers, wrong(77))}
    assert len(read) == 1, "right, protected, their own and wrong"
    assert LATER in read.pop()
    assert await count(owner, "code_tries") == 5, "what was not looked at is no wrong number"
    await owner.execute("UPDATE code_tries SET at = at - interval '61 minutes'")
    assert "follow.now" in await asked(phone, f"STATUS {numbers[1]}")


@pytest.mark.usefixtures("demo")
async def test_right_numbers_do_not_count(owner: Owner, phone: Phone) -> None:
    await phone.say(*typed())
    code = await phone.code()
    first = await asked(phone, f"STATUS {code}")
    for _ in range(7):
        assert await asked(phone, f"STATUS {code}") == first
    assert await count(owner, "code_tries") == 0


@pytest.mark.usefixtures("demo")
async def test_status_lists_nothing_and_asks_the_same_of_every_phone(jawab: Jawab, owner: Owner) -> None:
    read = []
    for at, kind in enumerate(("service", "person")):
        writer = Phone(jawab, owner, f"+92399000000{at + 4}")
        await writer.say(*typed(category="security", kind=kind))
        read += [(await writer.say(word))[-1] for word in ("STATUS", "MENU", "2")]
    assert read[:3] == read[3:]
    assert CODE.search(json.dumps(read)) is None
