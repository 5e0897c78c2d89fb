"""Numerals of any script as ASCII, because people type ۲, ٢ and full-width 2 for the same answer."""

from __future__ import annotations

import unicodedata


def digits(text: str) -> str:
    """`text` with every decimal digit of any script as 0-9; everything else as it was."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(char)) if not char.isascii() and char.isdecimal() else char for char in text)
