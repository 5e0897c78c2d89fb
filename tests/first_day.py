"""The first day of the protected door, as people do it: a district, an escrow, readers, and it is open."""

from __future__ import annotations

import base64
import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from bs4 import BeautifulSoup

from house.postgres import as_owner
from store import totp
from tests.pages import PlainBrowser, attribute, pick
from tests.providers.twilio import FakeTwilio
from tests.town import OURS, SMALL, Town, found_town

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


def begin(town: Town, *kinds: str) -> None:
    """A district, our number on each kind of channel, and nobody asleep."""
    town.run("district", "add", "pishin")
    for kind in kinds:
        town.run("channel", "add", kind, OURS, "pishin")
    stay_awake(town)


def pair(town: Town, folder: Path) -> None:
    """An escrow's pair made elsewhere: its public half is brought here, and read at the next start."""
    said = town.run("protected", "pair", str(folder / "stick"))
    brought = re.search(r"--escrow (\w+) --fingerprint (\S+)", said)
    assert brought
    town.run("protected", "open", "--escrow", brought[1], "--fingerprint", brought[2], code=1)


@contextmanager
def opened_town(
    folder: Path, provider: FakeTwilio, *kinds: str, settings: Mapping[str, str] = SMALL
) -> Iterator[tuple[Town, dict[str, Reader]]]:
    """A town whose door is open, in the evening of its first day, and its readers, who are signed in."""
    with found_town("live", folder / "var", provider, settings=settings) as town:
        begin(town, *kinds)
        pair(town, folder)
    with found_town("live", folder / "var", provider, settings=settings) as town, ExitStack() as people:
        readers = appoint(town, folder, Minutes())
        for reader in readers.values():
            people.enter_context(reader)
        town.run("protected", "open")
        yield town, readers
