"""What a report costs its writer: messages of ours until the number, SMS parts and words, by path and language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import locales
from flows.book import Book
from flows.model import Media
from flows.places import places_of
from flows.play import Phone, World
from flows.turn import PLACES
from locales.channels import sms_parts
from locales.places import districts

MESSAGES, PARTS = 6, 2  # the most from the first contact to the number, and the most of each
CHANNELS = ("sms", "whatsapp")
VOICE = (Media("demo:voice", "audio/ogg"),)
STORY = {
    "ur": "تین دن سے نلکے میں پانی نہیں آ رہا",
    "ps": "له درې ورځو راهیسې په نل کې اوبه نشته",
    "bal": "سے روچ انت کہ نلکہ ءَ آپ نیست",
    "brh": "مسہ دے آن نلکہ ٹی دیر اف",
}
Step = str | tuple[Media, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """One path in one language and channel. `code_at` is the message of ours that gives the number."""

    path: str
    lang: str
    channel: str
    code_at: int
    messages: int
    most_parts: int
    parts: int
    words: int


def _paths(lang: str) -> dict[str, tuple[Step, ...]]:
    """What is sent on each path; the language is chosen by its digit."""
    digit = str(locales.LANGS.index(lang) + 1)
    return {
        "digits only": ("1", digit, "1", "1", "1", "1", "1"),
        "digits only, about a person": ("1", digit, "1", "2", "1", "1", "1"),
        "a poster's digits": (f"{digit} 1 1", "1", "1", "1"),
        "one text": (STORY[lang], digit, "1", "1", "1"),
        "voice only": (VOICE, VOICE),
        "voice, then digits": (VOICE, digit, "1", "1", "1", "1"),
    }


def _walk(book: Book, world: World, path: str, lang: str, steps: Sequence[Step]) -> Cost:
    phone = Phone(book, world)
    said: list[str] = []
    code_at = 0
    for step in steps:
        said.append(phone.say(step) if isinstance(step, str) else phone.say(media=step))
        if not code_at and phone.reply and any(say.key in GIVES for say in phone.reply.says):
            code_at = len(said)
    parts = [len(sms_parts(text)) for text in said]
    words = sum(len(text.split()) for text in said)
    return Cost(path, lang, world.channel, code_at, len(said), max(parts), sum(parts), words)


GIVES = frozenset({"report.done", "welcome.code"})  # texts that give a number


@cache
def _widest() -> str:
    """The district whose one page of places is the longest text."""
    shown = {district: places_of(district) for district in districts()}
    whole = {name: places for name, places in shown.items() if 0 < len(places) <= PLACES}
    return max(whole, key=lambda name: sum(len(place.names.get("ur", "")) for place in whole[name]))


def reckon(book: Book) -> Iterator[Cost]:
    """The cost of every path, in the district whose places take the most room."""
    for lang in locales.LANGS:
        for path, steps in _paths(lang).items():
            for channel in CHANNELS:
                world = World(channel=channel, places=places_of(_widest()))
                yield _walk(book, world, path, lang, steps)


def draw_table(book: Book) -> str:
    """All costs as a table of Markdown."""
    lines = [
        "| path | language | channel | number with message | messages in all | parts of the longest | parts | words |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {one.path} | {one.lang} | {one.channel} | {one.code_at} | {one.messages} | {one.most_parts} | {one.parts}"
        f" | {one.words} |"
        for one in reckon(book)
    ]
    return "\n".join(lines) + "\n"
