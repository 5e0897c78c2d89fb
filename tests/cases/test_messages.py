"""What a citizen is told stands in the case's own thread, one line for each message, in its transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from cases import acts, cards, messages, overdue, register, sorting, thread
from cases.lifecycle import Refused
from cases.thread import Entry
from locales import LANGS, render, say
from locales.channels import sms_parts
from store.crypto import Keys
from store.database import Database
from tests.cases.conftest import NOW, fresh_code

Opened = Callable[..., Awaitable[UUID]]
Row = Callable[..., Awaitable[dict[str, Any]]]
TODAY = NOW.date()


async def said_in(db: Database, keys: Keys, case_id: UUID) -> list[Entry]:
    """The lines of what was told, oldest first."""
    async with db.autocommit("console") as conn:
        return [item for item in await thread.read(conn, keys, case_id) if item.kind == "said"]


async def live(db: Database, keys: Keys, case_id: UUID, place: SimpleNamespace, due_on: date = TODAY) -> None:
    """One act after another that tells something."""
    handler, supervisor, office = place.staff["handler"], place.staff["supervisor"], place.offices["water"]
    async with db.transaction("console") as tx:
        await acts.acknowledge(tx, keys, case_id, actor=handler, now=NOW)
        await acts.answer(tx, keys, case_id, actor=handler, now=NOW, text="کل ٹیم آئے گی")
        await acts.start(tx, keys, case_id, actor=handler, now=NOW)
        await acts.commit(tx, keys, case_id, actor=handler, now=NOW, action="repaired", office_id=office, due_on=due_on)
        await acts.resolve(
            tx, keys, case_id, actor=handler, now=NOW, outcome="repaired", done_on=TODAY, line="نیا پائپ لگا"
        )
        await tx.execute(
            "UPDATE cases SET ask_count = 3, asked_at = %s WHERE id = %s", (NOW - timedelta(days=8), case_id)
        )
        await acts.confirm(tx, case_id, now=NOW)
        await acts.close(tx, keys, case_id, actor=supervisor, now=NOW)


TOLD = ["acknowledge", "answer", "start", "commit", "resolve", "close"]


async def test_each_act_leaves_one_line_as_its_reader_sees_the_message(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, person: Callable[..., Awaitable[UUID]], row: Row
) -> None:
    case_id = await opened(lang="ps", contact_id=await person(lang="ur"))
    await live(db, keys, case_id, place)
    said = await said_in(db, keys, case_id)
    assert [line.verb for line in said] == TOLD
    assert {line.lang for line in said} == {"ps"}, "in the language of this case, whatever else its phone speaks"
    assert [line.author for line in said] == ["system", "staff", "system", "system", "staff", "system"], (
        "who wrote words of theirs"
    )
    for line in said:
        owed = await row("SELECT message, lang, state, purpose, case_id FROM outbox WHERE id = %s", line.outbox_id)
        message = keys.get_json(owed["message"], f"outbox|message|{line.outbox_id}")
        assert (owed["purpose"], owed["case_id"], line.sent) == ("case", case_id, "queued")
        assert line.text == render(message, owed["lang"], thread.SHOWN_ON), "one thing, two places"
    assert (await row("SELECT count(*) AS n FROM outbox"))["n"] == len(TOLD)


async def test_the_thread_reads_no_word_from_the_outbox(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, owner: Any
) -> None:
    case_id = await opened()
    await live(db, keys, case_id, place)
    before = await said_in(db, keys, case_id)
    await owner.execute("UPDATE outbox SET message = ''")
    assert await said_in(db, keys, case_id) == before


@pytest.mark.parametrize("may_message", [False, None])
async def test_where_nothing_may_be_sent_the_same_lines_stand_without_a_message(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row, may_message: bool | None
) -> None:
    case_id = await opened(may_message=may_message)
    await live(db, keys, case_id, place)
    said = await said_in(db, keys, case_id)
    assert [(line.verb, line.outbox_id, line.sent) for line in said] == [(verb, None, None) for verb in TOLD]
    assert (await row("SELECT count(*) AS n FROM outbox"))["n"] == 0


async def test_what_somebody_typed_stands_before_the_question(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened
) -> None:
    case_id = await opened()
    await live(db, keys, case_id, place)
    lines = ((await said_in(db, keys, case_id))[4].text or "").split("\n")
    assert lines[2:5] == ["نیا پائپ لگا", say("case.confirm_ask", "ur"), "1 " + say("case.confirm_yes", "ur")]


async def test_no_act_that_is_rolled_back_leaves_a_line(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened()
    with pytest.raises(Refused, match="date_past"):
        await live(db, keys, case_id, place, due_on=TODAY - timedelta(days=1))
    assert await said_in(db, keys, case_id) == []
    assert (await row("SELECT count(*) AS n FROM outbox"))["n"] == 0


@pytest.mark.parametrize("may_message", [True, False])
async def test_the_fourteenth_day_is_a_line_for_everybody(
    db: Database, keys: Keys, opened: Opened, may_message: bool
) -> None:
    case_id = await opened(may_message=may_message)
    async with db.transaction("console") as tx:
        told = await overdue.sweep(tx, keys, NOW + timedelta(days=15))
    said = await said_in(db, keys, case_id)
    assert [line.verb for line in said] == ["remind"]
    assert [line.outbox_id for line in said if line.outbox_id] == told
    assert bool(told) is may_message


async def test_what_the_triage_told_is_a_line_of_the_case_that_the_card_becomes(
    db: Database, keys: Keys, place: SimpleNamespace, person: Callable[..., Awaitable[UUID]], row: Row
) -> None:
    async with db.transaction("intake") as tx:
        card = await sorting.keep(
            tx, keys, code=fresh_code(), district_id=place.id, contact_id=await person(lang="brh"), channel="sms",
            lang="brh", story="نلکا", now=NOW,
        )  # fmt: skip
    triage = place.staff["triage"]
    async with db.transaction("console") as tx:
        asked = await cards.answer(tx, keys, card, actor=triage, by="x", now=NOW, phrase="where", text="گلی؟")
        rung = await cards.call(tx, keys, card, actor=triage, by="x", now=NOW)
    async with db.transaction("intake") as tx:
        await sorting.amend(tx, keys, card, may_message=False)
    async with db.transaction("console") as tx:
        assert await cards.call(tx, keys, card, actor=triage, by="x", now=NOW) is None
        await cards.queue(tx, keys, card, actor=triage, category="water", now=NOW)
    said = await said_in(db, keys, card)
    assert [(line.verb, line.outbox_id, line.author) for line in said] == [
        ("answer", asked, "staff"),
        ("call", rung, "system"),
        ("call", None, "system"),
    ]
    wanted = [say("triage.answered", "brh"), say("phrase.where", "brh"), "گلی؟"]
    assert said[0].text == "\n".join(wanted)
    assert (await row("SELECT count(*) AS n FROM outbox"))["n"] == 2


async def test_a_line_says_which_act_it_tells(db: Database, keys: Keys, opened: Opened) -> None:
    case_id = await opened()
    async with db.transaction("console") as tx:
        case = await register.read(tx, case_id)
        await messages.tell(tx, keys, case, "remind", says=[("case.closed", {"code": {"code": case.code}})], now=NOW)
    (line,) = await said_in(db, keys, case_id)
    assert (line.verb, line.staff) == ("remind", None)


@pytest.mark.parametrize("lang", LANGS)
async def test_promise_and_start_are_short(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, lang: str
) -> None:
    case_id = await opened(lang=lang)
    await live(db, keys, case_id, place)
    said = {line.verb: line.text or "" for line in await said_in(db, keys, case_id)}
    assert "{" not in said["start"] + said["commit"]
    assert max(len(sms_parts(said[verb])) for verb in ("start", "commit")) <= 2
