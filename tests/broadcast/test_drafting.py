"""Who makes the weekly drafts: not the clock."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

import jobs
import worker
from broadcast import publish
from store.jawab import Jawab
from tests.broadcast.a_week import WEEK


async def test_the_clock_only_rings_and_the_lane_drafts(
    jawab: Jawab, place: SimpleNamespace, bell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All districts of a province take half a minute: replies and clocks wait for none of it."""
    now = datetime(2026, 11, 19, 4, tzinfo=UTC)  # 09:00 in Pishin

    monkeypatch.setattr(worker, "datetime", SimpleNamespace(now=lambda _: now))
    (job,) = (one for one in jobs.JOBS if one.name == "draft_editions")
    await job.work(jawab, now)
    async with jawab.db.autocommit("console") as conn:
        assert await publish.find_week(conn, place.id, WEEK) is None
    assert ("broadcasts", "broadcasts", ()) in bell.rings
    await worker._broadcast(jawab, [])
    async with jawab.db.autocommit("console") as conn:
        assert await publish.find_week(conn, place.id, WEEK) is not None
    bell.rings.clear()
    await job.work(jawab, now)
    assert bell.rings == []
