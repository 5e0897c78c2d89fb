"""`jawab`: the one command. Each room brings its own sub-commands; this file only puts them together."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

import settings as environment
from settings import Refused, Settings
from store.crypto import Keys
from store.jawab import Jawab, opened

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The grievance number of a district that answers.")
out = Console(width=None, highlight=False)
T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def main() -> None:
    try:
        app()
    except Refused as refused:
        sys.stderr.write(f"{refused}\n")
        sys.exit(2)


def with_parts(job: Callable[[Jawab], Coroutine[Any, Any, T]], *roles: str) -> T:
    """Run one job on the parts of this folder (or of the environment). Refuses in one line where there are none."""
    here = _usable(environment.load())

    async def run() -> T:
        async with opened(here, roles=roles or ("console",), size=2) as jawab:
            return await job(jawab)

    return asyncio.run(run())


def _usable(here: Settings) -> Settings:
    if not here.database_url:
        raise Refused("jawab: nothing runs in this folder: start `jawab up`, or set JAWAB_DATABASE_URL")
    if not here.key_file.is_file():
        raise Refused(f"jawab: no key file at {here.key_file} (JAWAB_DATA)")
    return here


def show(rows: list[dict[str, Any]], as_json: bool, empty: str) -> None:
    """Rows as JSON, or as a table for people."""
    if as_json:
        sys.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2, default=str) + "\n")
        return
    if not rows:
        out.print(empty)
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    out.print(table)


# ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────────
@app.command()
def up() -> None:
    """Start everything: PostgreSQL and Valkey of our own where none are given, migrations, web, workers, tick."""
    from house import supervisor  # noqa: PLC0415 - the long imports are for the commands that need them

    here = environment.load()
    if here.demo and not here.public_url:
        here = here.model_copy(update={"public_url": here.base_url})
    run = [sys.executable, "-m", "cli"]
    children = [
        supervisor.Child("web", [*run, "web"]),
        *(supervisor.Child(f"worker-{lane}", [*run, "worker", lane]) for lane in ("replies", "broadcasts", "chores")),
        supervisor.Child("tick", [*run, "tick"]),
    ]
    sys.exit(
        supervisor.run(here, migrate=_migrate, seed=_seed if here.demo else None, children=children, announce=_announce)
    )


@app.command()
def web(part: Annotated[str, typer.Option("--only", help="citizen or desk; both by default.")] = "all") -> None:
    """Serve the citizen's door, the desk and the public pages."""
    import uvicorn  # noqa: PLC0415

    from app import assemble  # noqa: PLC0415

    if part not in {"all", "citizen", "desk"}:
        raise typer.BadParameter("citizen or desk", param_hint="--only")
    here = _usable(environment.load())

    async def serve() -> None:
        async with opened(here) as jawab:
            config = uvicorn.Config(
                assemble(jawab, part),  # type: ignore[arg-type]
                host=here.host,
                port=here.port,
                access_log=False,  # an access log holds addresses and query strings: people
                log_level="warning",
                server_header=False,
                timeout_graceful_shutdown=8,
            )
            await uvicorn.Server(config).serve()

    import uvloop  # noqa: PLC0415

    uvloop.run(serve())


@app.command()
def worker(lane: Annotated[str, typer.Argument(help="replies, broadcasts or chores")]) -> None:
    """Work one lane of the doorbell."""
    import worker as lanes  # noqa: PLC0415

    sys.exit(lanes.run_lane(_usable(environment.load()), lane))


@app.command()
def tick() -> None:
    """Run the clocks and the sweep."""
    import worker as lanes  # noqa: PLC0415

    sys.exit(lanes.run_tick(_usable(environment.load())))


# ── the house ────────────────────────────────────────────────────────────────────────────────────────────────────────
@app.command()
def migrate() -> None:
    """Make the run-time roles and bring the tables up to date."""
    here = environment.load()
    if not here.database_url:
        raise Refused("jawab: set JAWAB_DATABASE_URL, or start `jawab up`, which migrates by itself")
    _migrate(here)
    out.print("the database is up to date")


@app.command()
def seed() -> None:
    """Make the demo district (again): new one-time passwords for its logins."""
    here = _usable(environment.load())
    _seed(here, renew=True)
    _print_logins(here)


def _migrate(here: Settings) -> None:
    from store.database import migrate as bring_up_to_date  # noqa: PLC0415

    try:
        bring_up_to_date(here.database_url, Keys.create(here.key_file))
    except (RuntimeError, ValueError) as refused:
        raise Refused(f"jawab: {refused}") from None


def _seed(here: Settings, *, renew: bool = False) -> None:
    from cases.seed import seed_demo  # noqa: PLC0415

    known = {} if renew else {row["user"]: row for row in _read_demo(here).get("logins", [])}

    async def run() -> list[dict[str, str]]:
        async with opened(here, roles=("console",), size=2) as jawab:
            return await seed_demo(
                jawab.db, jawab.keys, password_of=lambda login: known[login]["password"] if login in known else None
            )

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
                    "desk": f"{here.base_url}/desk",
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


def _announce(here: Settings) -> None:
    out.print(f"\n[bold]Jawab runs[/bold] on {here.base_url}")
    if here.demo:
        out.print(f"  try it    {here.base_url}/try\n  desk      {here.base_url}/desk\n  public    {here.base_url}/")
        _print_logins(here)
        if here.trial:
            out.print("  [bold]A real provider is connected:[/bold] every conversation says that this is a trial line.")
    out.print("  Ctrl-C stops it; the data stay in " + str(here.data) + "\n")


def _print_logins(here: Settings) -> None:
    demo = _read_demo(here)
    if demo.get("logins"):
        out.print(f"\n  demo logins (also in {here.data / 'demo.json'}):")
        for row in demo["logins"]:
            out.print(f"    {row['role']:<11} {row['user']:<16} {row['password']}")


# ── rooms ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@app.command()
def doctor() -> None:
    """Look for what a person should put right. Exit 1 if anything is found."""
    here = _usable(environment.load())

    async def look(jawab: Jawab) -> list[dict[str, Any]]:
        async with jawab.db.read("console") as connection:
            rows = await (
                await connection.execute(
                    "SELECT kind, count(*) AS times, max(at) AS last FROM alarms WHERE cleared_at IS NULL GROUP BY kind"
                    " UNION ALL SELECT 'undone_messages', count(*), max(received_at) FROM inbox WHERE state = 'undone'"
                    " HAVING count(*) > 0"
                    " UNION ALL SELECT 'late_replies', count(*), max(due_at) FROM outbox WHERE state = 'queued'"
                    "   AND due_at < now() - interval '5 minutes' HAVING count(*) > 0"
                    " UNION ALL SELECT 'failed_messages', count(*), max(created_at) FROM outbox WHERE state = 'failed'"
                    " HAVING count(*) > 0"
                    " UNION ALL SELECT 'cases_without_office', count(*), max(opened_at) FROM cases"
                    "   WHERE office_id IS NULL AND status <> 'closed' HAVING count(*) > 0"
                )
            ).fetchall()
        return [dict(row) for row in rows]

    found = with_parts(look)
    if here.key_file.with_name("escrow.key").is_file() and not here.demo:
        found.append({"kind": "escrow_key_on_this_machine", "times": 1, "last": None})
    show(found, as_json=False, empty="nothing to put right")
    raise typer.Exit(1 if found else 0)


audit_app = typer.Typer(no_args_is_help=True, help="The audit chain.")


@audit_app.command("verify")
def verify_audit() -> None:
    """Walk the chain; name the first broken link. Exit 1 on any break."""
    from store import audit  # noqa: PLC0415

    async def walk(jawab: Jawab) -> tuple[int, int | None]:
        async with jawab.db.read("console") as connection:
            return await audit.verify(connection)

    links, broken = with_parts(walk)
    out.print(f"{links} links hold" if broken is None else f"link {broken} is broken; {links} before it hold")
    raise typer.Exit(0 if broken is None else 1)


app.add_typer(audit_app, name="audit")


# ── what is data: districts, numbers, people, cases, editions ────────────────────────────────────────────────────────
district_app = typer.Typer(no_args_is_help=True, help="Districts that are served here.")
channel_app = typer.Typer(no_args_is_help=True, help="The numbers that people write to.")
staff_app = typer.Typer(no_args_is_help=True, help="People at the desk.")
case_app = typer.Typer(no_args_is_help=True, help="Ordinary cases. A protected one has no row here.")
edition_app = typer.Typer(no_args_is_help=True, help="The weekly update: draft, approve, publish, stop.")


def refuse_plainly(job: Callable[[Jawab], Coroutine[Any, Any, T]], *roles: str) -> T:
    """`with_parts`, with a room's refusal as one line and exit status 1."""
    from broadcast.edition import Refused as EditionRefused  # noqa: PLC0415
    from cases.lifecycle import Refused as CaseRefused  # noqa: PLC0415
    from desk.commands import Unacceptable  # noqa: PLC0415

    try:
        return with_parts(job, *roles)
    except (CaseRefused, EditionRefused, Unacceptable) as refused:
        sys.stderr.write(f"jawab: {refused}\n")
        raise typer.Exit(1) from None


@district_app.command("add")
def add_district(district: Annotated[str, typer.Argument(help="Its id, such as pishin.")]) -> None:
    """Serve one more district, with its places."""
    from cases import commands  # noqa: PLC0415

    refuse_plainly(lambda jawab: commands.add_district(jawab.db, district))
    out.print(f"{district} is served; give it a number with `jawab channel add`")


@district_app.command("list")
def list_districts(as_json: AsJson = False) -> None:
    """The districts that are served here."""
    from cases import commands  # noqa: PLC0415

    show(with_parts(lambda jawab: commands.list_districts(jawab.db)), as_json, "no district yet: `jawab district add`")


@channel_app.command("add")
def add_channel(
    kind: Annotated[str, typer.Argument(help="sms or whatsapp")],
    address: Annotated[str, typer.Argument(help="The number, such as +92810000001.")],
    district: Annotated[str, typer.Argument(help="The district it belongs to.")],
    provider: Annotated[str, typer.Option(help="Who carries it.")] = "twilio",
) -> None:
    """Give a number to a district."""
    from cases import commands  # noqa: PLC0415

    refuse_plainly(
        lambda jawab: commands.add_channel(
            jawab.db, kind=kind, provider=provider, address=address, district_id=district
        )
    )
    out.print(f"{address} ({kind}) answers for {district}")


@channel_app.command("list")
def list_channels(as_json: AsJson = False) -> None:
    """The numbers that people write to."""
    from cases import commands  # noqa: PLC0415

    show(with_parts(lambda jawab: commands.list_channels(jawab.db)), as_json, "no number yet: `jawab channel add`")


@staff_app.command("add")
def add_staff(
    login: Annotated[str, typer.Argument(help="2 to 40 of a-z 0-9 . _ -")],
    role: Annotated[str, typer.Argument(help="handler supervisor triage protected editor approver admin")],
    name: Annotated[str, typer.Option(help="As colleagues know the person.")],
    district: Annotated[str | None, typer.Option(help="Left out: the province.")] = None,
) -> None:
    """Add a person; prints a one-time password that is kept nowhere."""
    from desk import commands  # noqa: PLC0415

    made = refuse_plainly(
        lambda jawab: commands.add_staff(jawab.db, login=login, name=name, role=role, district=district)
    )
    show([made], as_json=False, empty="")


@staff_app.command("password")
def reset_password(login: str) -> None:
    """A new one-time password. A protected handler's earlier cases stay shut: nobody can reset a way into them."""
    from desk import commands  # noqa: PLC0415

    show([refuse_plainly(lambda jawab: commands.reset_password(jawab.db, login))], as_json=False, empty="")


@staff_app.command("list")
def list_staff(as_json: AsJson = False) -> None:
    """Everybody at the desk."""
    from desk import commands  # noqa: PLC0415

    show(with_parts(lambda jawab: commands.list_staff(jawab.db)), as_json, "nobody yet: `jawab staff add`")


@case_app.command("list")
def list_cases(
    as_json: AsJson = False, district: Annotated[str | None, typer.Option(help="Only of this district.")] = None
) -> None:
    """Ordinary cases, newest first."""
    from cases import commands  # noqa: PLC0415

    show(with_parts(lambda jawab: commands.list_cases(jawab.db, jawab.keys, district)), as_json, "no case yet")


@edition_app.command("draft")
def draft_edition(
    district: str,
    week: Annotated[str | None, typer.Option(help="Such as 2026-W47; left out: the last full week.")] = None,
    by: Annotated[str | None, typer.Option(help="Login of the editor.")] = None,
) -> None:
    """Compile a week's edition from its cases, or compile a draft again."""
    from broadcast import commands  # noqa: PLC0415

    _show_edition(refuse_plainly(lambda jawab: commands.draft(jawab, district, week, by)))


@edition_app.command("approve")
def approve_edition(
    district: str, week: str, by: Annotated[str, typer.Option(help="Login of an approver who did not draft it.")]
) -> None:
    """Freeze an edition as it stands."""
    from broadcast import commands  # noqa: PLC0415

    _show_edition(refuse_plainly(lambda jawab: commands.approve(jawab, district, week, by)))


@edition_app.command("publish")
def publish_edition(district: str, week: str) -> None:
    """Queue an approved edition whose hold is over; the broadcasts lane sends it."""
    from broadcast import commands  # noqa: PLC0415

    _show_edition(refuse_plainly(lambda jawab: commands.publish_now(jawab, district, week)))


@edition_app.command("stop")
def stop_edition(district: str, week: str, by: Annotated[str, typer.Option(help="Login of whoever stops it.")]) -> None:
    """Stop an edition and withdraw what has not left."""
    from broadcast import commands  # noqa: PLC0415

    _show_edition(refuse_plainly(lambda jawab: commands.stop(jawab, district, week, by)))


def _show_edition(edition: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(edition, ensure_ascii=False, indent=2) + "\n")


def _add_rooms() -> None:
    from flows.commands import app as flows_app  # noqa: PLC0415
    from flows.commands import play  # noqa: PLC0415
    from locales.commands import app as texts_app  # noqa: PLC0415

    app.command()(play)
    for name, room in {
        "flows": flows_app,
        "texts": texts_app,
        "district": district_app,
        "channel": channel_app,
        "staff": staff_app,
        "case": case_app,
        "edition": edition_app,
    }.items():
        app.add_typer(room, name=name)


_add_rooms()

if __name__ == "__main__":
    main()
