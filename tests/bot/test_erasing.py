"""What a person takes back is gone from the tables, from the provider and from a restored dump; counts stay."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from typer.testing import CliRunner

import cli
from bot import copies, erase_commands, registry
from bot.erase_commands import LIST, erase, find_wrong, replay, take_stock, write_list
from cases.lifecycle import Refused
from house import dumps
from settings import Settings
from store.crypto import Keys
from store.database import Database
from store.jawab import Jawab
from tests.answers import typed
from tests.bot.conftest import Rows
from tests.bot.phones import CANARY, Phone, count
from tests.providers.twilio import FakeTwilio

Owner = psycopg.AsyncConnection[Any]
runner = CliRunner()
PHOTO = "/2010-04-01/Accounts/AC/Messages/MM/Media/ME1"


@pytest.fixture
def settings(wired: Settings, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Its list of what was erased is not another test's."""
    shutil.copytree(data / "keys", tmp_path / "keys")
    (tmp_path / "fleeting").symlink_to(data / "fleeting")  # the keys of the hours, which no copy of a house has
    # Loggers keep the stream they were made with.
    monkeypatch.setattr("store.logs.configure", lambda _: None)
    return wired.model_copy(update={"data": tmp_path})


@pytest.fixture
async def operator(jawab: Jawab, database_url: str, keys: Keys) -> AsyncIterator[Jawab]:
    """The house as a command on it is connected."""
    database = Database(database_url, keys, roles=("console",), size=2, speaker="operator")
    await database.open()
    yield dataclasses.replace(jawab, db=database)
    await database.close()


@pytest.fixture
async def reported(phone: Phone, rows: Rows, twilio: FakeTwilio) -> str:
    """The number of a report with a story and a photo that was not fetched yet."""
    await phone.say(*typed(story=CANARY))
    code = await phone.code()
    twilio.media[PHOTO] = ("image/jpeg", b"")
    media_id = uuid.uuid4()
    box = phone.jawab.keys.encrypt((twilio.url + PHOTO).encode(), f"media|source|{media_id}")
    await phone.owner.execute(
        "INSERT INTO media (id, contact_id, case_id, content_type, source)"
        " SELECT %s, contact_id, id, 'image/jpeg', %s FROM cases WHERE code = %s",
        (media_id, box, code),
    )
    return code


async def opened(owner: Owner, keys: Keys) -> str:
    """Every word of everybody that the house's own key opens."""
    said = []
    for table, column in (("inbox", "body"), ("outbox", "message"), ("case_items", "body"), ("sessions", "state")):
        key = "contact_id" if table == "sessions" else "id"
        found = await owner.execute(f"SELECT {key}, {column} FROM {table} WHERE coalesce({column}, '') <> ''")
        said += [keys.get_json(box, f"{table}|{column}|{one}") for one, box in await found.fetchall()]
    for one, box in await (
        await owner.execute("SELECT id, address_box FROM contacts WHERE address_box <> ''")
    ).fetchall():
        said.append(keys.decrypt(box, f"contacts|address_box|{one}").decode())
    return json.dumps(said, ensure_ascii=False)


async def test_all_of_a_person_goes_and_counts_stay(operator: Jawab, phone: Phone, owner: Owner, reported: str) -> None:
    other = Phone(phone.jawab, owner, "+923990000002")
    await other.say("سلام")
    before = {table: await count(owner, table) for table in ("cases", "clocks", "case_history", "consents", "contacts")}
    assert CANARY in await opened(owner, phone.jawab.keys)
    assert phone.address in await opened(owner, phone.jawab.keys)
    held = {row["held"]: row["rows"] for row in await erase(operator, "0399 0000001", dry=False)}
    assert {"cases", "inbox", "outbox", "media", "sessions", "contacts"} <= held.keys()
    left = await opened(owner, phone.jawab.keys)
    assert CANARY not in left
    assert phone.address not in left
    assert reported not in left
    assert other.address in left
    assert await count(owner, "media") == await count(owner, "case_items") == 0
    assert {table: await count(owner, table) for table in before} == before
    assert await count(owner, "outbox", "state IN ('queued', 'parked') AND message = ''") == 0
    acts = await (await owner.execute("SELECT action, actor FROM audit WHERE action LIKE 'erase.%'")).fetchall()
    assert sorted(acts) == [("erase.case", "operator"), ("erase.contact", "operator")]
    assert (await take_stock(operator, phone.address))["held"] == []
    await phone.say("سلام")  # a stranger, who is greeted like any other
    assert (await take_stock(operator, phone.address))["held"] != []


async def test_one_case_goes_by_its_number_and_its_writer_stays(
    operator: Jawab, phone: Phone, owner: Owner, reported: str
) -> None:
    await erase(operator, reported, dry=False)
    left = await opened(owner, phone.jawab.keys)
    assert CANARY not in left
    assert phone.address in left
    assert await count(owner, "cases", "contact_id IS NULL AND code IS NULL") == 1
    with pytest.raises(Refused):
        await erase(operator, reported, dry=False)


async def test_a_dry_run_shows_the_same_and_does_nothing(
    operator: Jawab, phone: Phone, owner: Owner, reported: str
) -> None:
    before = await opened(owner, phone.jawab.keys)
    assert await erase(operator, phone.address, dry=True) == (await take_stock(operator, phone.address))["held"]
    assert await opened(owner, phone.jawab.keys) == before
    assert await count(owner, "erasures") == 0


async def test_what_is_protected_cannot_be_looked_up_and_it_is_said(
    operator: Jawab, phone: Phone, owner: Owner
) -> None:
    stock = await take_stock(operator, phone.address)
    assert stock["held"] == []
    assert "protected door" in stock["protected"]


async def test_the_desk_cannot_erase(jawab: Jawab, phone: Phone, reported: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await erase(jawab, phone.address, dry=False)


# ── after a restore ──────────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_restored_dump_is_rid_of_it_before_anything_starts(
    operator: Jawab,
    phone: Phone,
    owner: Owner,
    reported: str,
    database_url: str,
    addresses: tuple[str, str],
    tmp_path: Path,
) -> None:
    superusers = urlsplit(addresses[1])._replace(path=urlsplit(database_url).path).geturl()
    dump, here = tmp_path / "jawab.dump", operator.settings
    assert operator.settings.database_url == database_url
    await asyncio.to_thread(dumps.write, database_url, dump)
    await erase(operator, phone.address, dry=False)
    listed = (here.data / LIST).read_text()
    assert phone.address not in listed
    assert reported not in listed
    await asyncio.to_thread(dumps.bring_back, superusers, dump)
    assert CANARY in await opened(owner, phone.jawab.keys)  # a dump knows nothing of later wishes
    assert await asyncio.to_thread(replay, here, here.database_url) == 1
    left = await opened(owner, phone.jawab.keys)
    assert CANARY not in left
    assert phone.address not in left
    assert await asyncio.to_thread(replay, here, here.database_url) == 0


async def test_a_sealed_case_that_two_readers_erased_goes_again(
    jawab: Jawab, phone: Phone, owner: Owner, database_url: str
) -> None:
    await phone.say(*typed(kind="person", story=CANARY))
    case = (await (await owner.execute("SELECT id FROM sealed.cases")).fetchall())[0][0]
    jawab.settings.data.joinpath(LIST).write_text(f"sealed {case} 2026-11-26\n")
    assert await asyncio.to_thread(replay, jawab.settings, jawab.settings.database_url) == 1
    assert await count(owner, "sealed.items") == await count(owner, "sealed.wraps") == 0
    assert await count(owner, "sealed.cases", "status = 'closed' AND recipients = '{}'") == 1
    assert await asyncio.to_thread(replay, jawab.settings, jawab.settings.database_url) == 0


async def test_what_is_erased_and_not_on_the_list_beside_the_data_is_named(
    operator: Jawab, phone: Phone, reported: str
) -> None:
    await erase(operator, phone.address, dry=False)
    assert [row["kind"] for row in await find_wrong(operator)] == []
    (operator.settings.data / LIST).unlink()
    assert [row["kind"] for row in await find_wrong(operator)] == ["erased_not_listed"]
    await write_list(operator)
    assert await find_wrong(operator) == []
    assert {one.what for one in erase_commands.read_list(operator.settings.data / LIST)} == {"contact", "case"}


def test_the_command_asks_before_it_erases(
    database_url: str, keys: Keys, data: Path, monkeypatch: pytest.MonkeyPatch, demo: object
) -> None:
    monkeypatch.setenv("JAWAB_DATA", str(data))
    monkeypatch.setenv("JAWAB_DATABASE_URL", database_url)
    monkeypatch.setattr("store.logs.configure", lambda _: None)
    assert "nothing is held" in runner.invoke(cli.app, ["erase", "+923990000009"]).stdout
    assert "protected door" in " ".join(runner.invoke(cli.app, ["inventory", "+923990000009"]).stdout.split())
    refused = runner.invoke(cli.app, ["erase", "9000 0000 0000 6"])
    assert refused.exit_code == 1
    assert "no ordinary case" in refused.stderr


async def test_the_command_erases_one_case_by_its_number(
    operator: Jawab, phone: Phone, owner: Owner, reported: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function alone was tried once, and the command found nothing to erase."""
    monkeypatch.setenv("JAWAB_DATA", str(operator.settings.data))
    monkeypatch.setenv("JAWAB_DATABASE_URL", operator.settings.database_url)
    shown = await asyncio.to_thread(runner.invoke, cli.app, ["erase", reported, "--dry-run"])
    assert (shown.exit_code, "cases" in shown.stdout) == (0, True), shown.output
    assert "The writer stays" in " ".join(shown.stdout.split())
    assert CANARY in await opened(owner, phone.jawab.keys)
    unsure = await asyncio.to_thread(runner.invoke, cli.app, ["erase", reported], input="n\n")
    assert unsure.exit_code == 1
    assert CANARY in await opened(owner, phone.jawab.keys)
    done = await asyncio.to_thread(runner.invoke, cli.app, ["erase", reported, "--yes"])
    assert (done.exit_code, LIST in done.stdout) == (0, True), done.output
    left = await opened(owner, phone.jawab.keys)
    assert (CANARY in left, phone.address in left) == (False, True)
    again = await asyncio.to_thread(runner.invoke, cli.app, ["erase", reported, "--yes"])
    assert "no ordinary case" in again.stderr


# ── at the provider ──────────────────────────────────────────────────────────────────────────────────────────────────
async def age(owner: Owner, days: float) -> None:
    await owner.execute("UPDATE inbox SET received_at = now() - %s * interval '1 day'", (days,))
    await owner.execute("UPDATE outbox SET created_at = now() - %s * interval '1 day'", (days,))


async def came(owner: Owner, twilio: FakeTwilio) -> set[str]:
    """The provider has what came, as it has it of every message."""
    rows = await (await owner.execute("SELECT provider_id FROM inbox WHERE provider = 'twilio'")).fetchall()
    twilio.received |= {row[0] for row in rows}
    return {row[0] for row in rows}


@pytest.mark.parametrize("kind", ["service", "person"])
async def test_the_provider_is_rid_of_every_message_at_the_same_age(
    jawab: Jawab, phone: Phone, owner: Owner, twilio: FakeTwilio, kind: str
) -> None:
    """Ordinary or sealed: a deletion, or a row, that only one of them had would tell which it was."""
    await phone.say(*typed(kind=kind, story=CANARY))
    ids = await came(owner, twilio)
    assert await copies.forget(jawab) == 0
    assert twilio.received == ids
    await age(owner, 0.05)
    assert await copies.forget(jawab) == len(ids)
    assert twilio.received == set()
    rows = await (await owner.execute("SELECT DISTINCT kind, state, box IS NULL FROM copies")).fetchall()
    assert rows == [("message", "gone", True)]
    assert await copies.forget(jawab) == 0
    await registry.close()


async def test_what_is_not_final_is_asked_for_again_for_days(
    jawab: Jawab, rows: Rows, owner: Owner, twilio: FakeTwilio
) -> None:
    """Error 20009 while Twilio still sends it."""
    from bot import deliver

    sent = await rows.owe(await rows.contact("+923001112233"), answer=False)
    await deliver.drain(jawab, "replies")
    await age(owner, 1.1)
    assert await copies.forget(jawab) == 0
    again = "UPDATE copies SET due_at = now() WHERE id = %s"
    for _ in range(3):
        await owner.execute(again, (sent,))
        assert await copies.forget(jawab) == 0
    row = await rows.one("SELECT state, attempts FROM copies WHERE id = %s", sent)
    assert (row["state"], row["attempts"]) == ("waiting", 4)
    twilio.ledger[0].status = "delivered"
    await owner.execute(again, (sent,))
    assert await copies.forget(jawab) == 1
    assert twilio.ledger[0].deleted
    await registry.close()


async def test_what_the_provider_keeps_a_person_hears_of(
    jawab: Jawab, rows: Rows, owner: Owner, twilio: FakeTwilio
) -> None:
    from bot import deliver

    sent = await rows.owe(await rows.contact("+923001112233"), answer=False)
    await deliver.drain(jawab, "replies")
    await age(owner, 1.1)
    await copies.forget(jawab)
    await owner.execute("UPDATE copies SET attempts = 24, due_at = now() WHERE id = %s", (sent,))
    assert await copies.forget(jawab) == 0
    assert (await rows.one("SELECT state FROM copies WHERE id = %s", sent))["state"] == "kept"
    assert await rows.alarms() == ["copy_kept"]
    await registry.close()


async def test_a_file_that_could_not_be_deleted_is_asked_for_again(
    operator: Jawab, jawab: Jawab, phone: Phone, owner: Owner, reported: str, twilio: FakeTwilio
) -> None:
    """Erased before it was fetched: the provider's copy goes all the same."""
    await erase(operator, phone.address, dry=False)
    assert PHOTO in twilio.media
    await came(owner, twilio)
    await copies.forget(jawab)
    assert twilio.media == {}
    assert twilio.received == set()
    await registry.close()


async def test_a_clock_that_stood_still_looks_back_once_an_hour(
    jawab: Jawab, rows: Rows, owner: Owner, twilio: FakeTwilio
) -> None:
    """Each minute only what has just come of age is looked for, or a million messages would be gone through."""
    from bot import deliver

    await rows.owe(await rows.contact("+923001112233"), answer=False)
    await deliver.drain(jawab, "replies")
    twilio.ledger[0].status = "delivered"
    await age(owner, 2)
    assert await copies.forget(jawab) == 0
    assert await copies.look_back(jawab) == 1
    assert await copies.forget(jawab) == 1
    assert twilio.ledger[0].deleted
    await registry.close()
