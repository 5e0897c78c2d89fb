"""What a program wrote into a message, a picture pasted as text: kept as it came, and no words are heard in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

LEAST = 200  # signs in a row, in one line or in lines of an e-mail's length, of which no word consists
_LINE = 50
_RUN = re.compile(rf"[A-Za-z0-9+/_=-]{{{_LINE},}}")
_HEAD = re.compile(r"data:[\w.+-]{1,40}/[\w.+-]{1,80}(?:;[\w=.-]{1,40}){0,4},\Z")
_HEAD_MOST = 300
_LAST = re.compile(r"\r?\n(?=\S*[0-9+/=])[A-Za-z0-9+/]{4,}={0,2}(?!\S)")


def words(text: str) -> str:
    """The text without what a program wrote into it."""
    if len(text) < LEAST:
        return text
    kept, at = [], 0
    for start, end in _find(text):
        head = _HEAD.search(text, max(at, start - _HEAD_MOST), start)
        kept.append(text[at : head.start() if head else start])
        at = end
    return " ".join([*kept, text[at:]]) if kept else text


def is_blob(text: str) -> bool:
    """Whether there is nothing else in a text, or next to nothing."""
    return len(words(text).strip()) * 10 < len(text) and words(text) != text


def _find(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each run, lines that follow each other as one, with the short line that ends them."""
    start = end = -1
    for run in _RUN.finditer(text):
        if start >= 0 and text[end : run.start()] in {"\n", "\r\n"}:
            end = run.end()
            continue
        yield from _long(text, start, end)
        start, end = run.span()
    yield from _long(text, start, end)


def _long(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    if end - start >= LEAST:
        last = _LAST.match(text, end)
        yield start, last.end() if last else end
