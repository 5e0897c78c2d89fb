"""The one command: every room's part of it is there, helps, refuses in one line and does what it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import typer
from typer.testing import CliRunner

import cli
import jobs
from flows.load import FOLDER, load_book

ROOT = Path(__file__).parents[1]
runner = CliRunner()


def every_command(group: object, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield words
    for name, sub in getattr(group, "commands", {}).items():
        yield from every_command(sub, (*words, name))


COMMANDS = list(every_command(typer.main.get_command(cli.app)))


@pytest.fixture
def here(data: Path, database_url: str, keys: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which the command finds its parts."""
    monkeypatch.setenv("JAWAB_DATA", str(data))
    monkeypatch.setenv("JAWAB_DATABASE_URL", database_url)
    # Loggers keep the stream they were made with, and the runner's is closed after each command.
    monkeypatch.setattr("store.logs.configure", lambda _: None)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_whatever_the_environment_says(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAWAB_PORT", "no port")
    shown = runner.invoke(cli.app, [*words, "--help"])
    assert shown.exit_code == 0
    assert "Usage:" in shown.output


DEAR = ("aiogram", "aiohttp", "alembic", "fastapi", "requests", "sqlalchemy", "twilio", "typst", "uvicorn")


@pytest.mark.parametrize(
    ("words", "free_of"),
    [
        ("doctor --help", DEAR),
        ("case list --help", DEAR),
        ("jobs --help", DEAR),
        ("protected pair --help", DEAR),
        ("flows check", (*DEAR, "psycopg", "redis")),
    ],
)
def test_a_command_imports_what_it_needs(words: str, free_of: tuple[str, ...]) -> None:
    """By modules, for seconds are the machine's: a packet of these is half a second of each command."""
    asked = "import sys, cli\ntry: cli.app(sys.argv[1:])\nfinally: print(*sys.modules, file=sys.stderr)"
    ran = subprocess.run(
        [sys.executable, "-c", asked, *words.split()], cwd=ROOT, capture_output=True, check=True, text=True
    )
    assert {name.partition(".")[0] for name in ran.stderr.split()} & set(free_of) == set()


def test_where_nothing_runs_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAWAB_DATA", str(tmp_path))
    refused = runner.invoke(cli.app, ["case", "list"])
    assert refused.exit_code == 2
    assert "jawab up" in str(refused.exception)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("district add atlantis", "no such district"),
        ("channel add sms +92810000009 ziarat", "not served here"),
        ("channel add sms +15005550006 quetta", "another district"),
        ("staff add somebody king --name Somebody", "no such role"),
        ("staff password nobody", "no such login"),
        ("jobs run nothing", "no job 'nothing'; there are send_replies, "),
        ("edition draft nowhere", "no district"),
        ("edition approve pishin 2026-46 --by demo-approver", "not a week"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(here: None, demo: SimpleNamespace, words: str, why: str) -> None:
    assert runner.invoke(cli.app, ["district", "add", "quetta"]).exit_code == 0
    refused = runner.invoke(cli.app, words.split())
    assert refused.exit_code == 1, refused.output
    assert refused.stderr.startswith("jawab: ")
    assert why in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_what_is_there_is_listed_for_people_and_for_programs(here: None, demo: SimpleNamespace) -> None:
    for words in ("district list", "channel list", "staff list", "case list"):
        rows = json.loads(runner.invoke(cli.app, [*words.split(), "--json"]).stdout)
        assert (rows == []) == (words == "case list")
        shown = runner.invoke(cli.app, words.split())
        assert shown.exit_code == 0
        if words == "channel list":
            assert all(row["address"] in shown.stdout for row in rows)  # whole, in a terminal of 80


def test_somebody_is_added_with_a_password_that_is_shown_once(here: None, demo: SimpleNamespace) -> None:
    made = runner.invoke(cli.app, ["staff", "add", "gul.bano", "handler", "--name", "Gul", "--district", "pishin"])
    assert made.exit_code == 0, made.output
    assert "gul.bano" in made.stdout


def test_an_update_brings_the_names_of_places_with_it(here: None, demo: SimpleNamespace, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("UPDATE places SET names = '{}'")
        assert runner.invoke(cli.app, ["migrate"]).exit_code == 0
        assert owner.execute("SELECT names->>'ur' FROM places WHERE id = 'pishin.pishin'").fetchone() == ("پشین",)


def test_a_whole_chain_and_a_healthy_house_end_well(here: None, demo: SimpleNamespace) -> None:
    walked = runner.invoke(cli.app, ["audit", "verify"])
    assert walked.exit_code == 0
    assert "links hold" in walked.stdout
    looked = runner.invoke(cli.app, ["doctor"])
    assert looked.exit_code == 1  # live mode, and the escrow's private key still lies beside the key file
    assert "escrow_key_on_this_machine" in looked.stdout


def test_periodic_jobs_are_listed_and_one_is_run_by_hand(
    here: None, demo: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed() -> dict[str, dict[str, Any]]:
        return {row["job"]: row for row in json.loads(runner.invoke(cli.app, ["jobs", "--json"]).stdout)}

    never = listed()
    assert never["prune"] | {"pace": "daily at 03:30", "started": None, "outcome": None} == never["prune"]
    assert never["escalate"]["pace"] == "every 5 s"
    ran = runner.invoke(cli.app, ["jobs", "run", "prune"])
    assert ran.exit_code == 0, ran.output
    assert re.search(r"^prune: done in \d+\.\d s$", ran.stdout, re.MULTILINE)
    assert listed()["prune"]["outcome"] == "done"
    shown = runner.invoke(cli.app, ["jobs"]).stdout
    assert re.search(r"prune +│ daily at 03:30 │ \d\d\.\d\d\. \d\d:\d\d:\d\d │ 0\.\d s", shown), shown
    assert re.search(r"escalate_protected +│ every 5 s +│ never", shown), shown

    async def break_down(_: object, __: object) -> None:
        raise RuntimeError("words")

    table = tuple(replace(job, work=break_down) if job.name == "prune" else job for job in jobs.JOBS)
    monkeypatch.setattr(jobs, "JOBS", table)
    failed = runner.invoke(cli.app, ["jobs", "run", "prune"])
    assert failed.exit_code == 1
    assert re.search(r"^prune: RuntimeError in ", failed.stdout, re.MULTILINE)
    assert listed()["prune"]["error"] == "RuntimeError"


@pytest.mark.parametrize("command", ["up", "web"])
def test_a_flow_with_a_typo_stops_the_start_in_one_line(
    command: str, here: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(FOLDER, tmp_path / "citizen")
    flow = tmp_path / "citizen" / "complaint.yaml"
    flow.write_text(flow.read_text().replace("save: category", "saev: category"))
    monkeypatch.setattr("flows.load.load_book", partial(load_book, tmp_path / "citizen"))
    refused = runner.invoke(cli.app, [command])
    assert refused.exit_code == 2
    assert re.fullmatch(r"jawab: complaint\.yaml, line \d+: saev: .*", str(refused.exception))
