"""The pace of a sender: the same in all processes, and slower when they cannot ask each other."""

from __future__ import annotations

import asyncio
import random
import time
from bisect import bisect_right
from collections.abc import AsyncIterator

import pytest

from bot import deliver, pacing
from bot.batches import Batches
from bot.deliver import drain
from bot.pacing import SECOND, Bucket, Pace, Window, spacing
from bot.watch import Watch
from locales.channels import CHANNELS
from store.jawab import Jawab
from tests.bot.conftest import Rows
from tests.providers.twilio import FakeTwilio


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crowded machine is no reason to take Valkey for dead."""
    monkeypatch.setattr(pacing, "PATIENCE", 20.0)


@pytest.fixture
async def paces(redis_url: str) -> AsyncIterator[list[Pace]]:
    made = [Pace(redis_url) for _ in range(4)]
    yield made
    for pace in made:
        await pace.close()


async def test_four_processes_share_one_senders_pace(paces: list[Pace]) -> None:
    begun = time.monotonic()
    waits = await asyncio.gather(*(pace.sender("one", "sms") for pace in paces for _ in range(25)))
    took = time.monotonic() - begun
    assert max(waits) == pytest.approx(99 * spacing("sms"), abs=took + 0.01)
    assert sorted(waits)[50] == pytest.approx(50 * spacing("sms"), abs=took + 0.01)


async def test_a_message_of_three_parts_costs_three(paces: list[Pace]) -> None:
    waits = [await paces[0].sender("two", "sms", 3) for _ in range(4)]
    assert waits[3] == pytest.approx(9 * spacing("sms"), abs=0.1)


async def test_slots_that_are_too_far_away_are_not_taken(paces: list[Pace]) -> None:
    for pace in [paces[0], Pace("")]:
        await pace.sender("three", "sms", 50)
        assert await pace.sender("three", "sms", 10, most=1.0) > 4
        again = await pace.sender("three", "sms", 1)
        assert again < await pace.sender("three", "sms", 1) < again + 0.5


async def test_senders_do_not_wait_for_each_other(paces: list[Pace]) -> None:
    for _ in range(30):
        await paces[0].sender("busy", "sms")
    assert await paces[0].sender("idle", "sms") == 0


async def test_a_conversation_never_feels_the_pair_limit_and_a_flood_does(paces: list[Pace]) -> None:
    waits = [await paces[0].pair("person", "whatsapp") for _ in range(pacing.PAIR_BURST + 2)]
    assert set(waits[: pacing.PAIR_BURST]) == {0.0}
    assert 5 < waits[pacing.PAIR_BURST] <= 6
    assert await paces[0].pair("person", "sms") == 0


async def test_without_redis_a_process_goes_at_a_quarter_of_the_pace(unheard: str) -> None:
    pace = Pace(unheard)
    waits = [await pace.sender("one", "sms") for _ in range(5)]
    assert waits[4] == pytest.approx(4 * 0.4, abs=0.3)
    await pace.close()


@pytest.fixture
def unheard() -> str:
    return "redis://127.0.0.1:9/0"


def test_a_bucket_does_not_save_up() -> None:
    bucket = Bucket()
    assert bucket.reserve(100.0, 0.1, 0.05, 9) == 0.0
    assert bucket.reserve(1000.0, 0.1, 0.05, 9) == 0.0
    assert bucket.reserve(1000.0, 0.1, 0.05, 9) == pytest.approx(0.05)


@pytest.mark.parametrize("most", [1, 10, 20, 80])
def test_who_wakes_late_makes_no_second_too_full_and_no_minute_too_empty(most: int) -> None:
    """Slots as they are given, of which some come together after the loop stood still; a clock of this test's own."""
    apart, dice, window = 1 / (most * pacing.EVEN), random.Random(most), Window()
    went: list[float] = []
    now = 0.0
    for number in range(most * 90):
        late = 0.1 if number % (most * 7) == 3 else dice.uniform(0, 0.004)
        now = max(now, number * apart + late)
        while (rest := window.take(now, 1, most)) > 0:
            now += rest
        went.append(now)
    assert max(bisect_right(went, at + SECOND - 1e-6) - place for place, at in enumerate(went)) == most
    minutes = [bisect_right(went, at + 60) - place for place, at in enumerate(went) if at + 60 < went[-1]]
    assert min(minutes) >= 0.99 * 60 * most - 1


def test_a_message_of_many_parts_takes_as_many_places_and_one_that_fits_nowhere_goes_alone() -> None:
    window = Window()
    assert window.take(100.0, 3, 10) == 0.0
    assert window.take(100.1, 7, 10) == 0.0
    assert window.take(100.2, 1, 10) == pytest.approx(SECOND - 0.2)
    assert window.take(100.2, 4, 10) == pytest.approx(SECOND - 0.1)
    assert window.take(102.0, 30, 10) == 0.0
    assert window.take(102.5, 30, 10) == pytest.approx(SECOND - 0.5)


async def test_an_answer_waits_for_no_place_and_takes_one() -> None:
    pace = Pace("")
    for _ in range(25):
        pace.note("one", 1)
    assert pace.enter("one", "sms", 1) > 0.5


async def test_what_gathers_is_written_together_and_at_once_when_nothing_else_will_come() -> None:
    written: list[int] = []

    async def write(things: list[int]) -> None:
        written.append(len(things))

    gathers = Batches(write, 60.0, 5)
    adding = [asyncio.create_task(gathers.add(number)) for number in range(5)]
    async with asyncio.timeout(20):
        await asyncio.gather(*adding)
        last = asyncio.create_task(gathers.add(5))
        await asyncio.sleep(0)
        gathers.hurry()
        await last
    assert written == [5, 1]


async def test_one_question_asks_for_all_that_wait_and_grows_old(jawab: Jawab, rows: Rows) -> None:
    contact = await rows.contact("+923001110001", "sms")
    first, second = [await rows.owe(contact, name, lane="broadcasts") for name in ("first", "second")]
    watch = Watch(jawab.db)
    watch.waiting |= {first, second}
    assert await watch.still(first)
    await rows.owner.execute("UPDATE contacts SET stopped_at = now()")
    watch._at = time.monotonic() + 60  # as if it had been asked this very moment
    assert await watch.still(second), "the answer of a moment ago"
    watch._at = 0.0
    assert not await watch.still(second)


def test_every_kind_of_channel_has_a_pace() -> None:
    assert all(limits.rate > 0 for limits in CHANNELS.values())


async def test_a_row_that_waits_for_its_slot_has_not_been_tried(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dozen SMS at 10 a second, of which five at most are taken up at once: the others go back to the queue."""
    for name, seconds in (("HORIZON", 0.4), ("RECHECK", 0.2), ("AHEAD", 0.1)):
        monkeypatch.setattr(deliver, name, seconds)
    edition = await rows.edition()
    for number in range(12):
        contact = await rows.contact(f"+9230011100{number:02}", "sms", weekly=True)
        await rows.owe(contact, "weekly", lane="broadcasts", answer=False, edition=edition)
    async with asyncio.timeout(60):
        while await rows.states() != {"sent": 12}:
            await drain(jawab, "broadcasts")
    tried = await (await rows.owner.execute("SELECT DISTINCT attempts FROM outbox")).fetchall()
    assert tried == [(1,)], "eight of these for nothing would be a message given up"


async def test_answers_that_come_too_fast_for_one_person_wait_untried(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    contact = await rows.contact("+923001110001")
    for number in range(pacing.PAIR_BURST + 1):
        await rows.owe(contact, f"answer {number}")
    counts = await drain(jawab, "replies")
    assert (counts["sent"], counts["queued"]) == (pacing.PAIR_BURST, 1)
    waiting = await rows.one("SELECT error, attempts FROM outbox WHERE state = 'queued'")
    assert waiting == {"error": "pace", "attempts": 0}


async def test_a_broadcast_holds_its_senders_pace_and_an_answer_overtakes_it(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    """30 SMS at 10 a second, and in the middle an answer to a citizen."""
    edition = await rows.edition()
    for number in range(30):
        contact = await rows.contact(f"+9230011100{number:02}", "sms", weekly=True)
        await rows.owe(contact, "weekly", lane="broadcasts", answer=False, edition=edition)
    running = asyncio.create_task(drain(jawab, "broadcasts", limit=1000))
    await twilio.wait_for(5)
    answer = await rows.owe(await rows.contact("+923009999999", "sms"), "an answer")
    await drain(jawab, "replies", [answer])
    assert (await running)["sent"] == 30
    assert "an answer" in [taken.body for taken in twilio.ledger[:25]]
    broadcast = [taken.arrived for taken in twilio.ledger if taken.body == "weekly"]
    spent = broadcast[-1] - broadcast[0]
    assert 2.85 < spent < 6.0, "29 gaps of a tenth of a second; slower only where the machine is"
