"""`jawab protected …`: leads an operator to an open protected door, step by step; and what its keeper must hear of.

Each step is read from what stands, so that it can be stopped anywhere and taken up again by whoever comes next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cases import districts, outside
from cases.protected import proving, roster, standing
from cases.protected.standing import LEAST, Standing
from desk.protected_escrow import escrow_app
from store import audit, terminal
from store.crypto import Keys, fingerprint, is_private_of, public_of, write_pair, write_public
from store.database import Conn, fetch_all
from store.jawab import Jawab
from store.terminal import AsJson

protected_app = typer.Typer(no_args_is_help=True, help="The protected door: what it needs to be open.")
protected_app.add_typer(escrow_app, name="escrow")
ROLES = ("console", "custody")


class Unacceptable(ValueError):
    """What the command was given cannot be taken: one line that says what to do instead."""


@dataclass(frozen=True, slots=True)
class Found:
    """All that the steps are read from. `readers` are logins."""

    at_door: Standing
    escrow: str  # fingerprint of the public key that lies beside the house key, "" where none does
    pinned: str
    private: Path | None  # where its private half still lies
    folder: Path
    readers: tuple[str, ...]
    triage: int  # of the province, who alone sees what waits locked
    without_address: tuple[str, ...]  # districts
    unproven: tuple[str, ...]  # logins of readers who have opened no test item yet
    unsigned: tuple[str, ...]  # logins of protected handlers whom no signed roster vouches for


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `do` is what to do next where it is not done."""

    step: str
    done: bool
    do: str


async def find(jawab: Jawab) -> Found:
    """How the real districts' door stands."""
    async with jawab.db.autocommit("custody") as conn:
        at_door = await standing.look(conn, jawab.keys)
        unsigned = await _find_unsigned(conn)
        proven = await proving.opened(conn, await roster.readers(conn, standing.REAL))
        logins = await fetch_all(
            conn, "SELECT id, login FROM staff WHERE id = ANY(%s) ORDER BY login", (list(at_door.readers),)
        )
        triage = await fetch_all(
            conn,
            "SELECT id FROM staff WHERE role = 'triage' AND district_id IS NULL AND disabled_at IS NULL AND NOT demo",
        )
    async with jawab.db.autocommit("console") as conn:
        missing = [one.id for one in await districts.list_all(conn) if not one.demo and await _is_alone(conn, one.id)]
    keys = jawab.keys
    return Found(
        at_door,
        fingerprint(keys.escrow_public) if keys.escrow_public else "",
        fingerprint(at_door.pinned) if at_door.pinned else "",
        keys.find_escrow_private(),
        jawab.settings.key_file.parent,
        tuple(row["login"] for row in logins),
        len(triage),
        tuple(missing),
        tuple(row["login"] for row in logins if row["id"] not in proven),
        unsigned,
    )


async def _find_unsigned(conn: Conn) -> tuple[str, ...]:
    """The real protected handlers, not the demo's, who get no key yet."""
    waiting = [one.id for one in await roster.doubts(conn)]
    rows = await fetch_all(conn, "SELECT login FROM staff WHERE id = ANY(%s) AND NOT demo ORDER BY login", (waiting,))
    return tuple(row["login"] for row in rows)


async def _is_alone(conn: Conn, district_id: str) -> bool:
    return not await outside.of_district(conn, district_id)


def _pair(found: Found) -> Step:
    return Step(
        "an escrow pair",
        bool(found.escrow),
        "on another computer: `jawab protected pair FOLDER`; it says how to bring the public half here",
    )


def _apart(found: Found) -> Step:
    return Step(
        "its private half is not on this machine",
        bool(found.escrow) and found.private is None,
        f"copy {found.private} to two sticks or sheets for two people who are no protected handlers, write the"
        f" fingerprint {found.escrow} on each, then `shred -u {found.private}`",
    )


def _pinned(found: Found) -> Step:
    do = f"compare {found.escrow} with what stands on the sticks or sheets; `jawab protected open --fingerprint …`"
    if found.pinned:
        do = f"{found.pinned} is pinned, {found.escrow or 'none'} lies in {found.folder}: bring escrow.pub back"
    return Step("its fingerprint is compared and pinned", bool(found.pinned) and found.pinned == found.escrow, do)


def _readers(found: Found) -> Step:
    there = (*found.readers, *found.unsigned)
    has = f" (there: {', '.join(there)})" if there else ""
    return Step(
        f"{LEAST} protected handlers of the province{has}",
        len(there) >= LEAST,
        "`jawab staff add LOGIN protected --name NAME`, without a district; each signs in at /desk",
    )


def _roster(found: Found) -> Step:
    waiting = f"{', '.join(found.unsigned) or 'nobody yet'} waiting for it"
    return Step(
        "a trustee has signed who they are",
        len(found.readers) >= LEAST and not found.unsigned,
        f"{waiting}: `jawab roster key` and `jawab roster pin` once; then `roster export`, `sign` elsewhere, `load`",
    )


def _proofs(found: Found) -> Step:
    return Step(
        "each of them has opened a sealed test item",
        len(found.readers) >= LEAST and not found.unproven,
        f"{', '.join(found.unproven) or 'they'}: sign in at /desk and open /desk/protected/proof",
    )


def _triage(found: Found) -> Step:
    return Step(
        "a triage of the province, who sees what waits locked",
        found.triage > 0,
        "`jawab staff add LOGIN triage --name NAME`, without a district",
    )


def _addresses(found: Found) -> Step:
    return Step(
        "others to ask, outside each district",
        not found.without_address,
        f"`jawab outside load FILE` (as docs/outside.yaml): none yet for {', '.join(found.without_address)}",
    )


STEPS: tuple[Callable[[Found], Step], ...] = (_pair, _apart, _pinned, _readers, _roster, _proofs, _triage, _addresses)


async def take_public(jawab: Jawab, text: str, compared: str) -> None:
    """Put the public half of a pair that was made elsewhere beside the house key. Raises `Unacceptable`."""
    keys, given = jawab.keys, text.strip().lower()
    pasted = public_of(given)
    if pasted is None:
        raise Unacceptable("a public key is 64 hexadecimal digits, as escrow.pub holds it")
    if is_private_of(given, keys.escrow_public) or fingerprint(pasted) == compared:
        raise Unacceptable(
            "this is the private half: it is to be kept apart, and this machine has now seen it."
            " Make a new pair elsewhere (`jawab protected pair FOLDER`) and give escrow.pub"
        )
    if fingerprint(bytes.fromhex(given)) != compared:
        raise Unacceptable(
            f"its fingerprint is {fingerprint(bytes.fromhex(given))}: with --escrow give --fingerprint as the other"
            " computer showed it, and compare the two"
        )
    found = await find(jawab)
    if found.pinned and found.pinned != compared:
        raise Unacceptable(f"{found.pinned} is pinned, once for all: no other escrow can take its place")
    write_public(found.folder, bytes.fromhex(given))


async def pin(jawab: Jawab, compared: str) -> None:
    """Pin the escrow whose fingerprint somebody has compared. Raises `Unacceptable`."""
    found = await find(jawab)
    if not found.escrow:
        raise Unacceptable("there is no escrow.pub to compare with: first step first")
    if found.private is not None:
        raise Unacceptable(f"the private half still lies in {found.private}: move it away first")
    if compared != found.escrow:
        raise Unacceptable(f"{compared} is not the fingerprint of {found.folder / 'escrow.pub'}: do not go on, ask why")
    if found.pinned and found.pinned != found.escrow:
        raise Unacceptable(f"{found.pinned} is pinned, once for all: no other escrow can take its place")
    async with jawab.db.transaction("custody") as tx:
        if await standing.pin(tx, jawab.keys):
            await audit.write(tx, "operator", "protected.pin_escrow", found.escrow)


# ── for the doctor and the clock ─────────────────────────────────────────────────────────────────────────────────────
async def find_wrong(jawab: Jawab) -> list[dict[str, Any]]:
    """What keeps the door of the real districts closed; nothing where the demo's alone is served here."""
    if await _list_demo(jawab):
        return []
    found = await find(jawab)
    wrong = [step for step in (make(found) for make in STEPS[:-1]) if not step.done]
    return [{"kind": f"protected_door not ready: {one.step}: {one.do}", "times": 1, "last": None} for one in wrong]


async def tell(jawab: Jawab) -> str:
    """One line: the door, the pinned fingerprint, the readers, and whether each district names others to ask."""
    for demo in await _list_demo(jawab):
        async with jawab.db.autocommit("custody") as conn:
            at_door = await standing.look(conn, jawab.keys, demo, demo=True)
        return f"the demo's protected door {_tell_state(at_door)}"
    found = await find(jawab)
    state = _tell_state(found.at_door)
    missing = f"none outside {', '.join(found.without_address)}" if found.without_address else "named"
    readers = ", ".join(found.readers) or "none"
    return f"protected door {state}, escrow pinned {found.pinned or 'none'}, readers {readers}, others to ask {missing}"


async def _list_demo(jawab: Jawab) -> list[str]:
    """The demo's district where no other is served; else nothing."""
    async with jawab.db.autocommit("custody") as conn:
        served = await districts.list_all(conn)
    return [one.id for one in served] if all(one.demo for one in served) else []


def _tell_state(at_door: Standing) -> str:
    return "open" if at_door.open else f"closed ({', '.join(at_door.why)})"


async def watch_escrow(jawab: Jawab) -> None:
    """The clock's part: see `standing.watch_escrow`."""
    async with jawab.db.transaction("custody") as tx:
        await standing.watch_escrow(tx, jawab.keys)


async def count_readers(jawab: Jawab) -> None:
    """The clock's part, once a day: see `standing.count_readers`."""
    async with jawab.db.transaction("custody") as tx:
        await standing.count_readers(tx)


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────
@protected_app.command("open")
def open_here(
    context: typer.Context,
    compared: Annotated[str, typer.Option("--fingerprint", help="As it stands beside the private half.")] = "",
    escrow: Annotated[str, typer.Option(help="The public half of a pair that was made elsewhere.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say what the door still needs and what to do next; run it again after each step. Exit 1 while it is closed."""

    async def go(jawab: Jawab) -> Found:
        if escrow:
            await take_public(jawab, escrow, compared.strip().lower())
            jawab = Jawab(jawab.settings, jawab.db, Keys.load(jawab.settings.key_file), jawab.bell)
        if compared:
            await pin(jawab, compared.strip().lower())
        async with jawab.db.transaction("custody") as tx:
            await proving.put(tx, await roster.readers(tx, standing.REAL))
        return await find(jawab)

    found = terminal.run(context, go, Unacceptable, OSError, roles=ROLES)
    steps = [make(found) for make in STEPS]
    if as_json:
        terminal.show_json(
            {
                "open": found.at_door.open,
                "why": found.at_door.why,
                "escrow": found.escrow,
                "pinned": found.pinned,
                "readers": found.readers,
                "steps": [asdict(step) | {"do": "" if step.done else step.do} for step in steps],
            }
        )
    else:
        for number, step in enumerate(steps, 1):
            terminal.out.print(f"{'done' if step.done else 'TO DO':<6} {number}. {step.step}")
        missing = next((step for step in steps if not step.done), None)
        terminal.out.print(f"next: {missing.do}" if missing else "nothing is missing", soft_wrap=True)
        terminal.out.print(f"the protected door is {'open' if found.at_door.open else 'closed'}")
        if escrow:
            terminal.out.print("start Jawab again: what runs has read the escrow.pub of before")
    raise typer.Exit(0 if found.at_door.open else 1)


@protected_app.command("pair")
def make_pair(folder: Annotated[Path, typer.Argument(help="A new folder, on a stick for example.")]) -> None:
    """Make an escrow pair, on a computer that is not this one; nothing else of Jawab needs to run there."""
    try:
        public = write_pair(folder)
    except OSError as refused:
        typer.echo(f"jawab: {refused.strerror}: {refused.filename}", err=True)
        raise typer.Exit(1) from None
    terminal.out.print(
        f"{folder / 'escrow.key'} is the private half: two copies, with two people who are no protected handlers;"
        f" write {fingerprint(public)} on each. On the machine that runs Jawab:\n"
        f"jawab protected open --escrow {public.hex()} --fingerprint {fingerprint(public)}",
        soft_wrap=True,
    )
