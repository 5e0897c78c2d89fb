"""The triage over HTTP: what a card shows, and ten seconds to undo what was decided of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from bs4 import BeautifulSoup

from desk import decisions
from locales import say as text_of
from store.jawab import Jawab
from tests.desk.conftest import Enter, Hire, One, Open, Write
from tests.desk.triage import (
    CANARY,
    PHOTO,
    SECRET,
    VOICE,
    Attach,
    Keep,
    after,
    card_of,
    say,
)
from tests.pages import attribute, pick


# ── what a card shows ────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_card_shows_all_that_came(enter: Enter, keep: Keep, attach: Attach, write: Write) -> None:
    contact = await write("ps")
    words = [{"text": CANARY}, {"location": [30.58153, 66.99491]}]
    kept, _ = await keep(words, contact_id=contact, lang="ps", answers={"asked": "complaint.place"})
    voice = await attach(kept, contact, VOICE, "audio/ogg")
    photo = await attach(kept, contact, PHOTO, "image/jpeg")
    await attach(kept, contact, None, "audio/ogg")
    await attach(kept, contact, None, "image/jpeg", fault="size")
    triage = await enter("triage")
    card = pick(await card_of(triage), ".kept")
    for told in (
        CANARY, "30.58153, 66.99491", "پښتو", "0:12", "Voice note: on its way", "Photo: refused: too large",
        "Asked before:", text_of("report.place", "en"), "Acknowledge: 2 days left", "SMS",
        text_of("thread.near", "en", place="Pishin"),
    ):  # fmt: skip
        assert " ".join(told.split()) in " ".join(card.text.split()), told
    assert attribute(pick(card, "audio"), "src") == f"/desk/sorting/{kept}/media/{voice}"
    assert attribute(pick(card, "audio"), "preload") == "none"
    assert attribute(pick(card, "img"), "src") == f"/desk/sorting/{kept}/media/{photo}"
    assert not card.select('a[href^="geo:"]')

    heard = await triage.get(f"/desk/sorting/{kept}/media/{voice}")
    assert (heard.content, heard.headers["content-type"]) == (VOICE, "audio/ogg")
    part = await triage.get(f"/desk/sorting/{kept}/media/{voice}", headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, VOICE[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(VOICE)}"
    seen = await triage.get(f"/desk/sorting/{kept}/media/{photo}")
    assert seen.headers["content-disposition"].startswith("inline")
    assert SECRET not in seen.content
    assert b"pixels" in seen.content
    for role in ("handler", "supervisor", "protected", "admin"):
        assert (await (await enter(role)).get(f"/desk/sorting/{kept}/media/{photo}")).status_code == 404
    other, _ = await keep()
    assert (await triage.get(f"/desk/sorting/{other}/media/{photo}")).status_code == 404, "of another card"


async def test_a_card_without_a_word_says_so(enter: Enter, keep: Keep) -> None:
    await keep([], reason="person")
    card = pick(await card_of(await enter("triage")), ".kept")
    assert "asked for a person" in card.text
    assert "Nothing was written before they asked." in card.text


async def test_the_list_is_paged_and_counted(enter: Enter, keep: Keep) -> None:
    start = datetime.now(UTC) - timedelta(hours=2)
    for number in range(43):
        await keep(f"لفظ {number}", now=start + timedelta(seconds=number))
    triage = await enter("triage")
    seen, path, pages = [], "/desk/sorting", 0
    while path:
        soup = await triage.soup(path)
        assert pick(soup, ".tabs [aria-current] .count").text == "43"
        seen += [said.text for said in soup.select(".kept .said")]
        more = soup.select_one(".pager .button")
        path, pages = (attribute(more, "href") if more else ""), pages + 1
    assert (seen, pages) == ([f"لفظ {number}" for number in range(43)], 3)


async def test_each_key_is_there_without_javascript(enter: Enter, keep: Keep, opened: Open, write: Write) -> None:
    contact = await write()
    await opened(contact_id=contact)
    await keep(contact_id=contact)
    await keep()
    soup = await card_of(await enter("triage"))
    first, second = soup.select(".kept")
    keys = {attribute(one, "accesskey") for one in first.select("[accesskey]")}
    assert keys == {*"1234567890", *"osjacn"}
    assert not second.select("[accesskey]"), "a key that two cards have presses neither"
    assert {attribute(one, "data-key") for one in second.select("[data-key]")} == keys - {"j"}


# ── ten seconds ──────────────────────────────────────────────────────────────────────────────────────────────────────
FORMS: dict[str, dict[str, str]] = {
    "queue": {"category": "health", "place": "pishin.barshore"},
    "seal": {},
    "answer": {"phrase": "where", "text": "کون سی گلی؟"},
    "dismiss": {},
    "call": {"asked": "1", "who": "woman", "hour": "دس بجے"},
}


@pytest.mark.parametrize("verb", FORMS)
async def test_what_was_decided_waits_ten_seconds_and_can_be_undone(
    enter: Enter, keep: Keep, one: One, jawab: Jawab, verb: str
) -> None:
    triage, (kept, _), before = await enter("triage"), await keep(), datetime.now(UTC)
    answer = await say(triage, kept, verb, **FORMS[verb])
    assert answer.headers["location"] == f"/desk/sorting?state=waiting&done={verb}"
    soup = await card_of(triage)
    assert not soup.select(".kept"), "it is nobody else's to decide"
    assert attribute(pick(soup, ".undo"), "action") == f"/desk/sorting/{kept}/undo"
    due = (await one("SELECT due_at FROM decisions"))["due_at"]
    assert due - before >= timedelta(seconds=10)
    assert await decisions.carry_out(jawab, due - timedelta(milliseconds=1)) == 0
    undone = await say(triage, kept, "undo")
    assert undone.headers["location"].endswith("done=undo")
    assert await after(jawab) == 0
    row = await one("SELECT state, (SELECT count(*) FROM outbox) AS told FROM sorting WHERE id = %s", kept)
    assert (row["state"], row["told"]) == ("waiting", 0)
    card = pick(await card_of(triage), ".kept")
    assert CANARY in card.text
    if verb == "answer":
        assert pick(card, "textarea").text == "کون سی گلی؟", "what was typed is still there"
    assert (await say(triage, kept, verb, **FORMS[verb])).status_code == 303, "and can be decided again"
    assert await after(jawab) == 1
    assert await after(jawab) == 0, "once"
    late = await say(triage, kept, "undo")
    assert late.status_code == 409
    assert "The ten seconds are over" in late.text


async def test_of_two_people_who_decide_at_once_one_does(
    enter: Enter, keep: Keep, hire: Hire, one: One, jawab: Jawab
) -> None:
    kept, code = await keep()
    staff_id, _ = await hire("triage", None)
    first, second = await enter("triage"), await enter("triage", staff_id)
    answers = await asyncio.gather(
        say(first, kept, "queue", category="water"), say(second, kept, "queue", category="health")
    )
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    winner = first if answers[0].status_code == 303 else second
    loser = second if winner is first else first
    assert (await say(loser, kept, "undo")).status_code == 409, "another's is not taken back"
    assert sum(await asyncio.gather(after(jawab), after(jawab))) == 1
    category = (await one("SELECT category FROM cases WHERE code = %s", code))["category"]
    assert category == ("water" if winner is first else "health")


@pytest.mark.parametrize(
    ("verb", "form", "why"),
    [
        ("queue", {"category": "nonsense"}, "Choose a subject"),
        ("queue", {"category": "water", "place": "nowhere"}, "Choose a place of this district"),
        ("seal", {"accused": "nonsense"}, "Choose an office"),
        ("join", {"case": ""}, "Choose the case"),
        ("join", {"case": "00000000-0000-4000-8000-000000000000"}, "no such case"),
        ("answer", {}, "Write something first"),
        ("answer", {"phrase": "nonsense"}, "Choose a phrase"),
        ("answer", {"text": "ب" * 1001}, "too long"),
        ("call", {"who": "woman"}, "Nobody is called who did not ask"),
        ("call", {"asked": "1", "who": "robot"}, "Choose who should call"),
        ("call", {"asked": "1", "hour": "x" * 41}, "too long"),
    ],
)
async def test_a_form_that_makes_no_sense_is_refused_and_kept(
    enter: Enter, keep: Keep, one: One, verb: str, form: dict[str, str], why: str
) -> None:
    triage, (kept, _) = await enter("triage"), await keep()
    answer = await say(triage, kept, verb, **form)
    assert answer.status_code == 422
    soup = BeautifulSoup(answer.text, "html.parser")
    assert why in pick(soup, '.kept [role="alert"]').text
    if "text" in form:
        assert pick(soup, "textarea").text == form["text"]
    assert (await one("SELECT count(*) AS n FROM decisions"))["n"] == 0
    assert (await say(triage, kept, "erase")).status_code == 404


async def test_no_other_role_and_no_other_district_decides(enter: Enter, keep: Keep, hire: Hire, one: One) -> None:
    kept, _ = await keep()
    staff_id, _ = await hire("triage", "pishin")
    own = await enter("triage", staff_id)  # from now on the province has only what waits too long
    for verb, form in FORMS.items():
        for role in ("handler", "supervisor", "protected", "editor", "admin"):
            assert (await say(await enter(role), kept, verb, **form)).status_code == 404
        assert (await say(await enter("triage"), kept, verb, **form)).status_code == 404
    assert (await one("SELECT count(*) AS n FROM decisions"))["n"] == 0
    assert (await say(own, kept, "dismiss")).status_code == 303
