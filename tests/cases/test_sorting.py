from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from cases import card_boxes, cards, sorters, sorting, staff, thread
from cases.lifecycle import Refused
from cases.staff import Person
from store.crypto import Keys
from store.database import Database
from tests.cases.conftest import NOW, fresh_code

Row = Callable[..., Awaitable[dict[str, Any]]]
HOUR = timedelta(hours=1)


@pytest.fixture
def kept(
    db: Database, keys: Keys, place: SimpleNamespace, person: Callable[..., Awaitable[UUID]]
) -> Callable[..., Awaitable[UUID]]:
    """Keeps words before any choice, as the citizen's side does."""

    async def make(story: str = "افسر پیسے مانگتا ہے", **more: Any) -> UUID:
        contact_id = more.pop("contact_id", None) or await person()
        async with db.transaction("intake") as tx:
            return await sorting.keep(
                tx,
                keys,
                **{
                    "code": fresh_code(),
                    "district_id": place.id,
                    "contact_id": contact_id,
                    "channel": "sms",
                    "lang": "ur",
                    "story": story,
                    "now": NOW,
                    **more,
                },
            )

    return make


async def staff_id(row: Row, login: str) -> UUID:
    found: UUID = (await row("SELECT id FROM staff WHERE login = %s", login))["id"]
    return found


async def test_only_the_named_triage_reads_the_list_and_every_look_is_audited(
    db: Database, keys: Keys, place: SimpleNamespace, kept: Callable[..., Awaitable[UUID]], row: Row
) -> None:
    sorting_id = await kept()
    for role in ("handler", "supervisor", "protected", "editor", "approver", "admin"):
        with pytest.raises(Refused, match="not_allowed"):
            async with db.transaction("console") as tx:
                await sorters.list_for(tx, keys, place.staff[role], NOW)
    assert (await row("SELECT count(*) AS n FROM audit WHERE action = 'sorting.read'"))["n"] == 0
    async with db.transaction("console") as tx:
        (one,) = await sorters.list_for(tx, keys, place.staff["triage"], NOW)
    assert (one.id, [word["text"] for word in one.words]) == (sorting_id, ["افسر پیسے مانگتا ہے"])
    read = await row("SELECT actor, object FROM audit WHERE action = 'sorting.read'")
    assert read == {"actor": str(place.staff["triage"]), "object": str(sorting_id)}


async def test_a_districts_own_triage_takes_over_and_the_province_keeps_what_waits_too_long(
    db: Database, keys: Keys, place: SimpleNamespace, kept: Callable[..., Awaitable[UUID]], row: Row
) -> None:
    await kept()
    async with db.transaction("console") as tx:
        await staff.add(tx, Person(login="own", name="Own triage", role="triage", district_id="pishin"))
    own, province = await staff_id(row, "own"), place.staff["triage"]
    seen = {}
    for name, who, now in (
        ("own", own, NOW),
        ("province", province, NOW),
        ("province, late", province, NOW + timedelta(hours=72)),
    ):
        async with db.transaction("console") as tx:
            seen[name] = len(await sorters.list_for(tx, keys, who, now))
    assert seen == {"own": 1, "province": 0, "province, late": 1}


async def test_a_triage_that_sits_in_an_office_people_complain_about_sorts_nothing(
    db: Database, keys: Keys, place: SimpleNamespace, kept: Callable[..., Awaitable[UUID]], row: Row
) -> None:
    sorting_id = await kept()
    offices = (place.offices["police"], place.above["police"])  # the handler's own, and one that commands it
    async with db.transaction("console") as tx:
        for number, office in enumerate(offices):
            await staff.add(
                tx, Person(login=f"near-{number}", name="Near", role="triage", district_id="pishin", office_id=office)
            )
    for number in range(2):
        with pytest.raises(Refused, match="not_allowed"):
            async with db.transaction("console") as tx:
                await sorters.read_for(tx, keys, await staff_id(row, f"near-{number}"), sorting_id, NOW)
    async with db.transaction("console") as tx:
        assert len(await sorters.list_for(tx, keys, place.staff["triage"], NOW)) == 1


async def test_sent_to_a_queue_it_keeps_its_code_its_clocks_and_its_words(
    db: Database, keys: Keys, place: SimpleNamespace, kept: Callable[..., Awaitable[UUID]], row: Row
) -> None:
    sorting_id = await kept("نلکا ٹوٹا ہے")
    before = await row("SELECT code_box, contact_id FROM sorting WHERE id = %s", sorting_id)
    before["code"] = card_boxes.open_code(keys, sorting_id, before.pop("code_box"))
    media_id = uuid.uuid4()
    async with db.transaction("intake") as tx:
        await sorting.append(tx, keys, sorting_id, words={"text": "تین دن سے"}, now=NOW + HOUR)
        await sorting.amend(tx, keys, sorting_id, may_message=True, place_id="pishin.barshore")
        await tx.execute(
            "INSERT INTO media (id, contact_id, case_id, content_type) VALUES (%s, %s, %s, 'image/jpeg')",
            (media_id, before["contact_id"], sorting_id),
        )
    later = NOW + timedelta(hours=20)
    async with db.transaction("console") as tx:
        await cards.queue(tx, keys, sorting_id, actor=place.staff["triage"], category="water", now=later)
    found = await row(
        "SELECT code, opened_at, next_due, may_message, place_id, office_id FROM cases WHERE id = %s", sorting_id
    )
    assert found == {
        "code": before["code"],
        "opened_at": NOW,
        "next_due": NOW + timedelta(hours=72),
        "may_message": True,
        "place_id": "pishin.barshore",
        "office_id": place.offices["water"],
    }
    async with db.autocommit("console") as conn:
        said = await thread.read(conn, keys, sorting_id)
    assert [(item.kind, item.text) for item in said if item.kind != "media"] == [
        ("story", "نلکا ٹوٹا ہے"),
        ("more", "تین دن سے"),
    ]
    assert [item.media_id for item in said if item.kind == "media"] == [media_id]
    assert (await row("SELECT count(*) AS n FROM sorting"))["n"] == 0
    with pytest.raises(Refused):
        async with db.transaction("console") as tx:
            await cards.queue(tx, keys, sorting_id, actor=place.staff["triage"], category="water", now=later)


async def test_when_the_move_fails_the_words_stay_where_they_were(
    db: Database, keys: Keys, place: SimpleNamespace, kept: Callable[..., Awaitable[UUID]], row: Row
) -> None:
    sorting_id = await kept()
    with pytest.raises(Refused, match="category_unknown"):
        async with db.transaction("console") as tx:
            await cards.queue(tx, keys, sorting_id, actor=place.staff["triage"], category="weather", now=NOW)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        async with db.transaction("console") as tx:
            await cards.queue(
                tx, keys, sorting_id, actor=place.staff["triage"], category="water", now=NOW, place_id="nowhere"
            )
    assert await row("SELECT id FROM sorting") == {"id": sorting_id}
    assert (await row("SELECT count(*) AS n FROM cases"))["n"] == 0


async def test_a_citizen_who_chooses_later_turns_his_words_into_the_same_case(
    db: Database, keys: Keys, place: SimpleNamespace, kept: Callable[..., Awaitable[UUID]], row: Row
) -> None:
    sorting_id = await kept("نلکا", lang="")
    async with db.transaction("intake") as tx:
        await sorting.amend(tx, keys, sorting_id, lang="bal")
        case_id = await sorting.open_case(tx, keys, sorting_id, category="water", now=NOW + HOUR, may_message=False)
    assert case_id == sorting_id
    found = await row("SELECT lang, opened_at, may_message FROM cases")
    assert found == {"lang": "bal", "opened_at": NOW, "may_message": False}


async def test_a_code_is_found_only_for_its_own_phone(
    db: Database, keys: Keys, kept: Callable[..., Awaitable[UUID]], person: Callable[..., Awaitable[UUID]], row: Row
) -> None:
    sorting_id = await kept()
    found = await row("SELECT code_box, contact_id FROM sorting")
    code = card_boxes.open_code(keys, sorting_id, found["code_box"])
    async with db.autocommit("intake") as conn:
        assert await sorting.find(conn, keys, code, found["contact_id"]) == sorting_id
        assert await sorting.find(conn, keys, code, await person()) is None
        assert await sorting.find(conn, keys, code) == sorting_id
