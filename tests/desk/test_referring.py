"""Providers as data with a source, and the referral of a sealed case to one: with consent, a step at a time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from bs4 import BeautifulSoup

from cases import calendar, provider_commands, providers
from cases.lifecycle import Refused
from cases.outside import Unusable
from cases.protected import reading, referring
from store.jawab import Jawab
from tests.answers import typed
from tests.bot.phones import Phone, count
from tests.cases.sealed import dump
from tests.desk.conftest import Browser, Enter, Hire, One

Owner = psycopg.AsyncConnection[Any]
TODAY = calendar.day_of(datetime.now(UTC))
BODY = {
    "of": "pishin",
    "kind": "shelter",
    "name_en": "Test shelter",
    "phone": "10 43",
    "source": "written for a test",
    "read_on": "2026-11-01",
}
NEVER = "زرقا-7731 کا نام"


@pytest.fixture
def divided() -> bool:
    return True


async def provider(enter: Enter, one: One, **change: str) -> UUID:
    assert (await (await enter("admin")).post("/desk/providers", {**BODY, **change})).status_code == 303
    row = await one("SELECT id FROM providers ORDER BY added_at DESC LIMIT 1")
    return UUID(str(row["id"]))


async def report(jawab: Jawab, owner: Owner, one: One, reader: Browser, message: str = "yes") -> tuple[Phone, UUID]:
    """A sealed report that the reader has opened."""
    phone = Phone(jawab, owner, "+923990000002")
    await phone.say(*typed(kind="person", message=message))
    case = (await one("SELECT id FROM sealed.cases"))["id"]
    assert (await reader.post(f"/desk/protected/{case}/open", {"reason": "first_look"})).status_code == 200
    return phone, case


def wishes(provider_id: UUID, **change: str) -> dict[str, str]:
    return {
        "provider": str(provider_id),
        "consent_who": "reporter",
        "consent_how": "call",
        "consent_on": TODAY.isoformat(),
        "until": (TODAY + timedelta(days=3)).isoformat(),
        **change,
    }


async def look(reader: Browser, case: UUID) -> BeautifulSoup:
    page = await reader.post(f"/desk/protected/{case}/open", {"reason": "follow_up"})
    assert page.status_code == 200
    return BeautifulSoup(page.text, "html.parser")


async def state(reader: Browser, case: UUID) -> tuple[str, str, list[str]]:
    """The one referral: its id, what stands beside its name, and the steps that are offered."""
    (card,) = (await look(reader, case)).select('section[id^="referral-"]')
    badge = card.select_one(".badge")
    assert badge
    return str(card["id"]).removeprefix("referral-"), badge.text, [str(one["value"]) for one in card.select("button")]


async def test_a_provider_is_named_with_its_source_and_is_referred_to_no_more(enter: Enter, one: One) -> None:
    admin = await enter("admin")
    assert "Nobody is named yet" in (await admin.get("/desk/providers")).text
    named = await provider(enter, one)
    page = (await admin.get("/desk/providers")).text
    for word in ("Test shelter", "1043", "written for a test", "2026-11-01", "Shelter"):
        assert word in page
    assert (await admin.post(f"/desk/providers/{named}/disable")).status_code == 303
    assert "referred to no more" in (await admin.get("/desk/providers")).text
    assert (await admin.post(f"/desk/providers/{named}/disable")).status_code == 422
    assert (await one("SELECT count(*) AS n FROM audit WHERE action LIKE 'provider.%%'"))["n"] == 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"phone": "call us"}, "3 to 15 digits"),
        ({"name_en": ""}, "names"),
        ({"source": ""}, "source"),
        ({"kind": "magic"}, "kind"),
        ({"read_on": (TODAY + timedelta(days=3)).isoformat()}, "lies ahead"),
    ],
)
async def test_what_is_no_provider_is_refused_with_a_reason(enter: Enter, change: dict[str, str], why: str) -> None:
    answer = await (await enter("admin")).post("/desk/providers", {**BODY, **change})
    assert (answer.status_code, why in answer.text) == (422, True)


@pytest.mark.parametrize("role", ["handler", "supervisor", "triage", "editor", "approver"])
async def test_nobody_else_names_or_sees_providers(enter: Enter, role: str) -> None:
    person = await enter(role)
    assert (await person.get("/desk/providers")).status_code == 404
    assert (await person.post("/desk/providers", BODY)).status_code == 404


async def test_the_command_loads_a_list_and_names_what_is_wrong(jawab: Jawab, demo: Any, tmp_path: Path) -> None:
    file = tmp_path / "providers.yaml"
    file.write_text(
        "province: [{kind: legal, names: {en: Test aid}, phone: '1043', source: written here, read_on: 2026-11-01}]"
    )
    assert [await provider_commands.load(jawab.db, file) for _ in range(2)] == [1, 1]
    (row,) = await provider_commands.list_all(jawab.db)
    assert (row["of"], row["kind"], row["disabled"]) == ("province", "legal", False)
    await provider_commands.disable(jawab.db, "province", "legal", "1043")
    with pytest.raises(Refused):
        await provider_commands.disable(jawab.db, "province", "legal", "1043")
    file.write_text(file.read_text().replace("legal", "magic"))

    with pytest.raises(Unusable, match="kind"):
        await provider_commands.load(jawab.db, file)
    file.write_text("")
    assert await provider_commands.load(jawab.db, file) == 0


async def test_with_no_provider_the_page_says_so_and_nothing_can_be_referred(
    jawab: Jawab, owner: Owner, one: One, readers: list[Browser]
) -> None:
    _, case = await report(jawab, owner, one, readers[0])
    page = await look(readers[0], case)
    assert "Nobody is named whom this could be referred to" in page.text
    refused = await readers[0].post(f"/desk/protected/{case}/refer", wishes(UUID(int=1)))
    assert refused.status_code == 422
    assert "not on the list" in refused.text


async def test_a_referral_goes_a_step_at_a_time_and_each_stands_in_the_seal_and_the_audit(
    jawab: Jawab, owner: Owner, enter: Enter, one: One, readers: list[Browser]
) -> None:
    named = await provider(enter, one)
    phone, case = await report(jawab, owner, one, readers[0])
    before = await phone.owed()
    assert (await readers[0].post(f"/desk/protected/{case}/refer", wishes(named, text=NEVER))).status_code == 303
    known, stands, steps = await state(readers[1], case)
    assert (stands, steps) == ("referred", ["accept", "reject", "revoke"])
    for step, becomes, then in (("accept", "taken on", ["revoke", "done"]), ("done", "done", [])):
        form = {"referral": known, "step": step}
        assert (await readers[1].post(f"/desk/protected/{case}/referral", form)).status_code == 303
        assert (await state(readers[0], case))[1:] == (becomes, then)
        assert (await readers[1].post(f"/desk/protected/{case}/referral", form)).status_code == 422
    for act in ("refer", "referral.accept", "referral.done"):
        assert await one("SELECT 1 FROM audit WHERE action = %s AND object = %s", f"protected.{act}", str(case))
    assert await phone.owed() == before, "nobody is told what they were not to be told"
    for table, held in (await dump(owner)).items():
        assert NEVER.encode() not in held, table
        assert table == "public.providers" or str(named).encode() not in held, table
    page = (await look(readers[0], case)).text
    for word in ("Test shelter", "the person", "on a call", NEVER, "Who consented"):
        assert word in page


async def test_consent_may_be_taken_back_after_it_was_taken_on_and_nothing_follows(
    jawab: Jawab, owner: Owner, enter: Enter, one: One, readers: list[Browser]
) -> None:
    named = await provider(enter, one)
    _, case = await report(jawab, owner, one, readers[0])
    await readers[0].post(f"/desk/protected/{case}/refer", wishes(named))
    known, _, _ = await state(readers[0], case)
    for step in ("accept", "revoke"):
        form = {"referral": known, "step": step}
        assert (await readers[0].post(f"/desk/protected/{case}/referral", form)).status_code == 303
    assert (await state(readers[0], case))[1:] == ("consent taken back", [])
    assert "Tell the provider the same day" in (await look(readers[0], case)).text
    done = await readers[0].post(f"/desk/protected/{case}/referral", {"referral": known, "step": "done"})
    assert done.status_code == 422


async def test_a_provider_who_was_disabled_meanwhile_takes_nothing_on(
    jawab: Jawab, owner: Owner, enter: Enter, one: One, readers: list[Browser]
) -> None:
    named = await provider(enter, one)
    _, case = await report(jawab, owner, one, readers[0])
    await readers[0].post(f"/desk/protected/{case}/refer", wishes(named))
    assert (await (await enter("admin")).post(f"/desk/providers/{named}/disable")).status_code == 303
    known, stands, _ = await state(readers[0], case)
    accept = await readers[0].post(f"/desk/protected/{case}/referral", {"referral": known, "step": "accept"})
    assert (accept.status_code, "taken off the list since" in accept.text, stands) == (422, True, "referred")
    reject = await readers[0].post(f"/desk/protected/{case}/referral", {"referral": known, "step": "reject"})
    assert reject.status_code == 303
    again = await readers[0].post(f"/desk/protected/{case}/refer", wishes(named))
    assert again.status_code == 422


@pytest.mark.parametrize(
    "change",
    [
        {"consent_who": ""},
        {"consent_who": "nobody"},
        {"consent_how": ""},
        {"consent_on": ""},
        {"consent_on": "soon"},
        {"consent_on": (TODAY + timedelta(days=1)).isoformat()},
        {"until": ""},
        {"until": (TODAY - timedelta(days=1)).isoformat()},
        {"provider": "x"},
        {"text": "x" * 2001},
    ],
)
async def test_without_consent_and_a_day_nothing_is_referred(
    jawab: Jawab, owner: Owner, enter: Enter, one: One, readers: list[Browser], change: dict[str, str]
) -> None:
    named = await provider(enter, one)
    _, case = await report(jawab, owner, one, readers[0])
    before = await count(owner, "sealed.items")
    refused = await readers[0].post(f"/desk/protected/{case}/refer", wishes(named, **change))
    assert refused.status_code == 422
    assert await count(owner, "sealed.items") == before


async def test_the_day_of_a_referral_alarms_when_it_has_passed(
    jawab: Jawab, owner: Owner, enter: Enter, one: One, readers: list[Browser]
) -> None:
    named = await provider(enter, one)
    _, case = await report(jawab, owner, one, readers[0])
    await readers[0].post(f"/desk/protected/{case}/refer", wishes(named))
    for day, late in ((3, 0), (4, 1)):
        async with jawab.db.transaction("custody") as tx:
            await reading.sweep(tx, TODAY + timedelta(days=day))
        assert await count(owner, "alarms", "kind = 'protected_follow_up'") == late


async def test_a_word_to_the_reporter_is_the_neutral_message_and_stands_at_the_number(
    jawab: Jawab, owner: Owner, enter: Enter, one: One, readers: list[Browser]
) -> None:
    named = await provider(enter, one)
    phone, case = await report(jawab, owner, one, readers[0])
    word = "پناہ گاہ سے بات ہو گئی"
    assert (await readers[0].post(f"/desk/protected/{case}/refer", wishes(named, word=word))).status_code == 303
    said = (await phone.owed())[-1]
    assert "shelter" not in json.dumps(said).lower()
    assert word not in json.dumps(said, ensure_ascii=False)
    read = (await phone.say(f"STATUS {await phone.code()}"))[-1]
    assert word in json.dumps(read, ensure_ascii=False)


async def test_whoever_is_no_reader_or_has_not_opened_it_refers_nothing(
    jawab: Jawab, owner: Owner, enter: Enter, hire: Hire, one: One, readers: list[Browser]
) -> None:
    named = await provider(enter, one)
    _, case = await report(jawab, owner, one, readers[0])
    unread = await readers[1].post(f"/desk/protected/{case}/refer", wishes(named))
    assert unread.status_code == 422
    staff_id, private = await hire("protected", None)
    other = await enter("protected", staff_id, private)
    assert (await other.post(f"/desk/protected/{case}/refer", wishes(named))).status_code == 404
    for role in ("handler", "admin"):
        assert (await (await enter(role)).post(f"/desk/protected/{case}/refer", wishes(named))).status_code == 404


async def test_the_desk_reads_no_referral_and_custody_changes_no_provider(jawab: Jawab, demo: Any) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with jawab.db.transaction("custody") as tx:
            await tx.execute("UPDATE providers SET disabled_at = now()")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with jawab.db.transaction("intake") as tx:
            await tx.execute("SELECT * FROM providers")


def test_where_a_referral_stands_is_reckoned_from_its_items() -> None:
    begun: dict[str, Any] = {
        "referral": "a",
        "step": "refer",
        "provider": "p",
        "provider_names": {"en": "X"},
        "provider_kind": "legal",
    }
    items: list[tuple[str, dict[str, Any]]] = [
        ("story", {}),
        (referring.KIND, begun),
        (referring.KIND, {"referral": "b", "step": "done"}),
    ]
    assert [one.state for one in referring.of(items)] == ["referred"]
    assert [one.state for one in referring.of([*items, (referring.KIND, {**begun, "step": "reject"})])] == ["rejected"]
    assert set(providers.KINDS) == {"legal", "medical", "shelter", "psychosocial", "police", "gender"}
