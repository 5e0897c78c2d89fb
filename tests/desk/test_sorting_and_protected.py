"""The sorting list and the protected door, over HTTP: one key each way, and nothing to see for anybody else."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from cases.protected import vault
from desk import protected, protected_acts, sealed_item
from flows.categories import CATEGORIES
from store.crypto import Keys, new_keypair
from store.database import Database, fetch_one
from store.jawab import Jawab
from tests.desk.conftest import Browser, Enter, Hire, One, Open, fresh_code
from tests.desk.triage import CANARY, Keep, after
from tests.pages import attribute, pick
from tests.roster import vouch

Seal = Callable[..., Awaitable[UUID]]


@pytest.fixture
def divided() -> bool:
    return True


@pytest.fixture
def sealed(db: Database, keys: Keys) -> Seal:
    """A protected report, as the citizen's side seals it; returns the case's id."""

    async def make(**data: Any) -> UUID:
        async with db.transaction("intake") as tx:
            return await vault.seal(
                tx,
                keys,
                code_hash=keys.hash_code(fresh_code()),
                district_id="pishin",
                kind="story",
                data={"text": CANARY, "about": "person", "category": "security", "address": "+923001112223", **data},
                now=datetime.now(UTC),
            )

    return make


async def test_a_category_key_sends_words_to_the_queue_with_clocks_from_the_first_word(
    enter: Enter, keep: Keep, one: One, jawab: Jawab
) -> None:
    triage, (kept, code) = await enter("triage"), await keep()
    soup = await triage.soup("/desk/sorting")
    assert CANARY in pick(soup, ".kept .said").text
    buttons = soup.select(f'form[action="/desk/sorting/{kept}/queue"] button')
    assert [button["value"] for button in buttons] == list(CATEGORIES)
    assert [button["data-key"] for button in buttons] == [*"1234567890o"], (
        "the unsorted one is last, on a key of its own"
    )
    answer = await triage.post(f"/desk/sorting/{kept}/queue", {"category": "health"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/sorting?state=waiting&done=queue")
    assert (await triage.post(f"/desk/sorting/{kept}/queue", {"category": "water"})).status_code == 409
    await after(jawab)
    case = await one("SELECT id, category, status FROM cases WHERE code = %s", code)
    assert (case["id"], case["category"], case["status"]) == (kept, "health", "received")
    assert "Nothing to sort" in (await triage.get("/desk/sorting")).text
    handler = await enter("handler")
    assert CANARY in (await handler.get(f"/desk/cases/{kept}")).text
    assert (await triage.post(f"/desk/sorting/{kept}/queue", {"category": "water"})).status_code == 404


async def test_one_key_seals_and_only_the_readers_open_it(
    enter: Enter, keep: Keep, readers: list[Browser], one: One, jawab: Jawab
) -> None:
    triage, (kept, _) = await enter("triage"), await keep()
    answer = await triage.post(f"/desk/sorting/{kept}/seal")
    assert answer.headers["location"] == "/desk/sorting?state=waiting&done=seal"
    await after(jawab)
    assert (await one("SELECT count(*) AS n FROM sorting"))["n"] == 0
    assert (await one("SELECT count(*) AS n FROM cases"))["n"] == 0
    case = await one("SELECT id FROM sealed.cases")
    assert case["id"] != kept
    opened = await readers[0].post(f"/desk/protected/{case['id']}/open", {"reason": "first_look"})
    assert CANARY in opened.text
    assert (await triage.post(f"/desk/sorting/{kept}/seal")).status_code == 404


async def test_a_wrong_category_or_office_is_refused_and_the_words_stay(enter: Enter, keep: Keep, one: One) -> None:
    triage, (kept, _) = await enter("triage"), await keep()
    assert (await triage.post(f"/desk/sorting/{kept}/queue", {"category": "nonsense"})).status_code == 422
    assert (await triage.post(f"/desk/sorting/{kept}/seal", {"accused": "nonsense"})).status_code == 422
    assert (await one("SELECT count(*) AS n FROM sorting"))["n"] == 1


async def test_words_to_sort_are_seen_by_no_handler(enter: Enter, keep: Keep) -> None:
    _, code = await keep()
    for role in ("handler", "supervisor", "editor", "approver", "admin", "protected"):
        person = await enter(role)
        assert (await person.get("/desk/sorting")).status_code == 404
        if role in {"handler", "supervisor"}:
            assert CANARY not in (await person.get("/desk/queue")).text
            assert (await person.post("/desk/find", {"code": code})).status_code == 404


async def test_triage_of_an_accused_office_sorts_nothing(enter: Enter, keep: Keep, hire: Hire, db: Database) -> None:
    await keep()
    async with db.autocommit("console") as conn:
        row = await fetch_one(conn, "SELECT office_id FROM responsibilities WHERE office_id IS NOT NULL")
    assert row is not None
    staff_id, _ = await hire("triage", "pishin", row["office_id"])
    answer = await (await enter("triage", staff_id)).get("/desk/sorting")
    assert answer.status_code == 403
    assert CANARY not in answer.text


async def test_a_protected_case_is_opened_for_a_reason_and_the_look_is_kept(
    readers: list[Browser], sealed: Seal, one: One
) -> None:
    first, second = readers
    case = await sealed()
    soup = await first.soup("/desk/protected")
    assert str(case)[:8] in pick(soup, "tbody").text
    page = await first.get(f"/desk/protected/{case}")
    assert page.status_code == 200
    assert CANARY not in page.text
    refused = await first.post(f"/desk/protected/{case}/open", {"reason": "curious"})
    assert refused.status_code == 422
    assert CANARY not in refused.text
    opened = await first.post(f"/desk/protected/{case}/open", {"reason": "first_look"})
    for words in (CANARY, "+923001112223", "how a person treated somebody", "Security, justice"):
        assert words in opened.text
    look = await one("SELECT actor FROM audit WHERE action = 'protected.open:first_look' AND object = %s", str(case))
    assert look["actor"] == str(first.staff_id)

    assert (await first.post(f"/desk/protected/{case}/seen")).status_code == 303
    assert (await first.post(f"/desk/protected/{case}/start")).status_code == 303
    assert (await first.post(f"/desk/protected/{case}/note", {"text": "spoke with her sister"})).status_code == 303
    assert "spoke with her sister" in (await second.post(f"/desk/protected/{case}/open", {"reason": "review"})).text

    closing = {"found": "not_examined", "heard": "not_heard", "text": "the office was shut"}
    alone = await first.post(f"/desk/protected/{case}/close")
    assert alone.status_code == 422
    assert (await first.post(f"/desk/protected/{case}/ask", {**closing, "found": ""})).status_code == 422
    assert (await first.post(f"/desk/protected/{case}/ask", closing)).status_code == 303
    assert (await first.post(f"/desk/protected/{case}/close")).status_code == 422, "nobody closes a case alone"
    assert "You have asked to close" in (await first.get(f"/desk/protected/{case}")).text
    assert (await first.post(f"/desk/protected/{case}/unask")).status_code == 303
    assert "another handler has asked" not in (await second.get(f"/desk/protected/{case}")).text
    assert (await second.post(f"/desk/protected/{case}/close")).status_code == 422
    assert (await first.post(f"/desk/protected/{case}/ask", closing)).status_code == 303
    assert "another handler has asked" in (await second.get(f"/desk/protected/{case}")).text
    unread = await second.post(f"/desk/protected/{case}/close")
    assert (unread.status_code, "Open the sealed words again" in unread.text) == (422, True)
    read = await second.post(f"/desk/protected/{case}/open", {"reason": "close"})
    for words in ("the office was shut", "Could not be examined", "Not heard"):
        assert words in read.text
    assert (await second.post(f"/desk/protected/{case}/close")).status_code == 303
    assert (await one("SELECT status FROM sealed.cases WHERE id = %s", case))["status"] == "closed"


async def test_nobody_sees_without_opening(readers: list[Browser], sealed: Seal, one: One) -> None:
    case = await sealed()
    await readers[1].post(f"/desk/protected/{case}/open", {"reason": "first_look"})
    for move in ("seen", "start", "answer", "askback", "plan"):
        form = {"text": "x", "until": "2099-01-01"}
        answer = await readers[0].post(f"/desk/protected/{case}/{move}", form)
        assert (answer.status_code, "Open the sealed words first" in answer.text) == (422, True), move
    assert (await one("SELECT status FROM sealed.cases WHERE id = %s", case))["status"] == "received"


async def test_an_answer_stands_in_the_case_with_what_became_of_its_message(
    readers: list[Browser], sealed: Seal, one: One
) -> None:
    first, second = readers
    case = await sealed(code="9000000000007", lang="ur")
    await first.post(f"/desk/protected/{case}/open", {"reason": "first_look"})
    assert (await first.post(f"/desk/protected/{case}/answer", {"text": "come on Tuesday"})).status_code == 303
    again = await first.post(f"/desk/protected/{case}/askback", {"text": "y" * 2001})
    assert (again.status_code, "y" * 2001 in again.text) == (422, True), "what was typed stays"
    plan = {"text": "ask the school", "until": "2099-01-01"}
    assert (await first.post(f"/desk/protected/{case}/plan", plan)).status_code == 303
    page = (await second.post(f"/desk/protected/{case}/open", {"reason": "review"})).text
    for words in ("come on Tuesday", "ask the school", "What they were told", "has not allowed messages"):
        assert words in page
    assert (await one("SELECT count(*) AS n FROM outbox"))["n"] == 0
    assert "2099" in (await second.get("/desk/protected")).text


async def test_without_the_sessions_key_nothing_opens(enter: Enter, readers: list[Browser], sealed: Seal) -> None:
    case = await sealed()
    without = await enter("protected", readers[0].staff_id)
    answer = await without.post(f"/desk/protected/{case}/open", {"reason": "first_look"})
    assert answer.status_code == 403
    assert CANARY not in answer.text


async def test_who_came_later_or_is_no_reader_sees_nothing(
    enter: Enter, hire: Hire, readers: list[Browser], sealed: Seal
) -> None:
    case = await sealed()
    staff_id, private = await hire("protected", None)
    late = await enter("protected", staff_id, private)
    assert str(case)[:8] not in (await late.get("/desk/protected")).text
    for path in (f"/desk/protected/{case}", f"/desk/protected/{uuid.uuid4()}"):
        assert (await late.get(path)).status_code == 404
        for move in ("open", *protected_acts.ACTS):
            assert (await late.post(f"{path}/{move}", {"reason": "review", "text": "x"})).status_code == 404


def masked(text: str) -> str:
    """A page without what changes by itself: form tokens, keys for one sending, times."""
    text = re.sub(r'name="(csrf|once)" value="[^"]*"', "", text)
    return re.sub(r"\d\d-\d\d-\d{4} \d\d:\d\d", "", text)


async def test_nobody_else_can_tell_that_a_protected_case_exists(
    enter: Enter, opened: Open, readers: list[Browser], sealed: Seal
) -> None:
    ordinary = await opened()
    people = {role: await enter(role) for role in ("handler", "supervisor", "triage", "editor", "approver", "admin")}
    paths = ["/desk/queue", "/desk/queue?status=done", f"/desk/cases/{ordinary}", "/desk/sorting", "/desk/staff"]
    paths += ["/desk/editions", "/desk/protected", "/", "/figures", "/updates"]

    async def look() -> dict[tuple[str, str], tuple[int, str]]:
        seen = {}
        for role, person in people.items():
            for path in paths:
                answer = await person.get(path)
                seen[role, path] = (answer.status_code, masked(answer.text))
        return seen

    await look()  # what the first look itself changes (a reading is noted) is behind us
    before = await look()
    case = await sealed()
    after = await look()
    assert {key for key in before if before[key] != after[key]} == set()
    for person in people.values():
        assert (await person.get(f"/desk/protected/{case}")).status_code == 404
        assert (await person.get(f"/desk/cases/{case}")).status_code == 404


async def test_the_tick_marks_what_is_late_and_tells_no_one_which(
    db: Database, sealed: Seal, readers: list[Browser], one: One
) -> None:
    await sealed()
    now = datetime.now(UTC)
    assert await protected.protected_overdue(db, now) == 0
    # Its date is the Sunday of its week.
    assert await protected.protected_overdue(db, now + timedelta(days=11)) == 1
    assert await protected.protected_overdue(db, now + timedelta(days=11)) == 0
    alarm = await one("SELECT data, district_id FROM alarms WHERE kind = 'protected_overdue'")
    assert (alarm["data"], alarm["district_id"]) == ({}, None)


@pytest.mark.parametrize("said", ["police", "security"])
def test_a_sealed_item_says_its_subject_also_under_the_name_of_before(said: str) -> None:
    laid = sealed_item.lay_out(uuid.uuid4(), "open", None, {"category": said}, {})
    assert [(fact.name, fact.key) for fact in laid.facts] == [("category", "category.security")]


async def test_a_reader_lets_another_in_and_all_are_told(
    enter: Enter, hire: Hire, readers: list[Browser], sealed: Seal
) -> None:
    first, second = readers
    case = await sealed()
    staff_id, private = await hire("protected", None)
    late = await enter("protected", staff_id, private)
    without = await enter("protected", first.staff_id)
    form = {"who": str(staff_id)}
    assert (await without.post(f"/desk/protected/{case}/admit", form)).status_code == 403, "no open key"
    assert (await late.post(f"/desk/protected/{case}/admit", form)).status_code == 404
    assert (await first.post(f"/desk/protected/{case}/admit", {"who": "x"})).status_code == 422
    assert "Let them read this case" in (await first.get(f"/desk/protected/{case}")).text
    answer = await first.post(f"/desk/protected/{case}/admit", form)
    assert answer.headers["location"].endswith("done=admit")
    assert CANARY in (await late.post(f"/desk/protected/{case}/open", {"reason": "handover"})).text
    page = await second.soup("/desk/protected")
    assert "was let into a case" in page.text
    until = pick(page, 'form[action="/desk/protected/notices"] input[name="until"]')["value"]
    await second.post("/desk/protected/notices", {"until": until})
    assert "was let into a case" not in (await second.get("/desk/protected")).text
    assert "was let into a case" in (await late.get(f"/desk/protected/{case}")).text


async def test_a_key_made_anew_is_let_in_again_to_all_of_before(
    enter: Enter, readers: list[Browser], sealed: Seal, db: Database
) -> None:
    first, second = readers
    cases = [await sealed() for _ in range(2)]
    private, public = new_keypair()
    async with db.transaction("console") as tx:
        await tx.execute("UPDATE staff SET public_key = %s WHERE id = %s", (public, first.staff_id))
    assert "read these again" not in (await second.get("/desk/protected")).text, "nobody has signed it"
    await vouch(db)
    again = await enter("protected", first.staff_id, private)
    for case in cases:
        assert CANARY not in (await again.post(f"/desk/protected/{case}/open", {"reason": "review"})).text
    page = (await second.get("/desk/protected")).text
    assert "cannot read 2 cases" in page
    assert "a key that is new was signed" in page
    answer = await second.post("/desk/protected/admit", {"who": str(first.staff_id)})
    assert "All readers are told" in (await second.get(answer.headers["location"])).text
    for case in cases:
        assert CANARY in (await again.post(f"/desk/protected/{case}/open", {"reason": "review"})).text


async def test_the_list_of_a_reader_is_paged_by_what_is_due_next(
    readers: list[Browser], sealed: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protected, "PAGE", 2)
    cases = {str(await sealed()) for _ in range(5)}
    seen: list[str] = []
    path = "/desk/protected"
    while path:
        soup = await readers[0].soup(path)
        seen += [attribute(link, "href").rsplit("/", 1)[1] for link in soup.select("td.lead a")]
        more = soup.select_one(".pager a.button")
        path = attribute(more, "href") if more else ""
    assert len(seen) == 5
    assert set(seen) == cases
    assert len((await readers[0].soup("/desk/protected?after=nonsense")).select("td.lead a")) == 2
