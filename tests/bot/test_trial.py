"""The phone in the browser, over HTTP."""

from __future__ import annotations

import re

import httpx
import pytest
from bs4 import BeautifulSoup

from bot.channels import Unfetched
from bot.channels.simulator import SAMPLES, Sample, Simulator
from bot.media import BYTES_MOST
from store.kinds import find as kind_of

LIVE = {"HX-Request": "true"}


def bubbles(answer: httpx.Response) -> list[str]:
    soup = BeautifulSoup(answer.text, "html.parser")
    return [bubble.get_text(" ", strip=True) for bubble in soup.select(".theirs")]


async def test_one_form_sent_twice_is_one_message(client: httpx.AsyncClient) -> None:
    await client.get("/try")
    for _ in range(2):
        assert (await client.post("/try", data={"text": "سلام", "once": "a" * 32})).status_code == 303
    assert len(bubbles(await client.get("/try"))) == 1


async def test_no_field_of_the_form_is_a_5xx(client: httpx.AsyncClient) -> None:
    for form in ({"text": "سلام", "once": "a\x00b"}, {"text": "a\x00b"}, {"text": "x", "once": "\ufffd" * 999}):
        assert (await client.post("/try", data=form)).status_code == 303


async def test_the_screen_is_sent_again_only_when_something_is_new(client: httpx.AsyncClient) -> None:
    await client.get("/try")
    await client.post("/try", data={"text": "سلام"})
    first = await client.get("/try", headers=LIVE)
    assert "<html" not in first.text
    found = re.search(r"seen=([0-9a-f]{16})", (await client.get("/try")).text)
    assert found or "hx-get" not in first.text, "without htmx nobody asks"
    if found:
        assert (await client.get(f"/try?seen={found[1]}", headers=LIVE)).status_code == 204
        await client.post("/try", data={"text": "1"})
        assert (await client.get(f"/try?seen={found[1]}", headers=LIVE)).status_code == 200


async def test_a_phone_that_is_not_ours_to_give_is_not_taken(client: httpx.AsyncClient) -> None:
    client.cookies.set("jawab-try", "+923001234567")
    page = await client.get("/try")
    assert "+923001234567" not in page.text
    assert re.search(r"\+92399\d{7}", page.text)


async def test_as_sms_choices_are_typed_and_as_whatsapp_they_can_be_tapped(client: httpx.AsyncClient) -> None:
    await client.get("/try")
    await client.post("/try", data={"text": "سلام"})
    assert 'id="tap-4"' in (await client.get("/try")).text
    sms = await client.get("/try?as=sms")
    assert 'id="tap-4"' not in sms.text
    assert 'id="tap-4"' not in (await client.get("/try")).text, "the choice is remembered"
    assert (await client.get("/try?as=pigeon")).status_code == 200


async def test_nothing_in_the_page_needs_more_than_the_policy_allows(client: httpx.AsyncClient) -> None:
    page = await client.get("/try")
    soup = BeautifulSoup(page.text, "html.parser")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert not soup.select("style, [style], [onclick], [onsubmit], script:not([src])")


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
async def test_a_sample_is_what_it_is_called_and_is_fetched_like_any_file(sample: Sample) -> None:
    content = await Simulator().fetch(sample.url, BYTES_MOST)
    assert kind_of(content) == sample.content_type
    with pytest.raises(Unfetched):
        await Simulator().fetch("sample:other", BYTES_MOST)


async def test_a_sample_and_a_place_arrive_as_messages_and_nonsense_does_not(client: httpx.AsyncClient) -> None:
    await client.get("/try")
    for sample in ("photo", "location", "nonsense"):
        await client.post("/try", data={"sample": sample})
    said = bubbles(await client.get("/try"))
    assert len(said) == 2
    assert said[0].startswith("a photo")
    assert said[1].startswith("a location")
