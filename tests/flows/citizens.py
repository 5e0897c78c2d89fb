"""What citizens type: whole conversations, in the numerals that phones of a language type, and pieces of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from typing import TypeVar

from cases import messages, readable
from flows import codes
from flows.check import NUMERALS
from flows.model import Media, Question
from flows.play import Phone
from locales.values import group
from tests.answers import answer, report

Phones = Callable[..., Phone]
E = TypeVar("E")

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
TAKE_BACK: defaultdict[str, str] = defaultdict(
    lambda: TAKE_BACK["ur"],
    {
        "ur": "میں شکایت واپس لینا چاہتا ہوں",
        "ps": "زه شکایت بېرته اخلم",
        "bal": "شکایت پدا گراں",
        "brh": "شکایت پدی ہلیوہ",
    },
)
CALL = defaultdict(lambda: "مجھے فون کریں", ps="ټیلیفون غواړم", bal="فون لوٹ اں", brh="فون خواہوہ")
WORD = defaultdict(lambda: "میرا لفظ گلاب ہے", ps="زما کلمه چینار", bal="شنز", brh="jangjak")
NUMERALS_OF = defaultdict(lambda: "urdu", bal="ascii", brh="arabic")
PHOTO = (Media("https://example.invalid/photo", "image/jpeg"),)
OFFICE = {"en": "Public Health Engineering", "ur": "محکمہ پبلک ہیلتھ انجینئرنگ"}
TANKER = "پانی کا ٹینکر کل صبح آئے گا"
LONG = "There has been no water for ten days"
AGAIN = "Nobody came to see us about it since Monday"  # names no issue
BRIBE = "The clerk wants a bribe"
CLERK = "The clerk is never there"
VOICE = (Media("https://example.invalid/voice", "audio/ogg"),)


def digits(lang: str, number: int | str) -> str:
    """A number as it is typed in a language's transcript."""
    numerals = NUMERALS[NUMERALS_OF[lang]]
    return "".join(numerals[int(digit)] if digit.isdecimal() else digit for digit in str(number))


def choose(phone: Phone, lang: str, question: str, option: str) -> None:
    """Answer a question by the digit of an option."""
    phone.say(digits(lang, answer(question, option)))


def greet(phone: Phone, lang: str) -> None:
    phone.say(HELLO[lang])
    choose(phone, lang, "language", lang)


def tell(phone: Phone, lang: str, upto: str = "done", *, past: str = "", **answers: str) -> None:
    """Go on with a report in this language's words and numerals; see tests.answers."""
    given = {"lang": lang, "story": STORY[lang], "place": "pishin.pishin"} | answers
    report(phone, upto, past=past, write=lambda digit: digits(lang, digit), **given)


def complain(phone: Phone, lang: str, kind: str = "service") -> None:
    """A report with every question answered; one about a person goes through the protected door."""
    greet(phone, lang)
    tell(phone, lang, "message", kind=kind)
    phone.say(media=PHOTO)
    tell(phone, lang, message="no")
    phone.say(STORY[lang])
    choose(phone, lang, "complaint.more", "same")


def protect(phone: Phone, lang: str) -> None:
    complain(phone, lang, kind="person")


def tell_first(phone: Phone, lang: str, kind: str = "service") -> None:
    """The first message is the story."""
    phone.say(STORY[lang])
    tell(phone, lang, kind=kind, place="پشین")
    phone.say("MENU")


def leave_unfinished(phone: Phone, lang: str) -> None:
    greet(phone, lang)
    tell(phone, lang, "story", category="education", place="pishin.huramzai")
    phone.say(media=VOICE)
    phone.wait()
    tell(phone, lang)


def rate(phone: Phone, lang: str) -> None:
    greet(phone, lang)
    phone.say("MENU")
    choose(phone, lang, "menu", "rate")
    for typed in (999, 101, 5, 4, 9, 1):
        phone.say(digits(lang, typed))


def ask_status(phone: Phone, lang: str) -> None:
    complain(phone, lang)
    phone.say("STATUS")
    choose(phone, lang, "status.code", "lost")
    foreign = codes.complete("982177309154")
    phone.say(f"STATUS {group(foreign)}")
    phone.say(f"STATUS {group(foreign[:-1] + str((int(foreign[-1]) + 1) % 10))}")
    code = next(iter(phone.world.cases))
    phone.say(digits(lang, code))
    phone.say(media=VOICE)
    choose(phone, lang, "added", "new")


def read_by_code(phone: Phone, lang: str) -> None:
    """Said no to messages, and reads at the number what was told of each act; nothing was sent in between."""
    complain(phone, lang)
    (code,) = phone.world.cases
    on, office = {"date": "2026-12-01"}, {"names": OFFICE}
    kept: list[readable.Message] = []
    acts: list[tuple[str, str, messages.Says, str]] = [
        ("acknowledge", "acknowledged", [("case.acknowledged", {"code": {"code": code}, "date": on})], ""),
        (
            "refer",
            "acknowledged",
            [("case.referred", {"code": {"code": code}, "office": office, "sent": {"date": "2026-11-24"}, "date": on})],
            "",
        ),
        ("answer", "acknowledged", [("case.answered", {"code": {"code": code}})], TANKER),
        ("close", "closed", [("case.closed", {"code": {"code": code}})], ""),
    ]
    for verb, state, says, text in acts:
        message = readable.of(verb, messages.compose(says, text=text), date(2026, 11, 24 + len(kept)))
        kept += [message] if message is not None else []
        phone.world.cases[code] = state
        phone.world.said[code] = readable.show(kept, lang, phone.world.channel, code)
        phone.say(digits(lang, code))


def subscribe(phone: Phone, lang: str) -> None:
    greet(phone, lang)
    phone.say("MENU")
    choose(phone, lang, "menu", "weekly")
    choose(phone, lang, "offered", "yes")
    phone.say("MENU")
    choose(phone, lang, "menu", "weekly")
    choose(phone, lang, "subscribed", "keep")
    phone.say("STOP")
    phone.say("START")


def seek_help(phone: Phone, lang: str) -> None:
    greet(phone, lang)
    phone.say("HELP")
    choose(phone, lang, "show", "on")
    phone.say(digits(lang, 77))
    phone.say(digits(lang, 77))
    phone.say(digits(lang, 77))
    choose(phone, lang, "who", "woman")
    choose(phone, lang, "hour", "morning")
    phone.say("0")
    phone.say("LANGUAGE")
    choose(phone, lang, "language", lang)


def try_out(phone: Phone, lang: str) -> None:
    """A trial line: it says so, and its protected door takes nothing."""
    phone.world.trial = True
    greet(phone, lang)
    tell(phone, lang, past="kind", category="security", kind="person")
    phone.say("PRIVATE")


# Words of danger that were heard from people of a language; without one of its own it is walked in Urdu ones.
DANGER = defaultdict(lambda: "کلرک رشوت مانگتا ہے", ps="هغه رشوت غواړي", brh="clerk rishwat mange")


def find_closed(phone: Phone, lang: str) -> None:
    """Every way to the protected door while it is closed: the menu, a word, a story, and one that it closed behind."""
    phone.world.closed = True
    greet(phone, lang)
    tell(phone, lang, past="kind", category="security", kind="person")
    phone.say("PRIVATE")
    phone.say(DANGER[lang])
    phone.say(STORY[lang])
    phone.say("MENU")
    phone.wait()
    phone.world.closed = False
    tell(phone, lang, "story", category="security", kind="person")
    phone.world.closed = True
    phone.say(STORY[lang])
    phone.world.outside = ()
    phone.say("PRIVATE")
    phone.say("HELP")


def find_closed_in_chat(phone: Phone, lang: str) -> None:
    phone.world.channel = "whatsapp"
    find_closed(phone, lang)


def _ended(phone: Phone, lang: str, state: str, question: Question) -> str:
    """Their case ended so, and they are asked about it by ourselves."""
    complain(phone, lang)
    phone.wait()
    phone.wait()
    code = next(iter(phone.world.cases))
    phone.world.cases[code] = state
    phone.world.ask(question, code)
    return code


def gainsay(phone: Phone, lang: str) -> None:
    """It is not done, and why; later it is half done, and then it is."""
    code = _ended(phone, lang, "resolved", "confirm")
    choose(phone, lang, "verify.ask", "no")
    phone.say(STORY[lang])
    phone.world.cases[code] = "partly"
    phone.say(group(code))
    choose(phone, lang, "verify.ask", "half")
    phone.say(media=VOICE)
    phone.world.cases[code] = "resolved"
    phone.world.ask("confirm", code)
    choose(phone, lang, "verify.ask", "yes")
    phone.say(group(code))
    choose(phone, lang, "status.ended", "no")


def appeal(phone: Phone, lang: str) -> None:
    """It cannot be done: other words, then higher; then it is accepted. After thirty days it is words alone."""
    code = _ended(phone, lang, "cannot", "accept")
    phone.say(media=VOICE)
    choose(phone, lang, "verify.accept", "higher")
    phone.say(STORY[lang])
    phone.world.cases[code] = "cannot"
    phone.say(group(code))
    choose(phone, lang, "verify.accept", "accept")
    phone.world.cases[code] = "cannot"
    phone.world.late.add(code)
    phone.world.ask("accept", code)
    choose(phone, lang, "verify.accept", "higher")
    choose(phone, lang, "verify.after", "new")


def take_back(phone: Phone, lang: str) -> None:
    """A wish to take it back, and why; other cases by their number."""
    code = _ended(phone, lang, "acknowledged", "answer")
    phone.say(TAKE_BACK[lang])
    phone.say(group(code))
    choose(phone, lang, "withdraw.why", "pressed")
    phone.say(STORY[lang])
    phone.world.cases[code] = "withdrawn"
    phone.say(group(code))
    choose(phone, lang, "status.ended", "no")


def name_a_word(phone: Phone, lang: str) -> None:
    """A call, by a woman at noon, and a word; later the number is lost. Another time the word is left out."""
    complain(phone, lang)
    phone.say(CALL[lang])
    choose(phone, lang, "who", "woman")
    choose(phone, lang, "hour", "noon")
    phone.say(WORD[lang])
    phone.say("STATUS")
    choose(phone, lang, "status.code", "lost")
    choose(phone, lang, "who", "anybody")
    choose(phone, lang, "hour", "evening")
    choose(phone, lang, "word", "none")


SCRIPTS = {
    "complaint": complain,
    "protected": protect,
    "story": tell_first,
    "unfinished": leave_unfinished,
    "rate": rate,
    "status": ask_status,
    "bycode": read_by_code,
    "weekly": subscribe,
    "help": seek_help,
    "trial": try_out,
    "closed": find_closed,
    "closed_chat": find_closed_in_chat,
    "gainsay": gainsay,
    "appeal": appeal,
    "take_back": take_back,
    "word": name_a_word,
}


def only(phone: Phone, wanted: type[E]) -> E:
    """The one effect of the last turn, which is of this type."""
    (effect,) = phone.effects
    assert isinstance(effect, wanted)
    return effect


def among(phone: Phone, wanted: type[E]) -> E:
    """The one effect of this type in the last turn."""
    (effect,) = [effect for effect in phone.effects if isinstance(effect, wanted)]
    return effect


def kinds(phone: Phone) -> list[str]:
    """The effects of the last turn by name."""
    return [type(effect).__name__ for effect in phone.effects]


def to_node(phone: Phone, *typed: str) -> Phone:
    for text in ("menu", *typed):
        phone.say(text)
    return phone


def asked(phone: Phone, upto: str, **answers: str) -> Phone:
    """A phone in the middle of a report: the question `upto` is open."""
    report(phone, upto, past="", write=str, place="pishin.pishin", **answers)
    return phone


def inside(phone: Phone, **answers: str) -> Phone:
    """A phone that has just said that it is about a person."""
    report(phone, past="kind", write=str, kind="person", **answers)
    return phone
