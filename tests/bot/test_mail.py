"""E-mail goes out once, waits where the server is away, and is never sent a second time where it may have gone."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from bot import mail
from cases import offices, ways
from store import mails
from store.database import fetch_all
from store.jawab import Jawab
from tests.providers.smtp import FakeMail

TO = "officer@phe.example"


@pytest.fixture
async def server() -> AsyncIterator[FakeMail]:
    fake = FakeMail()
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def post(jawab: Jawab, server: FakeMail) -> Jawab:
    """Parts that can send e-mail."""
    settings = jawab.settings.model_copy(
        update={"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none", "smtp_from": "j@b.example"}
    )
    return dataclasses.replace(jawab, settings=settings)


async def owe(post: Jawab, demo: SimpleNamespace) -> UUID:
    now = datetime.now(UTC)
    async with post.db.transaction("console") as tx:
        office = await offices.find(tx, demo.district, "water")
        await ways.put(tx, post.keys, kind="email", address=TO, now=now, office_id=office)
        (way,) = await ways.of_office(tx, office)
        says: Any = [
            ("to_office.case", {"reference": "12345678", "date": {"date": "2026-11-30"}, "link": "https://x/o/y"})
        ]
        return await mails.put(tx, post.keys, way.id, subject=("to_office.subject", {}), says=says, now=now)


async def state(post: Jawab) -> tuple[str, str | None]:
    async with post.db.autocommit("console") as conn:
        (row,) = await fetch_all(conn, "SELECT state, error FROM mails")
    return row["state"], row["error"]


async def due(post: Jawab) -> None:
    async with post.db.autocommit("console") as conn:
        await conn.execute("UPDATE mails SET due_at = now()")


async def test_it_goes_out_once_in_the_offices_language(post: Jawab, server: FakeMail, demo: SimpleNamespace) -> None:
    mail_id = await owe(post, demo)
    for _ in range(2):
        await mail.deliver(post)
    ((to, message),) = server.taken
    assert (to, message["Message-ID"]) == (TO, f"<{mail_id}@jawab.test>")
    assert "12345678" in message.get_content()
    assert "https://x/o/y" in message.get_content()
    assert "جواب" in message["Subject"]
    assert await state(post) == ("sent", None)


async def test_a_server_that_is_away_costs_nothing_and_one_alarm(
    post: Jawab, server: FakeMail, demo: SimpleNamespace
) -> None:
    await owe(post, demo)
    await server.stop()
    for _ in range(12):
        await mail.deliver(post)
        await due(post)
    assert (await state(post))[0] == "queued"
    async with post.db.autocommit("console") as conn:
        assert len(await fetch_all(conn, "SELECT 1 FROM alarms WHERE kind = 'mail_not_sent'")) == 1
    await server.start()
    await mail.deliver(post)
    assert await state(post) == ("sent", None)
    assert len(server.taken) == 1


@pytest.mark.parametrize(
    ("verb", "said", "becomes"),
    [
        ("RCPT", "550 nobody", ("failed", "550")),
        ("RCPT", "451 later", ("queued", "451")),
        ("DATA", "554 no", ("failed", "554")),
        ("MAIL", "421 full", ("queued", "421")),
        ("HELLO", "554 go away", ("queued", "554")),
    ],
)
async def test_what_the_server_says_decides(
    post: Jawab, server: FakeMail, demo: SimpleNamespace, verb: str, said: str, becomes: tuple[str, str]
) -> None:
    await owe(post, demo)
    server.says[verb] = said
    await mail.deliver(post)
    assert await state(post) == becomes
    assert server.taken == []


async def test_what_may_have_gone_out_is_never_sent_again(post: Jawab, server: FakeMail, demo: SimpleNamespace) -> None:
    await owe(post, demo)
    server.cut = True
    await mail.deliver(post)
    server.cut = False
    await due(post)
    await mail.deliver(post)
    assert len(server.taken) == 1
    assert (await state(post))[0] == "failed"


async def test_a_claim_that_died_is_not_sent_again(post: Jawab, server: FakeMail, demo: SimpleNamespace) -> None:
    await owe(post, demo)
    async with post.db.autocommit("console") as auto:
        await mails.claim(auto, 1)
        await auto.execute("UPDATE mails SET claimed_at = now() - interval '6 min'")
    await mail.deliver(post)
    assert server.taken == []
    assert await state(post) == ("failed", "unsure")
