"""What each step of an edition shows: its facts, its lines, what people will read, whom it reaches."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request

import locales
import pages
from broadcast import changes, edition, expected, price, publish, reach, renderings
from broadcast.edition import CLAIM_NOTHING, SECTIONS, Drop, Item, Withheld
from broadcast.publish import Edition
from broadcast.reached import standing
from cases import calendar, spending
from desk.reached import NOTICED, WHY
from desk.roles import Staff
from store.database import Conn, fetch_all
from store.jawab import Jawab

CASES = 40  # behind a line, on one page
STEPS = ("facts", "lines", "previews", "approval")
# What we note of a message that waits or failed -> its text; a provider's own codes stand as they are.
WHYS = WHY | {
    "window shut": "editions.why.window",
    "quiet hours": "editions.why.quiet",
    "expired": "editions.why.expired",
    "stopped": "editions.why.stopped",
    "edition stopped": "editions.why.stopped",
    "unsubscribed": "editions.why.unsubscribed",
    "invalid address": "editions.why.invalid",
    "channel retired": "editions.why.retired",
    "told:sms": NOTICED,
}


def shown_in(request: Request) -> str:
    """The language in which previews are shown: another than the desk's own, which stays as it is."""
    asked = request.query_params.get("in") or request.state.form.get("in", "")
    return asked if asked in locales.ALL_LANGS else "ur"


def _asked_for(request: Request) -> tuple[str, int]:
    """Of which line (its mark) the cases are shown, from the which one on."""
    begun = request.query_params.get("from", "")
    return request.query_params.get("of", ""), int(begun) if re.fullmatch("[0-9]{1,6}", begun) else 0


async def context(conn: Conn, jawab: Jawab, held: Edition, request: Request, step: str) -> dict[str, Any]:
    """What the page of one step is made of; the steps' own parts beside what all of them show."""
    staff: Staff = request.state.staff
    lang, now = pages.lang_of(request), datetime.now(UTC)
    heading = held.heading(jawab.settings.public_url)
    messages = await reach.progress(conn, held.id, now)
    common = {
        "held": held,
        "step": step,
        "steps": STEPS,
        "shown_in": shown_in(request),
        "of": _asked_for(request),
        "all_langs": locales.ALL_LANGS,
        "heading": locales.say("edition.title", lang, **heading.values),
        "came": messages,
        "standing": standing(held.state, messages.messages),
        "drafter": await _name(conn, held.drafted_by),
        "approver": await _name(conn, held.approved_by),
        "may_edit": staff.may("draft") and held.state == "draft",
    }
    own = {"facts": _facts, "lines": _lines, "previews": _previews, "approval": _approval}[step]
    return common | await own(conn, jawab, held, staff, common)


async def _name(conn: Conn, staff_id: UUID | None) -> str:
    rows = await fetch_all(conn, "SELECT name FROM staff WHERE id = %s", (staff_id,))
    return rows[0]["name"] if rows else ""


async def _facts(conn: Conn, jawab: Jawab, held: Edition, staff: Staff, common: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - the steps have one shape
    """The lines with the cases behind them, a page of them, and what was counted and is in no line."""
    ids = [case for item in held.items for case in item["cases"]]
    rows = await fetch_all(
        conn,
        "SELECT id::text, code FROM cases WHERE id = ANY(%s::uuid[]) AND district_id = %s AND code IS NOT NULL",
        (ids, held.district.id),
    )
    codes = {row["id"]: row["code"] for row in rows}
    marked, begun = common["of"]
    return {
        "sections": _by_section(
            _behind(item, [codes[case] for case in item["cases"] if case in codes], marked, begun)
            for item in held.items
        ),
        "dropped": await _held_back(conn, held),
        "cut_off": held.until_at < calendar.bounds(held.week, held.district.timezone)[1],
    }


def _behind(item: Item, codes: Sequence[str], marked: str, begun: int) -> dict[str, Any]:
    """A line, and of the cases behind it as many as stand on one page."""
    mark = edition.mark(item) if len(codes) > CASES else ""
    first = begun if mark and mark == marked else 0
    rest = len(codes) - first - CASES
    return {
        "item": item,
        "codes": codes[first : first + CASES],
        "count": len(codes),
        "open": first > 0,
        "next": f"of={mark}&from={first + CASES}" if rest > 0 else "",
    }


async def _held_back(conn: Conn, held: Edition) -> Sequence[Drop]:
    """What the rules leave out, as it would be now: only a draft can still be compiled again."""
    if held.state != "draft":
        return ()
    try:
        return (await publish.compile_week(conn, held.district.id, held.week, datetime.now(UTC)))[0].dropped
    except Withheld:  # a promise was made meanwhile that no edition may tell: compiling again says so
        return ()


async def _lines(conn: Conn, jawab: Jawab, held: Edition, staff: Staff, common: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - the steps have one shape
    """Each line with what may be done to it, and beside them the message as it would be."""
    sheet = held.sheet
    free = {name: [item for item in sheet.items if _is_free(item, name)] for name in SECTIONS}
    return {
        "sections": _by_section(
            {
                "item": item,
                "mark": edition.mark(item),
                "fixed": edition.is_fixed(item),
                "nothing": item["key"] in CLAIM_NOTHING,
                "first": item in free[item["section"]][:1],
                "last": item in free[item["section"]][-1:],
                "twins": len(changes.list_twins(sheet.items, item)) > 1,
                "joined": any(changes.is_made_of(item, parts) for parts in sheet.edits.joined),
            }
            for item in sheet.items
        ),
        "left_out_lines": await _left_out(conn, held),
        "preview": renderings.preview(sheet.items, held.heading(jawab.settings.public_url), common["shown_in"]),
    }


def _is_free(item: Item, section: str) -> bool:
    return item["section"] == section and not edition.is_fixed(item)


async def _left_out(conn: Conn, held: Edition) -> list[dict[str, Any]]:
    """What an editor left out, why, who and when: it stands with the edition for good."""
    dropped = held.sheet.edits.dropped
    rows = await fetch_all(
        conn, "SELECT id::text, name FROM staff WHERE id = ANY(%s)", ([UUID(one["by"]) for one in dropped],)
    )
    names = {row["id"]: row["name"] for row in rows}
    return [
        one
        | {"mark": edition.mark(one["item"]), "by": names.get(one["by"], ""), "at": datetime.fromisoformat(one["at"])}
        for one in dropped
    ]


async def _previews(conn: Conn, jawab: Jawab, held: Edition, staff: Staff, common: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - the steps have one shape
    shown = renderings.previews(held.items, held.heading(jawab.settings.public_url))
    return {
        "previews": shown,
        "preview": next(one for one in shown if one.lang == common["shown_in"]),
        "most_parts": renderings.MOST_PARTS,
        "say_in": lambda key: locales.say(key, common["shown_in"]),
    }


async def _approval(conn: Conn, jawab: Jawab, held: Edition, staff: Staff, common: dict[str, Any]) -> dict[str, Any]:
    """Whom it would reach (a draft, a held one) or has reached, its cost, and who may let it go or stop it."""
    now, came = datetime.now(UTC), common["came"]
    waits = held.state in {"draft", "approved"}
    audience = await expected.find(conn, held.district.id) if waits else None
    heading, forms = held.heading(jawab.settings.public_url), audience.forms if audience else came.forms
    carried = await spending.providers(conn, held.district.id)
    return {
        "waits": waits,
        "audience": audience,
        "sms_parts": reach.sms_parts(held.items, heading, forms),
        "bill": price.of_edition(held.items, heading, forms, carried, calendar.day_of(now)),
        "sections": _by_section({"item": item} for item in held.items),
        "left_out_lines": await _left_out(conn, held),
        "may_approve": staff.may("approve") and held.state == "draft" and held.drafted_by != staff.id,
        "may_stop": held.state in {"approved", "sending"} or (held.state == "sent" and "queued" in came.messages),
        "whys": WHYS,
        "running": held.state in {"approved", "sending"} or common["standing"] == "sending",
    }


def _by_section(lines: Any) -> list[tuple[str, list[dict[str, Any]]]]:
    found = list(lines)
    return [(name, here) for name in SECTIONS if (here := [line for line in found if line["item"]["section"] == name])]
