"""The case's page shows what was told, as its reader sees it, what became of it, and what it will be before it goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from bs4 import BeautifulSoup

from cases import acts, thread
from desk import told
from locales import say
from locales.channels import sms_parts
from store.jawab import Jawab
from tests.conftest import Owner, RecordedBell
from tests.desk.conftest import Enter, One, Open, Write
from tests.desk.test_case import do, form_of
from tests.pages import attribute, pick
from tests.today import today

TODAY = today()


async def told_by_hand(jawab: Jawab, case: UUID, staff: UUID | None) -> None:
    """Acknowledged, past the form."""
    assert staff is not None
    async with jawab.db.transaction("console") as tx:
        await acts.acknowledge(tx, jawab.keys, case, actor=staff, now=datetime.now(UTC))


async def test_every_act_is_a_folded_line_in_their_language_with_its_fate(
    enter: Enter, opened: Open, write: Write, jawab: Jawab
) -> None:
    handler = await enter("handler")
    case = await opened(lang="ps", contact_id=await write("ur"))
    for move, form in (("acknowledge", {}), ("answer", {"text": "سبا راځو"}), ("start", {})):
        assert (await do(handler, case, move, **form)).status_code == 303
    soup = await handler.soup(f"/desk/cases/{case}")
    shown = soup.select(".item.line")
    assert [
        say(f"verb.{verb}", "en") in line.text
        for verb, line in zip(("acknowledge", "answer", "start"), shown, strict=True)
    ]
    for line in (shown[0], shown[2]):
        assert attribute(pick(line, "details .said"), "lang") == "ps", "folded, as they read it"
    assert shown[1].select_one("details") is None
    assert say("case.answered", "ps", code={"code": ""}).split("\n")[1] in shown[1].text
    assert all(say("sent.queued", "en") in line.text for line in shown)


@pytest.mark.parametrize("word", [*told.BAD, "sent", "delivered", "read"])
async def test_what_failed_is_red_and_says_what_to_try(
    enter: Enter, opened: Open, owner: Owner, jawab: Jawab, word: str
) -> None:
    handler, case = await enter("handler"), await opened()
    await told_by_hand(jawab, case, handler.staff_id)
    state, error = {why: state for state, why in told.WHY.items()}.get(word, (word, None))
    if state == "unreached":
        state, error = "parked", error or "not_reached:otherwise"
    await owner.execute("UPDATE outbox SET state = %s, error = %s, sent_at = now()", (state, error))
    soup = await handler.soup(f"/desk/cases/{case}")
    line, clock = pick(soup, ".item .state"), pick(soup, "#told-acknowledge")
    assert say(f"sent.{word}", "en") in line.text
    bad = word in told.BAD
    assert [("bad" in one["class"]) for one in (line, clock)] == [bad, bad]
    hint = "sent.unreached_try" if word.startswith("unreached") else f"try.{word}"
    assert (say(hint, "en") in line.text) if bad else ("Try:" not in line.text)
    assert say("told.missed" if bad else "told.told", "en") in clock.text
    assert line.get("hx-get") is None, "it is settled"


async def test_what_may_not_be_sent_says_so_in_the_thread_and_beside_the_clock(
    enter: Enter, opened: Open, jawab: Jawab
) -> None:
    handler, case = await enter("handler"), await opened(may_message=False)
    await told_by_hand(jawab, case, handler.staff_id)
    soup = await handler.soup(f"/desk/cases/{case}")
    assert say("sent.none", "en") in pick(soup, ".item .state").text
    assert say("told.barred", "en") in pick(soup, "#told-acknowledge").text


async def test_a_waiting_line_is_looked_at_again_until_it_is_settled(
    enter: Enter, opened: Open, owner: Owner, jawab: Jawab, one: One
) -> None:
    handler, case = await enter("handler"), await opened()
    await told_by_hand(jawab, case, handler.staff_id)
    where = attribute(pick(await handler.soup(f"/desk/cases/{case}"), ".item .state"), "hx-get")
    reads = "SELECT count(*) AS n FROM audit WHERE action = 'case.read'"
    before = (await one(reads))["n"]
    answer = await handler.get(where)
    assert answer.status_code == 200
    assert attribute(pick(BeautifulSoup(answer.text, "html.parser"), ".state"), "hx-get") == where
    await owner.execute("UPDATE outbox SET state = 'failed', error = 'expired'")
    soup = BeautifulSoup((await handler.get(where)).text, "html.parser")
    assert pick(soup, ".state").get("hx-get") is None
    assert say("sent.expired", "en") in pick(soup, ".state").text
    assert attribute(pick(soup, "#told-acknowledge"), "hx-swap-oob") == "true", "the clock beside it is renewed too"
    assert "پانی" not in soup.text
    assert (await one(reads))["n"] == before, "no word left, so no reading is written down"


async def test_a_line_is_looked_at_less_often_later(enter: Enter, opened: Open, jawab: Jawab) -> None:
    handler, case = await enter("handler"), await opened()
    await told_by_hand(jawab, case, handler.staff_id)
    async with jawab.db.autocommit("console") as conn:
        line = (await thread.read(conn, jawab.keys, case))[-1]
    assert told.tell(line, line.at).look == told.SOON
    assert told.tell(line, line.at + timedelta(hours=1)).look == told.SELDOM


async def test_a_line_of_another_case_or_district_is_not_there(enter: Enter, opened: Open, jawab: Jawab) -> None:
    handler, case, other = await enter("handler"), await opened(), await opened()
    await told_by_hand(jawab, case, handler.staff_id)
    where = attribute(pick(await handler.soup(f"/desk/cases/{case}"), ".item .state"), "hx-get")
    assert (await handler.get(where.replace(str(case), str(other)))).status_code == 404


async def test_the_note_after_an_act_does_not_say_sent(enter: Enter, opened: Open, owner: Owner) -> None:
    handler, case = await enter("handler"), await opened()
    done = await do(handler, case, "answer", text="ہم آ رہے ہیں")
    note = pick(await handler.soup(done.headers["location"]), ".note.good")
    assert say("sent.queued", "en") in note.text
    assert pick(note, ".state").get("hx-get")
    await owner.execute("UPDATE outbox SET state = 'failed', error = 'expired'")
    note = pick(await handler.soup(done.headers["location"]), ".note.good")
    assert "bad" in pick(note, ".state")["class"]


# ── before it is sent ────────────────────────────────────────────────────────────────────────────────────────────────
FORMS: list[tuple[str, dict[str, str]]] = [
    ("answer", {"text": "کل ٹیم آئے گی"}),
    ("resolve", {"decision": "upheld", "outcome": "repaired", "date": TODAY.isoformat(), "line": "نیا پائپ لگا"}),
    ("step", {"outcome": "inspected", "date": TODAY.isoformat(), "line": "ہم آئے تھے"}),
    ("commit", {"action": "repaired", "date": TODAY.isoformat()}),
]


@pytest.mark.parametrize(("move", "form"), FORMS)
async def test_what_will_be_read_is_shown_in_their_language_and_nothing_is_done(
    enter: Enter,
    opened: Open,
    write: Write,
    one: One,
    jawab: Jawab,
    bell: RecordedBell,
    move: str,
    form: dict[str, str],
) -> None:
    handler = await enter("handler")
    case = await opened(lang="bal", contact_id=await write("ur"))
    if move == "commit":
        form = {**form, "office": str((await one("SELECT office_id FROM cases WHERE id = %s", case))["office_id"])}
    everything = (
        "SELECT (SELECT version FROM cases WHERE id = %(case)s) AS version, (SELECT count(*) FROM outbox) AS owed,"
        " (SELECT count(*) FROM case_items) AS items, (SELECT count(*) FROM case_history) AS history,"
        " (SELECT count(*) FROM commitments) AS promises, "
        " (SELECT count(*) FROM sessions WHERE focus_kind IS NOT NULL) AS asked"
    )
    async with jawab.db.autocommit("console") as conn:
        before = await (await conn.execute(everything, {"case": case})).fetchone()
    answer = await do(handler, case, move, **form, preview="1")
    assert answer.status_code == 200
    async with jawab.db.autocommit("console") as conn:
        assert await (await conn.execute(everything, {"case": case})).fetchone() == before, "it was only looked at"
    assert bell.rings == []
    soup = BeautifulSoup(answer.text, "html.parser")
    assert soup.select('[role="alert"]') == []
    seen = pick(soup, f'form[action$="/{move}"] .preview')
    assert attribute(pick(seen, ".said"), "lang") == "bal"
    fields = {
        attribute(field, "name"): attribute(field, "value")
        for field in soup.select(f'form[action$="/{move}"] input[type=hidden]')
    }
    assert (await handler.http.post(f"/desk/cases/{case}/{move}", data={**fields, **form})).status_code == 303
    async with jawab.db.autocommit("console") as conn:
        line = [item for item in await thread.read(conn, jawab.keys, case) if item.kind == "said"][-1]
    assert pick(seen, ".said").text.replace("\u2011", "-") == line.text, "as it was shown, so it went out"
    parts = len(sms_parts(told.preview(line, "sms").text.replace("\u2066", "").replace("\u2069", "")))
    assert say("preview.parts", "en", n=parts) in seen.text


async def test_the_line_stands_before_the_question_in_the_preview(enter: Enter, opened: Open) -> None:
    handler, case = await enter("handler"), await opened()
    answer = await do(handler, case, "resolve", **FORMS[1][1], preview="1")
    said = pick(BeautifulSoup(answer.text, "html.parser"), ".preview .said").text
    assert said.index("نیا پائپ لگا") < said.index(say("case.confirm_ask", "ur"))


async def test_a_preview_of_what_is_refused_says_why_and_keeps_the_words(enter: Enter, opened: Open) -> None:
    handler, case = await enter("handler"), await opened()
    answer = await do(handler, case, "answer", text="  ", preview="1")
    assert answer.status_code == 422
    answer = await do(handler, case, "answer", text="کل", preview="1")
    assert pick(BeautifulSoup(answer.text, "html.parser"), "#text").text == "کل"


async def test_where_nothing_may_be_sent_the_preview_says_where_it_will_stand(enter: Enter, opened: Open) -> None:
    handler, case = await enter("handler"), await opened(may_message=False)
    answer = await do(handler, case, "answer", text="کل ٹیم آئے گی", preview="1")
    seen = pick(BeautifulSoup(answer.text, "html.parser"), ".preview").text
    assert say("preview.kept", "en") in seen
    assert "SMS" not in seen


async def test_an_act_that_tells_nothing_has_no_preview(enter: Enter, opened: Open) -> None:
    handler, case = await enter("handler"), await opened()
    fields = await form_of(handler, case, "note")
    answer = await handler.http.post(f"/desk/cases/{case}/note", data={**fields, "text": "x", "preview": "1"})
    assert answer.status_code == 404
