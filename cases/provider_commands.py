"""`jawab provider …`: who helps whoever was hurt, loaded from a file, listed, and referred to no more."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cases import calendar, providers
from cases.lifecycle import Refused
from cases.outside import Unusable
from store import audit, terminal
from store.database import Database
from store.terminal import AsJson

provider_app = typer.Typer(
    no_args_is_help=True, help="Legal aid, medical care, shelter …: whom sealed cases are referred to."
)

TOLD = {
    "district_unserved": "a district of this list is not served here: `jawab district add`",
    "outside_future": "the day on which one was read lies ahead: `read_on`",
    "provider_unknown": "no such provider that is not disabled already: `jawab provider list`",
}


async def load(db: Database, path: Path) -> int:
    """Returns how many the file names. Raises `Unusable`, `Refused`, OSError."""
    plan = providers.read(path)
    async with db.transaction("console") as tx:
        named = await providers.load(tx, plan, calendar.day_of(datetime.now(UTC)))
        await audit.write(tx, "operator", "provider.load", str(named))
    return named


async def list_all(db: Database) -> list[dict[str, Any]]:
    """{"of", "kind", "phone", "names", "source", "read_on", "disabled"} of each."""
    async with db.autocommit("console") as conn:
        rows = await providers.list_all(conn)
    return [
        {
            "of": one.of,
            "kind": one.kind,
            "phone": one.phone,
            "names": one.names,
            "source": one.source,
            "read_on": one.read_on,
            "disabled": one.disabled_at is not None,
        }
        for one in rows
    ]


async def disable(db: Database, of: str, kind: str, phone: str) -> None:
    """Raises `Refused` where there is none."""
    async with db.transaction("console") as tx:
        rows = [one for one in await providers.list_all(tx) if (one.of, one.kind, one.phone) == (of, kind, phone)]
        if not rows:
            raise Refused("provider_unknown")
        await providers.disable(tx, rows[0].id, datetime.now(UTC))
        await audit.write(tx, "operator", "provider.disable", str(rows[0].id))


def _plainly(refused: Exception) -> str:
    return TOLD[refused.reason] if isinstance(refused, Refused) else str(refused)


@provider_app.command("load")
def load_here(
    context: typer.Context, file: Annotated[Path, typer.Argument(help="YAML as in docs/providers.yaml.")]
) -> None:
    """Name providers of districts and of the province; loading again writes over what has the same kind and number."""
    named = terminal.run(context, lambda jawab: load(jawab.db, file), Refused, Unusable, OSError, told=_plainly)
    terminal.out.print(f"{named} named: `jawab provider list`")


@provider_app.command("list")
def show_list(context: typer.Context, as_json: AsJson = False) -> None:
    """Every provider, with where and when it was read."""
    rows = terminal.run(context, lambda jawab: list_all(jawab.db))
    if not as_json:
        rows = [row | {"names": " · ".join(row["names"].values())} for row in rows]
    terminal.show(rows, as_json, "nobody yet: `jawab provider load FILE`")


@provider_app.command("disable")
def disable_here(
    context: typer.Context,
    of: Annotated[str, typer.Argument(help="A district's id, or province.")],
    kind: Annotated[str, typer.Argument(help=", ".join(providers.KINDS))],
    phone: Annotated[str, typer.Argument(help="The number, as `jawab provider list` shows it.")],
) -> None:
    """Refer to one no more; what was referred there stays."""
    terminal.run(context, lambda jawab: disable(jawab.db, of, kind, phone), Refused, told=_plainly)
    terminal.out.print(f"{phone} is referred to no more")
