"""The matching key on real sentences, as different keyboards write them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.lifecycle import STATUSES
from flows.categories import CATEGORIES
from locales import LANGS, digits, fold, say
from locales.catalogs import texts
from tests.locales.samples import KEYBOARDS, SENTENCES


@pytest.mark.parametrize("keyboard", KEYBOARDS)
def test_a_sentence_has_one_key_on_every_keyboard(keyboard: str) -> None:
    for sentence in SENTENCES:
        assert fold(KEYBOARDS[keyboard](sentence)) == fold(sentence), sentence


@given(st.sampled_from(SENTENCES), st.lists(st.sampled_from(sorted(KEYBOARDS)), max_size=4))
def test_a_sentence_has_one_key_whatever_keyboards_it_went_through(sentence: str, names: list[str]) -> None:
    typed = sentence
    for name in names:
        typed = KEYBOARDS[name](typed)
    assert fold(typed) == fold(sentence)


def test_real_sentences_keep_keys_of_their_own() -> None:
    keys = [fold(sentence) for sentence in SENTENCES]
    assert all(keys)
    assert len(set(keys)) == len(set(SENTENCES))


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.characters(codec=None, categories=None)))
def test_any_characters_fold_to_clean_text(text: str) -> None:
    key = fold(text)
    assert key == " ".join(key.split())
    key.encode()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("جی ہاں۔", "جي هان"),
        ("پښتو", "پشتو"),
        ("بلوڅي", "بلوسی"),
        ("براهوئي", "براہوئی"),
        ("دپتر ءِ کار", "دپتر کار"),
        ("ڷ ݪ ل", "ل ل ل"),
        ("MENU!", "menu"),
        ("áp", "ap"),
        ("١٠", "10"),
        ("۱۰", "10"),
        ("１０", "10"),
        ("1️⃣", "1"),
        ("2.", "۲"),
        ("نه", "نہ"),
        ("ھ", "ہ"),
        ("ﮨﺎﮞ", "ہاں"),
    ],
)
def test_these_are_the_same_answer(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("1", "10"), ("بھاری", "بہاری"), ("ہاں", "نہ"), ("stop", "stops")])
def test_these_are_not_the_same_answer(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_punctuation_alone_is_no_answer() -> None:
    assert fold("؟!… ـ") == ""


def test_digits_of_every_script_become_ascii_and_nothing_else_changes() -> None:
    assert digits("٤٨٢١ ۷۷۳۰ ９１५４ ½ ② ب") == "4821 7730 9154 ½ ② ب"


# A citizen answers a menu by its words: two rows of one menu must never be one key, whatever language they read.
@pytest.mark.parametrize("family", ["category.", "language.", "status."])
@pytest.mark.parametrize("lang", LANGS)
def test_no_two_words_of_one_menu_meet_in_one_key(family: str, lang: str) -> None:
    words = {key: fold(text) for key, text in texts(lang).items() if key.startswith(family) and key.count(".") == 1}
    meeting = [pair for pair in itertools.combinations(words, 2) if words[pair[0]] == words[pair[1]]]
    assert not meeting


@pytest.mark.parametrize(("family", "size"), [("category.", len(CATEGORIES)), ("status.", len(STATUSES))])
def test_a_word_means_one_row_in_all_languages(family: str, size: int) -> None:
    keys = sorted(key for key in texts("en") if key.startswith(family) and key.count(".") == 1)
    assert len(keys) == size
    for one, other in itertools.permutations(keys, 2):
        for lang, reader in itertools.product(LANGS, repeat=2):
            assert fold(say(one, lang)) != fold(say(other, reader)), (one, lang, other, reader)
