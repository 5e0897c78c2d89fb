"""A device that a login was opened on before: a long cookie that we signed. It opens nothing: it is no stranger."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

from starlette.requests import Request
from starlette.responses import Response

from store.crypto import Keys

KNOWN_FOR = 180 * 24 * 3600  # seconds


def known(request: Request, keys: Keys, login: str, base_url: str) -> str:
    """The device's id, where its cookie was given after a right password for this login; else ""."""
    device, _, rest = request.cookies.get(_name(login, base_url), "").partition(".")
    since, _, signature = rest.partition(".")
    if not (device and since.isascii() and since.isdigit() and len(since) <= 12):
        return ""
    if not 0 <= time.time() - int(since) < KNOWN_FOR:
        return ""
    return device if hmac.compare_digest(signature.encode(), _sign(keys, login, device, since).encode()) else ""


def remember(response: Response, keys: Keys, login: str, base_url: str) -> None:
    device, since = secrets.token_hex(12), str(int(time.time()))
    response.set_cookie(
        _name(login, base_url),
        f"{device}.{since}.{_sign(keys, login, device, since)}",
        max_age=KNOWN_FOR,
        path="/",
        httponly=True,
        samesite="strict",
        secure=base_url.startswith("https://"),
    )


def _sign(keys: Keys, login: str, device: str, since: str) -> str:
    return keys.tag("known-device", login, device, since).hex()


def _name(login: str, base_url: str) -> str:
    """One for each login: colleagues share machines."""
    mark = hashlib.sha256(login.encode()).hexdigest()[:12]
    return f"{'__Host-' if base_url.startswith('https://') else ''}jawab-device-{mark}"
