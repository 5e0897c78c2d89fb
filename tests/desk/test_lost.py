"""A lost number: the safe word, the month and the tehsil lead to the case on either side, and to a new number."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from bs4 import BeautifulSoup

from cases import lost
from cases.calendar import day_of
from store.crypto import Keys
from store.jawab import Jawab
from tests.answers import answer, typed
from tests.bot.phones import Phone, count
from tests.cases.sealed import dump
from tests.desk.conftest import Browser, Enter, One
from tests.pages import pick

Owner = psycopg.AsyncConnection[Any]
SECRET = "زرقا چاند"
PLACE = "pishin.pishin"
CALLED = ("مجھے فون کریں", answer("who", "woman"), answer("hour", "noon"))


@pytest.fixture
def divided() -> bool:
    return True


def month(back: int = 0) -> str:
    return f"{lost.months(day_of(datetime.now(UTC)))[back]:%Y-%m}"


def asks(word: str = SECRET, place: str = PLACE, **more: str) -> dict[str, str]:
    return {"word": word, "month": month(), "place": place, **more}


async def tell(jawab: Jawab, owner: Owner, kind: str, address: str, *words: str) -> Phone:
    """A report with every question answered, then a call asked for and its word."""
    phone = Phone(jawab, owner, address)
    await phone.say(*typed(kind=kind, place=PLACE, message="yes"), *CALLED, *(words or (SECRET,)))
    return phone


async def give(browser: Browser, base: str, **form: str) -> str:
    """The new number that the page shows."""
    where = pick(parse((await browser.post(base, asks(**form))).text), 'form[action*="/lost/"]')
    fields = {str(one["name"]): str(one["value"]) for one in where.select("input")}
    given = await browser.post(str(where["action"]), fields)
    assert given.status_code == 200
    number = "".join(filter(str.isdecimal, pick(parse(given.text), ".address").text))
    again = await browser.post(str(where["action"]), fields)
    assert "has given a number already" in again.text
    assert number not in again.text
    return number


def parse(text: str) -> BeautifulSoup:
    return BeautifulSoup(text, "html.parser")


async def status(phone: Phone, code: str) -> str:
    """The first text of what is answered to this number."""
    said = (await phone.say(f"STATUS {code}"))[-1]
    return str(said["says"][0][0])


async def test_the_same_words_are_said_on_both_sides_and_the_word_stands_nowhere_in_clear(
    jawab: Jawab, owner: Owner, readers: list[Browser]
) -> None:
    ordinary = await tell(jawab, owner, "service", "+923990000001")
    sealed = await tell(jawab, owner, "person", "+923990000002")
    one, other = await ordinary.owed(), await sealed.owed()
    keys = [[key for key, _ in message["says"]] for message in one]
    assert keys == [[key for key, _ in message["says"]] for message in other]
    assert keys[-1][0] == "call.word_kept"
    for table, held in (await dump(owner)).items():
        assert "زرقا".encode() not in held, table
    assert await count(owner, "case_items", "kind = 'safe_word'") == 1


@pytest.mark.parametrize("kind", ["service", "person"])
async def test_the_message_with_the_word_is_kept_on_neither_side_nor_in_the_session(
    jawab: Jawab, owner: Owner, readers: list[Browser], keys: Keys, kind: str
) -> None:
    phone = await tell(jawab, owner, kind, "+923990000002")
    assert "زرقا" not in repr((await phone.session()).memory)
    bodies = await (await owner.execute("SELECT id, body FROM inbox WHERE body IS NOT NULL")).fetchall()
    assert not [1 for one, body in bodies if "زرقا" in str(keys.get_json(body, f"inbox|body|{one}"))]


async def test_a_handler_finds_the_ordinary_case_and_gives_a_new_number(
    jawab: Jawab, owner: Owner, enter: Enter, one: One
) -> None:
    phone = await tell(jawab, owner, "service", "+923990000001")
    old, handler = await phone.code(), await enter("handler")
    case = await one("SELECT id FROM cases")
    found = await handler.post("/desk/lost", asks(word="زرقا  چاند!"))
    assert str(case["id"]) in found.text
    for act, thing in (("case.find_by_word", handler.staff_id), ("case.found_by_word", case["id"])):
        assert await one("SELECT 1 FROM audit WHERE action = %s AND object = %s", act, str(thing))
    new = await give(handler, "/desk/lost")
    assert new != old
    assert await status(phone, new) == "follow.now"
    assert await status(phone, old) == "follow.none"
    page = await handler.get(f"/desk/cases/{case['id']}")
    assert "named a safe word" in page.text
    assert "gave a new number on a call" in page.text
    assert "زرقا" not in page.text


async def test_a_reader_finds_the_sealed_case_and_nobody_at_the_desk_does(
    jawab: Jawab, owner: Owner, enter: Enter, readers: list[Browser], one: One
) -> None:
    phone = await tell(jawab, owner, "person", "+923990000002")
    old, (first, second) = await phone.code(), readers
    case = await one("SELECT id FROM sealed.cases")
    for role in ("handler", "triage"):
        page = await (await enter(role)).post("/desk/lost", asks())
        assert "Nothing here has this word" in page.text
    assert (
        "Nothing here has this word" in (await first.post("/desk/protected/lost", asks(place="pishin.barshore"))).text
    )
    before = await count(owner, "outbox")
    new = await give(first, "/desk/protected/lost")
    assert await count(owner, "outbox") == before, "no phone is sent a number, though it may be messaged"
    for act, thing in (("find_by_word", first.staff_id), ("found_by_word", case["id"]), ("renumber", case["id"])):
        assert await one("SELECT 1 FROM audit WHERE action = %s AND object = %s", f"protected.{act}", str(thing))
    assert await status(phone, new) == "follow.now"
    assert await status(phone, old) == "follow.none"
    opened = await second.post(f"/desk/protected/{case['id']}/open", {"reason": "first_look"})
    assert "Safe word named" in opened.text
    assert "زرقا" not in opened.text
    assert new not in opened.text


async def test_what_stood_at_the_old_number_stands_at_the_new_one_and_later_words_go_into_the_case(
    jawab: Jawab, owner: Owner, readers: list[Browser], one: One
) -> None:
    phone = await tell(jawab, owner, "person", "+923990000002")
    (first, _), case = readers, (await one("SELECT id FROM sealed.cases"))["id"]
    await first.post(f"/desk/protected/{case}/open", {"reason": "first_look"})
    assert (await first.post(f"/desk/protected/{case}/answer", {"text": "منگل کو آئیں"})).status_code == 303
    new = await give(first, "/desk/protected/lost")
    said = (await phone.say(f"STATUS {new}"))[-1]
    assert "منگل" in str(said)
    assert (await one("SELECT count(*) AS n FROM sealed.said"))["n"] == 1
    before = await count(owner, "sealed.items")
    await phone.say("اور ایک بات رہ گئی تھی")
    assert (await count(owner, "sealed.cases"), await count(owner, "sealed.items")) == (1, before + 1)
    assert (await first.post(f"/desk/protected/{case}/answer", {"text": "پھر"})).status_code == 303
    assert (await one("SELECT count(*) AS n FROM sealed.said"))["n"] == 1, "nothing stands at the number that ended"


@pytest.mark.parametrize("kind", ["service", "person"])
async def test_wrong_words_are_counted_stopped_and_alarmed(
    jawab: Jawab, owner: Owner, enter: Enter, readers: list[Browser], one: One, kind: str
) -> None:
    await tell(jawab, owner, kind, "+923990000001")
    side, table = ("", "cases") if kind == "service" else ("/protected", "sealed.cases")
    who, base = (await enter("handler")) if kind == "service" else readers[0], f"/desk{side}/lost"
    case = (await one(f"SELECT id FROM {table}"))["id"]
    for tried in range(lost.MOST_WRONG):
        assert await count(owner, "alarms", "kind = 'word_guessing'") == 0
        where = base if tried % 2 else f"{base}/{case}"  # to guess by way of the new number counts as well
        form = asks(word=f"غلط{tried}", once="00000000-0000-0000-0000-00000000000" + str(tried))
        assert "Nothing here has this word" in (await who.post(where, form)).text
    assert await count(owner, "alarms", "kind = 'word_guessing'") == 1
    stopped = await who.post(base, asks())
    assert stopped.status_code == 422
    assert str(case) not in stopped.text
    assert "led nowhere" in stopped.text


@pytest.mark.parametrize("kind", ["service", "person"])
async def test_the_same_word_of_two_people_shows_both(
    jawab: Jawab, owner: Owner, enter: Enter, readers: list[Browser], kind: str
) -> None:
    for address in ("+923990000001", "+923990000003"):
        await tell(jawab, owner, kind, address)
    who = (await enter("handler")) if kind == "service" else readers[0]
    found = await who.post(f"/desk{'' if kind == 'service' else '/protected'}/lost", asks())
    assert len(parse(found.text).select('section[id^="found-"]')) == 2
    assert "More than one has this word" in found.text


async def test_a_word_goes_behind_the_door_with_its_case(
    jawab: Jawab, owner: Owner, enter: Enter, readers: list[Browser], one: One
) -> None:
    await tell(jawab, owner, "service", "+923990000001")
    handler, case = await enter("handler"), (await one("SELECT id FROM cases"))["id"]
    assert (await handler.post(f"/desk/seal/{case}")).status_code == 303
    assert "Nothing here has this word" in (await handler.post("/desk/lost", asks())).text
    found = await readers[0].post("/desk/protected/lost", asks())
    assert str((await one("SELECT id FROM sealed.cases"))["id"]) in found.text


async def test_who_told_nothing_and_asked_for_a_call_is_found_by_the_triage(
    jawab: Jawab, owner: Owner, enter: Enter, one: One
) -> None:
    phone = Phone(jawab, owner, "+923990000005")
    await phone.say("سلام", "1", *CALLED, SECRET)
    page = await (await enter("triage")).post("/desk/lost", asks())
    assert "It waits in the sorting list" in page.text
    listed = await (await enter("triage")).get("/desk/sorting?state=call")
    assert "named a safe word" in listed.text
    assert "زرقا" not in listed.text
    assert "Nothing here has this word" in (await (await enter("handler")).post("/desk/lost", asks())).text


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"word": ""}, "Write the safe word"),
        ({"word": "؟"}, "Write the safe word"),
        ({"month": "1999-01"}, "Pick the month"),
        ({"month": "x"}, "Pick the month"),
        ({"place": ""}, "Pick the tehsil"),
        ({"place": "ziarat.ziarat"}, "Pick the tehsil"),
    ],
)
async def test_a_form_that_asks_nothing_is_told_so_and_counts_as_no_wrong_word(
    enter: Enter, owner: Owner, form: dict[str, str], says: str
) -> None:
    answered = await (await enter("handler")).post("/desk/lost", {**asks(), **form})
    assert (answered.status_code, says in answered.text) == (422, True)
    assert await count(owner, "word_tries") == 0
