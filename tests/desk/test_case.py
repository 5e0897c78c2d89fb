"""One case over HTTP: the thread, every move, forms that act once, words that are never lost."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from bs4 import BeautifulSoup

from cases import acts, thread
from locales import say
from store.crypto import Keys
from store.database import Database
from store.jawab import Jawab
from tests.conftest import Owner, RecordedBell
from tests.desk.conftest import Browser, Enter, One, Open
from tests.pages import attribute, pick
from tests.today import today

TODAY = today()


async def form_of(person: Browser, case: UUID, move: str) -> dict[str, str]:
    """The hidden fields of a move's form, as the page gives them."""
    soup = await person.soup(f"/desk/cases/{case}")
    form = soup.select_one(f'form[action="/desk/cases/{case}/{move}"]')
    assert form is not None, f"there is no form for {move}"
    return {attribute(field, "name"): attribute(field, "value") for field in form.select("input[type=hidden]")}


async def do(person: Browser, case: UUID, move: str, **more: Any) -> httpx.Response:
    fields = await form_of(person, case, move)
    return await person.http.post(f"/desk/cases/{case}/{move}", data={**fields, **more})


async def offices(person: Browser, case: UUID) -> list[str]:
    soup = await person.soup(f"/desk/cases/{case}")
    return [value for option in soup.select("#refer-office option") if (value := attribute(option, "value"))]


async def test_a_case_from_first_look_to_resolved(
    enter: Enter, opened: Open, one: One, jawab: Jawab, keys: Keys, bell: RecordedBell
) -> None:
    handler, case = await enter("handler"), await opened()
    page = await handler.get(f"/desk/cases/{case}")
    assert "تین ہفتے سے پانی نہیں آ رہا" in page.text
    assert "2 days left" in page.text or "3 days left" in page.text

    done = await do(handler, case, "acknowledge")
    assert (done.status_code, done.headers["location"]) == (303, f"/desk/cases/{case}?done=acknowledge")
    assert (await one("SELECT status FROM cases WHERE id = %s", case))["status"] == "acknowledged"
    assert say("done.acknowledge", "en") in (await handler.get(done.headers["location"])).text

    assert (await do(handler, case, "start")).status_code == 303
    assert (await do(handler, case, "answer", text="ٹینکر کل صبح آئے گا")).status_code == 303
    first = (await offices(handler, case))[0]
    day = (TODAY + timedelta(days=5)).isoformat()
    assert (await do(handler, case, "refer", office=first, date=day)).status_code == 303
    assert (await do(handler, case, "commit", action="repaired", office=first, date=day)).status_code == 303
    assert (await do(handler, case, "note", text="call the driver")).status_code == 303
    assert (await do(handler, case, "assign", to=str(handler.staff_id))).status_code == 303
    done = await do(handler, case, "resolve", outcome="repaired", date=TODAY.isoformat(), line="نیا پائپ لگا")
    assert done.status_code == 303

    row = await one("SELECT status, outcome, assigned_to, office_id FROM cases WHERE id = %s", case)
    assert (row["status"], row["outcome"], row["assigned_to"]) == ("resolved", "repaired", handler.staff_id)
    assert str(row["office_id"]) == first

    # every message rang the bell once, after its commit
    async with jawab.db.autocommit("console") as conn:
        sent = await (
            await conn.execute("SELECT id, message, lang FROM outbox WHERE case_id = %s ORDER BY created_at", (case,))
        ).fetchall()
    assert [ring[2][0] for ring in bell.rings if ring[0] == "replies"] == [str(row["id"]) for row in sent]
    said = [keys.get_json(row["message"], f"outbox|message|{row['id']}") for row in sent]
    assert [message["text"] for message in said if "text" in message] == ["ٹینکر کل صبح آئے گا", "نیا پائپ لگا"]
    assert {row["lang"] for row in sent} == {"ur"}

    page = await handler.get(f"/desk/cases/{case}")
    for words in ("ٹینکر کل صبح آئے گا", "نیا پائپ لگا", "call the driver", "waiting to be sent"):
        assert words in page.text
    soup = BeautifulSoup(page.text, "html.parser")
    assert soup.select_one(f'form[action="/desk/cases/{case}/close"]') is None, "a second person closes"

    supervisor = await enter("supervisor")
    early = await do(supervisor, case, "close")
    assert (early.status_code, say("refused.too_early", "en") in early.text) == (422, True)
    assert say("close.untold", "en") in early.text
    async with jawab.db.transaction("console") as tx:
        await tx.execute("UPDATE cases SET ask_count = 3, asked_at = now() - interval '8 days' WHERE id = %s", (case,))
    assert (await do(supervisor, case, "close")).status_code == 303
    assert (await one("SELECT status FROM cases WHERE id = %s", case))["status"] == "closed"
    assert (await do(supervisor, case, "reopen")).status_code == 303
    assert (await one("SELECT status FROM cases WHERE id = %s", case))["status"] == "in_progress"


async def test_who_resolved_a_case_does_not_close_it(enter: Enter, opened: Open) -> None:
    supervisor, case = await enter("supervisor"), await opened()
    await do(supervisor, case, "resolve", outcome="repaired", date=TODAY.isoformat())
    answer = await do(supervisor, case, "close")
    assert answer.status_code == 422
    assert "A second person has to do this" in answer.text


async def test_a_form_sent_twice_acts_once(enter: Enter, opened: Open, one: One, bell: RecordedBell) -> None:
    handler, case = await enter("handler"), await opened()
    fields = await form_of(handler, case, "answer")
    sends = [handler.http.post(f"/desk/cases/{case}/answer", data={**fields, "text": "ہم آ رہے ہیں"}) for _ in range(4)]
    answers = await asyncio.gather(*sends)
    assert [answer.status_code for answer in answers] == [303] * 4, "to the reader each click worked"
    assert (await one("SELECT count(*) AS n FROM outbox WHERE case_id = %s", case))["n"] == 1
    assert (await one("SELECT count(*) AS n FROM case_items WHERE kind = 'said'"))["n"] == 1
    assert len(bell.rings) == 1
    assert (await do(handler, case, "answer", text="ہم آ رہے ہیں")).status_code == 303
    assert (await one("SELECT count(*) AS n FROM outbox WHERE case_id = %s", case))["n"] == 2, "meant twice, sent twice"


async def test_an_old_page_moves_nothing_and_loses_no_words(enter: Enter, opened: Open, one: One) -> None:
    handler, supervisor, case = await enter("handler"), await enter("supervisor"), await opened()
    old = await form_of(handler, case, "answer")
    await do(supervisor, case, "acknowledge")
    answer = await handler.http.post(f"/desk/cases/{case}/answer", data={**old, "text": "میرے الفاظ"})
    assert answer.status_code == 409
    soup = BeautifulSoup(answer.text, "html.parser")
    assert pick(soup, "#text").text == "میرے الفاظ"
    assert "Somebody else changed this case" in answer.text
    fields = {
        attribute(field, "name"): attribute(field, "value") for field in soup.select("#answer input[type=hidden]")
    }
    again = await handler.http.post(f"/desk/cases/{case}/answer", data={**fields, "text": "میرے الفاظ"})
    assert again.status_code == 303


@pytest.mark.parametrize(
    ("text", "why"), [("", "Write something first"), ("  \n ", "Write something first"), ("ب" * 1001, "too long")]
)
async def test_an_empty_or_endless_answer_is_refused_with_its_text_kept(
    enter: Enter, opened: Open, one: One, text: str, why: str
) -> None:
    handler, case = await enter("handler"), await opened()
    answer = await do(handler, case, "answer", text=text)
    assert answer.status_code == 422
    assert why in answer.text
    assert text.strip() in pick(BeautifulSoup(answer.text, "html.parser"), "#text").text
    assert (await one("SELECT count(*) AS n FROM outbox"))["n"] == 0
    assert (await one("SELECT status FROM cases WHERE id = %s", case))["status"] == "received"


async def test_who_asked_not_to_be_messaged_is_not_and_the_page_says_so(enter: Enter, opened: Open, one: One) -> None:
    handler, case = await enter("handler"), await opened(may_message=False)
    page = (await handler.soup(f"/desk/cases/{case}")).text
    for key in ("answer.not_messaged", "answer.keep", "resolve.asks_quiet"):
        assert say(key, "en") in page
    assert "Sent as you type" not in page, "nothing is, so nothing says so"
    for move in ("acknowledge", "answer"):
        done = await do(handler, case, move, text="ہم آ رہے ہیں")
        assert done.status_code == 303
        note = pick(await handler.soup(done.headers["location"]), ".note.good").text
        assert say(f"done.{move}", "en") in note
        assert say("sent.none", "en") in note
    assert (await one("SELECT count(*) AS n FROM outbox"))["n"] == 0
    soup = await handler.soup(f"/desk/cases/{case}")
    assert say("sent.none", "en") in pick(soup, ".item.line .state").text


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("resolve", {"outcome": "", "date": "2026-01-01"}), "Choose what was done"),
        (("resolve", {"outcome": "paid", "date": "2026-01-01"}), "Choose what was done"),
        (("resolve", {"outcome": "repaired", "date": ""}), "Give the date"),
        (("resolve", {"outcome": "repaired", "date": "2999-01-01"}), "has not come yet"),
        (("step", {"outcome": "sent_on", "date": "2026-01-01"}), "Choose the office"),
        (("step", {"outcome": "repaired", "date": "2026-01-01"}), "Choose what was done"),
        (("resolve", {"outcome": "sent_on", "date": "2026-01-01"}), "Choose what was done"),
        (("resolve", {"decision": "refused", "why": "", "date": "2026-01-01"}), "Choose the reason"),
        (("resolve", {"decision": "gone", "outcome": "repaired", "date": "2026-01-01"}), "how it is decided"),
        (("wish", {}), "Choose the reason"),
        (("resolve", {"outcome": "repaired", "date": "2026-01-01", "place": "elsewhere"}), "a place of this district"),
        (("refer", {"office": "", "date": "2999-01-01"}), "Choose the office"),
        (("refer", {"office": str(uuid.uuid4()), "date": "2999-01-01"}), "Choose an office"),
        (("commit", {"action": "cannot_budget", "office": str(uuid.uuid4()), "date": "2999-01-01"}), "from the list"),
        (("assign", {"to": "nonsense"}), "Choose a person"),
        (("amend", {"category": "nonsense"}), "Choose a subject"),
        (("note", {"text": ""}), "Write something first"),
    ],
)
async def test_a_form_that_makes_no_sense_is_refused_in_plain_words(
    enter: Enter, opened: Open, one: One, given: Any, why: str
) -> None:
    move, form = given
    handler, case = await enter("handler"), await opened()
    before = await one("SELECT version, status, office_id FROM cases WHERE id = %s", case)
    answer = await do(handler, case, move, **form)
    assert answer.status_code == 422, answer.text[:300]
    assert why in pick(BeautifulSoup(answer.text, "html.parser"), '[role="alert"]').text
    assert await one("SELECT version, status, office_id FROM cases WHERE id = %s", case) == before


async def test_an_unknown_move_does_not_exist(enter: Enter, opened: Open) -> None:
    handler, case = await enter("handler"), await opened()
    for move in ("erase", "open", "hear", "confirm"):
        assert (await handler.post(f"/desk/cases/{case}/{move}")).status_code == 404


async def test_the_outcomes_offered_are_those_of_the_category(enter: Enter, opened: Open) -> None:
    handler = await enter("handler")
    soup = await handler.soup(f"/desk/cases/{await opened(category='security')}")
    offered = [option["value"] for option in soup.select("#resolve-outcome option, #resolve-why option")]
    assert "staff_sent" in offered
    assert "paid" not in offered
    assert "cannot_court" in offered
    assert not {"inspected", "sent_on"} & set(offered), "what is on the way is no decision"


async def test_a_refusal_is_no_done_on_any_page_and_an_appeal_shows_what_it_is_against(
    enter: Enter, opened: Open, one: One, jawab: Jawab
) -> None:
    handler, case = await enter("handler"), await opened()
    refused = {"decision": "refused", "why": "cannot_budget", "date": TODAY.isoformat()}
    assert (await do(handler, case, "resolve", **refused)).status_code == 303
    page = (await handler.get(f"/desk/cases/{case}")).text
    assert say("status.cannot", "en") in page
    assert say("status.resolved", "en") not in page
    async with jawab.db.transaction("intake") as tx:
        await acts.appeal(tx, case, now=datetime.now(UTC))
    soup = await handler.soup("/desk/queue?status=gainsaid")
    assert str(case) in str(soup)
    page = (await handler.get(f"/desk/cases/{case}")).text
    assert say("appeal.against", "en", outcome={"key": "outcome.cannot_budget.short"}) in page
    again = await do(handler, case, "resolve", decision="upheld", outcome="repaired", date=TODAY.isoformat())
    assert (again.status_code, say("refused.other_person", "en") in again.text) == (422, True)


async def test_a_case_is_taken_back_by_two_people(enter: Enter, opened: Open, one: One, owner: Owner) -> None:
    handler, supervisor, case = await enter("handler"), await enter("supervisor"), await opened()
    assert (await do(handler, case, "wish", why="solved")).status_code == 303
    soup = await supervisor.soup(f"/desk/cases/{case}")
    assert soup.select_one(f'form[action="/desk/cases/{case}/withdraw"]') is None, "three days must pass"
    await owner.execute("UPDATE cases SET wish_at = now() - interval '4 days' WHERE id = %s", (case,))
    refused = await do(handler, case, "withdraw", why="solved")
    assert (refused.status_code, say("refused.another_takes_back", "en") in refused.text) == (422, True)
    assert (await do(supervisor, case, "withdraw", why="solved")).status_code == 303
    row = await one("SELECT status, decision FROM cases WHERE id = %s", case)
    assert (row["status"], row["decision"]) == ("withdrawn", "withdrawn")
    page = (await supervisor.get(f"/desk/cases/{case}")).text
    assert say("decision.withdrawn", "en") in page


async def test_a_promise_is_let_go_of_with_its_reason(enter: Enter, opened: Open, one: One) -> None:
    handler, case = await enter("handler"), await opened()
    soup = await handler.soup(f"/desk/cases/{case}")
    owners = [value for option in soup.select("#commit-office option") if (value := attribute(option, "value"))]
    every = await offices(handler, case)
    assert owners
    assert set(owners) < set(every), "only an office that has the case promises"
    day = (TODAY + timedelta(days=5)).isoformat()
    await do(handler, case, "commit", action="repaired", office=owners[0], date=day)
    promise = await one("SELECT id FROM commitments WHERE case_id = %s", case)
    refused = await do(handler, case, "drop", promise=str(promise["id"]), reason="")
    assert refused.status_code == 422
    assert (await do(handler, case, "drop", promise=str(promise["id"]), reason="otherwise")).status_code == 303
    assert say("dropped.otherwise", "en") in (await handler.get(f"/desk/cases/{case}")).text


async def test_what_can_be_picked_begins_with_what_the_case_has_and_keeps_what_was_picked(
    enter: Enter, opened: Open, owner: Owner
) -> None:
    case, handler = await opened(), await enter("handler")
    first, *_, last = await offices(handler, case)
    await owner.execute("UPDATE cases SET office_id = %s, place_id = 'pishin.barshore' WHERE id = %s", (first, case))

    def chosen(page: BeautifulSoup, field: str) -> list[str]:
        return [attribute(option, "value") for option in page.select(f"#{field} option[selected]")]

    page = await handler.soup(f"/desk/cases/{case}")
    assert chosen(page, "refer-office") == [first]
    assert chosen(page, "amend-place") == ["pishin.barshore"]
    refused = BeautifulSoup((await do(handler, case, "refer", office=last, date="2020-01-01")).text, "html.parser")
    assert chosen(refused, "refer-office") == [last]


async def test_nobody_named_yet_is_said(enter: Enter, opened: Open, owner: Owner) -> None:
    handler, case = await enter("handler"), await opened()
    await owner.execute("UPDATE cases SET office_id = NULL WHERE id = %s", (case,))
    assert say("office.unnamed", "en") in pick(await handler.soup(f"/desk/cases/{case}"), ".facts dl").text


async def test_words_of_a_citizen_run_nothing_and_bend_nothing(enter: Enter, opened: Open) -> None:
    evil = "</div><script>alert(1)</script>\"' {{ csrf }} \u202eabc"
    handler, case = await enter("handler"), await opened(story=evil)
    soup = await handler.soup(f"/desk/cases/{case}")
    said = pick(soup, ".item .said")
    assert said.text == evil.replace("\u202e", "⟦RLO⟧")
    assert said["dir"] == "auto"
    assert all(script.get("src") for script in soup.select("script"))


async def test_no_page_of_a_handler_holds_a_phone_number(
    enter: Enter, opened: Open, one: One, keys: Keys, db: Database
) -> None:
    case = await opened()
    row = await one(
        "SELECT t.id, t.address_box FROM cases c JOIN contacts t ON t.id = c.contact_id WHERE c.id = %s", case
    )
    number = keys.decrypt(row["address_box"], f"contacts|address_box|{row['id']}").decode()
    handler, supervisor = await enter("handler"), await enter("supervisor")
    for person in (handler, supervisor):
        for path in ("/desk/queue", f"/desk/cases/{case}"):
            assert number.lstrip("+") not in (await person.get(path)).text
    assert (await handler.post(f"/desk/cases/{case}/contact", {"reason": "urgent"})).status_code == 404
    refused = await supervisor.post(f"/desk/cases/{case}/contact", {"reason": "curious"})
    assert refused.status_code == 422
    assert number not in refused.text
    shown = await supervisor.post(f"/desk/cases/{case}/contact", {"reason": "urgent"})
    assert number in shown.text
    link = await one("SELECT actor, object FROM audit WHERE action = 'contact.reveal.urgent'")
    assert (link["actor"], link["object"]) == (str(supervisor.staff_id), str(case))


async def test_a_look_that_cannot_be_written_down_shows_nothing(enter: Enter, opened: Open, owner: Owner) -> None:
    handler, case = await enter("handler"), await opened()
    await owner.execute("REVOKE EXECUTE ON FUNCTION audit_write(text, text, text, text) FROM jawab_console")
    answer = await handler.get(f"/desk/cases/{case}")
    assert answer.status_code == 500
    assert "تین ہفتے" not in answer.text


async def test_a_file_that_is_no_photo_is_bytes_to_keep_and_only_of_its_own_case(
    enter: Enter, opened: Open, owner: Owner, one: One, jawab: Jawab
) -> None:
    keys = jawab.keys
    case, other = await opened(), await opened()
    media = uuid.uuid4()
    contact = (await one("SELECT contact_id FROM cases WHERE id = %s", case))["contact_id"]
    for kind in ("image/jpeg", "text/html; charset=utf-8"):
        await owner.execute("DELETE FROM case_items WHERE media_id IS NOT NULL")
        await owner.execute("DELETE FROM media")
        await owner.execute(
            "INSERT INTO media (id, contact_id, case_id, content_type, content, state)"
            " VALUES (%s, %s, %s, %s, %s, 'kept')",
            (media, contact, case, kind, keys.encrypt(b"<script>alert(1)</script>", f"media|content|{media}")),
        )
        async with jawab.db.transaction("intake") as tx:
            now = datetime.now(UTC)
            await thread.append(
                tx, keys, case, author="citizen", kind="media", body=None, lang="ur", now=now, media_id=media
            )
        handler = await enter("handler")
        assert f"/desk/cases/{case}/media/{media}" in (await handler.get(f"/desk/cases/{case}")).text
        answer = await handler.get(f"/desk/cases/{case}/media/{media}")
        assert answer.content == b"<script>alert(1)</script>"
        assert answer.headers["content-disposition"] == f'attachment; filename="{str(media)[:8]}.bin"'
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
    assert (await handler.get(f"/desk/cases/{other}/media/{media}")).status_code == 404
