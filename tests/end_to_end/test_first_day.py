"""The first day of the protected door, on an empty machine: appointed, opened, used once to its end, and brought back.

Everything is done as people do it: commands of the operator and the trustee, pages of the readers, texts of
somebody who writes in Brahui by SMS. The minutes of each step are printed (`-s`).
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from bs4 import BeautifulSoup

from cases import calendar
from house.postgres import as_owner
from locales.render import say
from store import totp
from tests import folders
from tests.answers import typed
from tests.pages import PlainBrowser, attribute, pick
from tests.providers.twilio import FakeTwilio
from tests.town import CODE, OURS, Town, found_town, wait_for

PHONE, OTHER, THIRD = "+923331112233", "+923331112244", "+923331112255"
WORDS = "دفتر نا کلرک کنے آن پیسہ خواہا"
ANSWER, QUESTION, REPLY = "ہم آپ کی بات سمجھ گئے", "یہ کس دن ہوا تھا", "جمعہ کے دن"
LAST = "ہم نے اس کی جانچ کی"
BODIES = """
districts:
  pishin:
    - names: {en: "A body of the test", ur: "آزمائشی ادارہ"}
      phone: "+920000000000"
      source: made for a test
      read_on: 2026-11-26
"""
PROVIDERS = """
province:
  - kind: legal
    names: {en: "Legal aid of the test", ur: "آزمائشی قانونی مدد"}
    phone: "000"
    source: made for a test
    read_on: 2026-11-26
"""


@dataclass
class Minutes:
    """How long each step took."""

    since: float = field(default_factory=time.monotonic)
    rows: list[tuple[str, float]] = field(default_factory=list)

    def note(self, step: str) -> None:
        now = time.monotonic()
        self.rows.append((step, now - self.since))
        self.since = now

    def show(self) -> None:
        for step, seconds in [*self.rows, ("all together", sum(seconds for _, seconds in self.rows))]:
            sys.stdout.write(f"{seconds / 60:6.2f} min  {step}\n")


class Reader(PlainBrowser):
    """A protected handler, at the address of custody."""

    def __init__(self, town: Town, login: str, password: str) -> None:
        super().__init__(town.custody_url)
        self.login, self.password = login, password
        second = self.submit(self.get("/desk/login"), "/desk/login", login=login, password=password)
        self.secret = base64.b32decode(pick(second, "code").get_text().replace(" ", ""))
        self.submit(second, "/second", code=totp.code_at(self.secret, int(time.time() // totp.PERIOD)))

    def move(self, town: Town) -> None:
        """Sign in where the house stands now, with the next code of the same app."""
        self.http.close()
        super().__init__(town.custody_url)
        second = self.submit(self.get("/desk/login"), "/desk/login", login=self.login, password=self.password)
        self.submit(second, "/second", code=totp.code_at(self.secret, int(time.time() // totp.PERIOD) + 1))

    def cases(self) -> list[str]:
        return [attribute(link, "href") for link in self.get("/desk/protected").select("tbody a")]

    def open(self, case: str) -> BeautifulSoup:
        page = self.get(case)
        reason = attribute(pick(page, "input[name=reason]"), "value")
        return self.submit(page, "/open", reason=reason)


@pytest.fixture
def folder() -> Iterator[Path]:
    with folders.made("first-day") as made:
        yield made


def stay_awake(town: Town) -> None:
    """No quiet hours, whatever the hour at which this runs."""
    url = json.loads((town.data / "run" / "running.json").read_text())["database_url"]
    with psycopg.connect(as_owner(url, town.data), autocommit=True) as owner:
        owner.execute("UPDATE districts SET quiet_from = NULL, quiet_to = NULL")


def hire(town: Town, login: str, role: str) -> str:
    """The password of a person of the province, which is shown once."""
    said = town.run("staff", "add", login, role, "--name", login)
    row = next(line for line in said.splitlines() if login in line)
    return row.split("│")[-2].strip()


def report(town: Town, phone: str) -> str:
    """Tell something about a person, in Brahui by SMS, and allow messages; all that was answered."""
    turns = typed(lang="brh", kind="person", story=WORDS, may_message="yes")
    return "\n".join(town.say(phone, text, kind="sms") for text in turns)


def appoint(town: Town, folder: Path, minutes: Minutes) -> dict[str, Reader]:
    """Handlers, trustee, triage, and others to ask: what `jawab protected open` asks for, in its order."""
    logins = {login: hire(town, login, "protected") for login in ("reader-1", "reader-2")}
    hire(town, "triage-1", "triage")
    readers = {login: Reader(town, login, password) for login, password in logins.items()}
    minutes.note("two handlers and a triage appointed; both signed in with a second factor")
    trustee = folder / "trustee.key"
    public = town.run("roster", "key", str(trustee)).split()[-1]
    town.run("roster", "pin", public)
    town.run("roster", "export", str(folder / "roster.json"))
    town.run("roster", "sign", str(folder / "roster.json"), "--key", str(trustee))
    town.run("roster", "load", str(folder / "roster.json"))
    minutes.note("a trustee signed")
    said = town.run("protected", "open")  # it is, and two things are still to do
    assert all(step in said for step in ("TO DO  6", "TO DO  8"))
    for reader in readers.values():
        page = reader.get("/desk/protected/proof")
        reader.submit(page, "/proof")
    for name, text in {"outside": BODIES, "provider": PROVIDERS}.items():
        (folder / f"{name}.yaml").write_text(text)
        town.run(name, "load", str(folder / f"{name}.yaml"))
    minutes.note("test items opened; others to ask, and who helps, loaded")
    return readers


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
            town.run("district", "add", "pishin")
            town.run("channel", "add", "sms", OURS, "pishin")
            stay_awake(town)
            for text in typed(past="kind", lang="brh", kind="person"):
                said = town.say(OTHER, text, kind="sms")
            assert say("door.closed", "brh") in said
            pair = town.run("protected", "pair", str(folder / "stick"))
            minutes.note("a district, a number, and an escrow's pair made elsewhere")
            brought = re.search(r"--escrow (\w+) --fingerprint (\S+)", pair)
            assert brought
            town.run("protected", "open", "--escrow", brought[1], "--fingerprint", brought[2], code=1)
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
