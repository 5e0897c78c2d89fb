"""From one question to the next, and what happens on the way. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flows import report
from flows.book import Node
from flows.effects import CallPerson, Consent, Rate, SetLanguage, Verify
from flows.facts import FACTS
from flows.model import Lies
from flows.turn import LANGUAGE, MENU, Turn

HOPS = 20  # nodes that say or branch between two questions; check finds the ring that would need more


def advance(turn: Turn, target: str) -> None:
    """The question is answered: remember it for Back and go on."""
    turn.misses = 0
    if turn.memory.missed or turn.memory.page:
        turn.remember(missed=(), page=0)
    if turn.node.ask not in {"more", "score"} and turn.node.name != LANGUAGE:
        turn.push()
    go(turn, target)


def go(turn: Turn, target: str) -> None:
    """On through what only says or branches, to the next question."""
    book = turn.book
    for _ in range(HOPS):
        if target == "back":
            _return(turn)
            return
        if turn.report.sealed:
            target = book.twins.get(target, target)
        node = book.nodes.get(target)
        if node is None:
            break
        if node.ask:
            land(turn, target, ask=True)
            return
        turn.node = node
        for key in node.says:
            turn.say(key)
        run(turn, node.effect, "")
        target = _choose(turn, node)
    land(turn, MENU if turn.lang else LANGUAGE, ask=True)


def _choose(turn: Turn, node: Node) -> str:
    for branch in node.branch:
        if not branch.when or FACTS[branch.when](turn):
            return branch.next
    return node.next


def land(turn: Turn, name: str, *, ask: bool) -> None:
    """Stand at a node that asks."""
    if turn.report.sealed:
        name = turn.book.twins.get(name, name)
    turn.node = turn.book.nodes[name]
    if turn.node.sealed and not turn.report.sealed:
        turn.update(lies=Lies.SEALED)
    if turn.node.ask == "more":
        run(turn, turn.node.effect, "")
        report.close(turn)
    if turn.node.idle:
        turn.forget()
        turn.trail = []
    if ask:
        turn.ask()


def _return(turn: Turn) -> None:
    """Back from a side step to the question that was left for it."""
    while turn.trail and turn.book.nodes[turn.trail[-1]].flow == turn.node.flow:
        turn.trail.pop()
    target = turn.trail.pop() if turn.trail else (MENU if turn.lang else LANGUAGE)
    node = turn.book.nodes[target]
    # Where nothing is pending, what was said is the whole answer.
    land(turn, target, ask=not turn.says or not (node.idle or node.ask == "more"))


def leave_to_menu(turn: Turn) -> None:
    """To the menu, with what was said kept."""
    report.leave(turn)
    turn.misses = 0
    land(turn, MENU if turn.lang else LANGUAGE, ask=True)


def offer_person(turn: Turn) -> None:
    """Twice not understood: a person, or another try."""
    turn.push()
    turn.misses = 0
    land(turn, "help.offer", ask=True)


def _set_language(turn: Turn, chosen: str, _: dict[str, Any]) -> None:
    turn.lang = chosen
    turn.do(SetLanguage(chosen))


def _consent(turn: Turn, _: str, data: dict[str, Any]) -> None:
    turn.do(Consent(**data))


def _rate(turn: Turn, _: str, __: dict[str, Any]) -> None:
    if turn.memory.rating is not None:
        turn.do(Rate(turn.memory.rating))


def _verify(turn: Turn, _: str, data: dict[str, Any]) -> None:
    turn.do(Verify(turn.memory.verify, **data))
    turn.remember(verify="")


def _call_person(turn: Turn, _: str, __: dict[str, Any]) -> None:
    reason = turn.trail[-1] if turn.trail else turn.node.name
    if turn.report.sealed:
        report.seal(turn, "call")
        return
    turn.do(CallPerson(turn.known.code, reason, turn.report.code, turn.memory.missed))
    turn.remember(missed=())


RUN: dict[str, Callable[[Turn, str, dict[str, Any]], None]] = {
    "set_language": _set_language,
    "consent": _consent,
    "rate": _rate,
    "verify": _verify,
    "call_person": _call_person,
    "open_case": lambda turn, _, __: report.open_case(turn),
    "append": lambda turn, _, __: report.append_held(turn),
}

# What a flow states of an effect that it names; of the others it states nothing.
TAKES: dict[str, frozenset[str]] = {
    "consent": frozenset({"topic", "granted", "method"}),
    "verify": frozenset({"fixed"}),
}


def run(turn: Turn, effect: tuple[str, dict[str, Any]] | None, chosen: str) -> None:
    """Do an effect that a flow names; `chosen` is the option taken, if one was."""
    if effect:
        RUN[effect[0]](turn, chosen, effect[1])
