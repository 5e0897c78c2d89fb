from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.crypto import Keys, Unopened, new_keypair, open_item, seal_item


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


@pytest.mark.parametrize("text", ["", "zz" * 32, "ab" * 31, "not a key"])
def test_a_malformed_key_file_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "master.key"
    path.write_text(text)
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        Keys.load(path)


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
