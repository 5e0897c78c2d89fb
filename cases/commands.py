"""`jawab district …`, `jawab office …`, `jawab case …`: what is served here, by whom, and what has come."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cases import calendar, cost, districts, offices, referrals, register, spending, ways
from cases.lifecycle import Refused
from store import terminal
from store.crypto import Keys
from store.database import Database, fetch_all, fetch_one
from store.jawab import Jawab
from store.terminal import AsJson

district_app = typer.Typer(no_args_is_help=True, help="Districts that are served here.")
office_app = typer.Typer(no_args_is_help=True, help="Which office answers for which subject.")
case_app = typer.Typer(no_args_is_help=True, help="Ordinary cases. A protected one has no row here.")
cost_app = typer.Typer(no_args_is_help=True, help="What messages cost, by the dated card of rates.")

# The reasons an operator can meet here, in plain words; the desk's are texts in its own languages.
TOLD = {
    "district_unknown": "no such district: cases/data/districts.csv lists those that can be added",
    "office_unknown": "no such office of the district or the province: see the file it was loaded from",
    "way_unusable": "a way is whatsapp or sms with a number such as +923001234567, or email with an address",
    "district_unserved": "this district is not served here: `jawab district add`",
}


async def add_district(db: Database, district_id: str) -> None:
    """Raises `lifecycle.Refused` for a district that is not in data/districts.csv."""
    async with db.transaction("console") as tx:
        await districts.add(tx, district_id)


async def list_districts(db: Database) -> list[dict[str, Any]]:
    """{"id", "pcode", "name", "demo", "places", "channels"} of each district served here."""
    async with db.autocommit("console") as conn:
        return await fetch_all(
            conn,
            "SELECT id, pcode, names->>'en' AS name, demo,"
            " (SELECT count(*) FROM places WHERE district_id = d.id) AS places,"
            " (SELECT count(*) FROM channels WHERE district_id = d.id) AS channels FROM districts d ORDER BY id",
        )


async def load_offices(db: Database, keys: Keys, district_id: str, path: Path) -> None:
    """Raises `offices.Unusable`, OSError, and `lifecycle.Refused` where the district is not served here."""
    plan = offices.read(path)
    async with db.transaction("console") as tx:
        if await fetch_one(tx, "SELECT 1 FROM districts WHERE id = %s", (district_id,)) is None:
            raise Refused("district_unserved")
        await offices.load(tx, keys, district_id, plan, datetime.now(UTC))


async def list_offices(db: Database, district_id: str) -> list[dict[str, Any]]:
    async with db.autocommit("console") as conn:
        return await offices.listed(conn, district_id)


async def set_way(
    db: Database, keys: Keys, district_id: str, office: str, *, kind: str, address: str, lang: str
) -> None:
    """Raises `lifecycle.Refused`."""
    async with db.transaction("console") as tx:
        office_id = await offices.find(tx, district_id, office)
        await ways.put(tx, keys, kind=kind, address=address, lang=lang, now=datetime.now(UTC), office_id=office_id)


async def end_way(db: Database, district_id: str, office: str, kind: str) -> None:
    async with db.transaction("console") as tx:
        office_id = await offices.find(tx, district_id, office)
        await ways.end(tx, kind=kind, now=datetime.now(UTC), office_id=office_id)


async def give_pin(db: Database, keys: Keys, district_id: str, office: str) -> str:
    async with db.transaction("console") as tx:
        office_id = await offices.find(tx, district_id, office)
        return await offices.give_pin(tx, keys, office_id, datetime.now(UTC))


async def list_told(db: Database, district_id: str) -> list[dict[str, Any]]:
    """How offices were told of the district's cases, and whether they answered: see `referrals.count`."""
    async with db.autocommit("console") as conn:
        rows = await referrals.count(conn, district_id)
    return [
        {"office": row["names"].get("en", ""), **{k: v for k, v in row.items() if k not in {"office", "names"}}}
        for row in rows
    ]


async def list_cases(db: Database, keys: Keys, district: str | None = None) -> list[dict[str, Any]]:
    """Ordinary cases, newest first; times are ISO 8601 with a zone.

    {"code", "district", "category", "place", "status", "language", "channel", "protected", "due_acknowledge",
    "due_resolve"}. `place` is the English name of a place, else what was typed, else null. `protected` is always false:
    a sealed case has no row here.
    """
    async with db.autocommit("console") as conn:
        rows = await fetch_all(
            conn,
            "SELECT c.id, c.code, c.district_id AS district, c.category, p.names->>'en' AS place, c.place_text,"
            " c.status, c.lang AS language, c.channel, a.due_at AS due_acknowledge, r.due_at AS due_resolve"
            " FROM cases c JOIN clocks a ON a.case_id = c.id AND a.kind = 'acknowledge'"
            " JOIN clocks r ON r.case_id = c.id AND r.kind = 'resolve' LEFT JOIN places p ON p.id = c.place_id"
            " WHERE c.contact_id IS NOT NULL"
            " AND (%(district)s::text IS NULL OR c.district_id = %(district)s) ORDER BY c.opened_at DESC, c.id",
            {"district": district},
        )
    listed = []
    for row in rows:
        case_id, typed = row.pop("id"), row.pop("place_text")
        if row["place"] is None and typed is not None:
            row["place"] = keys.decrypt(typed, register.text_bound_to(case_id)).decode()
        acknowledge, resolve = row.pop("due_acknowledge"), row.pop("due_resolve")
        listed.append(
            {
                **row,
                "protected": False,
                "due_acknowledge": acknowledge.isoformat(),
                "due_resolve": resolve.isoformat(),
            }
        )
    return listed


@district_app.command("add")
def add_district_here(
    context: typer.Context, district: Annotated[str, typer.Argument(help="Its id, such as pishin.")]
) -> None:
    """Serve one more district, with its places."""
    terminal.run(context, lambda jawab: add_district(jawab.db, district), Refused, told=_plainly)
    terminal.out.print(f"{district} is served; give it a number with `jawab channel add`")


@district_app.command("list")
def show_districts(context: typer.Context, as_json: AsJson = False) -> None:
    """The districts that are served here."""
    rows = terminal.run(context, lambda jawab: list_districts(jawab.db))
    terminal.show(rows, as_json, "no district yet: `jawab district add`")


@office_app.command("load")
def load_offices_here(
    context: typer.Context,
    district: Annotated[str, typer.Argument(help="Whose offices they are.")],
    file: Annotated[Path, typer.Argument(help="YAML as in docs/offices.yaml.")],
) -> None:
    """Name a district's offices and what each answers for; loading again writes over what changed."""
    terminal.run(
        context,
        lambda jawab: load_offices(jawab.db, jawab.keys, district, file),
        Refused,
        offices.Unusable,
        OSError,
        told=_plainly,
    )
    terminal.out.print(f"the offices of {district} are named; see `jawab office list {district}`")


@office_app.command("list")
def show_offices(
    context: typer.Context, district: Annotated[str, typer.Argument(help="Which district.")], as_json: AsJson = False
) -> None:
    """Every subject with its office; an empty one has nobody named yet."""
    terminal.show(terminal.run(context, lambda jawab: list_offices(jawab.db, district)), as_json)


@office_app.command("way")
def set_way_here(  # noqa: PLR0917 - a command's arguments stand in their order
    context: typer.Context,
    district: Annotated[str, typer.Argument(help="Which district.")],
    office: Annotated[str, typer.Argument(help="The office by its name in the file, such as health.")],
    kind: Annotated[str, typer.Argument(help=" ".join(ways.KINDS))],
    address: Annotated[str, typer.Argument(help="Number or e-mail address; left out: this way ends.")] = "",
    lang: Annotated[str, typer.Option(help="What is sent there: ur or en.")] = "ur",
) -> None:
    """Set how an office is reached; one of each kind. With two, a link goes one way and its code the other."""

    async def change(jawab: Jawab) -> None:
        if address:
            await set_way(jawab.db, jawab.keys, district, office, kind=kind, address=address, lang=lang)
        else:
            await end_way(jawab.db, district, office, kind)

    terminal.run(context, change, Refused, told=_plainly)
    terminal.out.print(f"{office}: {kind} {'set' if address else 'ended'}")


@office_app.command("pin")
def give_pin_here(
    context: typer.Context,
    district: Annotated[str, typer.Argument(help="Which district.")],
    office: Annotated[str, typer.Argument(help="The office by its name in the file, such as health.")],
) -> None:
    """A new PIN for an office that has one way only, to be given to its head in person. It is kept nowhere."""
    pin = terminal.run(context, lambda jawab: give_pin(jawab.db, jawab.keys, district, office), Refused, told=_plainly)
    terminal.out.print(f"{office}: {pin}")


@office_app.command("told")
def show_told(
    context: typer.Context, district: Annotated[str, typer.Argument(help="Which district.")], as_json: AsJson = False
) -> None:
    """What became of what each office was told: written, unreached, told, seen, answered, silent."""
    rows = terminal.run(context, lambda jawab: list_told(jawab.db, district))
    terminal.show(rows, as_json, "no office was to be told of anything yet")


@case_app.command("list")
def show_cases(
    context: typer.Context,
    as_json: AsJson = False,
    district: Annotated[str | None, typer.Option(help="Only of this district.")] = None,
) -> None:
    """Ordinary cases, newest first."""
    rows = terminal.run(context, lambda jawab: list_cases(jawab.db, jawab.keys, district))
    terminal.show(rows, as_json, "no case yet")


def _plainly(refused: Exception) -> str:
    return TOLD[refused.reason] if isinstance(refused, Refused) else str(refused)


# ── cost ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
async def find_wrong(jawab: Jawab) -> list[dict[str, Any]]:
    """For the doctor: numbers whose free messages of the month are nearly used."""
    async with jawab.db.autocommit("console") as conn:
        found = await spending.nearly_used(conn, datetime.now(UTC))
    return [
        {
            "kind": f"free_messages {number.address}: {number.free_text} of {free.messages} {free.category} messages"
            f" this month ({free.source})",
            "times": number.free_text,
            "last": number.last,
        }
        for number, free in found
    ]


async def list_spent(jawab: Jawab, month: str, now: datetime) -> dict[str, Any]:
    """{"month", "numbers": [{"number", "kind", "messages", "cost"}], "reports": [{"district", "messages", "reports",
    "each", "cost"}]}. Raises ValueError for what is no month."""
    first, after = calendar.month(month)
    on = calendar.day_of(min(now, after))
    async with jawab.db.autocommit("console") as conn:
        numbers = await spending.by_number(conn, month, now)
        reports = [
            (one.id, await spending.for_each_report(conn, one.id, first, min(now, after)))
            for one in await districts.list_all(conn)
        ]
    return {
        "month": month,
        "numbers": [
            {
                "number": one.address,
                "kind": one.kind,
                "messages": one.messages,
                "cost": spending.tell(spending.price(one, on)),
            }
            for one in numbers
        ],
        "reports": [
            {
                "district": district,
                "messages": found.messages,
                "reports": found.reports,
                "each": found.each,
                "cost": spending.tell(found.bill),
            }
            for district, found in reports
        ],
    }


@cost_app.command("month")
def show_month(
    context: typer.Context,
    month: Annotated[str, typer.Argument(help="Such as 2026-11; left out: this month.")] = "",
    as_json: AsJson = False,
) -> None:
    """What each number sent in a month and what it cost; how many messages a report took in each district."""
    now = datetime.now(UTC)
    wanted = month or f"{calendar.day_of(now):%Y-%m}"
    told = terminal.run(
        context, lambda jawab: list_spent(jawab, wanted, now), ValueError, told=lambda _: f"{wanted} is no month"
    )
    if as_json:
        terminal.show_json(told)
        return
    terminal.show(told["numbers"], as_json=False, empty="nothing left any number")
    terminal.show(told["reports"], as_json=False, empty="no district yet")


@cost_app.command("case")
def show_case(context: typer.Context, code: Annotated[str, typer.Argument(help="The number of a case.")]) -> None:
    """What has been sent about one case, and what it cost."""

    async def look(jawab: Jawab) -> str:
        async with jawab.db.autocommit("console") as conn:
            row = await fetch_one(conn, "SELECT id FROM cases WHERE code = %s", (code.replace(" ", ""),))
            if row is None:
                raise ValueError(f"no case {code}")
            return spending.tell(await spending.of_case(conn, row["id"], calendar.day_of(datetime.now(UTC))))

    terminal.out.print(terminal.run(context, look, ValueError))


@cost_app.command("rates")
def show_rates(as_json: AsJson = False) -> None:
    """The card of rates, with the source of each. One without an amount has none that could be read."""
    terminal.show([asdict(one) for one in cost.rates()], as_json)
