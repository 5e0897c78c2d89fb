"""What the triage can do with a card, act by act, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from bs4 import BeautifulSoup

from cases import calendar, cards, overdue, sorting, thread
from cases.lifecycle import Refused
from locales import say as text_of
from store.crypto import Keys
from store.jawab import Jawab
from tests.conftest import Owner, RecordedBell
from tests.desk.conftest import Browser, Enter, Hire, One, Open, Write
from tests.desk.triage import (
    CANARY,
    PHOTO,
    SECRET,
    VOICE,
    Attach,
    Keep,
    after,
    card_of,
    focus,
    message,
    say,
)
from tests.pages import attribute, pick


# ── each act ─────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_sent_to_a_queue_with_its_category_and_place(
    enter: Enter, keep: Keep, attach: Attach, write: Write, one: One, jawab: Jawab
) -> None:
    contact = await write()
    kept, code = await keep(contact_id=contact)
    photo = await attach(kept, contact, PHOTO, "image/jpeg")
    voice = await attach(kept, contact, VOICE, "audio/ogg")
    await attach(kept, contact, None, "image/jpeg", fault="kind")
    await say(await enter("triage"), kept, "queue", category="health", place="pishin.barshore", kind="service")
    await after(jawab)
    case = await one("SELECT id, category, place_id, status FROM cases WHERE code = %s", code)
    assert case == {"id": kept, "category": "health", "place_id": "pishin.barshore", "status": "received"}
    assert (await one("SELECT action FROM audit WHERE action LIKE 'sorting.send%%'"))["action"] == "sorting.send:health"
    handler = await enter("handler")
    soup = await handler.soup(f"/desk/cases/{kept}")
    assert attribute(pick(soup, ".item img"), "src") == f"/desk/cases/{kept}/media/{photo}"
    assert attribute(pick(soup, ".item audio"), "src") == f"/desk/cases/{kept}/media/{voice}"
    assert "refused: of a kind that is not taken" in soup.text
    assert SECRET not in (await handler.get(f"/desk/cases/{kept}/media/{photo}")).content


async def test_about_a_person_it_goes_behind_the_door_whatever_queue_was_meant(
    enter: Enter, keep: Keep, one: One, jawab: Jawab
) -> None:
    kept, _ = await keep()
    answer = await say(await enter("triage"), kept, "queue", category="security", kind="person")
    assert answer.headers["location"].endswith("done=seal")
    await after(jawab)
    assert (await one("SELECT count(*) AS n FROM cases"))["n"] == 0
    assert (await one("SELECT count(*) AS n FROM sealed.cases"))["n"] == 1


async def join_by_hand(jawab: Jawab, card: UUID, case: UUID, actor: UUID) -> None:
    """Past the form, which offers cases of the same phone only."""
    async with jawab.db.transaction("console") as tx:
        await cards.join(tx, jawab.keys, card, actor=actor, now=datetime.now(UTC), case_id=case)


async def test_joined_to_a_case_of_the_same_phone(
    enter: Enter,
    keep: Keep,
    attach: Attach,
    opened: Open,
    write: Write,
    one: One,
    owner: Owner,
    jawab: Jawab,
    bell: RecordedBell,
) -> None:
    contact = await write()
    case, strange = await opened(contact_id=contact), await opened()
    kept, code = await keep([{"text": CANARY}, {"location": [30.5, 66.9]}], contact_id=contact)
    voice = await attach(kept, contact, VOICE, "audio/ogg")
    triage = await enter("triage")
    offered = {attribute(button, "value") for button in (await card_of(triage)).select('button[name="case"]')}
    assert offered == {str(case)}
    assert (await say(triage, kept, "join", case=strange)).status_code == 422, "of another phone"
    with pytest.raises(Refused, match="case_unknown"):
        await join_by_hand(jawab, kept, strange, triage.staff_id or kept)
    assert (await say(triage, kept, "join", case=case)).status_code == 303
    await after(jawab)
    async with jawab.db.autocommit("console") as conn:
        said = await thread.read(conn, jawab.keys, case)
    assert [(item.kind, item.text) for item in said][1:3] == [("more", CANARY), ("location", None)]
    assert [item.media_id for item in said if item.kind == "media"] == [voice]
    assert [item.verb for item in said if item.kind == "said"] == ["join"]
    page = await (await enter("handler")).get(f"/desk/cases/{case}")
    assert CANARY in page.text
    assert "more words joined" in page.text
    told = await message(jawab, case)
    assert told["says"] == [["triage.joined", {"date": {"date": calendar.day_of(datetime.now(UTC)).isoformat()}}]]
    assert bell.rings[-1][0] == "replies"
    assert await focus(owner, contact) == ("answer", case)
    assert (await one("SELECT count(*) AS n FROM cases"))["n"] == 2, "no phantom"
    assert (await one("SELECT case_id FROM joined WHERE code = %s", code))["case_id"] == case


async def test_answered_in_their_language_and_their_next_words_bring_it_back(
    enter: Enter, keep: Keep, write: Write, one: One, owner: Owner, jawab: Jawab
) -> None:
    contact = await write("bal")
    kept, _ = await keep(contact_id=contact, lang="bal", reason="person")
    triage = await enter("triage")
    await say(triage, kept, "answer", phrase="where", text="کلی؟")
    await after(jawab)
    told = await message(jawab, kept)
    assert (told["says"], told["text"]) == ([["triage.answered", {}], ["phrase.where", {}]], "کلی؟")
    assert (await one("SELECT lang FROM outbox"))["lang"] == "bal"
    assert await focus(owner, contact) == ("answer", kept)
    assert not (await card_of(triage)).select(".kept")
    card = pick(await card_of(triage, "answered"), ".kept")
    assert text_of("phrase.where", "bal") in card.text, "what they were asked stands on the card"
    async with jawab.db.transaction("intake") as tx:
        await sorting.append(tx, jawab.keys, kept, words={"text": "مسجد والی گلی"}, now=datetime.now(UTC))
    assert "مسجد والی گلی" in pick(await card_of(triage), ".kept").text
    await say(triage, kept, "queue", category="water")
    await after(jawab)
    async with jawab.db.autocommit("console") as conn:
        said = await thread.read(conn, jawab.keys, kept)
    kinds = {(item.author, item.kind) for item in said}
    assert kinds == {("citizen", "story"), ("staff", "said"), ("citizen", "more")}


async def test_a_phone_that_is_not_to_be_messaged_is_not_answered(
    enter: Enter, keep: Keep, one: One, jawab: Jawab
) -> None:
    kept, _ = await keep(answers={"may_message": False})
    answer = await say(await enter("triage"), kept, "answer", text="کہاں؟")
    assert answer.status_code == 422
    assert "asked not to be messaged" in answer.text
    with pytest.raises(Refused, match="not_messaged"):
        async with jawab.db.transaction("console") as tx:
            await cards.answer(
                tx, jawab.keys, kept, actor=(await enter("triage")).staff_id or kept, by="x", now=datetime.now(UTC),
                text="کہاں؟",
            )  # fmt: skip
    assert (await one("SELECT count(*) AS n FROM outbox"))["n"] == 0


async def test_no_complaint_has_no_clock_and_is_counted_apart(
    enter: Enter, keep: Keep, owner: Owner, one: One, jawab: Jawab, stranger: Browser
) -> None:
    triage = await enter("triage")
    made = [await keep("سلام") for _ in range(6)]
    for kept, _ in made:
        await say(triage, kept, "dismiss")
    await after(jawab)
    soup = await card_of(triage, "dismissed")
    assert len(soup.select(".kept")) == 6
    assert not [one for one in soup.select(".kept .by") if "Acknowledge" in one.text], "no clock"
    await owner.execute("UPDATE dismissals SET at = at - interval '7 days'")
    await owner.execute("UPDATE sorting SET due_acknowledge = now() - interval '1 day'")
    async with jawab.db.transaction("console") as tx:
        await overdue.sweep(tx, jawab.keys, datetime.now(UTC))
    assert (await one("SELECT count(*) AS n FROM alarms"))["n"] == 0
    lines = (await stranger.soup("/figures?lang=en")).select(".numbers-table tbody tr")
    rows = {cells[0]: cells[1:] for cells in ([cell.text.strip() for cell in line.select("td")] for line in lines)}
    assert rows[text_of("public.figures.not_complaints", "en")] == ["6", "6"]
    assert rows[text_of("public.figures.received", "en")] == [text_of("public.figures.few", "en")] * 2

    supervisor = await enter("supervisor")
    row = pick(await supervisor.soup("/desk/dismissed"), "tbody tr")
    assert [cell.text for cell in row.select("td")][:3] == ["Demo triage of the province", "6", "0"]
    assert "سلام" not in (await supervisor.get("/desk/dismissed")).text
    for role in ("handler", "triage", "admin", "editor"):
        assert (await (await enter(role)).get("/desk/dismissed")).status_code == 404


async def test_the_senders_next_words_take_no_complaint_back(
    enter: Enter, keep: Keep, write: Write, one: One, jawab: Jawab
) -> None:
    triage, contact = await enter("triage"), await write()
    (kept, _), (other, _) = await keep("سلام", contact_id=contact), await keep("سلام")
    for card in (kept, other):
        await say(triage, card, "dismiss")
    await after(jawab)
    async with jawab.db.transaction("intake") as tx:
        await sorting.take_back(tx, contact, datetime.now(UTC))
    states = {kept: "waiting", other: "dismissed"}
    for card, state in states.items():
        assert (await one("SELECT state FROM sorting WHERE id = %s", card))["state"] == state
    assert (await one("SELECT count(*) AS n FROM dismissals WHERE taken_back_at IS NULL"))["n"] == 1
    assert (await say(triage, other, "back")).status_code == 303, "so can who marked it"
    assert (await one("SELECT count(*) AS n FROM dismissals WHERE taken_back_at IS NULL"))["n"] == 0


async def test_a_call_is_announced_by_no_message_to_a_phone_that_said_none(
    enter: Enter, keep: Keep, one: One, jawab: Jawab
) -> None:
    kept, _ = await keep(reason="person", answers={"may_message": False})
    await say(await enter("triage"), kept, "call", asked="1")
    await after(jawab)
    assert (await one("SELECT state FROM sorting WHERE id = %s", kept))["state"] == "call"
    assert (await one("SELECT count(*) AS n FROM outbox"))["n"] == 0


async def test_a_call_is_promised_to_who_asked_for_it_and_its_number_shown_once(
    enter: Enter, keep: Keep, write: Write, one: One, owner: Owner, jawab: Jawab, keys: Keys
) -> None:
    contact = await write()
    kept, _ = await keep(contact_id=contact, reason="person")
    triage = await enter("triage")
    assert (await say(triage, kept, "contact")).status_code == 404, "nobody's number before a call is owed"
    await say(triage, kept, "call", asked="1", who="woman", hour="شام 4 بجے")
    await after(jawab)
    assert (await message(jawab, kept))["says"][0][0] == "triage.call"
    assert await focus(owner, contact) == ("call", kept)
    box = (await one("SELECT address_box FROM contacts WHERE id = %s", contact))["address_box"]
    number = keys.decrypt(box, f"contacts|address_box|{contact}").decode()
    page = await triage.get("/desk/sorting?state=call")
    assert "a woman" in pick(BeautifulSoup(page.text, "html.parser"), ".calling").text
    assert "شام 4 بجے" in page.text
    assert number not in page.text
    assert number in (await say(triage, kept, "contact")).text
    assert (await one("SELECT actor FROM audit WHERE action = 'contact.reveal.call'"))["actor"] == str(triage.staff_id)
    assert (await say(triage, kept, "missed")).headers["location"].endswith("done=missed")
    assert "Nobody picked up" in (await card_of(triage, "call")).select(".ours")[-1].text
    await say(triage, kept, "queue", category="water")
    await after(jawab)
    assert (await one("SELECT category FROM cases WHERE id = %s", kept))["category"] == "water"


async def test_a_citizen_who_answers_meanwhile_does_not_undo_a_seal(
    enter: Enter, keep: Keep, hire: Hire, one: One, jawab: Jawab
) -> None:
    """Their own choice made an ordinary case of it before the ten seconds were over."""
    await hire("protected", None)
    kept, code = await keep()
    await say(await enter("triage"), kept, "seal")
    async with jawab.db.transaction("intake") as tx:
        assert await sorting.is_going_behind(tx, kept)
        await sorting.open_case(tx, jawab.keys, kept, category="water", now=datetime.now(UTC))
    assert await after(jawab) == 1
    assert (await one("SELECT count(*) AS n FROM cases WHERE code = %s", code))["n"] == 0
    assert (await one("SELECT count(*) AS n FROM sealed.cases"))["n"] == 1


async def test_what_cannot_be_done_comes_back_with_its_reason_and_its_words(
    enter: Enter, keep: Keep, opened: Open, write: Write, owner: Owner, jawab: Jawab
) -> None:
    contact = await write()
    case = await opened(contact_id=contact)
    kept, _ = await keep(contact_id=contact)
    triage = await enter("triage")
    await say(triage, kept, "join", case=case)
    await owner.execute("UPDATE cases SET code = NULL, contact_id = NULL WHERE id = %s", (case,))
    assert await after(jawab) == 0
    card = pick(await card_of(triage), ".kept")
    assert CANARY in card.text
    assert "There is no such case." in pick(card, '[role="alert"]').text

    await say(triage, kept, "answer", text="کہاں؟")
    await owner.execute("REVOKE UPDATE (version, focus_kind, focus_case, focus_at) ON sessions FROM jawab_console")
    assert await after(jawab) == 0
    card = pick(await card_of(triage), ".kept")
    assert "Nothing is lost; try it again." in pick(card, '[role="alert"]').text
    assert pick(card, "textarea").text == "کہاں؟"
