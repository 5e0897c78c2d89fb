"""The life of a template at the provider: made, handed in, decided, paused, changed, gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot import templates
from bot.contents import Away, Contents, Unwilling
from locales import catalogs
from locales import templates as texts
from store.jawab import Jawab
from store.templates import list_ready
from tests.bot.conftest import Rows
from tests.providers.twilio import FakeTwilio

NOW = datetime.now(UTC)
EVERY = len(texts.TEMPLATES) * len(texts.CODES)


@pytest.fixture
async def number(rows: Rows) -> None:
    await rows.channel()


async def approved(jawab: Jawab, twilio: FakeTwilio) -> int:
    async with jawab.db.autocommit("intake") as conn:
        return len(await list_ready(conn, twilio.account))


async def states(jawab: Jawab) -> set[str]:
    return {row["state"] for row in await templates.status(jawab)}


@pytest.mark.usefixtures("number")
async def test_what_is_missing_is_made_and_handed_in_once(jawab: Jawab, twilio: FakeTwilio) -> None:
    assert await states(jawab) == {"missing"}
    assert await templates.sync(jawab) == {"made": EVERY, "looked up": EVERY}
    assert await states(jawab) == {"received"}
    assert len(twilio.contents) == EVERY
    assert await templates.sync(jawab) == {"looked up": EVERY}
    assert len(twilio.contents) == EVERY
    names = [one.approval["name"] for one in twilio.contents.values()]
    assert len(set(names)) == EVERY
    assert {one.approval["category"] for one in twilio.contents.values()} == {"UTILITY", "MARKETING"}
    assert await approved(jawab, twilio) == 0


@pytest.mark.usefixtures("number")
async def test_only_what_is_approved_may_be_sent_at_every_stage_of_its_life(jawab: Jawab, twilio: FakeTwilio) -> None:
    await templates.sync(jawab)
    for state, ready in (("received", 0), ("pending", 0), ("approved", EVERY), ("paused", 0), ("approved", EVERY)):
        twilio.decide(state)
        await templates.refresh(jawab, NOW + timedelta(days=2))
        assert await approved(jawab, twilio) == ready
    twilio.decide("rejected", "TAG_CONTENT_MISMATCH")
    await templates.refresh(jawab, NOW + timedelta(days=2))
    assert await approved(jawab, twilio) == 0
    assert {row["reason"] for row in await templates.status(jawab)} == {"TAG_CONTENT_MISMATCH"}
    twilio.decide("in_a_mood")  # a word that nobody here knows is no approval
    await templates.refresh(jawab, NOW + timedelta(days=2))
    assert await states(jawab) == {"pending"}


@pytest.mark.usefixtures("number")
async def test_what_is_settled_is_asked_after_once_a_day(jawab: Jawab, twilio: FakeTwilio) -> None:
    await templates.sync(jawab)
    assert await templates.refresh(jawab, NOW) == EVERY
    twilio.decide("approved")
    await templates.refresh(jawab, NOW)
    assert await templates.refresh(jawab, NOW) == 0
    assert await templates.refresh(jawab, NOW + timedelta(days=2)) == EVERY
    twilio.contents.clear()
    await templates.refresh(jawab, NOW + timedelta(days=2))
    assert await states(jawab) == {"disabled"}


@pytest.mark.usefixtures("number")
async def test_a_language_that_the_provider_does_not_know_is_shown_with_why(jawab: Jawab, twilio: FakeTwilio) -> None:
    twilio.languages = frozenset({"ur", "en"})
    made = await templates.sync(jawab)
    assert (made["made"], made["refused"]) == (EVERY - len(texts.TEMPLATES), len(texts.TEMPLATES))
    lines = {line["language"][:3].strip(): line for line in templates.summarise(await templates.status(jawab))}
    assert "language is not supported" in lines["ps"]["why"]
    assert lines["ur"]["why"] == ""
    twilio.languages = frozenset({"ur", "en", "ps_AF"})
    assert (await templates.sync(jawab))["made"] == len(texts.TEMPLATES)  # it is known by now


@pytest.mark.usefixtures("number")
async def test_balochi_and_brahui_stand_under_urdus_code_and_it_is_said(jawab: Jawab, twilio: FakeTwilio) -> None:
    await templates.sync(jawab)
    twilio.decide("approved")
    await templates.refresh(jawab, NOW)
    lines = {line["language"].split()[0]: line for line in templates.summarise(await templates.status(jawab))}
    assert {lang for lang, line in lines.items() if "borrowed" in line["code"]} == {"bal", "brh"}
    assert {line["approved"] for line in lines.values()} == {"6 of 6"}
    bodies = {one.body for one in twilio.contents.values() if one.made["language"] == "ur"}
    assert {texts.write_body("news", lang) for lang, code in texts.CODES.items() if code == "ur"} <= bodies


@pytest.mark.usefixtures("number")
async def test_a_changed_text_is_handed_in_anew_and_the_old_one_taken_away(
    jawab: Jawab, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    await templates.sync(jawab)
    twilio.decide("approved")
    await templates.refresh(jawab, NOW)
    monkeypatch.setattr(
        texts,
        "find",
        lambda key, lang: catalogs.find(key, lang) + (" !" if (key, lang) == ("template.news", "ur") else ""),
    )
    assert {row["state"] for row in await templates.status(jawab)} == {"approved", "changed"}
    assert (await templates.sync(jawab))["made"] == 1
    assert len(twilio.gone) == 1
    assert len(twilio.contents) == EVERY
    assert await approved(jawab, twilio) == EVERY - 1


@pytest.mark.usefixtures("number")
async def test_a_provider_that_is_away_is_one_line_and_what_was_made_is_kept(jawab: Jawab, twilio: FakeTwilio) -> None:
    twilio.away = True
    with pytest.raises(templates.Refused, match="no time"):
        await templates.sync(jawab)
    twilio.away = False
    await templates.sync(jawab)
    twilio.stop()
    with pytest.raises(templates.Refused, match="does not answer"):
        await templates.refresh(jawab, NOW + timedelta(days=2))
    twilio.start()
    assert await states(jawab) == {"received"}


@pytest.mark.usefixtures("number")
async def test_what_was_made_and_not_handed_in_is_handed_in(jawab: Jawab, twilio: FakeTwilio, rows: Rows) -> None:
    await templates.sync(jawab)
    await rows.owner.execute("UPDATE templates SET state = 'made' WHERE name = 'news'")
    assert (await templates.sync(jawab))["made"] == len(texts.CODES)
    assert len(twilio.contents) == EVERY


async def test_without_a_whatsapp_number_it_is_one_line(jawab: Jawab, rows: Rows) -> None:
    with pytest.raises(templates.Refused, match="no WhatsApp number here"):
        await templates.sync(jawab)
    await rows.channel("sms")
    with pytest.raises(templates.Refused, match="no WhatsApp number here"):
        await templates.status(jawab)
    assert await templates.find_wrong(jawab) == []
    assert await templates.refresh(jawab, NOW) == 0


@pytest.mark.usefixtures("number")
async def test_the_doctor_says_that_nobody_is_reached_after_a_day(jawab: Jawab, twilio: FakeTwilio) -> None:
    assert (await templates.find_wrong(jawab))[0]["kind"] == "whatsapp_templates"
    await templates.sync(jawab)
    twilio.decide("approved")
    await templates.refresh(jawab, NOW)
    assert await templates.find_wrong(jawab) == []


async def test_whoever_is_not_known_there_is_refused(twilio: FakeTwilio) -> None:
    stranger = Contents(twilio.account, "not-the-token", twilio.url)
    with pytest.raises(Unwilling, match="20003"):
        await stranger.submit("HX" + "0" * 32, name="x", category="UTILITY")
    with pytest.raises(Away):
        await Contents(twilio.account, twilio.token, "http://127.0.0.1:1").fetch("HX" + "0" * 32)
