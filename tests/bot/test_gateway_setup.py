"""How a telephone is given to a district: what is asked, what the telephone is told, what is left to do by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

import cli
from bot.channels.gateway import Gateway
from bot.channels.gateway.preset import PRESETS, make_secret
from store.crypto import Keys
from tests.bot.cupboard import opened
from tests.providers.gateway import FakeGateway

runner = CliRunner()
NUMBER = "+923000000077"


@pytest.fixture
def here(data: Path, database_url: str, keys: Keys, demo: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which the command finds its parts."""
    monkeypatch.setenv("JAWAB_DATA", str(data))
    monkeypatch.setenv("JAWAB_DATABASE_URL", database_url)
    monkeypatch.setenv("JAWAB_PUBLIC_URL", "https://jawab.test")
    monkeypatch.setattr("store.logs.configure", lambda _: None)


def run(words: str, stdin: str = "") -> Any:
    return runner.invoke(cli.app, words.split(), input=stdin)


def typed(fake: FakeGateway, **more: str) -> str:
    """Answers to the questions, in their order; what is left out is left to its default."""
    given = {"preset": "smsgate", "url": fake.url, "user": fake.user, "password": fake.password} | more
    return "".join(given.get(ask.name, "") + "\n" for ask in Gateway.asks({"preset": "smsgate"}))


def test_the_command_asks_tells_the_telephone_and_says_what_is_left_to_do(here: None, handset: FakeGateway) -> None:
    done = run(f"channel add gateway {NUMBER} pishin --name cupboard", typed(handset))
    assert done.exit_code == 0, done.output
    assert "web hook to give to the provider: https://jawab.test/in/gateway/cupboard" in done.output
    made = re.search(r"Signing Key: ([a-z2-7]{24})", done.output)
    assert made
    assert "Interval (seconds): 300" in done.output
    assert handset.password not in done.output
    assert {hook["url"] for hook in handset.hooks.values()} == {"https://jawab.test/in/gateway/cupboard"}
    assert run("channel test cupboard").output == "cupboard (gateway): well\n"
    (listed,) = [row for row in json.loads(run("channel list --json").output) if row["name"] == "cupboard"]
    assert (listed["kind"], listed["address"], listed["state"], listed["heard"]) == ("gateway", NUMBER, "ready", None)


def test_a_telephone_that_is_away_is_added_and_told_later(here: None, handset: FakeGateway) -> None:
    handset.stop()
    done = run(f"channel add gateway {NUMBER} pishin --name cupboard", typed(handset))
    assert done.exit_code == 0
    assert "the gateway cannot be reached; again with `jawab channel test cupboard --connect`" in done.output
    assert run("channel test cupboard").exit_code == 1
    handset.start()
    told = run("channel test cupboard")
    assert "not told to post here: sms:received" in told.output
    assert run("channel test cupboard --connect").output == "cupboard (gateway): well\n"


@pytest.mark.parametrize("number", ["03001234567", "+92 300 1234567", "8300", "whatsapp"])
def test_a_number_of_ours_is_written_whole(number: str, here: None, handset: FakeGateway) -> None:
    """A receipt, and a message from another number of ours, are compared with it."""
    done = runner.invoke(cli.app, ["channel", "add", "gateway", number, "pishin", "--name", "x"], input=typed(handset))
    assert done.exit_code != 0
    assert "is no number of ours" in done.output


def test_a_key_too_short_is_not_taken(here: None, handset: FakeGateway) -> None:
    """The app makes one of eight letters for itself."""
    words = f"channel add gateway {NUMBER} pishin --name cupboard --stdin"
    given = f"preset=smsgate\nurl={handset.url}\nuser=u\npassword=p\nsecret=eightltr\n"
    done = run(words, given)
    assert done.exit_code == 2
    assert "secret is not well-formed" in done.output
    assert "eightltr" not in done.output


async def test_the_telephone_is_told_once_where_to_post(handset: FakeGateway) -> None:
    channel = opened(handset)
    assert "sms:received" in await channel.probe()
    for _ in range(2):
        assert await channel.connect() == ""
    assert await channel.probe() == ""
    await channel.close()
    assert sorted(hook["event"] for hook in handset.hooks.values()) == sorted(PRESETS["smsgate"].events)
    assert max(len(id_) for id_ in handset.hooks) <= 36


async def test_what_is_wrong_with_the_set_up_is_said_in_one_line(handset: FakeGateway) -> None:
    wrong = opened(handset, password="wrong")
    away = opened(handset, url="http://127.0.0.1:9")
    nowhere = opened(handset, url=f"{handset.url}/nowhere")
    for channel, says in ((wrong, "password"), (away, "reached"), (nowhere, "404")):
        for told in (await channel.probe(), await channel.connect()):
            assert says in told
            assert "\n" not in told
        await channel.close()


def test_what_is_left_to_do_by_hand_names_the_key_that_was_made() -> None:
    made = make_secret()
    assert re.fullmatch(r"[a-z2-7]{24}", made)
    assert make_secret() != made
    steps = opened(FakeGateway(secret=made)).steps()
    assert any(made in step for step in steps)
    assert any("300" in step for step in steps)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_says_what_it_must(preset: str) -> None:
    """Each further one is a file of data; what it names must be there."""
    one = PRESETS[preset]
    assert {ask.name for ask in Gateway.asks({"preset": preset})} >= {"preset", "url", "secret"}
    assert {"message", "delivered", "failed"} <= {event.what for event in one.events.values()}
    assert 0 < one.stay_most < 86_400
    assert all(wait >= 0 for wait in [words.wait for words in (*one.reasons, *one.refusals)])
