"""Beyond 24 hours: which way a message is told of, on a real database and a provider with templates."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bot import ladder, templates
from bot.deliver import drain, expire, recover
from cases import sorting
from locales import templates as texts
from store.jawab import Jawab
from tests.bot.conftest import OURS, Rows
from tests.conftest import PUBLIC_URL
from tests.providers.faults import CUT_AFTER_TAKING, WINDOW_SHUT, refused
from tests.providers.twilio import FakeTwilio

ONE = "+923001112233"
NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=2)
DAY = {"date": {"date": "2026-12-01"}}
READ = {"says": [["case.acknowledged", {"code": {"code": "9821773091542"}, **DAY}]], "text": "ہم نے پڑھا"}
ANSWER: dict[str, Any] = {"says": [["case.answered", {"code": {"code": "9821773091542"}}]], "text": "ٹینکر کل آئے گا"}


@pytest.fixture
async def ready(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    """Every template is approved."""
    await rows.channel()
    await templates.sync(jawab)
    twilio.decide("approved")
    await templates.refresh(jawab, NOW)


async def again(jawab: Jawab, rows: Rows) -> None:
    """As if its time had come: what is parked or waits is looked at again."""
    await rows.owner.execute("UPDATE outbox SET due_at = now() WHERE state IN ('parked', 'queued')")
    await expire(jawab)
    await drain(jawab, "replies")
    await drain(jawab, "broadcasts")


async def owe(rows: Rows, message: dict[str, Any] = ANSWER, *, wrote: datetime | None = LONG_AGO) -> uuid.UUID:
    return await rows.owe(await rows.contact(ONE, wrote=wrote), answer=False, message=message)


# ── as a template ────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.usefixtures("ready")
async def test_outside_the_window_a_row_goes_out_as_its_template_once(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    owed = await owe(rows, READ)
    assert await drain(jawab, "replies") == {"sent": 1}
    (taken,) = twilio.ledger
    assert "ٹینکر" not in taken.body
    assert "01-12-2026" in taken.body
    assert taken.body == texts.render("acknowledged", "ur", DAY)
    assert json.loads(taken.form["ContentVariables"]) == {"1": "\u206601-12-2026\u2069"}
    row = await rows.see(owed)
    assert (row["state"], row["template"], row["missed"]) == ("sent", "acknowledged:ur", True)
    await again(jawab, rows)
    assert len(twilio.ledger) == 1


@pytest.mark.usefixtures("ready")
async def test_the_words_follow_when_the_person_taps_and_only_once(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, hooks: httpx.AsyncClient
) -> None:
    owed = await owe(rows)
    await drain(jawab, "replies")
    (knock,) = twilio.ledger
    await twilio.callback(hooks, knock, "delivered", public_url=PUBLIC_URL)
    await tap(twilio, hooks, knock, "parked||read", "پڑھیں")
    assert (await rows.see(owed))["state"] == "queued"
    await twilio.callback(
        hooks, knock, "read", public_url=PUBLIC_URL
    )  # of the knock, and late: it is no news of the words
    assert (await rows.see(owed))["state"] == "queued"
    await drain(jawab, "replies")
    assert "ٹینکر کل آئے گا" in twilio.ledger[1].body
    assert len(twilio.ledger) == 2, "the words are the answer to the tap"
    assert not (await rows.see(owed))["missed"]
    await twilio.callback(hooks, twilio.ledger[1], "read", public_url=PUBLIC_URL)
    assert (await rows.see(owed))["state"] == "read"
    await tap(twilio, hooks, knock, "parked||read", "پڑھیں")
    await drain(jawab, "replies")
    assert all("ٹینکر" not in taken.body for taken in twilio.ledger[2:])
    assert len(twilio.ledger) == 3, "nothing waits any more: the tap of an older button is answered all the same"


async def tap(twilio: FakeTwilio, hooks: httpx.AsyncClient, knock: Any, carried: str, title: str) -> None:
    status, _ = await twilio.webhook(
        hooks,
        f"whatsapp:{ONE}",
        f"whatsapp:{OURS}",
        title,
        public_url=PUBLIC_URL,
        ButtonText=title,
        ButtonPayload=carried,
        OriginalRepliedMessageSid=knock.sid,
    )
    assert status == 200


@pytest.mark.usefixtures("ready")
async def test_several_messages_within_a_day_are_one_knock_and_all_of_them_follow_in_order(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, hooks: httpx.AsyncClient
) -> None:
    contact = await rows.contact(ONE, wrote=LONG_AGO)
    owed = [await rows.owe(contact, f"word {number}", answer=False) for number in range(5)]
    await asyncio.gather(*(drain(jawab, "replies") for _ in range(3)))
    await again(jawab, rows)
    assert len(twilio.ledger) == 1
    assert sorted([(await rows.see(one))["state"] for one in owed]) == ["parked"] * 4 + ["sent"]
    await twilio.webhook(hooks, f"whatsapp:{ONE}", f"whatsapp:{OURS}", "سلام", public_url=PUBLIC_URL)
    await drain(jawab, "replies")
    said = [taken.body for taken in twilio.ledger if taken.body.startswith("word")]
    assert sorted(said) == [f"word {number}" for number in range(5)]
    due = await (
        await rows.owner.execute("SELECT id FROM outbox WHERE freed_at IS NOT NULL ORDER BY due_at")
    ).fetchall()
    assert [one for (one,) in due] == owed


@pytest.mark.usefixtures("ready")
async def test_who_does_not_tap_is_told_of_the_next_message_a_day_later(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    contact = await rows.contact(ONE, wrote=LONG_AGO)
    await rows.owe(contact, answer=False, message=READ)
    await drain(jawab, "replies")
    second = await rows.owe(contact, answer=False, message=ANSWER)
    await drain(jawab, "replies")
    row = await rows.see(second)
    assert (row["state"], row["error"]) == ("parked", ladder.ONE_A_DAY)
    await rows.owner.execute("UPDATE contacts SET knocked_at = now() - interval '1 day'")
    await again(jawab, rows)
    assert [taken.body for taken in twilio.ledger][1] == texts.render("answer", "ur", {"district": {"names": {}}})
    assert len(twilio.ledger) == 2


@pytest.mark.usefixtures("ready")
async def test_a_template_in_doubt_is_asked_after_and_never_sent_twice(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    owed = await owe(rows)
    twilio.fail(CUT_AFTER_TAKING)
    await drain(jawab, "replies")
    if (await rows.see(owed))["state"] == "sending":
        await rows.age(owed)
        await recover(jawab)
    row = await rows.see(owed)
    assert (row["state"], row["provider_id"]) == ("sent", twilio.ledger[0].sid)
    assert len(twilio.ledger) == 1


@pytest.mark.usefixtures("ready")
async def test_a_process_that_dies_after_its_knock_does_not_knock_again(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    owed = await owe(rows)
    await drain(jawab, "replies")
    await rows.owner.execute("UPDATE outbox SET state = 'sending', provider_id = NULL")  # as if nothing was recorded
    await rows.age(owed)
    await recover(jawab)
    assert (await rows.see(owed))["provider_id"] == twilio.ledger[0].sid
    assert len(twilio.ledger) == 1


# ── what the provider says of it ─────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.usefixtures("ready")
@pytest.mark.parametrize(("state", "code"), [("paused", "63041"), ("disabled", "63042"), ("rejected", "63040")])
async def test_a_template_that_is_paused_gives_way_to_the_neutral_one_and_is_not_tried_for_others(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, state: str, code: str
) -> None:
    body = texts.write_body("answer", "ur")
    assert [one.sid for one in twilio.contents.values() if one.body == body]
    for one in twilio.contents.values():
        one.state = state if one.body == body else one.state
    owed = await owe(rows)
    await drain(jawab, "replies")
    row = await rows.see(owed)
    assert (row["state"], row["error"]) == ("parked", code)
    await again(jawab, rows)
    assert twilio.bodies(ONE) == [texts.render("news", "ur", {"district": {"names": {}}})]
    posts = twilio.posts
    await rows.owe(await rows.contact("+923001112244", wrote=LONG_AGO), answer=False, message=ANSWER)
    await drain(jawab, "replies")
    assert twilio.posts == posts + 1, "nobody tries it again before the provider was asked"
    await templates.refresh(jawab, NOW)
    assert {row["state"] for row in await templates.status(jawab)} == {"approved", state}


@pytest.mark.usefixtures("ready")
async def test_a_receipt_that_refuses_the_template_leads_to_the_next_way(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, hooks: httpx.AsyncClient
) -> None:
    owed = await owe(rows)
    await drain(jawab, "replies")
    await twilio.callback(hooks, twilio.ledger[0], "undelivered", 63041, public_url=PUBLIC_URL)
    assert (await rows.see(owed))["state"] == "parked"
    await again(jawab, rows)
    assert twilio.bodies(ONE)[1:] == [texts.render("news", "ur", {"district": {"names": {}}})]


@pytest.mark.usefixtures("ready")
async def test_a_window_that_the_provider_calls_shut_is_shut_for_the_ladder_too(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    owed = await owe(rows, wrote=NOW)
    twilio.fail(WINDOW_SHUT)
    await drain(jawab, "replies")
    assert (await rows.see(owed))["state"] == "parked"
    await again(jawab, rows)
    assert twilio.bodies(ONE) == [texts.render("answer", "ur", {"district": {"names": {}}})]


@pytest.mark.usefixtures("ready")
async def test_what_was_held_back_for_a_while_is_the_same_template_again(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    owed = await owe(rows)
    twilio.fail(refused(30008))
    await drain(jawab, "replies")
    row = await rows.see(owed)
    assert (row["state"], row["template"]) == ("queued", None)
    await again(jawab, rows)
    assert (await rows.see(owed))["template"] == "answer:ur"
    assert len(twilio.ledger) == 1


@pytest.mark.usefixtures("ready")
async def test_an_edition_goes_out_as_its_own_template_and_marketing_that_is_held_back_is_not_pressed(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, hooks: httpx.AsyncClient
) -> None:
    contact = await rows.contact(ONE, wrote=LONG_AGO, weekly=True)
    message = {"says": [["edition.title", {"district": {"names": {"ur": "پشین"}}, **DAY}]]}
    owed = await rows.owe(contact, lane="broadcasts", answer=False, edition=await rows.edition(), message=message)
    await drain(jawab, "broadcasts")
    assert twilio.bodies(ONE) == [texts.render("weekly", "ur", {"district": {"names": {"ur": "پشین"}}, **DAY})]
    await twilio.callback(hooks, twilio.ledger[0], "undelivered", 63049, public_url=PUBLIC_URL)
    row = await rows.see(owed)
    assert row["state"] == "queued"
    assert row["due_in"] > timedelta(hours=1)


# ── the other ways ───────────────────────────────────────────────────────────────────────────────────────────────────
async def test_without_a_template_the_neutral_line_goes_by_sms_where_they_gave_this_number_for_it(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    await rows.contact(ONE, "sms", wrote=LONG_AGO, weekly=True)
    await rows.contact("+923001110002", "sms", wrote=LONG_AGO, weekly=True)
    owed = await owe(rows)
    await drain(jawab, "replies")
    await drain(jawab, "replies")
    (taken,) = twilio.ledger
    assert taken.to == ONE
    assert "واٹس ایپ" in taken.body
    row = await rows.see(owed)
    assert (row["state"], row["error"]) == ("parked", ladder.BY_SMS)
    await again(jawab, rows)
    await again(jawab, rows)
    assert len(twilio.ledger) == 1


@pytest.mark.parametrize("why", ["stopped", "invalid", "not allowed"])
async def test_no_sms_goes_where_it_may_not(jawab: Jawab, rows: Rows, twilio: FakeTwilio, why: str) -> None:
    sms = await rows.contact(ONE, "sms", wrote=LONG_AGO, weekly=True)
    owed = await owe(rows)
    if why == "stopped":
        await rows.owner.execute("UPDATE contacts SET stopped_at = now() WHERE id = %s", (sms,))
    elif why == "invalid":
        await rows.owner.execute("UPDATE contacts SET invalid_at = now() WHERE id = %s", (sms,))
    else:
        await of_a_case(rows, owed, may_message=False)
    await drain(jawab, "replies")
    await drain(jawab, "replies")
    assert twilio.ledger == []
    assert (await rows.see(owed))["error"] == ladder.NO_TEMPLATE


async def of_a_case(rows: Rows, outbox_id: uuid.UUID, **more: Any) -> uuid.UUID:
    """The row is news of a case."""
    case = uuid.uuid4()
    await rows.owner.execute(
        "INSERT INTO cases (id, code, district_id, contact_id, channel, lang, category, opened_at, may_message)"
        " SELECT %s, '9821773091542', 'test', contact_id, 'whatsapp', 'ur', 'water', now(), %s"
        " FROM outbox WHERE id = %s",
        (case, more.get("may_message", True), outbox_id),
    )
    await rows.owner.execute("UPDATE outbox SET case_id = %s WHERE id = %s", (case, outbox_id))
    return case


async def test_an_sms_that_did_not_arrive_leads_to_a_call_where_they_said_yes_to_one(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    await rows.contact(ONE, "sms", wrote=LONG_AGO, weekly=True)
    owed = await owe(rows)
    contact = (await rows.see(owed))["contact_id"]
    async with jawab.db.transaction("intake") as tx:
        card = await sorting.keep(
            tx,
            jawab.keys,
            code="9000000000001",
            district_id="test",
            contact_id=contact,
            channel="whatsapp",
            lang="ur",
            story="فون کریں",
            now=NOW,
            answers={"call": {"who": "", "hour": ""}},
        )
    await drain(jawab, "replies")
    await rows.owner.execute("UPDATE outbox SET state = 'failed' WHERE notice_of IS NOT NULL")
    await again(jawab, rows)
    assert (await rows.see(owed))["error"] == ladder.CALL
    assert (await rows.one("SELECT state FROM sorting WHERE id = %s", card))["state"] == "call"


async def test_what_nobody_is_told_of_is_not_reached_until_a_template_is_approved(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio
) -> None:
    owed = await owe(rows)
    await drain(jawab, "replies")
    assert (await rows.see(owed))["error"] == ladder.NO_TEMPLATE
    await templates.sync(jawab)
    await expire(jawab)
    assert await drain(jawab, "replies") == {}, "a draft in review is never sent"
    twilio.decide("approved")
    await templates.refresh(jawab, NOW)
    await expire(jawab)
    assert await drain(jawab, "replies") == {"sent": 1}


async def test_what_expired_is_shown_with_the_next_message_and_only_once(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, hooks: httpx.AsyncClient
) -> None:
    owed = await owe(rows)
    await of_a_case(rows, owed)
    edition = await rows.owe(
        (await rows.see(owed))["contact_id"], "old news", lane="broadcasts", answer=False, edition=await rows.edition()
    )
    await rows.owner.execute("UPDATE contacts SET weekly_since = now()")
    await drain(jawab, "replies")
    await drain(jawab, "broadcasts")
    await rows.owner.execute("UPDATE outbox SET expires_at = now() - interval '1 second'")
    assert await expire(jawab) == 2
    assert (await rows.see(owed))["error"] == "not_reached:expired"
    for _ in range(2):
        await twilio.webhook(hooks, f"whatsapp:{ONE}", f"whatsapp:{OURS}", "سلام", public_url=PUBLIC_URL)
        await rows.owner.execute("UPDATE outbox SET due_at = now() WHERE state = 'queued'")
        await drain(jawab, "replies")
    assert len([body for body in twilio.bodies(ONE) if "ٹینکر کل آئے گا" in body]) == 1
    assert (await rows.see(edition))["state"] == "failed", "nothing stale goes out"


@pytest.mark.usefixtures("ready")
async def test_an_edition_that_nobody_opened_in_a_week_does_not_follow_any_more(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, hooks: httpx.AsyncClient
) -> None:
    contact = await rows.contact(ONE, wrote=LONG_AGO, weekly=True)
    message = {"says": [["edition.title", {"district": {"names": {"ur": "پشین"}}, **DAY}]]}
    owed = await rows.owe(contact, lane="broadcasts", answer=False, edition=await rows.edition(), message=message)
    await drain(jawab, "broadcasts")
    await rows.owner.execute("UPDATE outbox SET expires_at = now() - interval '1 second'")
    await twilio.webhook(hooks, f"whatsapp:{ONE}", f"whatsapp:{OURS}", "سلام", public_url=PUBLIC_URL)
    assert (await rows.see(owed))["state"] == "sent"


async def test_what_is_older_than_a_month_is_not_shown_any_more(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, hooks: httpx.AsyncClient
) -> None:
    owed = await owe(rows)
    await of_a_case(rows, owed)
    await drain(jawab, "replies")
    await rows.owner.execute("UPDATE outbox SET created_at = now() - interval '31 days', expires_at = now()")
    await expire(jawab)
    await twilio.webhook(hooks, f"whatsapp:{ONE}", f"whatsapp:{OURS}", "سلام", public_url=PUBLIC_URL)
    assert (await rows.see(owed))["state"] == "failed"


@pytest.mark.usefixtures("ready")
async def test_who_has_stopped_us_is_not_knocked_at(jawab: Jawab, rows: Rows, twilio: FakeTwilio) -> None:
    owed = await owe(rows)
    await rows.owner.execute("UPDATE contacts SET stopped_at = now()")
    await drain(jawab, "replies")
    assert (await rows.see(owed))["state"] == "withdrawn"
    assert twilio.posts == 0
