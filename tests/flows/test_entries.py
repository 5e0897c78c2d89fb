"""The word data as it is written: what is wrong is refused with file and line, and what is right means what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

import locales
from flows.entries import compile_entries, read_entries
from flows.lexicon import Entry, Lexicon
from flows.load import FOLDER
from flows.reading import Refused

HEADING = "meaning\twords\tlang\tsource"


def lexicon(*rows: str) -> Lexicon:
    """Of rows "meaning: words", as if they stood in a file of long words."""
    cells = [row.split(": ") for row in rows]
    entries = [Entry(cell[0], cell[1], "any", "everyday", "talk.tsv", line) for line, cell in enumerate(cells, 2)]
    return compile_entries(entries, locales.fold)


def means(rows: Lexicon, text: str) -> set[str]:
    return {meaning for meaning in rows.read(locales.fold(text)).spans if not meaning.startswith("=")}


ROWS = {
    "another heading": ("meaning\twords", "line 1: the columns are"),
    "no heading": ("yes\tہاں\tur\teveryday", "line 1: the columns are"),
    "a cell too few": (f"{HEADING}\nyes\tہاں\tur", "line 2: a row has 4 cells"),
    "an empty source": (f"{HEADING}\nyes\tہاں\tur\t", "line 2: a row has 4 cells"),
    "an empty row": (f"{HEADING}\n\n", "line 2: a row has 4 cells"),
    "another language": (f"{HEADING}\nyes\toui\tfr\teveryday", "line 2: 'fr' is not one of"),
}


@pytest.mark.parametrize("what", ROWS)
def test_a_file_written_wrong_is_refused_with_file_and_line(tmp_path: Path, what: str) -> None:
    text, line = ROWS[what]
    (tmp_path / "heard.tsv").write_text(text, "utf-8")
    with pytest.raises(Refused, match=f"^heard.tsv, {line}"):
        list(read_entries(tmp_path))


ENTRIES = {
    "four words": (["no: please do not send"], "line 2: please do not send: an entry has one, two or three words"),
    "no word": (["no: +"], r"line 2: \+: an entry has one, two or three words"),
    "a plus too many": (["no: dont + + send"], "words stand in a row"),
    "a plus at the end": (["no: dont +"], "an entry has one, two or three words"),
    "a row and a plus": (["no: dont send + it"], "words stand in a row"),
    "a sign": (["no: ءِ"], "line 2: ءِ: ءِ is not one word"),
    "two words in one": (["no: a,b"], "a,b is not one word"),
    "a short stem": (["no: na*"], r"line 2: na\*: na\* is too short to stand alone"),
    "a letter as a stem": (["no: n* send"], r"n\* is too short for a stem"),
    "twice": (["no: nahi", "no: nahī"], "line 3: nahī: means no already, in talk.tsv"),
    "two numbers": (["number.2: do", "number.9: do"], "line 3: do: means number.2 already"),
    "a name that nobody bears": (["no: @nay"], "nothing means @nay"),
    "a ring": (["one: @other", "other: @one"], "in a ring: one, other"),
}


@pytest.mark.parametrize("what", ENTRIES)
def test_an_entry_written_wrong_is_refused_with_file_and_line(what: str) -> None:
    rows, why = ENTRIES[what]
    with pytest.raises(Refused, match=f"^talk.tsv.*{why}"):
        lexicon(*rows)


def test_the_word_data_names_a_source_in_every_row() -> None:
    entries = list(read_entries(FOLDER / "heard"))
    assert entries
    assert all(entry.source.strip() == entry.source for entry in entries)


def test_words_stems_rows_and_neighbours() -> None:
    rows = lexicon("money: پیس*", "ask: مانگ*", "danger: @money + @ask", "done: ho gaya", "yes: g")
    assert means(rows, "پیسے نہیں مانگے") == {"money", "ask", "danger"}
    assert means(rows, "مانگتا ہے پیسے") == {"money", "ask", "danger"}
    assert means(rows, "پیسے a b c d e f g h مانگے") == {"money", "ask", "yes"}
    assert means(rows, "ho gaya") == {"done"}
    assert means(rows, "gaya ho") == set()
    assert means(rows, "ہوگا") == set()


def test_a_word_is_not_its_own_neighbour() -> None:
    rows = lexicon("kin: مار", "beat: مار دی", "danger: @kin + @beat")
    assert "danger" not in means(rows, "بکری مار دی")
    assert "danger" in means(rows, "مار مار دی")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kya", "kia"),
        ("jee", "ji"),
        ("nahiin", "nahin"),
        ("bohatt", "bohat"),
        ("hain", "hein"),
        ("shukriya", "shukria"),
        ("rishvat", "rishwat"),
        ("qabza", "kabzah"),
        ("ھاں", "ہاں"),
        ("dont", "don't"),
    ],
)
def test_spellings_that_sound_alike_are_one(one: str, other: str) -> None:
    assert means(lexicon(f"said: {one}"), other) == {"said"}


def test_a_long_word_may_differ_by_a_letter_where_nothing_is_nearer() -> None:
    rows = lexicon("thanks: shukria", "station: پولیس", "drops: پولیو", "danger: rishwat*", "short: band")
    assert means(rows, "shukra") == {"thanks"}
    assert means(rows, "shukira") == {"thanks"}
    assert means(rows, "shkra") == set()
    assert means(rows, "پولیو") == {"drops"}
    assert means(rows, "rashwat") == {"danger"}
    assert means(rows, "bend") == set()


def test_words_that_decide_much_are_taken_as_they_are_written() -> None:
    strict = compile_entries([Entry("yes", "bilkul", "any", "everyday", "answers.tsv", 2)], locales.fold)
    assert means(strict, "bilkul") == {"yes"}
    assert means(strict, "bilkil") == set()
