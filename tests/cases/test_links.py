"""A link to one case is guessed by nobody, and ends."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from cases import acts, links, offices
from cases.links import Shut
from store.crypto import Keys
from store.database import Database, fetch_all
from tests.cases.conftest import NOW
from tests.cases.offices_told import DAY, MINUTE, SMS, WHATSAPP, Desk, Opened, code_of, enter


@pytest.fixture
def desk(db: Database, keys: Keys, place: SimpleNamespace) -> Desk:
    return Desk(db, keys, place)


async def test_ten_thousand_guesses_open_nothing_and_lock_the_link(desk: Desk, opened: Opened) -> None:
    await desk.way("water", "sms", SMS)
    await desk.way("water", "whatsapp", WHATSAPP)
    await desk.refer(await opened())
    await desk.tick()
    token, code = await code_of(desk)
    wrong = [f"{number:06}" for number in range(10_000) if f"{number:06}" != code]
    async with desk.db.transaction("console") as tx:
        for guess in wrong:
            with pytest.raises(Shut):
                await links.enter(tx, desk.keys, token, guess, NOW)
            with pytest.raises(Shut):
                await links.enter(tx, desk.keys, f"x{guess}", code, NOW)
    assert not await enter(desk, token, code), "the right code comes too late"
    async with desk.db.autocommit("console") as conn:
        (row,) = await fetch_all(conn, "SELECT wrong, locked_at FROM links")
    assert (row["wrong"], row["locked_at"]) == (links.WRONG_MOST, NOW)


async def test_a_hundred_guesses_at_once_are_counted_one_by_one(desk: Desk, opened: Opened) -> None:
    await desk.way("water", "sms", SMS)
    await desk.way("water", "whatsapp", WHATSAPP)
    await desk.refer(await opened())
    await desk.tick()
    token, code = await code_of(desk)
    await asyncio.gather(*(enter(desk, token, f"9{number:04}") for number in range(50)))
    async with desk.db.autocommit("console") as conn:
        (row,) = await fetch_all(conn, "SELECT wrong FROM links")
    assert row["wrong"] == links.WRONG_MOST
    assert not await enter(desk, token, code)


async def test_an_offices_pin_is_not_guessed_over_its_many_links(desk: Desk, opened: Opened) -> None:
    await desk.way("water", "sms", SMS)
    async with desk.db.transaction("console") as tx:
        pin = await offices.give_pin(tx, desk.keys, desk.place.offices["water"], NOW)
    for _ in range(4):
        await desk.refer(await opened())
    await desk.tick()
    tokens = [
        message["says"][0][1]["link"].rpartition("/o/")[2].partition("?")[0]
        for message in await desk.messages("office")
    ]
    for token in tokens[:3]:
        for number in range(4):
            await enter(desk, token, f"12345{number}0")
    assert not await enter(desk, tokens[3], pin), "ten wrong ones a day are enough"
    assert await enter(desk, tokens[3], pin, NOW + DAY + MINUTE)


async def test_an_expired_and_a_revoked_link_open_nothing(desk: Desk, opened: Opened, row: Any) -> None:
    await desk.way("water", "sms", SMS)
    await desk.way("water", "whatsapp", WHATSAPP)
    case_id = await opened()
    await desk.refer(case_id)
    await desk.tick()
    token, code = await code_of(desk)
    assert not await enter(desk, token, code, NOW + 60 * DAY)
    assert await enter(desk, token, code)
    referral = (await row("SELECT id FROM referrals"))["id"]
    async with desk.db.transaction("console") as tx:
        await acts.resend(tx, case_id, referral, now=NOW)
    assert not await enter(desk, token, code)
    await desk.tick(NOW + MINUTE)
    again = await code_of(desk)
    assert again[0] != token
    assert await enter(desk, *again)
