"""Codes of six digits that change every 30 seconds (RFC 6238, HMAC-SHA-1), as every app reckons them. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote

PERIOD = 30  # seconds
DIGITS = 6
SECRET = 20  # bytes
DRIFT = 1  # steps that a phone's clock may be off


def code_at(secret: bytes, step: int) -> str:
    digest = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha1).digest()
    at = digest[-1] & 0xF
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 10**DIGITS:0{DIGITS}}"


def find_step(secret: bytes, code: str, now: float) -> int | None:
    """The step whose code this is, one before to one after `now` (seconds since 1970); None where it is none's."""
    here = int(now // PERIOD)
    fits = [step for step in range(here - DRIFT, here + DRIFT + 1) if _same(code_at(secret, step), code)]
    return fits[-1] if fits else None


def spell(secret: bytes) -> str:
    """As it is typed into an app: base 32, in fours."""
    text = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def address(secret: bytes, login: str) -> str:
    """What the square code says to an app."""
    return f"otpauth://totp/{quote(f'Jawab:{login}')}?secret={spell(secret).replace(' ', '')}&issuer=Jawab"


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
