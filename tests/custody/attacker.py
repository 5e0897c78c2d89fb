"""Who has the disk, the log, a dump taken while people wrote, and the keys folder, and wants to know who reported.

What is known of each report by then is its case: an id, a hash that a guessed code can be tried against, and what
stands in clear. Nothing of the truth is used but to count at the end.
"""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from store.crypto import Keys, Unopened
from tests.custody.disk import BOX, Disk
from tests.custody.reports import CODE, MARK, SPACED, Crowd, Writer

Rows = dict[str, list[dict[str, Any]]]  # by table, in the order in which they lie
CONTEXTS = (
    *("inbox|body", "outbox|message", "sessions|state", "sorting|words", "sorting|answers", "sorting|code"),
    *("media|source", "media|content", "media|sealed", "case_items|body", "decisions|box"),
)
# Every place where an id may begin: its version and its variant are known.
ID = re.compile(rb"(?s)(?=(.{6}[\x40-\x4f\x70-\x7f].[\x80-\xbf].{7}))")
NEAR = 120  # bytes


@dataclass(frozen=True, slots=True)
class Loot:
    """What was taken: the disk, the tables as they stand, and a dump of an earlier moment."""

    disk: Disk
    live: Rows
    dump: Rows


@dataclass(frozen=True, slots=True)
class Found:
    """What the attacker got: words read, cases tied to a phone (by which way), and how often a guess was right."""

    words: frozenset[str]
    tied: Mapping[str, frozenset[uuid.UUID]]  # way → cases
    ranked: Mapping[str, float]  # way of ranking → how many phones named first are right, ties by lot
    candidates: int

    @property
    def all_tied(self) -> frozenset[uuid.UUID]:
        return frozenset().union(*self.tied.values())


def attack(crowd: Crowd, keys: Keys, loot: Loot) -> Found:
    truth = {one.case: one for one in crowd.writers if one.case is not None}
    words, opened = _open_all(keys, loot)
    tied = {
        "a box with a code": _by_code(opened, truth),
        "a code or a case in clear": _in_clear(loot, truth),
        "the same transaction": _by_transaction(loot, truth),
    }
    suspects = _suspects(loot, crowd)
    return Found(words, tied, dict(_rank(loot, truth, suspects)), len(suspects))


# ── what opens ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _open_all(keys: Keys, loot: Loot) -> tuple[frozenset[str], list[tuple[bytes, bytes]]]:
    """Words of reports that could be read, and every (surroundings, opened box)."""
    opened: dict[bytes, tuple[bytes, bytes]] = {}
    for before, box in (*loot.disk.boxes(), *_boxes_of(loot.live), *_boxes_of(loot.dump)):
        if box not in opened and (plain := _open(keys, before, box)) is not None:
            opened[box] = (before, plain)
    texts = [plain.decode("utf-8", "replace") for _, plain in opened.values()]
    words = {found for text in texts for found in re.findall(rf"{MARK} \d+(?: \d+)?", text)}
    return frozenset(words), list(opened.values())


def _boxes_of(rows: Rows) -> Iterator[tuple[bytes, bytes]]:
    for table in rows.values():
        for row in table:
            before = b"".join(one.bytes for one in row.values() if isinstance(one, uuid.UUID))
            for value in row.values():
                if isinstance(value, bytes) and BOX.match(value):
                    yield before, value


def _open(keys: Keys, before: bytes, box: bytes) -> bytes | None:
    for one in set(ID.findall(before)):
        for context in CONTEXTS:
            try:
                return keys.decrypt(box, f"{context}|{uuid.UUID(bytes=one)}")
            except Unopened:
                continue
    return None


# ── what ties ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _by_code(opened: Iterable[tuple[bytes, bytes]], truth: Mapping[uuid.UUID, Writer]) -> frozenset[uuid.UUID]:
    """A code in an opened box is hashed and its case found; the phone is named beside the box."""
    by_code = {one.code: case for case, one in truth.items() if one.code}
    found = set()
    for before, plain in opened:
        text = SPACED.sub(r"\1\2\3\4", plain.decode("utf-8", "replace"))
        for code in CODE.findall(text):
            case = by_code.get(code)
            contact = truth[case].contact if case else None
            if case and contact and contact.bytes in before:
                found.add(case)
    return frozenset(found)


def _in_clear(loot: Loot, truth: Mapping[uuid.UUID, Writer]) -> frozenset[uuid.UUID]:
    """The id or the number of a case in a row of its phone, or near its phone's id on the disk."""
    signs: dict[Any, uuid.UUID] = {case: case for case in truth}
    signs |= {one.code: case for case, one in truth.items() if one.code}
    found = set()
    for row in (row for rows in (loot.live, loot.dump) for table in rows.values() for row in table):
        values = [value for value in row.values() if isinstance(value, uuid.UUID | str)]
        found |= {signs[one] for one in values if one in signs and truth[signs[one]].contact in values}
    for sign, case in signs.items():
        contact = truth[case].contact
        plain = sign.bytes if isinstance(sign, uuid.UUID) else sign.encode()
        if contact is not None and any(_is_near(content, plain, contact.bytes) for content in loot.disk.all):
            found.add(case)
    return frozenset(found)


def _is_near(content: bytes, sign: bytes, other: bytes) -> bool:
    at = content.find(sign)
    while at >= 0:
        if other in content[max(0, at - NEAR) : at + NEAR]:
            return True
        at = content.find(sign, at + 1)
    return False


def _by_transaction(loot: Loot, truth: Mapping[uuid.UUID, Writer]) -> frozenset[uuid.UUID]:
    """What one transaction wrote belongs together: a sealed row and a phone's."""
    items = {row["id"]: row["case_id"] for rows in (loot.live, loot.dump) for row in rows["sealed.items"]}
    sealed = {one.bytes: one for one in truth} | {one.bytes: case for one, case in items.items()}
    phones = {row["id"].bytes: row["id"] for row in loot.live["contacts"]}
    wrote: dict[int, tuple[set[uuid.UUID], set[uuid.UUID]]] = defaultdict(lambda: (set(), set()))
    for piece in loot.disk.pieces():
        for one in ID.findall(piece.content) if len(piece.content) <= 4096 else ():
            if one in sealed:
                wrote[piece.xid][0].add(sealed[one])
            elif one in phones:
                wrote[piece.xid][1].add(phones[one])
    return frozenset(
        case
        for cases, who in wrote.values()
        if len(who) == 1
        for case in cases
        if case in truth and truth[case].contact in who
    )


# ── what can be guessed ──────────────────────────────────────────────────────────────────────────────────────────────
def _suspects(loot: Loot, crowd: Crowd) -> list[uuid.UUID]:
    """Phones that wrote, and of which no ordinary case and no kept card is known that would explain it."""
    explained = {row["contact_id"] for table in ("cases", "sorting") for row in loot.live[table]}
    given = {row["contact_id"] for row in loot.live["sessions"] if row.get("given_at") or row.get("given")}
    mine = {one.contact for one in crowd.writers}
    return sorted(given & mine - explained, key=lambda one: one.int)


def _rank(loot: Loot, truth: Mapping[uuid.UUID, Writer], suspects: list[uuid.UUID]) -> Iterator[tuple[str, float]]:
    heard: dict[uuid.UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(loot.live["inbox"], key=lambda row: row["received_at"]):
        heard[row["contact_id"]].append(row)
    empty = [who for who in suspects if any(row["body"] is None for row in heard[who])]
    for where, rows in (("", loot.live), (" in the dump", loot.dump)):
        orders = {
            "where a case lies": _numbered(row["id"] for row in rows["sealed.cases"]),
            "where its first box lies": _numbered(row["case_id"] for row in rows["sealed.items"]),
            "its first number": _least(rows["sealed.items"], "seq"),
            "its id": _numbered(sorted(row["id"] for row in rows["sealed.cases"])),
        }
        for (name, order), (which, places) in product(orders.items(), _places(rows, suspects).items()):
            right = _right(truth, _stretch(order, len(places)), list(places), partial(_near, places))
            yield f"{name}{where}, by who wrote {which}", right
    counts: dict[uuid.UUID, float] = defaultdict(float)
    sizes: dict[uuid.UUID, float] = defaultdict(float)
    for row in loot.live["sealed.items"]:
        counts[row["case_id"]] += 1
        sizes[row["case_id"]] += len(row["blob"])
    yield "how many boxes", _right(truth, counts, suspects, lambda n, who: -abs(n - len(heard[who])))
    weight = {who: sum(len(row["body"] or b"") for row in rows) for who, rows in heard.items()}
    yield "how large", _right(truth, sizes, suspects, lambda n, who: -abs(n - weight[who]))
    yield "an empty body", _right(truth, counts, suspects, lambda _, who: float(who in empty))


def _near(places: Mapping[uuid.UUID, int], rank: float, who: uuid.UUID) -> float:
    return -abs(rank - places[who])


def _places(rows: Rows, suspects: Collection[uuid.UUID]) -> dict[str, dict[uuid.UUID, int]]:
    """The suspects in the order of their first message, and of their last."""
    wrote = [row["contact_id"] for row in sorted(rows["inbox"], key=lambda row: row["received_at"])]
    known = [who for who in wrote if who in suspects]
    first, last = list(dict.fromkeys(known)), list(dict.fromkeys(reversed(known)))[::-1]
    return {which: {who: at for at, who in enumerate(order)} for which, order in (("first", first), ("last", last))}


def _numbered(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, float]:
    return {one: float(place) for place, one in enumerate(dict.fromkeys(ids))}


def _least(items: Iterable[dict[str, Any]], column: str) -> dict[uuid.UUID, float]:
    least: dict[uuid.UUID, float] = {}
    for row in items:
        least[row["case_id"]] = min(float(row[column]), least.get(row["case_id"], float("inf")))
    return _numbered(sorted(least, key=lambda case: (least[case], case.int)))


def _stretch(orders: Mapping[uuid.UUID, float], over: int) -> dict[uuid.UUID, float]:
    return {one: place * over / max(1, len(orders)) for one, place in orders.items()}


def _right(
    truth: Mapping[uuid.UUID, Writer],
    of: Mapping[uuid.UUID, float],
    suspects: list[uuid.UUID],
    score: Callable[[float, uuid.UUID], float],
) -> float:
    """How many are named rightly by who scores best; among equals the lot decides, and counts as its chance."""
    right = 0.0
    for case, writer in truth.items():
        if case not in of:
            continue
        scores = {who: score(of[case], who) for who in suspects}
        best = max(scores.values(), default=0.0)
        named = [who for who, one in scores.items() if one == best]
        right += (writer.contact in named) / len(named) if named else 0.0
    return right
