"""Tell an office on paper: print a letter where no message could go, write to whom it was handed, type its answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from cases import calendar, letters, links, notices, offices, referrals
from cases.acts.hear import hear
from cases.acts.resend import revoke
from cases.lifecycle import Refused
from cases.referrals import Referral
from store.crypto import Keys
from store.database import Tx, new_id

TAKER_MOST = 120  # letters of a name with its post


@dataclass(frozen=True, slots=True)
class Letter:
    """What stands in a letter. `token` opens the case by the office's PIN; "" where it has none."""

    referral: Referral
    summary: str
    token: str


async def print_letter(tx: Tx, keys: Keys, case_id: UUID, referral_id: UUID, *, actor: UUID, now: datetime) -> Letter:
    """Make a letter; the one before opens nothing. Raises `Refused` once the office was told or the case is over."""
    referral = await _hold_untold(tx, case_id, referral_id)
    await revoke(tx, case_id, referral_id, now=now)
    link_id, token = None, ""
    if await offices.has_pin(tx, referral.office_id):
        due = datetime.combine(referral.due_on, time(), UTC)
        made = await links.put(tx, keys, office_id=referral.office_id, by_code=False, gathers=False, due=due, now=now)
        await referrals.put_under(tx, [referral.id], made.id)
        link_id, token = made.id, made.token
    await letters.put(tx, referral.id, link_id, by=actor, now=now)
    return Letter(referral, referrals.read_summary(keys, referral), token)


async def hand(
    tx: Tx, keys: Keys, case_id: UUID, referral_id: UUID, *, actor: UUID, to: str, on: date, now: datetime
) -> UUID | None:
    """Write down who took the letter: the office is told from that day on, and whose case it is hears so.

    Returns the outbox id to ring for. Raises `Refused` without a letter or a name, for a day that has not come or was
    before the letter, and once the office was told.
    """
    referral = await _hold_untold(tx, case_id, referral_id)
    letter = await letters.last(tx, referral.id)
    if letter is None:
        raise Refused("letter_missing")
    if not to or len(to) > TAKER_MOST:
        raise Refused("taker_missing")
    if not calendar.day_of(letter.printed_at) <= on <= calendar.day_of(now):
        raise Refused("letter_day")
    await letters.hand(tx, keys, letter.id, on=on, to=to, by=actor, now=now)
    # A day has no hour: noon of it, but not before the letter was there nor after this was written.
    noon = datetime.combine(on, time(12), ZoneInfo(calendar.PROVINCE))
    at = min(max(noon, letter.printed_at), now)
    await referrals.mark_handed(tx, referral.id, at)
    rung = await notices.tell_sent(tx, keys, referral, at, now)
    return rung[0] if rung else None


async def type_in(
    tx: Tx,
    keys: Keys,
    case_id: UUID,
    referral_id: UUID,
    *,
    actor: UUID,
    kind: str,
    text: str,
    day: date | None,
    now: datetime,
) -> None:
    """Keep what an office answered on paper, as its line. Raises `Refused` where no letter of ours told it."""
    referral = await referrals.hold(tx, case_id, referral_id)
    letter = await letters.last(tx, referral.id)
    if referral.told_at is None or letter is None or letter.handed_on is None:
        raise Refused("letter_missing")
    await hear(tx, keys, referral, line_id=new_id(), kind=kind, text=text, day=day, now=now, typed_by=actor)


async def _hold_untold(tx: Tx, case_id: UUID, referral_id: UUID) -> Referral:
    referral = await referrals.hold(tx, case_id, referral_id)
    if referral.answered_at is not None or referral.done_at is not None:
        raise Refused("referral_over")
    if referral.told_at is not None:
        raise Refused("office_told")
    if referral.unreached_at is None:
        raise Refused("referral_under_way")
    return referral
