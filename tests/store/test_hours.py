from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from store.crypto import Keys, Unopened
from store.hours import Hours, of_box

NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
AT = NOW.timestamp()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys((bytes(range(32)),), hours=Hours(tmp_path / "fleeting"))


def test_what_is_brief_opens_while_the_key_of_its_hour_lives_and_never_after(keys: Keys) -> None:
    box = keys.encrypt_brief(b"words", "inbox|body|1", at=AT)
    assert keys.decrypt(box, "inbox|body|1") == b"words"
    assert keys.hours.destroy(NOW + timedelta(hours=21)) == 0
    assert keys.decrypt(box, "inbox|body|1") == b"words"
    assert keys.hours.destroy(NOW + timedelta(hours=22)) == 1
    for _ in range(2):  # the second time its hour has a key again, which is another
        with pytest.raises(Unopened):
            keys.decrypt(box, "inbox|body|1")
        keys.hours.of(AT)


def test_it_is_bound_to_its_row_and_its_hour(keys: Keys) -> None:
    box = keys.encrypt_brief(b"words", "inbox|body|1", at=AT)
    later = keys.encrypt_brief(b"words", "inbox|body|1", at=AT + 3600)
    for moved, place in ((box, "inbox|body|2"), (box[:2] + later[2:6] + box[6:], "inbox|body|1")):
        with pytest.raises(Unopened):
            keys.decrypt(moved, place)


def test_the_house_key_alone_opens_nothing_brief_nor_does_the_hours_alone(keys: Keys, tmp_path: Path) -> None:
    box = keys.encrypt_brief(b"words", "a", at=AT)
    for other in (Keys(keys.masters, hours=Hours(tmp_path / "empty")), Keys((bytes(32),), hours=keys.hours)):
        with pytest.raises(Unopened):
            other.decrypt(box, "a")


def test_every_process_has_the_key_that_was_made_first(keys: Keys) -> None:
    other = Keys(keys.masters, hours=Hours(keys.hours.folder))
    assert other.decrypt(keys.encrypt_brief(b"a", "x", at=AT), "x") == b"a"
    assert keys.decrypt(other.encrypt_brief(b"b", "x", at=AT), "x") == b"b"
    assert [file.stat().st_mode & 0o777 for file in keys.hours.folder.iterdir()] == [0o600]
    assert keys.hours.folder.stat().st_mode & 0o777 == 0o700


def test_a_box_without_words_is_as_long_as_one_with_them(keys: Keys) -> None:
    for words in ("", "پانی", "پانی نہیں آ رہا " * 40):
        full, empty = keys.put_brief({"text": words}, "a"), keys.put_nothing({"text": words}, "a")
        assert len(full) == len(empty)
        assert keys.get_json(empty, "a") == {}
    assert len(keys.put_brief({"text": "1"}, "a")) == len(keys.put_brief({"text": "ہاں، ضرور"}, "a"))


def test_what_is_renewed_stands_under_the_younger_hour(keys: Keys) -> None:
    box = keys.encrypt_brief(b"words", "a", at=AT)
    younger = keys.renew(box, "a", NOW + timedelta(hours=20))
    assert younger is not None
    assert (of_box(box), of_box(younger)) == (int(AT // 3600), int(AT // 3600) + 20)
    keys.hours.destroy(NOW + timedelta(hours=30))
    assert keys.decrypt(younger, "a") == b"words"
    assert keys.renew(box, "a", NOW + timedelta(hours=30)) is None


def test_a_code_is_found_by_its_tag_as_long_as_its_hour_lives(keys: Keys) -> None:
    tag = keys.brief_tag("card", "9000000000001", at=AT)
    assert tag in keys.brief_tags("card", "9000000000001")
    assert tag not in keys.brief_tags("card", "9000000000002")
    keys.hours.destroy(NOW + timedelta(hours=22))
    assert tag not in keys.brief_tags("card", "9000000000001")
