"""The offices of one case as its page shows them: what each was told, what became of it, and what it wrote."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cases import letters, office_lines, offices, referrals
from cases.letters import Letter
from cases.office_lines import Line
from cases.referrals import Referral
from store.crypto import Keys
from store.database import Tx, fetch_all


@dataclass(frozen=True, slots=True)
class Told:
    """One referral, reminder or escalation with its office. `way` is how the message goes or went; "" without one.

    `letter` is the last one that was printed for it, and `taker` who took that.
    """

    referral: Referral
    office: dict[str, str]
    summary: str
    way: str
    locked_at: datetime | None
    revoked_at: datetime | None
    opened_at: datetime | None
    letter: Letter | None
    taker: str

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
    printed = await letters.of_case(tx, case_id)
    told = []
    for one in await referrals.of_case(tx, case_id):
        link, letter = links[one.id], printed.get(one.id)
        taken = letter is not None and letter.handed_on is not None and one.told_at is not None
        told.append(
            Told(
                one,
                (await offices.value(tx, one.office_id))["names"],
                referrals.read_summary(keys, one) if one.kind == "refer" else "",
                link["way"] or ("letter" if taken else ""),
                link["locked_at"],
                link["revoked_at"],
                link["opened_at"],
                letter,
                letters.read_taker(keys, letter) if letter else "",
            )
        )
    lines = await office_lines.of_case(tx, keys, case_id)
    return Party(told, lines, sum(line.passed_at is None for line in lines))
