"""`jawab protected …` and `jawab outside …`: an operator is led to an open door, and each wrong hand is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import yaml
from typer.testing import CliRunner

import cli
from store.crypto import Keys, fingerprint

runner = CliRunner()
BODY = {"names": {"en": "Test line"}, "phone": "1043", "source": "written for a test", "read_on": "2026-11-01"}


@pytest.fixture
def folder(
    data: Path, database_url: str, keys: Keys, demo: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The keys' folder of a house of its own, in which a real district is served."""
    shutil.copytree(data / "keys", tmp_path / "var" / "keys")
    monkeypatch.setenv("JAWAB_DATA", str(tmp_path / "var"))
    monkeypatch.setenv("JAWAB_DATABASE_URL", database_url)
    monkeypatch.setattr("store.logs.configure", lambda _: None)
    assert runner.invoke(cli.app, ["district", "add", "quetta"]).exit_code == 0
    return tmp_path / "var" / "keys"


def tell() -> dict[str, Any]:
    """What the command says of the door, for a program."""
    told: dict[str, Any] = json.loads(runner.invoke(cli.app, ["protected", "open", "--json"]).stdout)
    return told


def refused(*words: str) -> str:
    """The one line in which a command refuses."""
    ran = runner.invoke(cli.app, list(words))
    assert ran.exit_code == 1, ran.output
    assert ran.stderr.startswith("jawab: ")
    assert ran.stderr.count("\n") == 1
    return ran.stderr


def test_the_door_is_opened_step_by_step_and_each_step_stands_where_it_was_left(
    folder: Path, tmp_path: Path, database_url: str
) -> None:
    def todo() -> list[int]:
        return [number for number, step in enumerate(tell()["steps"], 1) if not step["done"]]

    assert todo() == [2, 3, 4, 5, 6, 7, 8], "the private half lies where it was made"
    assert "still lies in" in refused("protected", "open", "--fingerprint", tell()["escrow"])
    (folder / "escrow.key").rename(tmp_path / "stick")
    assert todo() == [3, 4, 5, 6, 7, 8]
    assert "do not go on" in refused("protected", "open", "--fingerprint", "0000-0000-0000-0000")
    runner.invoke(cli.app, ["protected", "open", "--fingerprint", tell()["escrow"]])
    assert todo() == [4, 5, 6, 7, 8]
    assert tell()["pinned"] == tell()["escrow"]
    for login in ("first", "second"):
        assert not tell()["open"]
        made = runner.invoke(cli.app, ["staff", "add", login, "protected", "--name", login])
        assert made.exit_code == 0, made.output
    assert not tell()["open"], "whoever can write the table of staff makes nobody a reader"
    key, list_ = str(tmp_path / "trustee"), str(tmp_path / "roster.json")
    public = runner.invoke(cli.app, ["roster", "key", key]).stdout.strip()
    for words in (["pin", public], ["export", list_], ["sign", list_, "--key", key], ["load", list_]):
        ran = runner.invoke(cli.app, ["roster", *words])
        assert ran.exit_code == 0, ran.output
    assert tell()["open"], "what is left keeps nobody from telling"
    assert tell()["readers"] == ["first", "second"]
    assert runner.invoke(cli.app, ["staff", "add", "sorts", "triage", "--name", "T"]).exit_code == 0
    (tmp_path / "list.yaml").write_text(yaml.safe_dump({"districts": {"quetta": [BODY]}}))
    assert runner.invoke(cli.app, ["outside", "load", str(tmp_path / "list.yaml")]).exit_code == 0
    assert todo() == [6], "whoever reads shows it at the desk: tests/desk/test_proof.py"
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("UPDATE sealed.proofs SET opened_at = now()")
    ended = runner.invoke(cli.app, ["protected", "open"])
    assert ended.exit_code == 0
    assert "nothing is missing" in ended.stdout
    told = runner.invoke(cli.app, ["doctor"]).stdout
    assert "protected door open" in told
    assert f"escrow pinned {tell()['pinned']}, readers first, second, others to ask named" in told
    assert "not ready" not in told


def test_what_is_missing_is_said_by_the_doctor(folder: Path) -> None:
    told = runner.invoke(cli.app, ["doctor"]).stdout
    assert "protected door closed" in told
    for missing in ("its private half", "pinned", "2 protected handlers", "triage of the province", "quetta"):
        assert missing in told, missing


def test_a_pair_is_made_elsewhere_and_its_private_half_is_refused_here(folder: Path, tmp_path: Path) -> None:
    made = runner.invoke(cli.app, ["protected", "pair", str(tmp_path / "stick")])
    assert made.exit_code == 0, made.output
    private, public = ((tmp_path / "stick" / name).read_text().strip() for name in ("escrow.key", "escrow.pub"))
    print_ = fingerprint(bytes.fromhex(public))
    assert f"--escrow {public} --fingerprint {print_}" in made.stdout
    before = (folder / "escrow.pub").read_text()
    assert "private half" in refused("protected", "open", "--escrow", private, "--fingerprint", print_)
    assert "private half" in refused("protected", "open", "--escrow", (folder / "escrow.key").read_text().strip())
    assert "64 hexadecimal" in refused("protected", "open", "--escrow", "secret", "--fingerprint", print_)
    assert "compare the two" in refused("protected", "open", "--escrow", public)
    assert (folder / "escrow.pub").read_text() == before
    (folder / "escrow.key").unlink()
    taken = runner.invoke(cli.app, ["protected", "open", "--escrow", public, "--fingerprint", print_])
    assert "start Jawab again" in taken.stdout
    assert tell()["pinned"] == print_
    assert "once for all" in refused(
        "protected", "open", "--escrow", "11" * 32, "--fingerprint", fingerprint(bytes.fromhex("11" * 32))
    )
    assert "File exists" in refused("protected", "pair", str(tmp_path / "stick"))


def test_a_pinned_escrow_is_changed_by_nobody(folder: Path, database_url: str) -> None:
    (folder / "escrow.key").unlink()
    runner.invoke(cli.app, ["protected", "open", "--fingerprint", tell()["escrow"]])
    with psycopg.connect(database_url, autocommit=True) as owner, pytest.raises(psycopg.Error, match="append-only"):
        owner.execute("UPDATE sealed.escrow SET public_key = sha256('x')")


def test_a_protected_login_that_could_never_read_is_refused(folder: Path) -> None:
    assert "without --district" in refused("staff", "add", "one", "protected", "--name", "x", "--district", "quetta")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"phone": "one"}, "3 to 15 digits"),
        ({"phone": 1043}, "3 to 15 digits"),
        ({"source": ""}, "source"),
        ({"read_on": "2999-01-01"}, "lies ahead"),
        ({"read_on": "soon"}, "read_on"),
        ({"names": {}}, "names"),
        ({"names": {"xx": "x"}}, "no language"),
        ({"names": {"en": "x" * 41}}, "1 to 40"),
        ({"phone": "+15005550006"}, "a number of ours"),
        ({"more": "x"}, "more"),
    ],
)
def test_what_is_no_address_is_refused_and_nothing_of_the_file_is_kept(
    folder: Path, tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    (tmp_path / "list.yaml").write_text(yaml.safe_dump({"districts": {"quetta": [BODY, {**BODY, **change}]}}))
    assert why in refused("outside", "load", str(tmp_path / "list.yaml"))
    rows = json.loads(runner.invoke(cli.app, ["outside", "list", "--json"]).stdout)
    assert [row["demo"] for row in rows] == [True]


def test_a_list_that_an_sms_has_no_room_for_is_refused(folder: Path, tmp_path: Path) -> None:
    many = [{**BODY, "phone": f"10{number}", "names": {"en": "n" * 40}} for number in range(10, 13)]
    (tmp_path / "list.yaml").write_text(yaml.safe_dump({"districts": {"quetta": many[:1]}, "province": many[1:]}))
    assert "100" in refused("outside", "load", str(tmp_path / "list.yaml"))


def test_others_to_ask_are_listed_and_taken_off(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text(yaml.safe_dump({"province": [BODY]}))
    assert runner.invoke(cli.app, ["outside", "load", str(tmp_path / "list.yaml")]).exit_code == 0
    assert "1043" in runner.invoke(cli.app, ["outside", "list"]).stdout
    assert "no such number" in refused("outside", "remove", "quetta", "1043")
    assert runner.invoke(cli.app, ["outside", "remove", "province", "1043"]).exit_code == 0
    assert "1043" not in runner.invoke(cli.app, ["outside", "list"]).stdout
    assert "not served here" in refused("outside", "load", str(_of(tmp_path, "nowhere")))


def _of(folder: Path, district: str) -> Path:
    path = folder / f"{district}.yaml"
    path.write_text(yaml.safe_dump({"districts": {district: [BODY]}}))
    return path
