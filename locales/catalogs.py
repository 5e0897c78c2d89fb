"""The gettext catalogs: `locales/<lang>/LC_MESSAGES/<domain>.po`, msgid = key, msgstr = text. Read at first use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.messages.pofile import normalize, read_po

from locales.languages import ALL_LANGS, chain, own_name
from locales.renamed import RENAMED

FOLDER = Path(__file__).parent
DOMAINS: tuple[str, ...] = ("messages", "public", "desk")

# Which languages each domain is written in: the desk is read by staff, in English and Urdu.
WRITTEN_IN: dict[str, tuple[str, ...]] = {
    "messages": ALL_LANGS,
    "public": ALL_LANGS,
    "desk": ("ur", "en"),
}


HEADER = """\
# {domain} in {lang} ({name}).
# Every text here is an unreviewed draft, unless locales/reviews.tsv lists it with the speaker who signed it.
msgid ""
msgstr ""
"Language: {lang}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n\""""


class UnknownText(KeyError):
    """No catalog has this key. Raised only under `strict()`: a citizen always gets an answer."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One text of a catalog; `notes` are its `#.` comments, which tell a reviewer what is in doubt."""

    text: str
    notes: tuple[str, ...] = ()


_missing: Counter[tuple[str, str]] = Counter()
_strict = False


def path(lang: str, domain: str) -> Path:
    """Where the catalog of a language and domain lies, whether or not it exists yet."""
    return FOLDER / lang / "LC_MESSAGES" / f"{domain}.po"


@cache
def read_entries(lang: str, domain: str) -> Mapping[str, Entry]:
    """All entries of one catalog by key, in file order; {} where there is no such file. Babel need not know `lang`."""
    place = path(lang, domain)
    if not place.is_file():
        return {}
    with place.open("rb") as file:
        catalog = read_po(file, ignore_obsolete=True, abort_invalid=True)
    return {
        str(message.id): Entry(str(message.string), tuple(message.auto_comments)) for message in catalog if message.id
    }


def read_header(lang: str, domain: str) -> str:
    """The header of one catalog as it lies there; "" without a file."""
    place = path(lang, domain)
    return place.read_text("utf-8").split("\n\n", 1)[0] if place.is_file() else ""


def header(lang: str, domain: str) -> str:
    """The header of a translated catalog, by hand: Babel drops the plural line of languages it does not know."""
    return HEADER.format(lang=lang, domain=domain, name=own_name(lang))


def write_entries(lang: str, domain: str, entries: Mapping[str, Entry]) -> None:
    """Write one translated catalog whole, sorted by key. Forgets what was read before."""
    blocks = [header(lang, domain)]
    for key in sorted(entries):
        entry = entries[key]
        lines = [f"#. {note}" for note in entry.notes]
        lines += [f"msgid {normalize(key, width=0)}", f"msgstr {normalize(entry.text, width=0)}"]
        blocks.append("\n".join(lines))
    place = path(lang, domain)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("\n\n".join(blocks) + "\n", "utf-8")
    read_entries.cache_clear()
    texts.cache_clear()


@cache
def texts(lang: str) -> dict[str, str]:
    """Every written text of one language, all domains together; an empty msgstr counts as not written."""
    return {key: entry.text for domain in DOMAINS for key, entry in read_entries(lang, domain).items() if entry.text}


def find(key: str, lang: str) -> str:
    """The text of `key` for a reader of `lang`: their language, else Urdu, else English, else the key itself.

    What is not found in their own language is counted, see `missing`.
    """
    for known in chain(lang):
        text = texts(known).get(key)
        if text is not None:
            if known != lang:
                _missing[lang, key] += 1
            return text
    if key in RENAMED:
        return find(RENAMED[key], lang)
    _missing[lang, key] += 1
    if _strict:
        raise UnknownText(f"no text {key!r} in {', '.join(chain(lang))}")
    return key


def missing() -> dict[tuple[str, str], int]:
    """How often (language, key) was asked for and not found in that language since the start."""
    return dict(_missing)


@contextmanager
def strict() -> Iterator[None]:
    """Inside, a key that no catalog has raises `UnknownText`. For checks and tests."""
    global _strict  # noqa: PLW0603 - one switch for a whole test run is the point
    before, _strict = _strict, True
    try:
        yield
    finally:
        _strict = before
