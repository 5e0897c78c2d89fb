"""`python -m bench.step`: CPU of one step of a conversation, live and rebuilt, beside other state machines.

One whole complaint in fifteen turns. Live: the session stays in memory. Rebuilt: it comes as the JSON that the shell
stores and goes as that, as on every web hook. The peers walk the same fifteen turns over a table made of them: they
find the transition of a matching key, take it and give the keys of the reply, and know no universal words, codes,
places, trail, doubts or duties. They are no dependencies: one that is not installed is named as absent.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import locales
from flows.book import Book
from flows.engine import step
from flows.load import load_book
from flows.model import Event, Session
from flows.play import World
from flows.sessions import dump, restore

TEXTS = (
    *("سلام", "1", "پانی", "0", "1", "۱", "0", "1", "پشین"),
    "تین دن سے نلکے میں پانی نہیں آ رہا ہے، گلی کے سب گھر پریشان ہیں",
    *("1", "شکریہ", "کل بھی نہیں آیا", "2", "MENU"),
)
Walk = Callable[[], object]  # the fifteen turns, once


@dataclass(frozen=True)
class Turn:
    """One turn as it was walked: from and to are node names, `says` the keys of the reply."""

    text: str
    event: Event
    at: str
    to: str
    says: tuple[str, ...]


def walk_once(book: Book) -> list[Turn]:
    """The fifteen turns with their events, each with the fresh codes that the shell would give it."""
    session, world, turns = Session(), World(channel="whatsapp", outside=()), []
    for text in TEXTS:
        world.at += 60
        event = Event("message", world.known(), text, echo=f"mark of {len(turns)}")
        made = step(book, session, event)
        for effect in made.effects:
            world.do(effect)
        says = tuple(say.key for say in made.reply.says) if made.reply else ()
        turns.append(Turn(text, event, _at(session), _at(made.session), says))
        session = made.session
    return turns


def _at(session: Session) -> str:
    return f"{session.flow}_{session.node}".strip("_") or "begin"


def ours_live(book: Book, turns: list[Turn]) -> Walk:
    events = [turn.event for turn in turns]

    def walk() -> None:
        session = Session()
        for event in events:
            session = step(book, session, event).session

    return walk


def ours_rebuilt(book: Book, turns: list[Turn]) -> Walk:
    events, fresh = [turn.event for turn in turns], dump(Session())

    def walk() -> None:
        stored = fresh
        for event in events:
            stored = dump(step(book, restore(stored), event).session)

    return walk


def a_dict(turns: list[Turn]) -> Walk:
    """The floor: no library, no folding, only the table."""
    table = {(turn.at, turn.text): (turn.to, turn.says) for turn in turns}

    def walk() -> None:
        at = "begin"
        for text in TEXTS:
            at, _ = table[at, text]

    return walk


def _triggers(turns: list[Turn]) -> tuple[dict[tuple[str, str], str], dict[str, tuple[str, ...]]]:
    names = {(turn.at, locales.fold(turn.text)): f"take_{place}" for place, turn in enumerate(turns)}
    return names, {names[turn.at, locales.fold(turn.text)]: turn.says for turn in turns}


def _ways(turns: list[Turn]) -> list[tuple[str, str, str]]:
    """(trigger, from, to), each once: two turns that are alike are one way."""
    names, _ = _triggers(turns)
    return sorted({(names[turn.at, locales.fold(turn.text)], turn.at, turn.to) for turn in turns})


def transitions_peer(turns: list[Turn], *, live: bool) -> Walk:
    machine_of = importlib.import_module("transitions").Machine
    names, says = _triggers(turns)
    ways = [{"trigger": name, "source": at, "dest": to} for name, at, to in _ways(turns)]
    states = sorted({turn.at for turn in turns} | {turn.to for turn in turns})

    class Phone:
        state: str

    machine = machine_of(model=None, states=states, transitions=ways, initial="begin", auto_transitions=False)

    def walk_live() -> None:
        phone: Any = Phone()
        machine.add_model(phone)
        for text in TEXTS:
            name = names[phone.state, locales.fold(text)]
            phone.trigger(name)
            says[name]
        machine.remove_model(phone)

    def walk_rebuilt() -> None:
        stored = '{"state": "begin"}'
        for text in TEXTS:
            phone: Any = Phone()
            machine.add_model(phone, initial=json.loads(stored)["state"])
            name = names[phone.state, locales.fold(text)]
            phone.trigger(name)
            says[name]
            stored = json.dumps({"state": phone.state})
            machine.remove_model(phone)

    return walk_live if live else walk_rebuilt


def statemachine_peer(turns: list[Turn]) -> Walk:
    library: Any = importlib.import_module("statemachine")
    names, says = _triggers(turns)
    states = {name: library.State(name, initial=name == "begin") for turn in turns for name in (turn.at, turn.to)}
    body: dict[str, Any] = dict(states)
    for name, at, to in _ways(turns):
        body[name] = states[at].to(states[to])
    body["again"] = states[turns[-1].to].to(states["begin"])  # it refuses a state that nothing leads out of
    complaint: Any = type("Complaint", (library.StateMachine,), body)

    def walk() -> None:
        machine = complaint()
        at = "begin"
        for text in TEXTS:
            name = names[at, locales.fold(text)]
            machine.send(name)
            says[name]
            at = str(machine.current_state.id)

    return walk


def take_time(walk: Walk, times: int) -> float:
    """CPU microseconds of one of so many walks: the least, which is what it costs where nobody else uses the core."""
    least = float("inf")
    for _ in range(times):
        begun = time.process_time_ns()
        walk()
        least = min(least, time.process_time_ns() - begun)
    return least / 1e3


def count_calls(walk: Walk) -> int:
    """Functions that one walk calls, of Python and of C: the same on every machine."""
    count = 0

    def note(_: object, happened: str, __: object) -> None:
        nonlocal count
        count += happened in {"call", "c_call"}

    walk()
    sys.setprofile(note)
    walk()
    sys.setprofile(None)
    return count


def by_turn(book: Book, turns: list[Turn], times: int) -> Iterator[tuple[str, float]]:
    """(from, to and text, CPU microseconds) of each of ours, live."""
    session = Session()
    for turn in turns:
        us = take_time(partial(step, book, session, turn.event), times)
        yield f"{turn.at} > {turn.to}: {turn.text[:12]}", us
        session = step(book, session, turn.event).session


_XSTATE = Path(__file__).with_name("step_xstate.cjs")


def xstate(turns: list[Turn], times: int) -> dict[str, float] | str:
    """XState 5 in Node, found through NODE_PATH: CPU microseconds live and from a snapshot; or why there is none."""
    node = shutil.which("node")
    if node is None:
        return "absent: no node"
    names, _ = _triggers(turns)
    given = {
        "times": times,
        "ways": _ways(turns),
        "texts": list(TEXTS),
        "names": [[at, text, name] for (at, text), name in names.items()],
        "folded": {text: locales.fold(text) for text in TEXTS},
    }
    ran = subprocess.run([node, _XSTATE], input=json.dumps(given), capture_output=True, text=True, check=False)
    return json.loads(ran.stdout) if ran.returncode == 0 else "absent: not found through NODE_PATH"


def compare(rounds: int, times: int) -> dict[str, Any]:
    """The least of rounds that are taken in turn, and each of our turns apart."""
    book = load_book()
    turns = walk_once(book)
    walks: dict[str, Walk] = {
        "ours live": ours_live(book, turns),
        "ours rebuilt": ours_rebuilt(book, turns),
        "a dict (the floor)": a_dict(turns),
    }
    absent = {}
    if importlib.util.find_spec("transitions"):
        walks["transitions live"] = transitions_peer(turns, live=True)
        walks["transitions rebuilt"] = transitions_peer(turns, live=False)
    else:
        absent["transitions"] = "absent: pip install transitions"
    if importlib.util.find_spec("statemachine"):
        walks["python-statemachine live"] = statemachine_peer(turns)
    else:
        absent["python-statemachine"] = "absent: pip install python-statemachine"
    taken: dict[str, list[float]] = {name: [] for name in walks}
    for _ in range(rounds):
        for name, walk in walks.items():
            taken[name].append(take_time(walk, times) / len(TEXTS))
    figures = {name: round(min(one), 2) for name, one in taken.items()}
    return {
        "cpu_us_a_step": figures | {"xstate": xstate(turns, rounds * times)} | absent,
        "calls_a_step": {name: round(count_calls(walk) / len(TEXTS)) for name, walk in walks.items()},
        "ours_by_turn": {name: round(us, 1) for name, us in by_turn(book, turns, times)},
        "load": [round(one, 1) for one in os.getloadavg()],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.step", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--times", type=int, default=100, help="that the fifteen turns are walked in one round")
    given = parser.parse_args()
    print(json.dumps(compare(given.rounds, given.times), indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
