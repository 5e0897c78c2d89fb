"""The trustee's commands: keys and signatures are made where nothing of ours runs."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cases.protected import roster
from cases.protected.signing import Roster, Signed, Trust, Unsound
from cli import app
from desk import protected_roster as door
from store.crypto import Keys
from store.database import Database
from store.jawab import Jawab
from store.signatures import signer_of
from tests.desk.conftest import Hire
from tests.roster import TRUSTEE

run = CliRunner()


async def test_from_a_key_to_a_roster_in_force(db: Database, jawab: Jawab, hire: Hire, tmp_path: Path) -> None:
    key, file = tmp_path / "trustee.key", tmp_path / "roster.json"
    made = run.invoke(app, ["roster", "key", str(key)])
    assert made.exit_code == 0
    assert stat.S_IMODE(key.stat().st_mode) == 0o400
    public = made.stdout.strip()
    assert signer_of(bytes.fromhex(key.read_text())).hex() == public
    assert run.invoke(app, ["roster", "key", str(key)]).exit_code == 1, "a key that is there is not written over"

    await door.pin(db, jawab.keys, [public], 1)
    await hire("protected", None, vouched=False)
    (told,) = [row["kind"] for row in await door.find_wrong(jawab)]
    assert told.startswith("roster_unvouched t")
    assert told.endswith("no roster is signed yet")
    file.write_text(Signed((await door.export(db)).write()).write())
    with pytest.raises(Unsound, match="signed by 0"):
        await door.load(db, Signed.read(file.read_text()))
    signing = run.invoke(app, ["roster", "sign", str(file), "--key", str(key)])
    assert signing.exit_code == 0, signing.output
    assert (await door.load(db, Signed.read(file.read_text()))).version == 1
    assert await door.find_wrong(jawab) == []
    (row,) = [row for row in await door.show(db) if not row["demo"]]
    assert (row["reads"], row["version"]) == ("yes", 1)
    assert row["key"] in signing.output, "the trustee compares what the handler reads aloud"


async def test_the_demos_own_trustee_is_refused_for_everybody_else(
    db: Database, keys: Keys, demo: object, tmp_path: Path
) -> None:
    own = roster.demo_trustee(keys)
    with pytest.raises(Unsound, match="the demo's own"):
        await door.pin(db, keys, [signer_of(own).hex()], 1)
    file, key = tmp_path / "roster.json", tmp_path / "key"
    key.write_text(own.hex())
    file.write_text(Signed(Roster(2, demo=True, trust=Trust((signer_of(own),), 1), people=()).write()).write())
    refused = run.invoke(app, ["roster", "sign", str(file), "--key", str(key)])
    assert refused.exit_code == 1
    assert "is the demo's" in refused.output


@pytest.mark.parametrize(
    ("roster_text", "key_text", "said"),
    [
        ("{}", TRUSTEE.hex(), "this file is no roster"),
        (None, TRUSTEE.hex(), "No such file"),
        (Signed("{}").write(), TRUSTEE.hex(), "no roster"),
        (Signed(Roster(1, False, Trust((bytes(32),), 1), ()).write()).write(), "abc", "64 hexadecimal digits"),
    ],
)
def test_what_cannot_be_signed_is_said_in_one_line(
    tmp_path: Path, roster_text: str | None, key_text: str, said: str
) -> None:
    file, key = tmp_path / "roster.json", tmp_path / "key"
    key.write_text(key_text)
    if roster_text is not None:
        file.write_text(roster_text)
    refused = run.invoke(app, ["roster", "sign", str(file), "--key", str(key)])
    assert refused.exit_code == 1
    assert said in refused.output
    assert len(refused.output.strip().splitlines()) == 1


@pytest.mark.parametrize("publics", [["abc"], ["00"], [TRUSTEE.hex(), TRUSTEE.hex()]])
async def test_what_is_no_trustee_is_not_pinned(db: Database, keys: Keys, demo: object, publics: list[str]) -> None:
    with pytest.raises(Unsound):
        await door.pin(db, keys, publics, 2)
