"""Several messages in a row on real rows: all are kept, one reply goes out, and each knows which one answers it."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from typing import Any

import pytest

from bot import intake
from bot.deliver import drain
from flows.model import Media
from locales.channels import CHANNELS
from store import outbox
from store.jawab import Jawab
from tests.answers import typed
from tests.bot.phones import Owner, Phone, count, heard
from tests.conftest import RecordedBell

HOUR = 3600.0  # so that no machine is too slow for it
PHOTO = Media("https://api.twilio.com/2010-04-01/Accounts/AC/Messages/MM/Media/ME", "image/jpeg")
BUBBLES = ("ہمارے محلے میں مسئلہ ہے", "تین دن سے", "بچے بیمار ہیں", "کوئی نہیں آیا")

pytestmark = pytest.mark.usefixtures("demo")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here replies are held."""
    _hold(monkeypatch, HOUR)


def _hold(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    for name, limits in CHANNELS.items():
        monkeypatch.setitem(CHANNELS, name, dataclasses.replace(limits, bubble_seconds=seconds))


async def answers(owner: Owner) -> list[tuple[str, str | None]]:
    """Of every message that came, in order: the state and the error of the message of ours that answers it."""
    rows = await (
        await owner.execute(
            "SELECT coalesce(outbox.state, 'none'), outbox.error FROM inbox LEFT JOIN outbox"
            " ON outbox.id = inbox.answered_by ORDER BY inbox.received_at"
        )
    ).fetchall()
    return [(state, error) for state, error in rows]


async def held(owner: Owner) -> int:
    return await count(owner, "outbox", "state = 'queued' AND due_at > now()")


async def held_keys(jawab: Jawab, owner: Owner) -> list[str]:
    """What the reply that is held says."""
    row = await (
        await owner.execute("SELECT id, message FROM outbox WHERE state = 'queued' AND due_at > now()")
    ).fetchone()
    assert row
    return [key for key, _ in jawab.keys.get_json(row[1], outbox.bound_to(row[0]))["says"]]


async def let_go(owner: Owner) -> None:
    """The moment is over."""
    await owner.execute("UPDATE outbox SET due_at = now() WHERE state = 'queued'")


@pytest.mark.parametrize("together", [False, True])
async def test_bubbles_are_one_case_and_one_reply(jawab: Jawab, owner: Owner, phone: Phone, together: bool) -> None:
    await phone.say(*typed("story"))
    bubbles = [phone.inbound(text) for text in BUBBLES]
    if together:
        assert set(await asyncio.gather(*(intake.take(jawab, one) for one in bubbles))) == {"taken"}
    else:
        for one in bubbles:
            assert await intake.take(jawab, one) == "taken"

    assert await count(owner, "cases") == 1
    assert await count(owner, "case_items", "kind IN ('story', 'more')") == len(BUBBLES)
    assert await held(owner) == 1
    assert await count(owner, "outbox", "error = 'replaced'") == len(BUBBLES) - 1
    assert (await answers(owner))[-len(BUBBLES) :] == [("queued", None)] * len(BUBBLES)
    assert await held_keys(jawab, owner) == ["report.done", "report.message"], "with the number of the first one"
    await let_go(owner)
    assert (await drain(jawab, "replies"))["queued"] == 0
    assert await held(owner) == 0


async def test_nothing_goes_out_before_its_moment(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say(*typed("story"))
    await drain(jawab, "replies")
    await phone.say(BUBBLES[0])
    assert not (await drain(jawab, "replies")).total()
    assert await held(owner) == 1


async def test_a_reply_that_left_just_now_is_not_taken_back(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say(*typed("story"))
    await phone.say(BUBBLES[0])
    await owner.execute("UPDATE outbox SET state = 'sending' WHERE due_at > now()")
    await phone.say(BUBBLES[1])
    assert (await answers(owner))[-2:] == [("sending", None), ("queued", None)]


async def test_a_digit_that_came_too_soon_answers_nothing(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say(*typed("story"))
    await phone.say(BUBBLES[0])
    await phone.say("1")
    assert await held_keys(jawab, owner) == ["report.done", "report.message"]
    assert await count(owner, "cases", "may_message IS NULL") == 1
    assert (await answers(owner))[-2:] == [("queued", None)] * 2
    assert await held(owner) == 1


async def test_an_album_is_in_one_case_and_has_one_reply(owner: Owner, phone: Phone) -> None:
    await phone.say(*typed("story"))
    for _ in range(5):
        await phone.say("", media=(PHOTO,))
    assert await count(owner, "cases") == 1
    assert await count(owner, "media", "case_id IN (SELECT id FROM cases)") == 5
    assert await held(owner) == 1
    assert (await answers(owner))[-5:] == [("queued", None)] * 5


async def test_behind_the_door_bubbles_leave_no_words(owner: Owner, phone: Phone) -> None:
    await phone.say(*typed("story", kind="person"))
    for text in BUBBLES:
        await phone.say(text)
    assert await count(owner, "sealed.cases") == 1
    assert await held(owner) == 1
    assert (await answers(owner))[-len(BUBBLES) :] == [("queued", None)] * len(BUBBLES)
    assert await heard(owner, phone.jawab.keys) == []


@pytest.mark.parametrize("kind", ["service", "person"])
async def test_the_third_equal_text_is_kept_and_a_person_sees_it(owner: Owner, phone: Phone, kind: str) -> None:
    await phone.say(*typed("message", kind=kind))
    for _ in range(5):
        await phone.say("وہی حال ہے")
    assert [state for state, _ in (await answers(owner))[-5:]] == ["queued", "queued", "none", "none", "none"]
    cards = await count(owner, "sorting", "reason = 'person'")
    calls = await count(owner, "sealed.items")
    assert (cards, calls > 0) == ((1, False) if kind == "service" else (0, True))
    assert await count(owner, "inbox", "state <> 'done'") == 0


async def test_the_lane_is_rung_when_its_moment_is_over(
    jawab: Jawab, bell: RecordedBell, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phone.say(*typed("story"))
    _hold(monkeypatch, 0.01)
    rung, begun = asyncio.Event(), len(bell.rings)
    ring = bell.ring

    def listen(*what: str) -> None:
        ring(*what)
        rung.set()

    monkeypatch.setattr(bell, "ring", listen)
    await phone.say(BUBBLES[0])
    assert len(bell.rings) == begun, "not at once"
    await asyncio.wait_for(rung.wait(), 10)
    assert bell.rings[-1][0] == "replies"


@pytest.mark.parametrize("seed", range(4))
async def test_no_message_has_no_answer_or_two(
    jawab: Jawab, owner: Owner, phone: Phone, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words, digits, files and commands, two at once now and then, on a channel whose moment is short or long."""
    dice = random.Random(seed)
    monkeypatch.setattr(intake.turn, "MOST_A_MINUTE", 1000)
    _hold(monkeypatch, dice.choice([0.05, HOUR]))
    said: list[dict[str, Any]] = [
        *({"text": f"{text} {number}"} for number in range(4) for text in BUBBLES),
        *({"text": str(digit)} for digit in range(4) for _ in range(2)),
        *({"text": word} for word in ("MENU", "0", "STATUS", "سلام", "شکریہ")),
        *({"media": (PHOTO,)} for _ in range(3)),
        {"location": (30.6, 66.9)},
    ]
    dice.shuffle(said)
    while said:
        together, said = said[: dice.choice([1, 1, 2])], said[2:]
        await asyncio.gather(*(intake.take(jawab, phone.inbound(**one)) for one in together))
    states = await answers(owner)
    assert not [error for _, error in states if error == "replaced"], "each points to the one that goes out"
    assert [state for state, _ in states].count("none") == 0
    idle = "inbox_id IS NOT NULL AND error IS NULL AND NOT EXISTS (SELECT FROM inbox WHERE answered_by = outbox.id)"
    assert await count(owner, "outbox", idle) == 0, "and none goes out that answers nothing"
