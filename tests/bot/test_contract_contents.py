"""Twilio's description of its Content API as the judge of what the real client posts, and of our own stand-in.

As test_contract.py, whose judge it is; skipped where the description is not here.
"""

from __future__ import annotations

import json
import os
import uuid
from typing import Any

import pytest

from bot.channels import Outbound
from bot.channels.twilio import Twilio
from bot.contents import STATES, Contents
from flows import taps
from locales import templates as texts
from tests.bot.test_contract import FOLDER, MESSAGES, complaints
from tests.providers.twilio import FakeTwilio

FILE = FOLDER / "twilio_content_v1.json"

pytestmark = pytest.mark.skipif(
    not FILE.is_file() and os.environ.get("CI") != "true",
    reason=f"Twilio's description of contents is not here ({FILE}): contract not checked",
)
CREATE, APPROVE = "/v1/Content", "/v1/Content/{ContentSid}/ApprovalRequests/whatsapp"
FETCH, ONE = "/v1/Content/{Sid}/ApprovalRequests", "/v1/Content/{Sid}"


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return dict(json.loads(FILE.read_text()))


def asked(spec: dict[str, Any], path: str) -> dict[str, Any]:
    return dict(spec["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"])


def answered(spec: dict[str, Any], path: str, method: str, status: str) -> dict[str, Any]:
    return dict(spec["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"])


async def make(contents: Contents, name: str, lang: str) -> str:
    return await contents.create(
        name=f"jawab_{name}_{lang}",
        code=texts.CODES[lang],
        body=texts.write_body(name, lang),
        samples=texts.number(name, lang, texts.SAMPLES),
        buttons={taps.write(node, "", option): title for node, option, title in texts.write_buttons(name, lang)},
    )


@pytest.mark.parametrize("name", texts.TEMPLATES)
async def test_what_the_client_posts_is_what_the_description_allows(
    spec: dict[str, Any], twilio: FakeTwilio, name: str
) -> None:
    contents = Contents(twilio.account, twilio.token, twilio.url)
    sid = await make(contents, name, "ur")
    given = await contents.submit(sid, name=f"jawab_{name}", category=texts.TEMPLATES[name].category)
    assert given.state == "received"
    assert await contents.fetch(sid) == given
    await contents.delete(sid)
    assert await contents.fetch(sid) is None
    await contents.delete(sid)  # gone is gone
    methods = [(method, path.replace(sid, "*")) for method, path, _ in twilio.heard]
    assert methods == [
        ("POST", "/v1/Content"),
        ("POST", "/v1/Content/*/ApprovalRequests/whatsapp"),
        ("GET", "/v1/Content/*/ApprovalRequests"),
        ("DELETE", "/v1/Content/*"),
        ("GET", "/v1/Content/*/ApprovalRequests"),
        ("DELETE", "/v1/Content/*"),
    ]
    bodies = [body for _, _, body in twilio.heard]
    assert complaints(spec, asked(spec, CREATE), bodies[0]) == []
    # The client is newer than the description and names fields of later, all of them empty.
    handed_in = {field: value for field, value in bodies[1].items() if value is not None}
    assert complaints(spec, asked(spec, APPROVE), handed_in) == []
    assert bodies[2:] == [None] * 4


async def test_our_stand_in_answers_as_the_description_says(spec: dict[str, Any], twilio: FakeTwilio) -> None:
    contents = Contents(twilio.account, twilio.token, twilio.url)
    sid = await make(contents, "done", "en")
    await contents.submit(sid, name="jawab_done_en", category="UTILITY")
    one = twilio.contents[sid]
    assert complaints(spec, answered(spec, CREATE, "post", "201"), one.resource(twilio.account, twilio.url)) == []
    assert complaints(spec, answered(spec, APPROVE, "post", "201"), one.whatsapp()) == []
    looked = {"sid": sid, "account_sid": twilio.account, "whatsapp": one.whatsapp(), "url": twilio.url}
    assert complaints(spec, answered(spec, FETCH, "get", "200"), looked) == []
    assert list(spec["paths"][ONE]["delete"]["responses"]) == ["204"]
    example = spec["paths"][FETCH]["get"]["responses"]["200"]["content"]["application/json"]["examples"]
    assert example["getApproval"]["value"]["whatsapp"]["status"] in STATES


async def test_a_message_of_a_template_is_what_the_description_allows(twilio: FakeTwilio) -> None:
    described = json.loads((FOLDER / "twilio_api_v2010.json").read_text())
    contents = Contents(twilio.account, twilio.token, twilio.url)
    sid = await make(contents, "news", "ur")
    twilio.decide("approved")
    channel = Twilio(account=twilio.account, token=twilio.token, public_url="https://jawab.test", api_url=twilio.url)
    values = json.dumps(texts.number("news", "ur", texts.SAMPLES), ensure_ascii=False)
    text = texts.render("news", "ur", texts.SAMPLES)
    ours, theirs = "+923000000099", "+923001112233"
    await channel.send(Outbound(uuid.uuid4(), "whatsapp", ours, theirs, text, template=sid, values=values))
    await channel.close()
    form = described["paths"][MESSAGES]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    posted = {name: value for name, value in twilio.ledger[0].form.items() if name != "Body"}  # which the stand-in adds
    assert complaints(described, form, posted) == []
    assert twilio.ledger[0].body == text
