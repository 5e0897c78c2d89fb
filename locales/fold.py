"""The matching key: one form for what different keyboards, habits and spellings make of the same word.

Only for matching. The text that is stored and shown stays as it was typed.
"""

from __future__ import annotations

import re
import unicodedata

from locales.digits import digits

# What a citizen's keyboard offers is not their language: Urdu, Arabic and Pashto phones write the same letter with
# different signs (measured: ہ 707 to 0 in Urdu text, ه 1062 to 0 in Pashto text), and Pashto is often typed on an
# Urdu keyboard that lacks its letters. Letters with hamza or madda above need no row: decomposing bares them.
SAME_LETTER: dict[str, str] = {
    "ی": "يىېۍےێݔ",
    "ک": "كڪ",
    "گ": "ګ",
    "ہ": "هەةۃ",
    "و": "ۆۏ",
    "ا": "ٱ",
    "ل": "ڷݪ",  # Brahui's own l: four ways are seen, plain ل mostly
    "ٹ": "ټ",
    "ڈ": "ډ",
    "ڑ": "ړ",
    "ن": "ڼں",
    "ژ": "ږ",
    "ش": "ښ",
    "ز": "ځ",
    "س": "څ",
    "t": "ŧ",  # Latin Balochi and Brahui: what decomposing leaves of their letters
    "d": "đ",
}
_LETTERS = {variant: letter for letter, variants in SAME_LETTER.items() for variant in variants}

# Signs that are heard or drawn but not matched: Koranic marks (not all of them combining), tatweel,
# and the hamza that stands free (Balochi ءِ ءَ, often left out).
_DROPPED = frozenset(map(chr, [*range(0x06D6, 0x06EE), 0x0640, 0x0621]))

_FINAL_HEH = re.compile(r"ھ(?!\w)")
_KEPT_AS_SPACE = ("P", "Z", "Cc")
_GONE = ("M", "Cf", "Cs", "Co", "Cn")


def _key(char: str) -> str:
    """What one sign of a decomposed text is in its key."""
    if char in _DROPPED:
        return ""
    char = digits(_LETTERS.get(char, char))
    category = unicodedata.category(char)
    if category.startswith(_GONE):
        return ""
    return " " if category.startswith(_KEPT_AS_SPACE) else char


class _Keys(dict[int, str]):
    """For `str.translate`: each sign is looked up once, as long as there are not more than anybody writes with."""

    MOST = 4096

    def __missing__(self, code: int) -> str:
        key = _key(chr(code))
        if len(self) < self.MOST:
            self[code] = key
        return key


_KEYS = _Keys()


def fold(text: str) -> str:
    """The matching key of `text`: equal for spellings that a reader takes for the same. Idempotent; may be empty.

    Marks, invisible characters and punctuation go, letter variants become one, digits become 0-9, Latin is lower
    case without accents, white space is single.
    """
    bared = unicodedata.normalize("NFKD", text)
    cased = bared.casefold()
    if cased != bared:
        # Case folding may compose or bring marks of its own (İ), so it is decomposed once more.
        cased = unicodedata.normalize("NFKD", cased)
    key = " ".join(cased.translate(_KEYS).split())
    return _FINAL_HEH.sub("ہ", key) if "ھ" in key else key
