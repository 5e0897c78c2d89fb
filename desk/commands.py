"""What the command line does to people at the desk: add, give a new password, list. Each opens its own transaction."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from cases import seed
from cases.lifecycle import Refused
from desk.roles import PROTECTED, ROLES, TRIAGE
from store.database import Database

PASSWORD_LEAST = 15  # letters, for a single factor (NIST SP 800-63B-4)
PASSWORD_MOST = 256
MAY_BE_PROVINCIAL = frozenset({TRIAGE, PROTECTED, "admin", "supervisor"})


class Unacceptable(ValueError):
    """Something the command was given cannot be: one line that says what."""


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
    """Add one person. Returns {"login", "role", "district", "password"}; the password is kept nowhere.

    A protected handler gets a key pair whose private half only this password opens. Raises `Unacceptable`.
    """
    if role not in ROLES:
        raise Unacceptable(f"no such role: {role} (there are {', '.join(sorted(ROLES))})")
    if district is None and role not in MAY_BE_PROVINCIAL:
        raise Unacceptable(f"a {role} needs a district")
    _check(password, login)
    try:
        async with db.transaction("console") as tx:
            taken = await (await tx.execute("SELECT 1 FROM staff WHERE login = %s", (login,))).fetchone()
            if taken:
                raise Unacceptable(f"the login {login} is taken")
            made = await seed.add_staff(
                tx, login=login, name=name, role=role, district_id=district, office_id=office, password=password
            )
    except psycopg.errors.ForeignKeyViolation:
        raise Unacceptable(f"no such district or office: {district or office}") from None
    except psycopg.errors.CheckViolation:
        raise Unacceptable(f"a login is 2 to 40 of a-z 0-9 . _ - and begins with a letter or digit: {login}") from None
    except Refused:
        raise Unacceptable(f"the login {login} is taken") from None
    return {"login": login, "role": role, "district": district, "password": made}


async def reset_password(db: Database, login: str, password: str | None = None) -> dict[str, Any]:
    """A new password. Returns {"login", "password", "shut"}; `shut`: sealed cases of before stay shut for this person.

    A protected handler's private key was under the old password, so he gets a new pair: nobody who resets a password
    learns to read with it. The person is signed out everywhere.
    """
    _check(password, login)
    async with db.transaction("console") as tx:
        row = await (
            await tx.execute("SELECT name, role, district_id, demo FROM staff WHERE login = %s FOR UPDATE", (login,))
        ).fetchone()
        if row is None:
            raise Unacceptable(f"no such login: {login}")
        made = await seed.add_staff(tx, login=login, password=password, **row)
    return {"login": login, "password": made, "shut": row["role"] == PROTECTED}


async def list_staff(db: Database) -> list[dict[str, Any]]:
    """Everybody: login, name, role, district, demo, disabled (time or None)."""
    async with db.read("console") as conn:
        return await (
            await conn.execute(
                "SELECT login, name, role, district_id AS district, demo, disabled_at AS disabled FROM staff"
                " ORDER BY district_id NULLS FIRST, role, login"
            )
        ).fetchall()


def _check(password: str | None, login: str) -> None:
    """None is fine: then one is made that nobody chose."""
    if password is None:
        return
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST:
        raise Unacceptable(f"a password has at least {PASSWORD_LEAST} letters, at most {PASSWORD_MOST}")
    if login in password.lower() or len(set(password)) < 6:
        raise Unacceptable("a password that holds the login, or hardly any different letters, is guessed first")
