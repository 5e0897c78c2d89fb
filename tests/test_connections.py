"""All that a house may hold open at PostgreSQL fits into what our own server takes, and what README asks for."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import serving
import worker
from house import postgres
from house.reload import LEAVING_AT_ONCE
from store import kept
from store.bell import LANES
from store.database import CUSTODY, ROLES_OF
from store.jawab import opened

ROOT = Path(__file__).parent.parent
SPARE = 20  # the owner's commands, the server's own, and somebody who looks
PARTS = {"demo": ("all", "all"), "divided": ("citizen", "citizen", "desk", "custody")}


def most(part: str, size: int) -> int:
    roles = ROLES_OF[part]
    clock = serving.CLOCK_SIZE if part in {"all", CUSTODY} else 0
    return size * len(roles) + (kept.SIZE if "intake" in roles else 0) + clock


@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_every_pool_may_be_full_while_old_processes_leave(parts: tuple[str, ...]) -> None:
    web = inspect.signature(opened).parameters["size"].default
    each = [most(part, web) for part in parts] + [most(part, worker.SIZE) for part in (*LANES, "tick")]
    leaving = sum(sorted(each)[-LEAVING_AT_ONCE:])
    found = re.search(r"^max_connections = (\d+)", postgres.CONFIGURATION, re.MULTILINE)
    assert found is not None
    assert sum(each) + leaving + SPARE <= int(found[1])
    assert f"`max_connections` {found[1]}" in (ROOT / "README.md").read_text()
