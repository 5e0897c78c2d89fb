"""What the jobs that tell offices do, and a look at what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from cases import acts, links, notices, referrals, supervisors, ways
from cases.links import Shut
from cases.notices import House
from store import outbox
from store.crypto import Keys
from store.database import Database, fetch_all
from tests.cases.conftest import NOW

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
DUE = date(2026, 11, 30)
SMS, WHATSAPP = "+923330000001", "+923330000002"
Opened = Callable[..., Awaitable[UUID]]


@dataclass
class Desk:
    """What the jobs do, and a look at what came of it."""

    db: Database
    keys: Keys
    place: SimpleNamespace

    async def way(self, office: str, kind: str, address: str) -> None:
        async with self.db.transaction("console") as tx:
            await ways.put(tx, self.keys, kind=kind, address=address, now=NOW, office_id=self.place.offices[office])

    async def refer(self, case_id: UUID, office: str = "water", summary: str = "", due: date = DUE) -> None:
        async with self.db.transaction("console") as tx:
            await acts.refer(
                tx,
                self.keys,
                case_id,
                actor=self.place.staff["handler"],
                now=NOW,
                office_id=self.place.offices[office],
                due_on=due,
                summary=summary,
            )

    async def tick(self, now: Any = NOW, *, mails: bool = False) -> None:
        """One run of the job."""
        async with self.db.transaction("console") as tx:
            await notices.watch(tx, self.keys, now)
        async with self.db.transaction("console") as tx:
            await notices.settle(tx, self.keys, now)
        async with self.db.transaction("console") as tx:
            await notices.send(tx, House(self.keys, "https://jawab.test", mails), now)
            await supervisors.send(tx, House(self.keys, "https://jawab.test", mails), now)

    async def become(self, state: str, at: Any = NOW) -> None:
        """What the sender records of all that waits."""
        async with self.db.transaction("intake") as tx:
            await tx.execute(
                "UPDATE outbox SET state = %s, sent_at = %s WHERE purpose = 'office' AND state = 'queued'",
                (state, at),
            )

    async def sent(self, purpose: str) -> list[list[Any]]:
        """Text keys of everything owed, oldest first."""
        return [[key for key, _ in message["says"]] for message in await self.messages(purpose)]

    async def messages(self, purpose: str) -> list[dict[str, Any]]:
        async with self.db.autocommit("console") as conn:
            rows = await fetch_all(
                conn, "SELECT id, message FROM outbox WHERE purpose = %s ORDER BY created_at, id", (purpose,)
            )
        return [self.keys.get_json(row["message"], outbox.bound_to(row["id"])) for row in rows]

    async def states(self) -> list[str]:
        async with self.db.autocommit("console") as conn:
            rows = await fetch_all(conn, "SELECT DISTINCT case_id FROM referrals ORDER BY 1")
            found = [one for row in rows for one in await referrals.of_case(conn, row["case_id"])]
        return [one.state for one in found]


async def code_of(desk: Desk) -> tuple[str, str]:
    """(token, code) of the last link."""
    said = [pair for message in await desk.messages("office") for pair in message["says"]]
    token = [values["link"] for _, values in said if "link" in values][-1].rpartition("/o/")[2].partition("?")[0]
    return token, [values["code"] for key, values in said if key == "to_office.code"][-1]


async def enter(desk: Desk, token: str, code: str, now: Any = NOW) -> bool:
    async with desk.db.transaction("console") as tx:
        try:
            link, _ = await links.enter(tx, desk.keys, token, code, now)
        except Shut:
            return False
        await referrals.mark_seen(tx, link.id, now)
        return True
