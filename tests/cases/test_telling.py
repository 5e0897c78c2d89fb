"""Read, told, and not to be told: three counts, and the third is never part of the second."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from cases import acts, telling
from store.crypto import Keys
from store.database import Database
from tests.cases.conftest import NOW
from tests.conftest import Owner

Opened = Callable[..., Awaitable[UUID]]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOW + 60 * DAY


@pytest.fixture
def look(db: Database) -> Callable[..., Awaitable[Any]]:
    """One case's clocks, or the district's counts with no case, as the role of the public pages may read them."""

    async def read(case_id: UUID | None = None, asof: datetime = LATER) -> Any:
        async with db.autocommit("report") as conn:
            if case_id is not None:
                return await telling.of_case(conn, case_id, asof)
            rows = await telling.of_district(conn, "pishin", NOW, NOW + 20 * DAY, asof=asof)
            return telling.count(rows)

    return read


@pytest.fixture
def acted(db: Database, keys: Keys, place: SimpleNamespace, opened: Opened) -> Callable[..., Awaitable[UUID]]:
    """A case that somebody has acknowledged after `hours`."""

    async def make(hours: float = 1, case_id: UUID | None = None, **more: Any) -> UUID:
        case_id = case_id or await opened(**more)
        async with db.transaction("console") as tx:
            await acts.acknowledge(tx, keys, case_id, actor=place.staff["handler"], now=NOW + hours * HOUR)
        return case_id

    return make


async def become(owner: Owner, case_id: UUID, state: str, sent_at: datetime | None = None, error: str = "") -> None:
    """As the provider says."""
    await owner.execute(
        "UPDATE outbox SET state = %s, sent_at = %s, error = nullif(%s, '') WHERE case_id = %s",
        (state, sent_at, error, case_id),
    )


@pytest.mark.parametrize(
    ("state", "sent", "fate"),
    [
        ("queued", None, "waiting"),
        ("sending", None, "waiting"),
        ("sent", 2, "told"),
        ("delivered", 2, "told"),
        ("read", 2, "told"),
        ("parked", None, "missed"),
        ("failed", None, "missed"),
        ("undelivered", 2, "missed"),
        ("withdrawn", None, "missed"),
    ],
)
async def test_what_became_of_the_message_says_whether_they_were_told(
    owner: Owner, acted: Opened, look: Callable[..., Awaitable[Any]], state: str, sent: int | None, fate: str
) -> None:
    case_id = await acted()
    await become(owner, case_id, state, None if sent is None else NOW + sent * HOUR)
    clock = (await look(case_id))["acknowledge"]
    assert (clock.read_at, clock.fate) == (NOW + HOUR, fate)
    assert clock.told_at == (NOW + 2 * HOUR if fate == "told" else None)


@pytest.mark.parametrize("may_message", [False, None])
async def test_who_may_not_be_told_is_never_among_the_told(
    owner: Owner, acted: Opened, look: Callable[..., Awaitable[Any]], may_message: bool | None
) -> None:
    told = await acted()
    await become(owner, told, "delivered", NOW + 2 * HOUR)
    await acted(may_message=may_message)
    counted = (await look())["acknowledge"]
    assert counted == {name: {"due": 2, "read": 2, "told": 1, "barred": 1}.get(name, 0) for name in telling.COUNTED}


async def test_a_clock_that_is_met_in_time_can_be_told_late_and_the_sums_are_whole(
    owner: Owner, opened: Opened, acted: Opened, look: Callable[..., Awaitable[Any]]
) -> None:
    await become(owner, await acted(), "sent", NOW + 71 * HOUR)
    await become(owner, await acted(), "read", NOW + 73 * HOUR)
    await become(owner, await acted(80), "read", NOW + 81 * HOUR)
    await become(owner, await acted(), "failed", error="expired")
    await acted()
    await opened()
    counted = await look()
    assert counted["acknowledge"] == {
        "due": 6, "read": 4, "told": 1, "told_late": 2, "missed": 1, "barred": 0, "waiting": 1, "untold": 1,
    }  # fmt: skip
    for kind in counted.values():
        assert kind["due"] == sum(kind.values()) - kind["due"] - kind["read"]
    assert counted["resolve"]["untold"] == 6, "an acknowledgement tells nobody that it is done"
    early = (await look(asof=NOW + 72 * HOUR))["acknowledge"]
    assert (early["told"], early["told_late"]) == (1, 0), "as it stood then"


async def test_what_was_told_before_a_dispute_is_told_no_more_and_their_own_word_needs_no_telling(
    db: Database, keys: Keys, place: SimpleNamespace, owner: Owner, opened: Opened, look: Callable[..., Awaitable[Any]]
) -> None:
    case_id = await opened()

    async def resolve(days: int) -> None:
        async with db.transaction("console") as tx:
            handler, done_on = place.staff["handler"], NOW.date()
            at = NOW + days * DAY
            await acts.resolve(tx, keys, case_id, actor=handler, now=at, outcome="repaired", done_on=done_on)

    await resolve(1)
    await become(owner, case_id, "sent", NOW + DAY + HOUR)
    clocks = await look(case_id)
    assert [clocks[kind].told_at for kind in telling.KINDS] == [NOW + DAY + HOUR] * 2, "one message, both clocks"
    async with db.transaction("intake") as tx:
        await acts.dispute(tx, case_id, now=NOW + 2 * DAY)
    clocks = await look(case_id)
    assert (clocks["acknowledge"].fate, clocks["resolve"].fate) == ("told", "untold")
    await resolve(3)
    assert (await look(case_id))["resolve"].fate == "waiting"
    await owner.execute("UPDATE outbox SET state = 'failed' WHERE state = 'queued'")
    assert (await look(case_id))["resolve"].fate == "missed"
    async with db.transaction("intake") as tx:
        await acts.confirm(tx, case_id, now=NOW + 4 * DAY)
    clock = (await look(case_id))["resolve"]
    assert (clock.fate, clock.told_at) == ("told", NOW + 4 * DAY)
    assert (await look(case_id, asof=NOW + 2 * DAY - HOUR))["resolve"].told_at == NOW + DAY + HOUR, "as it stood then"


async def test_other_districts_and_other_days_are_in_no_count(
    db: Database, acted: Opened, look: Callable[..., Awaitable[Any]]
) -> None:
    await acted()
    async with db.autocommit("report") as conn:
        assert await telling.of_district(conn, "zhob", NOW, LATER, asof=LATER) == []
        assert await telling.of_district(conn, "pishin", NOW, NOW + 3 * DAY, asof=LATER) == [], "due at the third day"
        rows = await telling.of_district(conn, "pishin", NOW + 3 * DAY, NOW + 4 * DAY, asof=LATER)
    assert [row.kind for row in rows] == ["acknowledge"]
