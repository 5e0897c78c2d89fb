"""Some hundred phones that write at once, some of them a protected report; and what is true of them."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from bot import deliver, intake
from bot.channels import Inbound
from store import outbox
from store.jawab import Jawab
from tests.answers import STORY, typed

Owner = psycopg.AsyncConnection[Any]
MARK = "نشانیلفظ"  # stands in every word of a protected report
DANGER = "افسر نے مجھے دھمکی دی"
CODE = re.compile(r"\d{13}")
SPACED = re.compile(r"(\d{4}) (\d{4}) (\d{4}) (\d)")


@dataclass
class Writer:
    """One phone: what it writes in turn, and what became of it."""

    address: str
    texts: list[str]
    protected: bool
    contact: uuid.UUID | None = None
    case: uuid.UUID | None = None
    code: str = ""
    wrote: int = 0


@dataclass
class Crowd:
    """Writers whose messages come mixed, a minute apart as the field has it; the order is all that matters."""

    jawab: Jawab
    owner: Owner
    writers: list[Writer] = field(default_factory=list)
    order: list[Writer] = field(default_factory=list)

    @classmethod
    def gather(cls, jawab: Jawab, owner: Owner, *, reports: int, phones: int, seed: int) -> Crowd:
        dice = random.Random(seed)
        crowd = cls(jawab, owner)
        for number in range(phones):
            protected = number < reports
            texts = _protected(number, dice) if protected else _ordinary(number, dice)
            crowd.writers.append(Writer(f"phone-{seed}-{number:05}", texts, protected))
        times = []
        for writer in crowd.writers:
            at = dice.random()
            for _ in writer.texts:
                times.append((at, writer))
                at += dice.expovariate(1) * 3 / (phones * 4)  # some three of others between two of one's own
        crowd.order = [writer for _, writer in sorted(times, key=lambda one: one[0])]
        return crowd

    async def write(self, order: Iterable[Writer]) -> None:
        for done, writer in enumerate(order):
            message = Inbound(
                provider="simulator",
                provider_id=uuid.uuid4().hex,
                channel="try",
                to="demo",
                address=writer.address,
                text=writer.texts[writer.wrote],
            )
            writer.wrote += 1
            assert await intake.take(self.jawab, message) == "taken"
            if writer.protected:
                await self._note(writer)
            if done % 40 == 39:
                await deliver.drain(self.jawab, "replies")
        await deliver.drain(self.jawab, "replies", limit=10_000)

    async def _note(self, writer: Writer) -> None:
        """Which case is this phone's: the one that has just been opened, or that its number opens."""
        known = [one.case for one in self.writers if one.case]
        if writer.case is None:
            row = await (
                await self.owner.execute("SELECT id FROM sealed.cases WHERE id <> ALL(%s)", (known,))
            ).fetchone()
            writer.case = row[0] if row else None
        if not writer.code:
            tag = self.jawab.keys.tag("try", "demo", writer.address)
            rows = await (
                await self.owner.execute(
                    "SELECT outbox.id, message FROM outbox JOIN contacts ON contacts.id = contact_id"
                    " WHERE address_tag = %s ORDER BY outbox.created_at",
                    (tag,),
                )
            ).fetchall()
            said = [str(self.jawab.keys.get_json(box, outbox.bound_to(one))) for one, box in rows]
            writer.code = next((code for one in said for code in CODE.findall(one)), "")

    async def find_contacts(self) -> None:
        for writer in self.writers:
            tag = self.jawab.keys.tag("try", "demo", writer.address)
            row = await (await self.owner.execute("SELECT id FROM contacts WHERE address_tag = %s", (tag,))).fetchone()
            writer.contact = row[0] if row else None


def _protected(number: int, dice: random.Random) -> list[str]:
    """On each of the paths that lead behind the door; nobody allows messages."""
    story = f"{STORY} {MARK} {number}"
    more = [f"{MARK} {number} {part}" for part in range(dice.choice((0, 0, 1, 2, 4)))]
    menu = typed(kind="person", story=story, message="no")
    paths = (
        menu,
        typed(first=f"{DANGER} {MARK} {number}", message="no"),
        typed(first=story, kind="person", message="no"),
        menu[:-1],  # the question of the receipt is never answered
    )
    return [*paths[number % len(paths)], *(more if number % len(paths) < 3 else [])]


def _ordinary(number: int, dice: random.Random) -> list[str]:
    story = f"{STORY} {number}"
    paths = (
        ["سلام", "4"],
        [story],
        [story, "4"],
        typed(first=story, kind="service", message=dice.choice(("yes", "no"))),
        typed(kind="service", story=story, message="no")[: dice.randrange(3, 10)],
        ["سلام", "4", "MENU"],
    )
    return list(paths[number % len(paths)])
