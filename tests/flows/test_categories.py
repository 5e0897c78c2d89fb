"""The ten issues: where they are named, how much room they take, and that nothing said under an older name is lost."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import locales
from flows import taps
from flows.book import Book
from flows.categories import CATEGORIES, OFFERED, UNSORTED, current
from flows.model import Details, Memory, Report, Session
from flows.sessions import dump, restore
from locales.channels import CHANNELS, sms_parts
from locales.renamed import RENAMED
from tests.answers import answer
from tests.flows.citizens import Phones, asked

ROOT = Path(__file__).parents[2]
LEFT_OUT = {"var", "vendor", "node_modules"}
KINDS = {".py", ".sql", ".html", ".yaml", ".yml", ".md", ".js", ".toml"}
WAS = {old.removeprefix("category."): new.removeprefix("category.") for old, new in RENAMED.items()}


def test_ten_are_offered_and_the_unsorted_one_is_none_of_them(book: Book) -> None:
    assert len(OFFERED) == len(set(OFFERED)) == CHANNELS["whatsapp"].list_rows
    assert UNSORTED not in OFFERED
    assert (*book.tables["categories"], book.unsorted) == CATEGORIES


@pytest.mark.parametrize("lang", locales.LANGS)
def test_the_question_and_its_ten_rows_are_two_parts_of_an_sms(phone: Phones, lang: str) -> None:
    talk = asked(phone(lang), "category")
    says = [[key, {}] for key in talk.book.nodes["complaint.category"].says]
    assert talk.reply is not None
    text = locales.render({**talk.reply.as_message(), "says": says}, lang, "sms")
    assert len(text.splitlines()) == 11
    assert len(sms_parts(text)) == 2


def test_nobody_lists_the_ten_by_hand() -> None:
    """They are read from the tables; a second list would one day have another order."""
    listed = set()
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "." and path.name not in LEFT_OUT]
    for path in (*ROOT.glob("*.*"), *(path for folder in folders for path in folder.rglob("*.*"))):
        if path.suffix in KINDS and not LEFT_OUT & {*path.relative_to(ROOT).parts}:
            words = re.findall(r"\w+", path.read_text("utf-8"))
            if any(len({*words[at : at + len(OFFERED)]} & {*OFFERED}) > 6 for at in range(len(words))):
                listed.add(str(path.relative_to(ROOT)))
    assert listed == {"flows/citizen/tables.yaml"}


# ── what was said under an older name ──────────────────────────────────────────────────────────────────────────────


def test_an_older_name_is_read_as_one_of_today() -> None:
    assert set(WAS.values()) < set(OFFERED)
    assert not set(WAS) & set(CATEGORIES)
    assert len(set(WAS.values())) == len(WAS), "no two become one"
    assert [current(name) for name in ("", *CATEGORIES)] == ["", *CATEGORIES]


@pytest.mark.parametrize("lang", locales.ALL_LANGS)
def test_a_message_that_waits_under_an_older_name_is_said_in_the_words_of_today(lang: str) -> None:
    with locales.strict():
        for old, new in RENAMED.items():
            assert locales.say("edition.said.count", lang, category={"key": old}, count=7) == locales.say(
                "edition.said.count", lang, category={"key": new}, count=7
            )


@pytest.mark.parametrize("was", WAS)
def test_a_session_of_before_keeps_what_its_report_is_about(was: str) -> None:
    session = Session("complaint", "kind", "ur", Memory(Report(details=Details(category=was, place="demo-pishin"))))
    kept = restore(dump(session)).memory.report.details
    assert kept == Details(category=WAS[was], place="demo-pishin")
    first = f'{{"flow": "complaint", "node": "kind", "answers": {{"category": "{was}"}}}}'
    assert restore(first.encode()).memory.report.details == Details(category=WAS[was])


@pytest.mark.parametrize("was", WAS)
def test_a_row_of_a_message_of_before_can_still_be_tapped(phone: Phones, was: str) -> None:
    talk = asked(phone("ur"), "category")
    for carried in (taps.write("complaint.category", "0123abcd", was), was):
        read = taps.read(carried)
        talk.say("", choice=read.option, tapped=read.node)
        assert talk.session.node == "kind"
        assert talk.session.memory.report.details.category == WAS[was]
        talk.say("BACK")


def test_a_row_that_is_no_more_is_asked_again(phone: Phones) -> None:
    talk = asked(phone("ur"), "category")
    talk.say("", choice=UNSORTED, tapped="complaint.category")
    assert talk.session.node == "category"
    assert talk.session.memory.report.details == Details()


def test_a_digit_from_an_older_list_is_asked_again_and_the_next_one_counts(phone: Phones) -> None:
    talk = asked(phone("ur"), "category")
    question = talk.reply
    talk.session = replace(talk.session, flows="0123456789abcdef")
    talk.say("6")
    assert (talk.session.node, talk.session.misses) == ("category", 0)
    assert talk.session.memory.report.details == Details()
    assert talk.reply is not None
    assert question is not None
    assert talk.reply.options == question.options
    talk.say(answer("category", "jobs"))
    assert talk.session.memory.report.details.category == "jobs"


def test_a_word_for_an_older_list_means_what_it_says(phone: Phones) -> None:
    talk = asked(phone("ur"), "category")
    talk.session = replace(talk.session, flows="0123456789abcdef")
    talk.say("پولیس")
    assert talk.session.memory.report.details.category == "security"
