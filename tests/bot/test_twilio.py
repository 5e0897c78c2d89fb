"""The Twilio channel on its own: what it reads, what it refuses, how it sends and what its errors mean."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from bot.channels import Forged, Inbound, Posted, Unreadable
from bot.channels.twilio import Twilio
from bot.twilio_signature import other_port, sign
from tests.providers.twilio import ACCOUNT, TOKEN, FakeTwilio

PUBLIC = "https://jawab.test"
FAKE = FakeTwilio()  # not started: it only signs


def channel(**more: Any) -> Twilio:
    return Twilio(account=ACCOUNT, token=TOKEN, public_url=PUBLIC, **more)


def posted(
    fields: dict[str, str], *, path: str = "/in/twilio", query: str = "", url: str = "", **headers: str
) -> Posted:
    """A form as Twilio would post it, signed for `url` or for our own address."""
    full = url or PUBLIC + path + (f"?{query}" if query else "")
    named = {"x-twilio-signature": FAKE.sign(full, fields), **{name.lower(): value for name, value in headers.items()}}
    return Posted(path, query, named, urlencode(fields).encode())


def read(fields: dict[str, str], twilio: Twilio | None = None) -> Inbound:
    (message,) = (twilio or channel()).read(posted(fields)).messages
    return message


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_fields_that_nobody_knows_yet_are_accepted() -> None:
    fields = FAKE.message("whatsapp:+923001112233", "whatsapp:+923000000099", "سلام", NewField="x", Another="")
    assert read(fields).text == "سلام"


def test_a_list_row_wins_nothing_over_a_button_and_neither_is_invented() -> None:
    fields = FAKE.message("whatsapp:+923001112233", "whatsapp:+923000000099", "1", ButtonPayload="", ListId="water")
    assert read(fields).choice == "water"


def test_nul_and_lone_surrogates_never_reach_the_text() -> None:
    fields = FAKE.message("+923001112233", "+923000000099", "a\x00b")
    assert read(fields).text == "ab"
    body = urlencode(FAKE.message("+923001112233", "+923000000099")).replace("Body=", "Body=%ED%A0%80x")
    decoded = dict(FAKE.message("+923001112233", "+923000000099"))
    assert "�" in bytes.fromhex("eda08078").decode("utf-8", "replace")
    with pytest.raises(Forged):  # broken bytes are not what was signed
        channel().read(Posted("/in/twilio", "", {"x-twilio-signature": FAKE.sign(PUBLIC, decoded)}, body.encode()))


def test_media_from_anywhere_but_the_provider_is_never_fetched_and_not_forgotten() -> None:
    def media(url: str, twilio: Twilio | None = None) -> bool:
        fields = FAKE.message(
            "whatsapp:+923001112233",
            "whatsapp:+923000000099",
            NumMedia="1",
            MediaUrl0=url,
            MediaContentType0="image/png",
        )
        (one,) = read(fields, twilio).media
        assert (one.url, one.fault) in {(url, ""), ("", "foreign")}
        return not one.fault

    assert media("https://api.twilio.com/x") == 1
    for url in (
        "http://api.twilio.com/x",
        "https://api.twilio.com.evil.test/x",
        "https://api.twilio.com@evil.test/x",
        "https://api.twilio.com:8443/x",
        "https://127.0.0.1/x",
        "file:///etc/passwd",
        "https://[::1/x",
        "",
    ):
        assert media(url) == 0, url
    local = channel(api_url="http://127.0.0.1:4010")
    assert media("http://127.0.0.1:4010/m", local) == 1
    assert media("https://api.twilio.com/x", local) == 0


@pytest.mark.parametrize(("count", "kept", "faults"), [(2, 2, []), (10, 10, []), (12, 10, ["many"])])
def test_every_file_of_a_message_is_read_and_what_is_too_many_is_known(
    count: int, kept: int, faults: list[str]
) -> None:
    files = {f"MediaUrl{index}": f"https://api.twilio.com/{index}" for index in range(count)}
    kinds = {f"MediaContentType{index}": "image/jpeg" for index in range(count)}
    fields = FAKE.message("+923001112233", "+923000000099", NumMedia=str(count), **files, **kinds)
    media = read(fields).media
    assert [one.url for one in media if not one.fault] == [f"https://api.twilio.com/{index}" for index in range(kept)]
    assert [one.fault for one in media if one.fault] == faults


def test_words_that_a_carrier_wrapped_in_base64_are_words() -> None:
    said = "ہمارے محلے میں تین دن سے پانی نہیں آ رہا، نلکا خراب ہے۔\nمہربانی کریں"
    wrapped = base64.b64encode(said.encode()).decode()
    assert read(FAKE.message("+923001112233", "+923000000099", wrapped)).text == said
    for kept in (
        base64.b64encode(bytes(range(256))).decode(),  # no words
        base64.b64encode(b"\x89PNG" + bytes(100)).decode(),
        base64.b64encode("پانی".encode()).decode(),  # so short a thing may be a word
        "NahiAayaPaniTeenDinSeNahiAayaPaniTeenDinSeNahiAayaPaniTeenDinSe1",
        wrapped + " x",
        wrapped[:-1] + "*",
    ):
        assert read(FAKE.message("+923001112233", "+923000000099", kept)).text == kept


@pytest.mark.parametrize(("lat", "lon"), [("nan", "1"), ("91", "1"), ("inf", "1"), ("x", "1"), ("", "")])
def test_a_place_that_is_not_on_earth_is_no_location(lat: str, lon: str) -> None:
    fields = FAKE.message("whatsapp:+923001112233", "whatsapp:+923000000099", Latitude=lat, Longitude=lon)
    assert read(fields).location is None


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"Label": "BHU", "Address": "Main road"}, "BHU, Main road"),
        ({"Label": " ", "Address": "Main\x00 road"}, "Main road"),
        ({"Label": "BHU", "Address": "Main road", "Body": "here"}, "here, BHU, Main road"),
        ({}, ""),
    ],
)
def test_the_name_that_came_with_a_place_is_its_words(sent: dict[str, str], text: str) -> None:
    there = {"Body": "", "Latitude": "30.58", "Longitude": "66.99"} | sent
    found = read(FAKE.message("whatsapp:+923001112233", "whatsapp:+923000000099", **there))
    assert (found.text, found.location) == (text, (30.58, 66.99))


@pytest.mark.parametrize(
    "wrong",
    [
        {"MessageSid": "SM123"},
        {"MessageSid": "XX" + "0" * 32},
        {"MessageSid": "SM" + "0" * 32 + "\n"},
        {"AccountSid": "AC" + "b" * 32},
        {"From": "whatsapp:+92 300"},
        {"From": ""},
        {"From": "messenger:1"},
        {"From": "whatsapp:pk.123"},
        {"From": "whatsapp:PK." + "x" * 129},
        {"To": "whatsapp:PK.123"},
        {"To": ""},
        {"To": "+923000000099"},  # one side SMS, the other WhatsApp
    ],
    ids=str,
)
def test_a_signed_hook_with_ids_that_cannot_be_is_unreadable(wrong: dict[str, str]) -> None:
    fields = FAKE.message("whatsapp:+923001112233", "whatsapp:+923000000099", "x") | wrong
    with pytest.raises(Unreadable):
        channel().read(posted(fields))


# ── forgeries ────────────────────────────────────────────────────────────────────────────────────────────────────────
GOOD = FAKE.message("whatsapp:+923001112233", "whatsapp:+923000000099", "سلام", ProfileName="A")


@given(name=st.sampled_from(sorted(GOOD)), value=st.text(max_size=20))
def test_changing_any_field_is_a_forgery(name: str, value: str) -> None:
    value = value.encode("utf-8", "replace").decode()
    if value == GOOD[name]:
        return
    real = posted(GOOD)
    with pytest.raises(Forged):
        channel().read(Posted(real.path, real.query, real.headers, urlencode(GOOD | {name: value}).encode()))


@given(name=st.sampled_from(sorted(GOOD)))
def test_leaving_out_any_field_is_a_forgery_even_a_blank_one(name: str) -> None:
    fields = {key: value for key, value in GOOD.items() if key != name}
    real = posted(GOOD)
    with pytest.raises(Forged):
        channel().read(Posted(real.path, real.query, real.headers, urlencode(fields).encode()))


@given(name=st.sampled_from(sorted(GOOD)), value=st.text(max_size=5))
def test_a_second_value_that_nobody_signed_is_a_forgery(name: str, value: str) -> None:
    value = value.encode("utf-8", "replace").decode()
    if value == GOOD[name]:
        return
    real = posted(GOOD)
    for pairs in ([*GOOD.items(), (name, value)], [(name, value), *GOOD.items()]):
        with pytest.raises(Forged):
            channel().read(Posted(real.path, real.query, real.headers, urlencode(pairs).encode()))


def twice(*more: tuple[str, str]) -> Posted:
    """A message with more fields than it has, signed as Twilio does it."""
    pairs = [*GOOD.items(), *more]
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + "/in/twilio", MultiDict(pairs))
    return Posted("/in/twilio", "", {"x-twilio-signature": signature}, urlencode(pairs).encode())


@pytest.mark.parametrize(
    "more", [[("Extra", "b"), ("Extra", "a")], [("ProfileName", "B")], [("Body", GOOD["Body"])]], ids=str
)
def test_a_field_that_twilio_has_signed_twice_is_read(more: list[tuple[str, str]]) -> None:
    (message,) = channel().read(twice(*more)).messages
    assert (message.text, message.address) == ("سلام", "+923001112233")


@pytest.mark.parametrize("name", ["AccountSid", "Body", "From", "MessageSid", "To"])
@pytest.mark.parametrize("value", ["", "whatsapp:+923009999999"])
def test_two_values_for_who_wrote_what_are_for_a_person_to_look_at(name: str, value: str) -> None:
    posted = twice((name, value))
    turned = urlencode([*reversed(parse_qsl(posted.body.decode(), keep_blank_values=True))]).encode()
    for body in (posted.body, turned):  # which of them comes last is not signed
        with pytest.raises(Unreadable):
            channel().read(Posted(posted.path, "", posted.headers, body))


def test_a_value_that_is_not_counted_is_looked_at_for_cuts_too() -> None:
    planted = "x" + "MessageSid" + "SM" + "9" * 32
    with pytest.raises(Forged):
        channel().read(twice(("Extra", planted), ("Extra", "z")))


@given(signature=st.text(max_size=60))
def test_no_signature_but_the_right_one_will_do(signature: str) -> None:
    with pytest.raises(Forged):
        channel().read(Posted("/in/twilio", "", {"x-twilio-signature": signature}, urlencode(GOOD).encode()))


@pytest.mark.parametrize(
    "url",
    [
        "http://jawab.test/in/twilio",
        "https://evil.test/in/twilio",
        "https://jawab.test/in/twilio/",
        "https://jawab.test/in/twilio?x=1",
        "https://jawab.test:8443/in/twilio",
        "https://jawab.test/in/twilio/status",
    ],
)
def test_a_signature_for_another_address_is_a_forgery(url: str) -> None:
    with pytest.raises(Forged):
        channel().read(posted(GOOD, url=url, host="evil.test", **{"x-forwarded-host": "evil.test"}))


@pytest.mark.parametrize(
    ("url", "followed"),
    [
        ("https://media.twiliocdn.com/AC1/x", True),
        ("https://mms.twiliocdn.com/AC1/x", True),
        ("https://s3.amazonaws.com/media.twiliocdn.com/AC1/x", True),
        ("https://s3-external-1.amazonaws.com/media.twiliocdn.com/AC1/x", True),
        ("https://s3.dualstack.us-east-1.amazonaws.com/media.twiliocdn.com/AC1/x", True),
        ("https://any-bucket.s3.amazonaws.com/media.twiliocdn.com/x", False),
        ("https://s3-mine.s3.amazonaws.com/media.twiliocdn.com/x", False),
        ("https://s3.evil.s3.us-east-1.amazonaws.com/media.twiliocdn.com/x", False),
        ("https://s3.amazonaws.com/any-bucket/media.twiliocdn.com/x", False),
        ("https://s3.amazonaws.com.evil.test/media.twiliocdn.com/x", False),
        ("https://eviltwiliocdn.com/x", False),
        ("http://s3.amazonaws.com/media.twiliocdn.com/AC1/x", False),
        ("https://user@s3.amazonaws.com/media.twiliocdn.com/AC1/x", False),
    ],
)
def test_a_redirect_is_followed_to_the_providers_own_bucket_only(url: str, followed: bool) -> None:
    assert channel()._may_be_sent_to(url) == followed


def test_a_signature_made_with_an_old_or_empty_token_is_a_forgery() -> None:
    for token in ("", "the-old-one", TOKEN + " "):
        headers = {"x-twilio-signature": sign(token, PUBLIC + "/in/twilio", GOOD)}
        with pytest.raises(Forged):
            channel().read(Posted("/in/twilio", "", headers, urlencode(GOOD).encode()))
    with pytest.raises(ValueError, match="empty token"):
        Twilio(account=ACCOUNT, token="", public_url=PUBLIC)


def test_json_in_place_of_a_form_is_a_forgery_with_or_without_its_hash() -> None:
    for query in ("", "bodySHA256=" + "0" * 64):
        url = PUBLIC + "/in/twilio" + (f"?{query}" if query else "")
        with pytest.raises((Forged, Unreadable)):
            channel().read(
                Posted("/in/twilio", query, {"x-twilio-signature": FAKE.sign(url, {})}, b'{"MessageSid":"x"}')
            )


@pytest.mark.parametrize("ours", ["+923000000099", "whatsapp:+923000000099"])
def test_our_own_number_as_sender_is_no_person_whom_we_would_answer_for_ever(ours: str) -> None:
    assert read(FAKE.message(ours, ours, "salaam")).system


def test_more_fields_than_any_hook_has_are_refused() -> None:
    with pytest.raises(Forged):
        channel().read(posted(GOOD | {f"F{number}": "" for number in range(300)}))


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("https://x.test/in?a=b:1", "https://x.test:443/in?a=b:1"),
        ("http://x.test/in", "http://x.test:80/in"),
        ("https://x.test:8443/in", "https://x.test/in"),
        ("https://user:pass@x.test/in", "https://user:pass@x.test:443/in"),
        ("https://user:pass@x.test:8443/in", "https://user:pass@x.test/in"),
        ("https://[::1]:8443/in", "https://[::1]/in"),
    ],
)
def test_the_other_port_changes_nothing_but_the_port(url: str, other: str) -> None:
    assert other_port(url) == other


# ── the signature is the one that twilio's own validator accepts ─────────────────────────────────────────────────────
hosts = st.from_regex(r"[a-z][a-z0-9-]{0,10}(\.[a-z]{2,5}){1,2}", fullmatch=True)
words = st.text(st.characters(codec="utf-8"), max_size=30)
forms = st.dictionaries(st.from_regex(r"[A-Za-z0-9]{1,12}", fullmatch=True), words, max_size=12)


@settings(max_examples=300)
@given(
    origin=st.tuples(st.sampled_from(["https", "http"]), hosts, st.sampled_from(["", ":443", ":80", ":8080"])),
    query=st.sampled_from(["", "?mid=1&n=2", "?a=%20b"]),
    form=forms,
    variant=st.sampled_from(["as it is", "other port", "no port", "wrong"]),
)
def test_our_signature_equals_the_one_of_twilios_own_validator(
    origin: tuple[str, str, str], query: str, form: dict[str, str], variant: str
) -> None:
    validator = RequestValidator(TOKEN)
    scheme, host, port = origin
    url = f"{scheme}://{host}{port}/in/twilio{query}"
    assert sign(TOKEN, url, form) == validator.compute_signature(url, form)
    signed_url = {
        "as it is": url,
        "other port": other_port(url),
        "no port": f"{scheme}://{host}/in/twilio{query}",
        "wrong": url.replace("/in/", "/out/"),
    }[variant]
    signature = validator.compute_signature(signed_url, form)
    ours = any(sign(TOKEN, address, form) == signature for address in (url, other_port(url)))
    assert ours == validator.validate(url, form, signature)
