"""The figures of docs/understanding.md, as the phrases give them."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from tests.people.phrases import Phrase
from tests.people.rates import Rates, entries

PAPER = Path(__file__).parents[2] / "docs" / "understanding.md"
_BLOCK = re.compile(r"(?<=<!-- counted -->\n).*(?=<!-- end -->)", re.DOTALL)


def _share(counts: tuple[int, int]) -> str:
    right, there = counts
    return f"{right} of {there} ({right / there:.1%})" if there else "–"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def write_figures(rates: Rates, stripped: Rates, given: Collection[Phrase]) -> str:
    """The tables, in Markdown; `stripped` is counted without what only one phrase needs."""
    langs = list(dict.fromkeys(phrase.lang for phrase in given))
    kinds = sorted({phrase.kind for phrase in given})
    rows = entries()
    dangers = [row for row in rows if row.meaning == "danger"]
    stories = rates.of("story")[1]
    text = f"{len(rows)} entries in {len({row.meaning for row in rows})} meanings. "
    text += f"Danger: {len(dangers)} entries; caught {_share(rates.of('danger'))}, "
    text += f"false alarms {_share((len(rates.alarms), stories))} of the stories.\n\n"
    text += _row("expected", "understood", "without what one phrase needs", *langs)
    text += _row(*["---"] * (3 + len(langs)))
    for kind in (*kinds, ""):
        by_lang = ("/".join(map(str, rates.of(kind, lang))) if rates.of(kind, lang)[1] else "" for lang in langs)
        text += _row(kind or "all", _share(rates.of(kind)), _share(stripped.of(kind)), *by_lang)
    return text


def figures() -> str:
    """What the paper says."""
    found = _BLOCK.search(PAPER.read_text("utf-8"))
    return found[0] if found else ""


def rewrite(text: str) -> None:
    """Put the figures into the paper."""
    PAPER.write_text(_BLOCK.sub(lambda _: text, PAPER.read_text("utf-8")), "utf-8")
