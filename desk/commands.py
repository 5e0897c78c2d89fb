"""`jawab staff …`: people at the desk, added, given a new password, listed. Each opens its own transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import psycopg
import typer

from cases import offices, staff, ways
from cases.commands import TOLD
from cases.lifecycle import Refused
from cases.roles import PROTECTED, ROLES, who_may
from cases.staff import Person
from store import audit, desk_sessions, login_waits, second_factors, terminal
from store.crypto import Keys
from store.database import Database, Tx, fetch_all, fetch_one
from store.jawab import Jawab
from store.terminal import AsJson

staff_app = typer.Typer(no_args_is_help=True, help="People at the desk.")

PASSWORD_LEAST = 15  # letters, for a single factor (NIST SP 800-63B-4)
PASSWORD_MOST = 256


class Unacceptable(ValueError):
    """Something the command was given cannot be: one line that says what."""


async def add_staff(
    db: Database,
    *,
    login: str,
    name: str,
    role: str,
    district: str | None = None,
    office: UUID | None = None,
    password: str | None = None,
) -> dict[str, Any]:
    """Add one person. Returns {"login", "role", "district", "password"}; the password is kept nowhere.

    A protected handler gets a key pair whose private half only this password opens. Raises `Unacceptable`.
    """
    if role not in ROLES:
        raise Unacceptable(f"no such role: {role} (there are {', '.join(sorted(ROLES))})")
    if district is None and role not in who_may("province"):
        raise Unacceptable(f"a {role} needs a district")
    if role == PROTECTED and district:
        raise Unacceptable(
            "a protected handler is of the province, without --district: in a district they read nothing"
        )
    _check(password, login)
    try:
        async with db.transaction("console") as tx:
            taken = await fetch_one(tx, "SELECT 1 FROM staff WHERE login = %s", (login,))
            if taken:
                raise Unacceptable(f"the login {login} is taken")
            made = await staff.add(tx, Person(login, name, role, district, office), password)
    except psycopg.errors.ForeignKeyViolation:
        raise Unacceptable(f"no such district or office: {district or office}") from None
    except psycopg.errors.CheckViolation:
        raise Unacceptable(f"a login is 2 to 40 of a-z 0-9 . _ - and begins with a letter or digit: {login}") from None
    except Refused:
        raise Unacceptable(f"the login {login} is taken") from None
    return {"login": login, "role": role, "district": district, "password": made}


async def reset_password(db: Database, login: str, password: str | None = None) -> dict[str, Any]:
    """A new password. Returns {"login", "password", "shut"}; `shut`: sealed cases of before stay shut for this person.

    A protected handler's private key was under the old password, so they get a new pair: nobody who resets a password
    learns to read with it. The person is signed out everywhere.
    """
    _check(password, login)
    async with db.transaction("console") as tx:
        person = await fetch_one(
            tx,
            "SELECT login, name, role, district_id, office_id, demo FROM staff WHERE login = %s FOR UPDATE",
            (login,),
            of=Person,
        )
        if person is None:
            raise Unacceptable(f"no such login: {login}")
        made = await staff.add(tx, person, password)
    return {"login": login, "password": made, "shut": person.role == PROTECTED}


async def take_second_factor(db: Database, login: str) -> bool:
    """For who has lost their phone: the next login shows a new secret. Returns whether there was one.

    The person is signed out everywhere. Raises `Unacceptable`.
    """
    async with db.transaction("console") as tx:
        person = await fetch_one(tx, "SELECT id FROM staff WHERE login = %s", (login,))
        if person is None:
            raise Unacceptable(f"no such login: {login}")
        gone = await second_factors.forget(tx, person["id"])
        await desk_sessions.end_all(tx, person["id"])
        await login_waits.end_all(tx, person["id"])
        await audit.write(tx, "operator", "staff.second_factor_taken", login)
    return gone


async def list_staff(db: Database) -> list[dict[str, Any]]:
    """Everybody: login, name, role, district, demo, disabled (time or None)."""
    async with db.autocommit("console") as conn:
        return await fetch_all(
            conn,
            "SELECT login, name, role, district_id AS district, demo, disabled_at AS disabled FROM staff"
            " ORDER BY district_id NULLS FIRST, role, login",
        )


async def set_way(db: Database, keys: Keys, login: str, *, kind: str, address: str, lang: str) -> None:
    """How one of the staff is reached; "" ends it. Raises `Unacceptable`, and `Refused` for what is no such address."""
    async with db.transaction("console") as tx:
        person = await fetch_one(tx, "SELECT id FROM staff WHERE login = %s", (login,))
        if person is None:
            raise Unacceptable(f"no such login: {login}")
        now = datetime.now(UTC)
        if address:
            await ways.put(tx, keys, kind=kind, address=address, lang=lang, now=now, staff_id=person["id"])
        else:
            await ways.end(tx, kind=kind, now=now, staff_id=person["id"])


async def find_office(db: Database, district: str | None, office: str | None) -> UUID | None:
    """Raises `Unacceptable` for an office that is none of the district's or the province's."""
    if office is None:
        return None
    try:
        async with db.autocommit("console") as conn:
            return await offices.find(conn, district or "", office)
    except Refused:
        raise Unacceptable(f"no such office: {office} (`jawab office list`)") from None


async def seat_staff(db: Database, login: str, office: str | None) -> None:
    """Raises `Unacceptable`."""
    async with db.transaction("console") as tx:
        person = await _find(tx, login)
        seat = await find_office(db, person["district_id"], office)
        await staff.seat(tx, person["id"], seat)
        await audit.write(tx, "operator", "staff.seat", login)


async def shut_staff(db: Database, login: str, *, shut: bool) -> int:
    """Take somebody's access away, or give it back. Returns how many protected handlers there are beside them.

    Raises `Unacceptable`.
    """
    async with db.transaction("console") as tx:
        person = await _find(tx, login)
        await (staff.disable if shut else staff.enable)(tx, person["id"])
        await audit.write(tx, "operator", "staff.disable" if shut else "staff.enable", login)
        return await staff.count_beside(tx, person["id"])


async def _find(tx: Tx, login: str) -> dict[str, Any]:
    person = await fetch_one(tx, "SELECT id, district_id FROM staff WHERE login = %s FOR UPDATE", (login,))
    if person is None:
        raise Unacceptable(f"no such login: {login}")
    return person


def _check(password: str | None, login: str) -> None:
    """None is fine: then one is made that nobody chose."""
    if password is None:
        return
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST:
        raise Unacceptable(f"a password has at least {PASSWORD_LEAST} letters, at most {PASSWORD_MOST}")
    if login in password.lower() or len(set(password)) < 6:
        raise Unacceptable("a password that holds the login, or hardly any different letters, is guessed first")


@staff_app.command("add")
def add_staff_here(  # noqa: PLR0917 - a command's arguments stand in their order
    context: typer.Context,
    login: Annotated[str, typer.Argument(help="2 to 40 of a-z 0-9 . _ -")],
    role: Annotated[str, typer.Argument(help=" ".join(sorted(ROLES)))],
    name: Annotated[str, typer.Option(help="As colleagues know the person.")],
    district: Annotated[str | None, typer.Option(help="Left out: the province.")] = None,
    office: Annotated[str | None, typer.Option(help="Where they sit, as in the offices' file.")] = None,
) -> None:
    """Add a person; prints a one-time password that is kept nowhere."""

    async def add(jawab: Jawab) -> dict[str, Any]:
        seat = await find_office(jawab.db, district, office)
        return await add_staff(jawab.db, login=login, name=name, role=role, district=district, office=seat)

    made = terminal.run(context, add, Unacceptable)
    terminal.show([made], as_json=False)


@staff_app.command("password")
def reset_password_here(context: typer.Context, login: str) -> None:
    """A new one-time password. A protected handler's earlier cases stay shut: nobody can reset a way into them."""
    made = terminal.run(context, lambda jawab: reset_password(jawab.db, login), Unacceptable)
    terminal.show([made], as_json=False)


@staff_app.command("office")
def seat_here(
    context: typer.Context,
    login: str,
    office: Annotated[str | None, typer.Argument(help="As in the offices' file; left out: none.")] = None,
) -> None:
    """Say in which office somebody sits. What is about it, above or below, is not theirs to read or to take."""
    terminal.run(context, lambda jawab: seat_staff(jawab.db, login, office), Unacceptable)
    terminal.out.print(f"{login}: {office or 'no office'}; for a protected handler `jawab roster` comes next")


@staff_app.command("disable")
def disable_here(context: typer.Context, login: str) -> None:
    """Take somebody's access away, a protected handler's too, and sign them out."""
    left = terminal.run(context, lambda jawab: shut_staff(jawab.db, login, shut=True), Unacceptable)
    terminal.out.print(f"{login} may not sign in any more; protected handlers beside them: {left}")


@staff_app.command("enable")
def enable_here(context: typer.Context, login: str) -> None:
    """Give somebody's access back."""
    terminal.run(context, lambda jawab: shut_staff(jawab.db, login, shut=False), Unacceptable)
    terminal.out.print(f"{login} may sign in")


@staff_app.command("factor")
def take_second_factor_here(context: typer.Context, login: str) -> None:
    """For who has lost their phone: take the second factor away; the next login shows a new one."""
    gone = terminal.run(context, lambda jawab: take_second_factor(jawab.db, login), Unacceptable)
    terminal.out.print(f"{login}: {'taken away' if gone else 'there was none'}; asked for anew at the next login")


@staff_app.command("way")
def set_way_here(
    context: typer.Context,
    login: Annotated[str, typer.Argument(help="A supervisor's.")],
    kind: Annotated[str, typer.Argument(help=" ".join(ways.KINDS))],
    address: Annotated[str, typer.Argument(help="Number or e-mail address; left out: this way ends.")] = "",
    lang: Annotated[str, typer.Option(help="What is sent there: ur or en.")] = "ur",
) -> None:
    """Set how a supervisor is told, once a day, how many cases nobody has read within 72 hours."""
    terminal.run(
        context,
        lambda jawab: set_way(jawab.db, jawab.keys, login, kind=kind, address=address, lang=lang),
        Unacceptable,
        Refused,
        told=lambda refused: TOLD["way_unusable"] if isinstance(refused, Refused) else str(refused),
    )
    terminal.out.print(f"{login}: {kind} {'set' if address else 'ended'}")


@staff_app.command("list")
def show_staff(context: typer.Context, as_json: AsJson = False) -> None:
    """Everybody at the desk."""
    terminal.show(terminal.run(context, lambda jawab: list_staff(jawab.db)), as_json, "nobody yet: `jawab staff add`")
