"""The database knows which key file is its own: another one, or none, stops the start in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

import cli
from settings import Settings
from store import house_keys
from store.crypto import Keys, Malformed
from store.database import Database
from store.migrations import migrate

ROOT = Path(__file__).parents[2]
runner = CliRunner()


def another(folder: Path) -> Keys:
    return Keys.create(folder / "another" / "master.key")


def test_the_key_of_the_data_is_pinned_and_a_foreign_one_is_refused(
    database_url: str, keys: Keys, tmp_path: Path
) -> None:
    assert not house_keys.is_new(database_url)
    migrate(database_url, keys)
    with pytest.raises(Malformed, match=keys.fingerprints[0]) as refused:
        migrate(database_url, another(tmp_path))
    assert "\n" not in str(refused.value)
    with psycopg.connect(database_url) as connection:
        pinned = connection.execute("SELECT fingerprint, names FROM house_keys").fetchall()
    assert pinned == [(keys.fingerprints[0], True)]


def test_a_new_key_before_the_old_is_pinned_too_and_none_may_go_or_move(
    database_url: str, keys: Keys, tmp_path: Path
) -> None:
    new = replace(keys, masters=(another(tmp_path).masters[0], *keys.masters))
    migrate(database_url, new)
    migrate(database_url, new)
    for line in (keys, Keys(new.masters[:1]), another(tmp_path / "third")):
        with pytest.raises(Malformed, match=r"master\.key holds"):
            migrate(database_url, line)
    with pytest.raises(Malformed, match=f"its last line must be {keys.fingerprints[-1]}"):
        migrate(database_url, replace(new, masters=new.masters[::-1]))


async def test_a_process_that_runs_looks_too(db: Database, keys: Keys, tmp_path: Path) -> None:
    async with db.autocommit("report") as conn:
        await house_keys.check(conn, keys)
        with pytest.raises(Malformed):
            await house_keys.check(conn, another(tmp_path))


@pytest.mark.parametrize("spoil", ["unlink", "zero", "open", "foreign"])
def test_a_start_with_a_bad_key_ends_in_one_line_without_a_traceback(
    spoil: str, database_url: str, keys: Keys, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "keys"
    folder.mkdir(parents=True)
    assert keys.escrow_public is not None
    for name, key in (("master.key", keys.masters[0]), ("escrow.pub", keys.escrow_public)):
        (folder / name).write_text(key.hex())
        (folder / name).chmod(0o400)
    file = folder / "master.key"
    if spoil == "open":
        file.chmod(0o644)
    else:
        file.unlink()
    if spoil == "zero":
        file.touch(0o600)
        file.write_text("0" * 64)
    if spoil == "foreign":
        Keys.create(file)
    ended = subprocess.run(
        [sys.executable, "-m", "cli", "migrate"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "JAWAB_DATA": str(tmp_path / "data"), "JAWAB_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("jawab: ")
    assert ended.stderr.count("\n") == 1
    assert "master.key" in ended.stderr
    if spoil == "unlink":
        assert not file.exists(), "none was made"


def test_the_key_is_changed_while_nothing_runs_and_shown_by_its_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from house import process

    monkeypatch.setenv("JAWAB_DATA", str(tmp_path))
    path = Settings(data=tmp_path).key_file
    before = Keys.create(path)
    (tmp_path / "run").mkdir()
    held = process.take_lock(tmp_path / "run" / "lock")
    assert held is not None
    refused = runner.invoke(cli.app, ["keys", "rotate"])
    assert refused.exit_code == 2
    assert "stop it first" in str(refused.exception)
    assert Keys.load(path) == before
    os.close(held)
    assert runner.invoke(cli.app, ["keys", "rotate"]).exit_code == 0
    shown = runner.invoke(cli.app, ["keys", "show"]).output
    after = Keys.load(path)
    assert after.masters[1:] == before.masters
    for one in after.fingerprints:
        assert one in shown
    assert after.masters[0].hex() not in shown
