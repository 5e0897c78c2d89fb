from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from cases import acts, districts, history, register, staff, thread
from cases.lifecycle import Refused
from cases.staff import Person
from store import outbox
from store.crypto import Keys
from store.database import Database
from tests.cases.conftest import NOW

Opened = Callable[..., Awaitable[UUID]]
Row = Callable[..., Awaitable[dict[str, Any]]]
TODAY = date(2026, 11, 18)
HOUR = timedelta(hours=1)


async def clocks_of(row: Row, case_id: UUID) -> dict[str, Any]:
    return await row(
        "SELECT c.status, c.next_due, a.due_at AS a_due, a.met_at AS a_met, r.due_at AS r_due, r.met_at AS r_met"
        " FROM cases c JOIN clocks a ON a.case_id = c.id AND a.kind = 'acknowledge'"
        " JOIN clocks r ON r.case_id = c.id AND r.kind = 'resolve' WHERE c.id = %s",
        case_id,
    )


async def message_of(row: Row, keys: Keys, outbox_id: UUID | None) -> dict[str, Any]:
    assert outbox_id is not None
    found = await row("SELECT message FROM outbox WHERE id = %s", outbox_id)
    message: dict[str, Any] = keys.get_json(found["message"], outbox.bound_to(outbox_id))
    return message


async def test_a_case_goes_to_its_office_with_both_clocks_running(
    place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened("water")
    clocks = await clocks_of(row, case_id)
    assert clocks["a_due"] == clocks["next_due"] == NOW + timedelta(hours=72)
    assert clocks["r_due"] == NOW + timedelta(days=14)
    found = await row("SELECT office_id FROM cases WHERE id = %s", case_id)
    assert found["office_id"] == place.offices["water"]


async def test_a_category_without_an_office_opens_a_case_that_nobody_is_named_for(opened: Opened, row: Row) -> None:
    found = await row("SELECT office_id, status FROM cases WHERE id = %s", await opened("jobs"))
    assert found == {"office_id": None, "status": "received"}


async def test_a_place_with_its_own_office_goes_there(
    db: Database, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    async with db.transaction("console") as tx:
        await tx.execute(
            "INSERT INTO responsibilities (district_id, category, place_id, office_id)"
            " VALUES ('pishin', 'water', %s, %s)",
            ("pishin.barshore", place.offices["administration"]),
        )
    case_id = await opened("water", place_id="pishin.barshore")
    found = await row("SELECT office_id FROM cases WHERE id = %s", case_id)
    assert found["office_id"] == place.offices["administration"]


async def test_what_was_said_is_read_back_and_stands_nowhere_in_clear(
    db: Database, keys: Keys, opened: Opened, row: Row
) -> None:
    case_id = await opened(
        story=[{"text": "نلکا ٹوٹا"}, {"text": "تین دن سے"}, {"location": [30.5, 67.0]}], place_text="بازار کے پیچھے"
    )
    async with db.autocommit("console") as conn:
        said = await thread.read(conn, keys, case_id)
    assert [(item.kind, item.text, item.location) for item in said] == [
        ("story", "نلکا ٹوٹا", None),
        ("more", "تین دن سے", None),
        ("location", None, (30.5, 67.0)),
    ]
    found = await row("SELECT place_text FROM cases WHERE id = %s", case_id)
    assert "بازار".encode() not in bytes(found["place_text"])
    assert keys.decrypt(found["place_text"], register.text_bound_to(case_id)).decode() == "بازار کے پیچھے"


async def test_a_human_who_acknowledges_meets_the_first_clock_only(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened()
    async with db.transaction("console") as tx:
        sent = await acts.acknowledge(tx, keys, case_id, actor=place.staff["handler"], now=NOW + HOUR)
    clocks = await clocks_of(row, case_id)
    assert (clocks["status"], clocks["a_met"], clocks["r_met"]) == ("acknowledged", NOW + HOUR, None)
    assert clocks["next_due"] == NOW + timedelta(days=14)
    message = await message_of(row, keys, sent)
    assert message["says"][0][0] == "case.acknowledged"
    assert message["says"][0][1]["date"] == {"date": "2026-12-02"}


async def test_an_answer_reaches_the_citizen_as_typed_and_counts_as_reading(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened()
    async with db.transaction("console") as tx:
        sent = await acts.answer(tx, keys, case_id, actor=place.staff["handler"], now=NOW, text="کل ٹیم آئے گی")
    assert (await message_of(row, keys, sent))["text"] == "کل ٹیم آئے گی"
    assert (await clocks_of(row, case_id))["status"] == "acknowledged"
    async with db.autocommit("console") as conn:
        last = (await thread.read(conn, keys, case_id))[-1]
        lines = await history.read(conn, case_id)
    assert (last.author, last.kind, last.verb, last.sent) == ("staff", "said", "answer", "queued")
    assert last.text is not None
    assert last.text.endswith("\nکل ٹیم آئے گی")
    assert [(line.verb, line.actor_name) for line in lines] == [("open", None), ("answer", "Demo handler")]


@pytest.mark.parametrize("may_message", [False, None])
async def test_a_phone_that_may_not_be_messaged_gets_nothing_and_the_answer_is_kept(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row, may_message: bool | None
) -> None:
    case_id = await opened(may_message=may_message)
    async with db.transaction("console") as tx:
        handler = place.staff["handler"]
        assert await acts.acknowledge(tx, keys, case_id, actor=handler, now=NOW) is None
        assert await acts.answer(tx, keys, case_id, actor=handler, now=NOW, text="جواب") is None
        assert await acts.resolve(tx, keys, case_id, actor=handler, now=NOW, outcome="repaired", done_on=TODAY) is None
    assert (await row("SELECT count(*) AS n FROM outbox"))["n"] == 0
    async with db.autocommit("console") as conn:
        said = [item for item in await thread.read(conn, keys, case_id) if item.kind == "said"]
    assert [(item.verb, item.outbox_id) for item in said] == [
        ("acknowledge", None),
        ("answer", None),
        ("resolve", None),
    ]
    assert "جواب" in (said[1].text or "")


async def test_resolving_says_what_was_done_where_and_when_and_asks(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened(place_id="pishin.barshore")
    async with db.transaction("console") as tx:
        sent = await acts.resolve(
            tx,
            keys,
            case_id,
            actor=place.staff["handler"],
            now=NOW + HOUR,
            outcome="repaired",
            done_on=TODAY,
            line="پائپ بدل دیا",
        )
    clocks = await clocks_of(row, case_id)
    assert (clocks["status"], clocks["a_met"], clocks["r_met"], clocks["next_due"]) == (
        "resolved", NOW + HOUR, NOW + HOUR, None,
    )  # fmt: skip
    message = await message_of(row, keys, sent)
    (key, values), (ask, _) = message["says"]
    assert (key, ask, message["text"]) == ("case.resolved", "case.confirm_ask", "پائپ بدل دیا")
    assert values["outcome"]["key"] == "outcome.repaired"
    assert values["outcome"]["values"]["date"] == {"date": "2026-11-18"}
    assert values["outcome"]["values"]["place"]["names"]["en"] == "Barshore"
    assert values["outcome"]["values"]["office"]["names"]["en"] == "Executive Engineer, Public Health Engineering"
    assert [option[0] for option in message["options"]] == ["1", "2", "3", "4"]
    found = await row("SELECT outcome_line FROM cases WHERE id = %s", case_id)
    assert "پائپ".encode() not in bytes(found["outcome_line"])


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"outcome": "paid"}, "outcome_unknown"),
        ({"outcome": "sent_on"}, "outcome_unknown"),
        ({"decision": "refused"}, "reason_missing"),
        ({"done_on": TODAY + timedelta(days=1)}, "date_future"),
        ({"place_id": "quetta.quetta-city"}, "place_unknown"),
        ({"place_id": "quetta"}, "place_unknown"),
        ({"version": 7}, "changed"),
    ],
)
async def test_a_resolution_that_says_too_little_is_refused(
    db: Database,
    keys: Keys,
    place: SimpleNamespace,
    opened: Opened,
    row: Row,
    given: dict[str, Any],
    reason: str,
) -> None:
    case_id = await opened()
    asked = {"outcome": "repaired", "done_on": TODAY, **given}
    with pytest.raises(Refused, match=reason):
        async with db.transaction("console") as tx:
            await acts.resolve(tx, keys, case_id, actor=place.staff["handler"], now=NOW, **asked)
    assert (await clocks_of(row, case_id))["status"] == "received"


async def test_a_dispute_lets_the_clock_run_on_from_where_it_was_set(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened()
    async with db.transaction("console") as tx:
        await acts.resolve(tx, keys, case_id, actor=place.staff["handler"], now=NOW, outcome="repaired", done_on=TODAY)
    async with db.transaction("intake") as tx:
        await acts.dispute(tx, case_id, now=NOW + HOUR)
    clocks = await clocks_of(row, case_id)
    assert (clocks["status"], clocks["r_met"], clocks["a_met"]) == ("disputed", None, NOW)
    assert clocks["next_due"] == clocks["r_due"] == NOW + timedelta(days=14)
    async with db.transaction("intake") as tx:
        await acts.confirm(tx, case_id, now=NOW + 2 * HOUR)
    clocks = await clocks_of(row, case_id)
    assert (clocks["status"], clocks["r_met"], clocks["next_due"]) == ("confirmed", NOW + 2 * HOUR, None)


async def test_what_nobody_confirmed_is_closed_by_a_second_person(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened()
    supervisor = place.staff["supervisor"]
    async with db.transaction("console") as tx:
        await acts.resolve(tx, keys, case_id, actor=supervisor, now=NOW, outcome="repaired", done_on=TODAY)
    for actor, reason in ((supervisor, "second_person"), (place.staff["handler"], "not_allowed")):
        with pytest.raises(Refused, match=reason):
            async with db.transaction("console") as tx:
                await acts.close(tx, keys, case_id, actor=actor, now=NOW)


async def test_referring_stops_no_clock_and_leaves_a_line(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened()
    before = await clocks_of(row, case_id)
    async with db.transaction("console") as tx:
        await acts.refer(
            tx,
            keys,
            case_id,
            actor=place.staff["handler"],
            now=NOW,
            office_id=place.offices["administration"],
            due_on=TODAY + timedelta(days=5),
        )
    assert await clocks_of(row, case_id) == before
    assert (await row("SELECT count(*) AS n FROM outbox"))["n"] == 0, "nobody is told of what nobody was told"
    found = await row("SELECT office_id, due_on FROM referrals WHERE case_id = %s", case_id)
    assert found == {"office_id": place.offices["administration"], "due_on": TODAY + timedelta(days=5)}
    line = await row("SELECT verb, data FROM case_history WHERE case_id = %s ORDER BY id DESC LIMIT 1", case_id)
    assert line["verb"] == "refer"
    assert line["data"]["due_on"] == "2026-11-23"


async def test_a_promise_is_kept_by_the_promised_deed_alone_and_dropped_by_a_refusal(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    states = {}
    for outcome in ("repaired", "cannot_budget", "supplied"):
        case_id = await opened()
        async with db.transaction("console") as tx:
            handler = place.staff["handler"]
            due_on = TODAY + timedelta(days=3)
            office = place.offices["water"]
            await acts.commit(
                tx, keys, case_id, actor=handler, now=NOW, action="repaired", office_id=office, due_on=due_on
            )
            await acts.resolve(tx, keys, case_id, actor=handler, now=NOW, outcome=outcome, done_on=TODAY)
        promise = await row("SELECT state, reason FROM commitments WHERE case_id = %s", case_id)
        states[outcome] = (promise["state"], promise["reason"])
    assert states == {
        "repaired": ("kept", None),
        "cannot_budget": ("dropped", "cannot_budget"),
        "supplied": ("open", None),
    }
    with pytest.raises(Refused, match="outcome_unknown"):
        async with db.transaction("console") as tx:
            await acts.commit(
                tx,
                keys,
                case_id,
                actor=place.staff["handler"],
                now=NOW,
                action="cannot_budget",
                office_id=place.offices["water"],
                due_on=TODAY,
            )


async def test_two_handlers_at_once_move_a_case_once(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened()
    version = (await row("SELECT version FROM cases WHERE id = %s", case_id))["version"]

    async def start() -> str:
        try:
            async with db.transaction("console") as tx:
                await acts.start(tx, keys, case_id, actor=place.staff["handler"], now=NOW, version=version)
        except Refused as refused:
            return refused.reason
        return "moved"

    done = await asyncio.gather(*(start() for _ in range(6)))
    assert sorted(done) == ["changed"] * 5 + ["moved"]
    assert (await row("SELECT count(*) AS n FROM case_history WHERE verb = 'start'"))["n"] == 1


async def test_staff_of_another_district_moves_nothing(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened
) -> None:
    case_id = await opened()
    async with db.transaction("console") as tx:
        await districts.add(tx, "quetta")
        await staff.add(tx, Person(login="stranger", name="Stranger", role="handler", district_id="quetta"))
        found = await (await tx.execute("SELECT id FROM staff WHERE login = 'stranger'")).fetchone()
    assert found is not None
    for actor in (found["id"], place.staff["editor"], place.staff["triage"], "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(Refused, match="not_allowed"):
            async with db.transaction("console") as tx:
                await acts.acknowledge(tx, keys, case_id, actor=actor, now=NOW)
    with pytest.raises(Refused, match="not_allowed"):
        async with db.transaction("console") as tx:
            await acts.assign(tx, case_id, actor=place.staff["supervisor"], now=NOW, to=found["id"])


async def test_later_answers_find_the_office_again_while_nobody_has_taken_the_case(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened("water", draft=True)
    async with db.transaction("intake") as tx:
        await acts.amend(tx, keys, case_id, now=NOW, category="health", may_message=True, finish=True)
        await acts.amend(tx, keys, case_id, now=NOW, category="health", may_message=True, finish=True)
    found = await row("SELECT office_id, category, may_message, draft FROM cases WHERE id = %s", case_id)
    assert found == {
        "office_id": place.offices["health"], "category": "health", "may_message": True, "draft": False,
    }  # fmt: skip
    async with db.transaction("console") as tx:
        await acts.start(tx, keys, case_id, actor=place.staff["handler"], now=NOW)
    async with db.transaction("intake") as tx:
        await acts.amend(tx, keys, case_id, now=NOW, category="infrastructure")
    found = await row("SELECT office_id FROM cases WHERE id = %s", case_id)
    assert found["office_id"] == place.offices["health"]
    async with db.autocommit("console") as conn:
        verbs = [line.verb for line in await history.read(conn, case_id)]
    assert verbs == ["open", "finish", "start", "amend"]


async def test_that_somebody_has_read_it_names_no_office(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    """Word for word what is said of a case behind the door: whom it is about must not be the one who is named."""
    for category in ("water", "jobs"):
        case_id = await opened(category)
        async with db.transaction("console") as tx:
            told = await acts.acknowledge(tx, keys, case_id, actor=place.staff["handler"], now=NOW)
        assert [key for key, _ in (await message_of(row, keys, told))["says"]] == ["case.acknowledged"]


async def test_an_answer_may_stand_at_the_number_alone(
    db: Database, keys: Keys, place: SimpleNamespace, opened: Opened, row: Row
) -> None:
    case_id = await opened("water")
    async with db.transaction("console") as tx:
        told = await acts.answer(
            tx, keys, case_id, actor=place.staff["handler"], now=NOW, text="کل ٹیم آئے گی", apart=True
        )
    sent = await message_of(row, keys, told)
    assert ([key for key, _ in sent["says"]], sent.get("text")) == (["case.waits"], None)
    box = (await row("SELECT last_said FROM cases WHERE id = %s", case_id))["last_said"]
    assert register.open_last_said(keys, case_id, box)[-1]["text"] == "کل ٹیم آئے گی"
    async with db.autocommit("console") as conn:
        assert "کل ٹیم آئے گی" in str((await thread.read(conn, keys, case_id))[-1].text)
