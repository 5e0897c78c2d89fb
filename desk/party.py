"""The offices of one case as its page shows them: what each was told, what became of it, and what it wrote."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cases import office_lines, offices, referrals
from cases.office_lines import Line
from cases.referrals import Referral
from store.crypto import Keys
from store.database import Tx, fetch_all


@dataclass(frozen=True, slots=True)
class Told:
    """One referral, reminder or escalation with its office. `way` is how the message goes or went; "" without one."""

    referral: Referral
    office: dict[str, str]
    summary: str
    way: str
    locked_at: datetime | None
    revoked_at: datetime | None
    opened_at: datetime | None

    @property
    def stands(self) -> bool:
        """Whether its message can be sent anew."""
        return self.referral.kind != "remind" and self.referral.answered_at is None and self.referral.done_at is None


@dataclass(frozen=True, slots=True)
class Party:
    told: list[Told]
    lines: list[Line]
    unread: int  # lines that nobody has passed on


async def read(tx: Tx, keys: Keys, case_id: UUID) -> Party:
    rows = await fetch_all(
        tx,
        "SELECT r.id, w.kind AS way, k.locked_at, k.revoked_at, k.opened_at FROM referrals r"
        " LEFT JOIN links k ON k.id = r.link_id LEFT JOIN ways w ON w.id = k.way_id WHERE r.case_id = %s",
        (case_id,),
    )
    links = {row["id"]: row for row in rows}
    told = []
    for one in await referrals.of_case(tx, case_id):
        link = links[one.id]
        told.append(
            Told(
                one,
                (await offices.value(tx, one.office_id))["names"],
                referrals.read_summary(keys, one) if one.kind == "refer" else "",
                link["way"] or "",
                link["locked_at"],
                link["revoked_at"],
                link["opened_at"],
            )
        )
    lines = await office_lines.of_case(tx, keys, case_id)
    return Party(told, lines, sum(line.passed_at is None for line in lines))
