"""The same conversation on the other side of the protected door: what its step would ask of the world. Pure.

An ordinary report has a twin behind the door, and a sealed one an ordinary twin, which its session carries along as a
shadow: how far it is and how many messages it would hold by now, and none of them. A case in hand, and a question of
ours about one, have their twins on the other side as well. So whatever somebody answers, both steps are known on either
side, and the shell does the work of both.
"""

from __future__ import annotations

from collections.abc import Sequence

from flows.book import Book
from flows.effects import Effect, Step
from flows.engine import step
from flows.model import LATER, Details, Event, FoundCase, Item, Lies, Report, Session, Stage, Thread
from flows.shapes import replace


def step_twin(book: Book, session: Session, events: Sequence[Event]) -> Step | None:
    """The step that the twin of `session` would take at these events of one turn; None where there is no twin.

    Before it is asked what a report is about it has none: then the answer itself decides on which side it is.
    """
    twin = _find(book, session, events)
    if twin is None:
        return None
    effects: list[Effect] = []
    took = False
    for event in events:
        made = step(book, twin, _heard(event))
        twin, took = made.session, took or made.took
        effects += made.effects
    return replace(made, effects=tuple(effects), took=took)


def shade(before: Session, made: Step, twin: Step | None) -> Session:
    """The session of `made` with the shadow that it carries from here on, where it is behind the door."""
    report = made.session.memory.report
    if not report.sealed:
        return made.session
    other = twin.session.memory.report if twin is not None and before.memory.report.sealed else None
    if other is None or other.sealed:
        was = before.shadow or before.memory.report
        other = Report(report.code, report.stage, _lies(was, report), report.told, report.placed)
    return replace(made.session, shadow=_blank(replace(other, code=report.code if other.code else "")))


def _find(book: Book, session: Session, events: Sequence[Event]) -> Session | None:
    report, thread = session.memory.report, session.memory.thread
    if report.sealed:
        twin = _moved(session, session.shadow, book.faces) if session.shadow is not None else None
    elif report.asked:
        twin = session if thread is not None or any(map(_opens, events)) else None
    else:
        twin = _moved(session, Report(report.code, report.stage, Lies.SEALED, report.told, report.placed), book.twins)
    if twin is None or thread is None:
        return twin
    return replace(twin, memory=replace(twin.memory, thread=_across(thread)))


def _across(thread: Thread) -> Thread:
    """A case in hand on the other side: what answers a question of ours goes into a drop there, else to its number."""
    there = not thread.inside
    return replace(thread, sealed=there and not thread.asked, drop=there and thread.asked)


def _opens(event: Event) -> bool:
    """Whether there is a case to take in hand: we asked about one, or its number was said."""
    focus, found = event.known.focus, event.found
    return bool(focus and focus.code) or (isinstance(found, FoundCase) and found.state not in {"none", LATER})


def _heard(event: Event) -> Event:
    """What the twin hears: we asked about a case of its side, and a number that opens one opens one there."""
    focus, found = event.known.focus, event.found
    if focus is not None and focus.code and focus.kind != "edition":  # of sealed cases no edition tells
        event = replace(event, known=replace(event.known, focus=replace(focus, drop=not focus.drop)))
    if isinstance(found, FoundCase) and found.state not in {"none", LATER}:
        event = replace(event, found=replace(found, sealed=not found.sealed))
    return event


def _moved(session: Session, report: Report, names: dict[str, str]) -> Session:
    flow, _, node = names.get(name := f"{session.flow}.{session.node}", name).partition(".")
    return replace(
        session,
        flow=flow,
        node=node,
        trail=tuple(names.get(one, one) for one in session.trail),
        memory=replace(session.memory, report=report),
        shadow=session.memory.report if report.sealed else None,
    )


def _lies(was: Report, report: Report) -> Lies:
    """Where the words of a report would lie that has come behind the door just now, had it not."""
    if report.unfinished and not report.told and was.lies is Lies.SESSION:
        return Lies.SESSION
    return Lies.SORTING if report.stage is Stage.ASKED else Lies.CASE


def _blank(report: Report) -> Report:
    """Without a word of it: what was answered is as good as any other answer, and each message is a blank one."""
    given = report.details
    details = Details(place="?" if given.place else "", place_text="?" if given.place_text else "")
    return replace(report, details=details, heard="", story=_empty(report.story), held=_empty(report.held))


def _empty(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """As many blanks as there were bytes: what a session weighs would say as well on which side it is."""
    return tuple(Item(" " * len(item.text.encode())) for item in items)
