"""Draft, approve by a second person, fan out, stop: on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

import locales
from broadcast import audience, edition, publish, reach, renderings, week
from broadcast.edition import Withheld
from store import channels, outbox
from store.jawab import Jawab
from tests.broadcast.a_week import IN_WEEK, NOW, WEEK, Person, Report

Approved = Callable[[], Awaitable[UUID]]


async def states(jawab: Jawab, edition_id: UUID) -> dict[str, int]:
    async with jawab.db.autocommit("console") as conn:
        return (await reach.progress(conn, edition_id, NOW)).messages


async def first_line(tx: Any, edition_id: UUID) -> str:
    """What the desk calls the first line of an edition by."""
    return edition.mark((await publish.find(tx, edition_id)).items[0])


async def state_of(jawab: Jawab, edition_id: UUID) -> str:
    async with jawab.db.autocommit("console") as conn:
        return (await publish.find(conn, edition_id)).state


# ── drafting ─────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_week_is_told_from_its_rows(
    jawab: Jawab, place: SimpleNamespace, report: Report, desk: SimpleNamespace
) -> None:
    water = await report("water", 7, place_id="pishin.barshore")
    await report("infrastructure", 2)
    await report("health", 6, at=IN_WEEK + timedelta(days=7))  # the week after
    await desk.resolve(water[:6])
    await desk.hear("confirm", water[:5])
    await desk.promise(water[6], date(2026, 11, 25))
    async with jawab.db.transaction("console") as tx:
        draft, _ = await publish.compile_week(tx, place.id, WEEK, NOW)
    told = {item["key"]: item for item in draft.items}
    assert told["edition.said.count"]["values"] == {"category": {"key": "category.water"}, "count": 7}
    assert sorted(told["edition.said.count"]["cases"]) == sorted(map(str, water))
    assert told["edition.did.count"]["values"]["count"] == 6
    assert told["edition.did.truth"]["values"] == {"done": 6, "confirmed": 5, "asked": 5}
    assert told["edition.next.line"]["values"]["date"] == {"date": "2026-11-25"}
    assert told["edition.next.line"]["cases"] == [str(water[6])]
    assert "edition.said.other" not in told


async def test_a_promise_comes_back_as_kept_and_as_late(
    jawab: Jawab, place: SimpleNamespace, report: Report, desk: SimpleNamespace
) -> None:
    one, two = await report("water", 2)
    for case_id in (one, two):
        await desk.promise(case_id, date(2026, 11, 14))
    await desk.resolve([one], at=datetime(2026, 11, 17, 9, tzinfo=UTC))
    async with jawab.db.transaction("console") as tx:
        later = NOW + timedelta(days=4)
        keys = [item["key"] for item in (await publish.compile_week(tx, place.id, "2026-W47", later))[0].items]
    assert "edition.did.kept" in keys
    assert "edition.next.late" in keys


async def test_a_week_has_one_edition(jawab: Jawab, place: SimpleNamespace) -> None:
    async with jawab.db.transaction("console") as tx:
        await publish.draft(tx, place.id, WEEK, place.staff["editor"], NOW)
        with pytest.raises(Withheld, match="already"):
            await publish.draft(tx, place.id, WEEK, place.staff["editor"], NOW)


@pytest.mark.parametrize("wanted", ["2026-W54", "2026-46", "", "2026-W47; DROP", "2027-W01"])
async def test_what_is_no_week_of_the_past_is_refused(jawab: Jawab, place: SimpleNamespace, wanted: str) -> None:
    async with jawab.db.transaction("console") as tx:
        with pytest.raises(Withheld):
            await publish.draft(tx, place.id, wanted, None, NOW)


async def test_the_clock_drafts_last_week_on_thursday_at_nine_and_once(jawab: Jawab, place: SimpleNamespace) -> None:
    before = datetime(2026, 11, 19, 3, 59, tzinfo=UTC)  # 08:59 in Pishin
    assert await publish.draft_due(jawab, before) == []
    (made,) = await publish.draft_due(jawab, before + timedelta(minutes=1))
    assert await publish.draft_due(jawab, NOW + timedelta(days=1)) == []
    async with jawab.db.autocommit("console") as conn:
        held = await publish.find(conn, made)
    assert (held.week, held.drafted_by, held.state) == (WEEK, None, "draft")


async def test_each_district_is_drafted_by_itself_and_one_that_cannot_be_holds_back_no_other(
    jawab: Jawab, place: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with jawab.db.transaction("console") as tx:
        for name in ("aaa", "zzz"):
            await tx.execute('INSERT INTO districts (id, names) VALUES (%s, \'{"en": "X"}\')', (name,))
    seen: list[int] = []
    compiled = publish.compile_week

    async def compile_or_not(conn: Any, district_id: str, *more: Any) -> Any:
        async with jawab.db.autocommit("console") as other:
            row = await (await other.execute("SELECT count(*) AS n FROM editions")).fetchone()
        seen.append(row["n"] if row else -1)
        if district_id == place.id:
            raise Withheld("a promise that no edition may tell")
        return await compiled(conn, district_id, *more)

    monkeypatch.setattr(publish, "compile_week", compile_or_not)
    assert len(await publish.draft_due(jawab, NOW + timedelta(days=1))) == 2
    assert seen == [0, 1, 1], "what was made is there for everybody before the next is begun"


async def test_a_line_of_ones_own_survives_a_new_draft_and_carries_no_phone(
    jawab: Jawab, place: SimpleNamespace, report: Report
) -> None:
    await report("water", 6)
    editor = place.staff["editor"]
    async with jawab.db.transaction("console") as tx:
        made = await publish.draft(tx, place.id, WEEK, editor, NOW)
        await publish.add_line(tx, made, await first_line(tx, made), line="بورنگ چل پڑی", lang="ur", by=editor, now=NOW)
        with pytest.raises(Withheld, match="phone"):
            await publish.add_line(
                tx, made, await first_line(tx, made), line="0300 1234567", lang="ur", by=editor, now=NOW
            )
    await report("water", 1)
    async with jawab.db.transaction("console") as tx:
        await publish.redraft(tx, made, editor, NOW)
        held = await publish.find(tx, made)
    assert (held.items[0]["values"]["count"], held.items[0]["line"]) == (7, "بورنگ چل پڑی")


async def test_a_line_of_ones_own_stays_where_its_subject_has_another_name_since(
    jawab: Jawab, place: SimpleNamespace, report: Report, owner: psycopg.AsyncConnection[Any]
) -> None:
    await report("infrastructure", 6)
    editor = place.staff["editor"]
    async with jawab.db.transaction("console") as tx:
        made = await publish.draft(tx, place.id, WEEK, editor, NOW)
        await publish.add_line(tx, made, await first_line(tx, made), line="سڑک بن گئی", lang="ur", by=editor, now=NOW)
    await owner.execute("UPDATE editions SET items = replace(items::text, 'infrastructure', 'roads')::jsonb")
    async with jawab.db.transaction("console") as tx:
        await publish.redraft(tx, made, editor, NOW)
        held = await publish.find(tx, made)
    assert held.items[0]["values"]["category"] == {"key": "category.infrastructure"}
    assert held.items[0]["line"] == "سڑک بن گئی"


# ── approval ─────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_the_drafter_may_not_approve(jawab: Jawab, place: SimpleNamespace) -> None:
    approver = place.staff["approver"]
    async with jawab.db.transaction("console") as tx:
        made = await publish.draft(tx, place.id, WEEK, approver, NOW)
        with pytest.raises(Withheld, match="second person"):
            await publish.approve(tx, made, approver, NOW)
        with pytest.raises(Withheld, match="only an approver"):
            await publish.approve(tx, made, place.staff["editor"], NOW)


async def test_the_database_too_refuses_that_one_person_does_both(
    jawab: Jawab, place: SimpleNamespace, owner: psycopg.AsyncConnection[Any]
) -> None:
    async with jawab.db.transaction("console") as tx:
        made = await publish.draft(tx, place.id, WEEK, place.staff["editor"], NOW)
    with pytest.raises(psycopg.errors.CheckViolation):
        await owner.execute("UPDATE editions SET approved_by = drafted_by WHERE id = %s", (made,))


async def test_an_approved_edition_is_frozen(jawab: Jawab, place: SimpleNamespace, approved: Approved) -> None:
    made = await approved()
    editor = place.staff["editor"]
    async with jawab.db.transaction("console") as tx:
        with pytest.raises(Withheld, match="frozen"):
            await publish.redraft(tx, made, editor, NOW)
        with pytest.raises(Withheld, match="frozen"):
            await publish.add_line(tx, made, await first_line(tx, made), line="x", lang="ur", by=editor, now=NOW)
        with pytest.raises(Withheld, match="frozen"):
            await publish.approve(tx, made, place.staff["approver"], NOW)


async def test_only_what_the_approver_has_read_is_approved(
    jawab: Jawab, place: SimpleNamespace, report: Report
) -> None:
    await report("water", 6)
    async with jawab.db.transaction("console") as tx:
        made = await publish.draft(tx, place.id, WEEK, place.staff["editor"], NOW)
        read = (await publish.find(tx, made)).digest
    await report("water", 1)
    async with jawab.db.transaction("console") as tx:
        await publish.redraft(tx, made, place.staff["editor"], NOW)
        with pytest.raises(Withheld, match="changed"):
            await publish.approve(tx, made, place.staff["approver"], NOW, seen=read)


async def test_an_edition_waits_for_its_hold(
    jawab: Jawab, approved: Approved, person: Person, owner: psycopg.AsyncConnection[Any]
) -> None:
    await person()
    await owner.execute("UPDATE districts SET approval_hold = '10 minutes'")
    made = await approved()
    async with jawab.db.transaction("console") as tx:
        assert await publish.due(tx, NOW + timedelta(minutes=9)) == []
        assert await publish.due(tx, NOW + timedelta(minutes=10)) == [made]
    assert await publish.fan_out(jawab, made, now=NOW + timedelta(minutes=9)) == 0
    assert await publish.fan_out(jawab, made, now=NOW + timedelta(minutes=10)) == 1


# ── fan-out ──────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_everybody_who_asked_gets_it_once_in_his_language(
    jawab: Jawab, approved: Approved, person: Person, bell: Any
) -> None:
    readers = {await person(lang=lang): lang for lang in locales.LANGS}
    await person(since=None)
    await person(stopped_at=NOW)
    await person(invalid_at=NOW)
    made = await approved()
    assert await publish.fan_out(jawab, made, batch=2, now=NOW) == 4
    assert await state_of(jawab, made) == "sent"
    assert ("broadcasts", "broadcasts", ()) in bell.rings
    async with jawab.db.autocommit("console") as conn:
        rows = await (await conn.execute("SELECT * FROM outbox WHERE edition_id = %s", (made,))).fetchall()
    assert {row["contact_id"]: row["lang"] for row in rows} == readers
    assert {(row["lane"], row["purpose"], row["state"]) for row in rows} == {("broadcasts", "edition", "queued")}
    for row in rows:
        text = locales.render(jawab.keys.get_json(row["message"], outbox.bound_to(row["id"])), row["lang"], "sms")
        assert locales.say("category.water", row["lang"]) in text
        assert "STOP" in text


async def test_a_person_on_two_numbers_gets_one_message_where_he_subscribed_last(
    jawab: Jawab, approved: Approved, person: Person
) -> None:
    await person("+923001234567", kind="sms", since=IN_WEEK)
    later = await person("+923001234567", kind="whatsapp", since=IN_WEEK + timedelta(hours=1))
    made = await approved()
    assert await publish.fan_out(jawab, made, now=NOW) == 1
    async with jawab.db.autocommit("console") as conn:
        row = await (await conn.execute("SELECT contact_id FROM outbox WHERE edition_id = %s", (made,))).fetchone()
    assert row is not None
    assert row["contact_id"] == later


async def test_who_ended_the_later_subscription_is_served_on_the_other(
    jawab: Jawab, approved: Approved, person: Person
) -> None:
    await person("+923001234567", kind="sms", since=IN_WEEK)
    await person("+923001234567", kind="whatsapp", since=None)
    assert await publish.fan_out(jawab, await approved(), now=NOW) == 1


class Killed(BaseException):
    """Stands for the end of a process between two batches, or within one."""


async def test_a_fan_out_that_is_cut_anywhere_goes_on_where_it_was(
    jawab: Jawab, approved: Approved, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(7):
        await person()
    made = await approved()
    page, calls = audience.page, 0

    async def dies_at_every_second_batch(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        found = await page(*args)
        if calls % 2 == 0:
            raise Killed
        return found

    monkeypatch.setattr(audience, "page", dies_at_every_second_batch)
    for _ in range(20):
        if await state_of(jawab, made) == "sent":
            break
        try:
            await publish.fan_out(jawab, made, batch=2, now=NOW)
        except Killed:
            continue
    assert await states(jawab, made) == {"queued": 7}


async def test_a_retired_number_sends_no_edition_and_takes_nobody_from_another(
    jawab: Jawab, place: SimpleNamespace, approved: Approved, person: Person
) -> None:
    """Whoever subscribed at both is served by the one that is left."""
    address = "+923001234567"
    await person(address, kind="sms")
    await person(address, kind="whatsapp", since=IN_WEEK + timedelta(hours=1))
    await person(kind="whatsapp")
    made = await approved()
    async with jawab.db.transaction("console") as tx:
        await channels.retire(tx, place.channels["whatsapp"]["id"])
    assert await publish.fan_out(jawab, made, now=NOW) == 1


async def test_two_workers_do_no_harm(jawab: Jawab, approved: Approved, person: Person) -> None:
    for _ in range(9):
        await person()
    made = await approved()
    queued = await asyncio.gather(*(publish.fan_out(jawab, made, batch=2, now=NOW) for _ in range(3)))
    assert sum(queued) == 9
    assert await states(jawab, made) == {"queued": 9}
    assert await publish.fan_out(jawab, made, now=NOW) == 0


async def test_stopped_in_the_middle_nothing_more_is_queued_and_the_rest_is_withdrawn(
    jawab: Jawab, place: SimpleNamespace, approved: Approved, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(6):
        await person()
    made = await approved()
    page, calls = audience.page, 0

    async def dies_at_the_second_batch(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Killed
        return await page(*args)

    monkeypatch.setattr(audience, "page", dies_at_the_second_batch)
    with pytest.raises(Killed):
        await publish.fan_out(jawab, made, batch=2, now=NOW)
    async with jawab.db.transaction("console") as tx:
        assert await publish.stop(tx, made, place.staff["editor"], NOW) == 2
    assert await publish.fan_out(jawab, made, batch=2, now=NOW) == 0
    assert await states(jawab, made) == {"withdrawn": 2}
    async with jawab.db.transaction("console") as tx:
        assert await publish.due(tx, NOW) == []


async def test_items_that_were_altered_after_approval_are_not_sent(
    jawab: Jawab, approved: Approved, person: Person, owner: psycopg.AsyncConnection[Any]
) -> None:
    await person()
    made = await approved()
    await owner.execute(
        "UPDATE editions SET items = jsonb_set(items, '{0,values,count}', %s) WHERE id = %s", (Jsonb(600), made)
    )
    assert await publish.fan_out(jawab, made, now=NOW) == 0
    assert await state_of(jawab, made) == "stopped"
    async with jawab.db.autocommit("console") as conn:
        row = await (await conn.execute("SELECT 1 FROM alarms WHERE kind = 'edition_altered'")).fetchone()
    assert row is not None


async def test_every_step_is_in_the_audit_chain(jawab: Jawab, approved: Approved) -> None:
    made = await approved()
    await publish.fan_out(jawab, made, now=NOW)
    async with jawab.db.autocommit("console") as conn:
        rows = await (
            await conn.execute("SELECT action FROM audit WHERE object LIKE %s ORDER BY id", (f"{made}%",))
        ).fetchall()
    assert [row["action"] for row in rows] == ["edition.draft", "edition.approve", "edition.sent"]


# ── renderings ───────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_an_edition_reads_in_four_languages_and_its_sms_keeps_to_three_parts(
    jawab: Jawab, place: SimpleNamespace, report: Report, desk: SimpleNamespace
) -> None:
    water = await report("water", 12)
    for category in ("health", "education", "infrastructure"):
        await report(category, 6)
    await desk.resolve(water[:8])
    await desk.hear("confirm", water[:6])
    await desk.promise(water[9], date(2026, 11, 25))
    async with jawab.db.transaction("console") as tx:
        district = await week.find_district(tx, place.id)
        items = (await publish.compile_week(tx, place.id, WEEK, NOW))[0].items
    heading = renderings.Heading(district.names, "2026-11-15")
    shown = renderings.previews(items, heading)
    assert [one.lang for one in shown] == list(locales.ALL_LANGS)
    assert len({one.sms for one in shown}) == len(shown)  # no language borrowed another's words
    for one in shown:
        assert one.sms_parts <= renderings.MOST_PARTS
        assert "12" in one.sms
        assert "STOP" in one.sms
        assert len(one.chat) <= 1600
        assert "{" not in one.chat + one.sms


def test_the_digest_is_of_the_items() -> None:
    assert edition.digest([]) == "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
