"""What becomes of the words of a report: kept, put into a case, or sealed. The one place that decides it. Pure."""

from __future__ import annotations

from flows import codes, hearing
from flows.effects import Amend, Append, Forget, GiveCode, KeepStory, Lock, OpenCase, Seal, SealStory
from flows.model import Call, Details, Event, Item, Lies, Report, Stage, Thread
from flows.shapes import replace
from flows.turn import Turn

AFTER = ("complaint.more", "protected.more")


def read_item(event: Event) -> Item:
    """The words, media and location of a message."""
    text = codes.blank_cards(event.text)
    return Item(text if text.strip() else "", event.media, event.location)


def take_item(turn: Turn) -> Item:
    """What this message told, to be kept; more of the same may follow it."""
    turn.partial = True
    return read_item(turn.event)


def is_dangerous(turn: Turn) -> bool:
    """Whether this message has words that lead to the protected door."""
    return hearing.is_dangerous(turn.book.words, turn.folded)


def is_doubtful(turn: Turn) -> bool:
    """Words of danger where it was said what a report is about: it is asked once more before they go anywhere.

    Behind the door they are asked in the same words, for nobody may tell the two apart; there they are sealed at once.
    """
    return turn.report.stage in {Stage.ROUTED, Stage.FILED} and is_dangerous(turn)


def is_begun(turn: Turn) -> bool:
    """Whether words that come now are part of a report."""
    beside = turn.node.flow in {"help", "call"} and bool(turn.trail) and turn.book.nodes[turn.trail[-1]].report
    report = turn.report
    return bool(beside or turn.node.report or report.code or report.sealed or report.details.category)


def _code(turn: Turn) -> str:
    if not turn.report.code:
        turn.update(code=turn.new_code())
    return turn.report.code


def seal(turn: Turn, kind: str, item: Item = Item(), details: Details = Details(), call: Call | None = None) -> None:
    """One answer behind the protected door, the moment it comes."""
    turn.sealed = True
    turn.do(Seal(_code(turn), kind, item, details, call))


def enter(turn: Turn, about: str = "", *, words: tuple[Item, ...] = ()) -> bool:
    """Through the protected door with all that was told so far; False where it is closed.

    `words` are those of this message, which its caller seals once inside. Once inside, a report stays inside:
    sensitivity is only ever raised.
    """
    report = turn.report
    if report.sealed:
        return True
    told = replace(report.details, about=about)
    held = (*report.held, *_held_in(turn.memory.thread))
    if turn.known.closed:
        _lock(turn, told, (*report.story, *held, *words))
        return False
    if report.lies is Lies.SORTING:
        turn.do(SealStory(_code(turn), told))
        turn.sealed = True
    elif told != Details():
        seal(turn, "open", details=told)
    for item in report.story:
        seal(turn, "story", item)
    for item in report.held:
        seal(turn, "more" if report.done else "story", item)
    for item in _held_in(turn.memory.thread):
        seal(turn, "more", item)
    turn.forget(Report(turn.report.code, report.stage, Lies.SEALED, report.told, report.placed))
    return True


def _lock(turn: Turn, told: Details, story: tuple[Item, ...]) -> None:
    """In front of a closed door: what was said by now waits under its number; a choice by a digit alone says nothing.

    A trial line keeps nothing of it.
    """
    report = turn.report
    kept = report.lies is Lies.SORTING
    stays = report.opened or report.done  # its case is where it is
    said = kept or story or (not stays and (report.code or told.place_text or told.location))
    if turn.known.trial:
        if kept:
            turn.do(Forget(report.code))
    elif said:
        if stays:
            turn.update(code="")
        turn.do(Lock(_code(turn), told, story, kept))
    _say_closed(turn, kept=bool(said) and not turn.known.trial)


def _say_closed(turn: Turn, *, kept: bool) -> None:
    """It cannot be told here now, where what was said is, and who else can be asked; nothing is asked any more."""
    turn.say("trial.closed" if turn.known.trial else "door.closed")
    if kept:
        turn.say("door.kept")
    turn.say("outside.ask" if turn.known.outside else "door.alone")
    turn.forget()
    turn.trail, turn.misses, turn.shut = [], 0, True
    turn.sealed = True  # no other copy of these words stays, in the inbox neither
    turn.node, turn.options = turn.book.nodes[turn.home], ()
    if not turn.lang:
        turn.ask()


# Said of a word that is obeyed all the same.
_STANDS = frozenset({"stop.done", "start.done"})


def stop_inside(turn: Turn, *, begun: bool) -> None:
    """The door has closed behind somebody: what they said is sealed under its number, and nothing more is asked.

    `begun`: a report behind it was unfinished when this message came.
    """
    report = turn.report
    if turn.shut or not (turn.known.closed and report.sealed and (report.unfinished or (begun and not report.done))):
        return
    turn.says = [say for say in turn.says if say.key in _STANDS]
    _say_closed(turn, kept=bool(report.code))


def tell(turn: Turn) -> None:
    """Words before any choice: they are the story, whatever is answered later."""
    turn.forget()
    heard = hearing.find_category(turn.book.words, turn.folded)
    item = take_item(turn)
    if not is_dangerous(turn):
        _keep(turn, (item,))
    elif enter(turn, words=(item,)):
        seal(turn, "story", item)
    if turn.shut:
        return
    turn.update(told=True)
    if heard:
        record(turn, "category", Details(category=heard))
        turn.update(heard=heard)


def _keep(turn: Turn, story: tuple[Item, ...]) -> None:
    """Into the sorting list under a fresh code, whatever was told before under another."""
    turn.update(code=turn.new_code(), lies=Lies.SORTING)
    turn.do(KeepStory(turn.report.code, story))


def add_words(turn: Turn, kind: str = "more") -> None:
    """Words inside a report go to the same place as the rest of it. Before service or person they are its story."""
    item = take_item(turn)
    if (turn.report.sealed or is_dangerous(turn)) and not enter(turn, words=(item,)):
        return
    _add(turn, kind, item)


def _add(turn: Turn, kind: str, item: Item) -> None:
    report = turn.report
    turn.took = turn.took or not report.asked
    if report.sealed:
        seal(turn, kind, item)
    elif report.lies is not Lies.SESSION:
        turn.do(Append(report.code, item))
    elif not report.asked:
        turn.update(story=(*report.story, item))
    else:
        _keep(turn, (item,))
    if report.asked:
        turn.update(told=True)


def doubt(turn: Turn) -> None:
    """These words wait until it is known whether they are about a person; sealed ones wait sealed."""
    item = take_item(turn)
    turn.took = True
    if turn.report.sealed:
        seal(turn, "story", item)
    else:
        turn.update(held=(*turn.report.held, item))


def clear_doubt(turn: Turn) -> None:
    """They are about no person: they belong to the report."""
    held = turn.report.held
    turn.update(held=())
    for item in held:
        _add(turn, "story", item)


def hold(turn: Turn) -> None:
    """Words after a receipt wait until it is known whether they are more of the same; sealed ones wait sealed.

    A receipt of another day is not at hand any more: then they wait under a number of their own.
    """
    turn.took = True
    if not turn.report.done:
        turn.update(stage=Stage.DONE, told=True)
    item = take_item(turn)
    if turn.report.sealed or is_dangerous(turn):
        if not turn.report.sealed:
            turn.update(code="")  # its case stays where it is
        if enter(turn, words=(item,)):
            seal(turn, "more", item)
    else:
        turn.update(held=(*turn.report.held, item))


_SEALED_AS = {"may_message": "message"}


def record(turn: Turn, save: str, answer: Details) -> None:
    """One answer of a report; `answer` has what `save` names, and nothing else."""
    report = turn.report
    turn.took = turn.took or not report.asked
    if report.sealed:
        seal(turn, _SEALED_AS.get(save, save), details=answer)
        if save == "kind":
            turn.update(stage=Stage.ROUTED, heard="")
    elif save == "kind":
        turn.update(heard="")
        _route(turn, answer.about)
    else:
        turn.update(details=_answered(report.details, save, answer))
        if report.opened or (report.lies is Lies.SORTING and save == "category"):
            turn.do(Amend(report.code, answer))


# What one answer says together: a place is one of ours, or as it was typed, or on the map.
_TOGETHER = {"place": ("place", "place_text", "location")}


def _answered(before: Details, save: str, answer: Details) -> Details:
    if save not in _TOGETHER:
        return replace(before, **{save: getattr(answer, save)})
    return replace(before, **{name: getattr(answer, name) for name in _TOGETHER[save]})


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


def give_code(turn: Turn) -> None:
    """The number is said before the report is complete, and opens "received" from now on."""
    if not turn.report.code:
        turn.do(GiveCode(_code(turn)))


def open_case(turn: Turn) -> None:
    """The report is complete: its case opens, or the draft that was kept of it is finished."""
    report = turn.report
    if report.lies is Lies.DRAFT:
        turn.do(Amend(report.code, finish=True))
        turn.update(lies=Lies.CASE)
    elif not (report.sealed or report.opened or report.done):
        _open(turn, draft=False)
    turn.update(stage=Stage.FILED)
    turn.trail = []  # what was sent is sent: Back leads to no question of it


def close(turn: Turn) -> None:
    """After the receipt the session remembers the number, and nothing of what was told."""
    keep_thread(turn)
    lies = Lies.SEALED if turn.report.sealed else Lies.SESSION
    turn.forget(Report(turn.report.code, Stage.DONE, lies))
    turn.trail = []


def append_held(turn: Turn) -> None:
    """It was more of the same."""
    for item in turn.report.held:
        turn.do(Append(turn.report.code, item))
    turn.update(held=())


def clear(turn: Turn, what: str) -> None:
    """Begin another report ("report"); no words are dropped that were sent."""
    report = turn.report
    if what == "report":
        keep_thread(turn)
        turn.forget()
        turn.trail = []
        if report.sealed and report.told:
            turn.forget(Report(report.code, lies=Lies.SEALED, told=True))
        elif report.held:
            _keep(turn, report.held)
            turn.update(told=report.told)


def leave(turn: Turn) -> None:
    """The citizen goes elsewhere in the middle: what was said is kept, and said so alike on both sides of the door."""
    report = turn.report
    keep_held(turn)
    if report.routed:
        if not (report.sealed or report.opened):
            _open(turn, draft=True)
        turn.say("report.kept")
    turn.forget()
    turn.trail = []


def keep_held(turn: Turn) -> None:
    """Words that still wait are put before a person: nobody knows which report they belong to."""
    report, thread = turn.report, turn.memory.thread
    held = (*(() if report.sealed else report.held), *_held_in(thread))
    if held:
        turn.do(KeepStory(turn.new_code(), held, about=True))
        turn.update(held=())
        turn.remember(thread=replace(thread, held=()) if thread else None)


def keep_thread(turn: Turn) -> None:
    """The words that wait to enter a thread, where it is let go of."""
    thread = turn.memory.thread
    if thread is not None and thread.held:
        if held := _held_in(thread):
            turn.do(KeepStory(turn.new_code(), held, about=True))
        turn.remember(thread=replace(thread, held=()))


def _held_in(thread: Thread | None) -> tuple[Item, ...]:
    """The words that wait to enter a thread. Those for a drop are in it already, and only their question waits."""
    return () if thread is None or thread.inside else thread.held


def fall_silent(turn: Turn) -> None:
    """Nothing came for a while. What was told so far counts as received, and that is said; behind the door nothing is.

    It is offered to whoever writes next, until it was silent once more for much longer.
    """
    report = turn.report
    unfinished = not turn.silent and not report.sealed and not report.done
    keep_held(turn)
    if unfinished and report.routed and turn.node.flow != "again":
        if not report.opened:
            _open(turn, draft=True)
        turn.say("report.kept")
    turn.over = not (unfinished and turn.report.code)
    turn.silent = True
