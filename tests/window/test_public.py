"""The public window over HTTP: every page in every language, what it counts, and what it never shows."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import httpx
import pytest
from bs4 import BeautifulSoup
from fastapi import FastAPI
from starlette.routing import Route

import locales
from broadcast import publish, reach, reached
from cases import acts
from locales.catalogs import strict, texts
from locales.values import group
from store.jawab import Jawab
from tests.pages import attribute, pick
from tests.window.conftest import last_week
from window import district, doors
from window.home import Number


def pages_of_window() -> list[str]:
    """Every page that is mounted, but feeds, data and what needs more than its address."""
    app = FastAPI(openapi_url=None)
    doors.mount(app)
    paths = [route.path for route in app.routes if isinstance(route, Route)]
    return [path for path in paths if not set("{.") & set(path)]


PAGES = pages_of_window()
Open = Callable[..., Awaitable[UUID]]
ATOM = "{http://www.w3.org/2005/Atom}"


def read(answer: httpx.Response) -> BeautifulSoup:
    assert answer.status_code == 200, answer.text[:500]
    return BeautifulSoup(answer.text, "html.parser")


@pytest.mark.parametrize("lang", locales.ALL_LANGS)
async def test_every_page_speaks_every_language(client: httpx.AsyncClient, sent: str, lang: str) -> None:
    for path in (*PAGES, f"/updates/{sent}"):
        with strict():
            page = read(await client.get(f"{path}?lang={lang}"))
        assert page.html is not None
        assert (page.html["lang"], page.html["dir"]) == (lang, locales.direction(lang))
        assert "public." not in page.get_text()
        assert {link["hreflang"] for link in page.select("link[hreflang]")} == set(locales.ALL_LANGS)


async def test_a_reader_who_asks_for_nothing_reads_urdu(client: httpx.AsyncClient) -> None:
    page = read(await client.get("/"))
    assert page.html is not None
    assert (page.html["lang"], page.html["dir"]) == ("ur", "rtl")


async def test_the_demo_says_so_on_every_page(client: httpx.AsyncClient, sent: str) -> None:
    for path in (*PAGES, f"/updates/{sent}"):
        page = read(await client.get(f"{path}?lang=en"))
        assert "Demonstration" in pick(page, ".demo-mark").get_text()
    assert all(edition["demo"] for edition in (await client.get("/open-data/editions.json")).json()["editions"])


@pytest.mark.parametrize("lang", locales.LANGS)
async def test_a_language_of_drafts_says_so(client: httpx.AsyncClient, lang: str) -> None:
    for path in PAGES:
        assert read(await client.get(f"{path}?lang={lang}")).select_one(".note.warn") is not None
        assert read(await client.get(f"{path}?lang=en")).select_one(".note.warn") is None


async def test_the_first_page_names_the_numbers(client: httpx.AsyncClient) -> None:
    links = [link["href"] for link in read(await client.get("/?lang=en")).select(".numbers a")]
    assert links == ["/try", "sms:+15005550006", "https://wa.me/14155238886"]


def test_a_bot_is_opened_by_its_name_and_by_nothing_else() -> None:
    links = [Number("telegram", address).link for address in ("pishin_bot", "@pishin_bot", "5550001")]
    assert links == ["https://t.me/pishin_bot", "https://t.me/pishin_bot", ""]


async def test_a_number_that_is_switched_off_is_named_no_more(client: httpx.AsyncClient, owner: Any) -> None:
    await owner.execute("UPDATE channels SET retired_at = now() WHERE kind = 'sms'")
    links = [link["href"] for link in read(await client.get("/?lang=en")).select(".numbers a")]
    assert links == ["/try", "https://wa.me/14155238886"]


async def test_an_update_is_shown_as_it_was_approved(client: httpx.AsyncClient, sent: str) -> None:
    assert "Water, cleanliness: 7" in read(await client.get(f"/updates/{sent}?lang=en")).get_text()
    assert sent in str(read(await client.get("/updates?lang=en")))
    for path in (f"/updates/{sent}", "/updates"):
        told = " ".join(read(await client.get(f"{path}?lang=en")).get_text().split()).lower()
        assert "published" in told
        assert "sent" not in told, "nobody had asked for it"
    assert "Water, cleanliness: 7" in read(await client.get("/?lang=en")).get_text()


async def test_a_line_of_ones_own_is_shown_in_its_language_only(client: httpx.AsyncClient, sent: str) -> None:
    for lang in locales.ALL_LANGS:
        text = (await client.get(f"/updates/{sent}?lang={lang}")).text
        assert ("نوی پمپ راغی" in text) == (lang == "ps")


@pytest.mark.parametrize(
    ("fates", "reach", "told"),
    [
        ({"sent": 4}, {"asked": None, "reached": None, "waiting": None, "unreached": None}, "Fewer than 5 people"),
        (
            {"delivered": 7, "read": 2, "parked": 8, "failed": 3, "withdrawn": 9},
            {"asked": 20, "reached": 5, "waiting": 5, "unreached": None},
            "Had asked for it: 20. Reached: 5. Still waiting: 5. Not reached: fewer than 5.",
        ),
    ],
    ids=["few", "many"],
)
async def test_how_many_an_edition_reached_is_public_in_fives(
    *,
    client: httpx.AsyncClient,
    owner: Any,
    sent: str,
    write: Callable[..., Awaitable[UUID]],
    fates: dict[str, int],
    reach: dict[str, int | None],
    told: str,
) -> None:
    for state in (state for state, number in fates.items() for _ in range(number)):
        await owner.execute(
            "INSERT INTO outbox (id, contact_id, lane, purpose, edition_id, lang, message, state)"
            " SELECT gen_random_uuid(), %s, 'broadcasts', 'edition', id, 'ur', '', %s FROM editions",
            (await write(), state),
        )
    for path in (f"/updates/{sent}?lang=en", "/updates?lang=en"):
        assert told in read(await client.get(path)).get_text()
    (data,) = (await client.get("/open-data/editions.json")).json()["editions"]
    assert data["reach"] == reach
    assert data["from"] < data["until"]


@pytest.mark.parametrize("state", ["draft", "approved", "stopped"])
async def test_what_has_not_gone_out_is_on_no_page(
    client: httpx.AsyncClient, owner: Any, sent: str, state: str
) -> None:
    await owner.execute("UPDATE editions SET state = %s", (state,))
    assert (await client.get(f"/updates/{sent}")).status_code == 404
    assert sent not in (await client.get("/updates")).text
    assert sent not in (await client.get("/updates.atom")).text
    assert (await client.get("/open-data/editions.json")).json()["editions"] == []


async def test_a_feed_that_was_read_before_shows_nothing_that_was_stopped_since(
    client: httpx.AsyncClient, owner: Any, sent: str
) -> None:
    first = await client.get("/updates.atom?lang=en")
    assert sent in first.text
    assert (await client.get("/updates.atom?lang=en")).text == first.text
    assert (await client.get("/updates.atom?lang=ur")).text != first.text
    await owner.execute("UPDATE editions SET state = 'stopped'")
    assert sent not in (await client.get("/updates.atom?lang=en")).text


async def test_what_was_counted_of_an_edition_stands_for_a_while_and_is_what_its_rows_say(
    jawab: Jawab, owner: Any, office: Any, sent: str, write: Callable[..., Awaitable[UUID]]
) -> None:
    assert sent
    now = datetime.now(UTC)
    row = await (await owner.execute("SELECT id FROM editions")).fetchone()
    edition_id = row[0]

    async def put(number: int, state: str) -> None:
        for _ in range(number):
            await owner.execute(
                "INSERT INTO outbox (id, contact_id, lane, purpose, edition_id, lang, message, state)"
                " VALUES (gen_random_uuid(), %s, 'broadcasts', 'edition', %s, 'ur', '', %s)",
                (await write(), edition_id, state),
            )

    async def count() -> reached.Reached:
        async with jawab.db.autocommit("report") as conn:
            return await reached.count(conn, edition_id)

    await put(7, "delivered")
    await put(6, "failed")
    live = await count()
    async with jawab.db.transaction("console") as tx:
        assert await reached.keep_one(tx, now)
        assert not await reached.keep_one(tx, now)
        assert (await reach.progress(tx, edition_id, now)).messages == {"delivered": 7, "failed": 6}
    assert await count() == live == reached.Reached(10, 5, None, 5)
    await put(5, "read")
    assert await count() == live
    async with jawab.db.transaction("console") as tx:
        assert await reached.keep_one(tx, now + 2 * reached.LEAST)
    assert await count() == reached.Reached(15, 10, None, 5)
    await put(5, "delivered")
    await owner.execute("UPDATE reaches SET until = now()")
    assert await count() == reached.Reached(20, 15, None, 5)
    async with jawab.db.transaction("console") as tx:
        await reached.keep_one(tx, now)
        await publish.stop(tx, edition_id, office.staff["approver"], now)
        assert await reached.find_kept(tx, edition_id, now) is None


async def test_no_page_carries_a_case(client: httpx.AsyncClient, owner: Any, sent: str) -> None:
    rows = await (await owner.execute("SELECT id::text, code FROM cases")).fetchall()
    paths = (*PAGES, f"/updates/{sent}", "/updates.atom", "/open-data/editions.json")
    everything = "".join([(await client.get(path)).text for path in paths])
    for case_id, code in rows:
        assert case_id not in everything
        assert code not in everything
        assert group(code) not in everything


async def test_the_feed_is_a_feed(client: httpx.AsyncClient, sent: str) -> None:
    answer = await client.get("/updates.atom?lang=en")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = ET.fromstring(answer.text)  # noqa: S314 - our own feed
    (entry,) = feed.findall(f"{ATOM}entry")
    assert "Water, cleanliness: 7" in (entry.findtext(f"{ATOM}content") or "")
    assert entry.find(f"{ATOM}link").attrib["href"].startswith(f"https://jawab.test/updates/{sent}?")  # type: ignore[union-attr]
    for required in ("id", "title", "updated"):
        assert feed.findtext(f"{ATOM}{required}")
        assert entry.findtext(f"{ATOM}{required}")


async def test_the_data_says_what_the_page_says(client: httpx.AsyncClient, sent: str) -> None:
    answer = await client.get("/open-data/editions.json?district=pishin")
    (edition,) = answer.json()["editions"]
    assert edition["week"] == sent
    said = edition["items"][0]
    assert set(said) == {"section", "key", "values", "texts", "line", "line_language"}
    assert said["values"]["count"] == 7
    assert said["texts"]["en"] == "Water, cleanliness: 7 reports"
    assert "cases" not in json.dumps(edition)


async def test_the_two_columns_stand_side_by_side_and_small_numbers_are_not_shown(
    client: httpx.AsyncClient, jawab: Jawab, keys: Any, office: Any, opened: Open
) -> None:
    _, at = last_week()
    water = [await opened(at=at) for _ in range(13)]
    for _ in range(3):
        await opened(at=at, category="infrastructure")
    async with jawab.db.transaction("console") as tx:
        for case_id in water[:11]:
            await acts.resolve(
                tx, keys, case_id, actor=office.staff["handler"], now=at, outcome="repaired", done_on=at.date()
            )
    async with jawab.db.transaction("intake") as tx:
        for case_id in water[:4]:
            await acts.confirm(tx, case_id, now=at)
    page = read(await client.get("/figures?lang=en"))
    assert [card.get_text(" ", strip=True) for card in page.select(".pair-one")] == [
        "Department says done 11",
        "People confirm done not shown",
    ]
    subjects = page.select("table.numbers-table")[-1]
    rows = [row.get_text(" ", strip=True) for row in subjects.select("tbody tr")]
    assert rows == ["Water, cleanliness 13 11 not shown", "Others together not shown not shown not shown"]


async def test_todays_reports_are_counted_tomorrow(client: httpx.AsyncClient, opened: Open) -> None:
    for _ in range(9):
        await opened(at=datetime.now(UTC))
    assert "Nothing to count yet" in read(await client.get("/figures?lang=en")).get_text()


async def test_a_middle_rating_is_shown_from_five_people_on(
    client: httpx.AsyncClient, owner: Any, write: Callable[..., Awaitable[UUID]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(district, "CACHED", -1)  # what was counted stands for no moment

    async def rate(score: int) -> None:
        await owner.execute(
            "INSERT INTO ratings (round_id, facility_id, contact_id, indicator, score)"
            " SELECT r.id, f.id, %s, 'indicator.staff_present', %s FROM rounds r, facilities f"
            " WHERE f.short_code = '101'",
            (await write(), score),
        )

    for score in (1, 2, 2, 5):
        await rate(score)
    first = read(await client.get("/figures?lang=en")).select("table.fold")[-1].get_text(" ", strip=True)
    assert "of 4" not in first
    await rate(4)
    then = read(await client.get("/figures?lang=en")).select("table.fold")[-1].get_text(" ", strip=True)
    assert "2 · of 5 people" in then


async def test_with_two_districts_the_reader_chooses_one(client: httpx.AsyncClient, elsewhere: str) -> None:
    for path in (one for one in PAGES if not one.startswith("/record")):  # the seal of a day is the whole house's
        client.cookies.clear()
        choice = read(await client.get(f"{path}?lang=en"))
        assert [option["value"] for option in choice.select("#district option")] == [elsewhere, "pishin"]
        assert read(await client.get(f"{path}?lang=en&district=pishin")).select_one("#district") is None
    assert "Pishin" in read(await client.get("/?lang=en")).get_text()  # remembered
    client.cookies.clear()
    assert "Pishin" not in pick(read(await client.get(f"/?lang=en&district={elsewhere}")), "h2").get_text()


@pytest.mark.parametrize(
    "path",
    [
        "/?district=nowhere",
        "/?district=%00",
        "/updates/2026-W99",
        "/updates/2020-W01",
        "/updates/x",
        "/updates/%F0%9F%98%80",
        "/updates.atom?district=nowhere",
        "/open-data/editions.json?district=nowhere",
        "/open-data/cases.json",
    ],
)
async def test_what_is_not_there_is_said_in_plain_words(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404


@pytest.mark.parametrize("lang", locales.ALL_LANGS)
async def test_what_is_not_there_is_said_in_the_readers_language(client: httpx.AsyncClient, lang: str) -> None:
    page = BeautifulSoup((await client.get(f"/nowhere?lang={lang}")).text, "html.parser")
    said = pick(page, "main").get_text()
    assert all(texts(lang)[key] in said for key in ("error.404.title", "error.404", "error.back"))
    assert {"error.500.title", "error.500"} <= texts(lang).keys()


async def test_a_page_may_be_kept_for_a_short_while_unless_it_sets_a_cookie(client: httpx.AsyncClient) -> None:
    plain = await client.get("/figures")
    assert plain.headers["cache-control"] == "public, max-age=120"
    assert "cookie" in plain.headers["vary"].lower()
    chosen = await client.get("/figures?lang=ps")
    assert "set-cookie" in chosen.headers
    assert chosen.headers["cache-control"].startswith("private")


async def test_the_pages_run_nothing_and_load_nothing_from_elsewhere(client: httpx.AsyncClient, sent: str) -> None:
    for path in (*PAGES, f"/updates/{sent}"):
        answer = await client.get(path)
        page = read(answer)
        assert page.find_all("script") == []
        assert "?v=none" not in answer.text, "a file that is nowhere"
        assert all(attribute(link, "href").startswith("/static/") for link in page.select("link[rel=stylesheet]"))
        assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_sealed_case_changes_no_byte_of_the_public_pages(
    client: httpx.AsyncClient, owner: Any, sent: str
) -> None:
    paths = (*PAGES, f"/updates/{sent}", "/updates.atom", "/open-data/editions.json")
    before = [(await client.get(path)).content for path in paths]
    await owner.execute(
        "INSERT INTO sealed.cases (id, district_id, opened_week, due_acknowledge, due_resolve, code_hash, day_box,"
        " recipients, recipients_mac)"
        " VALUES (%s, 'pishin', %s, now(), now(), %s, '', '{}', '')",
        (uuid.uuid4(), sent, b"hash"),
    )
    assert [(await client.get(path)).content for path in paths] == before
