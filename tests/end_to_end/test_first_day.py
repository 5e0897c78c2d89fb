"""The first day of the protected door, on an empty machine: appointed, opened, used once to its end, and brought back.

Everything is done as people do it: commands of the operator and the trustee, pages of the readers, texts of
somebody who writes in Brahui by SMS. The minutes of each step are printed (`-s`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cases import calendar
from locales.render import say
from tests import folders
from tests.answers import typed
from tests.first_day import Minutes, Reader, appoint, begin, pair
from tests.pages import attribute, pick
from tests.providers.twilio import FakeTwilio
from tests.town import CODE, Town, found_town, wait_for

PHONE, OTHER, THIRD = "+923331112233", "+923331112244", "+923331112255"
WORDS = "دفتر نا کلرک کنے آن پیسہ خواہا"
ANSWER, QUESTION, REPLY = "ہم آپ کی بات سمجھ گئے", "یہ کس دن ہوا تھا", "جمعہ کے دن"
LAST = "ہم نے اس کی جانچ کی"


@pytest.fixture
def folder() -> Iterator[Path]:
    with folders.made("first-day") as made:
        yield made


def report(town: Town, phone: str) -> str:
    """Tell something about a person, in Brahui by SMS, and allow messages; all that was answered."""
    turns = typed(lang="brh", kind="person", story=WORDS, may_message="yes")
    return "\n".join(town.say(phone, text, kind="sms") for text in turns)


def hear_next(town: Town, phone: str) -> str:
    """The next message that a phone gets without asking."""
    count = town.heard[phone]
    wait_for(lambda: len(town.messages_to(phone)) > count)
    town.heard[phone] += 1
    return town.messages_to(phone)[count]


def use(town: Town, folder: Path, readers: dict[str, Reader], minutes: Minutes) -> str:
    """One report to its end: what a reporter, two readers and the two of the escrow do. Its page."""
    first, second = readers.values()
    said = report(town, PHONE)
    number = CODE.search(said)
    assert number, said
    code = number.group().replace(" ", "")
    case: str
    (case,) = [one for one in wait_for(first.cases) if "proof" not in one]
    minutes.note("reported in Brahui by SMS")

    page = first.open(case)
    assert WORDS in page.get_text()
    first.submit(first.get(case), "/seen")
    assert code[-4:] in hear_next(town, PHONE).replace(" ", "")
    minutes.note("first look")
    first.submit(first.get(case), "/answer", text=ANSWER)
    assert ANSWER not in hear_next(town, PHONE), "a shared phone shows that there is an answer, and not which"
    assert ANSWER in town.say(PHONE, code, kind="sms")
    first.submit(first.get(case), "/askback", text=QUESTION)
    hear_next(town, PHONE)
    town.say(PHONE, REPLY, kind="sms")
    wait_for(lambda: REPLY in second.open(case).get_text())
    minutes.note("answered, asked, and the reporter's own words collected by the second reader")

    back = (calendar.day_of(datetime.now(UTC)) + timedelta(days=3)).isoformat()
    planned = first.submit(first.get(case), "/plan", text="one more look", until=back)
    assert planned.select_one("[role=status]")
    minutes.note("a day to come back to it")

    agreed = {
        "consent_who": "reporter",
        "consent_how": "written",
        "consent_on": calendar.day_of(datetime.now(UTC)).isoformat(),
    }
    first.submit(first.open(case), "/refer", **agreed, text="somebody needs a lawyer", word="", until=back)
    for step in ("accept", "done"):
        first.submit(first.open(case), "/referral", step=step, text="", word="")
    assert first.open(case).select_one("form[action$='/referral']") is None, "nothing is left to be done"
    minutes.note("referred with consent, accepted, done")

    page = first.get(case)
    ended = first.submit(page, "/ask", found="upheld", heard=attribute(pick(page, "[name=heard]"), "value"), text=LAST)
    assert "closed" not in attribute(pick(ended, ".badge"), "class")
    second.open(case)
    assert "closed" in attribute(pick(second.submit(second.get(case), "/close"), ".badge"), "class")
    hear_next(town, PHONE)
    hear_next(town, PHONE)
    assert LAST in town.say(PHONE, code, kind="sms")
    minutes.note("closed by the second, and read at the number")

    why = ("--by", "A, the court", "--by", "B, the commission", "--reason", "both readers are away today")
    stick = ("--key", str(folder / "stick" / "escrow.key"))
    assert WORDS in town.run("protected", "escrow", "open", case.rpartition("/")[2], *why, *stick)
    assert "B, the commission" in first.get("/desk/protected").get_text()
    minutes.note("the escrow opened once, and the readers told")
    return case


@pytest.mark.timeout(900)
def test_it_is_opened_used_and_brought_back(folder: Path) -> None:
    minutes = Minutes()
    with FakeTwilio() as provider, ExitStack() as people:
        with found_town("live", folder / "var", provider) as town:
            minutes.note("started on an empty machine")
            begin(town, "sms")
            for text in typed(past="kind", lang="brh", kind="person"):
                said = town.say(OTHER, text, kind="sms")
            assert say("door.closed", "brh") in said
            pair(town, folder)
            minutes.note("a district, a number, and an escrow's pair made elsewhere")
        with found_town("live", folder / "var", provider) as town:
            minutes.note("started again with the escrow's public half")
            readers = appoint(town, folder, minutes)
            for reader in readers.values():
                people.enter_context(reader)
            assert "the protected door is open" in town.run("protected", "open")
            minutes.note("the door is open")
            case = use(town, folder, readers, minutes)
            taken_back = CODE.search("\n".join(town.say(THIRD, text, kind="sms") for text in typed(lang="brh")))
            assert taken_back
            town.run("backup", str(folder / "jawab.dump"))
            town.run("erase", taken_back.group(), "--yes")
            town.run("audit", "verify")
            minutes.note("a dump; after it somebody took an ordinary case back")
        fresh = folder / "fresh"
        shutil.copytree(folder / "var" / "keys", fresh / "keys")
        shutil.copy(folder / "var" / "erased.list", fresh)
        with found_town("live", fresh, provider, dump=folder / "jawab.dump") as town:
            minutes.note("restored on another machine, and started")
            town.run("erase", taken_back.group(), "--yes", code=1)  # it was gone again before anything started
            town.run("audit", "verify")
            for reader in readers.values():
                reader.move(town)
            assert WORDS in readers["reader-2"].open(case).get_text()
            minutes.note("a reader reads there what was reported")
    minutes.show()
