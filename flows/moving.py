"""From one question to the next, and what happens on the way. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flows import report, threads
from flows.book import Node
from flows.effects import CallPerson, Consent, Rate, SetLanguage, Verify, Withdraw
from flows.facts import FACTS, says_why
from flows.model import Call, Details, Item, Lies
from flows.shapes import replace
from flows.turn import Turn

HOPS = 20  # nodes that say or branch between two questions; check finds the ring that would need more


def advance(turn: Turn, target: str) -> None:
    """The question is answered: remember it for Back and go on."""
    turn.misses = 0
    turn.answered = True
    if (turn.memory.missed or turn.memory.page) and turn.node.flow not in {"help", "call"}:
        turn.remember(missed=(), page=0)
    if turn.node.ask not in {"more", "score", "thread"} and turn.node.flow != "welcome":
        turn.push()
    go(turn, target)


def go(turn: Turn, target: str) -> None:
    """On through what only says or branches, to the next question."""
    book = turn.book
    for _ in range(HOPS):
        if target == "back":
            _return(turn)
            return
        if target == "over":
            turn.over = True
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
        run(turn, node.effect, "")
        for key in node.says:
            turn.say(key)
        target = _choose(turn, node)
    land(turn, turn.home, ask=True)


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
        report.keep_held(turn)
        turn.forget()
        turn.trail = []
    if ask:
        turn.ask()


def _return(turn: Turn) -> None:
    """Back from a side step to the question that was left for it."""
    side = turn.node.flow if not turn.node.report else ""  # after a doubt it is the report itself that goes on
    while turn.trail and turn.book.nodes[turn.trail[-1]].flow == side:
        turn.trail.pop()
    if not turn.trail and turn.says and turn.lang:
        turn.over = True  # nothing is pending: what was said is the whole answer
        return
    target = turn.trail.pop() if turn.trail else turn.home
    node = turn.book.nodes[target]
    land(turn, target, ask=not turn.says or not (node.idle or node.ask == "more"))


def leave_to_menu(turn: Turn) -> None:
    """To the menu, with what was said kept."""
    report.leave(turn)
    turn.misses = 0
    land(turn, turn.home, ask=True)


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
    thread = turn.memory.thread
    if thread is not None:
        if thread.inside:
            threads.seal(turn, thread, "verdict", details=Details(about=data["verdict"]))
        else:
            turn.do(Verify(thread.code, **data))
        threads.settle(turn)
        if says_why(turn) or report.is_dangerous(turn) or (thread.late and any(map(str.isalpha, turn.event.text))):
            threads.append(turn)  # who says more than yes or no says something for the case


def _wish(turn: Turn, _: str, __: dict[str, Any]) -> None:
    """Their own words for it go into the case, whichever side of the door it is on; the wish is written beside them."""
    thread, missed = turn.memory.thread, turn.memory.missed
    if thread is None:
        return
    if turn.event.kind == "message":
        threads.append(turn)
    elif missed and (missed[-1] or not thread.inside):  # the number came after them
        threads.write(turn, thread, Item(missed[-1]))
    elif missed:  # they were sealed before it
        threads.seal(turn, thread, "withdraw")
    turn.remember(missed=())
    if not thread.inside:
        turn.do(Withdraw(thread.code, ""))


def _say_why(turn: Turn, _: str, data: dict[str, Any]) -> None:
    thread = turn.memory.thread
    if thread is not None and thread.inside:
        threads.seal(turn, thread, "withdraw", details=Details(about=data["why"]))
    elif thread is not None:
        turn.do(Withdraw(thread.code, data["why"]))


def _ask_call(turn: Turn, _: str, data: dict[str, Any]) -> None:
    turn.remember(call=replace(turn.memory.call, **{name: value for name, value in data.items() if value}))


def call_person(turn: Turn) -> None:
    """Put this conversation before a person: behind the door one of its own, else the triage."""
    memory, thread = turn.memory, turn.memory.thread
    call = memory.call if memory.call != Call() else None
    asked = [name for name in turn.trail if turn.book.nodes[name].flow not in {"help", "call"}]
    reason = asked[-1] if asked and turn.node.flow != "status" else turn.node.name
    turn.remember(missed=(), call=Call())
    if call is not None:
        turn.trail = asked  # it is noted: Back leads to no question of it
    if turn.report.sealed:
        report.seal(turn, "call", call=call)
    elif thread is not None and thread.inside:
        threads.seal(turn, thread, "call", call=call)
    else:
        about = turn.report.code or (thread.code if thread else "")
        code = turn.new_code()
        turn.do(CallPerson(code, reason, about, memory.missed, call))
        turn.remember(called=code if call is not None else "")


def _pass_category(turn: Turn, _: str, __: dict[str, Any]) -> None:
    """Its question was answered by the story; Back asks it all the same."""
    turn.trail = [*turn.trail, "complaint.category"]


RUN: dict[str, Callable[[Turn, str, dict[str, Any]], None]] = {
    "set_language": _set_language,
    "consent": _consent,
    "rate": _rate,
    "verify": _verify,
    "wish": _wish,
    "say_why": _say_why,
    "ask_call": _ask_call,
    "call_person": lambda turn, _, __: call_person(turn),
    "pass_category": _pass_category,
    "give_code": lambda turn, _, __: report.give_code(turn),
    "open_case": lambda turn, _, __: report.open_case(turn),
    "append": lambda turn, _, __: report.append_held(turn),
    "clear_doubt": lambda turn, _, __: report.clear_doubt(turn),
    "keep_held": lambda turn, _, __: report.keep_held(turn),
    "thread_held": lambda turn, _, __: threads.keep_held(turn),
    "seal_held": lambda turn, _, __: threads.seal_held(turn),
    "join": lambda turn, _, __: threads.join(turn),
}

# What a flow states of an effect that it names; of the others it states nothing.
TAKES: dict[str, frozenset[str]] = {
    "consent": frozenset({"topic", "granted", "method"}),
    "verify": frozenset({"verdict"}),
    "say_why": frozenset({"why"}),
    "ask_call": frozenset({"by", "hour"}),
}


def run(turn: Turn, effect: tuple[str, dict[str, Any]] | None, chosen: str) -> None:
    """Do an effect that a flow names; `chosen` is the option taken, if one was."""
    if effect:
        RUN[effect[0]](turn, chosen, effect[1])
