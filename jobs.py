"""Every periodic job: its name, how often, what it does, as which database role. Its last run is in the database.

Any number of clocks may tick at once, on any number of machines: who claims a due job first runs it. Each job also
claims what it works on by its state, so that two of the same at once (a lease that ran out) do no harm either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from bot import away, copies, deliver, intake, mail, silence, templates
from broadcast import expected, publish, reached
from cases import calendar, endings, figures, links, notices, overdue, reserved, sorting, supervisors
from cases.calendar import PROVINCE
from desk import attempts, decisions, protected, protected_door, protected_roster, sessions
from store import audit, drops, inbox, media, once, outbox, retention, tries
from store import copies as kept_copies
from store import sessions as conversations
from store.jawab import Jawab

log = structlog.get_logger()

SWEEP = timedelta(seconds=5)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
AGAIN = timedelta(hours=1)  # a daily job that failed does not wait for tomorrow
SMALL_ROOM = 4000  # boxes behind the door, of some five hundred cases
ROUNDS = 36  # transactions of one kind in one run of the counting
CHUNK = 2000  # messages of one run, which costs RQ 2 ms where a ring begins it; a message costs 0.1 ms


@dataclass(frozen=True, slots=True)
class Job:
    """One periodic job. `pace` is a period, or the hour of every day in the province's time."""

    name: str
    pace: timedelta | time
    work: Callable[[Jawab, datetime], Awaitable[object]]
    role: str  # the only one it reaches the database as

    @property
    def period(self) -> timedelta:
        return DAY if isinstance(self.pace, time) else self.pace

    @property
    def told(self) -> str:
        """The pace for people."""
        if isinstance(self.pace, time):
            return f"daily at {self.pace:%H:%M}"
        return f"every {self.pace.total_seconds():g} s"

    def after(self, moment: datetime, *, failed: bool = False) -> datetime:
        """When it is due after a run that began then."""
        if not isinstance(self.pace, time):
            return moment + self.pace
        here = moment.astimezone(ZoneInfo(PROVINCE))
        due = datetime.combine(here.date(), self.pace, here.tzinfo)
        if due <= here:
            due = datetime.combine(here.date() + DAY, self.pace, here.tzinfo)
        return min(due, here + AGAIN) if failed else due


# ── what they do ─────────────────────────────────────────────────────────────────────────────────────────────────────
async def _send_replies(jawab: Jawab, _: datetime) -> None:
    """What nobody was rung for: Redis was away, a process died between commit and ring, or the time has come."""
    await deliver.drain(jawab, "replies", limit=CHUNK)


async def _recover_sends(jawab: Jawab, _: datetime) -> None:
    await deliver.recover(jawab)


async def _call_away(jawab: Jawab, _: datetime) -> None:
    await away.call(jawab)


async def _expire_parked(jawab: Jawab, _: datetime) -> None:
    await deliver.expire(jawab)


async def _retry_undone(jawab: Jawab, _: datetime) -> None:
    await intake.retry_undone(jawab)


async def _go_quiet(jawab: Jawab, _: datetime) -> None:
    await intake.go_quiet(jawab)


async def _fetch_media(jawab: Jawab, _: datetime) -> None:
    async with jawab.db.autocommit("intake") as auto:
        waiting = await media.is_any_due(auto)
    if waiting:
        jawab.bell.ring("chores", "chores")


async def _watch_channels(jawab: Jawab, _: datetime) -> None:
    await silence.watch(jawab)


async def _refresh_templates(jawab: Jawab, now: datetime) -> None:
    """Whether what was handed in for approval was approved meanwhile."""
    await templates.refresh(jawab, now)


async def _escalate(jawab: Jawab, now: datetime) -> None:
    async with jawab.db.transaction("console") as tx:
        ids = await overdue.sweep(tx, jawab.keys, now)
    for one in ids:
        jawab.bell.ring("replies", "replies", str(one))


async def _tell_offices(jawab: Jawab, now: datetime) -> None:
    """What offices are owed goes out, and what has become of it is written, each in a transaction of its own."""
    house = notices.House(jawab.keys, jawab.settings.url_of("desk"), mails=jawab.settings.has_mail)
    async with jawab.db.transaction("console") as tx:
        await notices.watch(tx, jawab.keys, now)
    async with jawab.db.transaction("console") as tx:
        ids = await notices.settle(tx, jawab.keys, now)
    async with jawab.db.transaction("console") as tx:
        ids += await notices.send(tx, house, now)
        ids += await supervisors.send(tx, house, now)
    for one in ids:
        jawab.bell.ring("replies", "replies", str(one))


async def _send_mails(jawab: Jawab, _: datetime) -> None:
    await mail.deliver(jawab)


async def _ask_again(jawab: Jawab, now: datetime) -> None:
    async with jawab.db.transaction("console") as tx:
        ids = await endings.sweep(tx, jawab.keys, now)
    for one in ids:
        jawab.bell.ring("replies", "replies", str(one))


async def _escalate_protected(jawab: Jawab, now: datetime) -> None:
    await protected.protected_overdue(jawab.db, now)


async def _carry_out(jawab: Jawab, now: datetime) -> None:
    """What the triage decided ten seconds ago."""
    await decisions.carry_out(jawab, now)


async def _seal_protected(jawab: Jawab, now: datetime) -> None:
    """What it decided to put behind the door: only custody can."""
    await decisions.seal(jawab, now)


async def _watch_escrow(jawab: Jawab, _: datetime) -> None:
    """Whether the escrow that lies here is the one that was pinned."""
    await protected_door.watch_escrow(jawab)


async def _count_readers(jawab: Jawab, _: datetime) -> None:
    """Whether each sealed case could still be opened by two people."""
    await protected_door.count_readers(jawab)


async def _forget_looks(jawab: Jawab, _: datetime) -> None:
    async with jawab.db.transaction("custody") as tx:
        await protected.forget_looks(tx)


async def _draft_editions(jawab: Jawab, now: datetime) -> None:
    """Where one is to be drafted, the lane does it: all of a province take half a minute, and a clock has none."""
    async with jawab.db.autocommit("console") as conn:
        undrafted = await publish.list_undrafted(conn, now)
    if undrafted:
        jawab.bell.ring("broadcasts", "broadcasts")


async def _follow_people(jawab: Jawab, now: datetime) -> None:
    async with jawab.db.transaction("console") as tx:
        await endings.look_back(tx, now)


async def _count_reach(jawab: Jawab, now: datetime) -> None:
    """What became of editions, and whom the next would go to: one a transaction; what is left over comes next time."""
    for work in (reached.keep_one, partial(expected.keep_one, keys=jawab.keys)):
        for _ in range(ROUNDS):
            async with jawab.db.transaction("console") as tx:
                if not await work(tx, now=now):
                    break


async def _count_weeks(jawab: Jawab, now: datetime) -> None:
    """What changed in the weeks is kept for the pages, a batch a transaction; what is left over comes next time."""
    for work in (figures.recount, partial(figures.tell_weeks, now=now)):
        for _ in range(ROUNDS):
            async with jawab.db.transaction("console") as tx:
                if not await work(tx):
                    break


async def _send_editions(jawab: Jawab, now: datetime) -> None:
    """Approved editions whose hold has passed, and those whose fan-out or sending was cut short."""
    async with jawab.db.transaction("console") as tx:
        editions = await publish.due(tx, now)
        waiting = await outbox.is_any_due(tx, "broadcasts")
    if editions or waiting:
        jawab.bell.ring("broadcasts", "broadcasts", *(str(one) for one in editions))


async def _forget(jawab: Jawab, now: datetime) -> None:
    """What is still needed is put under a younger key; then the keys of yesterday go, and all that stood under them."""
    async with jawab.db.autocommit("intake") as auto:
        for renew in (inbox.renew, outbox.renew, conversations.renew, media.renew, sorting.renew):
            await renew(auto, jawab.keys, now)
        await inbox.forget(auto, now)
        await media.forget(auto, now)
    await copies.look_back(jawab)
    await asyncio.to_thread(jawab.keys.hours.destroy, now)


async def _mix_sealed(jawab: Jawab, now: datetime) -> None:
    await protected.mix(jawab.db, jawab.keys, now)


async def _mix_small(jawab: Jawab, now: datetime) -> None:
    """What lies in the order in which it came is the less the oftener it is mixed; a large room would cost too much."""
    await protected.mix(jawab.db, jawab.keys, now, most=SMALL_ROOM)


async def _prune(jawab: Jawab, now: datetime) -> None:
    """Let go of what nothing needs any more. What is still needed is said where each table is written."""
    async with jawab.db.transaction("console") as tx:
        log.info(
            "pruned",
            drops=await drops.forget(tx),
            code_tries=await tries.forget(tx),
            login_attempts=await attempts.forget(tx, now),
            desk_sessions=await sessions.forget_ended(tx, now),
            link_sessions=await links.forget_ended(tx, now),
            once=await once.forget(tx, now),
            reserved=await reserved.forget(tx, now),
        )


async def _forget_copies(jawab: Jawab, _: datetime) -> None:
    """What the provider still has of words and files."""
    await copies.forget(jawab)
    async with jawab.db.transaction("intake") as tx:
        await kept_copies.forget(tx)


async def _keep_head(jawab: Jawab, now: datetime) -> None:
    """The audit of the day that is over: whether it holds, and its head for everybody."""
    async with jawab.db.transaction("console") as tx:
        await audit.keep_head(tx, calendar.day_of(now) - DAY)


JOBS: tuple[Job, ...] = (
    Job("send_replies", SWEEP, _send_replies, "intake"),
    Job("recover_sends", SWEEP, _recover_sends, "intake"),
    Job("call_away", SWEEP, _call_away, "intake"),
    Job("expire_parked", SWEEP, _expire_parked, "intake"),
    Job("retry_undone", SWEEP, _retry_undone, "intake"),
    Job("go_quiet", SWEEP, _go_quiet, "intake"),
    Job("fetch_media", SWEEP, _fetch_media, "intake"),
    Job("forget_copies", timedelta(minutes=1), _forget_copies, "intake"),
    Job("watch_channels", timedelta(minutes=1), _watch_channels, "console"),
    Job("refresh_templates", timedelta(minutes=15), _refresh_templates, "console"),
    Job("escalate", SWEEP, _escalate, "console"),
    Job("tell_offices", SWEEP, _tell_offices, "console"),
    Job("send_mails", SWEEP, _send_mails, "console"),
    Job("ask_again", timedelta(minutes=1), _ask_again, "console"),
    Job("escalate_protected", SWEEP, _escalate_protected, "custody"),
    Job("watch_roster", timedelta(minutes=1), protected_roster.watch, "custody"),
    Job("carry_out", SWEEP, _carry_out, "console"),
    Job("seal_protected", SWEEP, _seal_protected, "custody"),
    Job("watch_escrow", timedelta(minutes=15), _watch_escrow, "custody"),
    Job("count_readers", time(7, 30), _count_readers, "custody"),
    Job("count_weeks", SWEEP, _count_weeks, "console"),
    Job("draft_editions", SWEEP, _draft_editions, "console"),
    Job("count_reach", timedelta(minutes=1), _count_reach, "console"),
    Job("send_editions", SWEEP, _send_editions, "console"),
    Job("forget", HOUR, _forget, "intake"),
    Job("mix_sealed", HOUR, _mix_sealed, "custody"),
    Job("mix_sealed_small", timedelta(minutes=10), _mix_small, "custody"),
    Job("keep_head", time(0, 10), _keep_head, "console"),
    Job("follow_people", time(3, 40), _follow_people, "console"),
    Job("prune", time(3, 30), _prune, "console"),
    Job("retention", time(3, 50), retention.run, "console"),
    Job("prune_protected", time(3, 30), _forget_looks, "custody"),
)
