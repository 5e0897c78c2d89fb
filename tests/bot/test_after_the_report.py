"""After the report: an ordinary case and one behind the door, told and answered alike, on real rows.

What both phones read is in `after_the_report.txt`; rewrite it with REWRITE_TRANSCRIPTS=1 and read the diff.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from cases import acts
from cases.protected import acting, reading
from cases.protected.acting import Reader
from locales import LANGS, render
from store import drops
from store.jawab import Jawab
from tests.answers import answer, typed
from tests.bot.phones import Phone, count
from tests.cases.sealed import dump
from tests.cheap import open_private

Owner = psycopg.AsyncConnection[Any]
FILE = Path(__file__).with_name("after_the_report.txt")
CHANNELS = ("whatsapp", "sms")
ORDINARY, PROTECTED = "+923990000001", "+923990000002"
WORD, LAST = "منگل کو آئیں", "ہم نے دیکھ لیا"
MORE, DANGER = "زرقا-7731 کل بتاؤں گا", "استاد نے بچے کو مارا"
CLOSING: dict[str, Any] = {"found": "upheld", "heard": "unnamed", "text": LAST}


class Desk:
    """Both sides of the desk: what is said to an ordinary case is said to the one behind the door as well."""

    def __init__(self, jawab: Jawab, owner: Owner, people: dict[str, UUID], readers: list[tuple[UUID, bytes]]) -> None:
        self.jawab, self.owner, self.people, self.readers = jawab, owner, people, readers

    async def _id(self, table: str) -> UUID:
        row = await (await self.owner.execute(f"SELECT id FROM {table}")).fetchone()
        assert row
        return UUID(str(row[0]))

    async def ordinary(self, verb: Callable[..., Awaitable[Any]], *, by: str = "handler", **more: Any) -> None:
        async with self.jawab.db.transaction("console") as tx:
            case_id, now = await self._id("cases"), datetime.now(UTC)
            await verb(tx, self.jawab.keys, case_id, actor=self.people[by], now=now, **more)

    async def look(self, reader: int) -> list[reading.Item]:
        staff_id, key = self.readers[reader]
        async with self.jawab.db.transaction("custody") as tx:
            case_id, now = await self._id("sealed.cases"), datetime.now(UTC)
            return await reading.open_items(
                tx, self.jawab.keys, case_id, staff_id=staff_id, private_key=key, reason="follow_up", now=now
            )

    async def protected(self, verb: Callable[..., Awaitable[Any]], *, reader: int = 0, **more: Any) -> None:
        async with self.jawab.db.transaction("custody") as tx:
            case_id, now = await self._id("sealed.cases"), datetime.now(UTC)
            await verb(tx, self.jawab.keys, case_id, Reader(*self.readers[reader], now), **more)


@pytest.fixture
async def desk(jawab: Jawab, owner: Owner, demo: SimpleNamespace) -> Desk:
    rows = await (
        await owner.execute("SELECT id, login, role, private_box, key_salt FROM staff ORDER BY login DESC")
    ).fetchall()
    words = {row["user"]: row["password"] for row in demo.all}
    readers = [
        (one, open_private(box, words[login], bytes(salt)))
        for one, login, role, box, salt in rows
        if role == "protected"
    ]
    return Desk(jawab, owner, {role: one for one, _, role, *_ in rows}, readers)


async def filed(desk: Desk, address: str, lang: str, channel: str, kind: str) -> Phone:
    phone = Phone(desk.jawab, desk.owner, address, channel)
    await phone.say(*typed(lang=lang, kind=kind, may_message="yes"))
    return phone


async def reply(desk: Desk) -> None:
    """Acknowledged, begun, answered."""
    await desk.look(0)
    await desk.ordinary(acts.acknowledge)
    await desk.ordinary(acts.start)
    await desk.ordinary(acts.answer, text=WORD, apart=True)
    await desk.protected(acting.see)
    await desk.protected(acting.start)
    await desk.protected(acting.answer, text=WORD)


async def close(desk: Desk) -> None:
    await desk.protected(acting.ask_close, **CLOSING)
    await desk.look(1)
    await desk.protected(acting.close, reader=1)
    await desk.ordinary(acts.answer, text=LAST, apart=True)
    await desk.owner.execute("UPDATE cases SET status = 'resolved', told_at = now() - %s", (timedelta(days=40),))
    await desk.ordinary(acts.close, by="supervisor")


async def live(desk: Desk, ordinary: Phone, protected: Phone) -> None:
    """Acknowledged, begun, answered; answered back, with words of danger too; looked up; closed, and gainsaid."""
    both = (ordinary, protected)
    await reply(desk)
    for phone in both:
        code = await phone.code()
        await phone.say(MORE, DANGER, answer("doubt.thread", "service"), f"STATUS {code}", "MENU")
    await close(desk)
    for phone in both:
        await phone.say(answer("verify.ask", "no"), MORE)
    await desk.look(0)
    for phone in both:
        await phone.say(f"STATUS {await phone.code()}")


async def read(phone: Phone, lang: str) -> list[str]:
    """What this phone shows, without its number, to the day."""
    code = await phone.code()
    shown = [render(message, lang, phone.channel) for message in await phone.owed()]
    spaced = " ".join((code[:4], code[4:8], code[8:12], code[12:]))
    return [one.replace(spaced, "CODE").replace(code, "CODE") for one in shown]


def without_days(text: str) -> str:
    return re.sub(r"[\u06F0-\u06F9\d]{1,2}-[\u06F0-\u06F9\d]{1,2}-[\u06F0-\u06F9\d]{4}", "DATE", text)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("lang", LANGS)
async def test_nobody_can_tell_the_two_apart(desk: Desk, lang: str, channel: str) -> None:
    ordinary = await filed(desk, ORDINARY, lang, channel, "service")
    protected = await filed(desk, PROTECTED, lang, channel, "person")
    await live(desk, ordinary, protected)
    plain, sealed = await read(ordinary, lang), await read(protected, lang)
    assert plain == sealed
    name, text = f"== {lang} {channel}", "\n".join(without_days(one.replace("\n", " / ")) for one in plain)
    kept = dict(re.findall(r"^(== .+)\n((?:(?!== ).*\n)+)", FILE.read_text() if FILE.exists() else "", re.MULTILINE))
    if os.environ.get("REWRITE_TRANSCRIPTS"):
        kept[name] = f"{text}\n"
        FILE.write_text("".join(f"{name}\n{kept[name]}" for name in sorted(kept)))
    assert kept.get(name) == f"{text}\n"


async def test_what_is_answered_without_a_number_is_read_by_its_readers_and_joined_by_nobody_else(
    desk: Desk, owner: Owner
) -> None:
    phone = await filed(desk, PROTECTED, "ur", "sms", "person")
    await desk.look(0)
    await desk.protected(acting.answer, text=WORD, asks=True)
    await phone.say(MORE)
    assert await count(owner, "sealed.dropped") == 1
    row = await (await owner.execute("SELECT id FROM drops")).fetchone()
    assert row
    drop, tables = UUID(str(row[0])), await dump(owner)
    holding = {table for table, held in tables.items() if drop.bytes in held or str(drop).encode() in held}
    assert holding == {"public.drops", "public.outbox", "sealed.dropped"}, "the conversation has let go of it"
    assert not any(MORE.encode() in held for held in tables.values())
    case_id = await desk._id("sealed.cases")
    knows = {table for table, held in tables.items() if case_id.bytes in held}
    assert not holding & knows, "no table knows both the drop and the case"
    (said,) = [item for item in await desk.look(1) if item.data.get("text") == MORE]
    assert said.kind == "more"
    assert await count(owner, "sealed.dropped") == 0


async def test_an_ordinary_case_leaves_the_same_row_and_its_words_go_to_it(desk: Desk, owner: Owner) -> None:
    phone = await filed(desk, ORDINARY, "ur", "sms", "service")
    await desk.ordinary(acts.answer, text=WORD)
    await phone.say(MORE)
    assert (await count(owner, "drops"), await count(owner, "sealed.dropped")) == (1, 0)
    assert await count(owner, "case_items", "author = 'citizen' AND kind = 'more'") == 1


async def test_a_question_that_is_over_leaves_no_drop_and_loses_no_word(desk: Desk, owner: Owner) -> None:
    phone = await filed(desk, PROTECTED, "ur", "sms", "person")
    await desk.look(0)
    await desk.protected(acting.answer, text=WORD)
    await phone.say(MORE)
    await owner.execute("UPDATE drops SET ends_at = now() - interval '25 hours'")
    async with desk.jawab.db.transaction("console") as tx:
        assert await drops.forget(tx) == 1
    assert MORE in [item.data.get("text") for item in await desk.look(0)]


async def test_whoever_says_that_it_is_not_so_opens_a_sealed_case_again(desk: Desk, owner: Owner) -> None:
    phone = await filed(desk, PROTECTED, "ur", "sms", "person")
    await desk.look(0)
    await desk.protected(acting.see)
    await desk.protected(acting.ask_close, **CLOSING)
    await desk.look(1)
    await desk.protected(acting.close, reader=1)
    await phone.say(answer("verify.ask", "no"))
    assert await count(owner, "sealed.cases", "status = 'closed'") == 1, "nobody can tell whose answer it is"
    await desk.look(0)
    assert await count(owner, "sealed.cases", "status = 'disputed'") == 1
