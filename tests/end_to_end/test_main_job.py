"""The main job on real parts: a citizen writes, a handler answers, the week's update reaches who asked for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

import httpx
import pytest
from bs4 import BeautifulSoup

from cases import calendar
from locales import LANGS
from tests.answers import answer, typed
from tests.pages import PlainBrowser, attribute
from tests.town import CODE, STORIES, Town, wait_for


def report(town: Town, phone: str, lang: str, *, kind: str = "whatsapp") -> tuple[str, list[str]]:
    """Talk a whole report through; the code and everything the bot said."""
    turns = typed(lang=lang, story=STORIES[lang])
    said = [town.say(phone, text, kind=kind) for text in turns]
    found = CODE.search("\n".join(said))
    assert found, said
    return found.group().replace(" ", ""), said


KINDS = ("whatsapp", "sms")
Told = Future[tuple[str, list[str]]]


def phone_of(lang: str, kind: str) -> str:
    return f"+92399{LANGS.index(lang) + 1 + 10 * KINDS.index(kind):07d}"


@pytest.fixture(scope="module")
def reports(town: Town) -> Iterator[dict[tuple[str, str], Told]]:
    """Everybody writes at the same time: a reply is held for seconds, in which more may come, and each held in turn
    would be minutes."""
    with ThreadPoolExecutor(len(KINDS) * len(LANGS)) as pool:
        yield {
            (lang, kind): pool.submit(report, town, phone_of(lang, kind), lang, kind=kind)
            for kind in KINDS
            for lang in LANGS
        }


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_report_in_each_language_ends_with_a_code(
    town: Town, reports: dict[tuple[str, str], Told], lang: str, kind: str
) -> None:
    phone = phone_of(lang, kind)
    code, said = reports[lang, kind].result()
    assert len(town.messages_to(phone)) == len(said), "one message per reply"
    row = next(row for row in town.command("case", "list", "--json") if row["code"] == code)
    assert set(row) == {
        "code", "district", "category", "place", "status", "language", "channel", "protected", "due_acknowledge",
        "due_resolve",
    }  # fmt: skip
    assert (row["language"], row["channel"], row["category"], row["protected"]) == (lang, kind, "water", False)
    assert row["status"] == "received"
    acknowledge = datetime.fromisoformat(row["due_acknowledge"])
    assert acknowledge.tzinfo is not None
    hours = (acknowledge - datetime.now(UTC)).total_seconds() / 3600
    assert 71.9 < hours <= 72


def _has_heard(town: Town, phone: str, messages: int) -> bool:
    return len(town.messages_to(phone)) >= messages


def test_every_webhook_three_times_at_once_has_the_effect_of_once(town: Town) -> None:
    phone = "+923990000300"
    before = len(town.command("case", "list", "--json"))
    turns = typed(category="health")
    with ThreadPoolExecutor(3) as pool:
        for turn, text in enumerate(turns, start=1):
            sid = f"SM{turn:032x}"
            answers = [pool.submit(town.post, phone, text, MessageSid=sid) for _ in range(3)]
            assert [answer.result().status_code for answer in answers] == [200, 200, 200]
            wait_for(partial(_has_heard, town, phone, turn))
    assert len(town.messages_to(phone)) == len(turns)
    assert len(town.command("case", "list", "--json")) == before + 1


def test_one_text_is_enough_and_its_first_reply_is_one_sms_with_the_code(town: Town) -> None:
    phone = "+923990000400"
    first = town.say(phone, STORIES["ur"], kind="sms")
    assert CODE.search(first)
    assert len(first.encode("utf-16-le")) // 2 <= 70
    code = CODE.search(first).group().replace(" ", "")  # type: ignore[union-attr]
    assert all(row["code"] != code for row in town.command("case", "list", "--json")), "nobody in the district sees it"
    for text in typed(first=STORIES["ur"])[1:]:
        town.say(phone, text, kind="sms")
    row = wait_for(lambda: [row for row in town.command("case", "list", "--json") if row["code"] == code])
    assert row[0]["category"] == "water", "heard in the story"


def test_a_bad_signature_is_refused(town: Town) -> None:
    fields = town.provider.message("+923990000500", "+92810000001", "x")
    body, headers = town.provider.signed(f"{town.url}/in/twilio", fields)
    headers["X-Twilio-Signature"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
    assert httpx.post(f"{town.url}/in/twilio", content=body, headers=headers).status_code == 403
    assert town.messages_to("+923990000500") == []


@pytest.mark.parametrize(
    "text", ["\x00", "\ud83d", "x" * 10_000, "👍" * 500, "", " \n\t ", "\u202e\u2066؟", "0" * 400], ids=range(8)
)
def test_nonsense_is_answered_and_never_a_5xx(town: Town, text: str) -> None:
    phone = f"+92399{500100 + abs(hash(text)) % 1000:07d}"
    town.say(phone, text.encode("utf-8", "replace").decode())


# ── the desk ─────────────────────────────────────────────────────────────────────────────────────────────────────────
class Desk(PlainBrowser):
    """A person of the demo at the desk."""

    def __init__(self, town: Town, role: str) -> None:
        super().__init__(town.url)
        user, password = town.login(role)
        self.submit(self.get("/desk/login"), "/desk/login", login=user, password=password)


def test_a_handler_answers_and_the_week_goes_out(town: Town) -> None:
    with Desk(town, "handler") as desk, Desk(town, "editor") as editor, Desk(town, "approver") as approver:
        _answer_and_publish(town, desk, editor, approver)


def _answer_and_publish(town: Town, desk: Desk, editor: Desk, approver: Desk) -> None:
    phone = "+923990000600"
    with ThreadPoolExecutor(6) as pool:  # a theme of fewer than five is not published
        reported = pool.submit(report, town, phone, "ps")
        others = [pool.submit(report, town, f"+92399{600_001 + number:07d}", "ur") for number in range(5)]
        assert all(other.result() for other in others)
        code, _ = reported.result()
    town.say(phone, "MENU")
    offered = town.say(phone, answer("menu", "weekly"))
    assert offered
    town.say(phone, answer("offered", "yes"))

    queue = desk.get("/desk")
    link = next((a for a in queue.find_all("a", href=True) if code in re.sub(r"\D", "", a.get_text())), None)
    assert link, "the case is in the queue"
    its_page = attribute(link, "href")
    case = desk.get(its_page)
    assert STORIES["ps"] in case.get_text()
    assert phone not in case.get_text()
    heard = len(town.messages_to(phone))
    case = desk.submit(case, "/acknowledge")
    wait_for(lambda: len(town.messages_to(phone)) == heard + 1)
    case = desk.submit(case, "/answer", text="د اوبو ټانکر به سبا راشي")
    wait_for(lambda: len(town.messages_to(phone)) == heard + 2)
    assert "د اوبو ټانکر به سبا راشي" in town.messages_to(phone)[-1]
    desk.submit(case, "/resolve", outcome="repaired", date=calendar.day_of(datetime.now(UTC)).isoformat())
    wait_for(lambda: len(town.messages_to(phone)) == heard + 3)
    row = next(row for row in town.command("case", "list", "--json") if row["code"] == code)
    assert row["status"] == "resolved"
    town.heard[phone] = heard + 3

    # The week: drafted by one, approved by another, sent to those who asked for it, in their language.
    week = f"{datetime.now(UTC).astimezone(ZoneInfo('Asia/Karachi')):%G-W%V}"
    draft = editor.submit(editor.get("/desk/editions"), "/desk/editions", week=week)
    address = editor.last.rpartition("/")[0]  # without the step at which an editor begins
    assert all(not attribute(form, "action").endswith("/approve") for form in draft.find_all("form")), (
        "not by who drafted it"
    )
    approver.submit(approver.get(address), "/approve")
    wait_for(lambda: len(town.messages_to(phone)) == heard + 4)
    edition = town.messages_to(phone)[-1]
    assert "STOP" in edition
    assert code not in re.sub(r"\D", "", edition)
    public = httpx.get(f"{town.url}/updates/{week}?lang=ps")
    assert public.status_code == 200
    said = BeautifulSoup(public.text, "html.parser").get_text()
    assert any(line and line in said for line in edition.splitlines()[1:])

    # STOP ends the updates and nothing else.
    town.say(phone, "STOP")
    desk.submit(desk.get(its_page), "/note", text="seen")
    assert town.say(phone, f"STATUS {code}")
