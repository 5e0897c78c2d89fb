"""The drill: a crowd writes, a dump is taken in the middle, a day passes, and somebody comes with the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg import sql
from psycopg.rows import dict_row

import jobs
from store.jawab import Jawab
from tests.custody.attacker import Found, Loot, Rows, attack
from tests.custody.disk import Disk
from tests.custody.reports import Crowd, Owner

DAY = timedelta(hours=25)  # an hour more than is promised: what forgets runs once an hour
AN_HOUR, TEN_MINUTES = 60, 10  # messages: one a minute
OFTEN, HOURLY = ("mix_sealed_small",), ("forget", "mix_sealed")
PASSING = ("go_quiet", "fetch_media", *HOURLY, "prune")  # what of the day's jobs has to do with it


@dataclass(frozen=True, slots=True)
class Drilled:
    """What was found while people wrote, and what after a day."""

    crowd: Crowd
    at_once: Found
    later: Found


async def drill(
    jawab: Jawab,
    owner: Owner,
    *,
    reports: int,
    phones: int,
    seed: int,
    progress: Callable[[str], None] = lambda _: None,
) -> Drilled:
    crowd = Crowd.gather(jawab, owner, reports=reports, phones=phones, seed=seed)
    dump: Rows = {}
    # Half way between two mixings: what has come since still lies in the order in which it came.
    middle = len(crowd.order) // 2 // AN_HOUR * AN_HOUR + AN_HOUR // 2 + TEN_MINUTES // 2
    for begun in range(0, len(crowd.order), TEN_MINUTES):
        some = crowd.order[begun : begun + TEN_MINUTES]
        if begun <= middle < begun + len(some):
            await crowd.write(some[: middle - begun])
            dump = await read_tables(owner)
            some = some[middle - begun :]
        await crowd.write(some)
        await _run(jawab, OFTEN if (begun + TEN_MINUTES) % AN_HOUR else HOURLY, timedelta(0))
        if (begun + TEN_MINUTES) % AN_HOUR == 0:
            progress(f"{begun + TEN_MINUTES} of {len(crowd.order)} messages")
    await crowd.find_contacts()
    at_once = attack(crowd, jawab.keys, await _take(owner, dump))
    progress("attacked while they write")
    await pass_a_day(jawab, owner)
    return Drilled(crowd, at_once, attack(crowd, jawab.keys, await _take(owner, dump)))


async def pass_a_day(jawab: Jawab, owner: Owner) -> None:
    """Every job that has to do with it, as it runs a day later; what the database judges by its clock is made older."""
    await owner.execute("UPDATE sessions SET quiet_at = quiet_at - %s WHERE quiet_at IS NOT NULL", (DAY,))
    await _run(jawab, PASSING, DAY)


async def _run(jawab: Jawab, names: Sequence[str], later: timedelta) -> None:
    for job in jobs.JOBS:
        if job.name in names:
            await job.work(replace(jawab, db=jawab.db.only(job.role)), datetime.now(UTC) + later)


async def read_tables(owner: Owner) -> Rows:
    """Every table, row by row as they lie: what a dump holds."""
    found = await owner.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'sealed') ORDER BY 1, 2"
    )
    rows: Rows = {}
    for schema, table in await found.fetchall():
        async with owner.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(sql.SQL("SELECT * FROM {} ORDER BY ctid").format(sql.Identifier(schema, table)))
            name = table if schema == "public" else f"{schema}.{table}"
            rows[name] = [
                {column: bytes(value) if isinstance(value, memoryview) else value for column, value in row.items()}
                for row in await cursor.fetchall()
            ]
    return rows


async def _take(owner: Owner, dump: Rows) -> Loot:
    """All of it as it lies on the disk now."""
    await owner.execute("CHECKPOINT")
    row = await (
        await owner.execute(
            "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()"
        )
    ).fetchone()
    assert row
    return Loot(Disk.read(Path(row[0]), int(row[1])), await read_tables(owner), dump)


def tell(drilled: Drilled) -> Iterator[str]:
    """The figures, a line each."""
    crowd = drilled.crowd
    reports = sum(one.case is not None for one in crowd.writers)
    yield f"{len(crowd.order)} messages of {len(crowd.writers)} phones, {reports} of them a protected report"
    for when, found in (("while they write", drilled.at_once), ("a day later", drilled.later)):
        yield f"{when}: {len(found.words)} words read, {len(found.all_tied)} of {reports} reports tied to their phone"
        for way, cases in found.tied.items():
            yield f"    by {way}: {len(cases)}"
        for way, right in found.ranked.items():
            yield f"    named first rightly by {way}, among {found.candidates} phones: {right:.2f}"
