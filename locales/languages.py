"""The languages: their own names, direction, font and the way a missing text falls back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """One language as a reader sees it; the stylesheets name every language beside the others of its `font`."""

    own_name: str
    direction: str  # "rtl" | "ltr"
    font: str  # "nastaliq" | "naskh" | "latin"


# In the order of the digits a citizen chooses by: 1 اردو 2 پښتو 3 بلوچی 4 براہوئی.
# Pashto readers expect Naskh; the others read Nastaliq.
TABLE: dict[str, Language] = {
    "ur": Language("اردو", "rtl", "nastaliq"),
    "ps": Language("پښتو", "rtl", "naskh"),
    "bal": Language("بلوچی", "rtl", "nastaliq"),
    "brh": Language("براہوئی", "rtl", "nastaliq"),
    "en": Language("English", "ltr", "latin"),
}

ALL_LANGS: tuple[str, ...] = tuple(TABLE)  # what staff and public pages may be read in
LANGS: tuple[str, ...] = tuple(lang for lang in TABLE if lang != "en")  # what citizens choose from

# Where a text is missing a reader gets Urdu, which all of them read; English only where even that is missing.
_CHAINS = {lang: tuple(dict.fromkeys((lang, "ur", "en"))) for lang in TABLE}


def chain(lang: str) -> tuple[str, ...]:
    """Languages to look for a text in, first to last; an unknown or not yet chosen language reads Urdu."""
    return _CHAINS.get(lang, _CHAINS["ur"])


def own_name(lang: str) -> str:
    """A language's name in that language. KeyError for a language that is not ours."""
    return TABLE[lang].own_name


def direction(lang: str) -> str:
    """`rtl` or `ltr`, for the `dir` of pages; an unknown language is Urdu."""
    return TABLE.get(lang, TABLE["ur"]).direction
