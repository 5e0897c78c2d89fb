"""What citizens type: whole conversations, in the numerals that phones of a language type, and pieces of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from flows import codes
from flows.check import NUMERALS
from flows.load import load_book
from flows.model import Media
from flows.play import Phone
from locales import LANGS
from locales.values import group

Phones = Callable[..., Phone]
E = TypeVar("E")

BOOK = load_book()
HELLO = defaultdict(lambda: "سلام", ur="السلام علیکم", brh="salam")
# A language without a sentence here is walked all the same, in Urdu words.
STORY: defaultdict[str, str] = defaultdict(
    lambda: STORY["ur"],
    {
        "ur": "ہمارے گاؤں میں دس دن سے پانی نہیں آ رہا",
        "ps": "زموږ په کلي کې له لسو ورځو راهیسې اوبه نشته",
        "bal": "مئے میتگ ءَ دہ روچ انت کہ آپ نیست انت",
        "brh": "nana shar ti dah de aan dir aff, pain jawan aff",
    },
)
NUMERALS_OF = defaultdict(lambda: "urdu", bal="ascii", brh="arabic")
PHOTO = (Media("https://example.invalid/photo", "image/jpeg"),)
LONG = "The pump has been broken for ten days"
BRIBE = "The clerk wants a bribe"
VOICE = (Media("https://example.invalid/voice", "audio/ogg"),)


def digits(lang: str, number: int | str) -> str:
    """A number as it is typed in a language's transcript."""
    numerals = NUMERALS[NUMERALS_OF[lang]]
    return "".join(numerals[int(digit)] if digit.isdecimal() else digit for digit in str(number))


def greet(phone: Phone, lang: str) -> None:
    phone.say(HELLO[lang])
    phone.say(digits(lang, LANGS.index(lang) + 1))


def complain(phone: Phone, lang: str, kind: int = 1) -> None:
    """A report with every question answered; kind 2 goes through the protected door."""
    greet(phone, lang)
    for typed in (1, 1, kind, 4):
        phone.say(digits(lang, typed))
    phone.say(STORY[lang])
    phone.say(media=PHOTO)
    phone.say(digits(lang, 2))
    phone.say(digits(lang, 1))
    phone.say(STORY[lang])
    phone.say(digits(lang, 1))


def protect(phone: Phone, lang: str) -> None:
    complain(phone, lang, kind=2)


def tell_first(phone: Phone, lang: str, kind: int = 1) -> None:
    """The first message is the story."""
    phone.say(STORY[lang])
    phone.say(digits(lang, LANGS.index(lang) + 1))
    for typed in (10, kind):
        phone.say(digits(lang, typed))
    phone.say("پشین")
    phone.say(digits(lang, 1))
    phone.say("MENU")


def leave_unfinished(phone: Phone, lang: str) -> None:
    greet(phone, lang)
    for typed in (1, 3, 1, 2):
        phone.say(digits(lang, typed))
    phone.say(media=VOICE)
    phone.wait()
    phone.say(digits(lang, 1))
    phone.say(digits(lang, 1))


def rate(phone: Phone, lang: str) -> None:
    greet(phone, lang)
    for typed in (3, 999, 101, 5, 4, 9, 1):
        phone.say(digits(lang, typed))


def ask_status(phone: Phone, lang: str) -> None:
    complain(phone, lang)
    phone.say("STATUS")
    phone.say(digits(lang, 1))
    foreign = codes.complete("482177309154")
    phone.say(f"STATUS {group(foreign)}")
    phone.say(f"STATUS {group(foreign[:-1] + str((int(foreign[-1]) + 1) % 10))}")
    code = next(iter(phone.world.cases))
    phone.say(digits(lang, code))


def subscribe(phone: Phone, lang: str) -> None:
    greet(phone, lang)
    phone.say(digits(lang, 4))
    phone.say(digits(lang, 1))
    phone.say("MENU")
    phone.say(digits(lang, 4))
    phone.say(digits(lang, 1))
    phone.say("STOP")
    phone.say("START")


def seek_help(phone: Phone, lang: str) -> None:
    greet(phone, lang)
    phone.say(digits(lang, 1))
    phone.say("HELP")
    phone.say(digits(lang, 2))
    phone.say("asdf")
    phone.say("asdf")
    phone.say(digits(lang, 1))
    phone.say("0")
    phone.say("LANGUAGE")
    phone.say(digits(lang, LANGS.index(lang) + 1))


def try_out(phone: Phone, lang: str) -> None:
    """A trial line: it says so, and its protected door takes nothing."""
    phone.world.trial = True
    greet(phone, lang)
    for typed in (1, 6, 2):
        phone.say(digits(lang, typed))
    phone.say("PRIVATE")


SCRIPTS = {
    "complaint": complain,
    "protected": protect,
    "story": tell_first,
    "unfinished": leave_unfinished,
    "rate": rate,
    "status": ask_status,
    "weekly": subscribe,
    "help": seek_help,
    "trial": try_out,
}


def only(phone: Phone, wanted: type[E]) -> E:
    """The one effect of the last turn, which is of this type."""
    (effect,) = phone.effects
    assert isinstance(effect, wanted)
    return effect


def kinds(phone: Phone) -> list[str]:
    """The effects of the last turn by name."""
    return [type(effect).__name__ for effect in phone.effects]


def to_node(phone: Phone, *typed: str) -> Phone:
    for text in ("menu", *typed):
        phone.say(text)
    return phone
