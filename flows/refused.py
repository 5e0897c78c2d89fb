"""Files that are known not to be kept as they come: never told as kept, said so, and put before who handles. Pure."""

from __future__ import annotations

from flows import report, threads
from flows.effects import Append
from flows.model import Item, Lies
from flows.moving import land
from flows.turn import Turn

TEXT = "intake.file_refused"


def is_any(turn: Turn) -> bool:
    media = turn.event.media
    return bool(media) and any(file.fault for file in media)


def read(turn: Turn) -> bool:
    """A message of nothing else answers no question and tells no story; True where it is one."""
    event = turn.event
    if not event.media or event.text.strip() or event.location or event.choice:
        return False
    if not all(file.fault for file in event.media):
        return False
    turn.partial = True
    focus = turn.known.focus
    waits = focus is not None and focus.code != "" and focus.at > turn.passed
    _show(turn, focus.code if focus is not None and waits else "")
    if not turn.fresh:
        turn.ask()
    elif waits:
        turn.over = True  # our question to them stands as it stood
    else:
        land(turn, turn.first, ask=True)
    return True


def _show(turn: Turn, asked: str) -> None:
    """Whoever handles sees that a file came and why it is not there, where there is a case to show it in."""
    item, told = Item(media=turn.event.media), turn.report
    if asked:
        turn.do(Append(asked, item))
    elif turn.memory.thread is not None:
        threads.write(turn, turn.memory.thread, item)
    elif told.sealed and told.code:
        report.seal(turn, "more", item)
    elif told.code and (told.lies is not Lies.SESSION or told.done):
        turn.do(Append(told.code, item))
    elif told.routed:
        turn.update(story=(*told.story, item))
