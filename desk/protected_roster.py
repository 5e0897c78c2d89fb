"""`jawab roster …`: whom trustees vouch for as readers of protected cases. Keys and signatures are made elsewhere.

`key` and `sign` need no running system and no network: they belong on a machine that has neither.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from cases.protected import roster, signing
from cases.protected.signing import Roster, Seat, Signed, Trust, Unsound
from store import terminal
from store.crypto import Keys, fingerprint
from store.database import Database
from store.jawab import Jawab
from store.signatures import new_signer, sign, signer_of
from store.terminal import AsJson

roster_app = typer.Typer(no_args_is_help=True, help="Who may read protected cases, as trustees have signed it.")

CUSTODY = ("custody",)
WHY = {
    roster.NO_ROSTER: "no roster is signed yet",
    roster.UNKNOWN: "not on the signed roster",
    roster.OTHER_KEY: "has another key than was signed",
    roster.OTHER_OFFICE: "sits in another office than was signed",
}


async def sign_demo(db: Database, keys: Keys) -> None:
    """The demo's own trustee vouches for the demo's people as they stand."""
    async with db.transaction("custody") as tx:
        await roster.sign_demo(tx, keys)


async def watch(jawab: Jawab, _: datetime) -> None:
    """The tick's part: an alarm for whoever stands in the table of staff and not on the signed roster."""
    async with jawab.db.transaction("custody") as tx:
        await roster.watch(tx)


async def find_wrong(jawab: Jawab) -> list[dict[str, Any]]:
    """For the doctor: protected handlers who get no key, and rosters that hold not."""
    async with jawab.db.autocommit("custody") as conn:
        found = await roster.doubts(conn)
        broken = [version for here in (await roster.read(conn)).values() for version in here.broken]
    return [{"kind": f"roster_unvouched {one.login}: {WHY[one.why]}", "times": 1, "last": None} for one in found] + [
        {"kind": f"roster_forged: version {version} is not signed by the trustees", "times": 1, "last": None}
        for version in broken
    ]


async def pin(db: Database, keys: Keys, publics: list[str], needs: int) -> Trust:
    """Say whose signatures count, once. Raises `Unsound`: also for the demo's own trustee."""
    try:
        trust = Trust(tuple(bytes.fromhex(one) for one in publics), needs)
    except ValueError:
        raise Unsound("a trustee's public key is 64 hexadecimal digits, as `jawab roster key` prints it") from None
    if signer_of(roster.demo_trustee(keys)) in trust.trustees:
        raise Unsound("this is the demo's own trustee, whom anybody with this machine could be")
    signing.read(Roster(1, demo=False, trust=trust, people=()).write())
    async with db.transaction("custody") as tx:
        await roster.pin(tx, trust)
    return trust


async def export(db: Database, trust: Trust | None = None) -> Roster:
    async with db.autocommit("custody") as conn:
        return await roster.draft(conn, trust=trust)


async def load(db: Database, signed: Signed) -> Roster:
    async with db.transaction("custody") as tx:
        return await roster.load(tx, signed)


async def show(db: Database) -> list[dict[str, Any]]:
    """{"login", "person", "key", "version", "demo", "reads"} of who stands on a roster, then of who does not."""
    async with db.autocommit("custody") as conn:
        standing = await roster.read(conn)
        doubts = {one.id: one for one in await roster.doubts(conn)}
    rows = [
        {
            "login": seat.login,
            "person": seat.person,
            "key": fingerprint(seat.key),
            "version": here.version,
            "demo": demo,
            "reads": "yes" if seat.id not in doubts else WHY[doubts.pop(seat.id).why],
        }
        for demo, here in sorted(standing.items())
        for seat in (here.roster.people if here.roster else ())
    ]
    return rows + [
        {"login": one.login, "person": "", "key": "", "version": 0, "demo": None, "reads": WHY[one.why]}
        for one in doubts.values()
    ]


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────────────
KeyFile = Annotated[Path, typer.Option("--key", help="The trustee's private key, as `jawab roster key` made it.")]
RosterFile = Annotated[Path, typer.Argument(help="The roster's file.")]


@roster_app.command("key")
def make_key(
    file: Annotated[Path, typer.Argument(help="Where the private half goes: a stick, not this machine.")],
) -> None:
    """Make a trustee's pair of keys; prints the public half, which is all that `jawab roster pin` needs."""
    private, public = new_signer()
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w") as out:
            out.write(private.hex() + "\n")
    except OSError as refused:
        _end(f"{file}: {refused.strerror}")
    typer.echo(public.hex())


@roster_app.command("pin")
def pin_here(
    context: typer.Context,
    publics: Annotated[list[str], typer.Argument(help="Public halves, as `jawab roster key` printed them.")],
    needs: Annotated[int, typer.Option(help="How many of them must sign.")] = 1,
) -> None:
    """Say whose signatures count, once for good."""
    trust = terminal.run(context, lambda jawab: pin(jawab.db, jawab.keys, publics, needs), Unsound, roles=CUSTODY)
    terminal.out.print(f"{trust.needs} of {len(trust.trustees)} must sign; next: `jawab roster export roster.json`")


@roster_app.command("export")
def export_here(
    context: typer.Context,
    file: RosterFile,
    trustees: Annotated[list[str] | None, typer.Option("--trustee", help="Other trustees from the next on.")] = None,
    needs: Annotated[int, typer.Option(help="How many of those must sign.")] = 1,
) -> None:
    """Write what is to be signed: the protected handlers as they stand here."""

    async def write(jawab: Jawab) -> Roster:
        trust = Trust(tuple(bytes.fromhex(one) for one in trustees), needs) if trustees else None
        return await export(jawab.db, trust)

    made = terminal.run(context, write, Unsound, ValueError, roles=CUSTODY)
    file.write_text(Signed(made.write()).write() + "\n", encoding="utf-8")
    _show_people(made)
    terminal.out.print(
        f"version {made.version} is in {file}; take it to the trustee: `jawab roster sign {file} --key …`"
    )


@roster_app.command("sign")
def sign_here(file: RosterFile, key: KeyFile) -> None:
    """Sign a roster, away from the machine that serves. Compare each fingerprint with the person first."""
    try:
        private = bytes.fromhex(key.read_text(encoding="utf-8").strip())
        signed = Signed.read(file.read_text(encoding="utf-8"))
        made = signing.read(signed.text)
        public = signer_of(private)
    except Unsound as refused:
        _end(str(refused))
    except OSError as refused:
        _end(f"{refused.filename}: {refused.strerror}")
    except ValueError:
        _end(f"{key}: a trustee's private key is 64 hexadecimal digits")
    if made.demo:
        _end("this roster is the demo's: its own trustee signs it by itself")
    _show_people(made)
    signatures = {**signed.signatures, public.hex(): sign(private, signed.text.encode()).hex()}
    file.write_text(Signed(signed.text, signatures).write() + "\n", encoding="utf-8")
    terminal.out.print(f"signed by {public.hex()[:16]}; next, where it serves: `jawab roster load {file}`")


@roster_app.command("load")
def load_here(context: typer.Context, file: RosterFile) -> None:
    """Check a signed roster and put it into force."""
    made = terminal.run(
        context,
        lambda jawab: load(jawab.db, Signed.read(file.read_text(encoding="utf-8"))),
        Unsound,
        OSError,
        roles=CUSTODY,
    )
    _show_people(made)
    terminal.out.print(f"version {made.version} is in force since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")


@roster_app.command("show")
def show_here(context: typer.Context, as_json: AsJson = False) -> None:
    """Who reads protected cases, by fingerprint, and who does not, and why."""
    rows = terminal.run(context, lambda jawab: show(jawab.db), roles=CUSTODY)
    terminal.show(rows, as_json, "no protected handler yet: `jawab staff add LOGIN protected`")


def _show_people(made: Roster) -> None:
    terminal.show([_line(seat) for seat in made.people], as_json=False, empty="nobody stands on it")


def _line(seat: Seat) -> dict[str, Any]:
    return {"login": seat.login, "person": seat.person, "office": seat.office or "", "key": fingerprint(seat.key)}


def _end(line: str) -> NoReturn:
    typer.echo(f"jawab: {line}", err=True)
    raise typer.Exit(1)
