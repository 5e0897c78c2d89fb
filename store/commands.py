"""`jawab audit`: whether the chain holds, and its head; and what `jawab doctor` finds here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from store import audit, terminal
from store.crypto import Keys, fingerprint
from store.database import fetch_all
from store.jawab import Jawab

audit_app = typer.Typer(no_args_is_help=True, help="The audit chain.")
FOUND = {
    "": "{links} links hold",
    "altered": "link {at} is broken; {links} before it hold",
    "nobody": "link {at} is in the name of somebody who was not signed in; {links} before it hold",
    "cut": "{links} links hold, but the head {at} is none of them: the chain was cut or written anew",
}
Look = Callable[[Jawab], Awaitable[list[dict[str, Any]]]]
Tell = Callable[[Jawab], Awaitable[str]]  # one line

_WRONG = """
SELECT kind, count(*) AS times, max(at) AS last FROM alarms WHERE cleared_at IS NULL GROUP BY kind
UNION ALL SELECT 'undone_messages', count(*), max(received_at) FROM inbox WHERE state = 'undone' HAVING count(*) > 0
UNION ALL SELECT 'late_replies', count(*), max(due_at) FROM outbox
    WHERE state = 'queued' AND due_at < now() - interval '5 minutes' HAVING count(*) > 0
UNION ALL SELECT 'failed_messages', count(*), max(created_at) FROM outbox WHERE state = 'failed' HAVING count(*) > 0
UNION ALL SELECT 'cases_without_office', count(*), max(opened_at) FROM cases
    WHERE office_id IS NULL AND status NOT IN ('withdrawn', 'closed') HAVING count(*) > 0
UNION ALL SELECT 'offices_not_told', count(*), max(at) FROM referrals
    WHERE told_at IS NULL AND unreached_at IS NOT NULL AND done_at IS NULL HAVING count(*) > 0
UNION ALL SELECT 'job_not_run ' || name, 1, started_at FROM jobs WHERE due_at + 2 * pace < now()
UNION ALL SELECT 'no_job_ever_ran', 1, NULL WHERE NOT EXISTS (SELECT FROM jobs)
"""


async def find_wrong(jawab: Jawab) -> list[dict[str, Any]]:
    """{"kind", "times", "last"} of everything a person should look at."""
    async with jawab.db.autocommit("console") as conn:
        found = await fetch_all(conn, _WRONG)
    if not jawab.settings.demo and jawab.settings.key_file.with_name("escrow.key").is_file():
        found.append({"kind": "escrow_key_on_this_machine", "times": 1, "last": None})
    return found


def tell_keys(keys: Keys) -> str:
    """One line of fingerprints, to be compared with those of the backup."""
    house, *old = keys.fingerprints
    escrow = fingerprint(keys.escrow_public) if keys.escrow_public else "none"
    return f"house key {house}" + (f" (before: {', '.join(old)})" if old else "") + f", escrow {escrow}"


def look_with(context: typer.Context, looks: Sequence[Look], tells: Sequence[Tell]) -> NoReturn:
    """For the doctor: look here and wherever other rooms say, and have them tell how things stand."""

    async def look(jawab: Jawab) -> tuple[list[dict[str, Any]], list[str]]:
        found = [row for one in (find_wrong, *looks) for row in await one(jawab)]
        return found, [await tell(jawab) for tell in tells]

    found, lines = terminal.run(context, look, roles=("console", "custody"))
    for line in (tell_keys(Keys.load(context.obj().key_file)), *lines):
        terminal.out.print(line, soft_wrap=True)
    terminal.show(found, as_json=False, empty="nothing to put right")
    raise typer.Exit(1 if found else 0)


@audit_app.command("verify")
def verify_audit(
    context: typer.Context,
    head: Annotated[
        list[str] | None,
        typer.Option(help="A head that was given out earlier, or a file that holds some; may be given more than once."),
    ] = None,
) -> None:
    """Walk the chain, and look for every head that was kept or is given here. Exit 1 on any break."""
    heads = {found for named in head or () for found in _read_heads(named)}

    async def walk(jawab: Jawab) -> audit.Walk:
        async with jawab.db.autocommit("console") as conn:
            return await audit.verify(conn, heads)

    found = terminal.run(context, walk)
    terminal.out.print(FOUND[found.fault].format(links=found.links, at=found.at))
    raise typer.Exit(1 if found.fault else 0)


@audit_app.command("head")
def show_head(context: typer.Context, as_json: terminal.AsJson = False) -> None:
    """Print the last link's hash: whoever keeps it elsewhere will know if the chain is cut or written anew."""

    async def look(jawab: Jawab) -> tuple[datetime, str] | None:
        async with jawab.db.autocommit("console") as conn:
            return await audit.head(conn)

    found = terminal.run(context, look)
    terminal.show([{"at": found[0].astimezone(UTC).isoformat(), "hash": found[1]}] if found else [], as_json, "no link")


def _read_heads(named: str) -> set[str]:
    """The heads in a file, or the one that was typed."""
    path = Path(named)
    given = path.read_text(errors="replace") if path.is_file() else named
    found = set(audit.HEAD.findall(given.lower()))
    if not found:
        raise typer.BadParameter(f"{named} is neither a head (64 hexadecimal digits) nor a file with one")
    return found
