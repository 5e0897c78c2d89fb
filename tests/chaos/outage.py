"""The provider's port is closed while people talk and an edition goes out; then it opens again.

What must be so afterwards: nothing failed, nothing went out twice, each person got their messages in the order in which
they were written, one alarm was sounded and it is cleared.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import timedelta
from typing import Any

import psycopg

from house.postgres import as_owner
from settings import load
from store import contacts
from store.crypto import Keys
from tests.chaos.table import Row, must, none
from tests.town import OURS, Town, wait_for

TURNS = ("سلام", "MENU", "1", "0", "MENU", "1", "0")
WAITING = ("queued", "sending", "parked")


class Outage:
    """One running town, its database, and the people in it."""

    def __init__(self, town: Town, readers: int, talkers: int) -> None:
        self.town = town
        self.readers = [f"+92388{number:07d}" for number in range(readers)]
        self.talkers = [f"+92399{number:07d}" for number in range(talkers)]
        settings = load(data=town.data, mode="demo")
        self.keys = Keys.load(settings.key_file)
        place = as_owner(settings.database_url, settings.data)
        self.db = psycopg.connect(place, autocommit=True, row_factory=psycopg.rows.dict_row)
        self.refused = 0

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────
    def run(self, seconds: float, hours: float) -> Iterator[Row]:
        """Closed twice: for so many seconds of this machine's time, then for so many hours of the database's."""
        self.talk(TURNS[:1])  # makes the number, and everybody's first contact
        edition = self.publish()
        wait_for(lambda: len(self.town.provider.ledger) > len(self.talkers) + len(self.readers) // 10, 120)
        self.close(lambda: time.sleep(seconds))
        yield from self.look(f"closed for {seconds:.0f} s", edition, alarms=1)
        self.close(lambda: self.pass_time(timedelta(hours=hours)))
        yield from self.look(f"closed for {hours:g} h of the database's time", edition, alarms=2)

    def close(self, wait: Any) -> None:
        """Nobody listens while people write, then somebody does."""
        self.town.provider.stop()
        self.talk(TURNS)
        wait()
        self.talk(TURNS)
        self.town.provider.start(self.town.provider.port)
        wait_for(lambda: not self.count("state = ANY(%s)", list(WAITING)), 300)

    def talk(self, turns: tuple[str, ...]) -> None:
        """Everybody says these in their order; all of them at once."""
        with ThreadPoolExecutor(8) as pool:
            for done in as_completed([pool.submit(self._say, phone, turns) for phone in self.talkers]):
                done.result()

    def _say(self, phone: str, turns: tuple[str, ...]) -> None:
        for text in turns:
            self.refused += self.town.post(phone, text).status_code != 200

    def publish(self) -> uuid.UUID:
        """Last week's edition, drafted by one, approved by another, on its way to every reader."""
        channel = self.one("SELECT district_id, id FROM channels WHERE kind = 'whatsapp' AND address = %s", OURS)
        people = [(uuid.uuid4(), phone) for phone in self.readers]
        with self.db.transaction(), self.db.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO contacts (id, channel_id, address_tag, address_box, lang, last_inbound_at, weekly_since)"
                " VALUES (%s, %s, %s, %s, 'ur', now() + interval '1 day', now())",
                [
                    (one, channel["id"], one.bytes, self.keys.encrypt(phone.encode(), contacts.bound_to(one)))
                    for one, phone in people
                ],
            )
        district = channel["district_id"]
        week = self.town.command("edition", "draft", district, "--by", self.town.login("editor")[0])["week"]
        self.town.command("edition", "approve", district, week, "--by", self.town.login("approver")[0])
        return uuid.UUID(self.town.command("edition", "publish", district, week)["id"])

    def pass_time(self, gone: timedelta) -> None:
        """As if that much time had gone by: every moment is so much longer ago."""
        self.db.execute(
            "UPDATE outbox SET due_at = due_at - %(gone)s, created_at = created_at - %(gone)s,"
            " claimed_at = claimed_at - %(gone)s, expires_at = expires_at - %(gone)s",
            {"gone": gone},
        )
        self.db.execute("UPDATE channels SET away_since = away_since - %s", (gone,))

    # ── what is seen ─────────────────────────────────────────────────────────────────────────────────────────────
    def look(self, when: str, edition: uuid.UUID, *, alarms: int) -> Iterator[Row]:
        ledger = list(self.town.provider.ledger)
        mids = [taken.callback.split("mid=")[1].split("&")[0] for taken in ledger]
        owed = self.one("SELECT count(*) AS n FROM outbox")["n"]
        failed = self.count("state IN ('failed', 'undelivered')")
        wrong = sum(not self._in_order(phone, ledger) for phone in self.talkers)
        sounded = self.one("SELECT count(*) AS n, count(cleared_at) AS over FROM alarms WHERE kind = 'provider_away'")
        news = self.one(
            "SELECT count(*) AS n FROM outbox o JOIN contacts c ON c.id = o.contact_id JOIN channels h"
            " ON h.id = c.channel_id WHERE o.edition_id = %s AND o.state = 'sent' AND h.kind = 'whatsapp'",
            edition,
        )["n"]
        withdrawn = self.count("state = 'withdrawn'")
        gone, people = len(set(mids)), len(self.readers)
        said = f"{sounded['n']}, {sounded['over']} cleared"
        yield none(f"{when}: web hooks not answered with 200", self.refused)
        yield none(f"{when}: messages that failed", failed)
        yield none(f"{when}: sent twice", len(mids) - gone)
        due = owed - withdrawn
        yield must(f"{when}: taken by the provider, of what is owed", f"{due}", gone, gone == due)
        yield must(f"{when}: readers of the edition", f"{people}", news, news == people)
        yield none(f"{when}: people whose messages came out of order", wrong)
        right = sounded["n"] == sounded["over"] == alarms
        yield must(f"{when}: alarms so far", f"{alarms}, {alarms} cleared", said, right)

    def _in_order(self, phone: str, ledger: list[Any]) -> bool:
        came = [
            taken.callback.split("mid=")[1].split("&")[0]
            for taken in ledger
            if taken.to.removeprefix("whatsapp:") == phone
        ]
        rows = self.db.execute(
            "SELECT id::text FROM outbox WHERE id = ANY(%s::uuid[]) ORDER BY created_at, id", (came,)
        ).fetchall()
        return came == [row["id"] for row in rows]

    def one(self, statement: Any, *values: Any) -> dict[str, Any]:
        row = self.db.execute(statement, values).fetchone()
        assert row is not None
        return dict(row)

    def count(self, which: str, *values: Any) -> int:
        return int(self.one(f"SELECT count(*) AS n FROM outbox WHERE {which}", *values)["n"])
