"""What a provider's error means for the message, the contact and the sender. A table, so that no code is an `if`.

Sources: Twilio's error pages for 20429 63016 63017 63018 63038 63049 63119 63014 63003 63021 30003 30006 30036 21635,
and the classes that nyaruka/courier uses. Codes marked (k) come from experience and were not confirmed on a page.
"""

from __future__ import annotations

import random
from typing import Any

from bot.channels import Fate
from store import alarms
from store.database import Tx

MOST_ATTEMPTS = 8  # refusals of one message by the provider before it fails and an operator hears of it
CARRIER_TRIES = 4  # a carrier's failure was paid for each time: the first send and three more, over hours
ANSWER_WAIT = 120.0  # seconds: an answer to a citizen does not sit out a limit that a broadcast has run into

# code: (fate, seconds to wait before the next try, or until the sender is tried again)
TWILIO: dict[int, tuple[Fate, float]] = {
    # too fast: never processed, always safe to send again
    20429: ("later", 2),
    63017: ("later", 5),
    63119: ("later", 5),
    # the sender has used up its rate or its day
    63018: ("later", 15 * 60),
    63038: ("later", 60 * 60),
    # WhatsApp's 24 hours are over
    63016: ("park", 0),
    # Meta holds marketing back from this person: trying again at once makes it worse
    63049: ("retry", 6 * 60 * 60),
    # the person has stopped us
    21610: ("opted_out", 0),
    63014: ("opted_out", 0),
    # there is nobody at this address
    21211: ("never", 0),
    21614: ("never", 0),
    21635: ("never", 0),
    63003: ("never", 0),
    63024: ("never", 0),
    30005: ("never", 0),  # (k)
    30006: ("never", 0),
    # the carrier failed
    30001: ("retry", 15 * 60),
    30003: ("retry", 15 * 60),
    30008: ("retry", 15 * 60),  # (k)
    30036: ("retry", 15 * 60),
    # this text is not taken
    21602: ("refused", 0),
    21604: ("refused", 0),
    21617: ("refused", 0),
    30007: ("refused", 0),
    63005: ("refused", 0),  # (k)
    63013: ("refused", 0),  # (k)
    63021: ("refused", 0),
    # our account or sender is not set up
    20003: ("stop", 15 * 60),
    21408: ("stop", 15 * 60),
    21606: ("stop", 15 * 60),  # (k)
    21612: ("stop", 15 * 60),  # (k)
    21654: ("stop", 15 * 60),
    21702: ("stop", 15 * 60),
    63007: ("stop", 15 * 60),
    63008: ("stop", 15 * 60),
}

# HTTP status where the code is not in the table. A 5xx may have come after the message was taken.
STATUSES: dict[int, tuple[Fate, float]] = {
    401: ("stop", 15 * 60),
    403: ("stop", 15 * 60),
    404: ("stop", 15 * 60),  # the account or its address is wrong; a bad recipient has a code
    408: ("unsure", 0),
    429: ("later", 2),
}


def of_twilio(code: int, status: int = 0) -> Fate:
    """The fate of an answer: by its code, else by its HTTP status, else by the hundreds of that."""
    if code in TWILIO:
        return TWILIO[code][0]
    if status in STATUSES:
        return STATUSES[status][0]
    return "unsure" if status >= 500 else "refused"


def wait(code: int, attempts: int, retry_after: float | None = None) -> float:
    """Seconds until the next try: what the provider asks, else what the code asks (or 2 s), doubled each time.

    Never more than six hours; up to a quarter more by chance, so that a crowd that failed together comes back apart.
    """
    first = TWILIO.get(code, ("retry", 0.0))[1] or 2.0
    asked = first * 2.0 ** min(max(attempts, 1) - 1, 16) if retry_after is None else max(retry_after, 0.1)
    return min(asked, 6 * 3600.0) * random.uniform(1.0, 1.25)  # noqa: S311 - not a secret


async def befall(tx: Tx, fate: Fate, code: int, row: dict[str, Any], seconds: float) -> None:
    """What an error means beyond its message: for the contact, the sender and the people who must know.

    `row` has id, contact_id, channel_id and district_id; `seconds` is how long a sender pauses.
    """
    if fate in _BEFALL:
        await _BEFALL[fate](tx, code, row, seconds)


async def _stopped(tx: Tx, code: int, row: dict[str, Any], seconds: float) -> None:  # noqa: ARG001 - every one of a table has one shape
    """He stopped us where we cannot see it: recorded as his will, once."""
    await tx.execute(
        "WITH stopped AS (UPDATE contacts SET stopped_at = now(), weekly_since = NULL"
        " WHERE id = %s AND stopped_at IS NULL RETURNING id)"
        " INSERT INTO consents (contact_id, topic, granted, method) SELECT id, 'all', false, 'provider' FROM stopped",
        (row["contact_id"],),
    )


async def _nobody(tx: Tx, code: int, row: dict[str, Any], seconds: float) -> None:  # noqa: ARG001 - every one of a table has one shape
    await tx.execute("UPDATE contacts SET invalid_at = now() WHERE id = %s", (row["contact_id"],))


async def _pause(tx: Tx, code: int, row: dict[str, Any], seconds: float) -> bool:  # noqa: ARG001 - every one of a table has one shape
    """True for the first of a crowd that fails together. Answers to citizens are tried all the same; see claims."""
    paused = await tx.execute(
        "UPDATE channels SET paused_until = now() + %s * interval '1 second'"
        " WHERE id = %s AND (paused_until IS NULL OR paused_until < now() + %s * interval '0.5 second')",
        (seconds, row["channel_id"], seconds),
    )
    return paused.rowcount == 1


async def _slow(tx: Tx, code: int, row: dict[str, Any], seconds: float) -> None:
    if await _pause(tx, code, row, seconds) and seconds >= 60:
        await alarms.sound(tx, "sender_limit", row["district_id"], channel=str(row["channel_id"]), code=code)


async def _halt(tx: Tx, code: int, row: dict[str, Any], seconds: float) -> None:
    if await _pause(tx, code, row, seconds):
        await alarms.sound(tx, "sender_stopped", row["district_id"], channel=str(row["channel_id"]), code=code)


async def _tell(tx: Tx, code: int, row: dict[str, Any], seconds: float) -> None:  # noqa: ARG001 - every one of a table has one shape
    await alarms.sound(tx, "message_refused", row["district_id"], outbox=str(row["id"]), code=code)


_BEFALL = {
    "opted_out": _stopped,
    "never": _nobody,
    "later": _slow,
    "stop": _halt,
    "refused": _tell,
}
FELT_BY_OTHERS = frozenset(_BEFALL)
