"""The same text again and again: a robot, or somebody who is not helped by what we say. A person looks at it. Pure."""

from __future__ import annotations

from flows.model import Echo, Event, Session

SILENT_FROM = 3  # the third equal text gets no answer, and a person sees it; later ones are only kept
WITHIN = 300  # seconds


def count(session: Session, event: Event) -> Echo | None:
    """How often this text has come, this time included. None where it is no text: a digit, a tap, a file, a place."""
    wordless = not any(map(str.isalpha, event.text)) or event.choice or event.media or event.location
    if event.kind != "message" or wordless or not event.echo:
        return None
    before = last(session, event)
    if before is None or before.mark != event.echo:
        # Whole seconds: the other side's session is as long, at whatever moment either came.
        return Echo(event.echo, 1, float(int(event.known.at)))
    return Echo(before.mark, before.times + 1, before.since)


def last(session: Session, event: Event) -> Echo | None:
    """The text that came last, where that is not long ago, and nothing of it once the conversation has gone quiet."""
    echo = session.echo
    lately = echo is not None and event.kind != "quiet" and event.known.at - echo.since <= WITHIN
    return echo if lately else None
