"""Captured hooks that are cut apart and put together anew, and ten thousand other forgeries."""

from __future__ import annotations

import base64
import hmac
import json
import random
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from bot.channels import Forged, Posted, Unreadable
from bot.twilio_signature import sign
from tests.bot.test_twilio import FAKE, GOOD, PUBLIC, channel, read
from tests.providers.twilio import TOKEN


def test_a_captured_hook_cannot_be_cut_into_one_from_somebody_else() -> None:
    """The signed string has no separators: whoever chose the text and saw the signature could move the cuts."""
    sid = "SM" + "9" * 32
    planted = (
        "salaamFromwhatsapp:+923009999999" + f"MessageSid{sid}" + "NumMedia0" + "Towhatsapp:+923000000099" + "Zjunk"
    )
    true = FAKE.message("whatsapp:+923001112233", "whatsapp:+923000000099", planted)
    signature = FAKE.sign(PUBLIC + "/in/twilio", true)
    signed = "".join(name + true[name] for name in sorted(true))
    head, tail = signed.split(planted)
    forged = {name: true[name] for name in sorted(true) if name < "Body"} | {
        "Body": "salaam",
        "From": "whatsapp:+923009999999",
        "MessageSid": sid,
        "NumMedia": "0",
        "To": "whatsapp:+923000000099",
        "Zjunk": tail,
    }
    assert "".join(name + forged[name] for name in sorted(forged)) == signed
    assert head.endswith("Body")
    assert RequestValidator(TOKEN).validate(PUBLIC + "/in/twilio", forged, signature), "the signature itself is fooled"
    with pytest.raises(Forged):
        channel().read(Posted("/in/twilio", "", {"x-twilio-signature": signature}, urlencode(forged).encode()))


def test_a_hook_that_never_arrived_cannot_be_cut_into_one_from_somebody_else() -> None:
    """Its own MessageSid stands, so nothing is a repeat: the true sender sits inside a made-up field."""
    other = "whatsapp:+923009999999"
    true = FAKE.message("whatsapp:+923001112233", "whatsapp:+923000000099", f"stopFrom{other}FromCity")
    signature = FAKE.sign(PUBLIC + "/in/twilio", true)
    signed = "".join(name + true[name] for name in sorted(true))
    tail = signed.partition(f"stopFrom{other}FromCity")[2].partition("MessageSid")[0]
    forged = {name: true[name] for name in true if name < "Body" or name >= "MessageSid"} | {
        "Body": "stop",
        "From": other,
        "FromCity": tail,
    }
    assert "".join(name + forged[name] for name in sorted(forged)) == signed
    with pytest.raises(Forged):
        channel().read(Posted("/in/twilio", "", {"x-twilio-signature": signature}, urlencode(forged).encode()))


VICTIM = "whatsapp:+923009999999"


def captured(text: str, forged: dict[str, str], **more: str) -> Posted:
    """A request that an attacker's own message was signed with, cut anew into these fields."""
    true = FAKE.message("whatsapp:+923001112233", "whatsapp:+923000000099", text, **more)
    signed = "".join(name + true[name] for name in sorted(true))
    assert "".join(name + forged[name] for name in sorted(forged)) == signed
    signature = FAKE.sign(PUBLIC + "/in/twilio", true)
    assert RequestValidator(TOKEN).validate(PUBLIC + "/in/twilio", forged, signature), "the signature itself is fooled"
    return Posted("/in/twilio", "", {"x-twilio-signature": signature}, urlencode(forged).encode())


ATTACKER, OURS = "whatsapp:+923001112233", "whatsapp:+923000000099"


def cut_in_a_name(sid: str) -> Posted:
    """The true fields are carried on as the name of a made-up one."""
    planted = f"salaamFrom{VICTIM}MessageSid{sid}NumMedia0To{OURS}Z"
    true = FAKE.message(ATTACKER, OURS, planted, MessageSid="SM" + "7" * 32)
    tail = "".join(name + true[name] for name in sorted(true)).split(planted)[1]
    forged = {name: true[name] for name in true if name < "Body"} | {"Body": "salaam", "From": VICTIM, "To": OURS}
    return captured(planted, forged | {"MessageSid": sid, "NumMedia": "0", "Z" + tail: ""}, MessageSid="SM" + "7" * 32)


def cut_in_the_id(sid: str) -> Posted:
    """The cut is made inside the word MessageSid, so that no value and no name looks like one."""
    planted = f"salaamFrom{VICTIM}MessageSid{sid}N"
    true = FAKE.message(ATTACKER, OURS, planted, MessageSid="SM" + "7" * 32)
    tail = "".join(name + true[name] for name in sorted(true)).split(planted)[1]
    cut = tail.index("MessageSid") + len("Message")
    between, rest = tail[:cut], tail[cut:]
    rest = rest[: rest.index("SmsMessageSid")]
    forged = {name: true[name] for name in true if name < "Body" or name >= "SmsMessageSid"} | {
        "Body": "salaam",
        "From": VICTIM,
        "MessageSid": sid,
        "N" + between[:5]: between[5:],
        rest[:3]: rest[3:],
    }
    return captured(planted, forged, MessageSid="SM" + "7" * 32)


def test_the_rest_of_a_captured_hook_cannot_be_the_name_of_a_field() -> None:
    with pytest.raises(Forged, match="cut anew"):
        channel().read(cut_in_a_name("SM" + "9" * 32))


def test_a_captured_hook_cannot_be_cut_inside_the_word_that_an_id_follows() -> None:
    with pytest.raises(Forged, match="cut anew"):
        channel().read(cut_in_the_id("SM" + "9" * 32))


def test_an_id_in_the_text_is_no_id_of_the_message() -> None:
    with pytest.raises(Forged, match="cut anew"):
        read(FAKE.message(ATTACKER, OURS, "MessageSid" + "SM" + "9" * 32))


def test_a_number_in_the_text_and_a_quoted_message_are_nothing_that_was_cut() -> None:
    assert read(FAKE.message(ATTACKER, OURS, "From+923001112233X ask him")).text
    quoted = "SM" + "8" * 32
    assert read(FAKE.message(ATTACKER, OURS, "ji", OriginalRepliedMessageSid=quoted)).quotes == quoted


def test_ten_thousand_forgeries_of_fifteen_kinds_are_refused() -> None:
    dice = random.Random(20261126)
    here, good = PUBLIC + "/in/twilio", {name: value for name, value in GOOD.items() if name != "ToZip"}
    signature = FAKE.sign(here, good)

    def hook(fields: dict[str, str], given: str = signature) -> Posted:
        return Posted("/in/twilio", "", {"x-twilio-signature": given}, urlencode(fields).encode())

    def noise(most: int = 12) -> str:
        return "".join(dice.choices("abcXYZ0189+:سلام ", k=dice.randint(1, most)))

    def fresh() -> str:
        return f"SM{dice.getrandbits(128):032x}"

    kinds: tuple[Callable[[], Posted], ...] = (
        lambda: hook(good, noise(28)),
        lambda: hook(good, signature.swapcase()),
        lambda: hook(good, ""),
        lambda: hook(good, sign(noise(), here, good)),
        lambda: hook(good, sign(TOKEN, "http://jawab.test/in/twilio", good)),
        lambda: hook(good, sign(TOKEN, f"https://{noise(5)}.test/in/twilio", good)),
        lambda: hook(good, base64.b64encode(hmac.digest(TOKEN.encode(), here.encode(), "sha256")).decode()),
        lambda: hook({**good, dice.choice(sorted(good)): noise() + "!"}),
        lambda: hook({name: good[name] for name in sorted(good) if name != dice.choice(sorted(good))}, noise()),
        lambda: hook({**good, f"Extra{noise(3)}": noise()}),
        lambda: Posted("/in/twilio", "", {"x-twilio-signature": signature}, json.dumps(good).encode()),
        lambda: Posted("/in/twilio", f"a={dice.random()}", {"x-twilio-signature": signature}, urlencode(good).encode()),
        lambda: hook({**good, "MessageSid": fresh()}),
        lambda: cut_in_a_name(fresh()),
        lambda: cut_in_the_id(fresh()),
    )
    ours, taken = channel(), 0
    for number in range(10_000):
        try:
            taken += len(ours.read(kinds[number % len(kinds)]()).messages)
        except (Forged, Unreadable):
            continue
    assert taken == 0
    assert len(ours.read(hook(good)).messages) == 1
