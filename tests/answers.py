"""What a citizen answers, by the names of questions and options: no test counts questions that it is not about.

A question that is added to a flow is answered by its first option (by a story where it asks for words), and every test
that walks past it goes on as before.
"""

from __future__ import annotations

from collections.abc import Callable

from flows.book import Node
from flows.load import load_book
from flows.model import Session
from flows.play import Phone, World
from flows.turn import numbered_places

BOOK = load_book()
STORY = "تین دن سے نلکے میں پانی نہیں آ رہا"
_MOST = 40  # answers from the first hello to any question
_ASKED = {"first": "lang", "language": "lang", "which": "category"}  # questions that are asked in two places
ENDS = {"done": ("done", "declined")}  # what follows the last question, whichever way it was answered


def answer(question: str, option: str) -> str:
    """The digit of an option: `answer("kind", "service")`. The question by its own name or with its flow's."""
    digits = {
        one.digit
        for name, node in BOOK.nodes.items()
        if question in {name, name.partition(".")[2]}
        for one in node.options
        if one.id == option
    }
    assert len(digits) == 1, f"{question}: {option} is {sorted(digits) or 'not an option'}"
    return digits.pop()


def report(
    phone: Phone, upto: str = "done", *, past: str = "", write: Callable[[str], str] = str, **answers: str
) -> list[str]:
    """Go on with a report until the question `upto` is open, or until `past` has been answered; what was typed.

    A phone where nothing is open says hello first. `answers` are option ids by question, `lang` for
    the language, `place` an id of the world's places or words, `story` words; the rest is answered by the first option.
    `write` turns a digit into this phone's numerals.
    """
    typed: list[str] = []
    for _ in range(_MOST):
        asked = phone.session.node
        if asked in ENDS.get(upto, (upto,)) and not past:
            return typed
        at_menu = upto == "menu" and not past and asked == "category"
        typed.append("MENU" if at_menu else _next(phone, answers, write))
        phone.say(typed[-1])
        if past and asked == past:
            return typed
    raise AssertionError(f"{past or upto} is never reached: {typed}")


def typed(upto: str = "done", *, past: str = "", first: str = "سلام", lang: str = "ur", **answers: str) -> list[str]:
    """What a stranger types from the first message until the question `upto` is open, or `past` has been answered."""
    phone = Phone(BOOK, World())
    phone.say(first)
    return [first, *report(phone, upto, past=past, write=str, lang=lang, **answers)]


def after(question: str, upto: str = "done", *, first: str = "سلام", **answers: str) -> list[str]:
    """What is typed once `question` has been answered, in whatever way, until `upto` is open."""
    before = typed(past=question, first=first, lang="ur", **answers)
    return typed(upto, past="", first=first, lang="ur", **answers)[len(before) :]


def reach(phone: Phone, question: str, word: str) -> None:
    """Say a word (BACK) until a question is open."""
    for _ in range(_MOST):
        if phone.session.node == question:
            return
        phone.say(word)
    raise AssertionError(f"{question} is never reached")


def _next(phone: Phone, answers: dict[str, str], write: Callable[[str], str]) -> str:
    session = phone.session
    if not session.node:
        return "سلام"
    if session.node == "menu":
        return write(answer("menu", "report"))
    node = BOOK.nodes[f"{session.flow}.{session.node}"]
    if node.ask in {"text", "more"}:
        return answers.get(session.node, STORY)
    if node.ask == "place":
        return _place(phone, answers.get("place", ""), write)
    return write(_option(session, node, answers))


def _place(phone: Phone, wished: str, write: Callable[[str], str]) -> str:
    numbers = {place.id: number for number, place in numbered_places(phone.world.places).items()}
    return wished if wished and wished not in numbers else write(numbers[wished] if wished else "1")


def _option(session: Session, node: Node, answers: dict[str, str]) -> str:
    wished = answers.get(_ASKED.get(session.node, session.node))
    if wished is None:
        return node.options[0].digit
    return next(option.digit for option in node.options if option.id == wished)
