"""`jawab figures verify`: an edition's numbers are found again in the rows, and what is not so is named."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from broadcast import publish, verify
from broadcast.edition import Withheld
from cases import acts, figures
from settings import Settings
from store.jawab import Jawab
from tests.broadcast.a_week import IN_WEEK, NOW, WEEK, Report
from tests.conftest import Owner

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def published(
    jawab: Jawab, place: SimpleNamespace, report: Report, desk: SimpleNamespace, owner: Owner
) -> list[UUID]:
    """An edition with counts of every kind, approved; returns the cases that were called done."""
    water = await report("water", 14, place_id="pishin.barshore", may_message=True)
    for small in ("education", "health"):
        await report(small, 3, may_message=True)
    await desk.resolve(water[:8])
    await desk.resolve(water[8:14], outcome="cannot_budget")
    await owner.execute("UPDATE outbox SET state = 'sent', sent_at = %s", (IN_WEEK + timedelta(hours=1),))
    await desk.hear("confirm", water[:5])
    async with jawab.db.transaction("console") as tx:
        made = await publish.draft(tx, place.id, WEEK, place.staff["editor"], NOW)
        await publish.approve(tx, made, place.staff["approver"], NOW)
    return water


async def read(jawab: Jawab) -> verify.Report:
    async with jawab.db.autocommit("console") as conn:
        return await verify.check(conn, "pishin", WEEK, NOW + timedelta(days=40))


async def test_every_number_of_an_edition_is_found_in_the_rows(jawab: Jawab, published: list[UUID]) -> None:
    found = await read(jawab)
    assert published
    assert found.equal
    assert {(one.line, one.name, one.said) for one in found.numbers} >= {
        ("edition.said.count water", "count", 14),
        ("edition.said.other", "count", 6),
        ("edition.did.truth", "done", 8),
        ("edition.did.truth", "asked", 8),
        ("edition.did.truth", "confirmed", 5),
    }
    assert len(found.figures) == 64


async def test_what_people_say_later_leaves_an_edition_as_it_was(
    jawab: Jawab, place: SimpleNamespace, published: list[UUID], desk: SimpleNamespace, report: Report
) -> None:
    before = await read(jawab)
    await desk.hear("dispute", published[:3], at=NOW + timedelta(days=5))
    async with jawab.db.transaction("console") as tx:
        await acts.reopen(tx, published[5], actor=place.staff["supervisor"], now=NOW + timedelta(days=6))
    await report("water", 2, at=NOW + timedelta(days=7))
    after = await read(jawab)
    assert after == before
    assert after.equal


async def test_what_the_triage_sends_to_the_register_later_counts_in_the_week_of_its_coming(
    jawab: Jawab, published: list[UUID], owner: Owner, report: Report
) -> None:
    before = await read(jawab)
    late = await report("water", 1, at=NOW + timedelta(days=1))
    await owner.execute("UPDATE cases SET opened_at = %s WHERE id = %s", (IN_WEEK, late[0]))
    assert published
    assert await read(jawab) == before


async def test_a_number_that_the_rows_do_not_prove_is_named(
    jawab: Jawab, settings: Settings, owner: Owner, published: list[UUID]
) -> None:
    await owner.execute(
        "UPDATE editions SET items = jsonb_set(items, '{0,values,count}', '15')"
        " WHERE items->0->'values'->>'count' = '14'"
    )
    found = await read(jawab)
    assert not found.frozen
    assert [(one.name, one.said, one.found) for one in found.numbers if not one.equal] == [("count", 15, 14)]

    def run(*argv: str) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("JAWAB_")} | {
            "JAWAB_DATA": str(settings.data),
            "JAWAB_DATABASE_URL": settings.database_url,
        }
        return subprocess.run(
            [sys.executable, "-m", "cli", "figures", "verify", *argv],
            env=env,
            cwd=ROOT,
            capture_output=True,
            check=False,
            text=True,
        )

    ran = await asyncio.to_thread(run, WEEK)
    assert ran.returncode == 1
    lines = ran.stdout.splitlines()
    assert lines[0].startswith(f"{WEEK}: the items are not those")
    assert lines[1] == f"{WEEK}: edition.said.count water: count 15 published, 14 in the rows"
    told: dict[str, Any] = json.loads((await asyncio.to_thread(run, WEEK, "--json")).stdout)
    assert told["equal"] is False
    assert published


@pytest.mark.parametrize(("district", "wanted"), [("pishin", "2026-W40"), ("nowhere", WEEK), ("pishin", "2026-46")])
async def test_what_cannot_be_checked_is_refused_in_one_sentence(
    jawab: Jawab, place: SimpleNamespace, district: str, wanted: str
) -> None:
    async with jawab.db.autocommit("console") as conn:
        with pytest.raises(Withheld) as refused:
            await verify.check(conn, district, wanted, NOW)
    assert place
    assert "\n" not in str(refused.value)


async def test_what_is_kept_of_the_weeks_and_is_not_in_the_rows_is_named(
    jawab: Jawab, published: list[UUID], owner: Owner
) -> None:
    assert published
    for work in (figures.recount, partial(figures.tell_weeks, now=NOW + timedelta(days=40))):
        async with jawab.db.transaction("console") as tx:
            await work(tx)
    assert (await read(jawab)).equal
    await owner.execute(
        "UPDATE told_weeks SET told = jsonb_set(told::jsonb, '{digest}', '1')::json WHERE told->>'week' = %s", (WEEK,)
    )
    found = await read(jawab)
    assert not found.equal
    assert found.differing == [WEEK]
