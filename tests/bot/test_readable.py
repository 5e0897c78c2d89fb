"""Who said no to messages reads all of it at their number; on both channels, and alike on both sides of the door."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cases import acts, cards, notices, readable, register
from cases.notices import House
from locales import render, say
from locales.channels import CHANNELS
from store.jawab import Jawab
from tests.answers import typed
from tests.bot.conftest import OURS, Rows
from tests.bot.phones import CODE, Owner, Phone, count
from tests.bot.test_focus import case_and_handler
from tests.today import today

DONE_ON = date(2026, 11, 1)
CODE_SENT = "STATUS {code}"


@pytest.fixture(params=["sms", "whatsapp"])
async def quiet(request: pytest.FixtureRequest, jawab: Jawab, owner: Owner, rows: Rows, demo: Any) -> Phone:
    """A phone that has said no to messages, with one case."""
    if request.param == "whatsapp":
        await rows.channel("whatsapp", "pishin")
        made = Phone(jawab, owner, "+923990000003", "whatsapp", OURS)
    else:
        made = Phone(jawab, owner)
    await made.say(*typed(message="no"))
    return made


async def act(jawab: Jawab, owner: Owner, verb: str, **more: Any) -> None:
    case_id, handler = await case_and_handler(owner)
    async with jawab.db.transaction("console") as tx:
        await getattr(acts, verb)(tx, jawab.keys, case_id, actor=handler, now=datetime.now(UTC), **more)


async def read(phone: Phone) -> str:
    """What this phone reads when it sends its code."""
    code = await phone.code()
    return render((await phone.say(CODE_SENT.format(code=code)))[-1], "ur", phone.channel)


async def test_each_act_is_read_by_its_code_and_no_message_goes_out(jawab: Jawab, owner: Owner, quiet: Phone) -> None:
    sent = len(await quiet.owed())
    await act(jawab, owner, "acknowledge")
    read_by_a_person = await read(quiet)
    assert say("status.acknowledged", "ur") in read_by_a_person
    assert f"{today() + timedelta(days=14):%d-%m-%Y}" in read_by_a_person, "and by when it is answered"
    office = (await (await owner.execute("SELECT office_id FROM cases")).fetchone() or [None])[0]
    soon = today() + timedelta(days=9)
    await act(jawab, owner, "refer", office_id=office, due_on=soon)
    async with jawab.db.transaction("console") as tx:
        await notices.send(tx, House(jawab.keys, "https://jawab.test", mails=False), datetime.now(UTC))
    assert say("case.written_for", "ur", code="", office="").split("۔")[1] in await read(quiet), "what became of it"
    await act(jawab, owner, "commit", action="repaired", office_id=office, due_on=soon)
    assert f"{soon:%d-%m-%Y}" in await read(quiet), "with its date"
    await act(jawab, owner, "answer", text="ٹینکر کل آئے گا")
    assert "ٹینکر کل آئے گا" in await read(quiet)
    await act(jawab, owner, "resolve", outcome="cannot_budget", done_on=DONE_ON, line="اگلے سال")
    last = await read(quiet)
    for words in ("اگلے سال", say("outcome.cannot_budget", "ur", place="", date="", office="").split("،")[0]):
        assert words in last
    supervisor = (await (await owner.execute("SELECT id FROM staff WHERE role = 'supervisor'")).fetchone() or [None])[0]
    case_id, _ = await case_and_handler(owner)
    async with jawab.db.transaction("console") as tx:
        later = datetime.now(UTC) + timedelta(days=31)
        await acts.close(tx, jawab.keys, case_id, actor=supervisor, now=later)
    closed = await read(quiet)
    assert say("status.closed", "ur") in closed
    assert "اگلے سال" in closed, "closing takes the answer away from nobody"
    assert await count(owner, "outbox", "purpose = 'case'") == 0
    assert len(await quiet.owed()) == sent + 6, "an answer each time they asked"


async def test_what_is_read_is_in_the_language_of_who_reads_and_fits(jawab: Jawab, owner: Owner, quiet: Phone) -> None:
    await act(jawab, owner, "answer", text="ا" * 1000)
    office = (await (await owner.execute("SELECT office_id FROM cases")).fetchone() or [None])[0]
    await act(jawab, owner, "commit", action="repaired", office_id=office, due_on=today())
    assert len(await read(quiet)) < 700, "the long one of before is let go"
    await act(jawab, owner, "answer", text="ب" * 1000)
    last = await read(quiet)
    assert "ب" * 1000 in last, "the last one is whole"
    assert len(last) < CHANNELS[quiet.channel].body


async def test_read_and_begun_look_alike_on_both_sides_of_the_door(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say(*typed(category="security", message="no"))
    inside = Phone(jawab, owner, "+923990000002")
    await inside.say(*typed(category="security", kind="person", message="no"))
    for verb, seen in (("acknowledge", "seen"), ("start", "in_progress")):
        await act(jawab, owner, verb)
        await owner.execute("UPDATE sealed.cases SET status = %s", (seen,))
        one, other = [CODE.sub("CODE", json.dumps(await answers(one))) for one in (phone, inside)]
        assert one == other, verb


async def answers(phone: Phone) -> dict[str, Any]:
    return (await phone.say(CODE_SENT.format(code=await phone.code())))[-1]


async def test_what_the_triage_told_is_read_by_the_code_of_the_card_and_of_the_case_it_becomes(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    await phone.say("تین دن سے پانی نہیں آ رہا اور کوئی نہیں سنتا")
    code = CODE.search(json.dumps(await phone.owed())).group()  # type: ignore[union-attr]
    row = await (
        await owner.execute("SELECT sorting.id, staff.id FROM sorting, staff WHERE role = 'triage'")
    ).fetchone()
    assert row
    card, triage = row
    async with jawab.db.transaction("console") as tx:
        await cards.answer(tx, jawab.keys, card, actor=triage, by="x", now=datetime.now(UTC), text="کون سی گلی؟")
    assert "کون سی گلی؟" in json.dumps((await phone.say(CODE_SENT.format(code=code)))[-1], ensure_ascii=False)
    async with jawab.db.transaction("console") as tx:
        await cards.queue(tx, jawab.keys, card, actor=triage, now=datetime.now(UTC), category="water")
    assert "کون سی گلی؟" in json.dumps((await phone.say(CODE_SENT.format(code=code)))[-1], ensure_ascii=False)


async def test_what_was_kept_before_is_read_still(jawab: Jawab) -> None:
    case_id = uuid.uuid4()
    box = jawab.keys.encrypt("کل آئیں گے".encode(), f"cases|last_said|{case_id}")
    assert readable.show(register.open_last_said(jawab.keys, case_id, box), "ur", "sms", "1") == "کل آئیں گے"
    assert register.open_last_said(jawab.keys, case_id, None) == []
