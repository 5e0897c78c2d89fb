"""`jawab migrate`, `seed`, `backup` and `restore`: the database and what is in it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

import settings as environment
from commands import readying
from settings import Misconfigured, Settings
from store import terminal
from store.jawab import opened


def migrate() -> None:
    """Make the run-time roles, bring the tables up to date, and the names of the places in them."""
    here = environment.load()
    if not here.database_url:
        raise Misconfigured("jawab: set JAWAB_DATABASE_URL, or start `jawab up`, which migrates by itself")
    readying.migrate(here)
    terminal.out.print("the database is up to date")


def seed() -> None:
    """Make the demo district (again): new one-time passwords for its logins."""
    here = environment.load_running()
    readying.seed(here, renew=True)
    readying.print_logins(here)


def backup(file: Annotated[Path, typer.Argument(help="A new file. Keep it apart from the keys.")]) -> None:
    """Dump the database while everything runs. The list of what was erased goes beside the dump."""
    from house import Failed, dumps
    from house.postgres import as_owner

    here = environment.load_running()
    try:
        dumps.write(as_owner(here.database_url, here.data), file)
    except Failed as refused:
        raise Misconfigured(f"jawab: {refused}") from None
    terminal.out.print(f"{file} is written; `jawab erased list` says what a restore must erase again")


def restore(
    dump: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="As `jawab backup` wrote it.")],
    erased: Annotated[
        list[Path] | None, typer.Option(exists=True, dir_okay=False, help="A list of what was erased, kept elsewhere.")
    ] = None,
) -> None:
    """Bring a dump back while nothing runs, and erase again what was erased since, before anything starts."""
    from bot import erase_commands
    from house import Failed, dumps
    from house.postgres import as_owner

    here = environment.load()
    try:
        given = as_owner(here.database_url, here.data) if here.database_url else ""
        with dumps.at_rest(here.data, given) as (url, superusers):
            there = here.model_copy(update={"database_url": url})
            readying.migrate(there)  # its roles, before what is granted to them
            dumps.bring_back(superusers, dump)  # extensions and rights on the catalog are no owner's
            readying.migrate(there)
            again = erase_commands.replay(there, url, *(erased or ()))
            cards = asyncio.run(_adopt(there))
    except Failed as refused:
        raise Misconfigured(f"jawab: {refused}") from None
    terminal.out.print(f"{dump} is back; erased again: {again}")
    if cards:
        terminal.out.print(f"unsorted cards whose keys no backup holds, now behind the protected door: {cards}")


async def _adopt(here: Settings) -> int:
    from desk import protected

    async with opened(here, roles=("custody",), size=2, speaker="operator") as jawab:
        return await protected.adopt_restored(jawab.db, jawab.keys)
