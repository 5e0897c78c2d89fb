"""The list of protected cases is read off an index in its order, however many there are."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from cases.protected import reading, register
from tests.conftest import Owner


async def test_the_list_of_protected_cases_is_in_the_order_of_an_index(demo: object, owner: Owner) -> None:
    """Of an empty table, whose planner is asked not to sort where it need not."""
    given = {"staff": uuid4(), "stands": register.ASK_STANDS, "most": 51}
    await owner.execute("SET enable_sort = off")
    done = await owner.execute(("EXPLAIN (FORMAT JSON) " + reading.LIST).encode(), given)
    row: Any = await done.fetchone()
    await owner.execute("RESET enable_sort")
    (scan,) = row[0][0]["Plan"]["Plans"]
    assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", "sealed_cases_next")
