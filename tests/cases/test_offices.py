"""A district brings its offices as one file, and may bring it again."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from cases import commands, offices
from cases.lifecycle import Refused
from store.crypto import Keys
from store.database import Database
from tests.cases.test_register import Opened, Row

ROOT = Path(__file__).parents[2]
GOOD = """
offices:
  province: {works: {en: Secretary, ur: سیکریٹری, post: Secretary}}
  district: {labour: {en: Labour Officer, ur: افسر محنت, post: Labour Officer, above: works}}
responsibilities: {jobs: labour}
"""


async def test_the_file_in_the_papers_can_be_loaded() -> None:
    assert offices.read(ROOT / "docs" / "offices.yaml").responsibilities == {"health": "health"}


async def test_a_file_names_who_was_not_named_and_open_cases_go_there(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row, tmp_path: Path
) -> None:
    waiting, settled = await opened("jobs"), await opened("water")
    before = await row("SELECT office_id FROM cases WHERE id = %s", settled)
    file = tmp_path / "offices.yaml"
    file.write_text(GOOD)
    for _ in range(2):
        await commands.load_offices(db, keys, place.id, file)
    found = await row(
        "SELECT o.post, a.names->>'en' AS above FROM cases c JOIN offices o ON o.id = c.office_id"
        " JOIN offices a ON a.id = o.above_id WHERE c.id = %s",
        waiting,
    )
    assert found == {"post": "Labour Officer", "above": "Secretary"}
    assert await row("SELECT office_id FROM cases WHERE id = %s", settled) == before
    told = "SELECT count(*) AS lines FROM case_history WHERE actor = 'operator' AND verb = 'amend' AND case_id = %s"
    assert (await row(told, waiting))["lines"] == 1, "named once, and the history says so"
    assert (await row(told, settled))["lines"] == 0
    assert (await row("SELECT count(*) AS many FROM offices WHERE department = 'labour'"))["many"] == 1
    listed = {one["subject"]: one["office"] for one in await commands.list_offices(db, place.id)}
    assert listed["jobs"] == "Labour Officer"
    file.write_text(GOOD.replace("Labour Officer", "Assistant Director"))
    await commands.load_offices(db, keys, place.id, file)
    listed = {one["subject"]: one["office"] for one in await commands.list_offices(db, place.id)}
    assert listed["jobs"] == "Assistant Director"


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("jobs: labour", "wrk: labour", "responsibilities: no subject 'wrk'; there are water"),
        ("jobs: labour", "jobs: labur", "responsibilities: jobs: no office 'labur' of the district"),
        ("above: works", "above: work", "offices: labour: no office 'work' stands before it"),
        ("post: Labour Officer", "pst: Labour Officer", "offices.district.labour.post: Field required"),
        ("offices:", "offices: [", "while parsing"),
        ("en: Labour Officer", "en: ''", "offices.district.labour.en: String should have at least 1 character"),
    ],
)
async def test_a_slip_in_the_file_is_named_in_one_line(
    db: Database, keys: Keys, place: SimpleNamespace, tmp_path: Path, was: str, becomes: str, said: str
) -> None:
    file = tmp_path / "offices.yaml"
    file.write_text(GOOD.replace(was, becomes))
    with pytest.raises(offices.Unusable) as refused:
        await commands.load_offices(db, keys, place.id, file)
    assert str(file) in str(refused.value)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_a_district_that_is_not_served_gets_none(
    db: Database, keys: Keys, place: SimpleNamespace, tmp_path: Path
) -> None:
    file = tmp_path / "offices.yaml"
    file.write_text(GOOD)
    with pytest.raises(Refused, match="district_unserved"):
        await commands.load_offices(db, keys, "kech", file)
