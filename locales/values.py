"""Typed values: one stored message exists in every language, because its values say what they are.

A value is a `str` or `int` as it stands, or one of
`{"key": text key, "values"?: {…}}` · `{"date": "2026-11-21"}` · `{"code": 13 digits}` · `{"names": {lang: name}}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from locales.languages import chain

Value = str | int | dict[str, Any]
Values = dict[str, Value]

# A number with gaps between Arabic letters is drawn group by group from right to left; isolated it stays readable.
LRI, PDI = "\u2066", "\u2069"

_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_WRITTEN = re.compile(f"{LRI}(\\d{{2}})-(\\d{{2}})-(\\d{{4}}){PDI}")


def group(code: str) -> str:
    """A case code as people read it, 4-4-4-1: `4821773091542` is `4821 7730 9154 2`."""
    return f"{code[:4]} {code[4:8]} {code[8:12]} {code[12:]}".strip()


def write_date(iso: str) -> str:
    """`2026-11-21` as `21-11-2026`, ASCII digits in every language. ValueError for another shape."""
    found = _DATE.match(iso)
    if not found:
        raise ValueError(f"not a date: {iso!r}")
    year, month, day = found.groups()
    return f"{day}-{month}-{year}"


def isolate(text: str) -> str:
    """What reads from left to right, kept so in a place where no `bdi` may stand: an `option` would say W46-2026."""
    return f"{LRI}{text}{PDI}"


def keep_dates_whole(page: str) -> str:
    """A page whose written dates no line end can cut: its hyphens are U+2011, while a message's stay ASCII."""
    return _WRITTEN.sub(f"{LRI}\\1\u2011\\2\u2011\\3{PDI}", page)


def choose_name(names: dict[str, str], lang: str) -> str:
    """A place's or office's name for a reader of `lang`: their language, else Urdu, else English, else any there is."""
    for known in (*chain(lang), *names):
        if names.get(known):
            return names[known]
    return ""


def write(value: Value, lang: str, *, isolates: bool, say: Callable[[str, str, Values], str]) -> str:
    """One value as text for a reader of `lang`; `say` turns a text key into text. ValueError for an unknown type."""
    match value:
        case str():
            return value
        case int():
            return str(value)
        case {"key": str(key)}:
            return say(key, lang, value.get("values") or {})
        case {"names": dict(names)}:
            return choose_name(names, lang)
        case {"date": str(iso)}:
            text = write_date(iso)
        case {"code": str(code)}:
            text = group(code)
        case _:
            raise ValueError(f"not a typed value: {sorted(value)}")
    return isolate(text) if isolates else text
