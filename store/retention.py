"""What goes after how long, by class: what nothing can be counted, shown or sent from any more; all else is kept.

A class is a kind of rows with a period and the reason for it. What has no period is kept, and its reason says what
still needs it: nothing goes that a public number is counted from. The statements, and the least age of what they take,
are functions of the database, so that a wrong period here takes nothing that is young.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, LiteralString

import structlog
import typer

from store import terminal
from store.database import Auto, fetch_one
from store.jawab import Jawab

log = structlog.get_logger()

BATCH = 2000  # rows of one transaction
MOST = 100  # batches of one class in one run: the next day takes the rest
YEAR = timedelta(days=400)  # a year, and time to ask about it


@dataclass(frozen=True, slots=True)
class Kind:
    """One class of rows. `call` lets go of a batch of it, or counts them; None where nothing of it goes by this job."""

    name: str
    table: str
    why: str
    period: timedelta | None = None
    call: LiteralString | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """What became of one class: how many rows went, or would go; `left` where a run did not come to the end."""

    kind: Kind
    rows: int
    left: bool = False


KINDS: tuple[Kind, ...] = (
    Kind(
        "husks of messages",
        "inbox",
        "their words went within a day; whether they came twice and how often somebody wrote is asked of hours alone."
        " One that a consent names stays, and one whose copy the provider still has",
        YEAR,
        "SELECT let_husks_go(%(before)s, %(most)s, %(dry)s) AS n",
    ),
    Kind(
        "replies that never left",
        "outbox",
        "taken back before they went out, because another one said it all: no number and no thread knows them",
        timedelta(days=90),
        "SELECT let_replies_go(%(before)s, %(most)s, %(dry)s) AS n",
    ),
    Kind(
        "alarms that are over",
        "alarms",
        "somebody has seen to them; what is open is asked for alone",
        YEAR,
        "SELECT let_alarms_go(%(before)s, %(most)s, %(dry)s) AS n",
    ),
    Kind(
        "what supervisors were told",
        "supervisors_told",
        "so that nobody is told twice in a day",
        YEAR,
        "SELECT let_told_go(%(before)s, %(most)s, %(dry)s) AS n",
    ),
    # Let go of by jobs of their own, each with its period where the table is written.
    Kind("sessions, tries, forms, reserved numbers", "desk_sessions, once, …", "go daily with the job prune"),
    Kind("notes of what providers deleted", "copies", "go after eight days with the job forget_copies"),
    # Kept.
    Kind("copies of editions", "outbox", "how many an edition reached is counted from them at every asking"),
    Kind("messages about cases", "outbox", "whether people were told in time is counted from them, and shown"),
    Kind("replies that left", "outbox", "what each number sent in a month, and what it cost, is counted from them"),
    Kind("cases, their lines, clocks, threads and files", "cases, …", "all figures and pages are read from them"),
    Kind("people and what they agreed to", "contacts, consents, ratings", "counted; `jawab erase` takes their words"),
    Kind("promises, referrals, letters, mails, links", "commitments, …", "editions, figures and case pages name them"),
    Kind("what was no complaint", "dismissals", "the figures of each week count it"),
    Kind("the audit, its heads and the list of what was erased", "audit, …", "append-only: a gap would be a break"),
    Kind("the protected room", "sealed.*", "its readers alone close and erase; nothing here knows what is old in it"),
)


async def let_go(auto: Auto, now: datetime, *, dry: bool = False) -> list[Gone]:
    """Let go of what is old, each batch a transaction of its own; twice at once or again does no harm.

    `dry` counts instead. As the console.
    """
    return [await _let_go(auto, kind, now, dry=dry) for kind in KINDS]


async def _let_go(auto: Auto, kind: Kind, now: datetime, *, dry: bool) -> Gone:
    if kind.call is None or kind.period is None:
        return Gone(kind, 0)
    asked = {"before": now - kind.period, "most": BATCH, "dry": dry}
    if dry:
        return Gone(kind, await _call(auto, kind.call, asked))
    rows = 0
    for _ in range(MOST):
        went = await _call(auto, kind.call, asked)
        rows += went
        if went < BATCH:
            return Gone(kind, rows)
    return Gone(kind, rows, left=True)


async def _call(auto: Auto, call: LiteralString, asked: dict[str, Any]) -> int:
    row = await fetch_one(auto, call, asked)
    return int(row["n"]) if row else 0


async def run(jawab: Jawab, now: datetime) -> None:
    """The daily job."""
    async with jawab.db.autocommit("console") as auto:
        gone = await let_go(auto, now)
    log.info("let go", **{one.kind.table: one.rows for one in gone if one.kind.call})


def tell(gone: Sequence[Gone], *, dry: bool) -> list[dict[str, Any]]:
    """One row for each class, for people and programs."""
    return [
        {
            "class": one.kind.name,
            "table": one.kind.table,
            "days": one.kind.period.days if one.kind.period else None,
            "would go" if dry else "went": one.rows if one.kind.call else None,
            "more": one.left,
            "why": one.kind.why,
        }
        for one in gone
    ]


def retention(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go, and let nothing go.")] = False,
    as_json: terminal.AsJson = False,
) -> None:
    """Let go of old rows by class, as the daily job does; what has no period is kept, and why is said."""

    async def work(jawab: Jawab) -> list[Gone]:
        async with jawab.db.autocommit("console") as auto:
            return await let_go(auto, datetime.now(UTC), dry=dry_run)

    rows = tell(terminal.run(context, work, roles=("console",)), dry=dry_run)
    terminal.show(rows, as_json)
