"""The table of promises: what was promised, what would be right, what was seen, and whether that is kept.

A count is hard: one message lost breaks the promise. A time depends on the machine too, which may have other work: it
is "late" beyond its target, and broken only `FAR` times beyond it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Literal

FAR = 5.0
Verdict = Literal["kept", "late", "BROKEN", "told"]
HEAD = ("promise", "target", "measured", "")


@dataclass(frozen=True, slots=True)
class Row:
    """One promise; "told" is for what is only said, because nothing was promised."""

    promise: str
    target: str
    measured: str
    verdict: Verdict


def must(promise: str, target: str, measured: object, right: bool) -> Row:
    """What is so or is not."""
    return Row(promise, target, str(measured), "kept" if right else "BROKEN")


def none(promise: str, found: int, *, of: int | None = None, more: str = "") -> Row:
    """What must not happen even once; `of` so many. Of none it was never tried."""
    seen = str(found) + (f" of {of:,}" if of is not None else "") + (f" ({more})" if more else "")
    return must(promise, "0", seen, found == 0 and of != 0)


def within(promise: str, seconds: Sequence[float], target: float) -> Row:
    """Times that should be shorter than their target; inf: it never came."""
    if not seconds:
        return must(promise, f"< {target:g} s", "never tried", False)
    worst = max(seconds)
    seen = (
        f"{worst:.2f} s" if len(seconds) == 1 else f"{worst:.2f} s (median {median(seconds):.2f}, {len(seconds)} times)"
    )
    verdict: Verdict = "kept" if worst < target else "late" if worst < FAR * target else "BROKEN"
    return Row(promise, f"< {target:g} s", seen, verdict)


def told(promise: str, measured: object) -> Row:
    return Row(promise, "", str(measured), "told")


def is_broken(rows: Iterable[Row]) -> bool:
    return any(row.verdict == "BROKEN" for row in rows)


def as_text(rows: Sequence[Row]) -> str:
    """As a table of Markdown, in columns as wide as they must be."""
    cells = [HEAD, *((row.promise, row.target, row.measured, _shown(row.verdict)) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in cells
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def as_json(rows: Sequence[Row]) -> str:
    return json.dumps([asdict(row) for row in rows], indent=1)


def _shown(verdict: Verdict) -> str:
    return "" if verdict == "told" else verdict
