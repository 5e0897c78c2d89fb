"""The weekly edition: from the week's figures to items "you said, we did, next". Pure.

An item is `{"section": "said"|"did"|"next", "key", "values", "cases": [id, …], "commitment"?, "line"?, "line_lang"?}`.
Values are typed (`flows.model.Value`), so that one item exists in every language. Every item names the rows behind it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cases.outcomes import PROMISED, is_refusal
from cases.suppression import FEWEST

Item = dict[str, Any]
Names = dict[str, str]

SECTIONS = ("said", "did", "next")

# Lines that state no number and no deed: the only ones that may stand without a case behind them.
CLAIM_NOTHING = frozenset({"edition.said.none", "edition.did.none", "edition.next.none"})

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
    first_day: str  # Monday
    last_day: str  # Sunday, or the day of drafting while the week still runs
    today: str  # a promise is late once its day is over
    said: dict[str, tuple[str, ...]]  # category -> cases reported within the week
    deeds: tuple[Deed, ...] = ()
    done: tuple[str, ...] = ()  # cases a department called done, as cases.figures counts them
    confirmed: tuple[str, ...] = ()  # cases whose reporter said so
    commitments: tuple[Commitment, ...] = ()


@dataclass(frozen=True, slots=True)
class Drop:
    """Something counted and not said, with the reason; shown to the editor only."""

    what: str  # text key
    reason: str  # few, merged, disputed, told


@dataclass(frozen=True, slots=True)
class Draft:
    items: list[Item]
    dropped: tuple[Drop, ...] = ()


def build(week: Week) -> Draft:
    """The items of a week, in the order they are read, and what was held back. Raises `Withheld` on a bad promise."""
    drops: list[Drop] = []
    kept, coming = _ledger(week, drops)
    items = [*_said(week, drops), *_did(week, drops), *kept]
    if not any(item["section"] == "did" for item in items):
        items.append(_item("did", "edition.did.none"))
    items += coming or [_item("next", "edition.next.none")]
    check(items)
    return Draft(items, tuple(drops))


def check(items: Sequence[Item]) -> None:
    """Raises `Withheld` where an item claims something that no row stands behind, or a promise has no owner or date."""
    for item in items:
        if item["section"] not in SECTIONS:
            raise Withheld(f"there is no section {item['section']!r}")
        key = item["key"]
        if key in CLAIM_NOTHING:
            if item.get("line"):
                raise Withheld(f"{key}: a line of one's own needs a case behind it", "editions.refused.no_case")
            continue
        if not item["cases"] and not item.get("commitment"):
            raise Withheld(f"{key}: no case stands behind this line")
        if item["section"] == "next" and not (item["values"].get("office") and item["values"].get("date")):
            raise Withheld(f"{key}: a promise needs an owner and a date")
        for name, value in item["values"].items():
            if isinstance(value, int) and value < FEWEST:
                raise Withheld(f"{key}: {name} is a number under {FEWEST}")
        if "count" in item["values"] and item["values"]["count"] != len(set(item["cases"])):
            raise Withheld(f"{key}: the count is not the number of cases behind it")


def add_line(items: Sequence[Item], index: int, line: str, lang: str) -> list[Item]:
    """The items with somebody's own line on one of them ("" takes it away). It is shown in `lang` only."""
    if not 0 <= index < len(items):
        raise Withheld("there is no such item")
    changed = [dict(item) for item in items]
    item = changed[index]
    item.pop("line", None)
    item.pop("line_lang", None)
    if text := " ".join(line.split()):
        item["line"], item["line_lang"] = text, lang
    check(changed)
    return changed


def digest(items: Sequence[Item]) -> str:
    """SHA-256 of the items in one canonical spelling: what was approved is what is sent."""
    spelled = json.dumps(list(items), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(spelled.encode()).hexdigest()


def _said(week: Week, drops: list[Drop]) -> list[Item]:
    items = []
    few: list[str] = []
    subjects = sorted(week.said.items(), key=lambda pair: (-len(set(pair[1])), pair[0]))
    for category, cases in subjects:
        ids = sorted(set(cases))
        if len(ids) >= FEWEST:
            values = {"category": _key(f"category.{category}"), "count": len(ids)}
            items.append(_item("said", "edition.said.count", values, ids))
        elif ids:
            few += ids
            drops.append(Drop(f"category.{category}", "merged"))
    # Merged upward: small subjects together, if together they are enough.
    if len(set(few)) >= FEWEST:
        items.append(_item("said", "edition.said.other", {"count": len(set(few))}, sorted(set(few))))
    elif few:
        drops.append(Drop("editions.others", "few"))
    return items or [_item("said", "edition.said.none")]


def _did(week: Week, drops: list[Drop]) -> list[Item]:
    groups: dict[tuple[str, str, str], list[Deed]] = {}
    for deed in week.deeds:
        if deed.disputed:
            drops.append(Drop(f"outcome.{deed.outcome}.short", "disputed"))
            continue
        where = json.dumps(deed.place, sort_keys=True) if deed.outcome in SEEN_BY_ALL else ""
        groups.setdefault((deed.category, deed.outcome, where), []).append(deed)
    items = []
    refused: list[str] = []
    for (category, outcome, _), deeds in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        ids = sorted({deed.case for deed in deeds})
        values: dict[str, Any] = {"category": _key(f"category.{category}"), "outcome": _key(f"outcome.{outcome}.short")}
        last = max(deeds, key=lambda deed: deed.on)
        office = _names(last.office, "office.unnamed")
        if len(ids) >= FEWEST:
            items.append(_item("did", "edition.did.count", {**values, "count": len(ids), "office": office}, ids))
        elif outcome in SEEN_BY_ALL:
            values |= {"place": {"names": last.place or week.district}, "date": {"date": last.on}, "office": office}
            items.append(_item("did", "edition.did.line", values, ids))
        else:
            refused += ids if is_refusal(outcome) else []
            drops.append(Drop(f"outcome.{outcome}.short", "merged" if is_refusal(outcome) else "few"))
    if len(set(refused)) >= FEWEST:
        items.append(_item("did", "edition.did.cannot", {"count": len(set(refused))}, sorted(set(refused))))
    elif refused:
        drops.append(Drop("editions.refusals", "few"))
    return items + _totals(week, drops)


def _totals(week: Week, drops: list[Drop]) -> list[Item]:
    """The two columns side by side: what departments say, what people say; they may lie far apart."""
    done, confirmed = set(week.done), set(week.confirmed)
    if len(done) < FEWEST:
        if done:
            drops.append(Drop("editions.totals", "few"))
        return []
    if len(confirmed) < FEWEST:
        return [_item("did", "edition.did.total_few", {"done": len(done)}, sorted(done))]
    values = {"done": len(done), "confirmed": len(confirmed)}
    return [_item("did", "edition.did.total", values, sorted(done | confirmed))]


# The office's own word stands as such until somebody of the people has said the same.
_KEPT = {"kept": "edition.did.kept", "confirmed": "edition.did.kept_confirmed"}


def _ledger(week: Week, drops: list[Drop]) -> tuple[list[Item], list[Item]]:
    """Every promise comes back by itself: kept (under "did"), late or dropped or still to come (under "next")."""
    kept: list[Item] = []
    coming: list[Item] = []
    for promise in sorted(week.commitments, key=lambda promise: (promise.due_on, promise.id)):
        if promise.action not in PROMISED:
            raise Withheld(f"{promise.action!r} cannot be promised")
        if promise.office is None or not promise.due_on:
            raise Withheld(f"promise {promise.id}: a promise needs an owner and a date")
        ended_now = promise.state_on is not None and week.first_day <= promise.state_on <= week.last_day
        if promise.state in _KEPT and ended_now:
            kept.append(_promise("did", _KEPT[promise.state], promise, week, on=promise.state_on))
        elif promise.state == "dropped" and ended_now:
            coming.append(_promise("next", "edition.next.dropped", promise, week))
        elif promise.state == "open":
            late = promise.due_on < week.today
            coming.append(_promise("next", "edition.next.late" if late else "edition.next.line", promise, week))
    if len(kept) + len(coming) < len(week.commitments):
        drops.append(Drop("editions.promises", "told"))
    return kept, coming


def _promise(section: str, key: str, promise: Commitment, week: Week, on: str | None = None) -> Item:
    values = {
        "category": _key(f"category.{promise.category}"),
        "outcome": _key(f"promise.{promise.action}"),
        "place": {"names": promise.place or week.district},
        "date": {"date": on or promise.due_on},
        "office": {"names": promise.office},
    }
    return _item(section, key, values, [promise.case] if promise.case else []) | {"commitment": promise.id}


def _item(section: str, key: str, values: dict[str, Any] | None = None, cases: Iterable[str] = ()) -> Item:
    return {"section": section, "key": key, "values": values or {}, "cases": list(cases)}


def _key(key: str) -> dict[str, str]:
    return {"key": key}


def _names(names: Names | None, otherwise: str) -> dict[str, Any]:
    return {"names": names} if names else _key(otherwise)
