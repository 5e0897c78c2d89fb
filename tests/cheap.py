"""What a test may have for less than it costs, where what it costs is not what is tried."""

from __future__ import annotations

from functools import cache

import pytest

from store import crypto

REAL = (crypto.CODE_OPSLIMIT, crypto.CODE_MEMLIMIT)  # what the house pays: tests/store/test_crypto.py


@pytest.fixture(autouse=True)
def cheap_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash of a number in a thousandth of the time: every report has one.

    For rooms whose tests stay in one process. A town that `jawab up` starts reckons what the house reckons.
    """
    monkeypatch.setattr(crypto, "CODE_OPSLIMIT", 1)
    monkeypatch.setattr(crypto, "CODE_MEMLIMIT", 8 * 1024)


@pytest.fixture
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """A private key under a password in a thousandth of the time: for readers whom the test hires itself."""
    monkeypatch.setattr(crypto, "KEY_OPSLIMIT", 1)
    monkeypatch.setattr(crypto, "KEY_MEMLIMIT", 8 * 1024)


@cache
def open_private(box: bytes, password: str, salt: bytes) -> bytes:
    """The private key of one of the demo's readers, which costs a second of Argon2, once for a run."""
    return crypto.unlock_private(box, password, salt)
