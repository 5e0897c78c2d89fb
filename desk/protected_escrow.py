"""`jawab protected escrow …`: two people, one reason, and a private half that is given for one act and kept nowhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from cases.protected import escrow, register
from cases.protected.escrow import Denied, Opening, Rewrapped
from store import terminal
from store.crypto import Keys
from store.database import Database
from store.jawab import Jawab

escrow_app = typer.Typer(no_args_is_help=True, help="Open what has lost its readers. Two people, one reason.")
CUSTODY = ("custody",)


async def bind_old(db: Database, keys: Keys) -> int:
    """After a migration: bind the cases of before to the readers that they have. Returns how many."""
    async with db.transaction("custody") as tx:
        return await register.bind_old(tx, keys)


async def open_case(db: Database, opening: Opening, case_id: UUID) -> list[dict[str, Any]]:
    """{"at", "kind", "data"} of each item of a case, oldest first. Raises `Denied`."""
    async with db.transaction("custody") as tx:
        items = await escrow.open_case(tx, opening, case_id)
    return [{"at": item.at and item.at.isoformat(), "kind": item.kind, "data": item.data} for item in items]


async def rewrap(db: Database, keys: Keys, opening: Opening) -> list[Rewrapped]:
    async with db.transaction("custody") as tx:
        return await escrow.rewrap(tx, keys, opening)


People = Annotated[list[str], typer.Option("--by", help="Name and office of a person who is here; twice, two people.")]
Reason = Annotated[str, typer.Option(help="Why: it stands in the audit for good.")]
Key = Annotated[Path | None, typer.Option(help="File with the private half, on a stick; left out: standard input.")]


@escrow_app.command("open")
def open_here(
    context: typer.Context,
    case: Annotated[UUID, typer.Argument(help="The case's id.")],
    by: People,
    reason: Reason,
    key: Key = None,
) -> None:
    """Read one case, on this screen only. All readers are told."""

    async def read(jawab: Jawab) -> list[dict[str, Any]]:
        return await open_case(jawab.db, Opening.read(jawab.keys, by, reason, _private(key)), case)

    terminal.show_json(terminal.run(context, read, Denied, OSError, roles=CUSTODY))


@escrow_app.command("rewrap")
def rewrap_here(context: typer.Context, by: People, reason: Reason, key: Key = None) -> None:
    """Give every open case with fewer than two live readers to the live readers. All readers are told."""

    async def give(jawab: Jawab) -> list[Rewrapped]:
        return await rewrap(jawab.db, jawab.keys, Opening.read(jawab.keys, by, reason, _private(key)))

    done = terminal.run(context, give, Denied, OSError, roles=CUSTODY)
    rows = [{"case": one.case_id, "readers": len(one.readers), "but": one.why} for one in done]
    terminal.show(rows, as_json=False, empty="every open case has two live readers")


def _private(file: Path | None) -> str:
    return sys.stdin.readline() if file is None else file.read_text(encoding="utf-8")
