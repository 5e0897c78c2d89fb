"""The page of the audit: what a district's people did, for who answers for it; and nothing of the protected room."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from desk import protected, record
from locales.values import group
from store import audit
from store.crypto import Keys
from store.database import Database
from tests.desk.conftest import Browser, Enter, Hire, One, Open


def rows(soup: object) -> list[str]:
    return [" ".join(row.get_text(" ").split()) for row in soup.select("tbody tr")]  # type: ignore[attr-defined]


async def test_what_was_done_stands_there_with_who_did_it(enter: Enter, opened: Open, one: One) -> None:
    handler, supervisor, case = await enter("handler"), await enter("supervisor"), await opened()
    await handler.get(f"/desk/cases/{case}")
    code = group((await one("SELECT code FROM cases WHERE id = %s", case))["code"])
    read = [line for line in rows(await supervisor.soup("/desk/record")) if "case.read" in line]
    assert len(read) == 1
    assert code in read[0]
    assert "record.read" in rows(await supervisor.soup("/desk/record"))[0]  # to look is an act too


async def test_nothing_of_the_protected_room_stands_there(
    db: Database, keys: Keys, enter: Enter, opened: Open, readers: list[Browser]
) -> None:
    """The page before and after a case went behind the door, was listed and opened: not a line more, one case less."""
    handler, supervisor, admin = await enter("handler"), await enter("supervisor"), await enter("admin")
    case = await opened(category="security")
    await handler.get(f"/desk/cases/{case}")
    before = rows(await supervisor.soup("/desk/record"))
    async with db.transaction("custody") as tx:
        assert handler.staff_id is not None
        await protected.seal_case(tx, keys, case, actor=handler.staff_id, now=datetime.now(UTC))
    await readers[0].get("/desk/protected")
    for person in (supervisor, admin):
        after = rows(await person.soup("/desk/record"))
        assert not any(word in line for line in after for word in ("seal", "protected", "case.read"))
    after = [line for line in rows(await supervisor.soup("/desk/record")) if "login" not in line]
    assert [line for line in after if "record.read" not in line] == [
        line for line in before if "case.read" not in line and "login" not in line
    ]


async def test_another_districts_people_are_not_shown_to_a_district(
    db: Database, enter: Enter, hire: Hire, elsewhere: str
) -> None:
    theirs = await enter("supervisor", (await hire("supervisor", elsewhere))[0])
    province = await enter("supervisor", (await hire("supervisor", None))[0])
    await theirs.get("/desk/record")
    ours = await enter("supervisor")
    assert not any("Somebody" in line for line in rows(await ours.soup("/desk/record")))
    assert sum("Somebody" in line for line in rows(await province.soup("/desk/record"))) >= 2


async def test_older_lines_are_on_another_page(enter: Enter, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "LINES", 2)
    supervisor = await enter("supervisor")
    for _ in range(3):
        await supervisor.get("/desk/record")
    newest = await supervisor.soup("/desk/record")
    link = newest.select_one("a[href^='/desk/record?before=']")
    assert link is not None
    older = rows(await supervisor.soup(str(link["href"])))
    assert len(older) == 2
    assert set(older).isdisjoint(rows(newest)) or len(rows(newest)) == 2
    assert rows(await supervisor.soup("/desk/record?before=nonsense"))


async def test_anybody_may_keep_the_heads(client: httpx.AsyncClient, db: Database) -> None:
    day = datetime.now(UTC).date()
    async with db.transaction("console") as tx:
        await audit.keep_head(tx, day)
    async with db.autocommit("console") as conn:
        head = await audit.head(conn)
    assert head is not None
    assert (await client.get("/record.txt")).text == f"{day} {head[1]}\n"
    assert head[1] in (await client.get("/record")).text.replace("<wbr>", "")
