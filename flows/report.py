"""What becomes of the words of a report: kept, put into a case, or sealed. The one place that decides it. Pure."""

from __future__ import annotations

from dataclasses import replace

from flows.effects import Amend, Append, Forget, KeepStory, OpenCase, Seal, SealStory
from flows.model import Details, Event, Item, Lies, Report, Stage
from flows.turn import LANGUAGE, MENU, Turn


def read_item(event: Event) -> Item:
    """The words, media and location of a message."""
    return Item(event.text if event.text.strip() else "", event.media, event.location)


def is_dangerous(turn: Turn) -> bool:
    """Whether this message has a word that leads to the protected door."""
    return turn.book.words.danger(turn.folded)


def _code(turn: Turn) -> str:
    if not turn.report.code:
        turn.update(code=turn.known.code)
    return turn.report.code


def seal(turn: Turn, kind: str, item: Item = Item(), details: Details = Details()) -> None:
    """One answer behind the protected door, the moment it comes."""
    turn.sealed = True
    turn.do(Seal(_code(turn), kind, item, details))


def enter(turn: Turn, about: str = "") -> bool:
    """Through the protected door with all that was told so far; False where a trial line keeps it shut.

    Once inside, a report stays inside: sensitivity is only ever raised.
    """
    report = turn.report
    if report.sealed:
        return True
    if turn.known.trial:
        _refuse(turn)
        return False
    told = replace(report.details, about=about)
    if report.lies is Lies.SORTING:
        turn.do(SealStory(_code(turn), told))
        turn.sealed = True
    elif told != Details():
        seal(turn, "open", details=told)
    for item in report.story:
        seal(turn, "story", item)
    for item in report.held:
        seal(turn, "more", item)
    turn.forget(Report(turn.report.code, report.stage, Lies.SEALED, report.told))
    return True


def _refuse(turn: Turn) -> None:
    if turn.report.lies is Lies.SORTING:
        turn.do(Forget(turn.report.code))
    turn.forget()
    turn.trail, turn.misses, turn.shut = [], 0, True
    turn.sealed = True  # nothing is taken: not even the inbox keeps these words
    turn.node = turn.book.nodes[MENU if turn.lang else LANGUAGE]
    turn.say("trial.outside")
    if not turn.lang:
        turn.ask()


def tell(turn: Turn) -> None:
    """Words before any choice: they are the story, whatever is answered later."""
    turn.forget()
    if is_dangerous(turn):
        if enter(turn):
            turn.update(told=True)
            seal(turn, "story", read_item(turn.event))
        return
    _keep(turn, (read_item(turn.event),))
    turn.update(told=True)


def _keep(turn: Turn, story: tuple[Item, ...]) -> None:
    """Into the sorting list under a fresh code, whatever was told before under another."""
    turn.update(code=turn.known.code, lies=Lies.SORTING)
    turn.do(KeepStory(turn.known.code, story))


def add_words(turn: Turn, kind: str = "more") -> None:
    """Words inside a report go to the same place as the rest of it. Before service or person they are its story."""
    if (turn.report.sealed or is_dangerous(turn)) and not enter(turn):
        return
    report, item = turn.report, read_item(turn.event)
    if report.sealed:
        seal(turn, kind, item)
    elif report.lies is not Lies.SESSION:
        turn.do(Append(report.code, item))
    elif report.routed:
        turn.update(story=(*report.story, item))
    else:
        _keep(turn, (item,))
    if not report.routed:
        turn.update(told=True)


def hold(turn: Turn) -> None:
    """Words after the receipt wait until it is known whether they are more of the same; sealed ones wait sealed."""
    if turn.report.sealed or is_dangerous(turn):
        if enter(turn):
            seal(turn, "more", read_item(turn.event))
    else:
        turn.update(held=(*turn.report.held, read_item(turn.event)))


_SEALED_AS = {"may_message": "message"}


def record(turn: Turn, save: str, answer: Details) -> None:
    """One answer of a report; `answer` has what `save` names, and nothing else."""
    report = turn.report
    if report.sealed:
        seal(turn, _SEALED_AS.get(save, save), details=answer)
        if save == "kind":
            turn.update(stage=Stage.ROUTED)
    elif save == "kind":
        _route(turn, answer.about)
    else:
        turn.update(details=_answered(report.details, save, answer))
        if report.opened or (report.lies is Lies.SORTING and save == "category"):
            turn.do(Amend(report.code, answer))


# What one answer says together: a place is one of ours, or as it was typed, or on the map.
_TOGETHER = {"place": ("place", "place_text", "location")}


def _answered(before: Details, save: str, answer: Details) -> Details:
    return replace(before, **{name: getattr(answer, name) for name in _TOGETHER.get(save, (save,))})


def _route(turn: Turn, about: str) -> None:
    if about == "person":
        if enter(turn, about):
            turn.update(stage=Stage.ROUTED)
        return
    turn.update(stage=Stage.ROUTED)
    if turn.report.lies is Lies.SORTING:
        _open(turn, draft=False)


def _open(turn: Turn, *, draft: bool) -> None:
    report = turn.report
    details = report.details if report.details.category else replace(report.details, category=turn.book.unsorted)
    turn.do(OpenCase(_code(turn), details, draft, report.lies is Lies.SORTING, report.story))
    turn.update(lies=Lies.DRAFT if draft else Lies.CASE)


def open_case(turn: Turn) -> None:
    """The report is complete: its case opens, or the draft that was kept of it is finished."""
    report = turn.report
    if report.lies is Lies.DRAFT:
        turn.do(Amend(report.code, finish=True))
    elif not report.opened and not report.done:
        _open(turn, draft=False)


def close(turn: Turn) -> None:
    """After the receipt the session remembers the number, and nothing of what was told."""
    lies = Lies.SEALED if turn.report.sealed else Lies.SESSION
    turn.forget(Report(turn.report.code, Stage.DONE, lies))
    turn.trail = []


def append_held(turn: Turn) -> None:
    """It was more of the same."""
    for item in turn.report.held:
        turn.do(Append(turn.report.code, item))
    turn.update(held=())


def clear(turn: Turn, what: str) -> None:
    """Begin the report again ("answers") or begin another one ("report"); no words are dropped that were sent."""
    report = turn.report
    if what == "answers":
        turn.forget(Report(report.code, lies=report.lies, told=report.told))
        turn.trail = []
    elif what == "report":
        turn.forget()
        turn.trail = []
        if report.held:
            _keep(turn, report.held)


def leave(turn: Turn) -> None:
    """The citizen goes elsewhere in the middle: what was said is kept, and said so alike on both sides of the door."""
    report = turn.report
    if report.held and not report.sealed:
        turn.do(KeepStory(turn.known.code, report.held))
    elif report.routed:
        if not report.sealed and not report.opened:
            _open(turn, draft=True)
        turn.say("report.kept")
    turn.forget()
    turn.trail = []


def fall_silent(turn: Turn) -> None:
    """Nothing came for a while. An ordinary report becomes a draft and says so; behind the door nothing is said."""
    report = turn.report
    open_end = not turn.silent and not report.sealed and not report.done
    if report.held and not report.sealed:
        turn.do(KeepStory(turn.known.code, report.held))
    if open_end and report.routed and not report.opened:
        _open(turn, draft=True)
        turn.say("report.kept")
    # Its later answers still find their way for as long as the conversation stays open.
    turn.over = not (open_end and turn.report.code)
    turn.silent = True
