"""Keys and boxes: the only module that knows how words are encrypted.

Two tiers. Tier 1 (ordinary words): XChaCha20-Poly1305 under the house's key file, bound to table, column and row, so
that a dump, the write-ahead log and a backup are dull. Tier 2 (protected words): a fresh key for each item, sealed to
the public key of each reader, so that the house's own key opens nothing. What is only on its way is brief: it stands
under the key of its hour besides (store.hours), and opens to nobody once that is destroyed.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import nacl.bindings as sodium
import nacl.utils
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.pwhash import argon2id
from nacl.secret import SecretBox

from store import brief
from store.brief import MOST_PAD, BriefKeys
from store.hours import BRIEF, Hours

TIER1, TIER2 = b"\x01\x01", b"\x01\x02"  # version, algorithm
NONCE = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
PAD = 1024  # every sealed item is a multiple of this: its length says little
ESCROW = "escrow"

# 64 MiB, 2 passes: 0.18 s a guess here; a stolen dump of code hashes needs 10^12 of them.
CODE_OPSLIMIT, CODE_MEMLIMIT = 2, 64 * 1024 * 1024
# 256 MiB, 3 passes: a handler's private key rests on this.
KEY_OPSLIMIT, KEY_MEMLIMIT = 3, 256 * 1024 * 1024

FROM_BACKUP = "bring it back from the backup, and start again"
_KEY_FILE_MOST = 4096  # bytes
ODD_BYTES = 12  # a key of 32 random bytes has some 30 different ones; one with fewer than this was never random

_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)


class Malformed(ValueError):
    """A key file that is none, is damaged, missing or another's, in one line that names it and says what to do."""


Unopened = brief.Unopened


@dataclass(frozen=True, slots=True)
class Keys(BriefKeys):
    """The house's key file: the first line encrypts, all lines decrypt. 64 hexadecimal digits a line."""

    masters: tuple[bytes, ...] = field(repr=False)
    escrow_public: bytes | None = None
    folder: Path | None = None  # where they were read; None: they were handed to us
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)  # of the roles that run
    private_at: Path | None = None  # handed to us: where the escrow's private half lay then
    hours: Hours = field(default=Hours(Path(os.devnull)), compare=False)

    @classmethod
    def load(cls, path: Path) -> Keys:
        """Read the key file and, beside it, the escrow's public key. Raises `Malformed`, and OSError if unread."""
        lines = [line.strip() for line in _read_private(path).splitlines() if line.strip() and line[0] != "#"]
        masters = tuple(_read_key(path, line) for line in lines)
        if not masters:
            raise Malformed(f"{path}: a key is 64 hexadecimal digits a line; {FROM_BACKUP}")
        if len(set(masters)) < len(masters):
            raise Malformed(f"{path}: the same key stands there twice: take the second line away, never the last one")
        escrow = path.with_name("escrow.pub")
        public = _read_key(escrow, escrow.read_text(errors="replace").strip()) if escrow.is_file() else None
        found = path.parent.glob("jawab_*.password")
        passwords = {one.stem[6:]: _read_private(one).strip() for one in found}
        hours = Hours(path.absolute().parent.with_name("fleeting"))
        return cls(masters, public, path.parent, passwords, hours=hours)

    @classmethod
    def give_passwords(cls, path: Path, roles: Iterable[str]) -> Keys:
        """Make a random password (0400, beside the key) for each of these roles that has none, then load all."""
        for file in (path.with_name(f"jawab_{role}.password") for role in roles):
            if not file.exists():
                _write_once(file, secrets.token_urlsafe(32))
        return cls.load(path)

    @classmethod
    def create(cls, path: Path, *, new: bool = True) -> Keys:
        """Make the key file and the escrow pair (0400, folder 0700) where the data are `new`, then load them.

        Where data are already there nothing is made: a key made silently opens nothing of theirs, makes a stranger of
        every phone, and would let nobody notice that the old one is gone. Raises `Malformed`.
        """
        escrow, private = path.with_name("escrow.pub"), path.with_name("escrow.key")
        if new:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                _write_once(path, secrets.token_hex(32))
            if not escrow.exists():
                # The private half belongs in other hands than this machine's; `doctor` nags until it is moved away.
                if not private.exists():
                    _write_once(private, secrets.token_hex(32))
                pair = PrivateKey(_read_key(private, _read_private(private).strip()))
                _write_once(escrow, bytes(pair.public_key).hex())
        for file in (path, escrow):
            if not file.is_file():
                raise Malformed(f"{file} is not there, but data are that were written with it: {FROM_BACKUP}")
        made = cls.load(path)
        made.hours.folder.mkdir(mode=0o700, exist_ok=True)  # before a child is shut out of whatever is not there yet
        return made

    @staticmethod
    def rotate(path: Path) -> Keys:
        """Put a new key before those that are there: it encrypts from now on, they go on opening. Raises `Malformed`.

        Only boxes change their key, which each of them names. What is looked up by a keyed hash (addresses, codes,
        links) is always reckoned from the last line: a code that nobody knows any more cannot be hashed again.
        """
        Keys.load(path)
        _write_over(path, f"{secrets.token_hex(32)}\n{_read_private(path).strip()}")
        return Keys.load(path)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """What may be told of each key, in the order of the file."""
        return tuple(fingerprint(master) for master in self.masters)

    def find_escrow_private(self) -> Path | None:
        """The file beside the keys that holds the escrow's private half, whatever its name; None where none does."""
        if self.private_at is not None and self.private_at.is_file():  # a process that may not open it may see it
            return self.private_at
        files = sorted(self.folder.iterdir()) if self.folder is not None and self.escrow_public is not None else []
        return next((file for file in files if self._holds_private(file)), None)

    def _holds_private(self, file: Path) -> bool:
        try:
            text = file.read_text(errors="replace") if file.is_file() and file.stat().st_size < _KEY_FILE_MOST else ""
        except OSError:
            return file.name == "escrow.key"  # what cannot be read may well be it
        return any(is_private_of(line, self.escrow_public) for line in text.split())

    # ── derived secrets ──────────────────────────────────────────────────────────────────────────────────────────
    def derive(self, purpose: str, master: bytes | None = None) -> bytes:
        """32 bytes for one purpose. Always from the last line, so that adding a key changes no tag or password."""
        return _derive(purpose, master or self.masters[-1])

    def role_password(self, role: str) -> str:
        """Of a run-time role of the database: random, and in a file beside the key. Raises `Malformed`."""
        if role not in self.passwords:
            raise Malformed(f"keys/jawab_{role}.password is not there: `jawab up`, or `jawab migrate`, makes it anew")
        return self.passwords[role]

    # ── tier 1 ───────────────────────────────────────────────────────────────────────────────────────────────────
    def encrypt(self, plain: bytes, bound_to: str) -> bytes:
        """Encrypt, bound to its "table|column|row": a box that is moved elsewhere does not open."""
        key, nonce = self.masters[0], nacl.utils.random(NONCE)
        box = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, _aad(bound_to), nonce, self._tier1(key))
        return TIER1 + _key_id(key) + nonce + box

    def decrypt(self, box: bytes, bound_to: str) -> bytes:
        """The reverse of `encrypt`. Raises `Unopened`."""
        box = bytes(box)
        if box[:2] == BRIEF:
            return self._open_brief(box, bound_to)
        if box[:2] != TIER1:
            raise Unopened(bound_to)
        for key in self.masters:
            if _key_id(key) == box[2:6]:
                try:
                    return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
                        box[6 + NONCE :], _aad(bound_to), box[6 : 6 + NONCE], self._tier1(key)
                    )
                except CryptoError:
                    break
        raise Unopened(bound_to)

    def _tier1(self, master: bytes) -> bytes:
        return _derive("tier1", master)

    def hash_code(self, code: str) -> bytes:
        """Argon2id of a case code, salted per house. 0.2 s and 64 MiB: never on an event loop."""
        salt = self.derive("code-salt")[: argon2id.SALTBYTES]
        return argon2id.kdf(32, code.encode(), salt, opslimit=CODE_OPSLIMIT, memlimit=CODE_MEMLIMIT)

    def code_key(self, code: str) -> bytes:
        """What a case code alone opens: as slow as its hash, and not to be had from it."""
        salt = self.derive("code-key-salt")[: argon2id.SALTBYTES]
        return argon2id.kdf(32, code.encode(), salt, opslimit=CODE_OPSLIMIT, memlimit=CODE_MEMLIMIT)


# ── tier 2: boxes that only their readers open ───────────────────────────────────────────────────────────────────────
def seal_item(plain: bytes, case_id: str, item_id: str, readers: dict[str, bytes]) -> tuple[bytes, dict[str, bytes]]:
    """Seal one item to its readers' public keys. Returns the blob and one wrap of its key per reader."""
    if not readers:
        raise ValueError("an item sealed to nobody is lost")
    key, nonce = nacl.utils.random(32), nacl.utils.random(NONCE)
    padded = sodium.sodium_pad(plain, PAD if len(plain) < MOST_PAD else MOST_PAD)
    box = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(padded, _aad2(case_id, item_id), nonce, key)
    return TIER2 + nonce + box, {name: SealedBox(PublicKey(public)).encrypt(key) for name, public in readers.items()}


def open_item(blob: bytes, wrap: bytes, private: bytes, case_id: str, item_id: str) -> bytes:
    """Open one item with a reader's private key. Raises `Unopened`."""
    blob = bytes(blob)
    try:
        if blob[:2] != TIER2:
            raise Unopened(item_id)
        key = SealedBox(PrivateKey(private)).decrypt(bytes(wrap))
        padded = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
            blob[2 + NONCE :], _aad2(case_id, item_id), blob[2 : 2 + NONCE], key
        )
    except CryptoError:
        raise Unopened(item_id) from None
    return sodium.sodium_unpad(padded, len(padded))


def is_private_of(text: str, public: bytes | None) -> bool:
    """Whether this is the private half of a public key, as 64 hexadecimal digits."""
    return public is not None and public_of(text) == public


def public_of(text: str) -> bytes | None:
    """The public half that belongs to 64 hexadecimal digits if they are a private one; None for anything else."""
    return bytes(PrivateKey(bytes.fromhex(text)).public_key) if re.fullmatch(r"[0-9a-fA-F]{64}", text) else None


def write_pair(folder: Path) -> bytes:
    """Make an escrow pair in a new folder (0700, files 0400), for somewhere else than here. Returns its public half.

    Raises OSError, also where the folder is there.
    """
    folder.mkdir(mode=0o700)
    private, public = new_keypair()
    _write_once(folder / "escrow.key", private.hex())
    _write_once(folder / "escrow.pub", public.hex())
    return public


def write_public(folder: Path, public: bytes) -> None:
    """Put an escrow's public half beside the house key, over the one that lay there."""
    _write_over(folder / "escrow.pub", public.hex())


def new_keypair() -> tuple[bytes, bytes]:
    """(private, public), 32 bytes each."""
    private = PrivateKey.generate()
    return bytes(private), bytes(private.public_key)


def reader_of(private: bytes) -> bytes:
    """The public half of a reader's private key."""
    return bytes(PrivateKey(private).public_key)


def rewrap(wrap: bytes, private: bytes, public: bytes) -> bytes:
    """An item's key for one more reader, by one who has it. Raises `Unopened`."""
    try:
        key = SealedBox(PrivateKey(private)).decrypt(bytes(wrap))
    except CryptoError:
        raise Unopened("wrap") from None
    return SealedBox(PublicKey(public)).encrypt(key)


def new_salt() -> bytes:
    return nacl.utils.random(argon2id.SALTBYTES)


def lock_private(private: bytes, password: str, salt: bytes) -> bytes:
    """A private key under a key made from the password (Argon2id, 256 MiB: about 0.6 s; never on an event loop)."""
    return bytes(SecretBox(_password_key(password, salt)).encrypt(private))


def unlock_private(box: bytes, password: str, salt: bytes) -> bytes:
    """The reverse of `lock_private`. Raises `Unopened`."""
    return open_box(box, _password_key(password, salt))


def lock_box(plain: bytes, secret: bytes) -> bytes:
    """A small box under a 32-byte secret, such as one that only a cookie holds."""
    return bytes(SecretBox(hashlib.blake2b(secret, digest_size=32, person=b"jawab-box").digest()).encrypt(plain))


def unlock_box(box: bytes, secret: bytes) -> bytes:
    """The reverse of `lock_box`. Raises `Unopened`."""
    return open_box(box, hashlib.blake2b(secret, digest_size=32, person=b"jawab-box").digest())


def open_box(box: bytes, key: bytes) -> bytes:
    try:
        return SecretBox(key).decrypt(bytes(box))
    except CryptoError:
        raise Unopened("box") from None


# ── passwords ────────────────────────────────────────────────────────────────────────────────────────────────────────
def hash_password(password: str) -> str:
    """Argon2id, 64 MiB, 3 passes: about 0.1 s; never on an event loop."""
    return _hasher.hash(password)


def check_password(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _password_key(password: str, salt: bytes) -> bytes:
    return argon2id.kdf(32, password.encode(), salt, opslimit=KEY_OPSLIMIT, memlimit=KEY_MEMLIMIT)


def _aad(bound_to: str) -> bytes:
    return b"t1|" + bound_to.encode()


def _aad2(case_id: str, item_id: str) -> bytes:
    return f"t2|{case_id}|{item_id}".encode()


# A turn asks for the same two or three some twelve times.
@lru_cache(maxsize=64)
def _derive(purpose: str, master: bytes) -> bytes:
    return hashlib.blake2b(purpose.encode(), key=master, digest_size=32, person=b"jawab").digest()


@lru_cache(maxsize=64)
def _key_id(key: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=4, person=b"jawab-id").digest()


def fingerprint(key: bytes) -> str:
    """Tells keys apart and nothing of them: four groups of four hexadecimal digits."""
    shown = hashlib.blake2b(key, digest_size=8, person=b"jawab-print").hexdigest()
    return "-".join(shown[at : at + 4] for at in range(0, 16, 4))


def _read_private(path: Path) -> str:
    """A file that nobody else may read. Raises `Malformed` for one that others can, or that is not there."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        raise Malformed(f"{path} is not there: {FROM_BACKUP}") from None
    if mode & 0o077:
        raise Malformed(
            f"{path} can be read or written by others (mode {mode:04o}): `chmod 0400` it; if others use this machine, "
            "`jawab keys rotate` before the next start"
        )
    return path.read_text(errors="replace")


def _read_key(path: Path, line: str) -> bytes:
    """32 bytes. Raises `Malformed` for what is none, or was never random."""
    try:
        key = bytes.fromhex(line)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise Malformed(f"{path}: a key is 64 hexadecimal digits a line; {FROM_BACKUP}")
    if len(set(key)) < ODD_BYTES:
        raise Malformed(f"{path}: a key of hardly any different bytes is no key, the file is damaged: {FROM_BACKUP}")
    return key


def _write_once(path: Path, text: str) -> None:
    """Whole or not at all: half a key would lock the data that are written with it. FileExistsError over another."""
    unfinished = _unfinished(path, text)
    try:
        path.hardlink_to(unfinished)
    finally:
        unfinished.unlink()


def _write_over(path: Path, text: str) -> None:
    _unfinished(path, text).replace(path)


def _unfinished(path: Path, text: str) -> Path:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return beside
