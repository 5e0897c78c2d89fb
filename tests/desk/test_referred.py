"""A case that was referred opens: what its office was told stands beside it."""

from __future__ import annotations

from datetime import UTC, date, datetime

from cases import acts, offices
from store.jawab import Jawab
from tests.desk.conftest import Enter, Office, Open


async def test_a_case_that_was_referred_opens_with_what_its_office_was_told(
    jawab: Jawab, enter: Enter, opened: Open, office: Office
) -> None:
    handler, case = await enter("handler"), await opened()
    async with jawab.db.transaction("console") as tx:
        water = await offices.find(tx, office.district, "water")
        await acts.refer(
            tx,
            jawab.keys,
            case,
            actor=office.staff["handler"],
            now=datetime.now(UTC),
            office_id=water,
            due_on=date(2999, 1, 1),
            summary="Pump of the bazaar.",
        )
    for asked in ("", "?done=refer"):
        answer = await handler.get(f"/desk/cases/{case}{asked}")
        assert answer.status_code == 200, answer.text[-500:]
        assert "Pump of the bazaar." in answer.text
