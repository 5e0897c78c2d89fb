"""A sealed turn and an ordinary one do the same work: the same statements, the same hashes, step by step."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from bot import intake
from bot.intake import district, drawer, rehearsal
from bot.intake.drawer import Drawer
from flows import codes
from store.crypto import Keys
from store.jawab import Jawab
from tests.answers import STORY, typed
from tests.bot.phones import Owner, Phone, count


class Work:
    """What was asked of the database and of the processor since the last look."""

    def __init__(self) -> None:
        self.statements: Counter[str] = Counter()
        self.hashes = 0
        self.filled = threading.Semaphore(0)

    def hash_quickly(self, code: str) -> bytes:
        """What stands in for a hash where they are only counted."""
        self.hashes += 1
        return hashlib.blake2b(code.encode(), digest_size=32).digest()

    def take(self) -> tuple[Counter[str], int]:
        taken = self.statements, self.hashes
        self.statements, self.hashes = Counter(), 0
        return taken


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Counts what is asked, by whom is not seen: everything goes through these four."""
    seen = Work()
    execute, many = psycopg.AsyncCursor.execute, psycopg.AsyncCursor.executemany
    hash_code = Keys.hash_code

    def note(query: Any) -> None:
        seen.statements[query if isinstance(query, str) else type(query).__name__] += 1

    async def one(self: Any, query: Any, *args: Any, **more: Any) -> Any:
        note(query)
        return await execute(self, query, *args, **more)

    async def several(self: Any, query: Any, rows: Any, **more: Any) -> None:
        note(query)
        await many(self, query, rows, **more)

    def hashed(self: Keys, code: str) -> bytes:
        made = hash_code(self, code)
        if threading.current_thread().name == "drawer":
            seen.filled.release()
        else:
            seen.hashes += 1
        return made

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", one)
    monkeypatch.setattr(psycopg.AsyncCursor, "executemany", several)
    monkeypatch.setattr(Keys, "hash_code", hashed)
    return seen


async def turns(phone: Phone, work: Work, said: list[str]) -> list[tuple[Counter[str], int]]:
    done = []
    for text in said:
        work.take()
        assert await intake.take(phone.jawab, phone.inbound(text)) == "taken"
        done.append(work.take())
    return done


AFTERWARDS = ["اور بھی بات ہے", "2"]
A_CALL = ["مجھے فون کریں", "1", "1", "گلاب"]  # and the word that it asks for


async def test_both_sides_of_the_door_ask_the_same_of_the_database_and_the_processor(
    jawab: Jawab, owner: Owner, phone: Phone, work: Work
) -> None:
    said = {
        kind: [*typed(category="security", kind=kind, story=STORY), *AFTERWARDS, *A_CALL]
        for kind in ("service", "person")
    }
    await phone.say("سلام")  # what is read once a minute has been read
    ordinary = await turns(Phone(jawab, owner, "+923990000011"), work, said["service"])
    sealed = await turns(Phone(jawab, owner, "+923990000012"), work, said["person"])
    assert len(ordinary) == len(sealed)
    for number, (one, other) in enumerate(zip(ordinary, sealed, strict=True)):
        assert one[0] - other[0] == other[0] - one[0] == Counter(), (number, said["service"][number])
        assert one[1] == other[1], (number, "hashes")
    assert await count(owner, "sealed.cases") == 1
    assert await count(owner, "cases") == 1


ASIDE = ("1", "MENU", "0", "STATUS", "LANGUAGE", "STOP", A_CALL[0])
WAITS = ("2", "HELP", "اور بھی بات ہے", "استاد نے بچے کو مارا")  # after which something is open or held
THEN = ("1", "2", "MENU", "اور بھی بات ہے")


@pytest.mark.parametrize(
    ("question", "first"),
    [("place", "سلام"), ("story", "سلام"), ("message", "سلام"), ("done", "سلام"), ("place", STORY), ("message", STORY)],
)
async def test_whatever_is_answered_both_sides_ask_the_same(
    jawab: Jawab,
    owner: Owner,
    phone: Phone,
    work: Work,
    monkeypatch: pytest.MonkeyPatch,
    question: str,
    first: str,
) -> None:
    monkeypatch.setattr(district, "FRESH", 3600.0)
    failed: list[str] = []
    monkeypatch.setattr(rehearsal.log, "error", lambda *_, **why: failed.append(str(why)))
    monkeypatch.setattr(Keys, "hash_code", lambda _, code: work.hash_quickly(code))
    begun = {
        kind: typed(question, first=first, category="security", kind=kind, story=STORY)
        for kind in ("service", "person")
    }
    numbers = itertools.count(3990001000)
    await phone.say("سلام")
    for said in (*((one,) for one in ASIDE), *itertools.product(WAITS, THEN)):
        done = {}
        for kind, before in begun.items():
            writer = Phone(jawab, owner, f"+92{next(numbers)}")
            await turns(writer, work, before)
            done[kind] = await turns(writer, work, list(said))
        assert done["service"] == done["person"], (question, said)
        assert not failed, (question, said)


async def test_no_turn_of_a_report_waits_for_a_hash_on_either_side_of_the_door(
    jawab: Jawab, owner: Owner, phone: Phone, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = Drawer(jawab.keys, size=3)
    monkeypatch.setitem(drawer._of, jawab.db, ours)
    with ours.filling():
        for _ in range(3):
            assert await asyncio.to_thread(work.filled.acquire, timeout=60)
    for number, kind in enumerate(("service", "person")):
        writer = Phone(jawab, owner, f"+92399000002{number}")
        said = [*typed(category="security", kind=kind, story=STORY), *AFTERWARDS]
        assert sum(hashes for _, hashes in await turns(writer, work, said)) == 0, kind
        assert (await writer.session()).hashes == {(code := await writer.code()): jawab.keys.hash_code(code).hex()}
    assert await count(owner, "sealed.cases") == 1
    assert ours.draw().hash is not None, "a code that no turn gave lies there for the next"


@pytest.mark.parametrize("many", [128, 2], ids=["as we ship it", "as the office says"])
async def test_a_burst_as_large_as_the_office_says_finds_a_code_ready(jawab: Jawab, work: Work, many: int) -> None:
    said = {} if many == 128 else {"codes_ready": many}
    ours = drawer.of(replace(jawab, settings=jawab.settings.model_copy(update=said)))
    with ours.filling():
        for _ in range(many):
            assert await asyncio.to_thread(work.filled.acquire, timeout=60)
    burst = [ours.draw() for _ in range(many + 1)]
    assert [code.hash is not None for code in burst] == [True] * many + [False]
    assert len({code.code for code in burst}) == many + 1


async def test_where_the_drawer_is_empty_a_report_waits_once_on_either_side_of_the_door(
    jawab: Jawab, owner: Owner, phone: Phone, work: Work
) -> None:
    await phone.say("سلام")
    waited = []
    for number, kind in enumerate(("service", "person")):
        said = [*typed(category="security", kind=kind, story=STORY), *AFTERWARDS]
        done = await turns(Phone(jawab, owner, f"+92399000003{number}"), work, said)
        waited.append([hashes for _, hashes in done])
    assert waited[0] == waited[1]
    assert sum(waited[0]) == 1


async def test_a_typed_number_costs_the_same_whatever_it_opens(
    jawab: Jawab, owner: Owner, phone: Phone, work: Work
) -> None:
    numbers = [codes.complete("912345678901")]
    for number, kind in enumerate(("service", "person")):
        writer = Phone(jawab, owner, f"+92399000004{number}")
        await turns(writer, work, typed(category="security", kind=kind))
        numbers.append(await writer.code())
    await phone.say("سلام", "1")
    wrong, ordinary, sealed = [(await turns(phone, work, [f"STATUS {number}"]))[0] for number in numbers]
    assert (ordinary, ordinary[1]) == (sealed, 1)
    extra = wrong[0] - ordinary[0]
    assert wrong[1] == 1
    assert [statement.split()[:3] for statement in extra] == [["INSERT", "INTO", "code_tries"]]
