"""Who may be sealed to: protected handlers of the province whom the signed roster vouches for, as they stand there.

Whoever can write the table of staff makes nobody a reader by it: a row that the roster does not know, or knows with
another key or in another office, gets no key. An alarm says so once, and `doctor` names the person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from cases.protected import notices, signing
from cases.protected.signing import Roster, Seat, Signed, Trust, Unsound
from cases.roles import PROTECTED
from store import alarms, audit
from store.crypto import Keys, fingerprint
from store.database import Conn, Tx, fetch_all
from store.signatures import sign, signer_of

# Why a protected handler is no reader. None of them is a fault where somebody was just added: then they wait for it.
NO_ROSTER, UNKNOWN, OTHER_KEY, OTHER_OFFICE = "no_roster", "not_signed", "other_key", "other_office"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A protected handler who gets no key, and why."""

    id: UUID
    login: str
    why: str
    key: str  # fingerprint of the one they have


@dataclass(frozen=True, slots=True)
class Standing:
    """What is pinned and what is in force, of the real people or of the demo's; `broken` are versions that hold not."""

    trust: Trust
    roster: Roster | None
    broken: tuple[int, ...]

    @property
    def next_trust(self) -> Trust:
        return self.roster.trust if self.roster else self.trust

    @property
    def version(self) -> int:
        return self.roster.version if self.roster else 0


async def readers(conn: Conn, district_id: str = "") -> dict[UUID, bytes]:
    """The live readers by id whom the signed roster vouches for, each with the public key that is sealed to.

    Without a district everybody; with one, the demo's own only where it is the demo's.
    """
    rows = await fetch_all(conn, "SELECT * FROM sealed.roster(%s)", (district_id,))
    standing = await read(conn)
    return {row["id"]: bytes(row["public_key"]) for row in rows if _why_not(row, standing) is None}


async def read(conn: Conn) -> dict[bool, Standing]:
    """What stands for the demo's people (True) and for all others (False); a kind that nobody pinned is not there."""
    rows = await fetch_all(
        conn,
        "SELECT t.demo, t.trustees, t.needs, r.version, r.statement, r.signatures"
        " FROM sealed.trust t LEFT JOIN sealed.rosters r ON r.demo = t.demo",
    )
    found = {}
    for demo in {row["demo"] for row in rows}:
        mine = [row for row in rows if row["demo"] is demo]
        trust = Trust(tuple(bytes(one) for one in mine[0]["trustees"]), mine[0]["needs"])
        versions = [
            (row["version"], Signed(row["statement"], row["signatures"])) for row in mine if row["version"] is not None
        ]
        roster, broken = signing.walk(trust, versions, demo=demo)
        found[demo] = Standing(trust, roster, tuple(broken))
    return found


async def doubts(conn: Conn) -> list[Doubt]:
    """The protected handlers who may sign in and get no key. For the desk's side only."""
    rows = await fetch_all(
        conn,
        "SELECT id, login, public_key, office_id, demo FROM staff"
        " WHERE role = %s AND disabled_at IS NULL AND district_id IS NULL ORDER BY login",
        (PROTECTED,),
    )
    standing = await read(conn)
    return [
        Doubt(row["id"], row["login"], why, fingerprint(bytes(row["public_key"])))
        for row in rows
        if (why := _why_not(row, standing))
    ]


def _why_not(row: Mapping[str, Any], standing: Mapping[bool, Standing]) -> str | None:
    here = standing.get(row["demo"])
    if here is None or here.roster is None:
        return NO_ROSTER
    seat = here.roster.seat(row["id"])
    if seat is None or seat.login != row["login"]:
        return UNKNOWN
    if seat.key != bytes(row["public_key"]):
        return OTHER_KEY
    return None if seat.office == row["office_id"] else OTHER_OFFICE


# ── alarms ───────────────────────────────────────────────────────────────────────────────────────────────────────────
async def watch(tx: Tx) -> list[Doubt]:
    """Sound an alarm for each person and each roster that does not hold, once; what is over is cleared."""
    found = await doubts(tx)
    for one in found:
        await alarms.sound(tx, "roster_unvouched", once=("staff", "why"), staff=str(one.id), why=one.why)
        if one.why == OTHER_KEY:
            others = [reader for reader in await readers(tx) if reader != one.id]
            await notices.tell(tx, others, "other_key", about=one.login, mark=one.key)
    await _tell_gone(tx)
    broken = [(demo, version) for demo, here in (await read(tx)).items() for version in here.broken]
    for demo, version in broken:
        await alarms.sound(tx, "roster_forged", once=("demo", "version"), demo=demo, version=version)
    open_now = await fetch_all(tx, "SELECT data FROM alarms WHERE kind = 'roster_unvouched' AND cleared_at IS NULL", ())
    wrong = {(str(one.id), one.why) for one in found}
    for row in open_now:
        if (row["data"]["staff"], row["data"]["why"]) not in wrong:
            await alarms.clear(tx, "roster_unvouched", **row["data"])
    return found


async def _tell_gone(tx: Tx) -> None:
    """Whoever stands on the roster and may not sign in any more: the others are told."""
    live = set(await readers(tx))
    rows = await fetch_all(tx, "SELECT id FROM staff WHERE role = %s AND disabled_at IS NULL", (PROTECTED,))
    here = {row["id"] for row in rows}
    for standing in (await read(tx)).values():
        for seat in standing.roster.people if standing.roster else ():
            if seat.id not in here:
                await notices.tell(tx, live, "gone", about=seat.login, mark=f"{standing.version}")


# ── how one comes into force ─────────────────────────────────────────────────────────────────────────────────────────
async def pin(tx: Tx, trust: Trust, *, demo: bool = False) -> None:
    """Whose signatures count, said once for good. Raises `Unsound` where it was said before."""
    done = await tx.execute(
        "INSERT INTO sealed.trust (demo, trustees, needs) VALUES (%s, %s, %s) ON CONFLICT (demo) DO NOTHING",
        (demo, list(trust.trustees), trust.needs),
    )
    if done.rowcount != 1:
        raise Unsound("the trustees are pinned already: others come with a roster that those sign")
    await audit.write(tx, "operator", "roster.pin", " ".join(one.hex() for one in trust.trustees))


async def draft(conn: Conn, *, demo: bool = False, trust: Trust | None = None) -> Roster:
    """What is to be signed: the protected handlers as they stand, one version on. Raises `Unsound`.

    `trust` names other trustees for the roster after this one.
    """
    standing = (await read(conn)).get(demo)
    if standing is None:
        raise Unsound("nobody is pinned who could sign: `jawab roster key`, then `jawab roster pin`")
    rows = await fetch_all(
        conn,
        "SELECT id, login, name, office_id, public_key FROM staff WHERE role = %s AND demo = %s"
        " AND disabled_at IS NULL AND district_id IS NULL ORDER BY login",
        (PROTECTED, demo),
    )
    people = tuple(
        Seat(row["id"], row["login"], row["name"], row["office_id"], bytes(row["public_key"])) for row in rows
    )
    return signing.read(Roster(standing.version + 1, demo, trust or standing.next_trust, people).write())


async def load(tx: Tx, signed: Signed, *, demo: bool = False) -> Roster:
    """Put a signed roster into force. Raises `Unsound`: signed by others, old, or with people who are not so here."""
    standing = (await read(tx)).get(demo)
    if standing is None:
        raise Unsound("nobody is pinned who could sign: `jawab roster pin` comes first")
    roster = signed.accept(standing.next_trust)
    if roster.demo is not demo:
        raise Unsound("this roster is the demo's" if roster.demo else "this roster is not the demo's")
    if roster.version <= standing.version:
        raise Unsound(f"this roster is old: version {roster.version}, and {standing.version} is in force")
    rows = await fetch_all(
        tx,
        "SELECT id, login, public_key, office_id FROM staff"
        " WHERE role = %s AND demo = %s AND disabled_at IS NULL AND district_id IS NULL",
        (PROTECTED, demo),
    )
    here = {row["id"]: row for row in rows}
    for seat in roster.people:
        row = here.get(seat.id)
        if row is None or row["login"] != seat.login:
            raise Unsound(f"{seat.login} is no protected handler of the province here: export it again")
        if bytes(row["public_key"]) != seat.key or row["office_id"] != seat.office:
            raise Unsound(f"{seat.login} has another key or office here than was signed: export it again")
    await tx.execute(
        "INSERT INTO sealed.rosters (demo, version, statement, signatures) VALUES (%s, %s, %s, %s)",
        (demo, roster.version, signed.text, Jsonb(dict(signed.signatures))),
    )
    await audit.write(tx, "operator", "roster.load", f"version {roster.version}")
    before = {seat.key for seat in standing.roster.people} if standing.roster else set()
    for seat in roster.people:
        if before and seat.key not in before:
            others = [one.id for one in roster.people if one.id != seat.id]
            await notices.tell(tx, others, "new_key", about=seat.login, mark=fingerprint(seat.key))
    await watch(tx)
    return roster


# ── the demo's own ───────────────────────────────────────────────────────────────────────────────────────────────────
def demo_trustee(keys: Keys) -> bytes:
    """The private key that signs for the demo's people, and for nobody else: no secret of a trustee's own."""
    return keys.derive("demo-trustee")


async def sign_demo(tx: Tx, keys: Keys) -> None:
    """Vouch for the demo's people as they stand. Nothing is written where that is so already."""
    private = demo_trustee(keys)
    if True not in await read(tx):
        await pin(tx, Trust((signer_of(private),), 1), demo=True)
    roster = await draft(tx, demo=True)
    standing = (await read(tx))[True]
    if standing.roster is None or standing.roster.people != roster.people:
        text = roster.write()
        await load(tx, Signed(text, {signer_of(private).hex(): sign(private, text.encode()).hex()}), demo=True)
