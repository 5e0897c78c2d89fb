"""Brief boxes: what is only on its way, under the key of its hour. How `store.crypto.Keys` makes and opens them."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

import nacl.bindings as sodium
import nacl.utils
from nacl.exceptions import CryptoError
from pydantic_core import to_json

from store import hours
from store.hours import BRIEF, Hours

NONCE = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
BRIEF_PAD = 512  # a brief box is padded to this, as most messages are, or twice, four times … as much,
MOST_PAD = 64 * 1024  # and from here on, as a large sealed item, to a multiple of this


class Unopened(Exception):
    """A box that this key does not open, or that was changed."""


class BriefKeys:
    """What is asked of keys without knowing how boxes are made, and the part of them that forgets."""

    __slots__ = ()
    hours: Hours

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose."""
        raise NotImplementedError

    def encrypt(self, plain: bytes, bound_to: str) -> bytes:
        """Make a box that lasts."""
        raise NotImplementedError

    def decrypt(self, box: bytes, bound_to: str) -> bytes:
        """Open a box of either kind."""
        raise NotImplementedError

    def tag(self, *parts: str) -> bytes:
        """A keyed hash to look an address up by, without storing it in clear."""
        return hmac.digest(self.derive("tag"), "\x1f".join(parts).encode(), "sha256")

    def put_json(self, thing: Any, bound_to: str) -> bytes:
        return self.encrypt(to_json(thing), bound_to)

    def get_json(self, box: bytes, bound_to: str) -> Any:
        return json.loads(self.decrypt(box, bound_to))

    def encrypt_brief(self, plain: bytes, bound_to: str, *, as_long_as: int = 0, at: float | None = None) -> bytes:
        """As `encrypt`, for what is only on its way. `decrypt` opens it while the key of its hour lives.

        Its length is that of a box of at least `as_long_as` bytes. Raises OSError where no key can be kept.
        """
        hour, key = self.hours.of(hours.now() if at is None else at)
        # ISO/IEC 7816-4, as sodium_unpad reads it: sodium_pad takes twenty times as long over its checks.
        padded = (plain + b"\x80").ljust(_bucket(max(len(plain), as_long_as)), b"\0")
        nonce, head = nacl.utils.random(NONCE), BRIEF + hours.mark(hour)
        box = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(padded, head + _aad(bound_to), nonce, self._brief(key))
        return head + nonce + box

    def put_brief(self, thing: Any, bound_to: str, *, at: float | None = None) -> bytes:
        return self.encrypt_brief(to_json(thing), bound_to, at=at)

    def put_nothing(self, thing: Any, bound_to: str) -> bytes:
        """A brief box without words that is as long as one of `thing`: nobody can tell them apart later."""
        return self.encrypt_brief(b"{}", bound_to, as_long_as=len(to_json(thing)))

    def brief_tag(self, *parts: str, at: float | None = None) -> bytes:
        """As `tag`, under the key of the hour: what is looked up by it is found by one of `brief_tags`."""
        return self._tag_under(self.hours.of(hours.now() if at is None else at)[1], parts)

    def brief_tags(self, *parts: str) -> list[bytes]:
        """What `brief_tag` may have given, by the key of each hour that lives."""
        return [self._tag_under(key, parts) for key in self.hours.living()]

    def _tag_under(self, key: bytes, parts: tuple[str, ...]) -> bytes:
        return hmac.new(self._brief(key), "\x1f".join(("tag", *parts)).encode(), hashlib.sha256).digest()

    def renew(self, box: bytes, bound_to: str, now: datetime) -> bytes | None:
        """The same under a younger key; None for what nobody opens any more."""
        try:
            return self.encrypt_brief(self.decrypt(box, bound_to), bound_to, at=now.timestamp())
        except Unopened:
            return None

    def _open_brief(self, box: bytes, bound_to: str) -> bytes:
        key = self.hours.find(int.from_bytes(box[2:6], "big"))
        if key is None:
            raise Unopened(bound_to)
        try:
            padded = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
                box[6 + NONCE :], box[:6] + _aad(bound_to), box[6 : 6 + NONCE], self._brief(key)
            )
        except CryptoError:
            raise Unopened(bound_to) from None
        return sodium.sodium_unpad(padded, _bucket(len(padded) - 1))

    def _brief(self, key: bytes) -> bytes:
        return hashlib.blake2b(key, key=self.derive("brief"), digest_size=32, person=b"jawab-brief").digest()


def _aad(bound_to: str) -> bytes:
    return b"t1|" + bound_to.encode()


def _bucket(length: int) -> int:
    """To what the padding of so many bytes goes: at least one byte is added."""
    size = BRIEF_PAD
    while size <= length and size < MOST_PAD:
        size *= 2
    return size


def older_than(now: datetime) -> dict[str, bytes]:
    """Of brief boxes those that are to be renewed lie between these: `box >= %(from)s AND box < %(to)s`."""
    return {"from": BRIEF, "to": BRIEF + hours.mark(hours.oldest(now))}


def gone_before(now: datetime) -> dict[str, bytes]:
    """As `older_than`, of brief boxes whose keys should be gone by now."""
    return {"from": BRIEF, "to": BRIEF + hours.mark(hours.oldest_key(now))}
