"""What an editor may do to the lines of a draft: order, join, leave out with a reason, add words. Never a number. Pure.

Every change is remembered beside the items (`Edits`), so that the approver sees it, it can be taken back, and a draft
that is compiled again carries it on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from broadcast.edition import SECTIONS, SEVERAL, Item, Withheld, check, claim, is_fixed, mark, promises_of

LONGEST = 200  # letters of a reason

_STALE = ("this line has changed since it was read", "editions.refused.changed")


@dataclass(frozen=True, slots=True)
class Edits:
    """What was done to a draft. An entry of `dropped` is `{"item", "reason", "by": staff, "at": ISO time}`."""

    order: list[str] = field(default_factory=list)  # claims, as the editor put them; [] where nobody did
    joined: list[list[Item]] = field(default_factory=list)  # the lines that one was made of
    dropped: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The lines of a draft as they would be published, and what was done to them."""

    items: list[Item]
    edits: Edits


def move(sheet: Sheet, marked: str, step: int) -> Sheet:
    """One line up (-1) or down (1) within its section, among those that may be moved."""
    items = list(sheet.items)
    at = _find(items, marked)
    kin = [n for n, item in enumerate(items) if item["section"] == items[at]["section"] and not is_fixed(item)]
    if at not in kin:
        raise Withheld("this line always stands first in its section", "editions.refused.fixed")
    to = kin.index(at) + (1 if step > 0 else -1)
    if 0 <= to < len(kin):
        items[at], items[kin[to]] = items[kin[to]], items[at]
    return _checked(items, _with(sheet.edits, order=[claim(item) for item in items]))


def drop(sheet: Sheet, marked: str, reason: str, *, by: str, at: str) -> Sheet:
    """Leave a line out. Raises `Withheld` without a reason, and for what no edition may leave out."""
    said = " ".join(reason.split())
    if not 0 < len(said) <= LONGEST:
        raise Withheld(f"leaving a line out needs a reason of at most {LONGEST} letters", "editions.refused.reason")
    items = list(sheet.items)
    gone = items.pop(_find(items, marked))
    if is_fixed(gone):
        raise Withheld("no edition may leave this line out", "editions.refused.fixed")
    kept = {"item": gone, "reason": said, "by": by, "at": at}
    return _checked(items, _with(sheet.edits, dropped=[*sheet.edits.dropped, kept]))


def restore(sheet: Sheet, marked: str) -> Sheet:
    """Take a line in again that was left out: at the end of its section."""
    dropped = list(sheet.edits.dropped)
    back = dropped.pop(_find([one["item"] for one in dropped], marked))["item"]
    return _checked(_by_section([*sheet.items, back]), _with(sheet.edits, dropped=dropped))


def join(sheet: Sheet, marked: str) -> Sheet:
    """Make one line of all that say the same of the same place, whichever office it is."""
    items = list(sheet.items)
    at = _find(items, marked)
    twins = list_twins(items, items[at])
    if len(twins) < 2:
        raise Withheld("no other line says the same of the same place", "editions.refused.twin")
    items[items.index(twins[0])] = _joined(twins)
    items = [item for item in items if item not in twins]
    return _checked(items, _with(sheet.edits, joined=[*sheet.edits.joined, twins]))


def part(sheet: Sheet, marked: str) -> Sheet:
    """Take a line that was joined by hand apart again."""
    items = list(sheet.items)
    at = _find(items, marked)
    made_of = next((parts for parts in sheet.edits.joined if is_made_of(items[at], parts)), None)
    if made_of is None:
        raise Withheld(*_STALE)
    items[at : at + 1] = made_of
    return _checked(items, _with(sheet.edits, joined=[parts for parts in sheet.edits.joined if parts is not made_of]))


def put_line(sheet: Sheet, marked: str, line: str, lang: str) -> Sheet:
    """Somebody's own words beside a line ("" takes them away). They are shown in `lang` only."""
    items = [dict(item) for item in sheet.items]
    item = items[_find(items, marked)]
    item.pop("line", None)
    item.pop("line_lang", None)
    if text := " ".join(line.split()):
        item["line"], item["line_lang"] = text, lang
    return _checked(items, sheet.edits)


def carry_on(old: Sheet, items: Sequence[Item]) -> Sheet:
    """Lines that were compiled anew with what was done to the old ones, as far as they are still there."""
    sheet = Sheet(list(items), Edits())
    for parts in old.edits.joined:
        if found := _claimed(sheet.items, map(claim, parts)):
            sheet = _if_it_still_may(join, sheet, mark(found))
    for one in old.edits.dropped:
        if found := _claimed(sheet.items, [claim(one["item"])]):
            again = partial(drop, reason=one["reason"], by=one["by"], at=one["at"])
            sheet = _if_it_still_may(again, sheet, mark(found))
    own = {claim(item): {name: item[name] for name in ("line", "line_lang")} for item in old.items if item.get("line")}
    lines = [item | own.get(claim(item), {}) for item in sheet.items]
    if order := old.edits.order:
        lines.sort(key=lambda item: order.index(claim(item)) if claim(item) in order else len(order))
        lines.sort(key=lambda item: not is_fixed(item))
    return _checked(_by_section(lines), _with(sheet.edits, order=order))


def list_twins(items: Iterable[Item], item: Item) -> list[Item]:
    """The lines on promises that say the same of the same place as this one, itself among them."""
    return [one for one in items if promises_of(one) and _same(one) == _same(item)] if promises_of(item) else []


def is_made_of(item: Item, parts: Sequence[Item]) -> bool:
    """Whether this line was joined of these."""
    return bool(parts) and promises_of(item) == [promise for one in parts for promise in promises_of(one)]


def _same(item: Item) -> tuple[Any, ...]:
    values = item["values"]
    return item["key"].removesuffix("_many"), values.get("category"), values.get("outcome"), values.get("place")


def _joined(parts: Sequence[Item]) -> Item:
    first = parts[0]
    promises = [promise for one in parts for promise in promises_of(one)]
    dates = sorted(one["values"]["date"]["date"] for one in parts)
    kept = first["section"] == "did"
    values = {
        "promises": len(promises),
        "date": {"date": dates[-1] if kept else dates[0]},
        "office": SEVERAL if len({str(one["values"]["office"]) for one in parts}) > 1 else first["values"]["office"],
    }
    return {
        "section": first["section"],
        "key": f"{first['key'].removesuffix('_many')}_many",
        "values": first["values"] | values,
        "cases": sorted({case for one in parts for case in one["cases"]}),
        "commitments": promises,
    }


def _find(items: Sequence[Item], marked: str) -> int:
    at = next((at for at, item in enumerate(items) if mark(item) == marked), None)
    if at is None:
        raise Withheld(*_STALE)
    return at


def _claimed(items: Iterable[Item], claims: Iterable[str]) -> Item | None:
    wanted = set(claims)
    return next((item for item in items if claim(item) in wanted), None)


def _if_it_still_may(act: Callable[[Sheet, str], Sheet], sheet: Sheet, marked: str) -> Sheet:
    """What was done once may not be possible any more: a promise is late now, its twin is gone. Then it is undone."""
    try:
        return act(sheet, marked)
    except Withheld:
        return sheet


def _by_section(items: Iterable[Item]) -> list[Item]:
    return sorted(items, key=lambda item: SECTIONS.index(item["section"]))


def _with(edits: Edits, **changed: Any) -> Edits:
    return Edits(**{"order": edits.order, "joined": edits.joined, "dropped": edits.dropped, **changed})


def _checked(items: list[Item], edits: Edits) -> Sheet:
    check(items)
    return Sheet(items, edits)
