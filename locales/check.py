"""What is wrong with the catalogs: gaps, lost placeholders, signs that cost or break on a phone, a lost header."""

from __future__ import annotations

import string
import unicodedata
from collections import Counter
from dataclasses import dataclass

from babel.dates import format_date

from locales.catalogs import DOMAINS, WRITTEN_IN, header, path, read_entries, read_header
from locales.languages import LANGS
from locales.reviews import fingerprint, read_reviews

# Sent to phones, so every sign counts: it may cost a unit of an SMS part or show as a box.
ON_PHONES = frozenset({"messages", "public"})

# ءِ ءَ ءُ are words of their own in the spelling of Quetta's Balochi and Brahui; any other vowel mark is a unit paid
# for nothing.
MARKED_HAMZA = frozenset({"bal", "brh"})

CURLY = frozenset("“”‘’„«»…–—")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing to put right; `key` is "" where it is about the whole catalog."""

    lang: str
    domain: str
    key: str
    problem: str


def placeholders(text: str) -> frozenset[str]:
    """The names of the `{placeholders}` in a text. ValueError for anything but a plain name in braces."""
    names = set()
    for _, name, spec, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(f"{{{name}}} is not a plain placeholder")
        names.add(name)
    return frozenset(names)


def _sign_faults(text: str, lang: str) -> list[str]:
    faults = set()
    before = ""
    for char in text:
        category = unicodedata.category(char)
        if category == "Mn" and not (lang in MARKED_HAMZA and before == "ء" and char in "\u064e\u064f\u0650"):
            faults.add(f"vowel mark U+{ord(char):04X}")
        elif category == "Cf":
            faults.add(f"invisible sign U+{ord(char):04X}")
        elif char in CURLY:
            faults.add(f"{char} is not on every phone")
        elif category == "So" or ord(char) > 0xFFFF:
            faults.add(f"picture sign U+{ord(char):04X}")
        elif category == "Nd" and not char.isascii():
            faults.add("digits other than 0-9")
        before = char
    return sorted(faults)


def find_faults(text: str, english: str, lang: str, domain: str) -> list[str]:
    """What is wrong with one text beside its English, in words; [] if nothing is."""
    if not text:
        return ["empty"]
    faults = [] if text == text.strip() else ["white space at an end"]
    try:
        wanted, found = placeholders(english), placeholders(text)
    except ValueError as refused:
        faults.append(str(refused))
    else:
        faults += [f"lost placeholder {{{name}}}" for name in sorted(wanted - found)]
        faults += [f"unknown placeholder {{{name}}}" for name in sorted(found - wanted)]
    return faults + (_sign_faults(text, lang) if domain in ON_PHONES else [])


def _check_catalog(lang: str, domain: str) -> list[Finding]:
    english, own = read_entries("en", domain), read_entries(lang, domain)
    if not english and not own:
        return []
    findings = [Finding(lang, domain, key, "missing") for key in english if key not in own]
    findings += [Finding(lang, domain, key, "not in English any more") for key in own if key not in english]
    if own and read_header(lang, domain) != header(lang, domain):
        findings.append(Finding(lang, domain, "", "the header is not the one of this language"))
    if list(own) != sorted(own):
        findings.append(Finding(lang, domain, "", "not sorted by key"))
    if own and "\n#~" in path(lang, domain).read_text("utf-8"):
        findings.append(Finding(lang, domain, "", "obsolete entries"))
    findings += [
        Finding(lang, domain, key, fault)
        for key, entry in own.items()
        if key in english
        for fault in find_faults(entry.text, english[key].text, lang, domain)
    ]
    return findings


def _check_keys() -> list[Finding]:
    seen = Counter(key for domain in DOMAINS for key in read_entries("en", domain))
    return [Finding("en", "", key, "in more than one domain") for key, times in seen.items() if times > 1]


def _check_reviews() -> list[Finding]:
    findings = []
    for review in read_reviews():
        domain = next((domain for domain in DOMAINS if review.key in read_entries(review.lang, domain)), "")
        if review.lang not in LANGS or not domain:
            findings.append(Finding(review.lang, domain, review.key, "signed, but there is no such text"))
        elif not review.reviewer.strip() or not review.date.strip():
            findings.append(Finding(review.lang, domain, review.key, "signed by nobody or on no day"))
    return findings


def stale_reviews() -> list[tuple[str, str]]:
    """(lang, key) of every signature whose text has changed since: a draft again, to be read once more."""
    return [
        (review.lang, review.key)
        for review in read_reviews()
        for domain in DOMAINS
        if (entry := read_entries(review.lang, domain).get(review.key)) and fingerprint(entry.text) != review.sha256
    ]


def _check_babel() -> list[Finding]:
    # npm's newer CLDR prints Balochi months as M11; an upgrade of Babel that loses them too must be noticed.
    from datetime import date  # noqa: PLC0415 - only for this look at Babel; the room itself reads no clock

    shown = format_date(date(2026, 11, 21), "MMMM", locale="bal")
    return [] if shown == "نئومبر" else [Finding("bal", "", "", f"Babel says {shown} for November, not نئومبر")]


def check() -> list[Finding]:
    """Everything wrong with the catalogs of every language and domain, sorted; [] when all is well."""
    findings = _check_keys() + _check_reviews() + _check_babel()
    for domain in DOMAINS:
        for lang in WRITTEN_IN[domain]:
            if lang != "en":
                findings += _check_catalog(lang, domain)
    return sorted(findings)
