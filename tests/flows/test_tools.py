"""Play, draw, extract, the commands, and sessions as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import locales
from flows.book import Book
from flows.commands import app
from flows.draw import draw
from flows.extract import extract_keys, extract_spoken
from flows.load import FOLDER
from flows.model import Details, Item, Lies, Media, Memory, Rating, Report, Session, Stage, Thread
from flows.play import Phone, play, rows
from flows.sessions import dump, restore
from flows.turn import VALUES
from locales.catalogs import read_entries
from tests.answers import typed

WORDS = st.text(st.characters(exclude_categories=["Cs"]))  # no channel hands on what UTF-8 cannot say
ITEMS = st.builds(Item, WORDS, st.lists(st.builds(Media, WORDS, WORDS)).map(tuple))
REPORTS = st.builds(
    Report,
    code=WORDS,
    stage=st.sampled_from(Stage),
    lies=st.sampled_from(Lies),
    told=st.booleans(),
    details=st.builds(
        Details, category=WORDS, location=st.just((30.6, 66.9)), may_message=st.sampled_from([None, False])
    ),
    story=st.lists(ITEMS).map(tuple),
    held=st.lists(ITEMS).map(tuple),
)
MEMORIES = st.builds(
    Memory,
    report=REPORTS,
    rating=st.none()
    | st.builds(Rating, WORDS, WORDS, st.dictionaries(WORDS, WORDS), st.dictionaries(WORDS, st.integers(1, 5))),
    thread=st.none() | st.builds(Thread, WORDS, WORDS, st.booleans()),
    missed=st.lists(WORDS).map(tuple),
)
SESSIONS = st.builds(
    Session,
    flow=WORDS,
    node=WORDS,
    lang=st.sampled_from(["", *locales.LANGS]),
    memory=MEMORIES,
    trail=st.lists(WORDS).map(tuple),
    misses=st.integers(0, 9),
    quiet_after=st.integers(0, 90_000),
)


@given(SESSIONS)
def test_a_session_survives_its_way_through_json(session: Session) -> None:
    assert restore(dump(session)) == session


def test_a_session_of_another_version_is_read_as_far_as_it_is_known() -> None:
    assert restore(b'{"lang": "ur", "colour": "green"}') == Session(lang="ur")


FIRST = {  # what the first version wrote of a report → where that report stands now
    '{"sealed": true, "code": "4821773091542", "routed": true}': Report("4821773091542", Stage.ROUTED, Lies.SEALED),
    '{"sealed": true, "opened": true}': Report("", lies=Lies.SEALED),
    '{"code": "4821773091542", "kept": true, "told": true, "category": "water"}': Report(
        "4821773091542", lies=Lies.SORTING, told=True, details=Details(category="water")
    ),
    '{"code": "4821773091542", "opened": true, "drafted": true, "routed": true}': Report(
        "4821773091542", Stage.ROUTED, Lies.DRAFT
    ),
    '{"story": [{"text": "آپ \\"answers\\":"}], "routed": true}': Report(
        stage=Stage.ROUTED, story=(Item('آپ "answers":'),)
    ),
    '{"code": "4821773091542", "done": true, "held": [{"media": [{"url": "u", "content_type": "a/b"}]}]}': Report(
        "4821773091542", Stage.DONE, held=(Item(media=(Media("u", "a/b"),)),)
    ),
}


@pytest.mark.parametrize("answers", FIRST)
def test_a_report_that_the_first_version_wrote_goes_on_where_it_was(answers: str) -> None:
    stored = f'{{"flow": "complaint", "node": "place", "lang": "ur", "answers": {answers}, "trail": ["welcome.menu"]}}'
    session = restore(stored.encode())
    assert session.memory == Memory(FIRST[answers])
    assert (session.node, session.trail) == ("place", ("welcome.menu",))


def test_play_answers_shows_the_effects_and_prints_the_transcript(book: Book) -> None:
    lines = iter([*typed("place", first="hello"), "/place 30.6 66.9", "/voice", "/photo", "/quiet", "MENU"])
    written: list[str] = []

    def read(_: str) -> str:
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    transcript = play(book, read=read, write=written.append)
    assert any("OpenCase(" in line for line in written)
    assert transcript.startswith("> hello\n< جواب، ضلع پشین\n< 1 اردو\n")
    assert "> [audio/ogg]" in transcript
    assert "(silence)" in transcript


@pytest.mark.parametrize("flow", ["", "complaint", "protected", "rate"])
def test_the_drawing_shows_every_node_and_answer(book: Book, flow: str) -> None:
    drawn = draw(book, flow)
    assert drawn.startswith("flowchart TD\n")
    for node in book.nodes.values():
        if not flow or node.flow == flow:
            assert f"    {node.name.replace('.', '_')}" in drawn


def test_babel_finds_every_key_that_is_said_and_english_has_them_all(book: Book) -> None:
    found = {key for path in FOLDER.glob("*.yaml") for _, _, key, _ in extract_keys(path)}
    found |= {key for _, _, key, _ in extract_spoken()}
    said = {key for node in book.nodes.values() for key in (*node.says, *(option.text for option in node.options))}
    assert found >= said
    through_babel = {row[1] for row in extract_from_file("flows.extract:extract", str(FOLDER / "weekly.yaml"))}
    assert "weekly.offer" in through_babel
    english = read_entries("en", "messages")
    # Texts for the provider to approve are said by its templates; see locales.templates.
    assert {key for key in english if not key.startswith("template.")} <= found
    assert {key for key in found if not key.startswith(("category.", "case."))} <= set(english)


def test_every_value_a_text_asks_for_can_be_filled(book: Book) -> None:
    assert {name for names in book.needs.values() for name in names} <= {*VALUES, "name"}


def test_rows_are_digit_and_title_in_the_readers_language(phone: Callable[..., Phone], book: Book) -> None:
    from flows.engine import step
    from flows.model import Event

    talk = phone("ps")
    reply = step(book, Session(lang="ps"), Event("message", talk.world.known(), "menu")).reply
    assert reply is not None
    assert [digit for digit, _ in rows(reply, "ps", "whatsapp")] == ["1", "2", "3", "4", "5"]


def test_the_commands_check_and_draw() -> None:
    run = CliRunner().invoke
    checked = run(app, ["check", "--json"])
    assert checked.exit_code == 0
    assert json.loads(checked.output) == []
    assert run(app, ["check"]).output == "nothing found\n"
    assert "subgraph weekly" in run(app, ["draw", "weekly"]).output
    assert run(app, ["draw", "nowhere"]).exit_code == 2
    assert run(app, ["play", "--lang", "xx"]).exit_code == 2
    assert run(app, ["play", "--channel", "fax"]).exit_code == 2
    played = run(app, ["play", "--lang", "ur"], input="hello\n")
    assert "> hello" in played.output


def test_a_broken_file_stops_the_command_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tables.yaml").write_text("categoris: []\n")
    monkeypatch.setattr("flows.commands.load_book", lambda: __import__("flows.load").load.load_book(tmp_path))
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 2
    assert "tables.yaml, line 1: categoris: unknown key" in result.output
