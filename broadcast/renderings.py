"""One edition, many forms: a message for chat, a message for SMS within its budget, lines for the web. No I/O.

Every form has the same fixed part: the heading, what departments and people say is done, what was refused, promises
that are late or dropped, and the way to end it (`edition.is_fixed`). Deeds and all else fill what room is left; what
finds none is counted, with the address of the page that has it all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import locales
from broadcast.edition import CLAIM_NOTHING, DROPPED, FEW, LATE, REFUSED, SECTIONS, TRUTH, Item, Names, is_fixed
from locales.channels import CHANNELS, sms_parts

Line = list[Any]  # [text key, values]
Message = dict[str, Any]

MOST_PARTS = 3  # of an SMS edition: 201 signs of an Arabic script
MOST_LINES = 5  # of each section in a chat message, besides the fixed ones; the web page shows all
BLANK: Line = ["edition.line", {"line": " "}]  # a line that shows nothing: what is empty is not rendered at all
FOOTER: Line = ["edition.footer", {}]


@dataclass(frozen=True, slots=True)
class Heading:
    """Whose edition this is, until which day (ISO date), and where all of it can be read ("": nowhere outside)."""

    district: Names
    day: str
    link: str = ""

    @property
    def values(self) -> dict[str, Any]:
        return {"district": {"names": self.district}, "date": {"date": self.day}}


def compose(items: Sequence[Item], heading: Heading, lang: str, channel: str) -> Message:
    """The stored message (`{"says": …}`) for one language and kind of channel; the same for every reader of it.

    A line of somebody's own is in it only where it was typed in `lang`, and never in an SMS, which has no room.
    """
    if CHANNELS[channel].parts:
        return _short(items, heading, lang, channel)
    fixed = [_fixed(items, lang), _gathered(items)]  # so many promises may be late that only their number finds room
    for lines, most in ((lines, most) for lines in fixed for most in range(MOST_LINES, -1, -1)):
        message = _full(lines, items, heading, lang, most)
        if len(locales.render(message, lang, channel).encode("utf-16-le")) // 2 <= CHANNELS[channel].body:
            break
    return message


def parts(message: Message, lang: str, channel: str = "sms") -> int:
    """How many SMS parts a message costs."""
    return len(sms_parts(locales.render(message, lang, channel)))


Sections = list[tuple[str, list[tuple[str, str]]]]


@dataclass(frozen=True, slots=True)
class Preview:
    """What readers of one language will get, and what it costs in SMS parts."""

    lang: str
    chat: str
    sms: str
    sms_parts: int
    web: Sections

    @property
    def fits(self) -> bool:
        return self.sms_parts <= MOST_PARTS


def preview(items: Sequence[Item], heading: Heading, lang: str) -> Preview:
    chat = locales.render(compose(items, heading, lang, "whatsapp"), lang, "whatsapp")
    short = compose(items, heading, lang, "sms")
    return Preview(lang, chat, locales.render(short, lang, "sms"), parts(short, lang), sections(items, lang))


def previews(items: Sequence[Item], heading: Heading) -> list[Preview]:
    """One for each language citizens choose from, and English for staff."""
    return [preview(items, heading, lang) for lang in locales.ALL_LANGS]


def sections(items: Sequence[Item], lang: str) -> Sections:
    """For the web: (section, [(line, own line or "")]) in reading order, empty sections left out."""
    found = []
    for section in SECTIONS:
        lines = [
            (locales.say(item["key"], lang, **item["values"]), item["line"] if item.get("line_lang") == lang else "")
            for item in items
            if item["section"] == section
        ]
        if lines:
            found.append((section, lines))
    return found


def _others(items: Iterable[Item]) -> list[Item]:
    """The lines that tell something and may be left to the page."""
    return [item for item in items if not is_fixed(item) and item["key"] not in CLAIM_NOTHING]


def _more(left: int, heading: Heading) -> list[Line]:
    """That there is more, and where."""
    if left < 1:
        return []
    return [["edition.more" if heading.link else "edition.more_lines", {"n": left, "link": heading.link}]]


# ── chat ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
Fixed = dict[str, list[Line]]  # by section


def _full(fixed: Fixed, items: Sequence[Item], heading: Heading, lang: str, most: int) -> Message:
    """The fixed lines, and `most` of the others of each section."""
    says: list[Line] = [["edition.title", heading.values]]
    left = len(_others(items))
    for section in SECTIONS:
        chosen = [item for item in items if item["section"] == section and not is_fixed(item)][:most]
        left -= len(_others(chosen))
        if fixed[section] or chosen:
            says += [BLANK, [f"edition.{section}", {}], *fixed[section]]
        for item in chosen:
            says += _line(item, lang)
    says += [BLANK, *_more(left, heading), FOOTER]
    return {"says": says}


def _line(item: Item, lang: str) -> list[Line]:
    own: list[Line] = [["edition.line", {"line": item["line"]}]] if item.get("line_lang") == lang else []
    return [[item["key"], item["values"]], *own]


def _fixed(items: Sequence[Item], lang: str) -> Fixed:
    lines: Fixed = {section: [] for section in SECTIONS}
    for item in items:
        if is_fixed(item):
            lines[item["section"]] += _line(item, lang)
    return lines


def _gathered(items: Sequence[Item]) -> Fixed:
    """The fixed lines as numbers."""
    truth: list[Line] = [[item["key"], item["values"]] for item in items if item["key"] in TRUTH]
    return {
        "said": [],
        "did": [*truth, *_refused(items)],
        "next": [*_ended(items, LATE), *_ended(items, DROPPED)],
    }


# ── SMS ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
_TRUTHS = {
    "edition.did.truth": "edition.short.truth",
    "edition.did.truth_small": "edition.short.truth_small",
    # of editions that were approved before people were said to be "of so many asked"
    "edition.did.total": "edition.short.did",
    "edition.did.total_few": "edition.short.did_few",
}
# Which item speaks for deeds and for what comes, the most telling first: its key and its short form's.
_DID = {
    "edition.did.kept": "edition.short.did.kept",
    "edition.did.kept_confirmed": "edition.short.did.kept_confirmed",
    "edition.did.count": "edition.did.count",
    "edition.did.line": "edition.short.did.line",
}
_NEXT = {"edition.next.line": "edition.short.next"}
# A promise that is the only late or dropped one is named, where there is room.
_ALONE = {LATE: "edition.short.late", DROPPED: "edition.short.dropped"}


def _short(items: Sequence[Item], heading: Heading, lang: str, channel: str) -> Message:
    """The fixed part, and then as much as fits: a subject, the page's address, more subjects, a deed, what comes."""
    said = _short_said(items)
    plain = replace(heading, link="")
    chosen: dict[str, list[Line]] = {"late": _ended(items, LATE), "dropped": _ended(items, DROPPED)}
    wanted: list[tuple[str, list[Line]]] = [
        *(("said", [form]) for form in said[:1]),
        ("more", _more(1, plain)),
        ("more", _more(1, heading)),
        *(("said", [form]) for form in said[1:]),
        ("late", _alone(items, LATE)),
        ("dropped", _alone(items, DROPPED)),
        ("deed", _first(items, _DID)),
        ("next", _first(items, _NEXT)),
    ]
    for place, lines in wanted:
        tried = chosen | {place: lines} if lines else chosen
        if parts(_laid_out(items, heading, tried), lang, channel) <= MOST_PARTS:
            chosen = tried
    return _laid_out(items, heading, chosen)


def _laid_out(items: Sequence[Item], heading: Heading, chosen: dict[str, list[Line]]) -> Message:
    said, deed, coming = (chosen.get(place, []) for place in ("said", "deed", "next"))
    told = len(deed) + len(coming) + sum("category" in name for line in said for name in line[1])
    left = len(_others(items)) - told
    says = [
        ["edition.short.title", heading.values],
        *said,
        *([short, item["values"]] for item in items if (short := _TRUTHS.get(item["key"]))),
        *(["edition.short.cannot", values] for _, values in _refused(items)),
        *chosen["late"],
        *chosen["dropped"],
        *deed,
        *coming,
        *([key, values | {"n": left}] for key, values in chosen.get("more", []) if left > 0),
        FOOTER,
    ]
    return {"says": says}


def _short_said(items: Sequence[Item]) -> list[Line]:
    """The most reported subjects: one, two, three."""
    named = [item["values"] for item in items if item["key"] == "edition.said.count"][:3]
    forms: list[Line] = []
    for count in range(1, len(named) + 1):
        values = {f"{name}{at + 1}": named[at][name] for at in range(count) for name in ("category", "count")}
        forms.append([f"edition.short.said.{count}", values])
    return forms


def _first(items: Sequence[Item], forms: dict[str, str]) -> list[Line]:
    for key, short in forms.items():
        for item in items:
            if item["key"] == key and not is_fixed(item):
                return [[short, item["values"]]]
    return []


# ── fixed lines as numbers ───────────────────────────────────────────────────────────────────────────────────────────
def _refused(items: Iterable[Item]) -> list[Line]:
    """All that was refused as one number; every line of it has one."""
    count = sum(item["values"]["count"] for item in items if item["section"] == "did" and _is_refused(item))
    return [[REFUSED, {"count": count}]] if count else []


def _is_refused(item: Item) -> bool:
    return is_fixed(item) and "count" in item["values"]


def _ended(items: Iterable[Item], stands: str) -> list[Line]:
    """How many promises are late (or dropped): a number, "more than" it, or "fewer than 5"."""
    lines = [item for item in items if item["key"].startswith(stands)]
    few = any(item["key"] == f"{stands}_few" for item in lines)
    known = sum(item["values"].get("promises", 1) for item in lines if not item["key"].endswith("_few"))
    if not lines:
        return []
    promises: Any = known
    if few:
        promises = {"key": "edition.over", "values": {"n": known}} if known else FEW
    return [[f"edition.short.{stands.rpartition('.')[2]}_count", {"promises": promises}]]


def _alone(items: Iterable[Item], stands: str) -> list[Line]:
    lines = [item for item in items if item["key"].startswith(stands)]
    return [[_ALONE[stands], lines[0]["values"]]] if len(lines) == 1 and lines[0]["key"] == stands else []
