"""Whether words say that it is about a person or about a service. Pure."""

from __future__ import annotations

from flows.book import Words
from flows.meanings import OF_IT, TAIL


def find_kind(words: Words, folded: str) -> str:
    """Whether a short message says that it is about a "person" or a "service"; "" otherwise."""
    heard = words.heard.read(folded)
    person, service = heard.has("report.kind.person"), heard.has("report.kind.service")
    if not heard.covers((*TAIL, *OF_IT, "report.kind.person", "report.kind.service", "not", "acted")):
        return ""
    if person and heard.has("not"):
        return "service"
    return "person" if person and not service else "service" if service and not person else ""
