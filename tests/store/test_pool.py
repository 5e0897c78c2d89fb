"""What the pool lends."""

from __future__ import annotations

import pytest

from store.jawab import Jawab


async def test_the_connection_that_was_given_back_last_is_lent_first(jawab: Jawab) -> None:
    async with jawab.db.autocommit("intake") as first, jawab.db.autocommit("intake") as second:
        assert first is not second
    last = first  # the outer one is given back after the inner one
    for _ in range(3):
        async with jawab.db.autocommit("intake") as lent:
            assert lent is last


async def test_nothing_of_what_failed_is_left_in_a_connection_that_comes_back(jawab: Jawab) -> None:
    async def fail() -> None:
        async with jawab.db.autocommit("intake") as lent:
            await lent.execute("BEGIN")
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - our own
        await fail()
    async with jawab.db.autocommit("intake") as lent:
        assert lent.info.transaction_status == 0
