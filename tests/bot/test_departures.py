"""Bunches: who waits for a slot leaves with others, and no second is too full for it."""

from __future__ import annotations

import asyncio
import time
import uuid
from bisect import bisect_right
from dataclasses import replace
from typing import Any, cast

import pytest

from bot.departures import Departures, together
from bot.pacing import SECOND, Pace, spacing
from bot.prepared import Ready
from locales.channels import CHANNELS
from store.outbox.claims import Claimed

SENDER = uuid.uuid4()


class Clock:
    """A time that passes when somebody sleeps, and stands still for who works."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.sleeps = 0
        real = asyncio.sleep

        async def sleep(seconds: float) -> None:
            self.now += seconds
            self.sleeps += seconds > 0
            await real(0)

        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(asyncio, "sleep", sleep)


class Row:
    def __init__(self, kind: str) -> None:
        self.id, self.channel_id, self.kind = uuid.uuid4(), SENDER, kind


def line_up(clock: Clock, kind: str, costs: list[int]) -> list[Ready]:
    """Rows with slots one after the other, as they are given."""
    waiting, slot = [], clock.now
    for cost in costs:
        waiting.append(Ready(cast("Claimed", Row(kind)), cast("Any", None), cast("Any", None), cost, clock.now, slot))
        slot += cost * spacing(kind)
    return waiting


class Gone:
    """Those that left, each with its time; each takes so many seconds of the process's time to be posted."""

    def __init__(self, clock: Clock, *, posting: float = 0.0, refused: frozenset[int] = frozenset()) -> None:
        self.clock, self.posting, self.refused = clock, posting, refused
        self.at: list[tuple[Ready, float]] = []
        self.expected: list[set[uuid.UUID]] = []
        self.places = asyncio.Semaphore(1000)
        self.asked = 0

    def made(self, pace: Pace) -> Departures:
        return Departures(pace, self.places, lambda ids: self.expected.append(set(ids)), self.may_go, self.send)

    async def may_go(self, _: Ready) -> bool:
        self.asked += 1
        return self.asked - 1 not in self.refused

    def send(self, ready: Ready) -> None:
        self.clock.now += self.posting
        self.at.append((ready, self.clock.now))
        self.places.release()

    @property
    def times(self) -> list[float]:
        return [at for _, at in self.at]


@pytest.mark.parametrize(("rate", "many"), [(80, 10), (20, 2), (30, 3), (10, 1), (1, 1), (7, 1), (0.5, 1)])
def test_a_bunch_is_a_whole_part_of_the_rate(monkeypatch: pytest.MonkeyPatch, rate: float, many: int) -> None:
    monkeypatch.setitem(CHANNELS, "sms", replace(CHANNELS["sms"], rate=rate))
    assert together("sms") == many


@pytest.mark.parametrize(("kind", "costs"), [("whatsapp", [1] * 2400), ("sms", [1, 2, 1, 3, 2] * 60)])
async def test_a_process_wakes_for_a_bunch_and_keeps_its_pace(
    monkeypatch: pytest.MonkeyPatch, kind: str, costs: list[int]
) -> None:
    clock = Clock(monkeypatch)
    gone = Gone(clock, posting=0.0001)
    waiting, all_of = gone.made(Pace("")), line_up(clock, kind, costs)
    assert waiting.add(SENDER, all_of[:100])
    assert not waiting.add(SENDER, all_of[100:])
    await waiting.leave(SENDER)
    assert [ready for ready, _ in gone.at] == all_of, "in their order, and all of them"
    assert len(waiting) == 0
    rate, spent = int(CHANNELS[kind].rate), gone.times[-1] - gone.times[0]
    each = [at for ready, at in gone.at for _ in range(ready.cost)]
    assert max(bisect_right(each, at + 1.0) - place for place, at in enumerate(each)) <= rate
    assert sum(costs) / spent > (0.99 if kind == "whatsapp" else 0.89) * rate, "parts do not always fill a second"
    if kind == "whatsapp":
        assert clock.sleeps <= len(costs) / together(kind) + 2


async def test_a_bunch_that_was_posted_late_counts_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine stood still between a bunch's turn and its posting: to the provider that is when it came."""
    clock = Clock(monkeypatch)
    gone = Gone(clock)
    waiting = gone.made(Pace(""))
    late = {15: 0.05, 185: 0.08}

    def send(ready: Ready) -> None:
        clock.now += late.get(len(gone.at), 0.0)
        gone.send(ready)

    waiting._send = send
    waiting.add(SENDER, line_up(clock, "whatsapp", [1] * 400))
    await waiting.leave(SENDER)
    assert max(bisect_right(gone.times, at + SECOND - 1e-6) - place for place, at in enumerate(gone.times)) <= 80


async def test_what_finds_no_room_goes_with_the_next_and_is_expected_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    gone, pace = Gone(clock), Pace("")
    pace.note(str(SENDER), 5)  # answers
    waiting = gone.made(pace)
    first, second, third = rows = line_up(clock, "sms", [2, 2, 2])
    first.slot = second.slot = third.slot = clock.now
    waiting.add(SENDER, rows)
    begun = clock.now
    await waiting.leave(SENDER)
    assert [round(at - begun, 3) for at in gone.times] == [0.0, 0.0, SECOND]
    assert gone.expected[-1] == {third.row.id}


async def test_one_that_may_not_go_takes_no_place_and_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    gone = Gone(clock, refused=frozenset({1, 3}))
    waiting = gone.made(Pace(""))
    rows = line_up(clock, "whatsapp", [1] * 6)
    waiting.add(SENDER, rows)
    await waiting.leave(SENDER)
    assert [ready for ready, _ in gone.at] == [rows[0], rows[2], rows[4], rows[5]]
    assert gone.places._value == 1000


async def test_a_bunch_leaves_at_the_slot_of_its_last(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    gone = Gone(clock)
    waiting = gone.made(Pace(""))
    rows = line_up(clock, "whatsapp", [1] * 30)
    waiting.add(SENDER, rows)
    await waiting.leave(SENDER)
    assert gone.times == [rows[9].slot] * 10 + [rows[19].slot] * 10 + [rows[29].slot] * 10
