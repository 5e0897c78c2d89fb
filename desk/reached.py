"""Who was not reached with news of their case: what stands on the message's row, as a text for the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString
from uuid import UUID

from store.database import Conn, fetch_all, fetch_one

# For lists, of the cases in `picked`: whether there is a message that its reader has not been told of, in any way, and
# one that other words than those of its case let go (`stood`), of which the view alone knows how it stands: long to
# plan, and asked of those alone.
MISSED: LiteralString = """
SELECT m.case_id, bool_or(m.stood IS NOT NULL) AS apart, bool_or(m.stood IS NULL
    AND (m.state IN ('failed', 'undelivered') OR (m.state = 'parked' AND m.error LIKE 'not_reached:%%'))) AS unreached
FROM outbox m WHERE m.case_id = ANY((SELECT ids FROM picked)::uuid[]) AND m.purpose = 'case' AND m.notice_of IS NULL
    AND (m.missed OR m.stood IS NOT NULL)
GROUP BY m.case_id"""
# The cases among these of which there is a message that their reader has not been told of, in any way.
_UNREACHED: LiteralString = """
SELECT DISTINCT u.case_id FROM outbox_of_cases u
WHERE u.case_id = ANY(%s) AND u.purpose = 'case' AND u.missed AND u.notice_of IS NULL
    AND (u.state IN ('failed', 'undelivered') OR (u.state = 'parked' AND u.error LIKE 'not_reached:%%'))"""
# Whether the last message about the case `c`, since it was `heard` of, was refused or did not arrive.
REFUSED: LiteralString = """
    EXISTS (SELECT FROM (
            SELECT state, error FROM outbox_of_cases
            WHERE case_id = c.id AND created_at >= heard.at AND notice_of IS NULL ORDER BY created_at DESC LIMIT 1
        ) AS last
        WHERE last.state IN ('failed', 'undelivered') OR (last.state = 'withdrawn' AND last.error <> 'replaced'))"""
_LAST: LiteralString = """
SELECT state, error FROM outbox_of_cases WHERE case_id = %s AND purpose = 'case' AND missed AND notice_of IS NULL
ORDER BY state IN ('failed', 'undelivered') OR coalesce(error, '') LIKE 'not_reached:%%' DESC, created_at DESC
LIMIT 1"""

# What stands on the row -> why nobody was reached. Other errors of a message that failed are the provider's.
WHY: dict[str, str] = {
    "not_reached:template": "sent.unreached_template",
    "not_reached:call": "sent.unreached_call",
    "not_reached:expired": "sent.unreached_expired",
}
FAILED, NOTICED = "sent.unreached_failed", "sent.noticed"
TOLD = ("sent", "delivered", "read")


async def find_unreached(conn: Conn, case_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the cases whose reader was not reached with news of them."""
    rows = await fetch_all(conn, _UNREACHED, (list(case_ids),))
    return frozenset(row["case_id"] for row in rows)


async def tell(conn: Conn, case_id: UUID) -> str:
    """The text key of what became of the newest message that its reader has missed; "" where there is none.

    One that they were told waits for them is `NOTICED`.
    """
    row = await fetch_one(conn, _LAST, (case_id,))
    if row is None:
        return ""
    if row["state"] in {"failed", "undelivered"}:
        return WHY.get(row["error"] or "", FAILED)
    if row["state"] in TOLD or row["error"] == "told:sms":
        return NOTICED
    return WHY.get(row["error"] or "", "")
