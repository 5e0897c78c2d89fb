"""How a bot is given to a district: what is asked, what Telegram is told, what is wrong in one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

import cli
from store.crypto import Keys
from tests.providers.telegram import BOT, SECRET, TOKEN, USERNAME, FakeTelegram

runner = CliRunner()


@pytest.fixture
def telegram() -> Iterator[FakeTelegram]:
    with FakeTelegram(secret="") as fake:
        yield fake


@pytest.fixture
def here(data: Path, database_url: str, keys: Keys, demo: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which the command finds its parts."""
    monkeypatch.setenv("JAWAB_DATA", str(data))
    monkeypatch.setenv("JAWAB_DATABASE_URL", database_url)
    monkeypatch.setenv("JAWAB_PUBLIC_URL", "https://jawab.test")
    monkeypatch.setattr("store.logs.configure", lambda _: None)


def run(words: str, stdin: str = "") -> Any:
    return runner.invoke(cli.app, words.split(), input=stdin)


def test_the_command_asks_for_the_token_makes_the_secret_and_tells_telegram(here: None, telegram: FakeTelegram) -> None:
    done = run(f"channel add telegram {USERNAME} pishin --name pishin", f"not a token\n{TOKEN}\n\n{telegram.url}\n")
    assert done.exit_code == 0, done.output
    assert TOKEN not in done.output
    assert telegram.hook["url"] == "https://jawab.test/in/telegram/pishin"
    assert len(telegram.secret) >= 32
    assert telegram.secret in done.output, "shown this once"
    assert run("channel test pishin").output == "pishin (telegram): well\n"
    telegram.hook["url"] = "https://elsewhere.example/"
    tried = run("channel test pishin")
    assert tried.exit_code == 1
    assert " ".join(tried.output.split()) == (
        "pishin (telegram): the web hook is set to https://elsewhere.example/, and should be"
        " https://jawab.test/in/telegram/pishin"
    )
    assert run("channel test pishin --connect").output == "pishin (telegram): well\n"


def test_the_environments_bot_is_told_by_its_number(
    here: None, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAWAB_TELEGRAM_TOKEN", TOKEN)
    monkeypatch.setenv("JAWAB_TELEGRAM_SECRET", SECRET)
    monkeypatch.setenv("JAWAB_TELEGRAM_API_URL", telegram.url)
    assert run(f"channel add telegram {BOT} pishin").exit_code == 0
    assert "no web hook is set" in run(f"channel test {BOT}").output
    assert run(f"channel test {BOT} --connect").output == f"{BOT} (telegram): well\n"
    assert (telegram.hook["url"], telegram.secret) == ("https://jawab.test/in/telegram", SECRET)


@pytest.mark.parametrize("words", ["--token 1:x", "--set token=1:x", "--set secret=x"])
def test_a_secret_on_the_command_line_is_refused(here: None, words: str) -> None:
    done = run(f"channel add telegram {USERNAME} pishin --name pishin {words}")
    assert done.exit_code == 2
    assert "does not belong on the command line" in done.output
