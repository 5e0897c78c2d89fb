"""Two cases from their first word to their end, message by message as the phones show them, each beside its row.

Time is moved in the rows: every moment that stands in a table is so much longer ago. What must be read is in the files
`life_*.txt` beside this one; rewrite them with REWRITE_TRANSCRIPTS=1 and read the diff.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest

import jobs
from bot import intake, templates
from bot.deliver import drain
from cases import acts, notices, offices, ways
from store.database import Tx
from store.jawab import Jawab
from tests import truth
from tests.answers import answer, typed
from tests.bot.phones import Phone
from tests.later import later
from tests.providers.faults import NO_SUCH_NUMBER
from tests.providers.twilio import FakeTwilio
from tests.today import today

HERE = Path(__file__).parent
CITIZEN, OFFICE, COMMISSIONER, SUPERVISOR = "+923990000001", "+923330000001", "+923330000009", "+923330000005"
NAMES = {CITIZEN: "citizen", OFFICE: "office", COMMISSIONER: "Deputy Commissioner", SUPERVISOR: "supervisor"}
AT_WORK = ("go_quiet", "escalate", "tell_offices", "ask_again", "carry_out")  # what the clock does


@dataclass
class Life:
    """One case, the people around it, and what was seen of it."""

    jawab: Jawab
    owner: psycopg.AsyncConnection[Any]
    twilio: FakeTwilio
    phone: Phone
    case: UUID = field(init=False)
    hours: float = 0.0
    lines: list[str] = field(default_factory=list)
    looked_at: list[UUID] = field(default_factory=list)
    shown: int = 0

    async def write(self, *texts: str) -> None:
        for text in texts:
            self.lines.append(f"{self._when()}  citizen  > {text}")
            assert await intake.take(self.jawab, self.phone.inbound(text)) == "taken"
            await self.look()

    async def act(self, name: str, verb: Callable[..., Awaitable[Any]], **more: Any) -> None:
        """Somebody at the desk does something."""
        self.lines.append(f"{self._when()}  desk     * {name}")
        async with self.jawab.db.transaction("console") as tx:
            await verb(tx, now=datetime.now(UTC), **more)
        await self.look()

    async def wait(self, hours: float) -> None:
        """So many hours go by; then the clock's jobs run."""
        whole = int((self.hours + hours) // 24) - int(self.hours // 24)
        self.hours += hours
        await later(self.owner, hours, days=whole)
        await self.look()

    async def look(self) -> None:
        """Let the clock and the sender work until nothing moves; write down what the phones show, and its rows."""
        for _ in range(3):
            for job in jobs.JOBS:
                if job.name in AT_WORK:
                    await job.work(self.jawab, datetime.now(UTC))
            await drain(self.jawab, "replies")
        unproven, seen = await truth.unproven(self.owner, self.jawab.keys, self.looked_at)
        assert unproven == [], "what is said happened"
        self.looked_at += seen
        for taken in sorted(self.twilio.ledger[self.shown :], key=lambda one: one.to.removeprefix("whatsapp:")):
            who = NAMES.get(taken.to.removeprefix("whatsapp:"), "?")
            row = await self._row("SELECT * FROM outbox WHERE provider_id = %s", taken.sid)
            plain = "WhatsApp" if taken.to.startswith("whatsapp:") else "SMS"
            way = f"template {row['template']}" if row["template"] and row["missed"] else plain
            self.lines.append(f"{self._when()}  {who}  < [{way}] {self._mask(taken.body)}")
            self.lines.append(f"       {'':9}  = outbox {row['state']}{await self._proof(row)}")
        self.shown = len(self.twilio.ledger)

    async def _proof(self, row: dict[str, Any]) -> str:
        """The line of the case's thread and its last act, which the message tells of."""
        said = await fetch_all(self.owner, "SELECT verb FROM case_items WHERE outbox_id = %s", row["id"])
        return "".join(f", case_items said {one['verb']}" for one in said)

    async def note(self, what: str, statement: str) -> None:
        """A row that proves what nobody was sent."""
        row = await self._row(statement, self.case)
        self.lines.append(f"{self._when()}  row      = {what}: {', '.join(str(value) for value in row.values())}")

    def _when(self) -> str:
        return f"{self.hours:5g} h"

    def _mask(self, text: str) -> str:
        """Without what differs from day to day."""
        text = re.sub(r"\d{4} \d{4} \d{4} \d|\d{13}", "CODE", re.sub("[\u2066-\u2069]", "", text))
        text = re.sub(r"\d{1,2}-\d{1,2}-\d{4}", "DATE", text)
        text = re.sub(r"/o/[\w-]+", "/o/LINK", text)
        text = re.sub(r"\b\d{8}\b", "REF", text)
        return " / ".join(part for part in text.splitlines() if part)

    async def _row(self, statement: str, *values: Any) -> dict[str, Any]:
        return (await fetch_all(self.owner, statement, *values))[0]

    def read(self, name: str) -> None:
        """Hold what was seen to the file."""
        kept, text = HERE / f"life_{name}.txt", "\n".join(self.lines) + "\n"
        if os.environ.get("REWRITE_TRANSCRIPTS"):
            kept.write_text(text)
        assert text == kept.read_text()


async def fetch_all(owner: psycopg.AsyncConnection[Any], statement: str, *values: Any) -> list[dict[str, Any]]:
    async with owner.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return list(await (await cursor.execute(statement, values)).fetchall())


@pytest.fixture
async def life(
    jawab: Jawab,
    owner: psycopg.AsyncConnection[Any],
    demo: SimpleNamespace,
    twilio: FakeTwilio,
    monkeypatch: pytest.MonkeyPatch,
) -> Life:
    """A town whose templates are approved and whose water office can be written to."""
    monkeypatch.setattr(notices, "MORNING", time(0))  # whenever this is run
    made = Life(jawab, owner, twilio, Phone(jawab, owner, CITIZEN, "whatsapp"))
    await made.phone.say("سلام")
    await owner.execute("DELETE FROM outbox WHERE state = 'queued'")
    await templates.sync(jawab)
    twilio.decide("approved")
    await templates.refresh(jawab, datetime.now(UTC))
    now = datetime.now(UTC)
    async with jawab.db.transaction("console") as tx:
        for department, address in (("water", OFFICE), ("administration", COMMISSIONER)):
            office = await find_office(tx, demo.district, department)
            await ways.put(tx, jawab.keys, kind="sms", address=address, now=now, office_id=office)
            await offices.give_pin(tx, jawab.keys, office, now)
        person = await staff(made, "supervisor")
        await ways.put(tx, jawab.keys, kind="sms", address=SUPERVISOR, now=now, staff_id=person)
    return made


async def find_office(tx: Tx, district: str, department: str) -> UUID:
    return await offices.find(tx, district, department)


async def staff(life: Life, role: str) -> UUID:
    rows = await fetch_all(life.owner, "SELECT id FROM staff WHERE role = %s ORDER BY login LIMIT 1", role)
    return UUID(str(rows[0]["id"]))


async def file(life: Life) -> None:
    await life.write(*typed(lang="ur", story="تین دن سے نلکے میں پانی نہیں آ رہا")[1:])
    rows = await fetch_all(life.owner, "SELECT id FROM cases ORDER BY opened_at DESC LIMIT 1")
    life.case = UUID(str(rows[0]["id"]))


async def test_a_case_that_is_late_referred_half_done_and_confirmed(life: Life, demo: SimpleNamespace) -> None:
    handler, supervisor = await staff(life, "handler"), await staff(life, "supervisor")
    keys = life.jawab.keys
    await file(life)
    await life.wait(72.5)
    await life.note("late after 72 h", "SELECT kind, overdue_at IS NOT NULL AS late, met_at FROM clocks"
                    " WHERE case_id = %s AND kind = 'acknowledge'")  # fmt: skip
    await life.wait(2.5)
    await life.act("acknowledge", lambda tx, **m: acts.acknowledge(tx, keys, life.case, actor=handler, **m))
    await life.wait(25)
    async with life.jawab.db.autocommit("console") as conn:
        water = await offices.find(conn, demo.district, "water")
    due = today() + timedelta(days=5)
    await life.act(
        "refer to the water office, to answer in five days",
        lambda tx, **m: acts.refer(
            tx, keys, life.case, actor=handler, office_id=water, due_on=due, summary="Pump of the bazaar.", **m
        ),
    )
    for _ in range(10):
        await life.wait(24)
    await life.note("fourteenth day", "SELECT kind, overdue_at IS NOT NULL AS late FROM clocks"
                    " WHERE case_id = %s AND kind = 'resolve'")  # fmt: skip
    await life.note("referral: told, seen, answered, silent", "SELECT told_at IS NOT NULL AS told, seen_at,"
                    " answered_at, silent_at IS NOT NULL AS silent FROM referrals"
                    " WHERE case_id = %s AND kind = 'refer'")  # fmt: skip
    await life.wait(20)
    await life.act(
        "resolve: repaired",
        lambda tx, **m: acts.resolve(tx, keys, life.case, actor=handler, outcome="repaired", done_on=today(), **m),
    )
    await life.write("1")  # to the knock: the question was not seen yet, and this is no "yes, it is done"
    await life.note("not asked yet, nothing said", "SELECT status FROM cases WHERE id = %s")
    await life.write(answer("verify.ask", "half"))
    await life.note("half", "SELECT status FROM cases WHERE id = %s")
    await life.wait(30)
    await life.act(
        "resolve again, by another person",
        lambda tx, **m: acts.resolve(tx, keys, life.case, actor=supervisor, outcome="repaired", done_on=today(), **m),
    )
    await life.write(answer("verify.ask", "yes"))
    await life.note("in the end", "SELECT status, decision FROM cases WHERE id = %s")
    life.read("late")


async def test_a_phone_that_cannot_be_reached(life: Life, demo: SimpleNamespace) -> None:
    handler = await staff(life, "handler")
    keys = life.jawab.keys
    await file(life)
    life.twilio.fault_for = lambda form: NO_SUCH_NUMBER if form["To"].endswith(CITIZEN) else None
    await life.wait(20)
    await life.act("acknowledge", lambda tx, **m: acts.acknowledge(tx, keys, life.case, actor=handler, **m))
    await life.note("its message", "SELECT o.state, o.error FROM outbox o JOIN case_items i ON i.outbox_id = o.id"
                    " WHERE i.case_id = %s AND i.verb = 'acknowledge'")  # fmt: skip
    await life.note("read by a person", "SELECT met_at IS NOT NULL AS met FROM clocks"
                    " WHERE case_id = %s AND kind = 'acknowledge'")  # fmt: skip
    await life.note("told", "SELECT verb, reached_at, by_code FROM told_of_cases WHERE case_id = %s"
                    " AND verb = 'acknowledge'")  # fmt: skip
    await life.act(
        "resolve: repaired",
        lambda tx, **m: acts.resolve(tx, keys, life.case, actor=handler, outcome="repaired", done_on=today(), **m),
    )
    await life.note("asked of whom", "SELECT status, asked_at, ask_count FROM cases WHERE id = %s")
    rows = await fetch_all(life.owner, "SELECT code FROM cases WHERE id = %s", life.case)
    other = Phone(life.jawab, life.owner, "+923990000077", "sms")
    for said in await other.say("سلام", f"STATUS {rows[0]['code']}"):
        life.lines.append(f"{life._when()}  another  < {life._mask(str([key for key, _ in said['says']]))}")
    life.read("unreached")
