"""What becomes of the words of a report: kept, put into a case, or sealed. The one place that decides it. Pure.

A report's `answers` in the session, all optional:
`code` · `kept` (its words are in the sorting list) · `told` (they came before the questions) · `routed` (service or
person is answered) · `opened` (its case exists) · `drafted` (as a draft) · `done` · `held` (items waiting for "more
about it or new?") · category, kind, place, place_text, location, may_message, story of an ordinary report ·
`sealed`: it is behind the protected door, and then nothing of what was told stands here.
"""

from __future__ import annotations

from typing import Any

from flows.model import Event, Item
from flows.turn import LANGUAGE, MENU, Turn

_PLACE = ("place", "place_text", "location")
_SEALED_KEEPS = ("code", "told", "routed", "done")
_AGAIN_KEEPS = ("code", "kept", "told", "opened", "drafted", "sealed")


def read_item(event: Event) -> Item:
    """The words, media and location of a message; {} if it has none."""
    item: Item = {}
    if event.text.strip():
        item["text"] = event.text
    if event.media:
        item["media"] = [{"url": media.url, "content_type": media.content_type} for media in event.media]
    if event.location:
        item["location"] = list(event.location)
    return item


def is_dangerous(turn: Turn) -> bool:
    """Whether this message has a word that leads to the protected door."""
    return turn.book.words.danger(turn.folded)


def _code(turn: Turn) -> str:
    code: str = turn.answers.setdefault("code", turn.known.code)
    return code


def _pick(answers: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: answers[name] for name in names if name in answers}


def seal(turn: Turn, kind: str, **data: Any) -> None:
    """One answer behind the protected door, the moment it comes."""
    turn.sealed = True
    turn.do("seal", code=_code(turn), kind=kind, **data)


def enter(turn: Turn, about: str = "") -> bool:
    """Through the protected door with all that was told so far; False where a trial line keeps it shut.

    Once inside, a report stays inside: sensitivity is only ever raised.
    """
    answers = turn.answers
    if answers.get("sealed"):
        return True
    if turn.known.trial:
        _refuse(turn)
        return False
    told = _pick(answers, "category", *_PLACE, "may_message")
    if answers.get("kept") and not answers.get("opened"):
        turn.do("seal_story", code=_code(turn), about=about, **told)
        turn.sealed = True
    elif told or about:
        seal(turn, "open", about=about, **told)
    for item in answers.get("story", ()):
        seal(turn, "story", **item)
    for item in answers.get("held", ()):
        seal(turn, "more", **item)
    turn.answers = {**_pick(answers, *_SEALED_KEEPS), "sealed": True}
    return True


def _refuse(turn: Turn) -> None:
    if turn.answers.get("kept") and not turn.answers.get("opened"):
        turn.do("forget", code=turn.answers["code"])
    turn.answers, turn.trail, turn.misses, turn.shut = {}, [], 0, True
    turn.sealed = True  # nothing is taken: not even the inbox keeps these words
    turn.node = turn.book.nodes[MENU if turn.lang else LANGUAGE]
    turn.say("trial.outside")
    if not turn.lang:
        turn.ask()


def tell(turn: Turn) -> None:
    """Words before any choice: they are the story, whatever is answered later."""
    turn.answers = {}
    if is_dangerous(turn):
        if enter(turn):
            turn.answers["told"] = True
            seal(turn, "story", **read_item(turn.event))
        return
    turn.answers = {"code": turn.known.code, "kept": True, "told": True}
    turn.do("keep_story", code=turn.known.code, story=[read_item(turn.event)])


def add_words(turn: Turn, kind: str = "more") -> None:
    """Words inside a report go to the same place as the rest of it. Before service or person they are its story."""
    if (turn.answers.get("sealed") or is_dangerous(turn)) and not enter(turn):
        return
    answers, item = turn.answers, read_item(turn.event)
    routed = answers.get("routed")
    if answers.get("sealed"):
        seal(turn, kind, **item)
    elif answers.get("opened") or answers.get("kept"):
        turn.do("append", code=answers["code"], **item)
    elif routed:
        answers["story"] = [*answers.get("story", ()), item]
    else:
        answers.update(code=turn.known.code, kept=True)
        turn.do("keep_story", code=turn.known.code, story=[item])
    if not routed:
        answers["told"] = True


def hold(turn: Turn) -> None:
    """Words after the receipt wait until it is known whether they are more of the same; sealed ones wait sealed."""
    if turn.answers.get("sealed") or is_dangerous(turn):
        if enter(turn):
            seal(turn, "more", **read_item(turn.event))
    else:
        turn.answers["held"] = [*turn.answers.get("held", ()), read_item(turn.event)]


def record(turn: Turn, save: str, **data: Any) -> None:
    """One answer of a report."""
    answers = turn.answers
    if answers.get("sealed"):
        seal(turn, "message" if save == "may_message" else save, **data)
        if save == "kind":
            answers["routed"] = True
    elif save == "kind":
        _route(turn, data["about"])
    else:
        if save == "place":
            for name in _PLACE:
                answers.pop(name, None)
        answers.update(data)
        if answers.get("opened") or (answers.get("kept") and save == "category"):
            turn.do("amend", code=answers["code"], **data)


def _route(turn: Turn, about: str) -> None:
    if about == "person":
        if enter(turn, about):
            turn.answers["routed"] = True
        return
    turn.answers.update(kind=about, routed=True)
    if turn.answers.get("kept") and not turn.answers.get("opened"):
        _open(turn, draft=False, kept=True)


def _open(turn: Turn, *, draft: bool, kept: bool = False) -> None:
    answers = turn.answers
    turn.do(
        "open_case",
        code=_code(turn),
        category=answers.get("category", "other"),
        draft=draft,
        kept=kept,
        **_pick(answers, *_PLACE, "story", "may_message"),
    )
    answers["opened"] = True
    if draft:
        answers["drafted"] = True


def open_case(turn: Turn) -> None:
    """The report is complete: its case opens, or the draft that was kept of it is finished."""
    answers = turn.answers
    if answers.get("drafted"):
        turn.do("amend", code=answers["code"], finish=True)
    elif not answers.get("opened") and not answers.get("done"):
        _open(turn, draft=False)


def close(turn: Turn) -> None:
    """After the receipt the session remembers the number, and nothing of what was told."""
    turn.answers = {**_pick(turn.answers, "code", "sealed"), "done": True}
    turn.trail = []


def append_held(turn: Turn) -> None:
    """It was more of the same."""
    for item in turn.answers.pop("held", ()):
        turn.do("append", code=turn.answers["code"], **item)


def clear(turn: Turn, what: str) -> None:
    """Begin the report again ("answers") or begin another one ("report"); no words are dropped that were sent."""
    if what == "answers":
        turn.answers = _pick(turn.answers, *_AGAIN_KEEPS)
        turn.trail = []
    elif what == "report":
        held = turn.answers.get("held")
        turn.answers, turn.trail = {}, []
        if held:
            turn.answers = {"code": turn.known.code, "kept": True}
            turn.do("keep_story", code=turn.known.code, story=held)


def leave(turn: Turn) -> None:
    """The citizen goes elsewhere in the middle: what was said is kept, and said so alike on both sides of the door."""
    answers = turn.answers
    if answers.get("held") and not answers.get("sealed"):
        turn.do("keep_story", code=turn.known.code, story=answers["held"])
    elif answers.get("routed") and not answers.get("done"):
        if not answers.get("sealed") and not answers.get("opened"):
            _open(turn, draft=True)
        turn.say("report.kept")
    turn.answers, turn.trail = {}, []


def fall_silent(turn: Turn) -> None:
    """Nothing came for a while. An ordinary report becomes a draft and says so; behind the door nothing is said."""
    answers = turn.answers
    open_end = not turn.silent and not answers.get("sealed") and not answers.get("done")
    if answers.get("held") and not answers.get("sealed"):
        turn.do("keep_story", code=turn.known.code, story=answers["held"])
    if open_end and answers.get("routed") and not answers.get("opened"):
        _open(turn, draft=True)
        turn.say("report.kept")
    # Its later answers still find their way for as long as the conversation stays open.
    turn.over = not (open_end and answers.get("code"))
    turn.silent = True
