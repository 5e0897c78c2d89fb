"""What is wrong with the flows, found before a citizen finds it. A list of findings; empty means they may go out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import locales
from flows import answers
from flows.book import Book, Choice, Node
from flows.budget import MESSAGES, PARTS, reckon
from flows.model import Value
from flows.moving import HOPS
from flows.places import places_of
from flows.play import FACILITY, ROUND
from flows.turn import OUTSIDE_MOST, PLACES, SPOKEN, STATUSES, VALUES
from locales.catalogs import texts
from locales.channels import CHANNELS, sms_parts
from locales.places import districts
from locales.render import fill

# Numeral sets that phones in the province type: ASCII, Urdu and Pashto, Arabic, full-width.
NUMERALS: dict[str, str] = {
    "ascii": "0123456789",
    "urdu": "۰۱۲۳۴۵۶۷۸۹",
    "arabic": "٠١٢٣٤٥٦٧٨٩",
    "full-width": "０１２３４５６７８９",
}
# What can fill a text, at its longest. Names of places and offices may be this long, see the districts' data.
LONGEST: dict[str, Value] = {
    "code": {"code": "4821773091542"},
    "day": {"date": "2026-11-21"},
    "district": {"names": {"en": "قلعہ سیف اللہ"}},
    "due": {"date": "2026-11-21"},
    "last": "",  # as long as whoever answers makes it; the desk counts
    "facility": {"names": {"en": "نمونہ بنیادی مرکز صحت پشین شہر"}},
    "outside": {"names": {"en": "ن" * OUTSIDE_MOST}},
}
SAID_STATUSES = tuple(f"status.{name}" for name in STATUSES)
# Said without a question or beside one: only their own length is looked at, of what is said together in all.
ALONE_PARTS: dict[tuple[str, ...], int] = {
    ("report.kept",): 1,
    ("door.closed", "door.kept", "outside.ask"): 3,
    ("door.closed", "door.kept", "door.alone"): 3,
    ("trial.closed", "outside.ask"): 3,
}
BUTTONS = 3


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing to put right: where (file:line node), in which language ("" = all), what."""

    where: str
    lang: str
    rule: str
    problem: str


def _at(book: Book, node: Node) -> str:
    return f"{book.files[node.flow]}:{node.line} {node.name}"


def _targets(node: Node) -> list[str]:
    return [
        target
        for target in (node.next, node.found, *(o.next for o in node.options), *(b.next for b in node.branch))
        if target
    ]


FROM_ANYWHERE = (
    "welcome.menu",
    "welcome.language",
    "help.offer",
    "help.called",
    "call.who",
    "complaint.more",
    "doubt.thread",
    "verify.ask",
    "thread.added",
    "status.later",
)


def reached(book: Book) -> set[str]:
    """Every node that some answer, word or fact can lead to."""
    # The engine goes by itself to the first nodes (a word from anywhere), and to these.
    waiting = [*book.starts.values(), *FROM_ANYWHERE]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        node = book.nodes.get(name)
        if node and name not in found:
            found.add(name)
            waiting += _targets(node)
            if name in book.twins:
                waiting.append(book.twins[name])
    return found


def _lost_nodes(book: Book) -> Iterator[Finding]:
    seen = reached(book)
    for node in book.nodes.values():
        if node.name not in seen:
            yield Finding(_at(book, node), "", "unreachable", "no answer leads here")


def _dead_ends(book: Book) -> Iterator[Finding]:
    for node in book.nodes.values():
        if node.branch:
            ends = not node.next and bool(node.branch[-1].when)
        elif node.options:
            ends = any(not option.next for option in node.options)
        else:
            ends = not node.next
        if node.look_up and not node.found:
            ends = True
        if ends:
            yield Finding(_at(book, node), "", "dead end", "an answer leads nowhere")
        if node.ask and not node.says and not node.options:
            yield Finding(_at(book, node), "", "dead end", "asks and says nothing")


def _rings(book: Book) -> Iterator[Finding]:
    for node in book.nodes.values():
        if not node.ask and _longest_run(book, node, frozenset()) > HOPS:
            yield Finding(_at(book, node), "", "ring", "says and branches without ever asking")


def _longest_run(book: Book, node: Node, seen: frozenset[str]) -> int:
    if node.ask:
        return 0
    if node.name in seen:
        return HOPS + 1
    ways = [book.nodes[target] for target in _targets(node) if target in book.nodes]
    return 1 + max((_longest_run(book, way, seen | {node.name}) for way in ways), default=0)


def _keys(book: Book) -> dict[str, str]:
    found: dict[str, str] = dict.fromkeys((*SPOKEN, *SAID_STATUSES), "flows")
    for node in book.nodes.values():
        found.update(dict.fromkeys((*node.says, *(option.text for option in node.options)), _at(book, node)))
    return found


def _missing_texts(book: Book) -> Iterator[Finding]:
    for lang in locales.ALL_LANGS:
        written = texts(lang)
        for key, where in _keys(book).items():
            if key not in written:
                yield Finding(where, lang, "missing text", key)


def _values(book: Book) -> Iterator[Finding]:
    known = {*VALUES, "name"}
    for key, names in book.needs.items():
        for name in names:
            if name not in known:
                yield Finding(key, "", "unknown value", f"{{{name}}} is filled by nothing")


def _longest(key: str, lang: str) -> str:
    """The text with its longest values."""
    statuses = sorted(SAID_STATUSES, key=lambda status: len(fill(status, lang, {}, isolates=False)))
    indicators = sorted(ROUND.indicators, key=lambda row: len(fill(row, lang, {}, isolates=False)))
    values: dict[str, Value] = {
        **LONGEST,
        "status": {"key": statuses[-1]},
        "indicator": {"key": indicators[-1]},
        "name": {"names": FACILITY.names},
    }
    return fill(key, lang, values, isolates=False)


def _place_rows(district: str, lang: str) -> list[str]:
    """A district's places as they are asked; of several pages the first, which alone is full."""
    places = places_of(district)
    rows = [fill("place.name", lang, {"name": {"names": place.names}}, isolates=False) for place in places]
    if len(rows) > PLACES:
        rows = [*rows[: PLACES - 1], _longest("place.more", lang)]
    return [f"{number} {row}" for number, row in enumerate(rows, 1)]


def _reply(node: Node, lang: str, above: str) -> str:
    lines = [_longest(key, lang) for key in (above, *node.says) if key]
    if node.ask == "place":
        lines += max((_place_rows(district, lang) for district in districts()), key=lambda rows: len("\n".join(rows)))
    lines += [f"{option.digit} {_longest(option.text, lang)}" for option in node.options]
    return "\n".join(lines)


# What one reply says above a question, beside the sentence that it was not understood (for which a part more is paid).
ABOVE: dict[str, tuple[str, ...]] = {
    "complaint.category": ("welcome.hello",),
    "complaint.which": ("welcome.code",),
    "complaint.kind": ("report.heard",),
    "complaint.message": ("report.done",),
    "welcome.menu": ("report.kept", "start.done"),
    "welcome.language": ("welcome.code",),
    "rate.facility": ("rate.unknown",),
    "verify.ask": ("verify.kept", "follow.now"),
}
MISS = "miss.again"


def _lengths(book: Book) -> Iterator[Finding]:
    for lang in locales.ALL_LANGS:
        for node in book.nodes.values():
            if not (node.ask or node.says):
                continue
            for above in ("", *ABOVE.get(node.name, ()), *((MISS,) if node.ask not in {"", "more", "thread"} else ())):
                text = _reply(node, lang, above)
                parts, budget = len(sms_parts(text)), node.parts + (above == MISS)
                if parts > budget:
                    said = f" after {above}" if above else ""
                    yield Finding(_at(book, node), lang, "too long", f"{parts} SMS parts{said}, may take {budget}")
                if len(text) > CHANNELS["whatsapp"].interactive_body:
                    yield Finding(_at(book, node), lang, "too long", f"{len(text)} signs, WhatsApp takes 1024")
        for keys, budget in ALONE_PARTS.items():
            if len(sms_parts("\n".join(_longest(key, lang) for key in keys))) > budget:
                yield Finding(" ".join(keys), lang, "too long", f"may take {budget} SMS parts")


def _rows(book: Book) -> Iterator[Finding]:
    limits = CHANNELS["whatsapp"]
    for node in book.nodes.values():
        if len(node.options) > limits.list_rows:
            yield Finding(
                _at(book, node), "", "too many options", f"{len(node.options)}, a list has {limits.list_rows}"
            )
        units = limits.button_units if len(node.options) <= BUTTONS else limits.row_units
        for lang in locales.ALL_LANGS:
            for option in node.options:
                title = _longest(option.text, lang)
                if len(title) > units:
                    yield Finding(_at(book, node), lang, "title too long", f"{option.text}: {len(title)} of {units}")


def _digits(book: Book) -> Iterator[Finding]:
    for node in book.nodes.values():
        for digit, times in Counter(option.digit for option in node.options).items():
            if times > 1:
                yield Finding(_at(book, node), "", "same digit", digit)
        for lang in locales.LANGS:
            for option in node.options:
                for name, numerals in NUMERALS.items():
                    typed = "".join(numerals[int(digit)] for digit in option.digit)
                    if answers.match(book, node, lang, book.fold(typed)) != option.id:
                        yield Finding(_at(book, node), lang, "digit not taken", f"{option.id} in {name} digits")


def _option_words(book: Book) -> Iterator[Finding]:
    for node in book.nodes.values():
        for lang in locales.ALL_LANGS:
            owners: dict[str, str] = {}
            for option in node.options:
                own = book.fold(_longest(option.text, lang))
                if not own:
                    continue
                if owners.setdefault(own, option.id) != option.id:
                    yield Finding(_at(book, node), lang, "same word", f"{own}: {owners[own]} and {option.id}")
                meant = book.words.universal.get(own, option.id)
                if meant != option.id and not (meant == "language" and option.text == "menu.language"):
                    yield Finding(_at(book, node), lang, "same word", f"{own}: {option.id} and {meant.upper()}")
                found = answers.match(book, node, lang, own)
                if found != option.id:
                    yield Finding(_at(book, node), lang, "word not taken", f"{option.id}: {own}")


def _lost_answers(book: Book) -> Iterator[Finding]:
    """A question of a report whose answer changes nothing and is kept nowhere: it only costs a message."""
    for node in book.nodes.values():
        if not node.report or node.ask in {"", "more"} or node.save or node.sealed:
            continue
        if len({(option.next, option.clear) for option in node.options}) < 2 and not any(
            option.effect for option in node.options
        ):
            yield Finding(_at(book, node), "", "answer lost", "every answer leads the same way and none is kept")


def _asked(option: Choice) -> tuple[str, str, str, str]:
    return (option.id, option.digit, option.text, option.clear)


def _twins(book: Book) -> Iterator[Finding]:
    """Behind the protected door the same is asked, and everything that is answered there is sealed."""
    for ordinary, name in book.twins.items():
        one, other = book.nodes[ordinary], book.nodes[name]
        if (one.ask, one.says, one.save, one.parts) != (other.ask, other.says, other.save, other.parts):
            yield Finding(_at(book, other), "", "twin differs", f"asks otherwise than {ordinary}")
        if [_asked(option) for option in one.options] != [_asked(option) for option in other.options]:
            yield Finding(_at(book, other), "", "twin differs", f"has other options than {ordinary}")
        if [book.twins.get(target, target) for target in _targets(one)] != _targets(other):
            yield Finding(_at(book, other), "", "twin differs", f"goes on otherwise than {ordinary}")
        if other.ask and not other.sealed:
            yield Finding(_at(book, other), "", "not sealed", "words that come here would be kept in clear")
    doors = {name.partition(".")[0] for name in book.twins.values()}
    for node in book.nodes.values():
        if node.flow in doors and node.name not in book.twins.values():
            yield Finding(_at(book, node), "", "twin differs", "no ordinary question is the same")


def _budget(book: Book) -> Iterator[Finding]:
    """From the first contact to the number: so many messages at most, each of so many parts."""
    for cost in reckon(book):
        where = f"{cost.path}, {cost.channel}"
        if not 0 < cost.code_at <= MESSAGES:
            yield Finding(where, cost.lang, "over budget", f"the number comes with message {cost.code_at or 'none'}")
        if cost.most_parts > PARTS:
            yield Finding(where, cost.lang, "over budget", f"a message of {cost.most_parts} SMS parts")


RULES: tuple[Callable[[Book], Iterator[Finding]], ...] = (
    _lost_nodes,
    _dead_ends,
    _rings,
    _missing_texts,
    _values,
    _lengths,
    _rows,
    _digits,
    _option_words,
    _lost_answers,
    _twins,
    _budget,
)


def check(book: Book) -> list[Finding]:
    """Everything found, sorted; [] when the flows may go out."""
    return sorted(finding for rule in RULES for finding in rule(book))
