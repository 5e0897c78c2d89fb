"""`jawab inventory`, `jawab erase`, `jawab erased`: what is held about somebody, what they take back, and its list."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import psycopg
import typer

from bot.copies import FORGETFUL
from cases import erasing
from cases.erasing import Erased, Person
from cases.lifecycle import Refused
from flows import codes
from settings import Settings
from store import copies, terminal
from store.database import fetch_all
from store.jawab import Jawab, opened
from store.terminal import AsJson

erased_app = typer.Typer(no_args_is_help=True, help="The list of what was erased: ids, and no people.")
LIST = "erased.list"
LINE = re.compile(r"^(contact|case|card|sealed) ([0-9a-f-]{36})(?: |$)", re.MULTILINE)
UNKNOWN = (
    "What is behind the protected door cannot be looked up by an address or a number, by nobody: two of its readers"
    " erase such a case at the desk, whoever wrote it asks there with the number."
)
TOLD = {"case_unknown": f"no ordinary case has this number. {UNKNOWN}"}

Address = Annotated[str, typer.Argument(help="A number such as +923001234567, or a provider's id of a person.")]


# ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────────────
async def take_stock(jawab: Jawab, address: str) -> dict[str, Any]:
    """{"held": [{"held", "rows"}], "provider": {"waiting", "gone", "kept"}, "protected"} about an address."""
    async with jawab.db.autocommit("console") as conn:
        person = await erasing.find(conn, jawab.keys, _normal(address))
        ids = [
            row["id"]
            for row in await fetch_all(
                conn,
                "SELECT id FROM inbox WHERE contact_id = ANY(%(of)s) UNION ALL"
                " SELECT id FROM outbox WHERE contact_id = ANY(%(of)s)",
                {"of": list(person.contacts)},
            )
        ]
        return {
            "held": await erasing.list_held(conn, person),
            "provider": await copies.count(conn, ids),
            "protected": UNKNOWN,
        }


async def erase(jawab: Jawab, thing: str, *, dry: bool) -> list[dict[str, Any]]:
    """Erase a case by its number, or all of a person by an address. Raises `Refused`.

    Returns {"held", "rows"} of what it is, or (`dry`) would be.
    """
    now = datetime.now(UTC)
    code = codes.find(thing)
    async with jawab.db.transaction("console") as tx:
        if code is not None:
            case_id = await erasing.of_case(tx, code)
            person = Person((), (case_id,), ())
        else:
            person = await erasing.find(tx, jawab.keys, _normal(thing))
        held = await erasing.list_held(tx, person)
        if not dry and code is not None:
            await erasing.erase_case(tx, jawab.keys, case_id, forgetful=FORGETFUL, now=now)
        elif not dry:
            await erasing.erase_person(tx, jawab.keys, person, forgetful=FORGETFUL, now=now)
    if not dry:
        await write_list(jawab)
    return held


def _normal(address: str) -> str:
    """03… as people of the country write it is +923…."""
    plain = re.sub(r"[\s()-]", "", address.strip())
    return f"+92{plain[1:]}" if re.fullmatch(r"03[0-9]{9}", plain) else plain


# ── the list ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def read_list(path: Path) -> list[Erased]:
    """The things in a list, or in anything that holds its lines; [] where there is no file."""
    text = path.read_text(errors="replace") if path.is_file() else ""
    return [Erased(what, UUID(thing)) for what, thing in LINE.findall(text)]


async def write_list(jawab: Jawab) -> list[Erased]:
    """Add to the list beside the data whatever is not in it yet. Returns the whole list."""
    async with jawab.db.autocommit("console") as conn:
        rows = await erasing.list_erased(conn)
    path = jawab.settings.data / LIST
    known = {(one.what, one.id) for one in read_list(path)}
    with path.open("a") as file:
        path.chmod(0o600)
        file.writelines(f"{one.what} {one.id} {one.at:%Y-%m-%d}\n" for one in rows if (one.what, one.id) not in known)
    return rows


def replay(here: Settings, owner_url: str, *more: Path) -> int:
    """Erase again what a restored database holds of the list beside the data, and of others. As the owner, before
    anything starts. Returns how many things were there again."""
    listed = [one for path in (here.data / LIST, *more) for one in read_list(path)]
    if not listed:
        return 0
    with psycopg.connect(owner_url, autocommit=True) as owner:
        sealed = [one.id for one in listed if one.what == "sealed"]
        rows = owner.execute(
            "SELECT id, sealed.empty(id) FROM sealed.cases WHERE id = ANY(%s) AND recipients <> '{}'", [sealed]
        ).fetchall()

    async def run() -> int:
        async with opened(here, roles=("console",), size=2, speaker="operator") as jawab:
            async with jawab.db.transaction("console") as tx:
                again = await erasing.replay(tx, jawab.keys, listed, now=datetime.now(UTC))
            await write_list(jawab)
            return again

    return len(rows) + asyncio.run(run())


async def find_wrong(jawab: Jawab) -> list[dict[str, Any]]:
    """What was erased and is not in the list beside the data yet; copies that a provider keeps."""
    async with jawab.db.autocommit("console") as conn:
        rows = await erasing.list_erased(conn)
        kept = (await copies.count(conn))["kept"]
    known = {(one.what, one.id) for one in read_list(jawab.settings.data / LIST)}
    missing = [one for one in rows if (one.what, one.id) not in known]
    return [
        {"kind": kind, "times": times, "last": None}
        for kind, times in (("erased_not_listed", len(missing)), ("provider_keeps_copies", kept))
        if times
    ]


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def inventory(context: typer.Context, address: Address, as_json: AsJson = False) -> None:
    """List all that is held about an address, by tables. What is protected cannot be known, and it says so."""
    stock = terminal.run(context, lambda jawab: take_stock(jawab, address))
    if as_json:
        terminal.show_json(stock)
        return
    terminal.show(stock["held"], as_json=False, empty="nothing is held about this address")
    copied: Iterable[str] = (f"{name} {count}" for name, count in stock["provider"].items() if count)
    terminal.out.print(f"copies at the provider: {', '.join(copied) or 'none noted'}")
    terminal.out.print(stock["protected"])


def erase_here(
    context: typer.Context,
    thing: Annotated[str, typer.Argument(help="An address, for all of a person; or the number of an ordinary case.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go; erase nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase what a person takes back: words, files, number, conversation. Counts stay. There is no way back."""

    def run(*, dry: bool) -> list[dict[str, Any]]:
        return terminal.run(context, lambda jawab: erase(jawab, thing, dry=dry), Refused, told=_told)

    held = run(dry=True)
    terminal.show(held, as_json, empty="nothing is held about this address")
    if held and not as_json and codes.find(thing) is not None:
        terminal.out.print("With it go the messages that its writer sent since it was begun. The writer stays.")
    if dry_run or not held:
        return
    if not yes:
        typer.confirm("Erase all of this, for good?", abort=True, err=True)
    run(dry=False)
    if not as_json:
        terminal.out.print(f"erased. The list is {LIST} beside the data: keep a copy apart from the dumps")


@erased_app.command("list")
def list_here(context: typer.Context, as_json: AsJson = False) -> None:
    """Bring the list beside the data up to date, and print it: keep it apart from the dumps, as new as can be."""
    rows = terminal.run(context, write_list)
    if as_json:
        terminal.show_json([{"what": one.what, "id": one.id, "at": one.at} for one in rows])
        return
    for one in rows:
        typer.echo(f"{one.what} {one.id} {one.at:%Y-%m-%d}")


def _told(refused: Refused) -> str:
    return TOLD.get(refused.reason, refused.reason)
