"""What is done before anything serves: flows read, tables up to date, what was erased erased again, the demo seeded."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import settings as environment
from cases import districts
from cases.seed import seed_demo
from commands import refusals
from desk import protected_escrow, protected_roster
from flows import load
from house.supervisor import Prepared
from house.warm import Child
from processes import Door
from settings import Misconfigured, Settings
from store import arrival, house_keys
from store.crypto import Keys, Malformed
from store.database import ROLES, SPEAKERS
from store.jawab import opened
from store.terminal import out


def check_flows() -> None:
    """A typo in a flow stops the start, and not the first citizen's message."""
    try:
        load.load_book()
    except load.Refused as refused:
        raise Misconfigured(f"jawab: {refused}") from None


def migrate(here: Settings) -> None:
    """Tables up to date, and the lists in them; what takes long says so. Raises `Misconfigured`, `Malformed`."""
    import store.migrations
    from house.postgres import as_owner
    from house.supervisor import say

    url = as_owner(here.database_url, here.data)
    try:
        if here.key_file.is_file():
            Keys.load(here.key_file)  # a bad one is named whether or not the database answers
        Keys.create(here.key_file, new=house_keys.is_new(url))
        store.migrations.migrate(url, Keys.give_passwords(here.key_file, ROLES + SPEAKERS), tell=say)
    except Malformed:
        raise
    except (RuntimeError, ValueError) as refused:
        raise Misconfigured(f"jawab: {refused}") from None

    async def refresh() -> None:
        # A district is added once and then only updated; its lists are data of this version, as the tables are.
        async with opened(here, roles=("console", "custody"), size=2, speaker="operator") as jawab:
            async with jawab.db.transaction("console") as tx:
                await districts.refresh(tx)
            await protected_escrow.bind_old(jawab.db, jawab.keys)

    asyncio.run(refresh())


def get_ready(children: Sequence[Child], door: Door) -> Callable[[Mapping[str, str]], Prepared]:
    """What `jawab up` has done beside it before it starts these: to be called with the addresses of its parts."""
    import handing

    def prepare(addresses: Mapping[str, str]) -> Prepared:
        filled = {**addresses, "data": Path(addresses["data"])}
        here = environment.load_to_start().model_copy(update=filled)
        try:
            ready(here)
            if here.demo:
                seed(here)
            return Prepared(_announce(here), handing.hand_out(here, children, door))
        except tuple(refusals.known()) as refused:
            sys.exit(refusals.tell(refused))

    try:
        check_flows()
    except tuple(refusals.known()) as refused:
        sys.exit(refusals.tell(refused))
    return prepare


def ready(here: Settings) -> None:
    """Migrated, and without what was erased: a restored dump may hold it."""
    from bot import erase_commands
    from house.postgres import as_owner
    from house.supervisor import say

    arrival.wait_for(as_owner(here.database_url, here.data), say)
    migrate(here)
    erase_commands.replay(here, as_owner(here.database_url, here.data))


def seed(here: Settings, *, renew: bool = False) -> None:
    known = {} if renew else {row["user"]: row for row in _read_demo(here).get("logins", [])}

    async def run() -> list[dict[str, str]]:
        async with opened(here, roles=("console", "custody"), size=2, speaker="operator") as jawab:
            made = await seed_demo(
                jawab.db, jawab.keys, password_of=lambda login: known[login]["password"] if login in known else None
            )
            await protected_roster.sign_demo(jawab.db, jawab.keys)
            return made

    logins = asyncio.run(run())
    known |= {row["user"]: row for row in logins}
    path = here.data / "demo.json"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(
        json.dumps(
            {
                "addresses": {
                    "try": f"{here.base_url}/try",
                    "desk": f"{here.url_of('desk')}/desk",
                    "public": f"{here.base_url}/",
                    "twilio": f"{here.base_url}/in/twilio",
                },
                "logins": list(known.values()),
            },
            ensure_ascii=False,
            indent=2,
        )
    )


def _read_demo(here: Settings) -> dict[str, Any]:
    path = here.data / "demo.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return found


def _announce(here: Settings) -> str:
    """What is said once all serve, as this terminal shows it."""
    with out.capture() as said:
        out.print(f"\n[bold]Jawab runs[/bold] on {here.base_url}")
        if here.demo:
            out.print(
                f"  try it    {here.base_url}/try\n  desk      {here.base_url}/desk\n  public    {here.base_url}/"
            )
            print_logins(here)
            if here.trial:
                out.print(
                    "  [bold]A real provider is connected:[/bold] every conversation says that this is a trial line."
                )
        if here.divided:
            out.print(f"  desk      {here.url_of('desk')}/desk\n  custody   {here.url_of('custody')}/desk/protected")
        out.print("  Ctrl-C stops it; the data stay in " + str(here.data) + "\n")
    return said.get()


def print_logins(here: Settings) -> None:
    demo = _read_demo(here)
    if demo.get("logins"):
        out.print(f"\n  demo logins (also in {here.data / 'demo.json'}):")
        for row in demo["logins"]:
            out.print(f"    {row['role']:<11} {row['user']:<16} {row['password']}")
