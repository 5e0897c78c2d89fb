"""Turns that wait are taken together, and each is what it would have been alone."""

from __future__ import annotations

import asyncio
import random
import re
from typing import Any

import psycopg
import pytest

from bot import intake
from bot.channels import Inbound
from bot.intake import standing, together, turn
from flows.effects import Step
from flows.engine import step
from store import moves
from store.jawab import Jawab
from tests.answers import STORY, typed
from tests.bot.phones import Owner, Phone, count


class Gate:
    """Holds the first turn at its reading, so that what comes meanwhile waits for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []  # of each statement that moved several
        self._read, self._open = standing.read, asyncio.Event()
        self._open.set()
        self._move_many = moves.move_many
        monkeypatch.setattr(standing, "read", self._hold)
        monkeypatch.setattr(moves, "move_many", self._count)

    async def _hold(self, *given: Any) -> Any:
        await self._open.wait()
        return await self._read(*given)

    async def _count(self, conn: Any, several: Any) -> Any:
        self.sizes.append(len(several))
        return await self._move_many(conn, several)

    async def at_once(self, jawab: Jawab, messages: list[Inbound]) -> list[Any]:
        """The first of these is taken by itself, and all others wait for it."""
        self._open.clear()
        tasks = [asyncio.ensure_future(intake.take(jawab, message)) for message in messages]
        await asyncio.sleep(0)
        self._open.set()
        return await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


async def phones_at(jawab: Jawab, owner: Owner, count: int, *said: str) -> list[Phone]:
    """So many phones that have said this."""
    made = [Phone(jawab, owner, f"+9239900010{number:02}") for number in range(count)]
    for phone in made:
        for text in said:
            assert await turn.take_alone(jawab, phone.inbound(text)) == "taken"
    return made


async def stands(phone: Phone) -> tuple[Any, ...]:
    """What a conversation has come to, without what differs by itself from phone to phone."""
    row = await (
        await phone.owner.execute(
            "SELECT version, quiet_at IS NULL, given, held_id IS NULL, c.lang, c.last_inbound_at IS NULL,"
            " (SELECT array_agg(state || coalesce(' ' || error, '') ORDER BY received_at, id) FROM inbox"
            "  WHERE inbox.contact_id = c.id),"
            " (SELECT array_agg(state || coalesce(' ' || error, '') ORDER BY created_at, id) FROM outbox"
            "  WHERE outbox.contact_id = c.id),"
            " (SELECT count(*) FROM inbox JOIN outbox ON outbox.id = inbox.answered_by WHERE inbox.contact_id = c.id)"
            " FROM sessions JOIN contacts AS c ON c.id = contact_id WHERE address_tag = %s",
            (phone.jawab.keys.tag(phone.channel, phone.to, phone.address),),
        )
    ).fetchone()
    session = await phone.session()
    return session.flow, session.node, *(row or ()), [owed["says"] for owed in await phone.owed()]


async def test_what_came_while_another_was_taken_is_written_by_one_statement(
    jawab: Jawab, owner: Owner, demo: Any, gate: Gate
) -> None:
    phones = await phones_at(jawab, owner, 6, "سلام", "1")
    assert await gate.at_once(jawab, [phone.inbound("1") for phone in phones]) == ["taken"] * 6
    assert gate.sizes == [5]
    assert len({str(await stands(phone)) for phone in phones}) == 1, "each as the first, who went alone"


async def test_a_group_has_its_limit(
    jawab: Jawab, owner: Owner, demo: Any, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "MOST", 3)
    phones = await phones_at(jawab, owner, 8, "سلام", "1")
    assert await gate.at_once(jawab, [phone.inbound("1") for phone in phones]) == ["taken"] * 8
    assert gate.sizes == [3, 3, 1]


async def test_two_messages_of_one_phone_are_taken_in_their_order_and_never_at_once(
    jawab: Jawab, owner: Owner, demo: Any, gate: Gate
) -> None:
    first, *phones, patient = await phones_at(jawab, owner, 5, "سلام", "1")
    said = [first.inbound("1"), *(phone.inbound(text) for text in ("1", "0", "2") for phone in phones)]
    assert await gate.at_once(jawab, said) == ["taken"] * 10
    assert gate.sizes == [3, 3, 3]
    for text in ("1", "0", "2"):
        assert await turn.take_alone(jawab, patient.inbound(text)) == "taken"
    assert {str(await stands(phone)) for phone in phones} == {str(await stands(patient))}


async def test_the_same_message_twice_in_a_group_has_the_effect_of_once(
    jawab: Jawab, owner: Owner, demo: Any, gate: Gate
) -> None:
    first, other, third = await phones_at(jawab, owner, 3, "سلام", "1")
    twice = other.inbound("1")
    assert await gate.at_once(jawab, [first.inbound("1"), twice, third.inbound("1"), twice]) == [
        "taken", "taken", "taken", "repeat",
    ]  # fmt: skip
    assert (await stands(other)) == (await stands(third))


async def test_whom_the_provider_names_by_an_id_is_taken_with_others_and_never_twice_in_one_group(
    jawab: Jawab, owner: Owner, demo: Any, gate: Gate
) -> None:
    first, *phones = await phones_at(jawab, owner, 3, "سلام", "1")
    ids = [f"PK.one{number}" for number in range(2)]
    for phone, person in zip(phones, ids, strict=True):
        assert await turn.take_alone(jawab, phone.inbound("1", person=person)) == "taken"
    said = [phone.inbound("0", person=person) for phone, person in zip(phones, ids, strict=True)]
    under_the_number = phones[0].inbound("2")
    assert await gate.at_once(jawab, [first.inbound("1"), *said, under_the_number]) == ["taken"] * 4
    assert gate.sizes == [2], "the same person under a number and under an id is one"
    assert [(await stands(phone))[2] for phone in phones] == [5, 4]


async def test_a_poison_turn_harms_no_neighbour(
    jawab: Jawab, owner: Owner, demo: Any, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    phones = await phones_at(jawab, owner, 5, "سلام", "1")

    def poisoned(book: Any, session: Any, event: Any) -> Step:
        if event.text == "poison":
            raise ValueError("a word of a person")
        return step(book, session, event)

    monkeypatch.setattr(turn, "step", poisoned)
    said = [phone.inbound("poison" if number == 2 else "1") for number, phone in enumerate(phones)]
    assert await gate.at_once(jawab, said) == ["taken", "taken", "undone", "taken", "taken"]
    assert gate.sizes == [3]
    assert await count(owner, "inbox", "state = 'undone'") == 1
    assert (await phones[2].owed())[-1]["says"] == [["intake.kept", {}]]


async def test_a_group_that_cannot_be_written_is_taken_one_by_one(
    jawab: Jawab, owner: Owner, demo: Any, gate: Gate
) -> None:
    """An id that an index cannot hold breaks the statement of all: its writer hears of it, and nobody else."""
    phones = await phones_at(jawab, owner, 5, "سلام", "1")
    said = [phone.inbound("1") for phone in phones]
    await owner.execute("CREATE INDEX poison ON inbox ((1 / (length(provider_id) - 5)))")
    said[3] = phones[3].inbound("1", provider_id="SM123")
    outcomes = await gate.at_once(jawab, said)
    await owner.execute("DROP INDEX poison")
    assert gate.sizes == [4]
    assert outcomes[:3] + outcomes[4:] == ["taken"] * 4
    assert isinstance(outcomes[3], psycopg.errors.DivisionByZero)


async def test_who_was_overtaken_by_another_process_is_taken_again_and_alone(
    jawab: Jawab, owner: Owner, demo: Any, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other, third, patient = await phones_at(jawab, owner, 4, "سلام", "1")
    count_them = moves.move_many

    async def overtaken(conn: Any, several: Any) -> Any:
        monkeypatch.setattr(moves, "move_many", count_them)
        assert await turn.take_alone(jawab, other.inbound("1")) == "taken"
        return await count_them(conn, several)

    monkeypatch.setattr(moves, "move_many", overtaken)
    said = [first.inbound("1"), other.inbound("0"), third.inbound("1")]
    assert await gate.at_once(jawab, said) == ["taken"] * 3
    for text in ("1", "0"):
        assert await turn.take_alone(jawab, patient.inbound(text)) == "taken"
    assert await stands(other) == await stands(patient), "over the state that the other process left"
    assert (await stands(third))[2] == 3


async def test_nobody_is_answered_before_their_turn_is_committed(
    jawab: Jawab, owner: Owner, demo: Any, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    phones = await phones_at(jawab, owner, 3, "سلام", "1")
    written, commit = asyncio.Event(), asyncio.Event()
    many = moves.move_many

    async def slow(conn: Any, several: Any) -> Any:
        written.set()
        await commit.wait()
        return await many(conn, several)

    monkeypatch.setattr(moves, "move_many", slow)
    done = asyncio.ensure_future(gate.at_once(jawab, [phone.inbound("1") for phone in phones]))
    await written.wait()
    assert await count(owner, "inbox") == 3 * 2 + 1, "only that of the first, who went alone"
    assert not done.done()
    commit.set()
    assert await done == ["taken"] * 3
    assert await count(owner, "inbox") == 3 * 3


async def test_while_the_database_is_away_a_group_hears_it_and_is_taken_when_it_comes_again(
    jawab: Jawab, owner: Owner, demo: Any, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    phones = await phones_at(jawab, owner, 4, "سلام", "1")
    said = [phone.inbound("1") for phone in phones]

    async def away(*_: Any) -> Any:
        raise psycopg.OperationalError("away")

    with monkeypatch.context() as gone:
        gone.setattr(moves, "move_many", away)
        gone.setattr(moves, "move_alone", away)
        outcomes = await gate.at_once(jawab, said)
    assert [type(outcome) for outcome in outcomes] == [psycopg.OperationalError] * 4, "so that the door waits"
    assert await count(owner, "inbox") == 4 * 2
    assert await gate.at_once(jawab, said) == ["taken"] * 4
    assert len({str(await stands(phone)) for phone in phones}) == 1


async def test_a_group_that_hangs_is_given_up_and_holds_nobody(
    jawab: Jawab, owner: Owner, demo: Any, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    phones = await phones_at(jawab, owner, 3, "سلام", "1")
    monkeypatch.setattr(together, "SECONDS", 0.05)

    async def hang(*_: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(moves, "move_many", hang)
    assert await gate.at_once(jawab, [phone.inbound("1") for phone in phones]) == ["taken"] * 3


async def test_who_has_gone_before_their_turn_came_is_not_taken(
    jawab: Jawab, owner: Owner, demo: Any, gate: Gate
) -> None:
    first, gone, third = await phones_at(jawab, owner, 3, "سلام", "1")
    gate._open.clear()
    one, two, three = (asyncio.ensure_future(intake.take(jawab, each.inbound("1"))) for each in (first, gone, third))
    await asyncio.sleep(0)
    two.cancel()
    gate._open.set()
    assert list(await asyncio.gather(one, three)) == ["taken", "taken"]
    assert gate.sizes == [1]
    assert (await stands(gone))[2] == 2


async def test_turns_with_effects_leave_the_group_alike_on_both_sides_of_the_door(
    jawab: Jawab, owner: Owner, demo: Any, gate: Gate
) -> None:
    grouped = []
    for number, kind in enumerate(("service", "person")):
        (filler,) = await phones_at(jawab, owner, 1)
        writer = Phone(jawab, owner, f"+92399000200{number}")
        sizes = []
        for text in [*typed(category="security", kind=kind, story=STORY), "اور بھی بات ہے", "2", "MENU"]:
            gate.sizes.clear()
            assert await gate.at_once(jawab, [filler.inbound("MENU"), writer.inbound(text)]) == ["taken"] * 2
            sizes.append(list(gate.sizes))
        grouped.append(sizes)
    assert grouped[0] == grouped[1]
    assert [] in grouped[0], "some have effects"
    assert [1] in grouped[0], "and some have none"
    assert (await count(owner, "cases"), await count(owner, "sealed.cases")) == (1, 1)


@pytest.mark.parametrize("seed", range(6))
async def test_any_number_at_once_comes_to_the_same_as_one_by_one(
    jawab: Jawab, owner: Owner, demo: Any, seed: int
) -> None:
    dice = random.Random(seed)
    said = [(dice.randrange(4), dice.choice(["1", "2", "0", "3", "سلام", "MENU"])) for _ in range(24)]
    many, alone = ([Phone(jawab, owner, f"+92399000{side}00{number}") for number in range(4)] for side in (3, 4))
    outcomes = await asyncio.gather(*(intake.take(jawab, many[number].inbound(text)) for number, text in said))
    assert outcomes == ["taken"] * len(said)
    for number, text in said:
        assert await turn.take_alone(jawab, alone[number].inbound(text)) == "taken"
    for one, other in zip(many, alone, strict=True):
        if any(number == many.index(one) for number, _ in said):
            assert mask(await stands(one)) == mask(await stands(other))


def mask(stood: tuple[Any, ...]) -> str:
    """Without the numbers that differ from report to report."""
    return re.sub(r"\d{13}", "number", str(stood))
