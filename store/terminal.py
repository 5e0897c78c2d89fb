"""What a command of any room needs: the parts of this folder for one job, and rows for people or for programs."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Column, Table

from store.jawab import Jawab, opened

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]

out = Console(highlight=False)


def run(
    context: typer.Context,
    job: Callable[[Jawab], Coroutine[Any, Any, T]],
    *refusals: type[Exception],
    told: Callable[[Any], str] = str,
    roles: tuple[str, ...] = ("console",),
) -> T:
    """Run one job on the parts of this folder, or of the environment.

    `context.obj` reads the environment: only an entry point may, and only when a command needs it. A room's `refusals`
    end in one line, as `told` makes it, and exit status 1.
    """
    settings = context.obj()

    async def on_parts() -> T:
        async with opened(settings, roles=roles, size=2, speaker="operator") as jawab:
            return await job(jawab)

    try:
        return asyncio.run(on_parts())
    except refusals as refused:
        typer.echo(f"jawab: {told(refused)}", err=True)
        raise typer.Exit(1) from None


def show(rows: list[dict[str, Any]], as_json: bool, empty: str = "") -> None:
    """Rows as JSON, or as a table for people; `empty` where there is none."""
    if as_json:
        show_json(rows)
    elif not rows:
        out.print(empty)
    else:
        # A fingerprint or the head of a chain is compared and kept: what does not fit is folded, never cut.
        table = Table(*(Column(name, overflow="fold") for name in rows[0]))
        for row in rows:
            table.add_row(*("" if value is None else str(value) for value in row.values()))
        out.print(table)


def show_json(thing: Any) -> None:
    sys.stdout.write(json.dumps(thing, ensure_ascii=False, indent=2, default=str) + "\n")
