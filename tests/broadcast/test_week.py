"""What a week is told from when its edition is drafted days later."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from broadcast import publish
from cases import acts, figures
from store.jawab import Jawab
from tests.broadcast.a_week import NOW, WEEK, Report


async def test_what_was_reopened_after_its_week_is_not_told_as_done(
    jawab: Jawab, place: SimpleNamespace, report: Report, desk: SimpleNamespace
) -> None:
    water = await report("water", 7, place_id="pishin.barshore")
    await desk.resolve(water)
    async with jawab.db.transaction("console") as tx:
        await acts.reopen(tx, water[0], actor=place.staff["supervisor"], now=NOW - timedelta(hours=1))
        items = (await publish.compile_week(tx, place.id, WEEK, NOW)).items
        stands = (await figures.week(tx, place.id, WEEK, NOW))["total"]["done"]["count"]
    told = {item["key"]: item["values"] for item in items}
    assert (told["edition.did.count"]["count"], told["edition.did.total_few"]["done"]) == (6, 6)
    assert stands == 7, "the week's own figure is what was said in it"
