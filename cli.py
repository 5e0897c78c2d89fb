"""`jawab`: the one command. Each room brings its own sub-commands; this file only puts them together."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

import bot.commands
import bot.erase_commands
import broadcast.commands
import cases.commands
import cases.outside_commands
import cases.provider_commands
import desk.commands
import desk.protected
import desk.protected_door
import desk.protected_escrow
import desk.protected_roster
import flows.commands
import flows.load
import locales.commands
import settings as environment
import store.commands
import store.retention
from cases import districts
from cases.seed import seed_demo
from house.supervisor import Prepared
from house.warm import Child
from processes import Door
from settings import Misconfigured, Part, Settings
from store import arrival, house_keys, terminal
from store.crypto import Keys, Malformed, fingerprint
from store.database import ROLES, SPEAKERS, fetch_one
from store.handed import Handed
from store.jawab import Jawab, opened

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The grievance number of a district that answers.")
out = terminal.out


@app.callback()
def hand_down(context: typer.Context) -> None:
    # Read only when a command asks for it: `--help` works whatever the environment says.
    context.obj = environment.load_running


REFUSALS = (Misconfigured, Malformed, psycopg.OperationalError)


def main() -> None:
    try:
        app()
    except REFUSALS as refused:
        sys.exit(_tell_refusal(refused))


def _tell_refusal(refused: BaseException) -> int:
    """In one line why nothing can be done; the exit status."""
    if isinstance(refused, psycopg.OperationalError):
        why = f"jawab: the database cannot be reached: {' '.join(str(refused).split())} (JAWAB_DATABASE_URL)"
    else:
        why = str(refused) if isinstance(refused, Misconfigured) else f"jawab: {refused} (JAWAB_DATA)"
    sys.stderr.write(f"{why}\n")
    return 2


# ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────────
@app.command()
def up() -> None:
    """Start everything: PostgreSQL and Valkey of our own where none are given, migrations, web, workers, tick."""
    _check_flows()
    os.execv(sys.executable, [sys.executable, "-m", "jawab", "up"])  # noqa: S606 - itself, without all that is here


@app.command()
def reload() -> None:
    """Replace the processes of `jawab up` one by one, by what the code says now, while people write."""
    from house import process

    here = environment.load()
    before = environment.running(here)
    if not before or process.take_lock(here.data / "run" / "lock") is not None:
        raise Misconfigured("jawab: nothing runs in this folder (JAWAB_DATA)")
    os.kill(before["pid"], signal.SIGHUP)
    wanted = before["reloads"]["ended"] + (2 if before["reloads"]["under_way"] else 1)
    while (now := environment.running(here)) and now["reloads"]["ended"] < wanted:
        time.sleep(0.1)
    if not now:
        raise Misconfigured("jawab: it was stopped meanwhile")
    if now["reloads"]["problem"]:
        raise Misconfigured(f"jawab: not all is new: {now['reloads']['problem']}")
    out.print("every process is a new one")


@app.command()
def web(
    part: Annotated[Part, typer.Option("--only", help="One side only.")] = "all",
) -> None:
    """Serve the citizen's door, the desk, the protected cases and the public pages, or one of them."""
    import serving

    _check_flows()
    serving.serve(Handed(environment.load_running()), part)


@app.command()
def worker(lane: Annotated[str, typer.Argument(help="replies, broadcasts or chores")]) -> None:
    """Work one lane of the doorbell."""
    import worker as lanes

    sys.exit(lanes.run_lane(environment.load_running(), lane))


@app.command()
def tick() -> None:
    """Run the clocks and the sweep."""
    import worker as lanes

    sys.exit(lanes.run_tick(environment.load_running()))


# ── clockwork ────────────────────────────────────────────────────────────────────────────────────────────────────────
clockwork = typer.Typer(help="The periodic jobs: when each last ran, and what became of it.")
app.add_typer(clockwork, name="jobs")


@clockwork.callback(invoke_without_command=True)
def list_jobs(context: typer.Context, as_json: terminal.AsJson = False) -> None:
    """List the periodic jobs with their last run."""
    if context.invoked_subcommand is None:
        import jobs

        runs = terminal.run(context, jobs.list_runs)
        terminal.show(runs if as_json else [jobs.shorten(run) for run in runs], as_json)


@clockwork.command("run")
def run_job(context: typer.Context, name: Annotated[str, typer.Argument(help="As `jawab jobs` lists it.")]) -> None:
    """Run one job now, whether it is due or not. Exit 1 where it fails, or is at work already."""
    import jobs

    ended = terminal.run(
        context, lambda jawab: jobs.run_now(jawab, name), jobs.NotRun, roles=("intake", "console", "custody")
    )
    out.print(f"{name}: {ended.error or 'done'} in {ended.seconds:.1f} s")
    raise typer.Exit(1 if ended.error else 0)


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
keys_app = typer.Typer(no_args_is_help=True, help="The house's key file: fingerprints, and a new key.")
app.add_typer(keys_app, name="keys")


@keys_app.command("show")
def show_keys(as_json: terminal.AsJson = False) -> None:
    """Fingerprints of the keys that are here, which may be told: compare them with those of the backup."""
    terminal.show(tell_keys(environment.load()), as_json)


@keys_app.command("rotate")
def rotate_keys() -> None:
    """A new house key for all that is written from the next start on; those of before go on opening what they wrote."""
    from house import process

    here = environment.load()
    if not here.key_file.is_file():
        raise Misconfigured(f"jawab: no key file at {here.key_file} (JAWAB_DATA)")
    process.own_folder(here.data / "run")
    if process.take_lock(here.data / "run" / "lock") is None:
        raise Misconfigured("jawab: it runs: stop it first, what runs would not read what the new key writes")
    Keys.rotate(here.key_file)
    terminal.show(tell_keys(here), as_json=False)
    out.print("  Copy master.key to its two places and to every machine, stop what still runs there, then start again.")


def tell_keys(here: Settings) -> list[dict[str, Any]]:
    """{"key", "fingerprint", "does"} of each key of this folder. Raises `Malformed`."""
    keys = Keys.load(here.key_file)
    last = len(keys.masters) - 1
    rows = [
        {
            "key": f"house {number}",
            "fingerprint": shown,
            "does": ", ".join(
                [*(["encrypts"] if number == 1 else []), "opens", *(["addresses and codes"] if number > last else [])]
            ),
        }
        for number, shown in enumerate(keys.fingerprints, 1)
    ]
    if keys.escrow_public:
        rows.append({"key": "escrow", "fingerprint": fingerprint(keys.escrow_public), "does": "sealed cases"})
    return rows


# ── the house ────────────────────────────────────────────────────────────────────────────────────────────────────────
@app.command()
def migrate() -> None:
    """Make the run-time roles, bring the tables up to date, and the names of the places in them."""
    here = environment.load()
    if not here.database_url:
        raise Misconfigured("jawab: set JAWAB_DATABASE_URL, or start `jawab up`, which migrates by itself")
    _migrate(here)
    out.print("the database is up to date")


@app.command()
def seed() -> None:
    """Make the demo district (again): new one-time passwords for its logins."""
    here = environment.load_running()
    _seed(here, renew=True)
    _print_logins(here)


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="A new file. Keep it apart from the keys.")]) -> None:
    """Dump the database while everything runs. The list of what was erased goes beside the dump."""
    from house import Failed, dumps
    from house.postgres import as_owner

    here = environment.load_running()
    try:
        dumps.write(as_owner(here.database_url, here.data), file)
    except Failed as refused:
        raise Misconfigured(f"jawab: {refused}") from None
    out.print(f"{file} is written; `jawab erased list` says what a restore must erase again")


@app.command()
def restore(
    dump: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="As `jawab backup` wrote it.")],
    erased: Annotated[
        list[Path] | None, typer.Option(exists=True, dir_okay=False, help="A list of what was erased, kept elsewhere.")
    ] = None,
) -> None:
    """Bring a dump back while nothing runs, and erase again what was erased since, before anything starts."""
    from house import Failed, dumps
    from house.postgres import as_owner

    here = environment.load()
    try:
        given = as_owner(here.database_url, here.data) if here.database_url else ""
        with dumps.at_rest(here.data, given) as (url, superusers):
            there = here.model_copy(update={"database_url": url})
            _migrate(there)  # its roles, before what is granted to them
            dumps.bring_back(superusers, dump)  # extensions and rights on the catalog are no owner's
            _migrate(there)
            again = bot.erase_commands.replay(there, url, *(erased or ()))
            cards = asyncio.run(_adopt(there))
    except Failed as refused:
        raise Misconfigured(f"jawab: {refused}") from None
    out.print(f"{dump} is back; erased again: {again}")
    if cards:
        out.print(f"unsorted cards whose keys no backup holds, now behind the protected door: {cards}")


async def _adopt(here: Settings) -> int:
    async with opened(here, roles=("custody",), size=2, speaker="operator") as jawab:
        return await desk.protected.adopt_restored(jawab.db, jawab.keys)


def _check_flows() -> None:
    """A typo in a flow stops the start, and not the first citizen's message."""
    try:
        flows.load.load_book()
    except flows.load.Refused as refused:
        raise Misconfigured(f"jawab: {refused}") from None


def _migrate(here: Settings) -> None:
    import store.migrations
    from house.postgres import as_owner

    url = as_owner(here.database_url, here.data)
    try:
        if here.key_file.is_file():
            Keys.load(here.key_file)  # a bad one is named whether or not the database answers
        Keys.create(here.key_file, new=house_keys.is_new(url))
        store.migrations.migrate(url, Keys.give_passwords(here.key_file, ROLES + SPEAKERS))
    except Malformed:
        raise
    except (RuntimeError, ValueError) as refused:
        raise Misconfigured(f"jawab: {refused}") from None

    async def refresh() -> None:
        # A district is added once and then only updated; its lists are data of this version, as the tables are.
        async with opened(here, roles=("console", "custody"), size=2, speaker="operator") as jawab:
            async with jawab.db.transaction("console") as tx:
                await districts.refresh(tx)
            await desk.protected_escrow.bind_old(jawab.db, jawab.keys)

    asyncio.run(refresh())


def get_ready(children: Sequence[Child], door: Door) -> Callable[[Mapping[str, str]], Prepared]:
    """What `jawab up` has done beside it before it starts these: to be called with the addresses of its parts."""
    import handing

    def prepare(addresses: Mapping[str, str]) -> Prepared:
        filled = {**addresses, "data": Path(addresses["data"])}
        here = environment.load_to_start().model_copy(update=filled)
        try:
            _ready(here)
            if here.demo:
                _seed(here)
            return Prepared(_announce(here), handing.hand_out(here, children, door))
        except REFUSALS as refused:
            sys.exit(_tell_refusal(refused))

    try:
        _check_flows()
    except REFUSALS as refused:
        sys.exit(_tell_refusal(refused))
    return prepare


def _ready(here: Settings) -> None:
    """Migrated, and without what was erased: a restored dump may hold it."""
    from house.postgres import as_owner
    from house.supervisor import say

    arrival.wait_for(as_owner(here.database_url, here.data), say)
    _migrate(here)
    bot.erase_commands.replay(here, as_owner(here.database_url, here.data))


def _seed(here: Settings, *, renew: bool = False) -> None:
    known = {} if renew else {row["user"]: row for row in _read_demo(here).get("logins", [])}

    async def run() -> list[dict[str, str]]:
        async with opened(here, roles=("console", "custody"), size=2, speaker="operator") as jawab:
            made = await seed_demo(
                jawab.db, jawab.keys, password_of=lambda login: known[login]["password"] if login in known else None
            )
            await desk.protected_roster.sign_demo(jawab.db, jawab.keys)
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
            _print_logins(here)
            if here.trial:
                out.print(
                    "  [bold]A real provider is connected:[/bold] every conversation says that this is a trial line."
                )
        if here.divided:
            out.print(f"  desk      {here.url_of('desk')}/desk\n  custody   {here.url_of('custody')}/desk/protected")
        out.print("  Ctrl-C stops it; the data stay in " + str(here.data) + "\n")
    return said.get()


def _print_logins(here: Settings) -> None:
    demo = _read_demo(here)
    if demo.get("logins"):
        out.print(f"\n  demo logins (also in {here.data / 'demo.json'}):")
        for row in demo["logins"]:
            out.print(f"    {row['role']:<11} {row['user']:<16} {row['password']}")


async def _find_undivided(jawab: Jawab) -> list[dict[str, Any]]:
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


# ── what each room brings ────────────────────────────────────────────────────────────────────────────────────────────
for room in (
    flows.commands,
    locales.commands,
    store.commands,
    cases.commands,
    cases.outside_commands,
    cases.provider_commands,
    bot.commands,
    bot.erase_commands,
    desk.commands,
    desk.protected_door,
    broadcast.commands,
):
    for name, sub in room.APPS.items():
        app.add_typer(sub, name=name)
app.command()(flows.commands.play)
app.command("retention")(store.retention.retention)
app.command("inventory")(bot.erase_commands.inventory)
app.command("erase")(bot.erase_commands.erase_here)
app.command("doctor")(
    store.commands.doctor_with(
        bot.commands.find_wrong,
        bot.erase_commands.find_wrong,
        cases.commands.find_wrong,
        cases.outside_commands.find_wrong,
        desk.protected_door.find_wrong,
        desk.protected_roster.find_wrong,
        _find_undivided,
        tells=(desk.protected_door.tell, _tell_powers),
    )
)

if __name__ == "__main__":
    main()
