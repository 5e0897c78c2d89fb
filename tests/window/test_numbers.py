"""The figures as data: the page's numbers, the edition's numbers, and nothing that a page would not tell."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest
from bs4 import BeautifulSoup

import locales
from broadcast import publish
from cases import acts, calendar, counting, figures
from store.crypto import Keys
from store.jawab import Jawab
from tests.conftest import Owner
from window import chart, district, numbers

Open = Callable[..., Awaitable[UUID]]
ZONE = "Asia/Karachi"


@pytest.fixture
async def lived(jawab: Jawab, keys: Keys, office: Any, opened: Open, owner: Owner) -> SimpleNamespace:
    """Two weeks that are over; in the later one 27 are called done and 14 of them confirmed."""
    last = calendar.last_full(datetime.now(UTC), ZONE)
    at = calendar.bounds(last, ZONE)[0] + timedelta(days=3)
    for _ in range(6):
        await opened(at=at - timedelta(days=7), category="health", may_message=True)
    water = [await opened(at=at, place_id="pishin.barshore", may_message=True) for _ in range(27)]
    for _ in range(3):
        await opened(at=at, category="infrastructure", may_message=True)
    async with jawab.db.transaction("console") as tx:
        for case_id in water:
            await acts.resolve(
                tx, keys, case_id, actor=office.staff["handler"], now=at, outcome="repaired", done_on=at.date()
            )
    await owner.execute("UPDATE outbox SET state = 'delivered', sent_at = %s", (at,))
    async with jawab.db.transaction("intake") as tx:
        for case_id in water[:14]:
            await acts.confirm(tx, case_id, now=at)
        for case_id in water[14:20]:
            await acts.dispute(tx, case_id, now=at)
    return SimpleNamespace(week=last, at=at, water=water)


async def data(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/open-data/figures.json?district=pishin")
    assert answer.status_code == 200
    (here,) = answer.json()["districts"]
    found: dict[str, Any] = here
    return found


async def table(client: httpx.AsyncClient) -> list[dict[str, str]]:
    answer = await client.get("/open-data/figures.csv?district=pishin")
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_page_edition_and_data_tell_the_same_numbers(
    client: httpx.AsyncClient, jawab: Jawab, office: Any, lived: SimpleNamespace
) -> None:
    async with jawab.db.transaction("console") as tx:
        made = await publish.draft(tx, "pishin", lived.week, office.staff["editor"], datetime.now(UTC))
        items = (await publish.find(tx, made)).items
    told = {key: item["values"] for item in items if (key := item["key"])}
    week = (await data(client))["weeks"][-1]
    assert week["week"] == lived.week
    said = [item["values"] for item in items if item["key"] == "edition.said.count"]
    shown = {one: cells["received"] for one, cells in week["categories"].items() if cells["received"]}
    assert {one["category"]["key"].removeprefix("category."): one["count"] for one in said} == shown == {"water": 27}
    truth = next(values for key, values in told.items() if key.startswith("edition.did.total"))
    assert (truth["done"], truth["confirmed"]) == (week["total"]["done"], week["total"]["confirmed"]) == (27, 14)
    assert week["total"]["received"] is None, "27 beside 30 would tell of 3"
    rows = {row["week"]: row for row in await table(client) if row["breakdown"] == "all"}
    row = rows[lived.week]
    for name in figures.NUMBERS:
        assert row[name] == ("" if week["total"][name] is None else str(week["total"][name]))
    assert (row["asked"], row["confirmed"], row["percent_confirmed"]) == ("27", "14", "52")
    assert row["digest"] == week["digest"]
    page = BeautifulSoup((await client.get("/figures?lang=en")).text, "html.parser")
    lines = [line.get_text(" ", strip=True) for line in page.select(".numbers-table tbody tr")]
    assert "People confirm done 14 of 27 (52%) 14 of 27 (52%)" in lines
    assert "Department says done 27 27" in lines
    assert [one.get_text(" ", strip=True) for one in page.select(".pair-one")] == [
        "Department says done 27",
        "People confirm done 14",
    ]


async def test_every_field_of_the_table_is_explained_and_every_explanation_is_of_a_field(
    client: httpx.AsyncClient, lived: SimpleNamespace
) -> None:
    assert lived.week
    rows = await table(client)
    explained = [row["name"] for row in numbers.dictionary()]
    assert list(rows[0]) == explained
    assert len(set(explained)) == len(explained)
    assert all(row["unit"] and row["meaning"] for row in numbers.dictionary())
    filled = {name for row in rows for name in row if row[name]}
    assert {*figures.NUMBERS} <= set(explained)
    assert {"read_median", "pcode", "district_pcode", "digest"} <= filled
    given = list(csv.DictReader(io.StringIO((await client.get("/open-data/dictionary.csv")).text)))
    assert given == numbers.dictionary()


async def test_the_data_say_what_they_were_counted_with_and_carry_no_case(
    client: httpx.AsyncClient, owner: Owner, lived: SimpleNamespace
) -> None:
    answer = await client.get("/open-data/figures.json")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=120"
    found = answer.json()
    assert found["query"]["sha256"] == counting.QUERY
    assert found["licence"].startswith("https://creativecommons.org/")
    (here,) = found["districts"]
    assert here["district_pcode"].startswith("PK2")
    assert here["pcodes"]["pishin.barshore"].startswith("PK2")
    for week in here["weeks"]:
        assert figures.digest(week) == week["digest"]
    for (case_id,) in await (await owner.execute("SELECT id::text FROM cases")).fetchall():
        assert case_id not in answer.text


@pytest.mark.parametrize("path", ["figures.json", "figures.csv"])
async def test_a_district_that_is_not_here_has_no_data(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"/open-data/{path}?district=nowhere")).status_code == 404


async def test_many_readers_cost_one_counting(
    client: httpx.AsyncClient, lived: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lived.week
    counted, count = [], figures.published

    async def counting_once(*given: Any) -> Any:
        counted.append(given[1])
        return await count(*given)

    monkeypatch.setattr(figures, "published", counting_once)
    paths = ("/", "/figures", "/open-data/figures.json", "/open-data/figures.csv")
    for answer in await asyncio.gather(*(client.get(path) for path in paths)):
        assert answer.status_code == 200
    assert counted == ["pishin"]
    monkeypatch.setattr(district, "CACHED", -1)
    await client.get("/")
    assert counted == ["pishin"] * 2


@pytest.mark.parametrize("lang", locales.ALL_LANGS)
async def test_the_picture_has_a_name_a_description_and_its_table(
    client: httpx.AsyncClient, lived: SimpleNamespace, lang: str
) -> None:
    assert lived.week
    page = BeautifulSoup((await client.get(f"/figures?lang={lang}")).text, "html.parser")
    svg = page.select_one("svg[role=img]")
    assert svg is not None
    for part in str(svg["aria-labelledby"]).split():
        named = page.select_one(f"#{part}")
        assert named is not None
        assert named.get_text(strip=True)
    assert len(svg.select("rect, circle")) == 4


def test_the_picture_is_read_from_where_its_language_begins() -> None:
    weeks = [
        {"week": f"2026-W{40 + number}", "to": "2026-10-04", "total": {"done": 20 * number, "confirmed": None}}
        for number in range(5)
    ]
    left, right = chart.draw(weeks, rtl=False), chart.draw(weeks, rtl=True)
    first, last = left.bars[0], left.bars[-2]
    assert first.x < last.x
    assert right.bars[1].x > right.bars[-1].x
    assert last.height > 0
    assert last.height <= chart.HEIGHT
    assert [number for _, number in left.lines] == [0, 25, 50, 75, 100]
    assert all(0 <= bar.x <= chart.WIDTH - bar.width for bar in (*left.bars, *right.bars))
    assert chart.draw([], rtl=True).bars == ()
