"""The weekly edition: from the week's figures to items "you said, we did, next". Pure.

An item is `{"section": "said"|"did"|"next", "key", "values", "cases": [id, …], "commitments"?: [id, …], "line"?,
"line_lang"?}`. Values are typed (`flows.model.Value`), so that one item exists in every language. Every item names the
rows behind it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import locales
from broadcast import subjects
from cases.outcomes import PROMISED, is_refusal
from cases.suppression import FEWEST

Item = dict[str, Any]
Names = dict[str, str]

SECTIONS = ("said", "did", "next")
FEW = {"key": "edition.few"}  # stands in a line where its number is under FEWEST
SEVERAL = {"key": "edition.offices"}  # … and where more than one office is meant

# Lines that state no number and no deed: the only ones that may stand without a case behind them, and the only ones to
# which nobody adds a line of their own.
CLAIM_NOTHING = frozenset(
    {"edition.said.none", "edition.did.none", "edition.did.truth_small", "edition.next.none"}
    | {"edition.next.late_few", "edition.next.dropped_few"}
)
# Lines on promises that are told without their subject: nobody could be asked for them by name.
NAME_NOBODY = frozenset(f"edition.next.{stands}_{many}" for stands in ("late", "dropped") for many in ("rest", "few"))

# What stands in every form of an edition and nobody may leave out: what departments and people say of the same deeds,
# what was refused, and promises that are late or dropped. Success never crowds it out.
TRUTH = frozenset({"edition.did.truth", "edition.did.truth_small", "edition.did.total", "edition.did.total_few"})
REFUSED, LATE, DROPPED = "edition.did.cannot", "edition.next.late", "edition.next.dropped"

# Deeds everybody in a place can see. One of them may be told alone, by tehsil and without a count. What was paid to a
# person, sent on or refused concerns that person, and is told only as a count of at least FEWEST.
SEEN_BY_ALL = frozenset({"repaired", "supplied", "staff_sent", "inspected"})


class Withheld(Exception):
    """An edition, or a line of one, that may not be published; says why in one sentence.

    `key` and `values` say the same in the reader's language, where the desk has a text for it.
    """

    def __init__(self, sentence: str, key: str = "", **values: str | int) -> None:
        super().__init__(sentence)
        self.key = key
        self.values = values


@dataclass(frozen=True, slots=True)
class Deed:
    """One case that a department called done within the week."""

    case: str
    category: str
    outcome: str
    place: Names | None  # of a tehsil, never smaller
    on: str  # ISO date
    office: Names | None
    disputed: bool = False  # its reporter says it is not done: it is counted as claimed and never told as a deed


@dataclass(frozen=True, slots=True)
class Commitment:
    """One promise: who does what, where, until when, and how it stands at the end of the week."""

    id: str
    case: str | None
    category: str
    action: str
    place: Names | None
    office: Names | None
    due_on: str
    state: str  # open, kept, confirmed, dropped
    state_on: str | None = None


@dataclass(frozen=True, slots=True)
class Week:
    """What one district's week is told from. Dates are ISO dates in the district's own time."""

    district: Names
    first_day: str  # Monday, or the day at which the edition before was cut off
    last_day: str  # Sunday, or the day of its own cut-off
    today: str  # a promise is late once its day is over
    said: dict[str, tuple[str, ...]]  # category -> cases reported within the week
    deeds: tuple[Deed, ...] = ()
    done: tuple[str, ...] = ()  # cases a department called done, as cases.figures counts them
    asked: tuple[str, ...] = ()  # whose reporter was asked whether it is done, or has said so unasked
    confirmed: tuple[str, ...] = ()  # cases whose reporter said so
    commitments: tuple[Commitment, ...] = ()


@dataclass(frozen=True, slots=True)
class Drop:
    """Something counted and not said, with the reason; shown to the editor and the approver only."""

    what: str  # text key
    reason: str  # few, merged, conduct, disputed, told
    count: int
    subject: str = ""  # text key


Drops = Counter[tuple[str, str, str]]  # (what, reason, subject) -> how many


@dataclass(frozen=True, slots=True)
class Draft:
    items: list[Item]
    dropped: tuple[Drop, ...] = ()


def build(week: Week) -> Draft:
    """The items of a week, in the order they are read, and what was held back. Raises `Withheld` on a bad promise."""
    drops: Drops = Counter()
    kept, coming = _ledger(week, drops)
    items = [*_said(week, drops), _truth(week), *_did(week, drops), *kept, *(coming or [_item("next", NO_PROMISE)])]
    check(items)
    return Draft(items, tuple(Drop(what, why, count, subject) for (what, why, subject), count in drops.items()))


def is_fixed(item: Item) -> bool:
    """Whether a line stands in every form: see TRUTH."""
    key, outcome = item["key"], item["values"].get("outcome", {}).get("key", "")
    return (
        key in TRUTH
        or key.startswith((REFUSED, LATE, DROPPED))
        or is_refusal(outcome.removeprefix("outcome.").removesuffix(".short"))
    )


def check(items: Sequence[Item]) -> None:
    """Raises `Withheld` where an item claims something that no row stands behind, or a promise has no owner or date."""
    for item in items:
        if item["section"] not in SECTIONS:
            raise Withheld(f"there is no section {item['section']!r}")
        key, values, promises = item["key"], item["values"], promises_of(item)
        if key in CLAIM_NOTHING:
            if item.get("line"):
                raise Withheld(f"{key}: a line of one's own needs a case behind it", "editions.refused.no_case")
        elif not item["cases"] and not promises:
            raise Withheld(f"{key}: no case stands behind this line")
        elif item["section"] == "next" and key not in NAME_NOBODY and not (values.get("office") and values.get("date")):
            raise Withheld(f"{key}: a promise needs an owner and a date")
        for name, value in values.items():
            # Promises are public acts of an office, each told by itself somewhere: their number points at nobody.
            if isinstance(value, int) and value < FEWEST and name != "promises":
                raise Withheld(f"{key}: {name} is a number under {FEWEST}")
        if "count" in values and values["count"] != len(set(item["cases"])):
            raise Withheld(f"{key}: the count is not the number of cases behind it")
        if "promises" in values and values["promises"] != len(promises):
            raise Withheld(f"{key}: the count is not the number of promises behind it")


def promises_of(item: Item) -> list[str]:
    """The promises behind a line; one that was drafted before lines could be joined names its only one."""
    return item.get("commitments") or ([item["commitment"]] if item.get("commitment") else [])


def claim(item: Item) -> str:
    """What an item says of what, without its numbers: the same after a redraft."""
    values = item["values"]
    category = locales.current(values.get("category", {}).get("key", ""))  # a draft may be older than its name
    said = (item["key"].removesuffix("_many"), promises_of(item)[:1], category, values.get("outcome"))
    return json.dumps((*said, values.get("place")), sort_keys=True)


def mark(item: Item) -> str:
    """What a form of the desk calls this very item by: another as soon as anything in it is."""
    return digest([item])[:16]


def digest(items: Sequence[Item]) -> str:
    """SHA-256 of the items in one canonical spelling: what was approved is what is sent."""
    spelled = json.dumps(list(items), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(spelled.encode()).hexdigest()


def _said(week: Week, drops: Drops) -> list[Item]:
    items = []
    few: set[str] = set()
    for category, cases in sorted(week.said.items(), key=lambda pair: (-len(set(pair[1])), pair[0])):
        ids = sorted(set(cases))
        if len(ids) >= FEWEST:
            values = {"category": _key(f"category.{category}"), "count": len(ids)}
            items.append(_item("said", "edition.said.count", values, ids))
        elif ids:
            few |= {*ids}
            drops[f"category.{category}", "merged", ""] += len(ids)
    # Merged upward: small subjects together, if together they are enough.
    if len(few) >= FEWEST:
        items.append(_item("said", "edition.said.other", {"count": len(few)}, sorted(few)))
    elif few:
        drops["editions.others", "few", ""] += len(few)
    return items or [_item("said", "edition.said.none")]


def _truth(week: Week) -> Item:
    """The two columns side by side: what departments say, what people say; they may lie far apart. Always there."""
    done, asked, confirmed = set(week.done), set(week.asked), set(week.confirmed)
    values = {"done": _number(done)}
    if len(asked) < FEWEST:
        return _item("did", "edition.did.truth_small", values, sorted(done))
    values |= {"confirmed": _number(confirmed), "asked": len(asked)}
    return _item("did", "edition.did.truth", values, sorted(done | asked))


def _number(cases: set[str]) -> Any:
    return len(cases) if len(cases) >= FEWEST else FEW


def _did(week: Week, drops: Drops) -> list[Item]:
    """Refusals before deeds; the most frequent first."""
    counted: dict[tuple[str, str], list[Deed]] = {}  # by subject and outcome
    by_place: dict[tuple[str, str, str], list[Deed]] = {}
    for deed in week.deeds:
        what = (f"outcome.{deed.outcome}.short", f"category.{deed.category}")
        if deed.disputed and not is_refusal(deed.outcome):  # a refusal that somebody will not have is one all the same
            drops[what[0], "disputed", what[1]] += 1
        elif subjects.is_conduct(deed.category, deed.outcome):
            drops[what[0], "conduct", what[1]] += 1
        elif deed.outcome in SEEN_BY_ALL and not subjects.is_together(deed.category):
            where = json.dumps(deed.place, sort_keys=True)
            by_place.setdefault((deed.category, deed.outcome, where), []).append(deed)
        else:
            counted.setdefault((deed.category, deed.outcome), []).append(deed)
    lines = []
    for (category, outcome, _), deeds in by_place.items():
        if len(_cases(deeds)) >= FEWEST:  # one line for the district, wherever there are enough of them
            counted.setdefault((category, outcome), []).extend(deeds)
        else:
            lines.append(deeds)
    enough = {group: deeds for group, deeds in counted.items() if len(_cases(deeds)) >= FEWEST}
    for (category, outcome), deeds in counted.items():
        if (category, outcome) not in enough and not is_refusal(outcome):
            drops[f"outcome.{outcome}.short", "few", f"category.{category}"] += len(_cases(deeds))
    refusals = {group: deeds for group, deeds in counted.items() if is_refusal(group[1])}
    told = [deeds for group, deeds in enough.items() if group not in refusals]
    return [
        *_refusals(refusals, drops),
        *(_counted(deeds) for deeds in sorted(told, key=_most_first)),
        *(_seen(deeds, week) for deeds in sorted(lines, key=_most_first)),
    ]


def _refusals(refusals: dict[tuple[str, str], list[Deed]], drops: Drops) -> list[Item]:
    """By subject and reason where there are enough; small ones together, if need be with the smallest of the others."""
    named = sorted((deeds for deeds in refusals.values() if len(_cases(deeds)) >= FEWEST), key=_most_first)
    rest = [deed for deeds in refusals.values() if len(_cases(deeds)) < FEWEST for deed in deeds]
    if 0 < len(_cases(rest)) < FEWEST and named:
        rest += named.pop()
    for deed in rest:
        drops[f"outcome.{deed.outcome}.short", "merged", f"category.{deed.category}"] += 1
    together = _cases(rest)
    if 0 < len(together) < FEWEST:
        drops["editions.refusals", "few", ""] += len(together)
    of_all = [_item("did", REFUSED, {"count": len(together)}, together)] if len(together) >= FEWEST else []
    return [*(_counted(deeds) for deeds in named), *of_all]


def _most_first(deeds: list[Deed]) -> tuple[Any, ...]:
    return -len(_cases(deeds)), deeds[0].category, deeds[0].outcome, json.dumps(deeds[0].place, sort_keys=True)


def _cases(deeds: Iterable[Deed]) -> list[str]:
    return sorted({deed.case for deed in deeds})


def _counted(deeds: list[Deed]) -> Item:
    ids = _cases(deeds)
    return _item("did", "edition.did.count", _deed(deeds) | {"count": len(ids)}, ids)


def _seen(deeds: list[Deed], week: Week) -> Item:
    where = {"place": {"names": deeds[0].place or week.district}, "date": {"date": max(deed.on for deed in deeds)}}
    return _item("did", "edition.did.line", _deed(deeds) | where, _cases(deeds))


def _deed(deeds: list[Deed]) -> dict[str, Any]:
    return {
        "category": _key(f"category.{deeds[0].category}"),
        "outcome": _key(f"outcome.{deeds[0].outcome}.short"),
        "office": _office([deed.office for deed in deeds]),
    }


# ── promises ─────────────────────────────────────────────────────────────────────────────────────────────────────────
NO_PROMISE = "edition.next.none"
# How a promise stands -> where it is told, and as which line: of one, of several; in the order of reading. That it is
# kept is the office's own word until somebody of the people has said the same.
STANDS = {
    "kept": ("did", "edition.did.kept", "edition.did.kept_many"),
    "confirmed": ("did", "edition.did.kept_confirmed", "edition.did.kept_confirmed_many"),
    "late": ("next", LATE, "edition.next.late_many"),
    "dropped": ("next", DROPPED, "edition.next.dropped_many"),
    "open": ("next", "edition.next.line", "edition.next.line_many"),
}


def _ledger(week: Week, drops: Drops) -> tuple[list[Item], list[Item]]:
    """Every promise comes back by itself: kept (under "did"), late or dropped or still to come (under "next").

    Promises of the same deed in the same place by the same office are one line. Those in subjects that are told only
    together are told by district; late and dropped ones that are still too few, by their number alone.
    """
    groups: dict[tuple[str, ...], list[Commitment]] = {}
    for promise in sorted(week.commitments, key=lambda promise: (promise.due_on, promise.id)):
        if promise.action not in PROMISED:
            raise Withheld(f"{promise.action!r} cannot be promised")
        if promise.office is None or not promise.due_on:
            raise Withheld(f"promise {promise.id}: a promise needs an owner and a date")
        stands = _stands(promise, week)
        if stands:
            together = subjects.is_together(promise.category)
            where = [] if together else [json.dumps(names, sort_keys=True) for names in (promise.place, promise.office)]
            groups.setdefault((stands, promise.category, promise.action, *where), []).append(promise)
        else:
            drops["editions.promises", "told", ""] += 1
    told: dict[str, list[Item]] = {stands: [] for stands in STANDS}
    few: dict[str, list[Commitment]] = {"late": [], "dropped": []}
    for (stands, category, action, *_), promises in groups.items():
        reason = (
            "conduct" if subjects.is_conduct(category, action) else "few" if len(_behind(promises)) < FEWEST else ""
        )
        if not (reason and subjects.is_together(category)):
            told[stands].append(_promised(stands, promises, week))
        elif stands in few:
            few[stands] += promises
        else:
            drops[f"promise.{action}", reason, f"category.{category}"] += len(promises)
    for stands, rest in few.items():
        if rest:
            many = len(_behind(rest)) >= FEWEST
            values = {"promises": len(rest)} if many else {}
            line = _item("next", f"edition.next.{stands}_{'rest' if many else 'few'}", values, _behind(rest))
            told[stands].append(line | {"commitments": [promise.id for promise in rest]})
    return [*told["kept"], *told["confirmed"]], [*told["late"], *told["dropped"], *told["open"]]


def _stands(promise: Commitment, week: Week) -> str:
    """Of STANDS; "" where it ended in another week."""
    if promise.state == "open":
        return "late" if promise.due_on < week.today else "open"
    ended_now = promise.state_on is not None and week.first_day <= promise.state_on <= week.last_day
    return promise.state if ended_now else ""


def _behind(promises: Iterable[Commitment]) -> list[str]:
    return sorted({promise.case for promise in promises if promise.case})


def _promised(stands: str, promises: list[Commitment], week: Week) -> Item:
    """One line for promises of one deed; of several the first date promised, or the last on which one was kept."""
    section, of_one, of_several = STANDS[stands]
    first = promises[0]
    place = week.district if subjects.is_together(first.category) else first.place or week.district
    values: dict[str, Any] = {
        "category": _key(f"category.{first.category}"),
        "outcome": _key(f"promise.{first.action}"),
        "place": {"names": place},
        "date": {"date": max(one.state_on or "" for one in promises) if section == "did" else first.due_on},
        "office": _office([promise.office for promise in promises]),
    }
    many = {"promises": len(promises)} if len(promises) > 1 else {}
    line = _item(section, of_several if many else of_one, values | many, _behind(promises))
    return line | {"commitments": [promise.id for promise in promises]}


def _item(section: str, key: str, values: dict[str, Any] | None = None, cases: Iterable[str] = ()) -> Item:
    return {"section": section, "key": key, "values": values or {}, "cases": list(cases)}


def _key(key: str) -> dict[str, str]:
    return {"key": key}


def _office(offices: Sequence[Names | None]) -> dict[str, Any]:
    """The office that did it, "more than one office", or that none is named."""
    known = {json.dumps(names, sort_keys=True): names for names in offices if names}
    if len(known) > 1:
        return SEVERAL
    return {"names": next(iter(known.values()))} if known else _key("office.unnamed")
