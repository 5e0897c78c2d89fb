"""Notices to offices: what is due, by which way it goes, and what became of it.

A referral goes out at once. Reminders and escalations are gathered: one message a day to an office. Each message has a
link, and its code goes another way, or the office has a PIN. A citizen is told that their case was sent when both have
gone out, in the transaction that writes so; where no way leads to the office they are told that, and it is counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cases import calendar, links, messages, offices, referrals, register, ways
from cases.links import Carrier, Link
from cases.referrals import Referral
from cases.register import Case
from cases.ways import Way
from store import mails, outbox
from store.crypto import Keys
from store.database import LOCKS, Tx, fetch_one, new_id

BATCH = 200  # referrals that one transaction sends on their way; the next run takes the rest
MORNING = time(9)  # gathered messages go from here on, in the province's time
PATIENCE = timedelta(days=1)  # a message that has not left by then goes another way
COMES_BACK = timedelta(days=7)  # providers say "not delivered" within hours, aggregators within days
REMIND_BEFORE = timedelta(days=1)  # before the day that was asked for

Said = tuple[str, dict[str, Any]]  # (text key, values)


@dataclass(frozen=True, slots=True)
class House:
    """What a message to an office is made with. `mails`: whether we can send e-mail."""

    keys: Keys
    door: str  # web address of the links; no slash at its end
    mails: bool


# ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
async def send(tx: Tx, house: House, now: datetime, *, batch: int = BATCH) -> list[UUID]:
    """Send on its way whatever is due. Returns the outbox ids to ring for."""
    await tx.execute("SELECT pg_advisory_xact_lock(%s)", (LOCKS["offices"],))  # two at once would be two messages a day
    here = now.astimezone(ZoneInfo(calendar.PROVINCE))
    midnight = datetime.combine(here.date(), time(), here.tzinfo)
    rung: list[UUID] = []
    for one in await referrals.claim_written(tx, gathers=False, since=midnight, most=batch):
        rung += await _send(tx, house, [one], now, gathers=False)
    if here.time() >= MORNING:
        by_office: dict[UUID, list[Referral]] = defaultdict(list)
        for one in await referrals.claim_written(tx, gathers=True, since=midnight, most=batch):
            by_office[one.office_id].append(one)
        for group in by_office.values():
            rung += await _send(tx, house, group, now, gathers=True)
    return rung


async def _send(tx: Tx, house: House, group: Sequence[Referral], now: datetime, *, gathers: bool) -> list[UUID]:
    """One message to one office about these, or what is said where none can go."""
    ids, office_id = [one.id for one in group], group[0].office_id
    cases = [await register.read(tx, one.case_id) for one in group]
    bad = {way for one in group for way in one.bad_ways}
    district_id = cases[0].district_id
    usable = [way for way in await ways.of_office(tx, office_id) if way.id not in bad]
    usable = [way for way in usable if await carries(tx, house, way, district_id)]
    first = usable[0] if usable else None
    second = ways.choose_second(usable, first) if first else None
    if first is None or (second is None and not await offices.has_pin(tx, office_id)):
        return await _give_up(tx, house.keys, list(zip(group, cases, strict=True)), now)
    due = max(one.due_on for one in group)
    made = await links.put(
        tx,
        house.keys,
        office_id=office_id,
        by_code=second is not None,
        gathers=gathers,
        due=datetime.combine(due, time(), UTC),
        now=now,
    )
    link = {"link": f"{house.door}/o/{made.token}?lang={first.lang}"}
    says: list[Said] = [
        ("to_office.cases", {"count": len(group), **link})
        if gathers
        else ("to_office.case", {"reference": group[0].reference, "date": {"date": due.isoformat()}, **link}),
        ("to_office.by_code", {"way": {"key": f"way.{second.kind}"}}) if second else ("to_office.by_pin", {}),
    ]
    carrier = await post(tx, house.keys, first, district_id, says=says, now=now)
    code = None
    if second is not None:
        said: Said = ("to_office.code", {"code": made.code, "way": {"key": f"way.{first.kind}"}})
        code = await post(tx, house.keys, second, district_id, says=[said], now=now)
    await links.carry(tx, made.id, carrier, code)
    await referrals.put_under(tx, ids, made.id)
    return [one.outbox_id for one in (carrier, code) if one is not None and one.outbox_id is not None]


async def carries(tx: Tx, house: House, way: Way, district_id: str) -> bool:
    """Whether a message can be sent this way from here."""
    if way.kind == "email":
        return house.mails
    return await ways.find_contact(tx, house.keys, way, district_id) is not None


async def post(tx: Tx, keys: Keys, way: Way, district_id: str, *, says: Sequence[Said], now: datetime) -> Carrier:
    """Owe one message by this way, which can carry it."""
    if way.kind == "email":
        mail_id = await mails.put(tx, keys, way.id, subject=("to_office.subject", {}), says=says, now=now)
        return Carrier(way.id, mail_id=mail_id)
    contact_id = await ways.find_contact(tx, keys, way, district_id)
    if contact_id is None:
        raise LookupError(way.id)
    outbox_id = new_id()
    await outbox.put(
        tx,
        keys,
        id=outbox_id,
        contact_id=contact_id,
        lane="replies",
        purpose="office",
        lang=way.lang,
        message={"says": [list(one) for one in says]},
        due_at=now,
    )
    return Carrier(way.id, outbox_id=outbox_id)


async def _give_up(tx: Tx, keys: Keys, group: Sequence[tuple[Referral, Case]], now: datetime) -> list[UUID]:
    """No way leads there: written so, and the citizen of a referral is told just that."""
    await referrals.mark_unreached(tx, [one.id for one, _ in group], now)
    told = []
    for one, case in group:
        if one.kind == "refer":
            values = {"code": {"code": case.code}, "office": await offices.value(tx, one.office_id)}
            told.append(await messages.tell(tx, keys, case, "refer", says=[("case.written_for", values)], now=now))
    return [outbox_id for outbox_id in told if outbox_id is not None]


# ── what became of it ────────────────────────────────────────────────────────────────────────────────────────────────
async def settle(tx: Tx, keys: Keys, now: datetime, *, batch: int = BATCH) -> list[UUID]:
    """Write what became of the messages that are under way, and tell whose case it is. Returns ids to ring for."""
    rung: list[UUID] = []
    for link in await links.claim_under_way(tx, batch):
        carriers = _carriers(link)
        fates = [await _fate(tx, carrier) for carrier in carriers]
        late = now - link.at > PATIENCE
        failed = next(
            (
                carrier
                for carrier, (fate, _) in zip(carriers, fates, strict=True)
                if fate == "failed" or (late and fate == "waiting")
            ),
            None,
        )
        if failed is not None:
            await _fail(tx, link, carriers, failed.way_id, now)
        elif all(fate == "gone" for fate, _ in fates):
            at = max(moment for _, moment in fates if moment is not None)
            await links.mark_gone(tx, link.id, at)
            for one in await referrals.mark_told(tx, link.id, at):
                rung += await tell_sent(tx, keys, one, at, now)
    for link in await links.claim_come_back(tx, now - COMES_BACK, batch):
        # It had left, so the office counted as told: it was not, and whose case it is hears what becomes of it now.
        carriers = _carriers(link)
        bad = [one.way_id for one in carriers if (await _fate(tx, one))[0] == "failed"]
        await referrals.take_back(tx, link.id)
        await _fail(tx, link, carriers, bad[0], now)
    return rung


def _carriers(link: Link) -> list[Carrier]:
    """The messages that carry a link, and its code where that goes by one."""
    assert link.way_id is not None  # noqa: S101 - it is carried in the transaction that makes it
    found = [Carrier(link.way_id, link.outbox_id, link.mail_id)]
    if link.code_way_id is not None:
        found.append(Carrier(link.code_way_id, link.code_outbox_id, link.code_mail_id))
    return found


_FATES = {
    **dict.fromkeys(("sent", "delivered", "read"), "gone"),
    **dict.fromkeys(("failed", "undelivered", "withdrawn", "parked"), "failed"),
    "queued": "waiting",
    "sending": "sending",  # it may go out at any moment: whatever its age, it is waited for
}


async def _fate(tx: Tx, carrier: Carrier) -> tuple[str, datetime | None]:
    """(gone, failed, waiting or sending; when it went)."""
    row = await fetch_one(
        tx,
        "SELECT state, sent_at FROM outbox WHERE id = %s UNION ALL SELECT state, sent_at FROM mails WHERE id = %s",
        (carrier.outbox_id, carrier.mail_id),
    )
    return ("failed", None) if row is None else (_FATES[row["state"]], row["sent_at"])


async def _fail(tx: Tx, link: Link, carriers: Sequence[Carrier], bad_way: UUID, now: datetime) -> None:
    """The link is of no use: what has not left of it is taken back, and its referrals go another way."""
    for carrier in carriers:
        if carrier.outbox_id is not None:
            await outbox.withdraw(tx, carrier.outbox_id)
        if carrier.mail_id is not None:
            await mails.withdraw(tx, carrier.mail_id)
    await links.mark_failed(tx, link.id, now)
    await referrals.release(tx, link.id, bad_way)


async def tell_sent(tx: Tx, keys: Keys, one: Referral, at: datetime, now: datetime) -> list[UUID]:
    """Tell whose case it is that the office was told, at that moment. Of a reminder nobody is told."""
    key = {"refer": "case.referred", "escalate": "case.escalated"}.get(one.kind)
    if key is None:
        return []
    case = await register.read(tx, one.case_id)
    values = {
        "code": {"code": case.code},
        "office": await offices.value(tx, one.office_id),
        "sent": {"date": case.day(at).isoformat()},
        "date": {"date": one.due_on.isoformat()},
    }
    outbox_id = await messages.tell(tx, keys, case, one.kind, says=[(key, values)], now=now)
    return [] if outbox_id is None else [outbox_id]


# ── its day ──────────────────────────────────────────────────────────────────────────────────────────────────────────
async def watch(tx: Tx, keys: Keys, now: datetime, *, batch: int = BATCH) -> None:
    """Remind an office on the day before the one that was asked for, and mark those that let it pass in silence."""
    today = calendar.day_of(now)
    silent = await referrals.claim_unanswered(tx, "silent", today - timedelta(days=1), batch)
    await referrals.mark_silent(tx, [one.id for one in silent], now)
    for one in await referrals.claim_unanswered(tx, "remind", today + REMIND_BEFORE, batch):
        # Who was told a moment ago is not reminded of it.
        if one.told_at is not None and now - one.told_at >= REMIND_BEFORE:
            await referrals.put(
                tx,
                keys,
                one.case_id,
                office_id=one.office_id,
                due_on=one.due_on,
                by=None,
                now=now,
                kind="remind",
                of=one,
            )
