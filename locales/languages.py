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

LANGS: tuple[str, ...] = ("ur", "ps", "bal", "brh")  # what citizens choose from
ALL_LANGS: tuple[str, ...] = (*LANGS, "en")  # and what staff and public pages may also be read in

# Where a text is missing a reader gets Urdu, which all four read; English only where even that is missing.
FALLBACK: dict[str, tuple[str, ...]] = {
    "ur": ("ur", "en"),
    "ps": ("ps", "ur", "en"),
    "bal": ("bal", "ur", "en"),
    "brh": ("brh", "ur", "en"),
    "en": ("en", "ur"),
}


def chain(lang: str) -> tuple[str, ...]:
    """Languages to look for a text in, first to last; an unknown or not yet chosen language reads Urdu."""
    return FALLBACK.get(lang, FALLBACK["ur"])


def own_name(lang: str) -> str:
    """A language's name in that language. KeyError for a language that is not ours."""
    return TABLE[lang].own_name


def direction(lang: str) -> str:
    """`rtl` or `ltr`, for the `dir` of pages; an unknown language is Urdu."""
    return TABLE.get(lang, TABLE["ur"]).direction
