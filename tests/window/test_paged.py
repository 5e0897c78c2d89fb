"""Open data come by pages that lead to each other: all of it is there once, and no answer is large."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from psycopg.types.json import Jsonb

from cases import figures
from tests.conftest import Owner
from window import paged

WEEKS = 7
LINE = {"section": "said", "key": "edition.said.none", "values": {}, "cases": ["a-case"], "commitments": ["a-promise"]}
CURSORS = ("nowhere~", "pishin~2026-W54", "pishin~2026", "~", "pishin~2026-W10~2026-W11", "pishin~' OR 1=1")


@pytest.fixture
async def lived(
    owner: Owner, elsewhere: str, opened: Callable[..., Awaitable[UUID]], monkeypatch: pytest.MonkeyPatch
) -> str:
    """Seven weeks of reports in one district, an edition for each, and a district without any."""
    for number in range(WEEKS):
        for _ in range(5):
            await opened(at=datetime.now(UTC) - timedelta(days=7 * (number + 1)))
        await owner.execute(
            "INSERT INTO editions (id, district_id, week, state, items, digest, drafted_at, sent_at, from_at, until_at)"
            " VALUES (gen_random_uuid(), 'pishin', %s, 'sent', %s, 'd', now(), now(), now() - interval '7 d', now())",
            (f"2026-W{10 + number}", Jsonb([LINE])),
        )
    monkeypatch.setattr(paged, "WEEKS", 3)
    monkeypatch.setattr(paged, "EDITIONS", 3)
    return elsewhere


async def walk(client: httpx.AsyncClient, path: str) -> list[httpx.Response]:
    """The page at this address and all that follow, as a program would read them."""
    answers: list[httpx.Response] = []
    following: str | None = path
    while following:
        answers.append(await client.get(following))
        assert answers[-1].status_code == 200, following
        assert len(answers) < 20
        following = answers[-1].links.get("next", {}).get("url")
    return answers


@pytest.mark.parametrize("query", ["", "?district=pishin"])
async def test_every_week_is_on_one_page_and_can_be_verified(client: httpx.AsyncClient, lived: str, query: str) -> None:
    answers = await walk(client, f"/open-data/figures.json{query}")
    weeks: list[dict[str, Any]] = []
    totals: list[dict[str, Any]] = []
    for answer in answers:
        (here,) = answer.json()["districts"]
        assert len(here["weeks"]) <= 3
        assert answer.json()["next"] == answer.links.get("next", {}).get("url")
        if here["district"] == "pishin":
            weeks = here["weeks"] + weeks
            totals.append(here["all_weeks"])
    assert [week["week"] for week in weeks] == sorted({week["week"] for week in weeks})
    assert len(weeks) == WEEKS
    assert totals == [totals[0]] * 3
    assert all(figures.digest(week) == week["digest"] for week in weeks)
    named = [answer.json()["districts"][0]["district"] for answer in answers]
    assert sorted(named) == ["pishin"] * 3 + ([] if query else [lived])


async def test_the_table_is_paged_alike(client: httpx.AsyncClient, lived: str) -> None:
    rows = [
        row
        for answer in await walk(client, "/open-data/figures.csv?district=pishin")
        for row in csv.DictReader(io.StringIO(answer.text))
    ]
    assert len([row for row in rows if row["breakdown"] == "all"]) == WEEKS
    assert {row["district"] for row in rows} == {"pishin"}
    assert lived


@pytest.mark.parametrize("query", ["", "?district=pishin"])
async def test_every_edition_is_on_one_page_and_no_case_on_any(
    client: httpx.AsyncClient, lived: str, query: str
) -> None:
    answers = await walk(client, f"/open-data/editions.json{query}")
    weeks = [one["week"] for answer in answers for one in answer.json()["editions"]]
    assert weeks == [f"2026-W{number}" for number in range(16, 9, -1)]
    assert all(len(answer.json()["editions"]) <= 3 for answer in answers)
    assert not any("a-case" in answer.text or "a-promise" in answer.text for answer in answers)
    assert lived


@pytest.mark.parametrize("path", ["figures.json", "figures.csv", "editions.json"])
async def test_who_has_a_page_is_spared_its_bytes(
    client: httpx.AsyncClient, owner: Owner, lived: str, path: str
) -> None:
    assert lived
    first = await client.get(f"/open-data/{path}?district=pishin")
    again = await client.get(f"/open-data/{path}?district=pishin", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == first.headers["cache-control"]
    other = await client.get(f"/open-data/{path}?district=pishin", headers={"If-None-Match": '"another"'})
    assert other.content == first.content


@pytest.mark.parametrize("path", ["figures.json", "figures.csv", "editions.json"])
@pytest.mark.parametrize("cursor", CURSORS)
async def test_a_page_that_is_not_there_is_said_to_be_not_there(
    client: httpx.AsyncClient, lived: str, path: str, cursor: str
) -> None:
    assert lived
    answer = await client.get(f"/open-data/{path}", params={"page": cursor})
    assert answer.status_code == 404


async def test_the_window_cannot_read_the_cases_behind_a_line(owner: Owner) -> None:
    for column, may in (("items", False), ("shown", True)):
        asked = await owner.execute("SELECT has_column_privilege('jawab_report', 'editions', %s, 'SELECT')", (column,))
        assert await asked.fetchone() == (may,)
