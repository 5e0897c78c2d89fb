"""A message at the provider: what is posted, and what its answer makes of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from bot.channels import Fate, Outbound, SendError
from bot.channels.twilio import CLASSES, CODES, TAKES_LATE, Twilio, meaning
from tests.providers.faults import (
    BROKEN,
    CUT_AFTER_TAKING,
    HANG,
    HANG_AFTER_TAKING,
    NO_SUCH_NUMBER,
    SENDER_LIMIT,
    STOPPED,
    THROTTLED,
    WINDOW_SHUT,
    Fault,
    refused,
)
from tests.providers.twilio import ACCOUNT, TOKEN, FakeTwilio

PUBLIC = "https://jawab.test"


def channel(**more: Any) -> Twilio:
    return Twilio(account=ACCOUNT, token=TOKEN, public_url=PUBLIC, **more)


# ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
async def sender(twilio: FakeTwilio) -> AsyncIterator[Twilio]:
    made = channel(api_url=twilio.url)
    yield made
    await made.close()


@pytest.fixture
async def hasty(twilio: FakeTwilio) -> AsyncIterator[Twilio]:
    """Gives up in a second: only where nobody answers, since a busy machine may need longer to connect."""
    made = channel(api_url=twilio.url, timeout=1.0)
    yield made
    await made.close()


def outbound(text: str = "پانی آ گیا", **more: Any) -> Outbound:
    door = f"{PUBLIC}/in/twilio"
    return Outbound(uuid.uuid4(), "whatsapp", "+923000000099", "+923001112233", text, door=door, **more)


async def test_a_message_goes_out_with_its_callback_and_gets_an_id(twilio: FakeTwilio, sender: Twilio) -> None:
    one = outbound()
    sent = await sender.send(one)
    (taken,) = twilio.ledger
    assert sent.provider_id == taken.sid
    assert taken.form == {
        "To": "whatsapp:+923001112233",
        "From": "whatsapp:+923000000099",
        "Body": "پانی آ گیا",
        "StatusCallback": f"{PUBLIC}/in/twilio/status?mid={one.id}",
    }


async def test_a_second_attempt_has_a_callback_of_its_own_and_sms_no_prefix(twilio: FakeTwilio, sender: Twilio) -> None:
    await sender.send(Outbound(uuid.uuid4(), "sms", "+923000000099", "+923001112233", "x", attempt=2))
    assert twilio.ledger[0].callback.endswith("&n=2")
    assert twilio.ledger[0].to == "+923001112233"


async def test_a_user_id_is_written_to_as_it_is(twilio: FakeTwilio, sender: Twilio) -> None:
    await sender.send(Outbound(uuid.uuid4(), "whatsapp", "+923000000099", "PK.13ab99Zz", "x"))
    assert twilio.ledger[0].to == "whatsapp:PK.13ab99Zz"


FATE_OF = [
    (THROTTLED, "later", "20429"),
    (SENDER_LIMIT, "later", "63018"),
    (WINDOW_SHUT, "park", "63016"),
    (NO_SUCH_NUMBER, "never", "21211"),
    (STOPPED, "opted_out", "21610"),
    (refused(63014), "opted_out", "63014"),
    (refused(20003, 401), "stop", "20003"),
    (refused(21606), "stop", "21606"),
    (refused(30007), "refused", "30007"),
    (refused(99999), "refused", "99999"),
    (Fault(status=429), "later", ""),
    (Fault(status=404), "stop", ""),
    (BROKEN, "unsure", ""),
    (Fault(status=503, code=20500), "unsure", "20500"),
    (CUT_AFTER_TAKING, "unsure", ""),
    (Fault(cut=True), "unsure", ""),
]


@pytest.mark.parametrize(("fault", "fate", "code"), FATE_OF, ids=str)
async def test_every_answer_of_the_provider_has_its_fate(
    twilio: FakeTwilio, sender: Twilio, fault: Fault, fate: str, code: str
) -> None:
    twilio.fail(fault)
    with pytest.raises(SendError) as error:
        await sender.send(outbound())
    assert (error.value.fate, error.value.code) == (fate, code)


def test_every_fate_in_the_tables_is_one_that_deliver_knows() -> None:
    assert {fate for fate, _ in [*CODES.values(), *CLASSES.values()]} <= set(get_args(Fate))
    assert all(code.isdecimal() for code in CODES)
    # An answer may leave it open whether a message was taken, and is asked after; a receipt says that it was not.
    assert "unsure" not in {fate for fate, _ in CODES.values()}


# Every class of Twilio's codes, and what is wrong where another fate would do harm.
MEANINGS = {
    "later": "20429 21611 30023 63017 63018 63038",
    "park": "63015 63016 63032",  # a first trial meets 63015 at each message: no alarm for each
    "opted_out": "21610 63014",
    "never": "21211 21614 21635 30005 30006 63003 63024",
    "retry": "30001 30003 30008 30017 30020 30021 30022 30410 30500 63009 63010 63012 63049",
    "refused": "21617 21656 30004 30007 63005 63013 63021 63027",
    "stop": "10001 20003 20404 21212 21408 21606 21660 21703 30002 63001 63007 63020 63022 63051",
}


@pytest.mark.parametrize(("code", "fate"), [(code, fate) for fate, codes in MEANINGS.items() for code in codes.split()])
def test_a_code_has_its_fate_in_an_answer_and_in_a_receipt(code: str, fate: str) -> None:
    assert meaning(code)[0] == meaning(code, 400)[0] == fate


@pytest.mark.parametrize(
    ("code", "status", "fate"),
    [
        ("30999", 0, "retry"),
        ("63999", 0, "retry"),
        ("21999", 0, "refused"),
        ("99999", 0, "refused"),
        ("300", 0, "refused"),
        ("401", 0, "refused"),
        ("", 0, "refused"),
        ("30999", 400, "refused"),
        ("63999", 503, "unsure"),
        ("99999", 401, "stop"),
        ("", 403, "stop"),
        ("", 404, "stop"),
        ("", 408, "unsure"),
        ("99999", 422, "refused"),
        ("99999", 429, "later"),
        ("", 302, "refused"),
        ("", 500, "unsure"),
        ("", 599, "unsure"),
    ],
)
def test_a_code_that_nobody_knows_has_the_fate_of_its_class(code: str, status: int, fate: str) -> None:
    assert meaning(code, status)[0] == fate


async def test_how_long_the_provider_asks_us_to_wait_is_kept(twilio: FakeTwilio, sender: Twilio) -> None:
    twilio.fail(Fault(status=429, code=20429, retry_after=7))
    with pytest.raises(SendError) as error:
        await sender.send(outbound())
    assert error.value.retry_after == 7.0


async def test_what_was_cut_is_asked_after_as_soon_as_ever(twilio: FakeTwilio, sender: Twilio) -> None:
    twilio.fail(CUT_AFTER_TAKING)
    with pytest.raises(SendError) as error:
        await sender.send(outbound())
    assert (error.value.fate, error.value.wait) == ("unsure", 0.0)


@pytest.mark.parametrize("fault", [HANG, HANG_AFTER_TAKING], ids=["silent", "silent after taking"])
async def test_a_silent_provider_is_given_up_in_time(
    twilio: FakeTwilio, sender: Twilio, hasty: Twilio, fault: Fault
) -> None:
    await sender.send(outbound())  # what a first send imports and makes is not part of the waiting
    twilio.fail(fault)
    begun = time.monotonic()
    with pytest.raises(SendError) as error:
        await hasty.send(outbound())
    assert (error.value.fate, error.value.wait) == ("unsure", TAKES_LATE), "it may still be taken"
    assert 0.9 < time.monotonic() - begun < 10.0


async def test_where_nobody_listens_nothing_can_have_been_taken(unused_port: int) -> None:
    made = channel(api_url=f"http://127.0.0.1:{unused_port}", timeout=1.0)
    with pytest.raises(SendError) as error:
        await made.send(outbound())
    assert error.value.fate == "away"
    await made.close()


async def test_a_message_is_found_by_person_time_and_text(twilio: FakeTwilio, sender: Twilio) -> None:
    one = outbound()
    assert await sender.find(one, datetime.now(UTC)) == []
    sent = await sender.send(one)
    await sender.send(outbound("another text"))
    await sender.send(Outbound(uuid.uuid4(), "whatsapp", "+923000000099", "+923009999999", one.text))
    assert await sender.find(one, datetime.now(UTC)) == [sent.provider_id]
    assert await sender.find(one, datetime.now(UTC) + timedelta(minutes=5)) == []
    assert twilio.asked[-1] == {
        "To": "whatsapp:+923001112233",
        "From": "whatsapp:+923000000099",
        "PageSize": "50",
    }


async def test_a_provider_that_does_not_answer_has_not_said_no(twilio: FakeTwilio, sender: Twilio) -> None:
    twilio.stop()
    with pytest.raises(SendError):
        await sender.find(outbound(), datetime.now(UTC))


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
