"""What has become of every message: by the provider's ledger and the database, never by our own logs."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import psycopg

from tests.chaos.citizens import Crowd
from tests.chaos.gaps import quantile
from tests.chaos.table import Row, none, told
from tests.providers.twilio import FakeTwilio

CLEARED_WITHIN = 30.0  # seconds for what clears itself once all is well again: a job that ran every minute, a provider
UNENDED = ("queued", "sending", "parked")
GONE_OUT = ("sent", "delivered", "read")
# Of each message that came: who wrote it, and the rows that answer it. A reply that was replaced in time by a later one
# hands on what it answered.
ANSWERED = """
    SELECT i.provider_id AS sid, i.contact_id, i.state, count(DISTINCT o.id) AS replies
    FROM inbox i LEFT JOIN outbox o ON o.purpose = 'reply' AND (o.inbox_id = i.id OR o.id = i.answered_by)
    WHERE i.provider = 'twilio' GROUP BY i.id"""


def alarmed(rows: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """What was sounded, and that nothing of it still stands when all is well again: no fault is bound to leave one."""
    kinds = Counter(row["kind"] for row in rows)
    yield told("alarms", ", ".join(f"{kind} {n}" for kind, n in sorted(kinds.items())) or "none")
    stands = [f"{row['kind']} {json.dumps(row['data'])}" for row in rows if row["stands"]]
    yield none("alarms that still stand", len(stands), more="; ".join(stands))


class Truth:
    """Beside one database (as its owner) and one provider."""

    def __init__(self, place: str, provider: FakeTwilio, crowd: Crowd) -> None:
        self.place, self.provider, self.crowd = place, provider, crowd

    def drain(self, seconds: float) -> bool:
        """Wait until nothing is undone, due or on its way; whether that came in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(psycopg.OperationalError):
                if not self._left():
                    return True
            time.sleep(0.5)
        return False

    def rows(self, begun: float) -> Iterator[Row]:
        """To be asked once, after everything has come to rest. The harm began at `begun`: who was never accepted before
        had come to a machine that has too much to do.
        """
        messages = self.crowd.messages
        inbox = {row["sid"]: row for row in self._ask(ANSWERED)}
        outbox = self._ask("SELECT id::text, state, error, provider_id FROM outbox WHERE purpose = 'reply'")
        cases = {
            row["contact_id"]: row["n"] for row in self._ask("SELECT contact_id, count(*) AS n FROM cases GROUP BY 1")
        }
        mids: dict[str, list[float]] = defaultdict(list)
        for taken in list(self.provider.ledger):
            mids[taken.callback.split("mid=")[1].split("&")[0]].append(taken.arrived)

        accepted = [one for one in messages if one.accepted is not None]
        never = [one for one in messages if one.accepted is None]
        yield told(
            "unique messages, and posts with copies and further tries", f"{len(messages):,}, {len(self.crowd.tries):,}"
        )
        yield none(
            "acknowledged, but not in the inbox", sum(one.sid not in inbox for one in accepted), of=len(accepted)
        )
        early = [one for one in never if one.begun < begun]
        if early:
            yield told("never accepted before any harm was done", len(early))
        late = [one for one in never if one.begun >= begun]
        kept = sum(one.sid in inbox for one in late)
        yield none(
            "never accepted within the provider's 15 s",
            len(late),
            of=sum(one.begun >= begun for one in messages),
            more=f"{kept} of them in the inbox" if late else "",
        )

        owners = [
            (one, {inbox[said.sid]["contact_id"] for said in one.said if said.sid in inbox})
            for one in self.crowd.people
        ]
        yield none("people who are more than one contact", sum(len(own) > 1 for _, own in owners), of=len(owners))
        have = [(one, sum(cases.get(contact, 0) for contact in own)) for one, own in owners]
        known = [(one, n) for one, n in have if not one.sealed]
        wrong = sum(n != 1 if one.done else n > 1 for one, n in known)
        unended = sum(not one.done for one, _ in known)
        more = f"and {unended} that were not ended"
        yield none("reports whose cases are not one", wrong, of=len(known) - unended, more=more)
        behind = [n for one, n in have if one.sealed]
        yield none("protected reports that are cases of everybody", sum(n > 0 for n in behind), of=len(behind))
        mute = [row for row in inbox.values() if row["replies"] == 0]
        twice = [row for row in inbox.values() if row["replies"] > 1]
        yield none("messages in the inbox without a reply", len(mute), of=len(inbox))
        yield none("messages in the inbox with two replies or more", len(twice), of=len(inbox))
        undone = Counter(row["state"] for row in inbox.values() if row["state"] != "done")
        yield none("messages whose turn was never done", sum(undone.values()), of=len(inbox))

        again = [moment - moments[0] for moments in mids.values() for moment in moments[1:]]
        apart = ", ".join(f"{seconds:.1f} s after the first" for seconds in again)
        yield none("replies twice at the provider", len(again), of=len(mids), more=apart)
        unsent = Counter(row["state"] for row in outbox if row["id"] not in mids)
        why = ", ".join(f"{state} {n}" for state, n in unsent.items())
        yield none("replies that never reached the provider", sum(unsent.values()), of=len(outbox), more=why)
        gone = sum(row["state"] in GONE_OUT and row["id"] not in mids for row in outbox)
        yield none("replies called sent that the provider has not", gone, of=len(outbox))
        other = sum(row["state"] not in GONE_OUT and row["id"] in mids for row in outbox)
        yield none("replies that the provider has and the database does not call sent", other, of=len(outbox))
        yield from self._times()
        yield from alarmed(self._alarms(CLEARED_WITHIN))

    def _alarms(self, seconds: float) -> list[dict[str, Any]]:
        """All that were sounded, once none stands any more or so many seconds are over."""
        deadline = time.monotonic() + seconds
        while True:
            rows = self._ask("SELECT kind, data, cleared_at IS NULL AS stands FROM alarms ORDER BY id")
            if time.monotonic() > deadline or not any(row["stands"] for row in rows):
                return rows
            time.sleep(0.5)

    def _times(self) -> Iterator[Row]:
        taken = [one.accepted - one.begun for one in self.crowd.messages if one.accepted is not None]
        answered = [one.answered - one.begun for one in self.crowd.messages if one.answered is not None]
        for name, seconds in {"from a message to its 200": taken, "from a message to its reply": answered}.items():
            shown = (
                f"{share}: {quantile(seconds, part):.2f}"
                for share, part in {"p50": 0.5, "p95": 0.95, "p99": 0.99}.items()
            )
            yield told(f"{name}, s", ", ".join(shown) + f", most: {max(seconds, default=0.0):.2f}")
        if self.provider.callbacks is not None:
            own = self.provider.callbacks
            yield told("receipts taken, and given up after five tries", f"{own.told:,}, {own.given_up}")

    def _left(self) -> int:
        (row,) = self._ask(
            "SELECT (SELECT count(*) FROM inbox WHERE state = 'undone')"
            " + (SELECT count(*) FROM outbox WHERE purpose = 'reply' AND state = ANY(%s)) AS n",
            list(UNENDED),
        )
        return int(row["n"])

    def answers(self) -> bool:
        """Whether the database can be asked at all."""
        try:
            self._ask("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _ask(self, statement: Any, *values: Any) -> list[dict[str, Any]]:
        # Each time anew: the database was killed meanwhile.
        with psycopg.connect(self.place, autocommit=True, row_factory=psycopg.rows.dict_row) as connection:
            return connection.execute(statement, values).fetchall()
