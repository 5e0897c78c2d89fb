"""What is read alike out of every provider's web hook: words, the type of a file, a point on the map."""

from __future__ import annotations

import base64
import math
import re
import unicodedata
from typing import Any
from urllib.parse import unquote

_NOT_TEXT = dict.fromkeys([0, *range(0xD800, 0xE000)])
_TYPE = re.compile(r"[\w.+-]{1,40}/[\w.+-]{1,80}")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_BASE64_LEAST = 60  # letters: a shorter word may be a word


def words(text: str) -> str:
    """A text without what is none."""
    return text.translate(_NOT_TEXT)


def fields(form: str, most: int) -> list[tuple[str, str]]:
    """The fields of a form, blank ones too, as `urllib.parse.parse_qsl` reads them, at half its cost: most of a hook's
    values have nothing to decode. Raises ValueError where there are more than `most`.
    """
    parts = form.replace("+", " ").split("&")
    if len(parts) > most:
        raise ValueError("too many fields")
    pairs = (part.partition("=") for part in parts if part)
    return [
        (unquote(name) if "%" in name else name, unquote(value) if "%" in value else value) for name, _, value in pairs
    ]


def file_type(named: str) -> str:
    """The type that a file is said to be; "" for what is none."""
    return named if _TYPE.fullmatch(named) else ""


def point(lat: Any, lon: Any) -> tuple[float, float] | None:
    """(latitude, longitude), None for what is not on earth. Raises ValueError or TypeError for what is no number."""
    there = float(lat), float(lon)
    return there if all(map(math.isfinite, there)) and abs(there[0]) <= 90 and abs(there[1]) <= 180 else None


def unwrap(text: str) -> str:
    """The words of a body that came as base64, as some carriers send an SMS of several parts; any other as it is."""
    if len(text) < _BASE64_LEAST or not _BASE64.fullmatch(text):
        return text
    try:
        said = base64.b64decode(text).decode("utf-8")
    except ValueError:
        return text
    kinds = [unicodedata.category(sign)[0] for sign in said]
    spoken = all(kind != "C" or sign in "\n\r\t\u200c\u200d" for kind, sign in zip(kinds, said, strict=True))
    return words(said) if spoken and 2 * kinds.count("L") >= len(kinds) else text
