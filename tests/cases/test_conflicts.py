"""Who sits where those sit whom a case is about: their key opens nothing, and what nobody may have is not dropped."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from cases import sorting, staff, triage
from cases.staff import Person
from cases.triage import Custodian
from desk import protected
from store import crypto
from store.crypto import Keys
from store.database import Database
from tests.cases.conftest import NOW, fresh_code
from tests.cases.sealed import CANARY, wraps
from tests.roster import vouch

Row = Callable[..., Awaitable[dict[str, Any]]]


async def test_where_all_sit_in_the_accused_office_the_escrow_has_it_and_an_alarm_sounds(
    db: Database, keys: Keys, place: SimpleNamespace, person: Callable[..., Awaitable[UUID]], row: Row
) -> None:
    async with db.transaction("console") as tx:
        await tx.execute("UPDATE staff SET disabled_at = now() WHERE role = 'protected'")
        for login in ("alone", "together"):
            await staff.add(tx, Person(login, login, "protected", None, office_id=place.above["police"]))
    await vouch(db)
    contact_id = await person()
    async with db.transaction("intake") as tx:
        card = await sorting.keep(
            tx, keys, code=fresh_code(), district_id="pishin", contact_id=contact_id, channel="sms", lang="ur",
            story=CANARY, now=NOW,
        )  # fmt: skip
    async with db.transaction("custody") as tx:
        await protected.seal_card(
            tx, keys, card, actor=place.staff["triage"], now=NOW, accused=(place.offices["police"],)
        )
    assert [one["reader"] for one in await wraps(db)] == [crypto.ESCROW]
    assert (await row("SELECT kind FROM alarms"))["kind"] == "protected_without_reader"
    assert (await row("SELECT count(*) AS n FROM sorting"))["n"] == 0


# ── whose key opens what, over any offices ───────────────────────────────────────────────────────────────────────────
OFFICES = [UUID(int=number) for number in range(1, 9)]


@given(
    above=st.lists(st.sampled_from([None, *OFFICES]), min_size=len(OFFICES), max_size=len(OFFICES)),
    people=st.lists(
        st.tuples(st.sampled_from([None, "pishin", "ziarat"]), st.sampled_from([None, *OFFICES])), max_size=6
    ),
    accused=st.sets(st.sampled_from(OFFICES), max_size=3),
)
def test_an_excluded_key_opens_nothing_over_any_offices_and_lines(
    above: list[UUID | None], people: list[tuple[str | None, UUID | None]], accused: set[UUID]
) -> None:
    lines = dict(zip(OFFICES, above, strict=True))

    def over(office: UUID | None) -> set[UUID]:
        found: set[UUID] = set()
        while office is not None and office not in found:
            found.add(office)
            office = lines[office]
        return found

    custodians = [Custodian(uuid.uuid4(), *seat) for seat in people]
    pairs = {one.id: crypto.new_keypair() for one in custodians}
    fit = triage.readers(custodians, "pishin", accused, lines)
    escrow, public = crypto.new_keypair()
    blob, wrapped = crypto.seal_item(
        b"said", "case", "item", {**{str(one): pairs[one][1] for one in fit}, crypto.ESCROW: public}
    )
    assert crypto.open_item(blob, wrapped[crypto.ESCROW], escrow, "case", "item") == b"said", "never dropped"
    for one in custodians:
        reached = one.office is not None and any(
            one.office in over(each) or each in over(one.office) for each in accused
        )
        excluded = one.district == "pishin" or reached or (not accused and one.district is not None)
        opened = 0
        for wrap in wrapped.values():
            try:
                crypto.open_item(blob, wrap, pairs[one.id][0], "case", "item")
            except crypto.Unopened:
                continue
            opened += 1
        assert opened == (0 if excluded else 1)
