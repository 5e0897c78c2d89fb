"""Send a referral's message anew, or take its link back: what a handler can do where it went astray."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from cases import links, referrals
from cases.lifecycle import Refused
from store.database import Tx


async def resend(tx: Tx, case_id: UUID, referral_id: UUID, *, now: datetime) -> None:
    """As if the office had not been told; the link before opens nothing. Raises `Refused` once it has answered."""
    referral = await referrals.hold(tx, case_id, referral_id)
    if referral.answered_at is not None or referral.done_at is not None:
        raise Refused("referral_over")
    await revoke(tx, case_id, referral_id, now=now)
    await referrals.send_again(tx, referral_id)


async def revoke(tx: Tx, case_id: UUID, referral_id: UUID, *, now: datetime) -> None:
    """Nobody opens the link of this one any more. A gathered link goes whole: it is one address."""
    referral = await referrals.hold(tx, case_id, referral_id)
    if referral.link_id is not None:
        await links.revoke(tx, referral.link_id, now)
