"""What a week is told from when its edition is drafted days later."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

import locales
from broadcast import edition, publish, renderings
from cases import acts, calendar, figures
from store.jawab import Jawab
from tests.broadcast import seeded
from tests.broadcast.a_week import NOW, WEEK, Report


async def test_what_was_reopened_after_its_week_is_not_told_as_done(
    jawab: Jawab, place: SimpleNamespace, report: Report, desk: SimpleNamespace
) -> None:
    water = await report("water", 7, place_id="pishin.barshore")
    await desk.resolve(water)
    async with jawab.db.transaction("console") as tx:
        await acts.reopen(tx, water[0], actor=place.staff["supervisor"], now=NOW - timedelta(hours=1))
        items = (await publish.compile_week(tx, place.id, WEEK, NOW))[0].items
        stands = (await figures.week(tx, place.id, WEEK, NOW))["total"]["done"]["count"]
    told = {item["key"]: item["values"] for item in items}
    assert (told["edition.did.count"]["count"], told["edition.did.truth_small"]["done"]) == (6, 6)
    assert stands == 7, "the week's own figure is what was said in it"


# ── of which time an edition tells ───────────────────────────────────────────────────────────────────────────────────
DAY = timedelta(days=1)
MONDAY, NEXT_MONDAY = calendar.bounds(WEEK, calendar.PROVINCE)
NEXT = "2026-W47"


async def spans(jawab: Jawab) -> list[tuple[datetime, datetime]]:
    async with jawab.db.autocommit("console") as conn:
        rows = await (await conn.execute("SELECT from_at, until_at FROM editions ORDER BY week")).fetchall()
    return [(row["from_at"], row["until_at"]) for row in rows]


async def cases_told(jawab: Jawab) -> Counter[str]:
    async with jawab.db.autocommit("console") as conn:
        rows = await (await conn.execute("SELECT items FROM editions")).fetchall()
    said = [item for row in rows for item in row["items"] if item["key"] == "edition.said.count"]
    return Counter(case for item in said for case in item["cases"])


@pytest.mark.parametrize("cut", [timedelta(0), timedelta(microseconds=1), 3 * DAY, 7 * DAY - timedelta(microseconds=1)])
async def test_the_next_edition_begins_where_one_was_cut_off(
    jawab: Jawab, place: SimpleNamespace, report: Report, cut: timedelta
) -> None:
    """Whatever the moment of the cut: no report is in no edition, and none is in two."""
    at = MONDAY + DAY + cut / 2
    for moment in (MONDAY, at - timedelta(microseconds=1), at, NEXT_MONDAY - timedelta(microseconds=1), NEXT_MONDAY):
        await report("water", 6, at=moment)
    async with jawab.db.transaction("console") as tx:
        await publish.draft(tx, place.id, WEEK, None, at)
        await publish.draft(tx, place.id, NEXT, None, NEXT_MONDAY + 8 * DAY)
    assert await spans(jawab) == [(MONDAY, at), (at, NEXT_MONDAY + 7 * DAY)]
    told = await cases_told(jawab)
    assert (len(told), set(told.values())) == (30, {1})


async def test_a_draft_that_was_cut_off_grows_until_the_next_one_has_begun(
    jawab: Jawab, place: SimpleNamespace
) -> None:
    async with jawab.db.transaction("console") as tx:
        made = await publish.draft(tx, place.id, WEEK, None, MONDAY + DAY)
        await publish.redraft(tx, made, None, MONDAY + 2 * DAY)
        assert (await publish.find(tx, made)).until_at == MONDAY + 2 * DAY
        await publish.draft(tx, place.id, NEXT, None, NEXT_MONDAY + DAY)
        await publish.redraft(tx, made, None, NEXT_MONDAY + 2 * DAY)
    assert await spans(jawab) == [(MONDAY, MONDAY + 2 * DAY), (MONDAY + 2 * DAY, NEXT_MONDAY + DAY)]


async def test_the_figures_of_an_edition_are_of_its_span_and_no_moment_more(
    jawab: Jawab, place: SimpleNamespace, report: Report, desk: SimpleNamespace
) -> None:
    early = await report("water", 6, at=MONDAY)
    late = await report("water", 5, at=MONDAY)
    await desk.resolve(early, at=MONDAY + DAY)
    await desk.resolve(late, at=MONDAY + 3 * DAY)
    async with jawab.db.transaction("console") as tx:
        await publish.draft(tx, place.id, WEEK, None, MONDAY + 2 * DAY)
        await publish.draft(tx, place.id, NEXT, None, NEXT_MONDAY + 8 * DAY)
        rows = await (await tx.execute("SELECT items FROM editions ORDER BY week")).fetchall()
    done = [item["values"]["done"] for row in rows for item in row["items"] if item["key"] in edition.TRUTH]
    assert done == [6, 5]


async def test_the_day_of_a_heading_is_the_last_of_its_span(jawab: Jawab, place: SimpleNamespace) -> None:
    async with jawab.db.transaction("console") as tx:
        whole = await publish.find(tx, await publish.draft(tx, place.id, WEEK, None, NOW))
        cut = await publish.find(tx, await publish.draft(tx, place.id, NEXT, None, NOW))
    assert (whole.heading().day, cut.heading().day) == ("2026-11-15", "2026-11-19")
    link = whole.heading("https://jawab.example.pk").link
    assert link == "https://jawab.example.pk/updates/2026-W46?district=pishin"


@pytest.mark.parametrize("lang", locales.ALL_LANGS)
async def test_a_busy_week_is_told_from_its_rows_with_its_truth_in_every_form(
    jawab: Jawab, place: SimpleNamespace, lang: str
) -> None:
    await seeded.seed(jawab, WEEK)
    async with jawab.db.transaction("console") as tx:
        held = await publish.find(tx, await publish.draft(tx, place.id, WEEK, None, NOW))
    shown = renderings.preview(held.items, held.heading("https://jawab.example.pk"), lang)
    numbers = {"done": seeded.DONE, "confirmed": seeded.CONFIRMED, "asked": seeded.ASKED}
    fixed = [item for item in held.items if edition.is_fixed(item)]
    assert [item["values"].get("count") for item in fixed] == [None, seeded.REFUSED, None, None, None, None, None]
    lines = [locales.say(item["key"], lang, **item["values"]) for item in fixed]  # truth, refused, 4 late, 1 dropped
    assert lines[0] == locales.say("edition.did.truth", lang, **numbers)
    web = [line for _, told in shown.web for line, _ in told]
    for line in lines:
        assert line in shown.chat.split("\n")
        assert line in web
    short = locales.render({"says": [["edition.short.truth", numbers]]}, lang, "sms")
    assert short in shown.sms.split("\n")
    assert shown.sms_parts <= renderings.MOST_PARTS
    told = [item["key"] for item in held.items]
    assert sum(key in {"edition.did.line", "edition.did.kept", "edition.did.count"} for key in told) >= 18
