"""Ratings: one voice a phone and a round, and no small number."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from cases import scorecards
from cases.lifecycle import Refused
from store.database import Database
from tests.cases.conftest import NOW

INDICATORS = ["indicator.open_on_time", "indicator.staff_present", "indicator.treated_with_respect"]


async def rate(db: Database, contact_id: UUID, scores: list[int], short_code: str = "101") -> None:
    async with db.transaction("intake") as tx:
        current = await scorecards.open_round(tx, "pishin")
        facility = await scorecards.find_facility(tx, "pishin", short_code)
        assert current is not None
        assert facility is not None
        await scorecards.rate(
            tx,
            round_id=current.id,
            facility_id=facility.id,
            contact_id=contact_id,
            scores=dict(zip(INDICATORS, scores, strict=True)),
            now=NOW,
        )


async def scores(db: Database) -> dict[str, list[tuple[int | None, float | None]]]:
    async with db.autocommit("report") as conn:
        found = await scorecards.figures(conn, "pishin")
    return {line["short_code"]: [(one["n"], one["median"]) for one in line["indicators"]] for line in found}


async def test_a_rating_is_shown_when_five_have_rated_and_one_phone_has_one_voice(
    db: Database, person: Callable[..., Awaitable[UUID]]
) -> None:
    people = [await person() for _ in range(6)]
    for number, contact_id in enumerate(people[:4], start=1):
        await rate(db, contact_id, [number, 5, 1])
        await rate(db, contact_id, [number, 5, 2])
    assert (await scores(db))["101"] == [(None, None)] * 3
    await rate(db, people[4], [5, 5, 2])
    assert (await scores(db))["101"] == [(5, 3.0), (5, 5.0), (5, 2.0)]
    await rate(db, people[5], [4, 4, 4])
    assert (await scores(db))["101"] == [(6, 3.5), (6, 5.0), (6, 2.0)]
    assert (await scores(db))["104"] == [(None, None)] * 3


@pytest.mark.parametrize("wrong", [{INDICATORS[0]: 6}, {INDICATORS[0]: 0}, {"indicator.other": 3}, {}])
async def test_a_rating_outside_the_scale_or_the_round_is_refused(
    db: Database, person: Callable[..., Awaitable[UUID]], wrong: dict[str, int]
) -> None:
    contact_id = await person()
    async with db.autocommit("intake") as conn:
        current = await scorecards.open_round(conn, "pishin")
        facility = await scorecards.find_facility(conn, "pishin", "101")
    assert current is not None
    assert facility is not None
    with pytest.raises(Refused, match="rating_unknown"):
        async with db.transaction("intake") as tx:
            await scorecards.rate(
                tx,
                round_id=current.id,
                facility_id=facility.id,
                contact_id=contact_id,
                scores=wrong,
                now=NOW,
            )


async def test_a_closed_round_takes_no_rating(db: Database, person: Callable[..., Awaitable[UUID]]) -> None:
    contact_id = await person()
    async with db.transaction("console") as tx:
        current = await scorecards.open_round(tx, "pishin")
        facility = await scorecards.find_facility(tx, "pishin", "101")
        await tx.execute("UPDATE rounds SET closed_at = now()")
    assert current is not None
    assert facility is not None
    with pytest.raises(Refused, match="round_closed"):
        async with db.transaction("intake") as tx:
            await scorecards.rate(
                tx,
                round_id=current.id,
                facility_id=facility.id,
                contact_id=contact_id,
                scores={INDICATORS[0]: 3},
                now=NOW,
            )
    assert await scores(db) == {}
