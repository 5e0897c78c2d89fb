from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.pwhash import argon2id

from store import crypto
from store.crypto import Keys, Malformed, Unopened, new_keypair, open_item, seal_item
from tests import cheap


def test_a_box_opens_only_in_its_own_place(keys: Keys) -> None:
    box = keys.encrypt(b"words", "inbox|body|1")
    assert keys.decrypt(box, "inbox|body|1") == b"words"
    with pytest.raises(Unopened):
        keys.decrypt(box, "inbox|body|2")


def test_a_changed_box_does_not_open(keys: Keys) -> None:
    box = bytearray(keys.encrypt(b"words", "a"))
    box[-1] ^= 1
    with pytest.raises(Unopened):
        keys.decrypt(bytes(box), "a")


def test_an_old_key_still_opens_after_a_new_one_is_added() -> None:
    old, new = b"o" * 32, b"n" * 32
    box = Keys((old,)).encrypt(b"words", "a")
    both = Keys((new, old))
    assert both.decrypt(box, "a") == b"words"
    assert both.tag("x") == Keys((old,)).tag("x")
    with pytest.raises(Unopened):
        Keys((new,)).decrypt(box, "a")


RANDOM = bytes(range(7, 39)).hex()


def write(path: Path, text: str, mode: int = 0o400) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        ("", 0o400, "64 hexadecimal digits"),
        ("zz" * 32, 0o400, "64 hexadecimal digits"),
        ("ab" * 31, 0o400, "64 hexadecimal digits"),
        (RANDOM + "00", 0o400, "64 hexadecimal digits"),
        ("\0" * 64, 0o400, "64 hexadecimal digits"),
        ("00" * 32, 0o400, "hardly any different bytes"),
        (RANDOM + "\n" + "ff" * 32, 0o400, "hardly any different bytes"),
        (RANDOM + "\n" + RANDOM, 0o400, "twice"),
        (RANDOM, 0o644, "chmod 0400"),
        (RANDOM, 0o440, "chmod 0400"),
        (RANDOM, 0o602, "chmod 0400"),
    ],
)
def test_a_damaged_key_file_is_refused_in_one_line_that_says_what_to_do(
    tmp_path: Path, text: str, mode: int, why: str
) -> None:
    path = write(tmp_path / "master.key", text, mode)
    with pytest.raises(Malformed, match=why) as refused:
        Keys.load(path)
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)
    assert RANDOM not in str(refused.value)


@pytest.mark.parametrize("text", ["", "00" * 32, "ab" * 31])
def test_a_damaged_escrow_is_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path / "escrow.pub", text)
    with pytest.raises(Malformed, match=r"escrow\.pub"):
        Keys.load(write(tmp_path / "master.key", RANDOM))


@pytest.mark.parametrize("gone", ["master.key", "escrow.pub"])
def test_keys_are_made_for_new_data_only(tmp_path: Path, gone: str) -> None:
    path = tmp_path / "keys" / "master.key"
    made = Keys.create(path)
    assert Keys.create(path, new=False) == made
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o400}
    (path.parent / gone).unlink()
    before = sorted(path.parent.iterdir())
    with pytest.raises(Malformed, match=r"bring it back") as refused:
        Keys.create(path, new=False)
    assert str(path.parent / gone) in str(refused.value)
    assert sorted(path.parent.iterdir()) == before, "nothing was made"


def test_a_first_start_that_was_killed_between_two_keys_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    made = Keys.create(path)
    (tmp_path / "escrow.pub").unlink()
    assert Keys.create(path) == made


def test_a_rotated_key_file_opens_what_was_written_and_finds_who_wrote(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    old = Keys.create(path)
    box = old.encrypt(b"words", "a")
    new = Keys.rotate(path)
    assert new == Keys.load(path)
    assert new.masters[1:] == old.masters
    assert path.stat().st_mode & 0o777 == 0o400
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []
    assert new.decrypt(box, "a") == b"words"
    with pytest.raises(Unopened):
        old.decrypt(new.encrypt(b"words", "a"), "a")
    assert new.tag("phone", "+15550001") == old.tag("phone", "+15550001")
    assert new.hash_code("900000000001") == old.hash_code("900000000001")
    third = Keys.rotate(path)
    assert third.decrypt(box, "a") == b"words"
    assert len(set(third.fingerprints)) == 3


@given(plain=st.binary(max_size=3000))
def test_a_sealed_item_opens_for_its_readers_and_its_length_says_little(plain: bytes) -> None:
    (mine, my_public), (other, _) = new_keypair(), new_keypair()
    blob, wraps = seal_item(plain, "case", "item", {"me": my_public})
    assert (len(blob) - 2 - 24 - 16) % 1024 == 0
    assert open_item(blob, wraps["me"], mine, "case", "item") == plain
    for private, case in ((other, "case"), (mine, "another")):
        with pytest.raises(Unopened):
            open_item(blob, wraps["me"], private, case, "item")


def test_an_item_sealed_to_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="lost"):
        seal_item(b"words", "case", "item", {})


def test_a_number_costs_the_house_64_mib_twice_over(keys: Keys) -> None:
    """Many tests pay less (tests/cheap.py); this is what whoever guesses pays."""
    assert (crypto.CODE_OPSLIMIT, crypto.CODE_MEMLIMIT) == cheap.REAL == (2, 64 * 1024 * 1024)
    for made, salt in ((keys.hash_code, "code-salt"), (keys.code_key, "code-key-salt")):
        dear = argon2id.kdf(32, b"4821773091542", keys.derive(salt)[:16], opslimit=2, memlimit=64 * 1024 * 1024)
        assert made("4821773091542") == dear
