"""What the papers say is so: settings, alarms, commands and links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

import cli
from cases.roles import ROLES
from locales import ALL_LANGS
from settings import Settings
from store.metrics import GAUGES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
PHONE = (ROOT / "docs" / "android-phone.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
PAPERS = {
    "README.md": README,
    "docs/runbook.md": RUNBOOK,
    "docs/glossary.md": GLOSSARY,
    "docs/android-phone.md": PHONE,
    "docs/understanding.md": (ROOT / "docs" / "understanding.md").read_text(),
    "docs/threat-model.md": (ROOT / "docs" / "threat-model.md").read_text(),
    "docs/protected-handlers.md": (ROOT / "docs" / "protected-handlers.md").read_text(),
    "CONTRIBUTING.md": CONTRIBUTING,
    "SECURITY.md": (ROOT / "SECURITY.md").read_text(),
}
ROOMS = ("bot", "broadcast", "cases", "desk", "store")
SOUNDED = re.compile(r"(?:alarms\.sound\(\s*tx,|_alarm\(|\balarm\()\s*\"([a-z_]+)\"")
SPANS = re.compile(r"`([^`\n]+)`|^ {4}(.+)$", re.MULTILINE)
NAMED = re.compile(r"^(?:\.venv/bin/)?jawab ([a-z]+)(?: ([a-z]+))?")


def test_every_setting_is_in_the_readme() -> None:
    assert [name for name in Settings.model_fields if f"`JAWAB_{name.upper()}`" not in README] == []


def test_every_role_is_in_the_readme_with_its_demo_login() -> None:
    assert re.findall(r"^\| ([a-z]+) \| `demo-\1", README, re.MULTILINE) == list(ROLES)


def test_every_alarm_is_in_the_runbook_and_no_other() -> None:
    code = "".join(path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    sounded = set(SOUNDED.findall(code))
    table = RUNBOOK.split("\n## Alarms")[1].split("\n## ")[0]
    assert sounded == set(re.findall(r"^\| `([a-z_]+)`", table, re.MULTILINE))


def test_every_metric_is_in_the_runbook_and_no_other() -> None:
    table = RUNBOOK.split("\n## Metrics")[1].split("\n## ")[0]
    named = re.findall(r"^\| `(jawab_[a-z_]+)`", table, re.MULTILINE)
    assert sorted(named) == sorted(["jawab_database_up", *(gauge.name for gauge in GAUGES)])


@pytest.mark.parametrize("paper", PAPERS)
def test_links_lead_somewhere(paper: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", PAPERS[paper])
    assert [link for link in links if not ((ROOT / paper).parent / link).exists()] == []


@pytest.mark.parametrize("paper", PAPERS)
def test_a_link_into_a_paper_leads_to_one_of_its_titles(paper: str) -> None:
    for file, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", PAPERS[paper]):
        text = ((ROOT / paper).parent / file if file else ROOT / paper).read_text()
        titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        assert anchor in {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}, anchor


def test_every_file_that_contributing_names_is_there() -> None:
    """What stands in <> is the reader's own to fill in; a name without a folder is in a folder that was named."""
    file = re.compile(r"[\w./<>-]+(?:\.(?:css|html|md|po|py|sql|toml|yaml|yml)|/)")
    named = [span for span in re.findall(r"`([^`\n]+)`", CONTRIBUTING) if file.fullmatch(span)]
    assert {"flows/asking.py", "tests/payloads/<provider>/", "desk.po"} <= set(named)
    lost = []
    for name in named:
        pattern = re.sub(r"<\w+>|NNNN_what_it_does", "*", name)
        if not any(ROOT.glob(pattern)) and ("/" in name or not any(ROOT.glob(f"[a-z]*/**/{pattern}"))):
            lost.append(name)
    assert lost == []


def test_every_name_that_contributing_says_stands_in_a_file_does() -> None:
    found = re.findall(r"`(\w+)`(?: and `(\w+)`)? (?:in|of)\s+`([\w/]+\.\w+)`", CONTRIBUTING)
    assert ("SAVED", "", "flows/asking.py") in found
    assert [(name, file) for *names, file in found for name in names if name not in (ROOT / file).read_text()] == []


def test_what_make_is_told_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    told = {
        found for text in PAPERS.values() for found in re.findall(r"(?:`|^ {4}|=\w+ )make ([a-z]+)", text, re.MULTILINE)
    }
    assert {"run", "test", "check", "mutants"} <= told
    assert [target for target in told if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


def test_the_facts_for_public_bodies_name_every_language() -> None:
    listed = (ROOT / "publiccode.yml").read_text().split("availableLanguages:")[1].split("\ndependsOn")[0]
    assert re.findall(r"- ([a-z]+)", listed) == list(ALL_LANGS)


def commands() -> dict[str, set[str]]:
    """Every `jawab` command with the commands of its own."""
    top: Any = typer.main.get_command(cli.app)
    return {name: set(getattr(command, "commands", ())) for name, command in top.commands.items()}


def test_every_command_that_is_named_is_there() -> None:
    spans = [first or second for text in PAPERS.values() for first, second in SPANS.findall(text)]
    named = {found.groups() for span in spans if (found := NAMED.search(span))}
    assert {("up", None), ("play", None), ("district", "add"), ("edition", "stop")} <= named
    known = commands()
    lost = [
        (first, second)
        for first, second in named
        if first not in known or (second and known[first] and second not in known[first])
    ]
    assert lost == []


def test_a_person_is_they() -> None:
    """Nobody's sex is known here, and no word is spent on guessing it. Tests are left out: people speak in them."""
    kinds = {".py", ".sql", ".html", ".yaml", ".yml", ".md", ".css", ".js", ".toml"}
    files = [
        *(
            path
            for room in (*ROOMS, "docs", "flows", "house", "locales", "pages", "window")
            for path in (ROOT / room).rglob("*")
        ),
        *(path for path in ROOT.iterdir() if path.is_file()),
    ]
    told = [
        f"{path.relative_to(ROOT)}: {found}"
        for path in files
        if (path.suffix in kinds or path.match("en/LC_MESSAGES/*.po"))
        and not {"vendor", "node_modules"} & set(path.parts)
        for found in re.findall(r"(?i)\b(?:he|him|his|himself|she|her|hers|herself)\b.{0,30}", path.read_text())
    ]
    assert told == []
