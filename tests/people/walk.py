"""The phrases said to the engine: where each conversation stands before, and what must be true of it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flows.effects import (
    Amend,
    Append,
    CallPerson,
    Consent,
    KeepStory,
    OpenCase,
    Seal,
    SealStory,
    SetLanguage,
    Verify,
)
from flows.model import Details, Item, Session
from flows.places import places_of
from flows.play import Phone, World
from locales.places import tehsils
from tests.answers import BOOK, report
from tests.people.phrases import Phrase

# ── where it stands ────────────────────────────────────────────────────────────────────────────────────────────────


def _filed(lang: str, question: str) -> Phone:
    """A phone whose case of another day was asked about by us."""
    phone = Phone(BOOK, World(weekly=question == "edition"))
    report(phone, lang=lang)
    phone.wait()
    phone.wait()
    code = next(iter(phone.world.cases))
    if question == "confirm":
        phone.world.cases[code] = "resolved"
    phone.world.ask(question, code)  # type: ignore[arg-type]  # one of Question
    return phone


def _open(question: str) -> Callable[[str, World], Phone]:
    def stand(lang: str, world: World) -> Phone:
        phone = Phone(BOOK, world, Session(lang=lang))
        report(phone, question)
        return phone

    return stand


STANDS: Mapping[str, Callable[[str, World], Phone]] = {
    "first": lambda _, world: Phone(BOOK, world),
    "any": lambda lang, world: Phone(BOOK, world, Session(lang=lang)),
    "menu": _open("menu"),
    "category": _open("category"),
    "kind": _open("kind"),
    "place": _open("place"),
    "story": _open("story"),
    "may_message": _open("message"),
    "send": _open("message"),  # nobody is asked "shall we send it?" any more: where it stood, this is asked
    "confirm": lambda lang, _: _filed(lang, "confirm"),
    "after_answer": lambda lang, _: _filed(lang, "answer"),
    "after_edition": lambda lang, _: _filed(lang, "edition"),
}


def say(phrase: Phrase) -> Phone:
    """A phone to which this phrase was just said, in its state."""
    lang = phrase.lang.partition("-")[0]
    world = World(weekly=True)
    if phrase.kind == "place":
        named = next(place for place in tehsils() if place.names["en"] == phrase.value)
        world.places = places_of(named.district)
    phone = STANDS[phrase.state](lang if lang in BOOK.tables["languages"] else "ur", world)
    phone.say(phrase.text)
    return phone


# ── what must be true of it ────────────────────────────────────────────────────────────────────────────────────────


def _told(phone: Phone) -> list[Item]:
    """What of the message has gone somewhere, or waits in the conversation for an answer."""
    memory = phone.session.memory
    items = [*memory.report.story, *memory.report.held, *(memory.thread.held if memory.thread else ())]
    for effect in phone.effects:
        match effect:
            case KeepStory() | OpenCase():
                items += effect.story
            case Append() | Seal():
                items.append(effect.item)
            case CallPerson():
                items += [Item(word) for word in effect.words]
            case _:
                pass
    return items


def is_kept(phone: Phone, phrase: Phrase) -> bool:
    """Whether the words are kept, wherever they belong."""
    text = phrase.text.strip()
    places = [effect.details.place_text for effect in phone.effects if isinstance(effect, Amend | Seal)]
    places.append(phone.session.memory.report.details.place_text)
    return text in {item.text.strip() for item in _told(phone)} or text in places


def _makes_no_case(phone: Phone, _: Phrase) -> bool:
    return not any(isinstance(effect, KeepStory | OpenCase | Seal | Append) for effect in phone.effects) and not _told(
        phone
    )


def _leads_to_protection(phone: Phone, phrase: Phrase) -> bool:
    """Behind the door, or asked about; never silently into a queue or a thread."""
    asked = phone.session.flow == "doubt" and is_kept(phone, phrase)
    sealed = phone.sealed and any(isinstance(effect, Seal | SealStory) for effect in phone.effects)
    return asked or sealed


def _verdict(*wanted: str) -> Callable[[Phone, Phrase], bool]:
    def holds(phone: Phone, phrase: Phrase) -> bool:
        if phrase.state in {"may_message", "send"}:
            details = [effect.details for effect in phone.effects if isinstance(effect, Amend)]
            return details == [Details(may_message="yes" in wanted)]
        return [effect.verdict for effect in phone.effects if isinstance(effect, Verify)] in [[one] for one in wanted]

    return holds


def _stands_at(*nodes: str) -> Callable[[Phone, Phrase], bool]:
    return lambda phone, _: f"{phone.session.flow}.{phone.session.node}" in nodes


def _does(effect: type[object]) -> Callable[[Phone, Phrase], bool]:
    return lambda phone, _: any(isinstance(one, effect) for one in phone.effects)


def _speaks(phone: Phone, phrase: Phrase) -> bool:
    return _does(SetLanguage)(phone, phrase) or _stands_at("welcome.language", "welcome.first")(phone, phrase)


def _numbered(phone: Phone, phrase: Phrase) -> bool:
    """As its digit would have been taken in the same place."""
    other = say(Phrase(**{**{name: getattr(phrase, name) for name in Phrase.__slots__}, "text": phrase.value}))
    return phone.session == other.session and list(map(type, phone.effects)) == list(map(type, other.effects))


def _category(phone: Phone, phrase: Phrase) -> bool:
    if phrase.value == "other":
        return phone.session.node != "kind" or is_kept(phone, phrase)
    return phone.session.memory.report.details.category == phrase.value


def _place(phone: Phone, phrase: Phrase) -> bool:
    chosen = phone.session.memory.report.details.place
    return any(place.id == chosen and place.names["en"] == phrase.value for place in tehsils())


def _kept_or_answered(phone: Phone, phrase: Phrase) -> bool:
    return is_kept(phone, phrase) or phone.replies == 1


HOLDS: Mapping[str, Callable[[Phone, Phrase], bool]] = {
    "story": is_kept,
    "append": is_kept,
    "anger": is_kept,
    "not_stop": is_kept,
    "unknown_ok": _kept_or_answered,
    "danger": _leads_to_protection,
    "greeting": _makes_no_case,
    "thanks": _makes_no_case,
    "yes": _verdict("yes"),
    "done": _verdict("yes"),
    "no": _verdict("no"),
    "not_done": _verdict("no"),
    "half": _verdict("half"),
    "status_wish": _stands_at("status.code"),
    "lost_code": lambda phone, phrase: (
        _does(CallPerson)(phone, phrase)
        or _stands_at("status.code", "welcome.first", "welcome.language")(phone, phrase)
    ),
    "language_wish": _speaks,
    "call_me": _stands_at("call.who"),
    "person_wish": _does(CallPerson),
    "stop": _does(Consent),
    "number": _numbered,
    "category": _category,
    "place": _place,
}


BARS: Mapping[str, float] = {"place": 0.98}  # beside those of rates.py


def holds(phrase: Phrase) -> bool:
    """Whether what must come of a phrase comes of it."""
    return HOLDS[phrase.kind](say(phrase), phrase)
