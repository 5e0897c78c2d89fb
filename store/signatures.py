"""Signatures that are made away from this machine, and checked here (Ed25519)."""

from __future__ import annotations

from functools import lru_cache

import nacl.utils
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey


def new_signer() -> tuple[bytes, bytes]:
    """(private, public) for signing, 32 bytes each (Ed25519)."""
    private = nacl.utils.random(32)
    return private, signer_of(private)


def signer_of(private: bytes) -> bytes:
    """The public half of a private signing key."""
    return bytes(SigningKey(private).verify_key)


def sign(private: bytes, text: bytes) -> bytes:
    return bytes(SigningKey(private).sign(text).signature)


@lru_cache(maxsize=64)
def is_signed(public: bytes, text: bytes, signature: bytes) -> bool:
    """Whether this key has signed this text. False also for what is no key or no signature."""
    try:
        VerifyKey(public).verify(text, signature)
    except (CryptoError, ValueError):
        return False
    return True
