"""What one week of a district is told from, read from the rows. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from broadcast.edition import Commitment, Deed, Week, Withheld
from broadcast.span import Span
from cases import calendar, counting, districts
from cases.districts import District
from store.database import Conn, fetch_all


def monday(week: str) -> date:
    """The first day of an ISO week such as `2026-W47`. Raises `Withheld` for anything else."""
    try:
        return calendar.monday(week)
    except ValueError:
        raise Withheld(f"{week!r} is not a week; a week looks like 2026-W47", "editions.refused.week") from None


async def find_district(conn: Conn, district_id: str) -> District:
    """Raises `Withheld` where there is no such district."""
    district = await districts.find(conn, district_id)
    if district is None:
        raise Withheld(f"there is no district {district_id!r}")
    return district


# Where a case stands that was decided, and not reopened.
ANSWERED = ("resolved", "cannot", "confirmed", "disputed", "appealed", "closed")

# A place as public pages may name it: the tehsil, however small the place of the case is.
TEHSIL = """LEFT JOIN places p ON p.id = {place}
 LEFT JOIN places p1 ON p1.id = p.parent_id
 LEFT JOIN places p2 ON p2.id = p1.parent_id
 LEFT JOIN LATERAL (SELECT coalesce(
     CASE WHEN p.level = 'tehsil' THEN p.names END,
     CASE WHEN p1.level = 'tehsil' THEN p1.names END,
     CASE WHEN p2.level = 'tehsil' THEN p2.names END) AS names) tehsil ON true"""

# Counted once however often it was resolved within the week; what was reopened since is no longer said to be done.
_DEEDS = f"""SELECT DISTINCT ON (c.id) c.id, c.category, c.outcome, c.status, h.at,
 tehsil.names AS place, o.names AS office FROM case_history h JOIN cases c ON c.id = h.case_id
 LEFT JOIN offices o ON o.id = c.office_id {TEHSIL.format(place="c.place_id")}
 WHERE c.district_id = %(district)s AND h.verb = 'resolve' AND h.at >= %(first)s AND h.at < %(after)s
   AND c.outcome IS NOT NULL AND c.status = ANY(%(answered)s)
 ORDER BY c.id, h.id DESC"""  # noqa: S608 - no value from outside

_COMMITMENTS = f"""SELECT m.id, m.case_id, m.category, m.action, m.due_on, m.state, m.state_at, tehsil.names AS place,
 o.names AS office FROM commitments m JOIN offices o ON o.id = m.office_id {TEHSIL.format(place="m.place_id")}
 WHERE m.district_id = %(district)s AND m.made_at < %(after)s
   AND (m.state = 'open' OR (m.state_at >= %(first)s AND m.state_at < %(after)s))"""  # noqa: S608 - no value from outside


async def _still_stand(conn: Conn, case_ids: Sequence[UUID]) -> set[UUID]:
    """Those of them that have not been reopened since. The week's figures stay; an edition speaks of today."""
    rows = await fetch_all(
        conn, "SELECT id FROM cases WHERE id = ANY(%s) AND status = ANY(%s)", (list(case_ids), list(ANSWERED))
    )
    return {row["id"] for row in rows}


async def span(conn: Conn, district: District, week: str, now: datetime) -> Span:
    """A week that is over, or its days up to now: it begins where the edition of the week before was cut off, and ends
    where the next one's has begun. Raises `Withheld` for a week that has not begun."""
    begun = monday(week)
    first, after = calendar.bounds(week, district.timezone)
    before, behind = (calendar.week_of(begun + timedelta(days=days)) for days in (-7, 7))
    rows = await fetch_all(
        conn,
        "SELECT week, from_at, until_at FROM editions WHERE district_id = %s AND week = ANY(%s)",
        (district.id, [before, behind]),
    )
    cut = {row["week"]: row for row in rows}
    if before in cut:
        first = min(first, cut[before]["until_at"])
    if first >= now:
        raise Withheld(f"{week} has not begun", "editions.refused.week")
    return Span(first, min(after, cut[behind]["from_at"] if behind in cut else after, now))


async def read(conn: Conn, district: District, span: Span, now: datetime) -> Week:
    """What the district's days in this span are told from, as it is known now."""
    zone = district.timezone
    today = calendar.day_of(now, zone)
    bound: Mapping[str, Any] = {
        "district": district.id,
        "first": span.first,
        "after": span.after,
        "answered": list(ANSWERED),
    }
    # All of them, also the small ones, which an edition may tell together.
    said: dict[str, list[str]] = {}
    both: dict[str, list[UUID]] = {"done": [], "asked": [], "confirmed": []}
    for (name, category, _), ids in (await counting.list_between(conn, district.id, span.first, span.after)).items():
        if name == "received":
            said.setdefault(category, []).extend(map(str, ids))
        elif name in both:
            both[name] += ids
    deeds = await fetch_all(conn, _DEEDS, bound)
    stand = await _still_stand(conn, [*both["done"], *both["asked"], *both["confirmed"]])
    promises = await fetch_all(conn, _COMMITMENTS, bound)
    return Week(
        district=district.names,
        first_day=calendar.day_of(span.first, zone).isoformat(),
        last_day=span.last_day(zone),
        today=today.isoformat(),
        said={category: tuple(sorted(ids)) for category, ids in said.items()},
        deeds=tuple(
            Deed(
                case=str(row["id"]),
                category=row["category"],
                outcome=row["outcome"],
                place=row["place"],
                on=calendar.day_of(row["at"], zone).isoformat(),
                office=row["office"],
                disputed=row["status"] in {"disputed", "appealed"},
            )
            for row in deeds
        ),
        done=tuple(str(one) for one in both["done"] if one in stand),
        asked=tuple(str(one) for one in both["asked"] if one in stand),
        confirmed=tuple(str(one) for one in both["confirmed"] if one in stand),
        commitments=tuple(
            Commitment(
                id=str(row["id"]),
                case=str(row["case_id"]) if row["case_id"] else None,
                category=row["category"],
                action=row["action"],
                place=row["place"],
                office=row["office"],
                due_on=row["due_on"].isoformat(),
                state=row["state"],
                state_on=calendar.day_of(row["state_at"], zone).isoformat() if row["state_at"] else None,
            )
            for row in promises
        ),
    )
