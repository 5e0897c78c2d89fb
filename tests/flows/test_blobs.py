"""What a program pasted into a message is kept as it came, and nothing is heard in it."""

from __future__ import annotations

import base64
import hashlib
import random

import pytest

from flows import blobs, codes
from flows.effects import KeepStory, LookUp
from flows.engine import step
from flows.load import load_book
from flows.model import Event, Known, Session
from tests.answers import STORY

PICTURE = random.Random(7).randbytes(45_000)
BLOB = base64.b64encode(PICTURE).decode()
HEX = hashlib.shake_256(b"x").hexdigest(30_000)
LINES = base64.encodebytes(PICTURE).decode()


@pytest.mark.parametrize("blob", [BLOB, HEX, LINES, LINES.replace("\n", "\r\n"), f"data:image/png;base64,{BLOB}"])
def test_a_blob_is_no_words_and_its_neighbours_are(blob: str) -> None:
    assert blobs.words(blob).strip() == ""
    assert blobs.is_blob(blob)
    assert blobs.words(f"{STORY} {blob}\n{STORY}").split() == (f"{STORY} {STORY}").split()
    assert not blobs.is_blob(f"{STORY * 3000} {blob[:300]}")


@pytest.mark.parametrize("text", ["", "1", STORY, STORY * 500, "pani nahi aa raha " * 500, BLOB[:150], "x" * 199])
def test_what_people_write_is_words(text: str) -> None:
    assert blobs.words(text) == text
    assert not blobs.is_blob(text)


@pytest.mark.parametrize("blob", [BLOB, HEX, f"data:image/jpeg;base64,{BLOB}"])
@pytest.mark.parametrize("lang", ["", "ur"])
def test_nothing_is_heard_in_a_blob_and_it_is_kept_whole(blob: str, lang: str) -> None:
    """In 60,000 signs of base64 there are words of danger by chance, and in as many of hex a right number."""
    done = step(load_book(), Session(lang=lang), Event("message", Known(at=1.0, code="9000000000007"), text=blob))
    (kept,) = done.effects
    assert isinstance(kept, KeepStory)
    assert [item.text for item in kept.story] == [blob]
    assert not done.sealed


def test_the_words_beside_a_blob_are_heard() -> None:
    known = Known(at=1.0, code="9000000000007")
    code = codes.complete("940000000000")
    done = step(load_book(), Session(lang="ur"), Event("message", known, text=f"{code} {BLOB}"))
    assert [effect.code for effect in done.effects if isinstance(effect, LookUp)] == [code]
