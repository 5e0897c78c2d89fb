"""Since when somebody knows how their case ended, where a template carried it: the question tells, a notice not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest

from cases import acts, endings, register
from locales import templates
from store.crypto import Keys
from store.database import Database
from tests.cases.conftest import NOW


@pytest.mark.parametrize(("went_as", "tells"), [("done", True), (templates.NEUTRAL, False), ("answer", False)])
async def test_only_the_template_that_asks_whether_it_is_done_tells_that_it_ended(
    db: Database,
    keys: Keys,
    place: SimpleNamespace,
    opened: Callable[..., Awaitable[UUID]],
    went_as: str,
    tells: bool,
) -> None:
    assert went_as in templates.TEMPLATES
    case_id = await opened()
    async with db.transaction("console") as tx:
        await acts.resolve(
            tx, keys, case_id, actor=place.staff["handler"], now=NOW, outcome="repaired", done_on=NOW.date()
        )
        await tx.execute(
            "UPDATE outbox SET state = 'delivered', sent_at = %s, template = %s WHERE state = 'queued'",
            (NOW, f"{went_as}:ur"),
        )
        await endings.sweep(tx, keys, NOW + timedelta(hours=2))
        assert (await register.read(tx, case_id)).told_at == (NOW if tells else None)
