"""What comes back by itself: messages whose turn failed, and sessions that went quiet."""

from __future__ import annotations

import structlog

from bot.channels import Inbound
from bot.intake.turn import pass_quietly, take_again
from store import alarms, inbox, sessions
from store.crypto import Unopened
from store.jawab import Jawab

log = structlog.get_logger()

MOST_ATTEMPTS = 5
MOST_AT_ONCE = 200


async def retry_undone(jawab: Jawab) -> int:
    """Take undone messages again, oldest first, each later and later; after five tries a person must look.

    Returns how many were done. Safe in parallel: a message is done by whoever moves its session.
    """
    async with jawab.db.autocommit("intake") as auto:
        rows = await inbox.list_undone(auto, MOST_AT_ONCE)
    done = 0
    for row in rows:
        try:
            message = Inbound.from_dict(jawab.keys.get_json(row.body, inbox.bound_to(row.id)))
            outcome = await take_again(jawab, row.id, message)
        except (Unopened, ValueError, TypeError, KeyError) as error:
            outcome = type(error).__name__
        if outcome in {"taken", "repeat"}:
            done += 1
            continue
        dead = row.attempts + 1 >= MOST_ATTEMPTS
        async with jawab.db.transaction("intake") as tx:
            await inbox.count_attempt(tx, row.id, last=dead)
            if dead:
                await alarms.sound(tx, "dead_message", inbox=str(row.id))
    return done


async def go_quiet(jawab: Jawab) -> int:
    """Let every session whose time has come end as its flow says. Returns how many did."""
    async with jawab.db.autocommit("intake") as auto:
        quiet = await sessions.list_quiet(auto, MOST_AT_ONCE)
    ended = 0
    for contact_id in quiet:
        outcome = await pass_quietly(jawab, contact_id)
        ended += outcome == "taken"
        if outcome == "undone":
            async with jawab.db.transaction("intake") as tx:
                await sessions.put_off(tx, contact_id)
                await alarms.sound(tx, "quiet_session_stuck", contact=str(contact_id))
    return ended
