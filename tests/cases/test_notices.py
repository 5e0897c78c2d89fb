"""Offices are told of cases: by which way, once, and what the citizen hears of it and when."""

from __future__ import annotations

import asyncio
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from cases import acts, office_lines, offices, overdue, referrals, register
from cases.lifecycle import Refused
from desk import commands
from store import mails
from store.crypto import Keys
from store.database import Database, fetch_all, new_id
from tests.cases.conftest import NOW
from tests.cases.offices_told import DAY, HOUR, MINUTE, SMS, WHATSAPP, Desk, Opened, code_of, enter


@pytest.fixture
def desk(db: Database, keys: Keys, place: SimpleNamespace) -> Desk:
    return Desk(db, keys, place)


async def test_the_citizen_hears_that_it_was_sent_once_it_was(desk: Desk, opened: Opened) -> None:
    await desk.way("water", "sms", SMS)
    await desk.way("water", "whatsapp", WHATSAPP)
    await desk.refer(await opened())
    await desk.tick()
    assert await desk.sent("office") == [["to_office.case", "to_office.by_code"], ["to_office.code"]]
    for _ in range(2):
        await desk.tick()
    assert (len(await desk.sent("office")), await desk.sent("case")) == (2, []), "on its way is not sent"
    assert await desk.states() == ["written"]
    await desk.become("sent")
    for _ in range(2):
        await desk.tick(NOW + MINUTE)
    assert (await desk.states(), await desk.sent("case")) == (["told"], [["case.referred"]])
    assert len(await desk.sent("office")) == 2, "and no second time"


async def test_the_code_goes_another_way_than_the_link(desk: Desk, opened: Opened) -> None:
    await desk.way("water", "sms", SMS)
    await desk.way("water", "whatsapp", WHATSAPP)
    await desk.refer(await opened())
    await desk.tick()
    async with desk.db.autocommit("console") as conn:
        rows = await fetch_all(
            conn,
            "SELECT h.kind FROM outbox o JOIN contacts c ON c.id = o.contact_id JOIN channels h ON h.id = c.channel_id"
            " ORDER BY o.created_at, o.id",
        )
    assert [row["kind"] for row in rows] == ["whatsapp", "sms"]
    link, code = await desk.messages("office")
    assert code["says"][0][1]["code"] not in str(link)


@pytest.mark.parametrize("has", ["nothing", "one way"])
async def test_where_no_way_leads_there_it_is_written_down_and_said_so(desk: Desk, opened: Opened, has: str) -> None:
    if has == "one way":
        await desk.way("water", "sms", SMS)  # and no PIN: nobody could open it
    case_id = await opened()
    await desk.refer(case_id)
    for _ in range(2):
        await desk.tick()
    assert (await desk.sent("office"), await desk.sent("case")) == ([], [["case.written_for"]])
    async with desk.db.autocommit("console") as conn:
        (counted,) = await referrals.count(conn, "pishin")
    assert (counted["unreached"], counted["told"]) == (1, 0)


async def test_a_pin_given_in_person_opens_what_goes_the_only_way(desk: Desk, opened: Opened) -> None:
    await desk.way("water", "sms", SMS)
    async with desk.db.transaction("console") as tx:
        pin = await offices.give_pin(tx, desk.keys, desk.place.offices["water"], NOW)
    await desk.refer(await opened())
    await desk.tick()
    (message,) = await desk.messages("office")
    assert [key for key, _ in message["says"]] == ["to_office.case", "to_office.by_pin"]
    assert pin not in str(message)
    token = message["says"][0][1]["link"].rpartition("/o/")[2].partition("?")[0]
    assert not await enter(desk, token, "000000" if pin != "000000" else "000001")
    assert await enter(desk, token, pin)
    assert await desk.states() == ["seen"]


@pytest.mark.parametrize("state", ["failed", "parked", "undelivered"])
async def test_what_did_not_go_out_goes_another_way_or_is_said_not_to_have(
    desk: Desk, opened: Opened, state: str
) -> None:
    await desk.way("water", "sms", SMS)
    await desk.way("water", "whatsapp", WHATSAPP)
    async with desk.db.transaction("console") as tx:
        await offices.give_pin(tx, desk.keys, desk.place.offices["water"], NOW)
    await desk.refer(await opened())
    await desk.tick()
    token, code = await code_of(desk)
    for last, keys in ((1, ["to_office.case", "to_office.by_pin"]), (2, None)):
        await desk.become(state)
        await desk.tick(NOW + last * MINUTE)
        if keys:
            assert (await desk.sent("office"))[-1] == keys, "one way is left, which the PIN opens"
            assert await desk.sent("case") == []
    assert await desk.states() == ["unreached"]
    assert await desk.sent("case") == [["case.written_for"]]
    assert not await enter(desk, token, code), "a link that never arrived opens nothing"


async def test_what_came_back_after_it_had_gone_has_told_nobody(desk: Desk, opened: Opened) -> None:
    await desk.way("water", "sms", SMS)
    await desk.way("water", "whatsapp", WHATSAPP)
    await desk.refer(await opened())
    await desk.tick()
    token, code = await code_of(desk)
    await desk.become("sent")
    await desk.tick(NOW + MINUTE)
    assert (await desk.states(), await desk.sent("case")) == (["told"], [["case.referred"]])
    async with desk.db.transaction("intake") as tx:
        await tx.execute("UPDATE outbox SET state = 'undelivered' WHERE purpose = 'office'")
    for _ in range(3):
        await desk.tick(NOW + HOUR)
    assert await desk.states() == ["unreached"], "no way is left"
    assert await desk.sent("case") == [["case.referred"], ["case.written_for"]], "and whose case it is hears so, once"
    assert not await enter(desk, token, code)


async def test_what_somebody_opened_was_told_whatever_a_provider_says_later(desk: Desk, opened: Opened) -> None:
    await desk.way("water", "sms", SMS)
    await desk.way("water", "whatsapp", WHATSAPP)
    await desk.refer(await opened())
    await desk.tick()
    token, code = await code_of(desk)
    await desk.become("sent")
    await desk.tick(NOW + MINUTE)
    assert await enter(desk, token, code)
    async with desk.db.transaction("intake") as tx:
        await tx.execute("UPDATE outbox SET state = 'undelivered' WHERE purpose = 'office'")
    await desk.tick(NOW + HOUR)
    assert (await desk.states(), await desk.sent("case")) == (["seen"], [["case.referred"]])


async def test_by_email_the_link_goes_there_and_its_code_by_sms(desk: Desk, opened: Opened, row: Any) -> None:
    await desk.way("water", "sms", SMS)
    await desk.way("water", "email", "officer@phe.example")
    await desk.refer(await opened())
    await desk.tick(mails=False)
    assert await desk.sent("case") == [["case.written_for"]], "we have no mail server: one way is left, and no PIN"
    await desk.refer(await opened())
    await desk.tick(mails=True)
    assert await desk.sent("office") == [["to_office.code"]]
    await desk.become("sent")
    await desk.tick(NOW + MINUTE, mails=True)
    assert await desk.sent("case") == [["case.written_for"]], "the code went, and the link did not yet"
    async with desk.db.transaction("console") as tx:
        await tx.execute("UPDATE mails SET state = 'sent', sent_at = %s", (NOW,))
    await desk.tick(NOW + MINUTE, mails=True)
    assert await desk.sent("case") == [["case.written_for"], ["case.referred"]]
    kept = await row("SELECT id, message FROM mails")
    assert [key for key, _ in desk.keys.get_json(kept["message"], mails.bound_to(kept["id"]))["says"]] == [
        "to_office.case",
        "to_office.by_code",
    ]


async def test_what_waits_for_a_day_goes_another_way(desk: Desk, opened: Opened) -> None:
    await desk.way("water", "sms", SMS)
    await desk.way("water", "whatsapp", WHATSAPP)
    async with desk.db.transaction("console") as tx:
        await offices.give_pin(tx, desk.keys, desk.place.offices["water"], NOW)
    await desk.refer(await opened())
    await desk.tick()
    await desk.tick(NOW + DAY)
    assert len(await desk.sent("office")) == 2
    await desk.tick(NOW + DAY + MINUTE)
    assert (await desk.sent("office"))[2:] == [["to_office.case", "to_office.by_pin"]]


async def test_an_office_is_reminded_once_and_silent_after_its_day(desk: Desk, opened: Opened) -> None:
    await desk.way("water", "sms", SMS)
    await desk.way("water", "whatsapp", WHATSAPP)
    await desk.refer(await opened(), due=date(2026, 11, 22))
    await desk.tick()
    await desk.become("sent")
    await desk.tick(NOW + MINUTE)
    assert "to_office.cases" not in str(await desk.sent("office"))
    for hours in (0, 1, 5):
        await desk.tick(NOW + 3 * DAY + hours * HOUR)  # the day before
    assert (await desk.sent("office"))[-2:] == [["to_office.cases", "to_office.by_code"], ["to_office.code"]]
    assert str(await desk.sent("office")).count("to_office.cases") == 1
    await desk.become("sent", NOW + 3 * DAY)
    for hours in (24, 48):
        await desk.tick(NOW + 3 * DAY + hours * HOUR)
    assert await desk.states() == ["silent", "told"]
    assert await desk.sent("case") == [["case.referred"]], "a reminder is between us and the office"


async def test_escalations_are_gathered_into_one_message_a_day(desk: Desk, opened: Opened) -> None:
    await desk.way("administration", "sms", SMS)
    await desk.way("administration", "whatsapp", WHATSAPP)
    for _ in range(3):
        await opened()
    late = NOW + 14 * DAY
    async with desk.db.transaction("console") as tx:
        await overdue.sweep(tx, desk.keys, late)
    await desk.tick(late.replace(hour=2))  # 7:00 in Quetta
    assert await desk.sent("office") == []
    await desk.tick(late)
    (link, _) = await desk.messages("office")
    assert link["says"][0] == ["to_office.cases", {"count": 3, "link": link["says"][0][1]["link"]}]
    await opened(at=NOW + MINUTE)
    async with desk.db.transaction("console") as tx:
        await overdue.sweep(tx, desk.keys, late + HOUR)
    await desk.become("sent")
    await desk.tick(late + HOUR)
    assert len(await desk.sent("office")) == 2, "the fourth waits for tomorrow"
    assert (await desk.sent("case")).count(["case.escalated"]) == 3
    await desk.tick(late + DAY)
    assert len(await desk.sent("office")) == 4


async def test_runs_side_by_side_send_nothing_twice(desk: Desk, opened: Opened) -> None:
    await desk.way("water", "sms", SMS)
    await desk.way("water", "whatsapp", WHATSAPP)
    for _ in range(5):
        await desk.refer(await opened())
    await asyncio.gather(*(desk.tick() for _ in range(4)))
    assert len(await desk.sent("office")) == 10
    await desk.become("sent")
    await asyncio.gather(*(desk.tick(NOW + MINUTE) for _ in range(4)))
    assert len(await desk.sent("case")) == 5


async def test_what_an_office_writes_reaches_nobody_until_a_handler_passes_it_on(
    desk: Desk, opened: Opened, row: Any
) -> None:
    await desk.way("water", "sms", SMS)
    await desk.way("water", "whatsapp", WHATSAPP)
    case_id = await opened()
    await desk.refer(case_id)
    await desk.tick()
    await desk.become("sent")
    await desk.tick(NOW + MINUTE)
    async with desk.db.transaction("console") as tx:
        (referral,) = await referrals.of_case(tx, case_id)
        line = new_id()
        for _ in range(2):
            late = await acts.hear(
                tx, desk.keys, referral, line_id=line, kind="answer", text="پمپ بدل دیا", day=None, now=NOW + HOUR
            )
    assert not late
    assert await desk.states() == ["answered"]
    assert await desk.sent("case") == [["case.referred"]]
    assert (await row("SELECT count(*) AS n FROM office_lines"))["n"] == 1, "a form sent twice is one line"
    assert (await row("SELECT status FROM cases WHERE id = %s", case_id))["status"] == "received", "it moves nothing"
    async with desk.db.transaction("console") as tx:
        handler = desk.place.staff["handler"]
        await acts.pass_on(tx, desk.keys, case_id, actor=handler, now=NOW + HOUR, line_id=line, text="پمپ نیا ہے")
        with pytest.raises(Refused, match="line_unknown"):
            await acts.pass_on(tx, desk.keys, case_id, actor=handler, now=NOW, line_id=new_id(), text="پمپ نیا ہے")
    last = (await desk.messages("case"))[1]
    assert (last["says"][0][0], last["text"]) == ("case.office_says", "پمپ نیا ہے")
    async with desk.db.autocommit("console") as conn:
        (kept,) = await office_lines.of_case(conn, desk.keys, case_id)
    assert (kept.text, kept.passed_at) == ("پمپ بدل دیا", NOW + HOUR)


async def test_an_office_that_answers_after_the_case_was_closed_is_told_so_and_kept(desk: Desk, opened: Opened) -> None:
    await desk.way("water", "sms", SMS)
    await desk.way("water", "whatsapp", WHATSAPP)
    case_id = await opened()
    await desk.refer(case_id)
    await desk.tick()
    async with desk.db.transaction("console") as tx:
        await tx.execute("UPDATE cases SET status = 'closed' WHERE id = %s", (case_id,))
        (referral,) = await referrals.of_case(tx, case_id)
        assert await acts.hear(
            tx, desk.keys, referral, line_id=new_id(), kind="not_ours", text="ہمارا نہیں", day=None, now=NOW
        )
        (line,) = await office_lines.of_case(tx, desk.keys, case_id)
    assert (line.late, line.text) == (True, "ہمارا نہیں")


async def test_a_supervisor_with_a_way_is_told_once_a_day_of_what_nobody_has_read(desk: Desk, opened: Opened) -> None:
    await commands.set_way(desk.db, desk.keys, "demo-supervisor", kind="sms", address=SMS, lang="en")
    for _ in range(2):
        await opened()
    late = NOW + 3 * DAY
    async with desk.db.transaction("console") as tx:
        await overdue.sweep(tx, desk.keys, late)
    await asyncio.gather(*(desk.tick(late + hours * HOUR) for hours in range(3)))
    (message,) = await desk.messages("office")
    assert message["says"][0][0] == "to_supervisor.late"
    assert message["says"][0][1]["count"] == 2
    await desk.tick(late + DAY)
    assert len(await desk.messages("office")) == 2


@pytest.mark.parametrize(("kind", "address"), [("sms", "0333 123"), ("email", "nobody"), ("fax", "+923330000001")])
async def test_what_is_no_way_is_refused(desk: Desk, kind: str, address: str) -> None:
    with pytest.raises(Refused, match="way_unusable"):
        await desk.way("water", kind, address)


async def test_a_case_that_goes_behind_the_door_takes_the_offices_words_along(desk: Desk, opened: Opened) -> None:
    from cases import husk

    await desk.way("water", "sms", SMS)
    await desk.way("water", "whatsapp", WHATSAPP)
    case_id = await opened()
    await desk.refer(case_id, summary="خلاصہ ہے")
    await desk.tick()
    token, code = await code_of(desk)
    async with desk.db.transaction("console") as tx:
        (referral,) = await referrals.of_case(tx, case_id)
        await acts.hear(tx, desk.keys, referral, line_id=new_id(), kind="answer", text="دفتر", day=None, now=NOW)
    async with desk.db.transaction("custody") as tx:
        kept = await husk.take(tx, desk.keys, case_id, now=NOW)
        assert await referrals.of_case(tx, case_id) == []
    words = [word.get("text", "") for word in kept.words]
    assert "خلاصہ ہے" in words
    assert "answer دفتر" in words
    with pytest.raises(Refused):
        async with desk.db.transaction("console") as tx:
            await register.read(tx, case_id)
    assert await enter(desk, token, code)
    async with desk.db.transaction("console") as tx:
        opened_links = await fetch_all(tx, "SELECT id FROM links")
        assert await referrals.of_link(tx, opened_links[0]["id"]) == [], "and the link shows nothing"
