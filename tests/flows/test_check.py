"""Each rule of `flows check` catches its defect, and a file written wrong is refused with file, line and key."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from flows.check import RULES, check, reached
from flows.load import FOLDER, Refused, load_book
from locales import catalogs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the flows to break."""
    return Path(shutil.copytree(FOLDER, tmp_path / "citizen"))


def change(folder: Path, name: str, was: str, becomes: str) -> None:
    path = folder / name
    text = path.read_text("utf-8")
    assert text.count(was) >= 1, f"{was!r} is not in {name}"
    path.write_text(text.replace(was, becomes, 1), "utf-8")


def rules_of(folder: Path) -> set[str]:
    return {finding.rule for finding in check(load_book(folder))}


def test_the_flows_that_go_out_have_no_findings() -> None:
    assert check(load_book()) == []


EXTRA = """
  lost:
    ask: choice
    says: [welcome.menu]
    options:
      one: {digit: "1", text: answer.yes, next: menu}
"""
YES = "effect: {consent: {topic: weekly, granted: true, method: menu}}"
DEFECTS = {
    "unreachable": ("welcome.yaml", "nodes:", "nodes:" + EXTRA),
    "dead end": ("weekly.yaml", "    next: back\n  ended:", "  ended:"),
    "ring": ("rate.yaml", "    says: [rate.closed]\n    next: back", "    says: [rate.closed]\n    next: start"),
    "missing text": ("rate.yaml", "says: [rate.closed]", "says: [rate.nowhere]"),
    "unknown value": ("rate.yaml", "says: [rate.closed]", "says: [edition.said.count]"),
    "too long": ("weekly.yaml", "says: [weekly.started]", "says: [weekly.started, help.text, report.kind]"),
    "title too long": ("weekly.yaml", "text: weekly.keep", "text: report.kind"),
    "too many options": ("tables.yaml", "security, resources]", "security, resources, x]"),
    "same digit": ("weekly.yaml", 'no": {digit: "2"', 'no": {digit: "1"'),
    "digit not taken": ("weekly.yaml", 'no": {digit: "2"', 'no": {digit: "1"'),
    "same word": ("weekly.yaml", "text: weekly.end", "text: weekly.keep"),
    "word not taken": ("weekly.yaml", 'no": {digit: "2", text: answer.no', 'no": {digit: "2", text: answer.yes'),
    "answer lost": (
        "complaint.yaml",
        """save: may_message
    options:
      "yes": {digit: "1", text: answer.yes, next: done}""",
        """options:
      "yes": {digit: "1", text: answer.yes, next: declined}""",
    ),
    "twin differs": ("protected.yaml", "says: [report.story]", "says: [report.place]"),
    "over budget": ("complaint.yaml", "says: [report.story]", "says: [report.story, help.text, report.kind]"),
    "not sealed": ("protected.yaml", "ask: text\n    sealed: true", "ask: text"),
}


@pytest.mark.parametrize("rule", DEFECTS)
def test_a_defect_is_found(folder: Path, rule: str) -> None:
    change(folder, *DEFECTS[rule])
    assert rule in rules_of(folder)


def test_every_rule_has_a_defect_that_shows_it() -> None:
    source = " ".join(Path(check.__code__.co_filename).read_text("utf-8").split())
    named = set(re.findall(r'Finding\( ?\S+(?: node\)| other\))?, (?:lang|cost\.lang|""), "([a-z ]+)"', source))
    assert named == set(DEFECTS)
    assert len(RULES) == len({rule.__name__ for rule in RULES})


def test_an_option_that_means_a_universal_word_is_found(folder: Path) -> None:
    change(folder, "words.yaml", "menu: [", "menu: [جاری رکھیں, ")
    assert "same word" in rules_of(folder)


def test_an_option_of_the_protected_twin_may_not_differ(folder: Path) -> None:
    change(folder, "protected.yaml", 'new: {digit: "1"', 'new: {digit: "3"')
    assert "twin differs" in rules_of(folder)


def test_a_question_on_one_side_of_the_door_only_is_found(folder: Path) -> None:
    change(folder, "complaint.yaml", "    save: place\n    next: told", "    save: place\n    next: story")
    assert "twin differs" in rules_of(folder)


def test_a_text_that_is_missing_in_one_language_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    book = load_book()
    real = catalogs.texts
    monkeypatch.setattr(
        "flows.check.texts", lambda lang: {k: v for k, v in real(lang).items() if (lang, k) != ("brh", "report.done")}
    )
    found = [finding for finding in check(book) if finding.rule == "missing text"]
    assert {(finding.lang, finding.problem) for finding in found} == {("brh", "report.done")}


def test_everything_is_reached() -> None:
    book = load_book()
    assert reached(book) == set(book.nodes)


REFUSED = {
    "a typo in a node": ("complaint.yaml", "    ask: text", "    aks: text", "aks: unknown key"),
    "a typo in an option": ("weekly.yaml", "digit:", "digt:", "digt: unknown key"),
    "a typo in a flow": ("rate.yaml", "start: start", "begin: start", "begin: unknown key"),
    "a typo in a branch": ("rate.yaml", "when: round", "wenn: round", "wenn: unknown key"),
    "a typo in the tables": ("tables.yaml", "scores:", "skores:", "skores: unknown key"),
    "a language left out": ("tables.yaml", "languages: [ur, ", "languages: [", "languages: the languages are"),
    "an unknown fact": ("rate.yaml", "when: round", "when: moon", "when: 'moon'"),
    "an unknown ask": ("rate.yaml", "ask: score", "ask: score5", "ask: 'score5'"),
    "an unknown effect": ("rate.yaml", "{rate: {}}", "{rat: {}}", "effect: 'rat'"),
    "an unknown table": ("rate.yaml", "table: scores", "table: score", "table: 'score'"),
    "an unknown universal word": ("words.yaml", "  menu: [", "  home: [", "home: 'home'"),
    "two effects in one": ("rate.yaml", "{rate: {}}", "{rate: {}, append: {}}", "effect: names one"),
    "an effect with a typo in it": ("weekly.yaml", "granted: true", "grantet: true", "consent: takes granted, method"),
    "an effect that takes nothing": ("rate.yaml", "{rate: {}}", "{rate: {stars: 5}}", "rate: takes nothing"),
    "a list for an effect": ("rate.yaml", "{rate: {}}", "{rate: []}", "rate: must be a mapping"),
    "a lost target": ("rate.yaml", "next: unknown", "next: nowhere", "next: there is no node rate.nowhere"),
    "a bare yes": ("weekly.yaml", '"yes": {', "yes: {", "yes: write this key in quotes"),
    "a bare no": ("words.yaml", '"no", num', "no, num", "words: must be text"),
    "a number for a text": ("weekly.yaml", 'digit: "1"', "digit: 1", "digit: must be text"),
    "a text for a list": ("weekly.yaml", "[weekly.offer]", "weekly.offer", "says: must be a list"),
    "zero as a digit": ("weekly.yaml", 'digit: "1"', 'digit: "0"', "digit: a number from 1 to 99 in quotes; 0 is Back"),
    "a key given twice": ("weekly.yaml", "  started:", "  offered:", "offered: given twice"),
    "an option without a text": ("weekly.yaml", "text: weekly.keep, ", "", "text: missing in option keep"),
    "a choice without options": ("rate.yaml", "ask: facility", "ask: choice", "facility: asks for a choice"),
    "no start": ("rate.yaml", "start: start\n", "", "start: missing"),
    "a start that is not there": ("rate.yaml", "start: start\n", "start: begin\n", "start: 'begin'"),
    "the same flow twice": ("status.yaml", "flow: status", "flow: rate", "rate: a flow of this name is there already"),
    "broken YAML": ("rate.yaml", "nodes:", "nodes: [", ""),
    "a word with two meanings": ("words.yaml", "  back: [", "  back: [menu, ", "menu: means menu already"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_written_wrong_is_refused_with_file_line_and_key(folder: Path, what: str) -> None:
    name, was, becomes, line = REFUSED[what]
    change(folder, name, was, becomes)
    with pytest.raises(Refused, match=rf"^{name}, line \d+: {re.escape(line)}") as refused:
        load_book(folder)
    assert "\n" not in str(refused.value)


def test_an_empty_file_is_refused(folder: Path) -> None:
    (folder / "rate.yaml").write_text("")
    with pytest.raises(Refused, match=r"rate.yaml, line 1: empty"):
        load_book(folder)


def test_any_change_of_a_flow_changes_the_fingerprint(folder: Path) -> None:
    before = load_book(folder).fingerprint
    assert before == load_book().fingerprint
    change(folder, "rate.yaml", "next: unknown", "next: facility")
    assert load_book(folder).fingerprint != before
