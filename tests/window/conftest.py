"""The window is looked at in the same district, with the same people, as the desk works in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from broadcast import edition, publish
from store.jawab import Jawab
from tests.desk.conftest import elsewhere, last_week, office, opened, write

__all__ = ["elsewhere", "last_week", "office", "opened", "sent", "write"]

Open = Callable[..., Awaitable[UUID]]


@pytest.fixture
async def sent(jawab: Jawab, office: Any, opened: Open) -> str:
    """Last week's edition, sent; returns the week."""
    wanted, at = last_week()
    for _ in range(7):
        await opened(at=at)
    now = datetime.now(UTC)
    async with jawab.db.transaction("console") as tx:
        made = await publish.draft(tx, "pishin", wanted, office.staff["editor"], now)
        first = edition.mark((await publish.find(tx, made)).items[0])
        await publish.add_line(tx, made, first, line="نوی پمپ راغی", lang="ps", by=office.staff["editor"], now=now)
        await publish.approve(tx, made, office.staff["approver"], now)
    await publish.fan_out(jawab, made)
    return wanted
