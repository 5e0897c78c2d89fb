"""The one list of roles, and the database's copy of it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cases.roles import ROLES, who_may

Row = Callable[..., Awaitable[dict[str, Any]]]


async def test_the_table_of_staff_knows_the_same_roles(row: Row) -> None:
    checks = await row(
        "SELECT array_agg(pg_get_constraintdef(oid)) AS defs FROM pg_constraint"
        " WHERE conrelid = 'staff'::regclass AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%%role%%ANY%%'"
    )
    known = {
        "district_id" in definition: frozenset(re.findall(r"'([a-z]+)'", definition)) for definition in checks["defs"]
    }
    assert known == {False: frozenset(ROLES), True: who_may("province")}


def test_nobody_is_asked_for_an_act_that_no_role_has() -> None:
    with pytest.raises(ValueError, match="clean"):
        who_may("clean")
    assert who_may("handle", "sort") == {"handler", "supervisor", "triage"}
