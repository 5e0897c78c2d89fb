"""`jawab channel …`: what an operator gives, is told and is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

import cli
from bot import numbers
from cases import commands
from store import channels
from store.channels import NotAdded
from store.crypto import Keys
from store.jawab import Jawab
from tests.providers.twilio import FakeTwilio

runner = CliRunner()
THEIRS = "+92810000077"


@pytest.fixture
def here(data: Path, database_url: str, keys: Keys, demo: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which the command finds its parts."""
    monkeypatch.setenv("JAWAB_DATA", str(data))
    monkeypatch.setenv("JAWAB_DATABASE_URL", database_url)
    monkeypatch.setenv("JAWAB_PUBLIC_URL", "https://jawab.test")
    # Loggers keep the stream they were made with, and the runner's is closed after each command.
    monkeypatch.setattr("store.logs.configure", lambda _: None)


@pytest.fixture
def other() -> Iterator[FakeTwilio]:
    with FakeTwilio(account="AC" + "b" * 32, token="another-token") as fake:
        yield fake


def run(words: str, stdin: str = "") -> Any:
    return runner.invoke(cli.app, words.split(), input=stdin)


def settings_of(database_url: str, keys: Keys, name: str) -> dict[str, str]:
    """What lies sealed in the row."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT id, kind, provider, address, district_id, name, config_box FROM channels WHERE name = %s", (name,)
        ).fetchone()
    assert row
    assert b"another-token" not in bytes(row[6])
    return channels.open_settings(keys, channels.Row(*row))


# ── add ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_number_belongs_to_one_district(jawab: Jawab, demo: SimpleNamespace) -> None:
    await commands.add_district(jawab.db, "quetta")

    async def add(district: str, address: str = "whatsapp:+923331234567") -> None:
        await numbers.add(jawab, kind="whatsapp", provider="twilio", address=address, district_id=district)

    for _ in range(2):
        await add("quetta")
    with pytest.raises(NotAdded, match="channel_taken"):
        await add("pishin")
    with pytest.raises(NotAdded, match="district_unserved"):
        await add("ziarat", "+923337654321")
    (listed,) = [row for row in await numbers.list_all(jawab) if row["address"] == "+923331234567"]
    assert (listed["district"], listed["kind"], listed["provider"], listed["state"]) == (
        "quetta",
        "whatsapp",
        "twilio",
        "ready",
    )


def test_without_a_name_a_number_uses_the_environments_account(here: None) -> None:
    added = run(f"channel add sms {THEIRS} pishin")
    assert added.exit_code == 0, added.output
    assert "https://jawab.test/in/twilio\n" in added.stdout
    assert "no twilio account is set up here" in added.stdout


def test_what_an_account_needs_is_asked_for_and_lies_sealed_in_its_row(
    here: None, database_url: str, keys: Keys, other: FakeTwilio
) -> None:
    answers = f"nonsense\n{other.account}\n{other.token}\n{other.url}\n"
    added = run(f"channel add sms {THEIRS} pishin --name second", answers)
    assert added.exit_code == 0, added.output
    assert "https://jawab.test/in/twilio/second\n" in added.stdout
    assert "it does not look like one" in added.output
    assert other.token not in added.output
    assert settings_of(database_url, keys, "second") == {
        "account": other.account,
        "token": other.token,
        "api_url": other.url,
    }


@pytest.mark.parametrize("form", ["json", "lines"])
def test_settings_are_read_from_standard_input(
    form: str, here: None, database_url: str, keys: Keys, other: FakeTwilio
) -> None:
    values = {"account": other.account, "token": other.token}
    text = json.dumps(values) if form == "json" else "\n".join(f"{name}={value}" for name, value in values.items())
    added = run(f"channel add sms {THEIRS} pishin --name second --stdin --json", text)
    assert added.exit_code == 0, added.output
    shown = json.loads(added.stdout)
    assert (shown["hook"], shown["state"]) == ("https://jawab.test/in/twilio/second", "ready")
    assert settings_of(database_url, keys, "second") == values


@pytest.mark.parametrize(
    ("words", "stdin", "why"),
    [
        ("--name x --token sesame", "", "token is a secret"),
        ("--name x --token=sesame", "", "token is a secret"),
        ("--name x --auth-token sesame", "", "no such option: --auth-token"),
        ("--name x --set token=sesame", "", "token is a secret"),
        ("--name x --password sesame", "", "password is a secret"),
        ("--set account=AC1", "", "give it a --name"),
        ("--name x --stdin", '{"account": "AC' + "b" * 32 + '"}', "token is missing"),
        ("--name x --stdin", '{"account": "sesame", "token": "t"}', "account is not well-formed"),
        ("--name x --stdin", "account", "name=value"),
        ("--name x --stdin", "{", "neither JSON"),
        ("--name x --stdin", '{"account": 1}', "settings are texts"),
        ("--name x --stdin --set colour=red", "account=AC" + "b" * 32 + "\ntoken=t", "no setting colour"),
        ("--name x --provider nobody --stdin", "", "nobody here carries"),
        ("extra", "", "too many words"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_that_repeats_no_secret(
    words: str, stdin: str, why: str, here: None, database_url: str
) -> None:
    refused = run(f"channel add sms {THEIRS} pishin {words}", stdin)
    assert refused.exit_code == 2, refused.output
    assert why in refused.stderr
    assert "sesame" not in refused.output
    assert refused.stderr.count("\n") == 1
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT 1 FROM channels WHERE address = %s", (THEIRS,)).fetchone() is None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (f"sms {THEIRS} pishin --name status", "not `status`"),
        (f"sms {THEIRS} pishin --name Quetta", "a to z"),
        (f"telegram {THEIRS} pishin --provider twilio --name x", "nobody here carries telegram"),
        (f"try {THEIRS} pishin --provider simulator", "nobody here carries try"),
    ],
)
def test_a_name_that_is_none_and_a_number_that_nobody_carries_are_refused(words: str, why: str, here: None) -> None:
    refused = run(f"channel add {words} --stdin", f"account=AC{'b' * 32}\ntoken=t" if "simulator" not in words else "")
    assert refused.exit_code == 1, refused.output
    assert why in refused.stderr


def test_two_numbers_do_not_share_a_name(here: None) -> None:
    account = f"account=AC{'b' * 32}\ntoken=t"
    assert run(f"channel add sms {THEIRS} pishin --name one --stdin", account).exit_code == 0
    refused = run("channel add sms +92810000078 pishin --name one --stdin", account)
    assert refused.exit_code == 1
    assert "this name" in refused.stderr


# ── list, test, remove, doctor ───────────────────────────────────────────────────────────────────────────────────────
def test_an_account_is_tried_at_its_provider(here: None, other: FakeTwilio) -> None:
    good = {"account": other.account, "token": other.token, "api_url": other.url}
    assert run(f"channel add sms {THEIRS} pishin --name good --stdin", json.dumps(good)).exit_code == 0
    wrong = json.dumps({**good, "token": "wrong"})
    assert run("channel add sms +92810000078 pishin --name wrong --stdin", wrong).exit_code == 0
    tried = run("channel test good")
    assert (tried.exit_code, tried.stdout) == (0, "good (twilio): well\n")
    tried = run("channel test wrong --json")
    assert tried.exit_code == 1
    assert json.loads(tried.stdout)[0]["why"] == "the provider does not know this account with this token"
    assert other.posts == 0
    assert run("channel test +15005550006").stdout == "+15005550006 (twilio): no twilio account is set up here\n"
    assert run("channel test nobody").exit_code == 1


def test_a_broken_row_is_shown_by_the_list_and_the_doctor(here: None, database_url: str, other: FakeTwilio) -> None:
    account = json.dumps({"account": other.account, "token": other.token})
    assert run(f"channel add sms {THEIRS} pishin --name broken --stdin", account).exit_code == 0
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE channels SET config_box = '\\x0101' WHERE name = 'broken'")
    (row,) = [row for row in json.loads(run("channel list --json").stdout) if row["name"] == "broken"]
    assert row["state"] == "its settings cannot be opened with this house's keys"
    looked = run("doctor")
    assert looked.exit_code == 1
    assert "channel broken" in looked.stdout
    assert "cannot be opened" in run("channel test broken").stdout


def test_a_number_that_nobody_wrote_to_goes_and_another_is_switched_off(
    here: None, jawab: Jawab, database_url: str
) -> None:
    account = f"account=AC{'b' * 32}\ntoken=t"
    assert run(f"channel add sms {THEIRS} pishin --name mine --stdin", account).exit_code == 0
    assert run("channel remove mine").stdout == "mine is removed\n"
    assert run("channel remove mine").exit_code == 1
    assert run(f"channel add sms {THEIRS} pishin --name mine --stdin", account).exit_code == 0
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO contacts (id, channel_id, address_tag, address_box)"
            " SELECT gen_random_uuid(), id, '', '' FROM channels WHERE name = 'mine'"
        )
    refused = run("channel remove mine")
    assert refused.exit_code == 1
    assert "1 contacts have written to mine" in refused.stderr
    assert "switched off" in run("channel remove mine --retire").stdout
    (row,) = [row for row in json.loads(run("channel list --json").stdout) if row["address"] == THEIRS]
    assert (row["state"], row["name"], row["contacts"]) == ("retired", None, 1)
    with psycopg.connect(database_url) as connection:
        kept = connection.execute("SELECT config_box FROM channels WHERE address = %s", (THEIRS,)).fetchone()
        acts = connection.execute("SELECT action FROM audit WHERE action LIKE 'channel.%' ORDER BY id").fetchall()
    assert kept == (None,)
    assert [act for (act,) in acts] == ["channel.add", "channel.remove", "channel.add", "channel.retire"]
    assert run(f"channel add sms {THEIRS} pishin --name mine --stdin", account).exit_code == 0
    (row,) = [row for row in json.loads(run("channel list --json").stdout) if row["address"] == THEIRS]
    assert row["state"] == "ready"
