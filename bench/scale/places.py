"""Which pages are looked at, by whom, and the goals (issue of the million cases)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString
from urllib.parse import quote

from desk.edition_steps import STEPS
from store.database import Conn, fetch_all, fetch_one
from store.jawab import Jawab

DB_RATIO, PAGE_MS, WARM_MS, COLD_MS, DRAFT_MS, SWEEP_MS = 8, 12, 5, 50, 1000, 20
# Not of every minute, or not without a provider beside it: asked for by their names alone.
NOT_RUN = (
    "draft_editions",
    "watch_escrow",
    "count_readers",
    "keep_head",
    "refresh_templates",
    "watch_roster",
    "mix_sealed",
    "mix_sealed_small",
)

LARGEST, PROVINCE = "pishin-handler-1", "province-supervisor"
FILTERS = {
    "open": "", "late": "overdue=1", "mine": "mine=1", "drafts": "drafts=1", "nobody": "office=none",
    "gainsaid": "status=gainsaid", "done": "status=done", "received": "status=received", "closed": "status=closed",
    "subject": "category=jobs", "place": "place={place}", "office": "office={office}",
    "subject, place, late": "category=water&place={place}&overdue=1",
}  # fmt: skip
PUBLIC = ("/", "/updates", "/figures", "/updates.atom", "/open-data/figures.json", "/open-data/editions.json")
CASE: LiteralString = """
SELECT id FROM cases WHERE district_id = 'pishin' AND status = 'in_progress' ORDER BY next_due, id LIMIT 1"""
EDITION: LiteralString = "SELECT id FROM editions WHERE district_id = 'pishin' ORDER BY week DESC LIMIT 1"
HALF: LiteralString = """
SELECT id, next_due FROM (
    SELECT id, next_due, row_number() OVER (ORDER BY next_due, id) AS n, count(*) OVER () AS of FROM cases
    WHERE status IN ('received', 'acknowledged', 'in_progress', 'sent_on', 'inspected', 'partly')
    AND (%(district)s::text IS NULL OR district_id = %(district)s)) c
WHERE n = of / 2"""


def verdict(took: float, goal: float, of: str = "") -> str:
    """Whether a goal was kept, as the tables say it; nothing where there is none."""
    return f"{goal:g}{of} {'kept' if took <= goal else 'MISSED'}" if goal else ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One page and who asks for it; nobody is signed in where `login` is empty. `goal`: milliseconds in all, 0 for
    none; a list's is also a multiple of a look-up."""

    name: str
    login: str
    path: str
    goal: float = 0
    lists: bool = False


async def of(jawab: Jawab) -> list[Asked]:
    """Every page, with ids of this database put in."""
    async with jawab.db.autocommit("console") as conn:
        known = await _known(conn)
        half, half_all = await _half(conn, "pishin"), await _half(conn, None)
        case = await _id(conn, CASE)
        edition = await _id(conn, EDITION)
    lists = [
        Asked(f"{whose}: {name}", login, f"/desk/queue?{ask}", PAGE_MS, lists=True)
        for whose, login, after in (("queue", LARGEST, half), ("province", PROVINCE, half_all))
        for name, ask in {**FILTERS, "half way down": f"after={after}"}.items()
        for ask in [ask.format(**known)]
    ]
    return [
        *lists,
        Asked("case", LARGEST, f"/desk/cases/{case}"),
        Asked("kept words (triage)", "demo-triage", "/desk/sorting"),
        Asked("protected list", "demo-protected-1", "/desk/protected", PAGE_MS),
        Asked("editions", "demo-editor", "/desk/editions"),
        *(Asked(f"edition: {step}", "demo-editor", f"/desk/editions/{edition}/{step}") for step in STEPS),
        *(Asked(f"public {path}", "", f"{path}?district=pishin", 0 if "data" in path else WARM_MS) for path in PUBLIC),
    ]


async def _known(conn: Conn) -> dict[str, str]:
    rows = await fetch_all(
        conn,
        "SELECT (SELECT min(id) FROM places WHERE district_id = 'pishin') AS place,"
        " (SELECT id FROM offices WHERE district_id = 'pishin' AND department = 'roads') AS office",
    )
    return {name: quote(str(value)) for name, value in rows[0].items()}


async def _half(conn: Conn, district_id: str | None) -> str:
    """Where the page in the middle of the open cases begins."""
    row = await fetch_one(conn, HALF, {"district": district_id})
    return quote(f"{row['next_due'].isoformat()}~{row['id']}~1") if row else ""


async def _id(conn: Conn, statement: LiteralString) -> str:
    row = await fetch_one(conn, statement)
    return str(row["id"]) if row else ""
