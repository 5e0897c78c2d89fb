"""`jawab templates` as an operator types it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

import cli
from locales import templates as texts
from store.crypto import Keys
from tests.providers.twilio import FakeTwilio

runner = CliRunner()
EVERY = len(texts.TEMPLATES) * len(texts.CODES)


@pytest.fixture
def here(data: Path, database_url: str, keys: Keys, demo: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which the command finds its parts, and no account yet."""
    monkeypatch.setenv("JAWAB_DATA", str(data))
    monkeypatch.setenv("JAWAB_DATABASE_URL", database_url)
    # Loggers keep the stream they were made with, and the runner's is closed after each command.
    monkeypatch.setattr("store.logs.configure", lambda _: None)


@pytest.fixture
def account(here: None, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch) -> FakeTwilio:
    monkeypatch.setenv("JAWAB_TWILIO_ACCOUNT_SID", twilio.account)
    monkeypatch.setenv("JAWAB_TWILIO_AUTH_TOKEN", twilio.token)
    monkeypatch.setenv("JAWAB_TWILIO_API_URL", twilio.url)
    return twilio


@pytest.mark.parametrize("word", ["sync", "status"])
def test_without_an_account_one_line_says_so(here: None, word: str) -> None:
    refused = runner.invoke(cli.app, ["templates", word])
    assert refused.exit_code == 1
    assert refused.stderr.startswith("jawab: no WhatsApp number here has an account")
    assert refused.stderr.count("\n") == 1


def test_they_are_made_and_shown_for_people_and_for_programs(account: FakeTwilio) -> None:
    made = json.loads(runner.invoke(cli.app, ["templates", "sync", "--json"]).stdout)
    assert made == {"made": EVERY, "looked up": EVERY}
    assert "made 0, refused 0" in runner.invoke(cli.app, ["templates", "sync"]).stdout
    account.decide("rejected", "INVALID_FORMAT", language="en")
    account.decide("approved", language="ur")
    runner.invoke(cli.app, ["templates", "sync"])
    rows = json.loads(runner.invoke(cli.app, ["templates", "status", "--json"]).stdout)
    assert {row["state"] for row in rows if row["code"] == "ur"} == {"approved"}
    assert {(row["state"], row["reason"]) for row in rows if row["language"] == "en"} == {
        ("rejected", "INVALID_FORMAT")
    }
    assert {row["language"] for row in rows if row["borrowed"]} == texts.BORROWED
    shown = " ".join(runner.invoke(cli.app, ["templates", "status"]).stdout.split())
    for said in ("borrowed", "6 of 6", "0 of 6"):
        assert said in shown


def test_a_provider_that_is_away_is_one_line(account: FakeTwilio) -> None:
    account.away = True
    refused = runner.invoke(cli.app, ["templates", "sync"])
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "run it again" in refused.stderr
