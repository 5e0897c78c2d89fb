"""`jawab outside …`: who else can be asked, loaded from a file, listed, and taken off the list."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cases import calendar, districts, outside
from cases.lifecycle import Refused
from store import audit, terminal
from store.database import Database
from store.jawab import Jawab
from store.terminal import AsJson

outside_app = typer.Typer(no_args_is_help=True, help="Who else can be asked: said in HELP and at a closed door.")

TOLD = {
    "district_unserved": "a district of this list is not served here: `jawab district add`",
    "outside_future": "the day on which one was read lies ahead: `read_on`",
    "outside_ours": "one of these is a number of ours: others to ask are outside",
    "outside_long": "together these are more letters than an SMS has room for (100): shorten a name, or remove one",
    "outside_unknown": "no such number on that list: `jawab outside list`",
}


async def load(db: Database, path: Path) -> int:
    """Returns how many the file names. Raises `outside.Unusable`, `Refused`, OSError."""
    plan = outside.read(path)
    async with db.transaction("console") as tx:
        named = await outside.load(tx, plan, calendar.day_of(datetime.now(UTC)))
        await audit.write(tx, "operator", "outside.load", str(named))
    return named


async def list_all(db: Database) -> list[dict[str, Any]]:
    """{"of", "phone", "names", "source", "read_on", "demo"} of each; "of" is a district's id or "province"."""
    async with db.autocommit("console") as conn:
        rows = await outside.list_all(conn)
    return [
        {
            "of": one.district_id or outside.PROVINCE,
            "phone": one.phone,
            "names": one.names,
            "source": one.source,
            "read_on": one.read_on,
            "demo": one.demo,
        }
        for one in rows
    ]


async def remove(db: Database, of: str, phone: str) -> None:
    """Raises `Refused` where this number is not on that list."""
    async with db.transaction("console") as tx:
        rows = [
            one
            for one in await outside.list_all(tx)
            if (one.district_id or outside.PROVINCE) == of and one.phone == phone
        ]
        if not rows:
            raise Refused("outside_unknown")
        await outside.remove(tx, rows[0].id)
        await audit.write(tx, "operator", "outside.remove", f"{of} {phone}")


async def find_wrong(jawab: Jawab) -> list[dict[str, Any]]:
    """For the doctor: districts that are not ready, for nobody outside them is named. The demo's own count as none."""
    async with jawab.db.autocommit("console") as conn:
        served = [one for one in await districts.list_all(conn) if not one.demo]
        missing = [one.id for one in served if not await outside.of_district(conn, one.id)]
    return [
        {"kind": f"district_not_ready {one}: no address outside (`jawab outside load`)", "times": 1, "last": None}
        for one in missing
    ]


def _plainly(refused: Exception) -> str:
    return TOLD[refused.reason] if isinstance(refused, Refused) else str(refused)


@outside_app.command("load")
def load_here(
    context: typer.Context, file: Annotated[Path, typer.Argument(help="YAML as in docs/outside.yaml.")]
) -> None:
    """Name others to ask, of districts and of the province; loading again writes over what has the same number."""
    named = terminal.run(context, lambda jawab: load(jawab.db, file), Refused, outside.Unusable, OSError, told=_plainly)
    terminal.out.print(f"{named} named; conversations know them within a minute: `jawab outside list`")


@outside_app.command("list")
def show_list(context: typer.Context, as_json: AsJson = False) -> None:
    """Everybody outside who is named, with where and when it was read."""
    rows = terminal.run(context, lambda jawab: list_all(jawab.db))
    if not as_json:
        rows = [row | {"names": " · ".join(row["names"].values())} for row in rows]
    terminal.show(rows, as_json, "nobody yet: `jawab outside load FILE`")


@outside_app.command("remove")
def remove_here(
    context: typer.Context,
    of: Annotated[str, typer.Argument(help="A district's id, or province.")],
    phone: Annotated[str, typer.Argument(help="The number, as `jawab outside list` shows it.")],
) -> None:
    """Name one no more."""
    terminal.run(context, lambda jawab: remove(jawab.db, of, phone), Refused, told=_plainly)
    terminal.out.print(f"{phone} is on the list of {of} no more")
