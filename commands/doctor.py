"""`jawab doctor`: what a person should put right, wherever a room finds it."""

from __future__ import annotations

from typing import Any

import typer

import settings as environment
from store.database import fetch_one
from store.jawab import Jawab


def doctor(context: typer.Context) -> None:
    """Look for what a person should put right. Exit 1 if anything is found."""
    import bot.commands
    import bot.erase_commands
    import cases.commands
    import cases.outside_commands
    import store.commands
    from desk import protected_door, protected_roster

    looks = (
        bot.commands.find_wrong,
        bot.erase_commands.find_wrong,
        cases.commands.find_wrong,
        cases.outside_commands.find_wrong,
        protected_door.find_wrong,
        protected_roster.find_wrong,
        find_undivided,
    )
    store.commands.look_with(context, looks, tells=(protected_door.tell, _tell_powers))


async def find_undivided(jawab: Jawab) -> list[dict[str, Any]]:
    """Powers that are not divided: one process for all (a demo has one address), a kernel that shuts nothing, processes
    that stay root, an owner who is more than that, statistics that every role of ours may count by."""
    from house import domain

    async with jawab.db.autocommit("console") as conn:
        row = await fetch_one(conn, _OWNERS)
    running = environment.running(jawab.settings)
    found = {
        "undivided": "web-1" in running.get("listening", ()),
        "no_landlock": not domain.version(),
        "all_as_root": running.get("users") == "root",
    }
    return [{"kind": kind, "times": 1, "last": None} for kind, so in (found | (row or {})).items() if so]


async def _tell_powers(jawab: Jawab) -> str:
    """How the processes of this machine are kept apart, and who owns the data."""
    from house import domain

    async with jawab.db.autocommit("console") as conn:
        row = await fetch_one(conn, _OWNERS)
    kept = f"in a Landlock domain of its own (version {version})" if (version := domain.version()) else "in no domain"
    owner = "a superuser" if row and row["owner_is_superuser"] else "no superuser"
    user = _USERS.get(environment.running(jawab.settings).get("users", ""), "nothing runs now")
    return f"each process of ours runs {kept}; {user}; the owner of the data is {owner}"


# Of running.json, as house.users names them.
_USERS = {
    "each": "each is a user of its own without any power",
    "owner": "all are the user whose data these are",
    "root": "all are root without its power",
    "self": "all are one user",
}


_OWNERS = """
SELECT r.rolsuper AS owner_is_superuser,
    has_table_privilege('pg_catalog.pg_stat_user_tables', 'SELECT') AS statistics_open
FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE d.datname = current_database()
"""
