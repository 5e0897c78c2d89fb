"""People at the desk as rows: who they are, what opens with their password, and whether they may sign in."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from uuid import UUID

from cases.lifecycle import Refused
from cases.roles import PROTECTED, ROLES
from store import audit, desk_sessions, login_waits
from store.crypto import hash_password, lock_private, new_keypair, new_salt
from store.database import Conn, Tx, fetch_all, fetch_one

# Read aloud over a telephone and typed on one: no letter that looks like another.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be added; `district_id` None is the province."""

    login: str
    name: str
    role: str
    district_id: str | None
    office_id: UUID | None = None
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Locked:
    """What is kept of a password, and of a protected handler's new pair of keys."""

    password_hash: str
    public_key: bytes | None = None
    private_box: bytes | None = None
    key_salt: bytes | None = None


def new_password() -> str:
    """A one-time password of 20 letters in fours: 99 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(5))


async def add(tx: Tx, person: Person, password: str | None = None) -> str:
    """Add somebody, or give them a new password. Returns the password, which is kept nowhere.

    A protected handler gets a new pair of keys with it: what was sealed to the old one stays shut to them, and the
    other readers are who opens it. Raises `Refused` for an unknown role or a login that has another role.
    """
    if person.role not in ROLES:
        raise Refused("role_unknown")
    password = password or new_password()
    await put(tx, person, await lock(person.role, password))
    return password


async def put(tx: Tx, person: Person, locked: Locked) -> None:
    """Write the row, or a new password over it; whoever was signed in with the old one no longer is."""
    rows = await fetch_all(
        tx,
        "INSERT INTO staff (login, name, role, district_id, office_id, password_hash, demo, public_key, private_box,"
        " key_salt) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (login) DO UPDATE SET password_hash = excluded.password_hash,"
        " public_key = excluded.public_key, private_box = excluded.private_box, key_salt = excluded.key_salt"
        " WHERE staff.role = excluded.role AND staff.district_id IS NOT DISTINCT FROM excluded.district_id"
        " RETURNING id",
        (
            person.login,
            person.name,
            person.role,
            person.district_id,
            person.office_id,
            locked.password_hash,
            person.demo,
            locked.public_key,
            locked.private_box,
            locked.key_salt,
        ),
    )
    if not rows:
        raise Refused("login_taken")
    await desk_sessions.end_all(tx, rows[0]["id"])
    await login_waits.end_all(tx, rows[0]["id"])
    await audit.write(tx, "operator", f"staff.password:{person.role}", person.login)


async def lock(role: str, password: str) -> Locked:
    """What will be kept of a new password. Up to 0.8 s, in a thread."""
    return await asyncio.to_thread(_lock, role, password)


def _lock(role: str, password: str) -> Locked:
    if role != PROTECTED:
        return Locked(hash_password(password))
    private, public = new_keypair()
    salt = new_salt()
    return Locked(hash_password(password), public, lock_private(private, password, salt), salt)


async def seat(tx: Tx, staff_id: UUID, office_id: UUID | None) -> None:
    """In which office they sit; None: in none that people complain about."""
    await tx.execute("UPDATE staff SET office_id = %s WHERE id = %s", (office_id, staff_id))


async def count_beside(conn: Conn, staff_id: UUID) -> int:
    """How many other protected handlers of the province may sign in, of the demo's or of the real ones."""
    row = await fetch_one(
        conn,
        "SELECT count(*) AS n FROM staff f JOIN staff me ON me.id = %s WHERE f.id <> me.id AND f.demo = me.demo"
        " AND f.role = %s AND f.district_id IS NULL AND f.disabled_at IS NULL",
        (staff_id, PROTECTED),
    )
    return int(row["n"]) if row else 0


async def disable(tx: Tx, staff_id: UUID) -> None:
    """They may no longer sign in, and are signed out everywhere."""
    await tx.execute("UPDATE staff SET disabled_at = now() WHERE id = %s", (staff_id,))
    await desk_sessions.end_all(tx, staff_id)


async def enable(tx: Tx, staff_id: UUID) -> None:
    await tx.execute("UPDATE staff SET disabled_at = NULL WHERE id = %s", (staff_id,))
