"""Who wrote a protected case, as its opened seal tells it: how they are reached, and what they allow. Pure.

It is known in the reader's request alone. Nothing of it is kept outside the seal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

OURS = frozenset({"note", "told", "plan", "closing", "drop", "referral"})  # kinds of items that readers wrote
NUMBER = "number"  # a new number was given on a call: those before it ended


@dataclass(frozen=True, slots=True)
class Reporter:
    """What is known of them; "" or None is not known. `codes` are the numbers that open the case."""

    codes: tuple[str, ...] = ()
    channel: str = ""
    address: str = ""
    lang: str = ""
    may_message: bool | None = None
    by: str = ""  # whom they want to be called by: woman, man, or whoever
    ended: tuple[str, ...] = ()  # numbers that open it no more
    hour: str = ""  # morning, noon, evening: when it is safe


def of(items: Iterable[tuple[str, Mapping[str, Any]]]) -> Reporter:
    """From the opened items of a case as (kind, data), oldest first: what was said last holds."""
    found = Reporter()
    for kind, data in items:
        if kind == NUMBER:
            found = replace(found, codes=(data["code"],), ended=(*found.ended, *found.codes))
        elif kind not in OURS:
            found = _with(found, data)
    return found


def _with(before: Reporter, data: Mapping[str, Any]) -> Reporter:
    said = {**data, **(data.get("answers") or {})}
    call = said.get("call") or {}
    known = {*before.codes, *before.ended}
    codes = [code for code in (said.get("code"), *(said.get("codes") or ())) if code and code not in known]
    may = said.get("may_message")
    return replace(
        before,
        codes=(*before.codes, *codes),
        channel=said.get("channel") or before.channel,
        address=said.get("address") or before.address,
        lang=said.get("spoke") or said.get("lang") or before.lang,
        may_message=before.may_message if may is None else may,
        by=call.get("by") or call.get("who") or before.by,
        hour=call.get("hour") or before.hour,
    )
