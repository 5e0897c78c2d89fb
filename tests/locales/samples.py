"""Real sentences of the four languages, and what other keyboards would have made of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

DATA = Path(__file__).parent / "data"

SENTENCES: list[str] = [line.split("\t", 1)[1] for line in (DATA / "sentences.tsv").read_text("utf-8").splitlines()] + (
    DATA / "pashto.txt"
).read_text("utf-8").splitlines()

# What a writer of the same word would press on another phone.
ARABIC_KEYBOARD = str.maketrans("یکہ", "يكه")
URDU_KEYBOARD = str.maketrans("يىكهټډړڼګږښځڅېۍ", "ییکہٹڈڑنگژشزسیی")
NO_NUN_GHUNNA = str.maketrans("ں", "ن")


def with_vowels(text: str) -> str:
    """A careful writer's vowel marks on every letter."""
    return "".join(char + "\u064e" if char.isalpha() else char for char in text)


def without_marks(text: str) -> str:
    """The same without any mark that can be left out."""
    return "".join(char for char in text if unicodedata.category(char) != "Mn")


def with_invisible(text: str) -> str:
    """Between words, what copying from a web page leaves."""
    return "\u200f\u2067" + text.replace(" ", " \u200b") + "\u2069\ufeff"


KEYBOARDS: dict[str, Callable[[str], str]] = {
    "arabic keyboard": lambda text: text.translate(ARABIC_KEYBOARD),
    "urdu keyboard": lambda text: text.translate(URDU_KEYBOARD),
    "no nun ghunna": lambda text: text.translate(NO_NUN_GHUNNA),
    "vowel marks": with_vowels,
    "no marks": without_marks,
    "invisible signs": with_invisible,
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "tatweel": lambda text: text.replace("ا", "اـ"),
    "wide spaces": lambda text: "  " + text.replace(" ", "\u00a0\u2003") + "\r\n",
}
