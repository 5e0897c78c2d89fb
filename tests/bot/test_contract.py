"""Twilio's published API description as the judge of what we post, of what we read, and of our own stand-in.

It is read from JAWAB_TWILIO_OPENAPI or from ../shared/data/twilio-openapi and is not part of this repository. Where it
is not there these tests are skipped, but never with CI=true.
"""

from __future__ import annotations

import os
import re
import uuid
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.channels import Outbound
from bot.channels.twilio import STATES, Twilio
from bot.twilio_signature import SID
from tests.providers.twilio import FakeTwilio

FOLDER = Path(
    os.environ.get("JAWAB_TWILIO_OPENAPI") or Path(__file__).parents[2].parent / "shared" / "data" / "twilio-openapi"
)
FILE = FOLDER / "twilio_api_v2010.json" if FOLDER.is_dir() else FOLDER
MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"

pytestmark = pytest.mark.skipif(
    not FILE.is_file() and os.environ.get("CI") != "true",
    reason=f"Twilio's API description is not here ({FILE}): contract not checked",
)

PYTHON: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "object": dict,
    "array": list,
    "boolean": bool,
    "number": (int, float),
}


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    import json

    return dict(json.loads(FILE.read_text()))


def complaints(spec: dict[str, Any], schema: dict[str, Any], value: Any, at: str = "$") -> list[str]:
    """What is wrong with a value by its schema: type, null, pattern, length, choice, unknown and missing fields."""
    while "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if value is None:
        return [] if schema.get("nullable") else [f"{at}: null"]
    wrong = [] if isinstance(value, PYTHON[schema["type"]]) else [f"{at}: not {schema['type']}"]
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            wrong.append(f"{at}: pattern")
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**6):
            wrong.append(f"{at}: length")
        if "enum" in schema and value not in schema["enum"]:
            wrong.append(f"{at}: choice")
        if schema.get("format") == "date-time-rfc-2822":
            parsedate_to_datetime(value)
    if isinstance(value, dict) and "properties" in schema:
        wrong += [f"{at}.{name}: unknown" for name in value if name not in schema["properties"]]
        wrong += [f"{at}.{name}: missing" for name in schema.get("required", ()) if name not in value]
        for name, inner in schema["properties"].items():
            if name in value:
                wrong += complaints(spec, inner, value[name], f"{at}.{name}")
    if isinstance(value, list):
        for index, item in enumerate(value):
            wrong += complaints(spec, schema["items"], item, f"{at}[{index}]")
    return wrong


def test_the_judge_itself_complains(spec: dict[str, Any]) -> None:
    schema = {"$ref": "#/components/schemas/api.v2010.account.message"}
    bad = {"sid": "nonsense", "status": "flying", "direction": None, "error_code": "x", "new": 1}
    assert len(complaints(spec, schema, bad)) == 6


async def test_what_we_post_and_ask_is_what_the_description_allows(spec: dict[str, Any], twilio: FakeTwilio) -> None:
    channel = Twilio(account=twilio.account, token=twilio.token, public_url="https://jawab.test", api_url=twilio.url)
    one = Outbound(uuid.uuid4(), "whatsapp", "+923000000099", "+923001112233", "پانی", attempt=2)
    await channel.send(one)
    await channel.find(one, datetime.now(UTC))
    await channel.close()
    path = spec["paths"][MESSAGES]
    form = path["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    assert complaints(spec, form, twilio.ledger[0].form) == []
    allowed = {parameter["name"] for parameter in path["get"]["parameters"] if parameter["in"] == "query"}
    assert set(twilio.asked[0]) <= allowed


async def test_our_stand_in_answers_as_the_description_says(spec: dict[str, Any], twilio: FakeTwilio) -> None:
    base = f"{twilio.url}/2010-04-01/Accounts/{twilio.account}"
    headers = {"Authorization": aiohttp.encode_basic_auth(twilio.account, twilio.token)}
    path = spec["paths"][MESSAGES]
    async with aiohttp.ClientSession(headers=headers) as session:
        form = {"To": "+923001112233", "From": "+923000000099", "Body": "x"}
        async with session.post(f"{base}/Messages.json", data=form) as answer:
            made = await answer.json()
            assert answer.status == 201
        async with session.get(f"{base}/Messages.json", params={"PageSize": "1"}) as answer:
            listed = await answer.json()
        async with session.get(f"{base}/Messages/{made['sid']}.json") as answer:
            fetched = await answer.json()
        async with session.delete(f"{base}/Messages/{made['sid']}.json") as answer:
            assert (answer.status, (await answer.json())["code"]) == (409, 20009)  # not before it is final
        twilio.ledger[0].status = "delivered"
        async with session.delete(f"{base}/Messages/{made['sid']}.json") as answer:
            assert answer.status == 204
    created = path["post"]["responses"]["201"]["content"]["application/json"]["schema"]
    page = path["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert complaints(spec, created, made) == []
    assert complaints(spec, created, fetched) == []
    assert complaints(spec, page, listed) == []
    required = {"body", "date_created", "direction", "sid"}  # what asking after a crash rests on
    assert required <= set(spec["components"]["schemas"]["api.v2010.account.message"]["properties"])


def test_our_patterns_and_states_are_those_of_the_description(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    assert schemas["api.v2010.account.message"]["properties"]["sid"]["pattern"] == "^(SM|MM)[0-9a-fA-F]{32}$"
    assert SID.fullmatch("SM" + "0aF" + "0" * 29)
    outgoing = set(schemas["message_enum_status"]["enum"]) - {"receiving", "received"}
    assert set(STATES) == outgoing
