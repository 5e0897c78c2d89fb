"""Behind the door: an ordinary case is put there in one act, and nobody of the district sees anything of it again."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from bot.intake import drawer, effects
from bot.intake.district import District
from bot.intake.message import Turn
from cases import acts, calendar, counting, figures, overdue, register, thread
from cases.protected import vault
from cases.protected.reading import open_items
from desk.protected import seal_case
from flows.effects import Append
from flows.model import Item
from store import sessions
from store.database import Database, fetch_all
from store.jawab import Jawab
from tests.conftest import Owner
from tests.desk.conftest import Browser, Enter, Hire, One, Open, Write, fresh_code
from tests.desk.triage import PHOTO, VOICE, Attach, Keep, after
from tests.pages import pick

CANARY = "قناری-zarqa-5521"
NOTE, ANSWER = "note-5521", "answer-5521"
Told = Callable[[], Awaitable[UUID]]


@pytest.fixture
def divided() -> bool:
    return True


@pytest.fixture
async def reader(hire: Hire, owner: Owner) -> tuple[UUID, bytes]:
    """The one protected handler of the province beside one of the demo's: the door opens with two."""
    await owner.execute("UPDATE staff SET disabled_at = now() WHERE login = 'demo-protected-1'")
    staff_id, private = await hire("protected", None)
    assert private is not None
    return staff_id, private


@pytest.fixture
async def nobody(owner: Owner) -> None:
    """A province without a protected handler."""
    await owner.execute("UPDATE staff SET disabled_at = now() WHERE role = 'protected'")


@pytest.fixture
def told(opened: Open, attach: Attach, write: Write, jawab: Jawab, enter: Enter) -> Told:
    """A case in which much was said by everybody, and which has a second code."""

    async def make(**more: Any) -> UUID:
        contact = more.pop("contact_id", None) or await write()
        case = await opened(contact_id=contact, story=CANARY, category="security", place_text="کلی", **more)
        handler = (await enter("handler")).staff_id
        assert handler is not None
        for content, kind in ((PHOTO, "image/jpeg"), (VOICE, "audio/ogg"), (None, "image/png")):
            file = await attach(case, contact, content, kind)
            async with jawab.db.transaction("intake") as tx:
                await thread.append_media(tx, jawab.keys, case, file, lang="ur", now=datetime.now(UTC))
        now = datetime.now(UTC)
        async with jawab.db.transaction("console") as tx:
            await acts.answer(tx, jawab.keys, case, actor=handler, now=now, text=ANSWER)
            await acts.note(tx, jawab.keys, case, actor=handler, now=now, text=NOTE)
            office: Any = await (await tx.execute("SELECT id FROM offices WHERE district_id = 'pishin'")).fetchone()
            await acts.refer(
                tx, jawab.keys, case, actor=handler, now=now, office_id=office["id"],
                due_on=now.date() + timedelta(days=3),
            )  # fmt: skip
            await sessions.ask(tx, contact, "answer", case)
        return case

    return make


async def seal(person: Browser, case: UUID, **form: Any) -> Any:
    return await person.post(f"/desk/seal/{case}", form)


async def items(jawab: Jawab, reader: tuple[UUID, bytes]) -> list[Any]:
    async with jawab.db.transaction("custody") as tx:
        (case,) = await fetch_all(tx, "SELECT id FROM sealed.cases")
        return await open_items(
            tx,
            jawab.keys,
            case["id"],
            staff_id=reader[0],
            private_key=reader[1],
            reason="first_look",
            now=datetime.now(UTC),
        )


# Every page that somebody of the district, or anybody, may open, and every feed.
PAGES = (
    "/desk/queue", "/desk/queue?status=done", "/desk/queue?category=police", "/desk/sorting", "/desk/editions",
    "/desk/sorting?state=answered", "/desk/sorting?state=dismissed", "/desk/sorting?state=locked", "/desk/staff",
    "/desk/dismissed", "/desk/protected", "/", "/figures", "/updates", "/updates.atom", "/open-data/editions.json",
)  # fmt: skip
ROLES = ("handler", "supervisor", "triage", "editor", "approver", "admin")


async def test_every_word_goes_behind_and_nobody_of_the_district_sees_anything_again(
    enter: Enter, told: Told, reader: tuple[UUID, bytes], one: One, owner: Owner, jawab: Jawab, hire: Hire
) -> None:
    case = await told()
    before = await one("SELECT code, contact_id FROM cases WHERE id = %s", case)
    code, contact = before["code"], before["contact_id"]
    handler = await enter("handler")
    shown = await handler.soup(f"/desk/cases/{case}")
    file = pick(shown, ".item img")["src"]
    assert CANARY not in (await handler.get(f"/desk/seal/{case}")).text
    answer = await seal(handler, case)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/queue?done=behind")
    assert "nobody was told" in (await handler.get(answer.headers["location"])).text

    own, _ = await hire("triage", "pishin")
    people = {role: await enter(role) for role in ROLES} | {"own triage": await enter("triage", own)}
    for role, person in people.items():
        for path in (*PAGES, f"/desk/cases/{case}", str(file), f"/desk/seal/{case}"):
            page = await person.get(path)
            assert page.status_code < 500, (role, path)
            for word in (CANARY, NOTE, ANSWER, code, f"{code[:4]} {code[4:8]}", str(case)):
                assert word not in page.text.replace(path, ""), (role, path, word)
        for path in (f"/desk/cases/{case}", str(file), f"/desk/seal/{case}"):
            assert (await person.get(path)).status_code == 404, (role, path)
        for move in ("answer", "note", "acknowledge", "assign", "contact"):
            assert (
                await person.post(f"/desk/cases/{case}/{move}", {"text": "x", "reason": "urgent"})
            ).status_code == 404
        if role in {"handler", "supervisor"}:
            assert (await person.post("/desk/find", {"code": code})).status_code == 404

    assert (await one("SELECT count(*) AS n FROM case_items WHERE case_id = %s", case))["n"] == 0
    assert (await one("SELECT count(*) AS n FROM referrals WHERE case_id = %s", case))["n"] == 0
    row = await one("SELECT * FROM cases WHERE id = %s", case)
    assert {name for name in row if row[name] is None} >= {
        "code",
        "contact_id",
        "place_text",
        "assigned_to",
        "next_due",
    }
    assert (await one("SELECT count(*) AS n FROM media WHERE case_id = %s", case))["n"] == 0
    assert (await one("SELECT count(focus_case) AS n FROM sessions"))["n"] == 0
    assert (await one("SELECT count(*) AS n FROM outbox WHERE case_id = %s", case))["n"] == 0
    verbs = await (
        await owner.execute("SELECT verb FROM case_history WHERE case_id = %s ORDER BY id", (case,))
    ).fetchall()
    assert [verb for (verb,) in verbs] == ["open", "answer", "note", "refer"], "its history says nothing of it"
    assert (await one("SELECT actor FROM audit WHERE action = 'case.seal'"))["actor"] == str(handler.staff_id)

    sealed = await items(jawab, reader)
    said = json.dumps([item.data for item in sealed], ensure_ascii=False)
    for word in (CANARY, NOTE, ANSWER, "کلی", "security", "+92300", "Demo handler"):
        assert word in said, word
    async with jawab.db.transaction("intake") as tx:
        found = await vault.find(tx, jawab.keys.hash_code(code))
    assert found is not None
    assert found.status == "seen", "whoever asks with the code is told what they were told before"
    assert (await one("SELECT count(*) AS n FROM media WHERE sealed_box IS NOT NULL"))["n"] == 3
    assert (await one("SELECT count(*) AS n FROM contacts WHERE id = %s", contact))["n"] == 1


def masked(text: str) -> str:
    return re.sub(r'name="(csrf|once)" value="[^"]*"|\d\d-\d\d-\d{4} \d\d:\d\d', "", text)


async def test_the_figures_do_not_change(
    enter: Enter, opened: Open, told: Told, reader: tuple[UUID, bytes], stranger: Browser, owner: Owner, db: Database
) -> None:
    for _ in range(5):
        await opened(category="security")
    cases = [
        await told(),
        await opened(category="security"),
        await opened(category="security", at=datetime.now(UTC) - timedelta(days=4)),
    ]
    await owner.execute("UPDATE cases SET opened_at = opened_at - interval '2 days'")
    week = calendar.week_of(calendar.day_of(datetime.now(UTC)))

    async def look() -> tuple[Any, ...]:
        later = datetime.now(UTC) + timedelta(days=30)
        async with db.autocommit("report") as conn:
            counted = await figures.week(conn, "pishin", week, datetime.now(UTC))
            ahead = await figures.published(conn, "pishin", later)
        assert ahead.total["total"]["received"]
        return (
            counted,
            ahead.total["total"]["received"],
            [masked((await stranger.get(path)).text) for path in ("/", "/figures")],
        )

    before = await look()
    supervisor = await enter("supervisor")
    for case in cases[:2]:
        assert (await seal(supervisor, case)).status_code == 303
    assert await look() == before


async def test_no_clock_of_it_ever_runs_out(
    enter: Enter, told: Told, reader: tuple[UUID, bytes], one: One, jawab: Jawab
) -> None:
    await seal(await enter("handler"), await told())
    later = datetime.now(UTC) + timedelta(days=40)
    async with jawab.db.transaction("console") as tx:
        assert await overdue.sweep(tx, jawab.keys, later) == []
    assert (await one("SELECT count(*) AS n FROM case_history WHERE verb = 'escalate'"))["n"] == 0
    async with jawab.db.autocommit("report") as conn:
        monday = calendar.monday(calendar.week_of(calendar.day_of(datetime.now(UTC))))
        weeks = [monday + timedelta(days=7 * number) for number in range(6)]
        cells = [name for week in await counting.count(conn, "pishin", weeks, later) for name, *_ in week.cells]
    assert cells.count("received") == 1
    assert not {"overdue", "in_14", "due_14"} & set(cells), "neither late nor met, nor was it ever due"


async def test_while_nobody_could_read_it_the_provinces_triage_alone_has_it(
    enter: Enter, told: Told, nobody: None, hire: Hire, one: One, jawab: Jawab
) -> None:
    case = await told()
    own, _ = await hire("triage", "pishin")
    assert (await seal(await enter("handler"), case)).status_code == 303
    assert (await one("SELECT count(*) AS n FROM sealed.cases"))["n"] == 0
    assert (await one("SELECT kind FROM alarms"))["kind"] == "protected_without_reader"
    assert (await (await enter("handler")).get(f"/desk/cases/{case}")).status_code == 404
    province, district = await enter("triage"), await enter("triage", own)
    page = await province.get("/desk/sorting?state=locked")
    for word in (CANARY, ANSWER, NOTE, "<audio", "<img"):
        assert word in page.text
    for state in ("waiting", "locked", "answered"):
        assert CANARY not in (await district.get(f"/desk/sorting?state={state}")).text
    assert "For a reader" not in (await district.get("/desk/sorting")).text
    for verb, form in (
        ("queue", {"category": "water"}),
        ("dismiss", {}),
        ("answer", {"text": "x"}),
        ("call", {"asked": "1"}),
    ):
        assert (await province.post(f"/desk/sorting/{case}/{verb}", form)).status_code == 422, verb
        assert (await district.post(f"/desk/sorting/{case}/{verb}", form)).status_code == 404, verb

    await province.post(f"/desk/sorting/{case}/seal")
    await after(jawab)
    assert (await one("SELECT state FROM sorting WHERE id = %s", case))["state"] == "locked", "still nobody"
    reader, _ = await hire("protected", None), await hire("protected", None)
    await province.post(f"/desk/sorting/{case}/seal")
    await after(jawab)
    assert (await one("SELECT count(*) AS n FROM sorting"))["n"] == 0
    assert reader[1] is not None
    said = json.dumps([item.data for item in await items(jawab, (reader[0], reader[1]))], ensure_ascii=False)
    assert CANARY in said
    assert (await one("SELECT count(*) AS n FROM media WHERE sealed_box IS NOT NULL"))["n"] == 3


async def test_twice_is_once_and_a_stranger_finds_nothing(
    enter: Enter, told: Told, reader: tuple[UUID, bytes], elsewhere: str, hire: Hire, one: One
) -> None:
    case = await told()
    stranger, _ = await hire("handler", elsewhere)
    for role, person in (
        ("stranger", await enter("handler", stranger)),
        *[(role, await enter(role)) for role in ("editor", "admin", "approver")],
    ):
        assert (await person.get(f"/desk/seal/{case}")).status_code == 404, role
        assert (await seal(person, case)).status_code == 404, role
    handler, supervisor = await enter("handler"), await enter("supervisor")
    form = {"once": str(uuid4())}
    assert (await seal(handler, case, accused="nonsense")).status_code == 422
    answers = await asyncio.gather(*(seal(handler, case, **form) for _ in range(3)), seal(supervisor, case))
    assert {answer.status_code for answer in answers} <= {303, 404}
    assert (await one("SELECT count(*) AS n FROM sealed.cases"))["n"] == 1
    assert (await seal(supervisor, case, once=str(uuid4()))).status_code == 404
    assert (await seal(supervisor, uuid4())).status_code == 404


async def test_the_triage_puts_a_case_there_by_its_number(
    enter: Enter, told: Told, reader: tuple[UUID, bytes], one: One
) -> None:
    case = await told()
    code = (await one("SELECT code FROM cases WHERE id = %s", case))["code"]
    triage = await enter("triage")
    assert (await triage.post("/desk/seal", {"code": "123"})).headers["location"].endswith("done=no_case")
    assert (await triage.post("/desk/seal", {"code": fresh_code()})).headers["location"].endswith("done=no_case")
    found = await triage.post("/desk/seal", {"code": code})
    page = await triage.get(found.headers["location"])
    assert CANARY not in page.text
    answer = await seal(triage, case)
    assert answer.headers["location"] == "/desk/sorting?done=behind"
    assert "nobody was told" in (await triage.get(answer.headers["location"])).text


async def test_an_accused_office_gets_no_key(
    enter: Enter, told: Told, reader: tuple[UUID, bytes], hire: Hire, owner: Owner, one: One
) -> None:
    row = await (
        await owner.execute("SELECT id FROM offices WHERE district_id = 'pishin' AND department = 'police'")
    ).fetchone()
    assert row
    near, _ = await hire("protected", None, row[0])
    case = await told()
    await seal(await enter("handler"), case, accused=str(row[0]))
    recipients = (await one("SELECT recipients FROM sealed.cases"))["recipients"]
    assert reader[0] in recipients
    assert near not in recipients


# ── a citizen who writes meanwhile ───────────────────────────────────────────────────────────────────────────────────
def turn_of(jawab: Jawab, contact: UUID) -> Turn:
    district = District("pishin", {}, True, (), None, ())
    return Turn(jawab, contact, district, "sms", "ur", datetime.now(UTC), None, "new", drawer.of(jawab).draw())


async def add(jawab: Jawab, contact: UUID, code: str, text: str) -> None:
    turn = turn_of(jawab, contact)
    async with jawab.db.transaction("intake") as tx:
        await effects.perform(tx, turn, Append(code, Item(text)))


async def test_a_seal_waits_for_a_turn_that_adds_words_and_takes_them_along(
    enter: Enter, told: Told, reader: tuple[UUID, bytes], one: One, jawab: Jawab
) -> None:
    case = await told()
    row = await one("SELECT code, contact_id FROM cases WHERE id = %s", case)
    handler, turn = await enter("handler"), turn_of(jawab, row["contact_id"])
    async with jawab.db.transaction("intake") as tx:
        await effects.perform(tx, turn, Append(row["code"], Item("پہلے")))
        sealing = asyncio.create_task(seal(handler, case))
        done, _ = await asyncio.wait({sealing}, timeout=0.5)
        assert not done
    assert (await sealing).status_code == 303
    assert (await one("SELECT count(*) AS n FROM case_items"))["n"] == 0, "no word stays in clear"
    assert "پہلے" in json.dumps([item.data for item in await items(jawab, reader)], ensure_ascii=False)


async def test_words_that_come_while_it_is_sealed_follow_it(
    enter: Enter, told: Told, reader: tuple[UUID, bytes], one: One, jawab: Jawab
) -> None:
    case = await told()
    row = await one("SELECT code, contact_id FROM cases WHERE id = %s", case)
    actor = (await enter("handler")).staff_id
    assert actor
    async with jawab.db.transaction("custody") as tx:
        await seal_case(tx, jawab.keys, case, actor=actor, now=datetime.now(UTC))
        writing = asyncio.create_task(add(jawab, row["contact_id"], row["code"], "بعد میں"))
        done, _ = await asyncio.wait({writing}, timeout=0.5)
        assert not done, "the turn waits for the seal"
    await writing
    assert (await one("SELECT count(*) AS n FROM case_items"))["n"] == 0, "no word stays in clear"
    assert "بعد میں" in json.dumps([item.data for item in await items(jawab, reader)], ensure_ascii=False)


async def test_every_code_opens_what_it_opened(
    enter: Enter, told: Told, keep: Keep, reader: tuple[UUID, bytes], one: One, jawab: Jawab
) -> None:
    case = await told()
    row = await one("SELECT code, contact_id FROM cases WHERE id = %s", case)
    kept, second = await keep("مزید", contact_id=row["contact_id"])
    triage = await enter("triage")
    await triage.post(f"/desk/sorting/{kept}/join", {"case": str(case)})
    await after(jawab)
    await add(jawab, row["contact_id"], second, "جوڑے گئے نمبر سے")
    assert (await one("SELECT count(*) AS n FROM case_items WHERE case_id = %s AND kind = 'more'", case))["n"] == 2
    async with jawab.db.autocommit("intake") as conn:
        found = await register.find(conn, second)
        assert found is not None
        assert found.id == case
    await seal(await enter("handler"), case)
    async with jawab.db.autocommit("intake") as conn:
        assert await register.find(conn, second) is None
        opens = [await vault.find(conn, jawab.keys.hash_code(code)) for code in (row["code"], second)]
    assert opens[0] is not None
    assert opens[0] == opens[1]
    assert (await one("SELECT count(*) AS n FROM joined"))["n"] == 0


async def test_a_later_card_of_the_same_phone_knows_nothing_of_it(
    keep: Keep, enter: Enter, told: Told, reader: tuple[UUID, bytes], one: One
) -> None:
    case = await told()
    contact = (await one("SELECT contact_id FROM cases WHERE id = %s", case))["contact_id"]
    await seal(await enter("handler"), case)
    await keep("سلام", contact_id=contact)
    soup = await (await enter("triage")).soup("/desk/sorting")
    assert not soup.select('button[name="case"]')
    for word in (ANSWER, NOTE, CANARY, str(case)):
        assert word not in soup.text
