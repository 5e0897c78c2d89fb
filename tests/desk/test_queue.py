"""The queue: what is due next comes first, filters, pages, search by code, and nothing of other districts."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from bs4 import BeautifulSoup

from desk import queue
from flows import codes
from locales.values import group
from tests.conftest import Owner
from tests.desk.conftest import Enter, Hire, One, Open, Write
from tests.pages import attribute, pick

NOW = datetime.now(UTC)


def shown(soup: BeautifulSoup) -> list[str]:
    return [attribute(link, "href").rsplit("/", 1)[1] for link in soup.select("#list td.lead a")]


async def test_an_empty_queue_says_so(enter: Enter) -> None:
    soup = await (await enter("handler")).soup("/desk/queue")
    assert "Nothing is waiting" in pick(soup, ".empty").text


async def test_what_is_due_next_comes_first_and_lateness_is_said_in_words(enter: Enter, opened: Open) -> None:
    fresh = await opened(at=NOW)
    late = await opened(at=NOW - timedelta(days=6))
    soon = await opened(at=NOW - timedelta(days=2))
    soup = await (await enter("handler")).soup("/desk/queue")
    assert shown(soup) == [str(late), str(soon), str(fresh)]
    rows = [row.get_text(" ", strip=True) for row in soup.select("#list tbody tr")]
    assert "3 days late" in rows[0]
    assert "hours left" in rows[1]
    assert "2 days left" in rows[2]


async def test_filters_narrow_the_queue(enter: Enter, opened: Open, owner: Owner) -> None:
    handler = await enter("handler")
    water = await opened(at=NOW - timedelta(days=5))
    roads = await opened(category="infrastructure", draft=True)
    await owner.execute("UPDATE cases SET assigned_to = %s WHERE id = %s", (handler.staff_id, roads))
    await owner.execute("UPDATE cases SET office_id = NULL WHERE id = %s", (roads,))
    nothing: set[UUID] = set()
    for query, wanted in (
        ("category=water", {water}),
        ("status=received", {water, roads}),
        ("status=acknowledged", nothing),
        ("mine=1", {roads}),
        ("overdue=1", {water}),
        ("drafts=1", {roads}),
        ("office=none", {roads}),
        ("status=done", nothing),
        ("category=nonsense&office=nonsense&place=%00&after=nonsense", {water, roads}),
    ):
        soup = await handler.soup(f"/desk/queue?{query}")
        assert set(shown(soup)) == {str(case) for case in wanted}, query
    counts = [tab.text.split()[-1] for tab in (await handler.soup("/desk/queue")).select(".tabs a")][:6]
    assert counts == ["0", "2", "1", "1", "1", "1"]
    await owner.execute("UPDATE cases SET status = 'disputed' WHERE id = %s", (roads,))
    assert shown(await handler.soup("/desk/queue")) == [str(roads), str(water)], "first, though it is due later"
    assert shown(await handler.soup("/desk/queue?status=gainsaid")) == [str(roads)]


async def test_an_office_that_came_a_moment_ago_is_called_by_its_name(enter: Enter, opened: Open, owner: Owner) -> None:
    """Names are kept for half a minute, and read again where one is met that is not known."""
    handler, case = await enter("handler"), await opened()
    assert "Tube Wells" not in (await handler.soup("/desk/queue")).text
    row = await (
        await owner.execute(
            "INSERT INTO offices (id, district_id, department, names, post) SELECT gen_random_uuid(), district_id,"
            " 'tube_wells', jsonb_build_object('en', 'Tube Wells'), post FROM offices WHERE district_id = 'pishin'"
            " LIMIT 1 RETURNING id"
        )
    ).fetchone()
    assert row is not None
    await owner.execute("UPDATE cases SET office_id = %s WHERE id = %s", (row[0], case))
    assert "Tube Wells" in pick(await handler.soup("/desk/queue"), "#list tbody").text


async def test_what_one_picked_is_picked_on_their_page_alone(enter: Enter, owner: Owner) -> None:
    """The names to pick from are written once for all; which is chosen, and in which language, is each reader's own."""
    handler = await enter("handler")
    await owner.execute(
        "UPDATE places SET names = names || jsonb_build_object('en', '<i>Bostan') WHERE id = 'pishin.bostan'"
    )
    for query, of, chosen in (
        ("place=pishin.bostan", "place", ["pishin.bostan"]),
        ("", "place", [""]),
        ('place=pishin.bostan"', "place", [""]),
        ("office=none", "office", ["none"]),
    ):
        soup = await handler.soup(f"/desk/queue?{query}")
        picked = [attribute(one, "value") for one in soup.select(f"#{of} option[selected]")]
        assert picked == [one for one in chosen if one], query
        assert pick(soup, '#place option[value="pishin.bostan"]').text == "<i>Bostan", "escaped"
        assert len(soup.select("#place option")) == len({one["value"] for one in soup.select("#place option")})
    urdu = pick(await handler.soup("/desk/queue?lang=ur"), '#place option[value="pishin.bostan"]').text
    assert urdu
    assert urdu != "<i>Bostan"
    office = attribute((await handler.soup("/desk/queue")).select("#office option")[-1], "value")
    soup = await handler.soup(f"/desk/queue?office={office}")
    assert attribute(pick(soup, "#office option[selected]"), "value") == office


async def test_pages_follow_each_other_without_gap_or_repeat(enter: Enter, opened: Open, write: Write) -> None:
    contact = await write()
    ids = {str(await opened(contact_id=contact, at=NOW - timedelta(minutes=number // 3))) for number in range(120)}
    handler = await enter("handler")
    seen: list[str] = []
    path = "/desk/queue"
    for _ in range(3):
        soup = await handler.soup(path)
        seen += shown(soup)
        more = soup.select_one(".pager a.button")
        path = attribute(more, "href") if more else ""
    assert path == ""
    assert len(seen) == len(set(seen)) == 120
    assert set(seen) == ids


async def test_a_code_is_found_in_any_numerals(enter: Enter, opened: Open, one: One) -> None:
    handler, case = await enter("handler"), await opened()
    code = (await one("SELECT code FROM cases WHERE id = %s", case))["code"]
    urdu = group(code).translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    for typed in (code, group(code), urdu, f"  {code[:6]}-{code[6:]} "):
        answer = await handler.post("/desk/find", {"code": typed})
        assert answer.headers.get("location") == f"/desk/cases/{case}", typed


async def test_a_code_that_is_not_here_gets_one_answer_whatever_it_is(
    enter: Enter, opened: Open, elsewhere: str
) -> None:
    handler = await enter("handler")
    foreign = codes.complete("999999999999")
    await opened(district_id=elsewhere, code=foreign)
    answers = [await handler.post("/desk/find", {"code": code}) for code in (foreign, codes.complete("888888888888"))]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].text.replace(foreign, "X") == answers[1].text.replace(codes.complete("888888888888"), "X")
    assert "13 digits" in (await handler.post("/desk/find", {"code": "12"})).text


async def test_another_district_does_not_exist(enter: Enter, opened: Open, elsewhere: str, hire: Hire) -> None:
    theirs = await opened(district_id=elsewhere)
    ours = await opened()
    handler = await enter("handler")
    assert shown(await handler.soup("/desk/queue")) == [str(ours)]
    none = await handler.get(f"/desk/cases/{uuid.uuid4()}")
    foreign = await handler.get(f"/desk/cases/{theirs}")
    assert foreign.status_code == none.status_code == 404
    assert foreign.text.replace(str(theirs), "X") == none.text.replace(str(none.url).rsplit("/", 1)[1], "X")
    for move in (
        "acknowledge",
        "start",
        "note",
        "answer",
        "close",
        "amend",
        "assign",
        "refer",
        "resolve",
        "commit",
        "step",
        "drop",
        "wish",
        "go_on",
        "withdraw",
    ):
        answer = await handler.post(f"/desk/cases/{theirs}/{move}", {"text": "x"})
        assert answer.status_code == 404, move
    supervisor = await enter("supervisor")
    assert (await supervisor.post(f"/desk/cases/{theirs}/contact", {"reason": "urgent"})).status_code == 404
    province, _ = await hire("supervisor", None)
    assert set(shown(await (await enter("supervisor", province)).soup("/desk/queue"))) == {str(ours), str(theirs)}


async def test_a_tab_counts_no_further_than_its_limit_and_says_so(
    enter: Enter, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many or more: what is counted costs the same in the largest district as in the smallest."""
    monkeypatch.setattr(queue, "COUNTED", 3)
    for _ in range(4):
        await opened(at=NOW - timedelta(days=6))
    tabs = (await (await enter("handler")).soup("/desk/queue")).select(".tabs a")
    assert [tab.text.split()[-1] for tab in tabs][:4] == ["0", "2+", "2+", "0"]


async def test_what_is_done_is_never_late(enter: Enter, opened: Open, owner: Owner) -> None:
    done = await opened(at=NOW - timedelta(days=6))
    await owner.execute("UPDATE cases SET status = 'closed' WHERE id = %s", (done,))
    handler = await enter("handler")
    assert shown(await handler.soup("/desk/queue?status=done")) == [str(done)]
    assert shown(await handler.soup("/desk/queue?status=done&overdue=1")) == []


async def test_people_who_say_that_it_is_not_done_are_paged_among_themselves(
    enter: Enter, opened: Open, owner: Owner
) -> None:
    ids = {str(await opened(at=NOW - timedelta(minutes=number))) for number in range(60)}
    await owner.execute("UPDATE cases SET status = CASE WHEN random() < 0.5 THEN 'disputed' ELSE 'appealed' END")
    handler = await enter("handler")
    first = await handler.soup("/desk/queue?status=gainsaid")
    second = await handler.soup(attribute(pick(first, ".pager a.button"), "href"))
    assert len(shown(first)) == 50
    assert {*shown(first), *shown(second)} == ids
    assert len(shown(second)) == 10
