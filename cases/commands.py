"""What the `jawab` command asks of this room: districts, numbers, people and ordinary cases.

Plain functions; the command line wires them and prints.
"""

from __future__ import annotations

from typing import Any

from cases import register, seed
from store.crypto import Keys
from store.database import Database


async def add_district(db: Database, district_id: str) -> None:
    """Raises `lifecycle.Refused` for a district that is not in data/districts.csv."""
    async with db.transaction("console") as tx:
        await seed.add_district(tx, district_id)


async def list_districts(db: Database) -> list[dict[str, Any]]:
    """{"id", "pcode", "name", "demo", "places", "channels"} of each district served here."""
    async with db.read("console") as conn:
        return await (
            await conn.execute(
                "SELECT id, pcode, names->>'en' AS name, demo,"
                " (SELECT count(*) FROM places WHERE district_id = d.id) AS places,"
                " (SELECT count(*) FROM channels WHERE district_id = d.id) AS channels FROM districts d ORDER BY id"
            )
        ).fetchall()


async def add_channel(db: Database, *, kind: str, provider: str, address: str, district_id: str) -> None:
    """Raises `lifecycle.Refused` where the number is another district's."""
    async with db.transaction("console") as tx:
        await seed.add_channel(tx, kind=kind, provider=provider, address=address, district_id=district_id)


async def list_channels(db: Database) -> list[dict[str, Any]]:
    """{"district", "kind", "provider", "address"} of each number of ours."""
    async with db.read("console") as conn:
        return await (
            await conn.execute("SELECT district_id AS district, kind, provider, address FROM channels ORDER BY 1, 2, 4")
        ).fetchall()


async def add_staff(db: Database, *, login: str, name: str, role: str, district_id: str | None) -> str:
    """Returns the one-time password, which is kept nowhere. Raises `lifecycle.Refused`."""
    async with db.transaction("console") as tx:
        return await seed.add_staff(tx, login=login, name=name, role=role, district_id=district_id)


async def list_staff(db: Database) -> list[dict[str, Any]]:
    """{"login", "name", "role", "district", "disabled", "demo"} of everybody at the desk."""
    async with db.read("console") as conn:
        return await (
            await conn.execute(
                "SELECT login, name, role, district_id AS district, disabled_at IS NOT NULL AS disabled, demo"
                " FROM staff ORDER BY district_id NULLS FIRST, role, login"
            )
        ).fetchall()


async def list_cases(db: Database, keys: Keys, district: str | None = None) -> list[dict[str, Any]]:
    """Ordinary cases, newest first; times are ISO 8601 with a zone.

    {"code", "district", "category", "place", "status", "language", "channel", "protected", "due_acknowledge",
    "due_resolve"}. `place` is the English name of a place, else what was typed, else null. `protected` is always false:
    a sealed case has no row here.
    """
    async with db.read("console") as conn:
        rows = await (
            await conn.execute(
                "SELECT c.id, c.code, c.district_id AS district, c.category, p.names->>'en' AS place, c.place_text,"
                " c.status, c.lang AS language, c.channel, a.due_at AS due_acknowledge, r.due_at AS due_resolve"
                " FROM cases c JOIN clocks a ON a.case_id = c.id AND a.kind = 'acknowledge'"
                " JOIN clocks r ON r.case_id = c.id AND r.kind = 'resolve' LEFT JOIN places p ON p.id = c.place_id"
                " WHERE %(district)s::text IS NULL OR c.district_id = %(district)s ORDER BY c.opened_at DESC, c.id",
                {"district": district},
            )
        ).fetchall()
    listed = []
    for row in rows:
        case_id, typed = row.pop("id"), row.pop("place_text")
        if row["place"] is None and typed is not None:
            row["place"] = keys.decrypt(typed, register.place_of_text(case_id)).decode()
        acknowledge, resolve = row.pop("due_acknowledge"), row.pop("due_resolve")
        listed.append(
            {
                **row,
                "protected": False,
                "due_acknowledge": acknowledge.isoformat(),
                "due_resolve": resolve.isoformat(),
            }
        )
    return listed
