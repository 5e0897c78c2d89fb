"""Case codes: twelve random digits and a check digit, read and written 4-4-4-1. Pure: the dice are thrown elsewhere."""

from __future__ import annotations

import re
import unicodedata

from locales.digits import digits

# Damm's quasigroup of order 10 (H. M. Damm, 2004): finds every single wrong digit and every swap of two neighbours,
# the two slips people make when they copy a number from a phone.
_DAMM = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)
# Thirteen digits with spaces or dashes between them, and no further digit on either side.
_SHAPE = re.compile(r"(?<!\d)\d(?:[\s\-\u2010-\u2015.]?\d){12}(?!\d)")
LENGTH = 13  # digits of a code, and of an identity card's number
_DIGIT = re.compile(r"\d")
_ALONE = re.compile(r"[\d\s\-\u2010-\u2015.]+")


def _check(code: str) -> int:
    interim = 0
    for digit in code:
        interim = int(_DAMM[interim][int(digit)])
    return interim


def _plain(text: str) -> str:
    """ASCII digits, and none of the marks that hold a number together in right-to-left text and are copied with it."""
    return digits("".join(char for char in text if unicodedata.category(char) != "Cf"))


def holds_digit(text: str) -> bool:
    """Whether a digit of any numeral set stands in a text."""
    return _DIGIT.search(text) is not None


def complete(twelve: str) -> str:
    """The code of twelve ASCII digits: they and their check digit. ValueError for anything else."""
    if not re.fullmatch(r"[0-9]{12}", twelve):
        raise ValueError("a code is made of twelve digits")
    return f"{twelve}{_check(twelve)}"


def valid(code: str) -> bool:
    """Whether `code` is thirteen ASCII digits whose last one is right."""
    return re.fullmatch(r"[0-9]{13}", code) is not None and _check(code) == 0


def find(text: str) -> str | None:
    """The first valid code in `text`, in any numeral set, with spaces or dashes in it or not."""
    for found in _SHAPE.finditer(_plain(text)):
        code = "".join(filter(str.isdecimal, found.group()))
        if valid(code):
            return code
    return None


# An identity card's number: 5-7-1 digits (ours are written 4-4-4-1), or thirteen that begin with a province (1 to 8).
_CARD_WRITTEN = re.compile(r"(?<!\d)\d{5}[\s\-\u2010-\u2015]\d{7}[\s\-\u2010-\u2015]\d(?!\d)")
_CARD_BARE = re.compile(r"(?<![0-9A-Za-z])[1-8]\d{12}(?![0-9A-Za-z])")
_BLANK = "[…]"


def holds_card(text: str) -> bool:
    """Whether the number of an identity card stands in a text: as such are written, or bare and no number of ours."""
    if len(text) < LENGTH or len(_DIGIT.findall(text)) < LENGTH:
        return False
    plain = _plain(text)
    bare = any(not valid(found.group()) for found in _CARD_BARE.finditer(plain))
    return bare or _CARD_WRITTEN.search(plain) is not None


def is_card(text: str) -> bool:
    """Whether a text is thirteen digits that may be the number of an identity card; of our codes only old ones are."""
    return _CARD_BARE.fullmatch(_plain(text).strip()) is not None


def blank_cards(text: str) -> str:
    """The text without the numbers of identity cards in it; what may be a number of ours stays."""
    if not holds_card(text):
        return text
    written = _CARD_WRITTEN.sub(_BLANK, _plain(text))
    return _CARD_BARE.sub(lambda found: found.group() if valid(found.group()) else _BLANK, written)


def blank_numbers(text: str) -> str:
    """The text without anything that may be the number of an identity card: nothing of it opened a case."""
    return _CARD_BARE.sub(_BLANK, _CARD_WRITTEN.sub(_BLANK, _plain(text)))


# A telephone's number as it is written here: 0333 1234567, 081-2345678, +92 333 1234567, 3331234567.
_PHONE = re.compile(r"0\d{9,10}|(?:00)?92\d{9,10}|3\d{9}")


def is_phone(text: str) -> bool:
    """Whether a text is the number of a telephone and nothing else: somebody wants to be called on it."""
    number = typed(text.strip().removeprefix("+").replace("(", "").replace(")", ""))
    return _PHONE.fullmatch(number) is not None


def typed(text: str) -> str:
    """The digits of a text that holds nothing but a number (spaces and dashes allowed), else ""."""
    plain = _plain(text).strip()
    return "".join(filter(str.isdecimal, plain)) if _ALONE.fullmatch(plain) else ""
