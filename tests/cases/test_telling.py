"""Read, told, and not to be told, for each clock of a case: the third is never part of the second."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from cases import acts, telling
from cases.telling import Told
from store.crypto import Keys
from store.database import Database
from tests.cases.conftest import NOW
from tests.conftest import Owner

Opened = Callable[..., Awaitable[UUID]]
Look = Callable[[UUID], Awaitable[dict[str, Told]]]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def look(db: Database) -> Look:
    """A case's clocks by kind."""

    async def read(case_id: UUID) -> dict[str, Told]:
        async with db.autocommit("console") as conn:
            return await telling.of_case(conn, case_id)

    return read


@pytest.fixture
def acted(db: Database, keys: Keys, place: SimpleNamespace, opened: Opened) -> Opened:
    """A case that somebody has acknowledged after an hour."""

    async def make(**more: Any) -> UUID:
        case_id = await opened(**more)
        async with db.transaction("console") as tx:
            await acts.acknowledge(tx, keys, case_id, actor=place.staff["handler"], now=NOW + HOUR)
        return case_id

    return make


async def become(owner: Owner, case_id: UUID, state: str, sent_at: datetime | None = None, **more: str | None) -> None:
    """As the provider says."""
    given = {"error": None, "template": None} | more
    await owner.execute(
        "UPDATE outbox SET state = %s, sent_at = %s, error = %s, template = %s WHERE case_id = %s",
        (state, sent_at, given["error"], given["template"], case_id),
    )


@pytest.mark.parametrize(
    ("state", "more", "fate"),
    [
        ("queued", {}, "waiting"),
        ("sending", {}, "waiting"),
        ("sent", {}, "told"),
        ("delivered", {}, "told"),
        ("read", {}, "told"),
        ("sent", {"template": "acknowledged:ur"}, "told"),
        ("delivered", {"template": "news:ur"}, "noticed"),
        ("parked", {"error": "told:sms"}, "noticed"),
        ("parked", {}, "missed"),
        ("parked", {"error": "not_reached:template"}, "missed"),
        ("failed", {"error": "expired"}, "missed"),
        ("undelivered", {}, "missed"),
        ("withdrawn", {}, "missed"),
    ],
)
async def test_what_became_of_the_message_says_whether_they_were_told(
    owner: Owner, acted: Opened, look: Look, state: str, more: dict[str, str], fate: str
) -> None:
    case_id = await acted()
    left = state in {"sent", "delivered", "read", "undelivered"}
    await become(owner, case_id, state, NOW + 2 * HOUR if left else None, **more)
    clock = (await look(case_id))["acknowledge"]
    assert (clock.read_at, clock.fate) == (NOW + HOUR, fate)
    assert clock.told_at == (NOW + 2 * HOUR if fate == "told" else None)


@pytest.mark.parametrize("may_message", [False, None])
async def test_who_may_not_be_told_is_never_among_the_told(acted: Opened, look: Look, may_message: bool | None) -> None:
    clock = (await look(await acted(may_message=may_message)))["acknowledge"]
    assert (clock.read_at, clock.told_at, clock.fate) == (NOW + HOUR, None, "barred")


async def test_an_acknowledgement_tells_nobody_how_it_ended(owner: Owner, acted: Opened, look: Look) -> None:
    case_id = await acted()
    await become(owner, case_id, "read", NOW + 80 * HOUR)
    clocks = await look(case_id)
    assert (clocks["acknowledge"].fate, clocks["resolve"].fate) == ("told", "untold")
    assert (clocks["acknowledge"].told_at or NOW) > clocks["acknowledge"].due_at, "read in time, and told late"


async def test_what_was_told_before_a_dispute_is_told_no_more_and_their_own_word_needs_no_telling(
    db: Database, keys: Keys, place: SimpleNamespace, owner: Owner, opened: Opened, look: Look
) -> None:
    case_id = await opened()

    async def resolve(days: int, role: str) -> None:
        async with db.transaction("console") as tx:
            at = NOW + days * DAY
            actor, done_on = place.staff[role], NOW.date()
            await acts.resolve(tx, keys, case_id, actor=actor, now=at, outcome="repaired", done_on=done_on)

    await resolve(1, "handler")
    await become(owner, case_id, "sent", NOW + DAY + HOUR)
    clocks = await look(case_id)
    assert [clocks[kind].told_at for kind in ("acknowledge", "resolve")] == [NOW + DAY + HOUR] * 2, "one message, both"
    async with db.transaction("intake") as tx:
        await acts.dispute(tx, case_id, now=NOW + 2 * DAY)
    clocks = await look(case_id)
    assert (clocks["acknowledge"].fate, clocks["resolve"].fate) == ("told", "untold")
    await resolve(3, "supervisor")
    assert (await look(case_id))["resolve"].fate == "waiting"
    await owner.execute("UPDATE outbox SET state = 'failed' WHERE state = 'queued'")
    assert (await look(case_id))["resolve"].fate == "missed"
    async with db.transaction("intake") as tx:
        await acts.confirm(tx, case_id, now=NOW + 4 * DAY)
    clock = (await look(case_id))["resolve"]
    assert (clock.fate, clock.told_at) == ("told", NOW + 4 * DAY)


async def test_the_public_pages_count_the_same_rows(db: Database, owner: Owner, acted: Opened) -> None:
    case_id = await acted()
    await become(owner, case_id, "delivered", NOW + 2 * HOUR, template="acknowledged:bal")
    async with db.autocommit("report") as conn:
        row = await (await conn.execute("SELECT * FROM told_of_cases")).fetchone()
    assert row == {
        "case_id": case_id, "verb": "acknowledge", "at": NOW + HOUR, "by_code": False, "reached_at": NOW + 2 * HOUR,
        "under_way": False, "noticed": False,
    }  # fmt: skip
