"""What `jawab edition …` does."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from broadcast import commands
from broadcast.edition import Withheld
from store.jawab import Jawab
from tests.broadcast.a_week import IN_WEEK, WEEK, Person, Report


async def test_the_commands_take_an_edition_from_draft_to_sent(
    jawab: Jawab, place: SimpleNamespace, report: Report, person: Person
) -> None:
    await report("water", 6)
    await person()
    drafted = await commands.draft(jawab, place.id, WEEK, "demo-editor")
    assert (drafted["state"], drafted["week"]) == ("draft", WEEK)
    assert drafted["texts"]["ur"]["sms_parts"] <= 3
    assert (drafted["cost"]["messages"], drafted["cost"]["counted_at"] is None) == (1, False)
    await report("water", 1, at=IN_WEEK)
    again = await commands.draft(jawab, place.id, WEEK, "demo-editor")
    assert again["id"] == drafted["id"]
    assert again["items"][0] == {"section": "said", "key": "edition.said.count", "cases": 7}
    with pytest.raises(Withheld, match="not approved"):
        await commands.publish_now(jawab, place.id, WEEK)
    assert (await commands.approve(jawab, place.id, WEEK, "demo-approver"))["state"] == "approved"
    published = await commands.publish_now(jawab, place.id, WEEK)
    assert (published["state"], published["queued"], published["messages"]) == ("sent", 1, {"queued": 1})
    stopped = await commands.stop(jawab, place.id, WEEK, "demo-editor")
    assert (stopped["state"], stopped["withdrawn"]) == ("stopped", 1)
    json.dumps(stopped)


@pytest.mark.parametrize(
    ("district", "week", "by"),
    [
        ("nowhere", WEEK, "demo-editor"),
        ("pishin", "2026-46", "demo-editor"),
        ("pishin", "2099-W01", "demo-editor"),
        ("pishin", WEEK, "demo-handler"),
        ("pishin", WEEK, "nobody"),
    ],
)
async def test_what_cannot_be_drafted_is_refused_in_one_sentence(
    jawab: Jawab, place: SimpleNamespace, district: str, week: str, by: str
) -> None:
    with pytest.raises(Withheld) as refused:
        await commands.draft(jawab, district, week, by)
    assert str(refused.value)
    assert "\n" not in str(refused.value)


async def test_without_a_week_the_last_full_one_is_drafted(jawab: Jawab, place: SimpleNamespace) -> None:
    made: dict[str, Any] = await commands.draft(jawab, place.id, None, None)
    assert made["state"] == "draft"
