"""Many accounts in one process: each row is read and sent with its own settings; one that is broken stops no other."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI

from bot import doors, registry
from bot.deliver import drain
from bot.pacing import Pace
from store import channels, contacts
from store.database import Auto
from store.jawab import Jawab
from tests.bot.conftest import OURS, Rows
from tests.conftest import PUBLIC_URL
from tests.providers.twilio import FakeTwilio

ONE = "+923001112233"
THEIRS = "+923000000088"


@pytest.fixture
def other() -> Iterator[FakeTwilio]:
    """A second account at another provider's machine."""
    with FakeTwilio(account="AC" + "b" * 32, token="another-token") as fake:
        yield fake


@pytest.fixture
async def http(jawab: Jawab) -> AsyncIterator[httpx.AsyncClient]:
    app = doors.stand_before(FastAPI(), jawab)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC_URL) as client:
        yield client


async def give(
    jawab: Jawab, rows: Rows, fake: FakeTwilio, name: str, *, address: str = THEIRS, kind: str = "sms", **more: str
) -> uuid.UUID:
    """A number with an account of its own."""
    await rows.district()
    settings = {"account": fake.account, "token": fake.token, "api_url": fake.url, **more}
    async with jawab.db.transaction("console") as tx:
        return await channels.add(
            tx,
            jawab.keys,
            kind=kind,
            provider="twilio",
            address=address,
            district_id="test",
            name=name,
            settings={key: value for key, value in settings.items() if value},
        )


async def owe_through(jawab: Jawab, rows: Rows, channel: uuid.UUID, address: str, text: str) -> uuid.UUID:
    tag = contacts.tag(jawab.keys, "sms", address, ONE)
    contact = uuid.uuid4()
    async with jawab.db.autocommit("intake") as connection:
        await contacts.make(connection, jawab.keys, id=contact, channel_id=channel, tag=tag, address=ONE)
    return await rows.owe(contact, text)


async def test_two_accounts_live_side_by_side_from_message_to_receipt(
    jawab: Jawab, rows: Rows, http: httpx.AsyncClient, twilio: FakeTwilio, other: FakeTwilio
) -> None:
    channel = await give(jawab, rows, other, "quetta")
    mine = await rows.owe(await rows.contact(ONE, "sms"), "from the first")
    theirs = await owe_through(jawab, rows, channel, THEIRS, "from the second")
    assert await drain(jawab, "replies") == {"sent": 2}
    assert [taken.body for taken in twilio.ledger] == ["from the first"]
    assert [taken.body for taken in other.ledger] == ["from the second"]
    assert other.ledger[0].callback == f"{PUBLIC_URL}/in/twilio/quetta/status?mid={theirs}"
    assert await other.callback(http, other.ledger[0], "delivered") == (204, "")
    assert await twilio.callback(http, twilio.ledger[0], "delivered") == (204, "")
    assert [(await rows.see(owed))["state"] for owed in (mine, theirs)] == ["delivered", "delivered"]
    status, _ = await other.webhook(http, ONE, THEIRS, "سلام", path="/in/twilio/quetta")
    assert status == 200
    taken = await rows.one(
        "SELECT h.name FROM inbox i JOIN contacts c ON c.id = i.contact_id JOIN channels h ON h.id = c.channel_id"
        " WHERE i.body IS NOT NULL"
    )
    assert taken["name"] == "quetta"


async def test_a_number_is_not_taken_from_another_account(
    jawab: Jawab, rows: Rows, http: httpx.AsyncClient, twilio: FakeTwilio, other: FakeTwilio
) -> None:
    """Both signatures are right, each for its own account."""
    await give(jawab, rows, other, "quetta")
    await rows.channel("sms")
    assert (await twilio.webhook(http, ONE, THEIRS, "x"))[0] == 400
    assert (await other.webhook(http, ONE, OURS, "x", path="/in/twilio/quetta"))[0] == 400
    assert await rows.alarms() == ["hook_unreadable", "hook_unreadable"]
    assert (await rows.one("SELECT count(*) FROM inbox"))["count"] == 0


async def test_an_account_does_not_open_anothers_door(
    jawab: Jawab, rows: Rows, http: httpx.AsyncClient, twilio: FakeTwilio, other: FakeTwilio
) -> None:
    await give(jawab, rows, other, "quetta")
    assert (await twilio.webhook(http, ONE, THEIRS, "x", path="/in/twilio/quetta"))[0] == 403
    assert (await other.webhook(http, ONE, THEIRS, "x"))[0] == 403


@pytest.mark.parametrize(
    "path", ["/in/nobody", "/in/twilio/nobody", "/in/twilio/nobody/status", "/in/simulator", "/in/nobody/status"]
)
async def test_where_there_is_no_door_nothing_is_kept(
    path: str, rows: Rows, http: httpx.AsyncClient, twilio: FakeTwilio
) -> None:
    assert (await twilio.webhook(http, ONE, OURS, "x", path=path))[0] == 404
    assert (await rows.one("SELECT count(*) FROM inbox"))["count"] == 0
    assert await rows.alarms() == []


async def test_a_message_to_a_number_that_an_account_has_not_told_us_of_is_kept_and_not_adopted(
    jawab: Jawab, rows: Rows, http: httpx.AsyncClient, other: FakeTwilio
) -> None:
    """Its answer would go out through the environment's account."""
    await give(jawab, rows, other, "quetta")
    assert (await other.webhook(http, ONE, "+923000000077", "x", path="/in/twilio/quetta"))[0] == 200
    kept = await rows.one("SELECT state, error FROM inbox WHERE body IS NOT NULL")
    assert kept == {"state": "unrouted", "error": "unknown_number"}
    assert (await rows.one("SELECT count(*) FROM channels"))["count"] == 1


async def test_numbers_of_one_account_share_it_and_others_do_not(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, other: FakeTwilio
) -> None:
    await give(jawab, rows, other, "one")
    await give(jawab, rows, other, "two", address="+923000000077")
    await give(jawab, rows, other, "three", address="+923000000066", token="a-third-token")
    await rows.channel("sms")
    here = registry.of(jawab)
    async with jawab.db.autocommit("intake") as connection:
        opened = {row.name: await here.open(row) for row in await channels.everything(connection)}
    assert opened["one"] is opened["two"]
    assert len({id(channel) for channel in opened.values()}) == 3


async def test_settings_that_cannot_be_used_are_told_once_and_the_others_go_on(
    jawab: Jawab, rows: Rows, http: httpx.AsyncClient, twilio: FakeTwilio, other: FakeTwilio
) -> None:
    broken = await give(jawab, rows, other, "broken", token="")
    moved = await give(jawab, rows, other, "moved", address="+923000000077")
    await rows.owner.execute(
        "UPDATE channels SET config_box = (SELECT config_box FROM channels WHERE id = %s) WHERE id = %s",
        (broken, moved),
    )
    good = await rows.owe(await rows.contact(ONE, "sms"), "x")
    held = [
        await owe_through(jawab, rows, channel, address, "x")
        for channel, address in ((broken, THEIRS), (moved, "+923000000077"))
    ]
    for _ in range(2):
        await rows.owner.execute("UPDATE outbox SET due_at = now() WHERE state = 'queued'")
        await drain(jawab, "replies")
    await registry.close()  # another process sees the same rows for the first time
    await rows.owner.execute("UPDATE outbox SET due_at = now() WHERE state = 'queued'")
    await drain(jawab, "replies")
    assert (await rows.see(good))["state"] == "sent"
    assert [(await rows.see(owed))["state"] for owed in held] == ["queued", "queued"]
    alarms = await (await rows.owner.execute("SELECT data->>'channel', data->>'why' FROM alarms ORDER BY 1")).fetchall()
    assert alarms == [
        ("broken", "token is missing"),
        ("moved", "its settings cannot be opened with this house's keys"),
    ]
    # Whoever writes there is asked to come again: the words are not lost once somebody has mended it.
    assert (await other.webhook(http, ONE, THEIRS, "x", path="/in/twilio/broken"))[0] == 503
    assert (await twilio.webhook(http, ONE, OURS, "x"))[0] == 200
    await give(jawab, rows, other, "broken")
    for owed in held[:1]:
        await rows.owner.execute("UPDATE outbox SET due_at = now() WHERE id = %s", (owed,))
        await drain(jawab, "replies")
        assert (await rows.see(owed))["state"] == "sent"


async def test_of_two_processes_that_see_a_fault_at_once_one_tells_it(
    jawab: Jawab, rows: Rows, other: FakeTwilio
) -> None:
    await give(jawab, rows, other, "broken", token="")
    async with jawab.db.autocommit("intake") as connection:
        (row,) = await channels.everything(connection)
    assert [await registry.Registry(jawab, Pace("")).open(row) for _ in range(2)] == [None, None]
    assert await rows.alarms() == ["channel_settings"]


async def test_new_settings_are_used_at_once_and_the_old_account_is_let_go(
    jawab: Jawab, rows: Rows, twilio: FakeTwilio, other: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = await give(jawab, rows, other, "quetta")
    await owe_through(jawab, rows, channel, THEIRS, "before")
    await drain(jawab, "replies")
    here = registry.of(jawab)
    (old,) = [one.channel for one in here._opened.values()]
    await give(jawab, rows, twilio, "quetta")
    await rows.owe((await rows.one("SELECT id FROM contacts"))["id"], "after")
    monkeypatch.setattr(registry, "IDLE", 0.0)
    await drain(jawab, "replies")
    assert [taken.body for taken in twilio.ledger] == ["after"]
    assert [taken.body for taken in other.ledger] == ["before"]
    assert old not in [one.channel for one in here._opened.values()]


async def test_a_retired_number_neither_sends_nor_takes(
    jawab: Jawab, rows: Rows, http: httpx.AsyncClient, twilio: FakeTwilio, other: FakeTwilio
) -> None:
    channel = await give(jawab, rows, other, "quetta")
    owed = await owe_through(jawab, rows, channel, THEIRS, "x")
    async with jawab.db.transaction("console") as tx:
        assert await channels.remove(tx, channel) == 1
        await channels.retire(tx, channel)
    await drain(jawab, "replies")
    seen = await rows.see(owed)
    assert (seen["state"], seen["error"]) == ("failed", "channel retired")
    assert other.posts == twilio.posts == 0
    assert (await other.webhook(http, ONE, THEIRS, "x", path="/in/twilio/quetta"))[0] == 404
    assert (await twilio.webhook(http, ONE, THEIRS, "x"))[0] == 200
    kept = await rows.one("SELECT state, error FROM inbox WHERE body IS NOT NULL")
    assert kept == {"state": "unrouted", "error": "unknown_number"}


async def test_a_door_of_its_own_notes_when_it_was_last_heard_of(
    jawab: Jawab, rows: Rows, http: httpx.AsyncClient, other: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    await give(jawab, rows, other, "quetta")
    assert (await rows.one("SELECT heard_at FROM channels"))["heard_at"] is None
    await other.webhook(http, ONE, THEIRS, "x", path="/in/twilio/quetta")
    first = (await rows.one("SELECT heard_at FROM channels"))["heard_at"]
    assert first is not None
    await other.webhook(http, ONE, THEIRS, "y", path="/in/twilio/quetta")
    assert (await rows.one("SELECT heard_at FROM channels"))["heard_at"] == first, "once a minute is enough"
    monkeypatch.setattr(registry, "HEARD", 0.0)
    await other.webhook(http, ONE, THEIRS, "z", path="/in/twilio/quetta")
    assert (await rows.one("SELECT heard_at FROM channels"))["heard_at"] > first


async def test_a_stranger_who_asks_for_many_doors_does_not_make_us_read_for_each(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, everything = 0, channels.everything

    async def counted(conn: Auto) -> list[channels.Row]:
        nonlocal read
        read += 1
        return await everything(conn)

    monkeypatch.setattr(channels, "everything", counted)
    monkeypatch.setattr(registry, "AGAIN", 60.0)
    for number in range(20):
        assert (await http.post(f"/in/twilio/name-{number}", content=b"x")).status_code == 404
        assert (await http.post(f"/in/provider-{number}", content=b"x")).status_code == 404
    assert read == 1
