"""A session as JSON and back: what the shell stores, encrypted, between two messages."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter

from flows.categories import current
from flows.model import Lies, Session, Stage
from flows.shapes import replace

_shape = TypeAdapter(Session)
_FIRST = b'"answers":'  # only the first version wrote this name; in a citizen's words its quotes would be escaped


def dump(session: Session) -> bytes:
    """The session as JSON; what is as in a fresh one is left out."""
    return _shape.dump_json(session, exclude_defaults=True)


def restore(stored: bytes) -> Session:
    """A session from what `dump` gave; names that another version wrote are left out. Raises ValueError."""
    if _FIRST in stored:
        return _renamed(_shape.validate_python(_from_first(json.loads(stored))))
    return _renamed(_shape.validate_json(stored))


def _renamed(session: Session) -> Session:
    """A report on its way keeps its category when that is called otherwise meanwhile."""
    memory, details = session.memory, session.memory.report.details
    if details.category == (category := current(details.category)):
        return session
    report = replace(memory.report, details=replace(details, category=category))
    return replace(session, memory=replace(memory, report=report))


def _from_first(stored: dict[str, Any]) -> dict[str, Any]:
    """The first version kept a report as marks in a dict. Whoever was behind the door must still be behind it."""
    answers = stored.pop("answers")
    marks = {"sealed": Lies.SEALED, "drafted": Lies.DRAFT, "opened": Lies.CASE, "kept": Lies.SORTING}
    report = {name: answers[name] for name in ("code", "told", "story", "held") if name in answers}
    report["lies"] = next((lies for mark, lies in marks.items() if answers.get(mark)), Lies.SESSION)
    report["stage"] = Stage.DONE if answers.get("done") else Stage.ROUTED if answers.get("routed") else Stage.ASKED
    details = ("category", "place", "place_text", "location", "may_message")
    report["details"] = {name: answers[name] for name in details if name in answers}
    memory = {name: answers[name] for name in ("verify", "missed") if name in answers}
    return {**stored, "memory": {**memory, "report": report}}
