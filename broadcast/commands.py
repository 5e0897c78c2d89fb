"""`jawab edition …`: draft, approve, publish, stop. Each opens its transaction, and tells it as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from broadcast import expected, price, publish, reach, renderings, week
from broadcast.edition import Withheld
from cases import calendar, spending
from cases.roles import who_may
from store import terminal
from store.database import Conn, Tx, fetch_one
from store.jawab import Jawab

edition_app = typer.Typer(no_args_is_help=True, help="The weekly update: draft, approve, publish, stop.")

District = Annotated[str, typer.Argument(help="Its id, such as pishin.")]
Wanted = Annotated[str, typer.Argument(metavar="WEEK", help="Such as 2026-W47.")]


async def draft(jawab: Jawab, district_id: str, wanted: str | None, by: str | None) -> dict[str, Any]:
    """Draft a week's edition, or compile it again while it is a draft. `wanted` None: the last full week; `by` a login.

    Raises `Withheld`: no such district, week or login, or the week's edition is frozen.
    """
    now = datetime.now(UTC)
    async with jawab.db.transaction("console") as tx:
        district = await week.find_district(tx, district_id)
        wanted = wanted or calendar.last_full(now, district.timezone)
        staff_id = await _staff(tx, by, district_id) if by else None
        edition_id = await publish.find_week(tx, district_id, wanted)
        if edition_id is None:
            edition_id = await publish.draft(tx, district_id, wanted, staff_id, now)
        else:
            await publish.redraft(tx, edition_id, staff_id, now)
        await expected.keep(tx, jawab.keys, district_id, now)
        return await _shown(tx, edition_id, jawab)


async def approve(jawab: Jawab, district_id: str, wanted: str, by: str) -> dict[str, Any]:
    """Approve and freeze; `by` is the login of an approver of the district who did not draft it. Raises `Withheld`."""
    async with jawab.db.transaction("console") as tx:
        edition_id = await _edition(tx, district_id, wanted)
        await publish.approve(tx, edition_id, await _staff(tx, by, district_id), datetime.now(UTC))
        return await _shown(tx, edition_id, jawab)


async def publish_now(jawab: Jawab, district_id: str, wanted: str) -> dict[str, Any]:
    """Queue an approved edition whose hold is over, all of it. Raises `Withheld` while it may not go out."""
    now = datetime.now(UTC)
    async with jawab.db.autocommit("console") as conn:
        held = await publish.find(conn, await _edition(conn, district_id, wanted))
    if held.state not in {"approved", "sending", "sent"}:
        raise Withheld(f"the edition is {held.state}, not approved")
    if held.send_after is not None and held.send_after > now:
        raise Withheld(f"the edition is held until {held.send_after.astimezone(UTC).isoformat(timespec='seconds')}")
    queued = await publish.fan_out(jawab, held.id)
    async with jawab.db.autocommit("console") as conn:
        return await _shown(conn, held.id, jawab) | {"queued": queued}


async def stop(jawab: Jawab, district_id: str, wanted: str, by: str) -> dict[str, Any]:
    """Stop an edition and withdraw what has not left. Raises `Withheld` where nothing is being sent."""
    async with jawab.db.transaction("console") as tx:
        edition_id = await _edition(tx, district_id, wanted)
        withdrawn = await publish.stop(tx, edition_id, await _staff(tx, by, district_id), datetime.now(UTC))
        return await _shown(tx, edition_id, jawab) | {"withdrawn": withdrawn}


async def _edition(conn: Conn, district_id: str, wanted: str) -> UUID:
    week.monday(wanted)
    edition_id = await publish.find_week(conn, district_id, wanted)
    if edition_id is None:
        raise Withheld(f"{district_id} has no edition for {wanted}")
    return edition_id


async def _staff(tx: Tx, login: str, district_id: str) -> UUID:
    row = await fetch_one(
        tx,
        "SELECT id FROM staff WHERE login = %s AND district_id = %s AND role = ANY(%s) AND disabled_at IS NULL",
        (login, district_id, list(who_may("draft", "approve"))),
    )
    if row is None:
        raise Withheld(f"{login!r} is no editor or approver of {district_id}")
    return UUID(str(row["id"]))


async def _shown(conn: Conn, edition_id: UUID, jawab: Jawab) -> dict[str, Any]:
    now = datetime.now(UTC)
    held = await publish.find(conn, edition_id)
    heading = held.heading(jawab.settings.public_url)
    came = await reach.progress(conn, held.id, now)
    going = None
    if held.state in {"draft", "approved"}:
        going = await expected.find(conn, held.district.id) or await expected.keep(
            conn, jawab.keys, held.district.id, now
        )
    forms = going.forms if going else came.forms
    carried = await spending.providers(conn, held.district.id)
    bill = price.of_edition(held.items, heading, forms, carried, calendar.day_of(now))
    return {
        "id": str(held.id),
        "district": held.district.id,
        "week": held.week,
        "from": held.from_at.astimezone(UTC).isoformat(timespec="seconds"),
        "until": held.until_at.astimezone(UTC).isoformat(timespec="seconds"),
        "state": held.state,
        "digest": held.digest,
        "items": [{"section": item["section"], "key": item["key"], "cases": len(item["cases"])} for item in held.items],
        "send_after": held.send_after.astimezone(UTC).isoformat(timespec="seconds") if held.send_after else None,
        "texts": {
            shown.lang: {"message": shown.chat, "sms": shown.sms, "sms_parts": shown.sms_parts}
            for shown in renderings.previews(held.items, heading)
        },
        "messages": came.messages,
        "cost": {
            "messages": bill.messages,
            "counted_at": going.counted_at.astimezone(UTC).isoformat(timespec="seconds") if going else None,
            "sms_parts": reach.sms_parts(held.items, heading, forms),
            "money": spending.tell(bill),
        },
    }


@edition_app.command("draft")
def draft_here(
    context: typer.Context,
    district: District,
    week: Annotated[str | None, typer.Option(help="Such as 2026-W47; left out: the last full week.")] = None,
    by: Annotated[str | None, typer.Option(help="Login of the editor.")] = None,
) -> None:
    """Compile a week's edition from its cases, or compile a draft again."""
    terminal.show_json(terminal.run(context, lambda jawab: draft(jawab, district, week, by), Withheld))


@edition_app.command("approve")
def approve_here(
    context: typer.Context,
    district: District,
    wanted: Wanted,
    by: Annotated[str, typer.Option(help="Login of an approver who did not draft it.")],
) -> None:
    """Freeze an edition as it stands."""
    terminal.show_json(terminal.run(context, lambda jawab: approve(jawab, district, wanted, by), Withheld))


@edition_app.command("publish")
def publish_here(context: typer.Context, district: District, wanted: Wanted) -> None:
    """Queue an approved edition whose hold is over; the broadcasts lane sends it."""
    terminal.show_json(terminal.run(context, lambda jawab: publish_now(jawab, district, wanted), Withheld))


@edition_app.command("stop")
def stop_here(
    context: typer.Context,
    district: District,
    wanted: Wanted,
    by: Annotated[str, typer.Option(help="Login of whoever stops it.")],
) -> None:
    """Stop an edition and withdraw what has not left."""
    terminal.show_json(terminal.run(context, lambda jawab: stop(jawab, district, wanted, by), Withheld))
