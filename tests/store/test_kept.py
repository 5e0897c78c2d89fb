"""The connections of a turn's two statements."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from store import kept
from store.jawab import Jawab
from store.kept import Statement, spell
from store.pool import is_away
from tests.bot.phones import Owner

BACKEND = Statement("SELECT pg_backend_pid() AS pid", ())
SLOW = Statement("SELECT pg_sleep(60)", ())


async def pid(jawab: Jawab) -> int:
    (row,) = await jawab.db.kept.fetch(BACKEND, {})
    return int(row["pid"])


def test_each_value_has_one_place_and_its_type() -> None:
    one = spell("SELECT %(a)s, %(b)b::uuid[], %(a)s WHERE x LIKE 'done:%%'", {"a": "text", "b": "uuid"})
    assert one == Statement("SELECT $1::text, $2::uuid[], $1::text WHERE x LIKE 'done:%'", ("a", "b"))


async def test_it_is_intakes_alone(jawab: Jawab) -> None:
    assert (await jawab.db.kept.fetch(Statement("SELECT current_user AS who", ()), {}))[0]["who"] == "jawab_intake"
    assert jawab.db.only("intake").kept is jawab.db.kept
    with pytest.raises(KeyError):
        _ = jawab.db.only("report").kept


async def test_what_a_turn_asks_is_planned_once_and_never_for_a_small_table(jawab: Jawab) -> None:
    several = Statement("SELECT id FROM contacts WHERE id = ANY($1::uuid[])", ("ids",))
    for size in range(1, 12):
        await jawab.db.kept.fetch(several, {"ids": [uuid4() for _ in range(size)]})
    (found,) = await jawab.db.kept.fetch(
        Statement(
            "SELECT generic_plans, custom_plans, current_setting('enable_seqscan') AS scans"
            " FROM pg_prepared_statements WHERE statement LIKE 'SELECT id FROM contacts%'",
            (),
        ),
        {},
    )
    assert dict(found) == {"generic_plans": 11, "custom_plans": 0, "scans": "off"}


async def test_the_one_that_was_given_back_last_is_lent_first(jawab: Jawab) -> None:
    several = Statement("SELECT pg_backend_pid() AS pid, pg_sleep(0.2)", ())
    both = await asyncio.gather(*(jawab.db.kept.fetch(several, {}) for _ in range(2)))
    assert len({rows[0]["pid"] for rows in both}) == 2
    last = await pid(jawab)
    assert [await pid(jawab) for _ in range(3)] == [last] * 3


async def test_one_that_died_while_it_lay_idle_is_nobodys_error(jawab: Jawab, owner: Owner) -> None:
    before = await pid(jawab)
    await owner.execute("SELECT pg_terminate_backend(%s)", (before,))
    await asyncio.sleep(0.3)
    assert await pid(jawab) != before


async def test_one_that_dies_under_a_statement_is_away_and_the_next_is_another(jawab: Jawab, owner: Owner) -> None:
    await pid(jawab)
    asked = asyncio.ensure_future(jawab.db.kept.fetch(SLOW, {}))
    await asyncio.sleep(0.3)
    await owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = %s", (SLOW.text,))
    with pytest.raises(psycopg.OperationalError) as lost:
        await asked
    assert is_away(lost.value)
    await pid(jawab)


async def test_what_was_cut_off_is_not_lent_again(jawab: Jawab) -> None:
    before = await pid(jawab)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await jawab.db.kept.fetch(SLOW, {})
    assert await pid(jawab) != before


async def test_an_error_is_psycopgs_and_quotes_nobody(jawab: Jawab) -> None:
    wrong = Statement("SELECT ($1::text)::uuid", ("words",))
    with pytest.raises(psycopg.errors.InvalidTextRepresentation) as told:
        await jawab.db.kept.fetch(wrong, {"words": "somebody's words"})
    assert "words" not in str(told.value)
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__


async def test_a_database_that_refuses_is_away(jawab: Jawab) -> None:
    nowhere = kept.Kept("host=/nowhere dbname=jawab user=jawab_intake password=secret")
    with pytest.raises(psycopg.OperationalError) as refused:
        await nowhere.fetch(BACKEND, {})
    assert is_away(refused.value)
    assert "secret" not in str(refused.value)


async def test_nobody_waits_for_ever(jawab: Jawab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "WAIT_SECONDS", 0.1)
    all_of_them = [asyncio.ensure_future(jawab.db.kept.fetch(SLOW, {})) for _ in range(kept.SIZE)]
    await asyncio.sleep(0.3)
    with pytest.raises(PoolTimeout):
        await pid(jawab)
    for one in all_of_them:
        one.cancel()
    await asyncio.gather(*all_of_them, return_exceptions=True)
    await pid(jawab)
