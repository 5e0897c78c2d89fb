"""What the command line does to staff: add, give a new password, list. Each opens its own transaction."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any
from uuid import UUID

import psycopg

from desk.roles import PROTECTED, ROLES, TRIAGE
from desk.sessions import end_all
from store import audit
from store.crypto import hash_password, lock_private, new_keypair, new_salt
from store.database import Database

PASSWORD_LEAST = 15  # letters, for a single factor (NIST SP 800-63B-4)
PASSWORD_MOST = 256
# No l, o, 0, 1, i: it is read from a screen and typed on a phone. 20 letters of 31 are 99 bits.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class Unacceptable(ValueError):
    """Something the command was given cannot be: one line that says what."""


def new_password() -> str:
    """A password that nobody chose, in groups to read aloud."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(4))


async def add_staff(
    db: Database,
    *,
    login: str,
    name: str,
    role: str,
    district: str | None = None,
    office: UUID | None = None,
    password: str | None = None,
) -> dict[str, Any]:
    """Add one person. Returns {"id", "login", "role", "district", "password"}; the password is kept nowhere.

    A protected handler gets a key pair whose private half only this password opens. Raises `Unacceptable`.
    """
    if role not in ROLES:
        raise Unacceptable(f"no such role: {role} (there are {', '.join(sorted(ROLES))})")
    if district is None and role not in {TRIAGE, PROTECTED, "admin", "supervisor"}:
        raise Unacceptable(f"a {role} needs a district")
    chosen = _acceptable(password, login)
    fields = await asyncio.to_thread(_locked, chosen, role)
    try:
        async with db.transaction("console") as tx:
            row: Any = await (
                await tx.execute(
                    "INSERT INTO staff (login, name, role, district_id, office_id, password_hash, public_key,"
                    " private_box, key_salt) VALUES (%(login)s, %(name)s, %(role)s, %(district)s, %(office)s,"
                    " %(password_hash)s, %(public_key)s, %(private_box)s, %(key_salt)s) RETURNING id",
                    {"login": login, "name": name, "role": role, "district": district, "office": office, **fields},
                )
            ).fetchone()
            await audit.write(tx, "command", f"staff.add.{role}", str(row["id"]))
    except psycopg.errors.UniqueViolation:
        raise Unacceptable(f"the login {login} is taken") from None
    except psycopg.errors.ForeignKeyViolation:
        raise Unacceptable(f"no such district or office: {district or office}") from None
    except psycopg.errors.CheckViolation:
        raise Unacceptable(f"a login is 2 to 40 of a-z 0-9 . _ - and begins with a letter or digit: {login}") from None
    return {"id": row["id"], "login": login, "role": role, "district": district, "password": chosen}


async def reset_password(db: Database, login: str, password: str | None = None) -> dict[str, Any]:
    """A new password. Returns {"login", "password", "shut"}; `shut`: sealed cases of before stay shut for this person.

    A protected handler's private key was under the old password, so he gets a new pair: nobody who resets a password
    learns to read with it. Everybody is signed out.
    """
    chosen = _acceptable(password, login)
    async with db.transaction("console") as tx:
        row = await (await tx.execute("SELECT id, role FROM staff WHERE login = %s FOR UPDATE", (login,))).fetchone()
        if row is None:
            raise Unacceptable(f"no such login: {login}")
        fields = await asyncio.to_thread(_locked, chosen, row["role"])
        await tx.execute(
            "UPDATE staff SET password_hash = %(password_hash)s, public_key = %(public_key)s,"
            " private_box = %(private_box)s, key_salt = %(key_salt)s WHERE id = %(id)s",
            {**fields, "id": row["id"]},
        )
        await end_all(tx, row["id"])
        await audit.write(tx, "command", "staff.reset_password", str(row["id"]))
    return {"login": login, "password": chosen, "shut": row["role"] == PROTECTED}


async def list_staff(db: Database) -> list[dict[str, Any]]:
    """Everybody: login, name, role, district, demo, disabled (time or None)."""
    async with db.read("console") as conn:
        return await (
            await conn.execute(
                "SELECT login, name, role, district_id AS district, demo, disabled_at AS disabled FROM staff"
                " ORDER BY district_id NULLS FIRST, role, login"
            )
        ).fetchall()


def _acceptable(password: str | None, login: str) -> str:
    if password is None:
        return new_password()
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST:
        raise Unacceptable(f"a password has at least {PASSWORD_LEAST} letters, at most {PASSWORD_MOST}")
    if login in password.lower() or len(set(password)) < 6:
        raise Unacceptable("a password that holds the login, or hardly any different letters, is guessed first")
    return password


def _locked(password: str, role: str) -> dict[str, Any]:
    """The columns a password makes. Slow (0.1 s, with a key 0.7 s) and hungry: never on an event loop."""
    fields: dict[str, Any] = {
        "password_hash": hash_password(password),
        "public_key": None,
        "private_box": None,
        "key_salt": None,
    }
    if role == PROTECTED:
        private, public = new_keypair()
        salt = new_salt()
        fields |= {"public_key": public, "key_salt": salt, "private_box": lock_private(private, password, salt)}
    return fields
