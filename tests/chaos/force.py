"""Every part killed, frozen or wiped, one at a time, while people report and the provider has a bad day."""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from house.postgres import as_owner
from settings import load
from tests import folders
from tests.chaos import plan, sealed
from tests.chaos.citizens import Crowd, Message
from tests.chaos.doors import Doors
from tests.chaos.gaps import longest
from tests.chaos.killer import REPLACED, Done, Killer, kinds
from tests.chaos.parts import ALONE
from tests.chaos.table import Row, must, none, told, within
from tests.chaos.truth import Truth
from tests.first_day import Reader, opened_town
from tests.providers.callbacks import Callbacks
from tests.providers.faults import BAD_DAY
from tests.providers.twilio import FakeTwilio
from tests.town import Town, wait_for

RATE, LEAST = 20.0, 2.5  # messages a second
CALM = 2.5  # seconds in which nothing is done to it, to see whether this machine carries so many
LOOKS, MOST_LOOKS = 5, 40  # at a crowd in a jam, before fewer write, and before it is left as it is
IN_TIME, SHARE = 1.0, 0.95  # so many are accepted within this second
RELOADED = 10.0  # seconds for every process anew
ENDED_WITHIN = 20.0  # seconds for those in the middle of a report, once the harm is over
DRAINED_WITHIN = 150.0  # a claim's lease, the provider asked, the next tries


def run(seed: int, seconds: float, rounds: int = 0, rate: float = RATE) -> Iterator[Row]:
    """Rows of the table. `seconds` of faults, or so many whole rounds of every kind where `rounds` is given; `rate`
    messages come a second.
    """
    provider = FakeTwilio()
    provider.fail_some(BAD_DAY, seed)
    provider.callbacks = Callbacks(provider, seed)
    with (
        folders.made("force") as folder,
        provider,
        opened_town(folder, provider, "sms", "whatsapp", settings={}) as (town, readers),
    ):
        force = Force(town, seed, rate)
        force.begin()
        try:
            force.harm(seconds, rounds)
            force.crowd.finish(ENDED_WITHIN)
        finally:
            force.end()
        yield from force.look(readers)


class Force:
    """One town, the crowd that writes to it, and what was done to it."""

    def __init__(self, town: Town, seed: int, rate: float) -> None:
        self.seed, self.rate = seed, rate
        self.crowd = Crowd(town.url, town.provider, LEAST, seed)
        self.killer = Killer(town, self.crowd, seed)
        self.doors = Doors({"desk": town.desk_url, "custody": town.custody_url})
        self.town = town
        settings = load(data=town.data, mode="live")
        self.place = as_owner(settings.database_url, settings.data)
        self.truth = Truth(self.place, town.provider, self.crowd)
        self.done: list[Done] = []
        self.load = os.getloadavg()
        self.begun = 0.0

    def begin(self) -> None:
        self.crowd.start()
        self.doors.start()

    def end(self) -> None:
        self.crowd.stop()
        self.doors.stop()

    def harm(self, seconds: float, rounds: int) -> None:
        wait_for(lambda: self.crowd.accepted, 60)
        self.climb()
        self.settle()
        self.begun = time.monotonic()
        able = kinds(tuple(self.killer.whole))
        end = time.monotonic() + seconds
        for number, kind in enumerate(plan.order(able, self.seed)):
            if number >= rounds * len(able) if rounds else time.monotonic() >= end:
                break
            done = self.killer.do(kind)
            self.settle()
            self.done.append(done)
            seen = f"silence {self.silence(done):.2f} s, desk and custody {self.shut(done):.2f} s"
            _say(f"{kind.name}: back after {done.back:.1f} s, {seen}")
        self.load = os.getloadavg()

    def climb(self) -> None:
        """From few messages a second to all, as far as this machine carries them."""
        while self._calm() and self.crowd.rate < self.rate:
            self.crowd.rate = min(self.rate, 2 * self.crowd.rate)

    def _calm(self) -> bool:
        first = len(self.crowd.messages)
        time.sleep(CALM)
        return keeps_up(self.crowd.messages[first:], time.monotonic())

    def settle(self) -> None:
        """Wait until nobody waits. A crowd in a jam hides what a kill did, so where this machine does not carry so many
        now, fewer write.
        """
        for look in range(1, MOST_LOOKS):
            if self._calm():
                return
            if look % LOOKS == 0 and self.crowd.rate > LEAST:
                self.crowd.rate /= 2
                _say(f"this machine does not carry so many now: {self.crowd.rate:g} messages a second")

    def silence(self, done: Done) -> float:
        return longest(self.crowd.accepted, done.begin, done.end)

    def shut(self, done: Done) -> float:
        """How long nobody got in where people work."""
        return max(self.doors.shut(done.begin, done.end).values())

    def look(self, readers: Mapping[str, Reader]) -> Iterator[Row]:
        """To be asked once, after the crowd has stopped."""
        drained = self.truth.drain(DRAINED_WITHIN)
        yield told("seed, and faults done", f"{self.seed}, {len(self.done)}")
        yield told("parts that were found", ", ".join(sorted(self.killer.whole)))
        carried = self.crowd.rate == self.rate
        seen = "all the time" if carried else f"{self.crowd.rate:g} at the end: this machine carried no more"
        yield Row("messages a second", f"{self.rate:g}", seen, "kept" if carried else "late")
        yield told("load of the machine in one, five and fifteen minutes", ", ".join(f"{one:.1f}" for one in self.load))
        yield must(f"everything at rest within {DRAINED_WITHIN:g} s", "yes", "yes" if drained else "no", drained)
        yield must("the database answers at the end", "yes", "yes" if (there := self.truth.answers()) else "no", there)
        if there:
            yield from self.truth.rows(self.begun)
            yield from sealed.look(self.town, self.place, [one for one in self.crowd.people if one.sealed], readers)
        yield from self._by_kind()

    def _by_kind(self) -> Iterator[Row]:
        by_kind: dict[str, list[Done]] = defaultdict(list)
        for done in self.done:
            by_kind[done.kind.name].append(done)
        for name, all_of in sorted(by_kind.items()):
            kind = all_of[0].kind
            yield within(f"{name}: nobody taken in for", [self.silence(done) for done in all_of], kind.silence)
            if set(kind.parts) & set(ALONE) or kind.does == "reload":
                yield within(f"{name}: nobody let in there for", [self.shut(done) for done in all_of], kind.shut)
            if kind.does == "hang":
                yield within(f"{name}: replaced after", [done.back for done in all_of], REPLACED)
            elif kind.parts:
                yield told(f"{name}: there again after", ", ".join(f"{done.back:.1f} s" for done in all_of))
            if kind.does == "reload":
                yield within(f"{name}: through after", [done.back for done in all_of], RELOADED)
                refused = sum(
                    one.status != 200 for done in all_of for one in self.crowd.tries if done.begin <= one.at <= done.end
                )
                yield none(f"{name}: posts refused", refused)
        others = [done for done in self.done if not set(done.kind.parts) & set(ALONE) and done.kind.does != "reload"]
        yield within("all else: nobody let in at desk or custody for", [self.shut(done) for done in others], 1.0)


def keeps_up(messages: Sequence[Message], now: float) -> bool:
    """Whether nearly all of these were accepted in time; those that are too young to tell are left out."""
    told_by_now = [one for one in messages if one.begun < now - IN_TIME]
    good = sum(one.accepted is not None and one.accepted - one.begun < IN_TIME for one in told_by_now)
    return bool(told_by_now) and good >= SHARE * len(told_by_now)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
