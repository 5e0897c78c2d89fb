"""Who was not reached stands at the case and in the queue, with what to try; who knows of it does not."""

from __future__ import annotations

from uuid import UUID

import pytest

from desk.reached import FAILED, NOTICED, WHY
from locales import say
from tests.conftest import Owner
from tests.desk.conftest import Enter, Open
from tests.desk.test_case import do


async def stand(owner: Owner, case: UUID, state: str, error: str | None, template: str | None = None) -> None:
    await owner.execute(
        "UPDATE outbox SET state = %s, error = %s, template = %s WHERE case_id = %s", (state, error, template, case)
    )


@pytest.mark.parametrize(
    ("state", "error", "went_as", "key"),
    [
        *(("parked", error, None, key) for error, key in WHY.items() if "expired" not in error),
        ("failed", "not_reached:expired", None, WHY["not_reached:expired"]),
        ("failed", "30008", None, FAILED),
        ("undelivered", "63049", None, FAILED),
        ("delivered", None, "answer:ur", NOTICED),
        ("parked", "told:sms", None, NOTICED),
        ("delivered", None, None, ""),
        ("queued", None, None, ""),
        ("parked", "wait:one a day", None, ""),
    ],
)
async def test_what_became_of_the_message_is_said(
    enter: Enter, opened: Open, owner: Owner, state: str, error: str | None, went_as: str | None, key: str
) -> None:
    handler, case = await enter("handler"), await opened()
    await do(handler, case, "acknowledge")
    await stand(owner, case, state, error, went_as)
    page, queue = (await handler.get(f"/desk/cases/{case}")).text, (await handler.get("/desk/queue")).text
    unreached = key not in {"", NOTICED}
    assert [one for one in {*WHY.values(), FAILED, NOTICED} if say(one, "en") in page] == ([key] if key else [])
    assert (say("sent.unreached_try", "en") in page) == unreached
    assert (f'badge late">{say("sent.unreached", "en")}' in queue) == unreached
