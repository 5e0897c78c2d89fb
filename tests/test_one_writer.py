"""One file writes each table: where a column is added or a rule of a table changes, there is one place to look."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("bot", "broadcast", "cases", "desk", "flows", "house", "locales", "pages", "store", "window")
_TABLE = r"(?:ONLY\s+)?([a-z_]+(?:\.[a-z_]+)?)"
WRITES = re.compile(
    rf"\b(?:INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE)\s+{_TABLE}"
    rf"|\bUPDATE\s+{_TABLE}(?:\s+(?:AS\s+)?[a-z]+)?\s+SET\b"
)

# Statements that write two tables at once are put together from parts that each table's own file offers.
WRITERS = {
    "alarms": "store/alarms.py",
    "audiences": "broadcast/expected.py",
    "case_history": "cases/history.py",
    "case_items": "cases/thread.py",
    "cases": "cases/register.py",
    "channels": "store/channels.py",
    "clocks": "cases/register.py",
    "code_tries": "store/tries.py",
    "commitments": "cases/commitments.py",
    "consents": "store/consents.py",
    "contacts": "store/contacts.py",
    "copies": "store/copies.py",
    "decisions": "cases/decisions.py",
    "counted": "cases/rollup.py",
    "counted_with": "cases/rollup.py",
    "desk_sessions": "store/desk_sessions.py",
    "dismissals": "cases/dismissals.py",
    "districts": "cases/districts.py",
    "drops": "store/drops.py",
    "editions": "broadcast/publish.py",
    "erasures": "cases/erasing.py",
    "facilities": "cases/scorecards.py",
    "house_keys": "store/house_keys.py",
    "inbox": "store/inbox.py",
    "jobs": "store/jobs.py",
    "joined": "cases/joined.py",
    "login_waits": "store/login_waits.py",
    "login_attempts": "desk/attempts.py",
    "link_sessions": "cases/links.py",
    "letters": "cases/letters.py",
    "links": "cases/links.py",
    "mails": "store/mails.py",
    "media": "store/media.py",
    "office_lines": "cases/office_lines.py",
    "offices": "cases/offices.py",
    "once": "store/once.py",
    "outbox": "store/outbox/",
    "outside": "cases/outside.py",
    "places": "cases/districts.py",
    "providers": "cases/providers.py",
    "ratings": "cases/scorecards.py",
    "referrals": "cases/referrals.py",
    "reserved": "cases/reserved.py",
    "reaches": "broadcast/reached.py",
    "responsibilities": "cases/offices.py",
    "rounds": "cases/scorecards.py",
    "sealed.agreed": "cases/protected/reading.py",
    "sealed.cases": "cases/protected/register.py",
    "sealed.escrow": "cases/protected/standing.py",
    "sealed.codes": "cases/protected/register.py",
    "sealed.dropped": "cases/protected/dropped.py",
    "sealed.items": "cases/protected/vault.py",
    "sealed.looks": "cases/protected/reading.py",
    "sealed.notices": "cases/protected/notices.py",
    "sealed.openings": "cases/protected/reading.py",
    "sealed.said": "cases/protected/said.py",
    "sealed.proofs": "cases/protected/proving.py",
    "sealed.rosters": "cases/protected/roster.py",
    "sealed.trust": "cases/protected/roster.py",
    "sealed.word_tries": "cases/protected/lost.py",
    "sealed.wraps": "cases/protected/vault.py",
    "second_factors": "store/second_factors.py",
    "sessions": "store/sessions.py",
    "sorting": "cases/sorting.py",
    "staff": "cases/staff.py",
    "supervisors_told": "cases/supervisors.py",
    "to_recount": "cases/rollup.py",
    "told_weeks": "cases/rollup.py",
    "week_cells": "cases/rollup.py",
    "templates": "store/templates.py",
    "ways": "cases/ways.py",
    "word_tries": "cases/lost.py",
}


def files() -> list[Path]:
    found = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")] + list(ROOT.glob("*.py"))
    return [path for path in found if "migrations" not in path.parts]


def tables_written(text: str) -> set[str]:
    """Of the SQL in a file: also where a string goes on in the next line."""
    joined = re.sub(r'"\s*\n\s*f?"', "", text)
    return {found[1] or found[2] for found in WRITES.finditer(joined)}


def second_writers(texts: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    return {
        (table, name)
        for name, text in texts
        for table in tables_written(text)
        if table not in WRITERS or not belongs(name, WRITERS[table])
    }


def belongs(name: str, writer: str) -> bool:
    """A table whose statements fill more than one file has a folder of its own."""
    return name.startswith(writer) if writer.endswith("/") else name == writer


def read_all() -> list[tuple[str, str]]:
    return [(str(path.relative_to(ROOT)), path.read_text()) for path in files()]


def test_every_table_is_written_by_one_file() -> None:
    assert second_writers(read_all()) == set()


def test_a_second_writer_is_caught() -> None:
    breach = 'await tx.execute("UPDATE "\n    "cases SET status = \'closed\' WHERE id = %s", (case_id,))'
    assert second_writers([("desk/queue.py", breach)]) == {("cases", "desk/queue.py")}
    assert second_writers([("desk/queue.py", "DELETE FROM a_new_table")]) == {("a_new_table", "desk/queue.py")}
    assert second_writers([("cases/register.py", breach)]) == set()


def test_the_list_names_every_table_of_the_migrations_and_no_other() -> None:
    made = set()
    for file in (ROOT / "store" / "migrations").rglob("*.sql"):
        made |= set(re.findall(r"CREATE TABLE ([a-z_.]+)", file.read_text()))
    # The chain, its heads and the mark of a mixing are written by functions of the database alone, who may speak by
    # migrations.
    assert set(WRITERS) == made - {"audit", "audit_heads", "audit_speakers", "sealed.mixed"}


def test_whoever_is_said_to_write_a_table_does() -> None:
    written = {(table, name) for name, text in read_all() for table in tables_written(text)}
    idle = {
        table
        for table, writer in WRITERS.items()
        if not any(table == one and belongs(name, writer) for one, name in written)
    }
    assert idle == set()
