"""One contract for every channel of the registry: what is read, what is refused, and what each error means.

A channel brings a file in `bot/channels/`, a line in the registry, payloads in `tests/payloads/<provider>/` and a
stand-in in `tests/providers/<provider>.py`; see tests/providers/standin.py. Nothing is to be added here.
"""

from __future__ import annotations

import importlib
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from bot import doors, registry
from bot.channels import (
    Account,
    Channel,
    Fate,
    Forged,
    Heard,
    Inbound,
    Outbound,
    Posted,
    SendError,
    Unreadable,
    first_fault,
)
from bot.deliver import drain
from locales.channels import CHANNELS as KINDS
from settings import Settings
from store import channels, contacts, outbox
from store.jawab import Jawab
from tests.providers.standin import NAME, NEEDED, PUBLIC_URL, SHOWS, Standin

PAYLOADS = Path(__file__).parents[1] / "payloads"
EVERY = [channel.provider for channel in registry.CHANNELS]
FATES: tuple[Fate, ...] = get_args(Fate)
HOME = Settings(public_url=PUBLIC_URL)


def standin_of(provider: str) -> Standin:
    made: Standin = importlib.import_module(f"tests.providers.{provider}").STANDIN()
    return made


def payloads_of(provider: str) -> dict[str, dict[str, Any]]:
    return {file.stem: json.loads(file.read_text()) for file in sorted((PAYLOADS / provider).glob("*.json"))}


RECORDED = [(provider, name) for provider in EVERY for name in payloads_of(provider)]


def opened(standin: Standin, values: dict[str, str]) -> Channel:
    channel = registry.PROVIDERS[standin.provider]
    assert first_fault(channel, values) == ""
    return channel.open(Account(values, HOME, standin.address, f"{PUBLIC_URL}/in/{standin.provider}/{NAME}"))


def request_of(standin: Standin, payload: dict[str, Any]) -> Posted:
    return standin.posted(payload, f"/in/{standin.provider}/{NAME}" + ("/status" if payload.get("status") else ""))


def read(channel: Channel, posted: Posted, payload: dict[str, Any]) -> Heard:
    return channel.read_receipt(posted) if payload.get("status") else channel.read(posted)


def first(provider: str, shows: str) -> dict[str, Any]:
    return next(payload for payload in payloads_of(provider).values() if payload["shows"] == shows)


# ── what a channel brings ────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("provider", EVERY)
def test_it_brings_a_payload_of_every_kind_or_says_why_not(provider: str) -> None:
    shown = {payload["shows"] for payload in payloads_of(provider).values()}
    assert shown <= set(SHOWS)
    lacks = standin_of(provider).lacks
    assert [kind for kind in NEEDED if kind not in shown and kind not in lacks] == []
    assert all(reason.strip() for reason in lacks.values())
    assert set(lacks) <= {*NEEDED, *FATES, "forged", "receipts"}
    assert shown.isdisjoint(lacks), "what it lacks it cannot show"


@pytest.mark.parametrize("provider", EVERY)
def test_its_kinds_are_known_and_its_name_fits_an_address(provider: str) -> None:
    channel = registry.PROVIDERS[provider]
    assert set(channel.kinds) <= set(KINDS)
    assert channel.kinds
    assert provider.replace("-", "").isalnum()
    assert provider == provider.lower() != "status"
    assert {fate for fate, _ in channel.codes.values()} <= set(FATES)
    assert all(wait >= 0 for _, wait in channel.codes.values())


@pytest.mark.parametrize("provider", EVERY)
def test_a_setting_that_is_missing_or_cannot_be_is_named_and_its_value_is_not(provider: str) -> None:
    channel = registry.PROVIDERS[provider]
    values = standin_of(provider).recorded()
    for ask in channel.asks(values):
        assert ask.says
        if ask.default is None:
            assert ask.name in first_fault(channel, {**values, ask.name: ""})
        said = first_fault(channel, {**values, ask.name: "\n wrong"})
        assert ask.name in said
        assert "wrong" not in said


# ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────────
RARE = frozenset({"quotes", "person", "cut"})


def _plain_message(message: Inbound) -> dict[str, Any]:
    """As the files write it: most messages quote none of ours, and say of nobody more than their address."""
    said = {name: value for name, value in message.as_dict().items() if name not in RARE or value}
    return said | {"media": [{name: value for name, value in file.items() if value} for file in said["media"]]}


@pytest.mark.parametrize(("provider", "name"), RECORDED)
def test_a_payload_is_read_as_its_file_says(provider: str, name: str) -> None:
    standin, payload = standin_of(provider), payloads_of(provider)[name]
    channel, posted = opened(standin, standin.recorded()), request_of(standin, payload)
    if payload["shows"] == "malformed":
        with pytest.raises(Unreadable):
            read(channel, posted, payload)
        return
    heard = read(channel, posted, payload)
    found = {
        "messages": [_plain_message(message) for message in heard.messages],
        "receipts": [{**_plain(receipt), "id": str(receipt.id)} for receipt in heard.receipts],
        "stops": [{**_plain(stopped), "at": stopped.at.isoformat()} for stopped in heard.stops],
    }
    assert json.loads(json.dumps(found)) == {"stops": [], **payload["expect"]}
    for message in heard.messages:
        assert message.channel in channel.kinds
        assert message.provider == provider
        assert Inbound.from_dict(json.loads(json.dumps(message.as_dict()))) == message
        assert shows(payload["shows"], message)
    assert bool(heard.receipts) == (payload["shows"] in {"receipt", "failure"})


def shows(kind: str, message: Inbound) -> bool:
    return {
        "text": bool(message.text),
        "choice": bool(message.choice),
        "media": bool(message.media),
        "place": message.location is not None,
        "stop": message.opt_out == "STOP",
        "robot": message.system,
    }[kind]


def _plain(thing: Any) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in thing.__slots__}


@pytest.mark.parametrize(("provider", "name"), RECORDED)
def test_a_forged_payload_is_forged(provider: str, name: str) -> None:
    standin, payload = standin_of(provider), payloads_of(provider)[name]
    if "forged" in standin.lacks:
        assert not registry.PROVIDERS[provider].methods, "who verifies nothing has no door"
        return
    channel, real = opened(standin, standin.recorded()), request_of(standin, payload)
    for posted in standin.forged(real):
        if posted != real:
            with pytest.raises(Forged):
                read(channel, posted, payload)


@pytest.mark.parametrize("provider", EVERY)
@examples(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200), value=st.text(max_size=40), status=st.booleans())
def test_whatever_is_posted_is_read_or_refused(provider: str, body: bytes, value: str, status: bool) -> None:
    standin = standin_of(provider)
    channel, real = opened(standin, standin.recorded()), request_of(standin, first(provider, "text"))
    headers = {name: value.encode("latin-1", "replace").decode("latin-1") for name in real.headers}
    for posted in (
        Posted(real.path, real.query, real.headers, body),
        Posted(real.path, value, headers, real.body),
        Posted(real.path, real.query, headers, body),
    ):
        try:
            read(channel, posted, {"status": status})
        except (Forged, Unreadable):
            continue


# ── at the door ──────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture(params=EVERY)
def standin(request: pytest.FixtureRequest) -> Iterator[Standin]:
    with standin_of(request.param) as made:
        yield made


@pytest.fixture
async def http(jawab: Jawab) -> AsyncIterator[httpx.AsyncClient]:
    app = doors.stand_before(FastAPI(), jawab)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC_URL) as client:
        yield client
    await registry.close()


@pytest.fixture
async def row(jawab: Jawab, standin: Standin, owner: psycopg.AsyncConnection[Any]) -> uuid.UUID:
    """A number with this account, in a district of its own."""
    await owner.execute("INSERT INTO districts (id, names) VALUES ('contract', '{}')")
    async with jawab.db.transaction("console") as tx:
        return await channels.add(
            tx,
            jawab.keys,
            kind=standin.kind,
            provider=standin.provider,
            address=standin.address,
            district_id="contract",
            name=NAME,
            settings=standin.values(),
        )


async def post(http: httpx.AsyncClient, posted: Posted) -> int:
    address = posted.path + (f"?{posted.query}" if posted.query else "")
    answer = await http.request(posted.method, address, content=posted.body, headers=dict(posted.headers))
    return answer.status_code


async def count(owner: psycopg.AsyncConnection[Any], table: str) -> int:
    found = await (await owner.execute(f"SELECT count(*) FROM {table}")).fetchone()
    assert found
    return int(found[0])


async def test_the_same_message_twice_is_one(
    standin: Standin, row: uuid.UUID, http: httpx.AsyncClient, owner: psycopg.AsyncConnection[Any]
) -> None:
    posted = request_of(standin, first(standin.provider, "text"))
    if not registry.PROVIDERS[standin.provider].methods:
        assert await post(http, posted) == 404
        return
    assert [200 <= await post(http, posted) < 300 for _ in range(2)] == [True, True]
    assert await count(owner, "inbox") == 1
    assert await count(owner, "outbox") == 1


async def test_forged_and_malformed_requests_leave_nothing_behind(
    standin: Standin, row: uuid.UUID, http: httpx.AsyncClient, owner: psycopg.AsyncConnection[Any]
) -> None:
    if not registry.PROVIDERS[standin.provider].methods:
        return
    real = request_of(standin, first(standin.provider, "text"))
    for posted in standin.forged(real):
        assert posted == real or await post(http, posted) == 403
    assert await count(owner, "alarms") == 0
    assert await post(http, request_of(standin, first(standin.provider, "malformed"))) == 400
    assert await count(owner, "inbox") == 0
    assert await count(owner, "alarms") == 1


async def owe(jawab: Jawab, standin: Standin, row: uuid.UUID, text: str) -> uuid.UUID:
    """A message to a citizen who has written just now."""
    contact, outbox_id = uuid.uuid4(), uuid.uuid4()
    tag = contacts.tag(jawab.keys, standin.kind, standin.address, standin.citizen + text)
    async with jawab.db.transaction("intake") as tx:
        await contacts.make(tx, jawab.keys, id=contact, channel_id=row, tag=tag, address=standin.citizen)
        await tx.execute("UPDATE contacts SET last_inbound_at = now() WHERE id = %s", (contact,))
        await outbox.put(
            tx,
            jawab.keys,
            id=outbox_id,
            contact_id=contact,
            lane="replies",
            purpose="reply",
            lang="ur",
            message={"says": [], "options": [], "text": text},
            inbox_id=uuid.uuid4(),
        )
    return outbox_id


async def test_receipts_in_any_order_end_where_the_furthest_is(
    standin: Standin, row: uuid.UUID, http: httpx.AsyncClient, jawab: Jawab, owner: psycopg.AsyncConnection[Any]
) -> None:
    if "receipts" in standin.lacks:
        return
    orders = list(itertools.permutations(standin.states))
    for number in range(len(orders)):
        await owe(jawab, standin, row, f"message {number}")
    assert await drain(jawab, "replies") == {"sent": len(orders)}
    rows = await (await owner.execute("SELECT id, provider_id FROM outbox ORDER BY id")).fetchall()
    scope = "" if registry.PROVIDERS[standin.provider].ids == "provider" else f"{row.hex[:16]}:"
    for (_, provider_id), order in zip(rows, orders, strict=True):
        for state in (*order, order[0]):
            assert await post(http, standin.receipt(provider_id.removeprefix(scope), state)) < 300
    ends = await (await owner.execute("SELECT DISTINCT state FROM outbox")).fetchall()
    assert ends == [(standin.states[-1],)]


# ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
def outbound(standin: Standin, text: str = "پانی آ گیا") -> Outbound:
    door = f"{PUBLIC_URL}/in/{standin.provider}/{NAME}"
    return Outbound(uuid.uuid4(), standin.kind, standin.address, standin.citizen, text, door=door)


@pytest.mark.parametrize("fate", FATES)
async def test_each_class_of_error_has_its_fate(standin: Standin, fate: Fate) -> None:
    if fate in standin.lacks:
        return
    channel = opened(standin, standin.values())
    try:
        standin.fail(fate)
        with pytest.raises(SendError) as error:
            await channel.send(outbound(standin))
    finally:
        await channel.close()
    assert error.value.fate == fate
    assert isinstance(error.value.code, str)
    assert error.value.wait >= 0


async def test_a_message_goes_out_gets_an_id_and_is_found_by_it(standin: Standin) -> None:
    channel = opened(standin, standin.values())
    one = outbound(standin)
    try:
        sent = await channel.send(one)
        found = await channel.find(one, datetime.now(UTC))
        assert await channel.probe() == ""
    finally:
        await channel.close()
    assert sent.provider_id
    assert found in ([], [sent.provider_id])
    assert standin.texts() in ([], [one.text])


async def test_whether_anybody_answers_is_asked_to_no_effect(standin: Standin) -> None:
    channel = opened(standin, standin.values())
    try:
        assert await channel.reach()
        if "away" not in standin.lacks:
            standin.fail("away")
            assert not await channel.reach()
    finally:
        await channel.close()
    assert standin.texts() == []


async def test_a_closed_channel_opens_again(standin: Standin) -> None:
    channel = opened(standin, standin.values())
    try:
        for _ in range(2):
            await channel.send(outbound(standin))
            await channel.close()
    finally:
        await channel.close()


async def test_a_wrong_secret_is_told_and_not_shown(standin: Standin) -> None:
    asks = registry.PROVIDERS[standin.provider].asks(standin.values())
    for ask in asks:
        if ask.secret and ask.default is None:
            channel = opened(standin, {**standin.values(), ask.name: standin.wrong})
            try:
                told = await channel.probe()
            finally:
                await channel.close()
            assert told
            assert "\n" not in told
            assert standin.wrong not in told
