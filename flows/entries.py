"""`citizen/heard/*.tsv` → the lexicon. What is written wrong is refused here, with file and line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from flows.lexicon import Entry, Lexicon, Pattern, Unusable, compile_patterns, parse
from flows.reading import Refused
from locales.languages import ALL_LANGS

COLUMNS = ["meaning", "words", "lang", "source"]
# As written in the language's own script and in Latin letters; what several share is anybody's.
WRITTEN = {"any", *ALL_LANGS, *(f"{lang}-Latn" for lang in ALL_LANGS if lang != "en")}
# Of each of these a word has one: what is said is one number, one issue, one language.
ONE_OF = ("number.", "category.", "language.")
# In these files a word of five letters may differ by one; the rest decides too much, or is too common, for that.
LOOSE = {"issues.tsv": 5, "numbers.tsv": 5, "options.tsv": 5, "talk.tsv": 5, "wishes.tsv": 5, "danger.tsv": 6}


def read_entries(folder: Path) -> Iterator[Entry]:
    """Every row of every file. Refused for a wrong heading, a row with too few or empty cells, or another language."""
    for path in sorted(folder.glob("*.tsv")):
        lines = path.read_text("utf-8").splitlines()
        if not lines or lines[0].split("\t") != COLUMNS:
            raise Refused(f"{path.name}, line 1: the columns are {', '.join(COLUMNS)}")
        for number, line in enumerate(lines[1:], 2):
            cells = line.split("\t")
            if len(cells) != len(COLUMNS) or not all(cells):
                raise Refused(f"{path.name}, line {number}: a row has {len(COLUMNS)} cells, none of them empty")
            meaning, words, lang, source = cells
            if lang not in WRITTEN:
                raise Refused(f"{path.name}, line {number}: {lang!r} is not one of {', '.join(sorted(WRITTEN))}")
            yield Entry(meaning, words, lang, source, path.name, number)


def compile_entries(entries: Iterable[Entry], fold: Callable[[str], str]) -> Lexicon:
    """The lexicon of these entries. Refused for one that is written wrong, stands twice or contradicts another."""
    fold = cache(fold)
    patterns: dict[Pattern, Entry] = {}
    owners: dict[tuple[str, Pattern], str] = {}
    for entry in entries:
        at = f"{entry.file}, line {entry.line}: {entry.words}"
        try:
            pattern = parse(entry, fold)
        except Unusable as wrong:
            raise Refused(f"{at}: {wrong}") from None
        if pattern in patterns:
            raise Refused(f"{at}: means {entry.meaning} already, in {patterns[pattern].file}")
        patterns[pattern] = entry
        for kind in ONE_OF:
            if entry.meaning.startswith(kind):
                same = Pattern("", pattern.parts, pattern.near)
                if owners.setdefault((kind, same), entry.meaning) != entry.meaning:
                    raise Refused(f"{at}: means {owners[kind, same]} already")
    try:
        return compile_patterns(
            patterns, lambda pattern, word: len(word) >= LOOSE.get(patterns[pattern].file, len(word) + 1)
        )
    except Unusable as wrong:
        raise Refused(f"{next(iter(patterns.values())).file}: {wrong}") from None
