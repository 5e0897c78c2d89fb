"""The citizen's transaction: one message, one turn, all or nothing."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from bot import intake
from bot.intake import district, effects, standing, turn
from cases import acts, register
from flows.model import Media
from flows.play import PLACES
from settings import Settings
from store import moves, sessions
from store.jawab import Jawab
from tests.answers import STORY, after, answer, typed
from tests.bot.phones import CANARY, KARACHI, Owner, Phone, count


# ── once ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_the_same_message_in_parallel_is_taken_once(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    message = phone.inbound("سلام")
    outcomes = await asyncio.gather(*(intake.take(jawab, message) for _ in range(8)))
    assert sorted(outcomes) == ["repeat"] * 7 + ["taken"]
    assert (await count(owner, "inbox"), await count(owner, "outbox"), await count(owner, "contacts")) == (1, 1, 1)


async def test_messages_of_one_phone_in_parallel_are_all_taken_over_the_state_that_was_read(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    await phone.say("سلام", "1")
    messages = [phone.inbound("1") for _ in range(5)]
    assert await asyncio.gather(*(intake.take(jawab, message) for message in messages)) == ["taken"] * 5
    row = await (await owner.execute("SELECT version FROM sessions")).fetchone()
    assert row == (7,)
    assert len(await phone.owed()) == 7
    patient = Phone(jawab, owner, "+923990000002")
    await patient.say("سلام", "1", *["1"] * 5)
    assert (await phone.session()).node == (await patient.session()).node, "each answered what the one before it asked"


async def test_a_turn_over_a_state_that_moved_meanwhile_does_nothing_and_is_taken_again(
    jawab: Jawab, owner: Owner, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phone.say(*typed("story"))
    read = standing.read

    async def overtaken(*given: Any) -> standing.Standing | None:
        before = await read(*given)
        monkeypatch.setattr(standing, "read", read)
        assert await turn.take_alone(jawab, phone.inbound(STORY)) == "taken", "by another process"
        return before

    monkeypatch.setattr(standing, "read", overtaken)
    assert await intake.take(jawab, phone.inbound(STORY)) == "taken"
    assert await count(owner, "cases") == 1
    assert await count(owner, "inbox", "state = 'undone'") == 0


async def test_a_whole_report_becomes_one_case_with_two_clocks(owner: Owner, phone: Phone) -> None:
    await phone.say(*typed())
    code = await phone.code()
    row = await (
        await owner.execute("SELECT code, category, district_id, status, may_message, draft, channel, lang FROM cases")
    ).fetchall()
    assert row == [(code, "water", "pishin", "received", True, False, "sms", "ur")]
    assert await count(owner, "clocks") == 2
    assert await count(owner, "case_items", "kind = 'story'") == 1
    assert await count(owner, "sorting") == 0


async def test_a_turn_soon_after_another_leaves_the_contact_alone_unless_there_is_something_to_say_there(
    owner: Owner, phone: Phone
) -> None:
    async def contact() -> Any:
        return await (await owner.execute("SELECT last_inbound_at, stopped_at, lang FROM contacts")).fetchone()

    await phone.say("سلام", "1")
    before = await contact()
    await phone.say("1")
    assert await contact() == before
    await owner.execute("UPDATE contacts SET stopped_at = now()")
    await phone.say("1")
    lifted = await contact()
    assert lifted[0] > before[0]
    assert lifted[1:] == before[1:]
    await owner.execute("UPDATE contacts SET invalid_at = now()")
    await phone.say("1")
    assert (again := await contact())[0] > lifted[0]
    await owner.execute("UPDATE contacts SET last_inbound_at = now() - interval '6 minutes'")
    await phone.say("1")
    assert (await contact())[0] > again[0]


async def test_a_message_that_was_kept_since_the_session_was_read_is_a_repeat_and_moves_nothing(
    jawab: Jawab, owner: Owner, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phone.say("سلام")
    message, move = phone.inbound("1"), moves.move

    async def late(tx: Any, what: moves.Move, kind: moves.Kind) -> str:
        await owner.execute(
            "INSERT INTO inbox (id, provider, provider_id, state) VALUES (gen_random_uuid(), %s, %s, 'undone')",
            (what.provider, what.provider_id),
        )
        return await move(tx, what, kind)

    monkeypatch.setattr(moves, "move", late)
    assert await intake.take(jawab, message) == "repeat"
    assert await (await owner.execute("SELECT version FROM sessions")).fetchone() == (1,)
    assert (await count(owner, "inbox"), await count(owner, "outbox")) == (2, 1)


# ── nothing is lost ──────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Break opening a case; calling what is returned mends it."""

    async def fail(*_: Any) -> None:
        raise ValueError(CANARY)

    whole = effects._open_case
    monkeypatch.setattr(effects, "_open_case", fail)
    return lambda: monkeypatch.setattr(effects, "_open_case", whole)


async def test_a_failed_turn_keeps_the_message_alone_and_the_sweep_takes_it_again(
    jawab: Jawab, owner: Owner, phone: Phone, broken: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    await phone.say(*typed("story"))
    message = phone.inbound(STORY)
    assert await intake.take(jawab, message) == "undone"
    assert await intake.take(jawab, message) == "repeat", "the provider's second try changes nothing"
    assert (await phone.owed())[-1]["says"] == [["intake.kept", {}]]
    assert await count(owner, "cases") == 0
    assert await count(owner, "inbox", "state = 'undone' AND body IS NOT NULL") == 1
    assert await count(owner, "alarms", "kind = 'undone'") == 1
    assert CANARY not in "".join(capsys.readouterr()), "an error's own sentence is never logged"

    await owner.execute("UPDATE inbox SET received_at = now() - interval '1 hour' WHERE state = 'undone'")
    assert await intake.retry_undone(jawab) == 0
    broken()
    await owner.execute("UPDATE inbox SET received_at = now() - interval '1 hour' WHERE state = 'undone'")
    assert await intake.retry_undone(jawab) == 1
    assert await count(owner, "cases") == 1
    assert await count(owner, "inbox", "state = 'undone'") == 0


async def test_a_message_that_fails_five_times_is_dead_and_a_person_is_told(
    jawab: Jawab, owner: Owner, phone: Phone, broken: Callable[[], None]
) -> None:
    await phone.say(*typed("story"))
    assert await intake.take(jawab, phone.inbound(STORY)) == "undone"
    for _ in range(5):
        await owner.execute("UPDATE inbox SET received_at = now() - interval '1 day' WHERE state = 'undone'")
        await intake.retry_undone(jawab)
    assert await count(owner, "inbox", "state = 'dead' AND body IS NOT NULL") == 1
    assert await count(owner, "alarms", "kind = 'dead_message'") == 1


async def test_a_number_of_ours_that_writes_to_another_is_not_answered(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    await phone.say("سلام")
    assert await intake.take(jawab, phone.inbound("سلام", address="+92810000001", to="+92810000002")) == "taken"
    assert await count(owner, "outbox") == 1


async def test_an_unknown_number_is_stored_not_answered_and_sounds_an_alarm(
    jawab: Jawab, owner: Owner, phone: Phone, settings: Settings
) -> None:
    live = Jawab(settings.model_copy(update={"mode": "live"}), jawab.db, jawab.keys, jawab.bell)
    assert await intake.take(live, phone.inbound("سلام", to="+92819999999")) == "unrouted"
    assert await count(owner, "inbox", "state = 'unrouted' AND contact_id IS NULL") == 1
    assert await count(owner, "outbox") == 0
    assert await count(owner, "alarms", "kind = 'unknown_number'") == 1


async def test_outside_demo_mode_a_number_of_the_demo_is_nobodys(
    jawab: Jawab, owner: Owner, phone: Phone, settings: Settings
) -> None:
    await phone.say("سلام")
    live = Jawab(settings.model_copy(update={"mode": "live"}), jawab.db, jawab.keys, jawab.bell)
    assert await intake.take(live, phone.inbound("1")) == "unrouted"
    assert await count(owner, "outbox") == 1
    assert await count(owner, "alarms", "kind = 'unknown_number'") == 1


async def test_in_demo_mode_any_number_of_ours_belongs_to_the_demo_district(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    assert await intake.take(jawab, phone.inbound("سلام", to="+92819999999")) == "taken"
    row = await (await owner.execute("SELECT district_id FROM channels WHERE address = '+92819999999'")).fetchone()
    assert row == ("pishin",)


async def test_a_robot_is_kept_and_never_answered(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    assert await intake.take(jawab, phone.inbound("Your balance is low", address="8300", system=True)) == "taken"
    assert (await count(owner, "inbox"), await count(owner, "outbox")) == (1, 0)


async def test_a_session_of_another_version_of_the_flows_goes_on_politely(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    await phone.say(*typed(past="story"))
    contact, state = await (await owner.execute("SELECT contact_id, state FROM sessions")).fetchone()  # type: ignore[misc]
    bound_to = sessions.bound_to(contact)
    kept = jawab.keys.get_json(state, bound_to)
    kept.update(node="a-question-that-is-gone", flows="older", unheard_of=1)
    await owner.execute("UPDATE sessions SET state = %s", (jawab.keys.put_json(kept, bound_to),))
    said = await phone.say("1")
    assert "restart.sorry" in [key for key, _ in said[-1]["says"]]
    assert await count(owner, "cases") + await count(owner, "sorting") == 1, "what was told is kept"


# ── silence ──────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_an_unfinished_report_becomes_a_draft_and_says_so_once(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    before = len(await phone.say(*typed("story", category="education")))
    await owner.execute("UPDATE sessions SET quiet_at = now() - interval '1 second'")
    assert sorted(await asyncio.gather(intake.go_quiet(jawab), intake.go_quiet(jawab))) == [0, 1]
    row = await (await owner.execute("SELECT category, draft FROM cases")).fetchall()
    assert row == [("education", True)]
    owed = await phone.owed()
    assert len(owed) == before + 1
    assert await count(owner, "outbox", "inbox_id IS NULL") == 1, "nobody asked for it: quiet hours hold it"


# ── media, consent, ratings ──────────────────────────────────────────────────────────────────────────────────────────
async def test_a_photo_and_a_location_are_kept_with_the_story(owner: Owner, phone: Phone, bell: Any) -> None:
    await phone.say(*typed("story"))
    photo = Media("https://api.twilio.com/2010-04-01/Accounts/AC/Messages/MM/Media/ME", "image/jpeg")
    await phone.say("", media=(photo,))
    await phone.say(*after("story"))
    assert await count(owner, "media", "state = 'waiting' AND case_id IN (SELECT id FROM cases)") == 1
    assert await count(owner, "case_items", "kind = 'media'") == 1
    assert ("chores", "chores", ()) in bell.rings


@pytest.mark.usefixtures("demo")
async def test_a_conversation_knows_the_places_that_flows_are_tried_with_in_the_order_of_their_numbers(
    owner: Owner, jawab: Jawab
) -> None:
    await owner.execute(
        "INSERT INTO places (id, district_id, level, names, source) VALUES ('pishin.a', 'pishin', 'tehsil', '{}', '')"
    )
    *known, new = (await district.get(jawab.db, "pishin")).places
    assert tuple(known) == PLACES
    assert new.id == "pishin.a"


async def test_a_pin_is_the_nearest_tehsil_of_its_case_and_keeps_the_name_that_came_with_it(
    owner: Owner, jawab: Jawab, phone: Phone
) -> None:
    await phone.say(*typed("place"))
    await phone.say("BHU, Main road", location=(30.58, 66.99))
    await phone.say(*after("place"))
    row = await (await owner.execute("SELECT id, place_id, place_text FROM cases")).fetchone()
    assert row
    assert row[1] == "pishin.pishin"
    assert jawab.keys.decrypt(row[2], register.text_bound_to(row[0])) == b"BHU, Main road"
    assert await count(owner, "case_items", "kind = 'location'") == 1


@pytest.mark.parametrize("word", ["STOP", "بند"])
async def test_stop_ends_the_weekly_update_and_is_a_record(owner: Owner, phone: Phone, word: str) -> None:
    await phone.say(*typed("menu"), answer("menu", "weekly"), answer("offered", "yes"))
    assert await count(owner, "contacts", "weekly_since IS NOT NULL") == 1
    await phone.say(word)
    assert await count(owner, "contacts", "weekly_since IS NOT NULL") == 0
    assert await count(owner, "consents") == 2
    assert len(await phone.say("1")) > 0, "who stopped the updates can still write"


async def test_a_rating_counts_once_for_a_phone(owner: Owner, phone: Phone) -> None:
    row = await (await owner.execute("SELECT short_code FROM facilities ORDER BY short_code LIMIT 1")).fetchone()
    assert row
    await phone.say("سلام", "1")
    for scores in (("5", "4", "3"), ("1", "1", "1")):
        await phone.say("MENU", answer("menu", "rate"), row[0], *scores)
    assert await count(owner, "ratings") == 3
    assert await count(owner, "ratings", "score = 1") == 3


# ── is it done? ──────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("word", "status"), [("1", "confirmed"), ("ہاں", "confirmed"), ("۲", "disputed")])
async def test_the_writer_says_whether_it_is_done(
    jawab: Jawab, owner: Owner, phone: Phone, word: str, status: str
) -> None:
    await phone.say(*typed())
    case_id = await resolve(jawab, owner)
    said = await phone.say(word)
    assert said[-1]["says"][0][0] == ("verify.confirmed" if status == "confirmed" else "verify.disputed")
    row = await (await owner.execute("SELECT status FROM cases WHERE id = %s", (case_id,))).fetchone()
    assert row == (status,)


async def test_another_answer_is_no_verdict_and_the_case_can_be_confirmed_later(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    await phone.say(*typed())
    code = await phone.code()
    await resolve(jawab, owner)
    await phone.say("MENU")
    assert await count(owner, "cases", "status = 'resolved'") == 1
    await phone.say(f"STATUS {code}", "1")
    assert await count(owner, "cases", "status = 'confirmed'") == 1


async def test_who_only_holds_the_code_cannot_say_that_it_is_done(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say(*typed())
    code = await phone.code()
    await resolve(jawab, owner)
    await Phone(jawab, owner, "+923990000002").say("سلام", "1", f"STATUS {code}", "1")
    assert await count(owner, "cases", "status = 'resolved'") == 1


async def test_a_yes_from_another_phone_with_the_code_is_kept_and_confirms_nothing(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    """Handlers know the codes too. A "not done" from there counts."""
    await phone.say(*typed())
    code = await phone.code()
    await resolve(jawab, owner)
    stranger = Phone(jawab, owner, "+923990000002")
    said = await stranger.say("سلام", "1", code, answer("verify.ask", "yes"))
    assert "verify.confirmed" in [key for key, _ in said[-1]["says"]]
    assert await count(owner, "cases", "status = 'resolved'") == 1
    assert await count(owner, "case_history", "verb = 'verdict' AND data ->> 'by_code' = 'true'") == 1
    await stranger.say(code, answer("verify.ask", "no"))
    assert await count(owner, "cases", "status = 'disputed'") == 1


async def resolve(jawab: Jawab, owner: Owner) -> uuid.UUID:
    case_id, staff = await (
        await owner.execute("SELECT cases.id, staff.id FROM cases, staff WHERE staff.role = 'handler'")
    ).fetchone()  # type: ignore[misc]
    now = datetime.now(UTC)
    async with jawab.db.transaction("console") as tx:
        await acts.acknowledge(tx, jawab.keys, case_id, actor=staff, now=now)
        await acts.resolve(
            tx, jawab.keys, case_id, actor=staff, now=now, outcome="repaired", done_on=now.astimezone(KARACHI).date()
        )
    return uuid.UUID(str(case_id))
