"""Telephones in cupboards: rows for them, and what they are asked and post."""

from __future__ import annotations

import uuid
from typing import Any

from bot import registry
from bot.channels import Account, Outbound, Posted
from bot.channels.gateway import Gateway
from settings import Settings
from store import channels, contacts
from store.jawab import Jawab
from tests.bot.conftest import Rows
from tests.conftest import PUBLIC_URL
from tests.providers.gateway import OURS, FakeGateway, settings_of

CITIZEN = "+923001112233"
STORY = "زموږ په کلي کې درې ورځې کیږي چې اوبه نشته. موږ څو ځله دفتر ته ورغلو خو چا راسره خبره ونه کړه."


async def give(
    jawab: Jawab, fake: FakeGateway, name: str = "cupboard", district: str = "pishin", **more: str
) -> uuid.UUID:
    """A row for this telephone, which is then told where to post."""
    async with jawab.db.transaction("console") as tx:
        id_ = await channels.add(
            tx,
            jawab.keys,
            kind="gateway",
            provider="gateway",
            address=fake.ours,
            district_id=district,
            name=name,
            settings=settings_of(fake, **more),
        )
    channel = await open_row(jawab, id_)
    assert await channel.connect() == ""
    assert await channel.probe() == ""
    return id_


async def open_row(jawab: Jawab, id_: uuid.UUID) -> Gateway:
    async with jawab.db.autocommit("intake") as connection:
        (row,) = [row for row in await channels.everything(connection) if row.id == id_]
    channel = await registry.of(jawab).open(row)
    assert isinstance(channel, Gateway)
    return channel


async def owe(jawab: Jawab, rows: Rows, channel: uuid.UUID, text: str = "پانی", *, answer: bool = True) -> uuid.UUID:
    tag = contacts.tag(jawab.keys, "gateway", OURS, CITIZEN)
    async with jawab.db.autocommit("intake") as connection:
        await contacts.make(connection, jawab.keys, id=uuid.uuid4(), channel_id=channel, tag=tag, address=CITIZEN)
        found = await rows.one("SELECT id FROM contacts WHERE channel_id = %s AND address_tag = %s", channel, tag)
    return await rows.owe(found["id"], text, answer=answer)


def opened(fake: FakeGateway, **more: str) -> Gateway:
    door = f"{PUBLIC_URL}/in/gateway/cupboard"
    return Gateway.open(Account(settings_of(fake, **more), Settings(public_url=PUBLIC_URL), fake.ours, door))


def outbound(text: str = "پانی آ گیا", attempt: int = 1, **more: Any) -> Outbound:
    return Outbound(uuid.uuid4(), "gateway", OURS, CITIZEN, text, attempt=attempt, **more)


def posted(fake: FakeGateway, said: dict[str, Any]) -> Posted:
    body, headers = fake.signed(said)
    return Posted("/in/gateway/cupboard", "", {name.lower(): value for name, value in headers.items()}, body)


async def hush(rows: Rows, channel: uuid.UUID, minutes: int) -> None:
    """As if the telephone had been heard of last so long ago."""
    await rows.owner.execute(
        "UPDATE channels SET heard_at = now() - %s * interval '1 minute' WHERE id = %s", (minutes, channel)
    )
