"""What comes back by itself: messages whose turn failed, and sessions that went quiet."""

from __future__ import annotations

import structlog

from bot.channels import Inbound
from bot.intake.turn import pass_quietly, take_again
from store import alarms, inbox
from store.crypto import Unopened
from store.database import fetch_all
from store.jawab import Jawab

log = structlog.get_logger()

MOST_ATTEMPTS = 5
MOST_AT_ONCE = 200


async def retry_undone(jawab: Jawab) -> int:
    """Take undone messages again, oldest first, each later and later; after five tries a person must look.

    Returns how many were done. Safe in parallel: a message is done by whoever moves its session.
    """
    async with jawab.db.autocommit("intake") as connection:
        rows = await fetch_all(
            connection,
            "SELECT id, body, attempts FROM inbox WHERE state = 'undone'"
            " AND received_at <= now() - interval '5 seconds' * power(4, attempts) ORDER BY received_at LIMIT %s",
            (MOST_AT_ONCE,),
        )
    done = 0
    for row in rows:
        try:
            message = Inbound.from_dict(jawab.keys.get_json(row["body"], inbox.bound_to(row["id"])))
            outcome = await take_again(jawab, row["id"], message)
        except (Unopened, ValueError, TypeError, KeyError) as error:
            outcome = type(error).__name__
        if outcome in {"taken", "repeat"}:
            done += 1
            continue
        dead = row["attempts"] + 1 >= MOST_ATTEMPTS
        async with jawab.db.transaction("intake") as tx:
            await tx.execute(
                "UPDATE inbox SET attempts = attempts + 1, state = %s WHERE id = %s AND state = 'undone'",
                ("dead" if dead else "undone", row["id"]),
            )
            if dead:
                await alarms.sound(tx, "dead_message", inbox=str(row["id"]))
    return done


async def go_quiet(jawab: Jawab) -> int:
    """Let every session whose time has come end as its flow says. Returns how many did."""
    async with jawab.db.autocommit("intake") as connection:
        rows = await fetch_all(
            connection,
            "SELECT contact_id FROM sessions WHERE quiet_at <= now() ORDER BY quiet_at LIMIT %s",
            (MOST_AT_ONCE,),
        )
    ended = 0
    for row in rows:
        outcome = await pass_quietly(jawab, row["contact_id"])
        ended += outcome == "taken"
        if outcome == "undone":  # tried again in an hour, and not at every tick
            async with jawab.db.transaction("intake") as tx:
                await tx.execute(
                    "UPDATE sessions SET quiet_at = now() + interval '1 hour' WHERE contact_id = %s",
                    (row["contact_id"],),
                )
                await alarms.sound(tx, "quiet_session_stuck", contact=str(row["contact_id"]))
    return ended
