"""Fresh case codes: the dice are thrown here."""

from __future__ import annotations

import secrets

from flows import codes


def fresh_code() -> str:
    """A case code that nobody can guess: 12 digits, of which 11 are random, and their check digit.

    It begins with 9, as no identity card does, and not with 92, as a mobile's number written with its country does.
    """
    drawn = secrets.randbelow(9 * 10**10)
    return codes.complete(f"9{drawn // 10**10 + (drawn >= 2 * 10**10)}{drawn % 10**10:010d}")
