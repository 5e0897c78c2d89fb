"""After the report too both sides of the door do the same work, whatever is answered, with a number or without.

The desk has asked or told how it ended, an ordinary case and a sealed one alike; then both telephones say the same.
"""

from __future__ import annotations

import random

import pytest

from bot.intake import district, rehearsal
from tests.bot.phones import Phone
from tests.bot.test_after_the_report import DANGER, MORE, ORDINARY, PROTECTED, Desk, close, desk, filed, read, reply
from tests.bot.test_evenness import Work, turns, work

__all__ = ["desk", "work"]

WISH = "میں شکایت واپس لینا چاہتا ہوں"
SAID = (
    *(MORE, DANGER, WISH, "مجھے فون کریں", "شکریہ", "نہیں ہوا", "ہو گیا"),
    *("1", "2", "3", "4", "0", "MENU", "HELP", "STOP", "LANGUAGE", "STATUS"),
    *("CODE", "STATUS CODE", f"CODE {MORE}", f"CODE {DANGER}"),
)


async def ask(desk: Desk, *, ended: bool) -> None:
    await reply(desk)
    if ended:
        await close(desk)
        await desk.owner.execute("UPDATE cases SET told_at = now()")  # so that it may still be gainsaid


@pytest.mark.parametrize("ended", [False, True], ids=["asked", "ended"])
@pytest.mark.parametrize("seed", range(10))
async def test_whatever_is_answered_to_the_desk_both_sides_ask_the_same(
    desk: Desk, work: Work, monkeypatch: pytest.MonkeyPatch, seed: int, ended: bool
) -> None:
    monkeypatch.setattr(district, "FRESH", 3600.0)
    failed: list[str] = []
    monkeypatch.setattr(rehearsal.log, "error", lambda *_, **why: failed.append(str(why)))
    both: tuple[Phone, Phone] = (
        await filed(desk, ORDINARY, "ur", "whatsapp", "service"),
        await filed(desk, PROTECTED, "ur", "whatsapp", "person"),
    )
    await ask(desk, ended=ended)
    codes = [await phone.code() for phone in both]
    said: list[str] = []
    for text in random.Random(seed).choices(SAID, k=9):
        said.append(text)
        done = [await turns(phone, work, [text.replace("CODE", code)]) for phone, code in zip(both, codes, strict=True)]
        (one, hashes), (other, hashes_inside) = done[0][0], done[1][0]
        if (await both[0].session()).memory.report.sealed:
            break  # words of danger have led the ordinary one behind the door
        assert one - other == other - one == type(one)(), (said, "ordinary and not sealed, sealed and not ordinary")
        assert hashes == hashes_inside, said
        assert await read(both[0], "ur") == await read(both[1], "ur"), said
        if ended:
            await desk.look(0)  # before somebody opens it nobody knows that a sealed case was gainsaid
    assert failed == []
