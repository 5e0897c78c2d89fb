"""What the papers say is so: settings, alarms, commands and links."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from settings import Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
PAPERS = {"README.md": README, "docs/runbook.md": RUNBOOK, "docs/glossary.md": GLOSSARY}
ROOMS = ("bot", "broadcast", "cases", "desk", "store")
SOUNDED = re.compile(r"(?:alarms\.sound\(\s*tx,|_alarm\(|\balarm\()\s*\"([a-z_]+)\"")

NAMED = re.compile(
    r"^(?:\.venv/bin/)?jawab ([a-z]+(?: (?:add|list|password|draw|check|verify|approve|publish|stop|run))?)(?= |$)"
)


def test_every_setting_is_in_the_readme() -> None:
    assert [name for name in Settings.model_fields if f"`JAWAB_{name.upper()}`" not in README] == []


def test_every_alarm_is_in_the_runbook_and_no_other() -> None:
    code = "".join(path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    sounded = set(SOUNDED.findall(code))
    table = RUNBOOK.split("\n## Alarms")[1].split("\n## ")[0]
    assert sounded == set(re.findall(r"^\| `([a-z_]+)`", table, re.MULTILINE))


@pytest.mark.parametrize("paper", PAPERS)
def test_links_lead_somewhere(paper: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", PAPERS[paper])
    assert [link for link in links if not ((ROOT / paper).parent / link).exists()] == []


def test_every_command_that_is_named_is_there() -> None:
    spans = [first or second for first, second in re.findall(r"`([^`\n]+)`|^ {4}(.+)$", README + RUNBOOK, re.MULTILINE)]
    named = {found[1] for span in spans if (found := NAMED.search(span))}
    assert {"up", "play", "doctor", "district add", "edition stop"} <= named
    for command in sorted(named):
        run = subprocess.run(
            [sys.executable, "-m", "cli", *command.split(), "--help"], cwd=ROOT, capture_output=True, check=False
        )
        assert run.returncode == 0, command
