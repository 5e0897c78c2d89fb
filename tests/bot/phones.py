"""A phone that writes through the real intake, and what stands in the tables afterwards."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from bot import intake
from bot.channels import Inbound
from flows.model import Session
from flows.sessions import restore
from store import inbox, outbox, sessions
from store.crypto import Keys
from store.jawab import Jawab
from tests import truth

Owner = psycopg.AsyncConnection[Any]
CANARY = "کینری لفظ جو کہیں نہیں ملنا چاہیے"
KARACHI = ZoneInfo("Asia/Karachi")
CODE = re.compile(r"\d{13}")


class Phone:
    """One phone that writes through the real intake and reads what it is owed."""

    def __init__(
        self,
        jawab: Jawab,
        owner: Owner,
        address: str = "+923990000001",
        channel: str = "sms",
        to: str = "+92810000001",
    ) -> None:
        self.jawab, self.owner, self.address, self.channel, self.to = jawab, owner, address, channel, to
        self._looked_at: list[uuid.UUID] = []

    def inbound(self, text: str = "", **more: Any) -> Inbound:
        given: dict[str, Any] = {
            "provider": "twilio",
            "provider_id": f"SM{uuid.uuid4().hex}",
            "channel": self.channel,
            "to": self.to,
            "address": self.address,
            "text": text,
        }
        return Inbound(**given | more)

    async def say(self, *texts: str, **more: Any) -> list[dict[str, Any]]:
        """Say these in turn; the last message that is owed, decrypted, and all before it."""
        for text in texts:
            assert await intake.take(self.jawab, self.inbound(text, **more)) == "taken"
            found, seen = await truth.unproven(self.owner, self.jawab.keys, self._looked_at)
            self._looked_at += seen
            assert found == [], "what is said happened"
        return await self.owed()

    async def owed(self) -> list[dict[str, Any]]:
        rows = await (
            await self.owner.execute(
                "SELECT outbox.id, message FROM outbox JOIN contacts ON contacts.id = contact_id"
                " WHERE address_tag = %s ORDER BY outbox.created_at, outbox.id",
                (self.jawab.keys.tag(self.channel, self.to, self.address),),
            )
        ).fetchall()
        return [self.jawab.keys.get_json(message, outbox.bound_to(one)) for one, message in rows]

    async def session(self) -> Session:
        """Where the conversation stands now, as the next message will find it."""
        row = await (
            await self.owner.execute(
                "SELECT contact_id, state FROM sessions JOIN contacts ON contacts.id = contact_id"
                " WHERE address_tag = %s",
                (self.jawab.keys.tag(self.channel, self.to, self.address),),
            )
        ).fetchone()
        assert row
        return restore(self.jawab.keys.decrypt(row[1], sessions.bound_to(row[0])))

    async def code(self) -> str:
        """The last number that this phone was given."""
        found = [said for owed in await self.owed() for said in CODE.findall(json.dumps(owed))]
        return str(found[-1])


async def heard(owner: Owner, keys: Keys) -> list[str]:
    """The texts that boxes of the inbox hold."""
    rows = await (await owner.execute("SELECT id, body FROM inbox WHERE body IS NOT NULL")).fetchall()
    said = [keys.get_json(body, inbox.bound_to(one)).get("text") for one, body in rows]
    return [text for text in said if text]


async def count(owner: Owner, table: str, where: str = "true") -> int:
    row = await (await owner.execute(f"SELECT count(*) FROM {table} WHERE {where}")).fetchone()
    assert row
    return int(row[0])
