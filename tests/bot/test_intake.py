"""The citizen's transaction: one message, one turn, all or nothing; and the protected door from outside."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from bot import intake
from bot.channels import Inbound
from bot.intake import effects
from bot.intake.turn import MOST_A_MINUTE
from cases import commands, register, sorting
from cases.protected import vault
from flows.model import Media
from settings import Settings
from store import inbox, outbox
from store.jawab import Jawab

Owner = psycopg.AsyncConnection[Any]
STORY = "تین دن سے نلکے میں پانی نہیں آ رہا"
CANARY = "کینری لفظ جو کہیں نہیں ملنا چاہیے"
KARACHI = ZoneInfo("Asia/Karachi")
CODE = re.compile(r"\d{13}")


class Phone:
    """One phone that writes through the real intake and reads what it is owed."""

    def __init__(self, jawab: Jawab, owner: Owner, address: str = "+923990000001", channel: str = "sms") -> None:
        self.jawab, self.owner, self.address, self.channel = jawab, owner, address, channel

    def inbound(self, text: str = "", **more: Any) -> Inbound:
        given: dict[str, Any] = {
            "provider": "twilio",
            "provider_id": f"SM{uuid.uuid4().hex}",
            "channel": self.channel,
            "to": "+92810000001",
            "address": self.address,
            "text": text,
        }
        return Inbound(**given | more)

    async def say(self, *texts: str, **more: Any) -> list[dict[str, Any]]:
        """Say these in turn; the last message that is owed, decrypted, and all before it."""
        for text in texts:
            assert await intake.take(self.jawab, self.inbound(text, **more)) == "taken"
        return await self.owed()

    async def owed(self) -> list[dict[str, Any]]:
        rows = await (
            await self.owner.execute(
                "SELECT outbox.id, message FROM outbox JOIN contacts ON contacts.id = contact_id"
                " WHERE address_tag = %s ORDER BY outbox.created_at",
                (self.jawab.keys.tag(self.channel, "+92810000001", self.address),),
            )
        ).fetchall()
        return [self.jawab.keys.get_json(message, outbox.place(one)) for one, message in rows]

    async def code(self) -> str:
        found = CODE.search(json.dumps((await self.owed())[-1]))
        assert found
        return found.group()


@pytest.fixture
def phone(jawab: Jawab, owner: Owner, demo: SimpleNamespace) -> Phone:
    return Phone(jawab, owner)


async def count(owner: Owner, table: str, where: str = "true") -> int:
    row = await (await owner.execute(f"SELECT count(*) FROM {table} WHERE {where}")).fetchone()  # type: ignore[arg-type]
    assert row
    return int(row[0])


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


async def test_a_whole_report_becomes_one_case_with_two_clocks(owner: Owner, phone: Phone) -> None:
    await phone.say("سلام", "1", "1", "1", "1", "1", STORY, "1", "1")
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
    message, move = phone.inbound("1"), inbox.move

    async def late(tx: Any, what: inbox.Move, kind: str) -> str:
        await owner.execute(
            "INSERT INTO inbox (id, provider, provider_id, state) VALUES (gen_random_uuid(), %s, %s, 'undone')",
            (what.provider, what.provider_id),
        )
        return await move(tx, what, kind)

    monkeypatch.setattr(inbox, "move", late)
    assert await intake.take(jawab, message) == "repeat"
    assert await (await owner.execute("SELECT version FROM sessions")).fetchone() == (1,)
    assert (await count(owner, "inbox"), await count(owner, "outbox")) == (2, 1)


# ── nothing is lost ──────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Break opening a case; calling what is returned mends it."""

    async def fail(*_: Any) -> None:
        raise ValueError(CANARY)

    whole = effects.HANDLERS["open_case"]
    monkeypatch.setitem(effects.HANDLERS, "open_case", fail)
    return lambda: effects.HANDLERS.__setitem__("open_case", whole)


async def test_a_failed_turn_keeps_the_message_alone_and_the_sweep_takes_it_again(
    jawab: Jawab, owner: Owner, phone: Phone, broken: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    await phone.say("سلام", "1", "1", "1", "1", "1", STORY, "1")
    message = phone.inbound("1")
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
    await phone.say("سلام", "1", "1", "1", "1", "1", STORY, "1")
    assert await intake.take(jawab, phone.inbound("1")) == "undone"
    for _ in range(5):
        await owner.execute("UPDATE inbox SET received_at = now() - interval '1 day' WHERE state = 'undone'")
        await intake.retry_undone(jawab)
    assert await count(owner, "inbox", "state = 'dead' AND body IS NOT NULL") == 1
    assert await count(owner, "alarms", "kind = 'dead_message'") == 1


async def test_a_flood_is_kept_unanswered_and_another_phone_is_served(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    for _ in range(MOST_A_MINUTE):
        await intake.take(jawab, phone.inbound("سلام"))
    assert await intake.take(jawab, phone.inbound("سلام")) == "undone"
    assert len(await phone.owed()) == MOST_A_MINUTE
    assert await intake.take(jawab, Phone(jawab, owner, "+923990000002").inbound("سلام")) == "taken"


async def test_an_unknown_number_is_stored_not_answered_and_sounds_an_alarm(
    jawab: Jawab, owner: Owner, phone: Phone, settings: Settings
) -> None:
    live = Jawab(settings.model_copy(update={"mode": "live"}), jawab.db, jawab.keys, jawab.bell)
    assert await intake.take(live, phone.inbound("سلام", to="+92819999999")) == "unrouted"
    assert await count(owner, "inbox", "state = 'unrouted' AND contact_id IS NULL") == 1
    assert await count(owner, "outbox") == 0
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
    await phone.say("سلام", "1", "1", "1", "1", "1", STORY)
    contact, state = await (await owner.execute("SELECT contact_id, state FROM sessions")).fetchone()  # type: ignore[misc]
    place = f"sessions|state|{contact}"
    kept = jawab.keys.get_json(state, place)
    kept.update(node="a-question-that-is-gone", flows="older", unheard_of=1)
    await owner.execute("UPDATE sessions SET state = %s", (jawab.keys.put_json(kept, place),))
    said = await phone.say("1")
    assert "restart.sorry" in [key for key, _ in said[-1]["says"]]
    assert await count(owner, "cases") + await count(owner, "sorting") == 1, "what was told is kept"


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────────
async def everything(owner: Owner) -> bytes:
    """Every value of every table of every schema, as bytes."""
    tables = await (
        await owner.execute(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables"
            " WHERE table_schema IN ('public', 'sealed') AND table_type = 'BASE TABLE'"
        )
    ).fetchall()
    dump = b""
    for (table,) in tables:
        for row in await (await owner.execute(f"SELECT * FROM {table}")).fetchall():
            for value in row:
                dump += bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
    return dump


async def test_no_word_and_no_number_of_a_person_stands_in_clear(owner: Owner, phone: Phone) -> None:
    await phone.say("سلام", "1", "1", "1", "1", f"گاؤں {CANARY}", f"{STORY} {CANARY}", "1", "1", CANARY + " اور بھی")
    dump = await everything(owner)
    assert CANARY.encode() not in dump
    assert phone.address.encode() not in dump
    assert phone.address[1:].encode() not in dump


# ── the protected door ───────────────────────────────────────────────────────────────────────────────────────────────
async def test_a_protected_report_leaves_no_ordinary_trace(owner: Owner, phone: Phone) -> None:
    before = await everything_ordinary(owner)
    said = await phone.say("سلام", "1", "1", "6", "2", "1", CANARY, "2", "1")
    code = await phone.code()
    assert await everything_ordinary(owner) == before
    assert await count(owner, "sealed.cases") == 1
    assert await count(owner, "sealed.items") >= 4
    assert await count(owner, "inbox", "body IS NOT NULL") == 0
    assert CANARY.encode() not in await everything(owner)
    assert code.encode() not in (await everything(owner)).replace(b" ", b"")
    ordinary = Phone(phone.jawab, owner, "+923990000002")
    told = await ordinary.say("سلام", "1", "1", "6", "1", "1", STORY, "2", "1")
    assert [mask(one) for one in said] == [mask(one) for one in told], "nobody can tell the two apart by the phone"


def mask(message: dict[str, Any]) -> str:
    return CODE.sub("CODE", json.dumps(message, sort_keys=True))


async def everything_ordinary(owner: Owner) -> list[int]:
    return [await count(owner, table) for table in ("cases", "case_items", "case_history", "clocks", "sorting")]


async def test_a_story_that_came_first_goes_behind_the_door_with_its_ordinary_copies(
    owner: Owner, phone: Phone
) -> None:
    first = await phone.say(f"{STORY} {CANARY}")
    code = CODE.search(json.dumps(first[-1])).group()  # type: ignore[union-attr]
    assert await count(owner, "sorting") == 1
    await phone.say("1", "6", "2")
    assert (await count(owner, "sorting"), await count(owner, "cases")) == (0, 0)
    assert await count(owner, "sealed.cases") == 1
    assert await count(owner, "inbox", "body IS NOT NULL") == 0
    said = await phone.say("1", "1", f"STATUS {code}")
    assert "follow.none" not in json.dumps(said[-1])


async def test_a_seal_that_fails_rolls_all_of_it_back_and_keeps_no_clear_word(
    jawab: Jawab, owner: Owner, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    await phone.say("سلام", "1", "1", "6", "2", "1")
    sealed = await count(owner, "sealed.items")

    async def fail(*_: Any) -> None:
        raise RuntimeError("no seal")

    whole = effects.HANDLERS["seal"]
    monkeypatch.setitem(effects.HANDLERS, "seal", fail)
    assert await intake.take(jawab, phone.inbound(CANARY)) == "undone"
    assert await count(owner, "sealed.items") == sealed
    assert CANARY.encode() not in await everything(owner)
    monkeypatch.setitem(effects.HANDLERS, "seal", whole)
    await owner.execute("UPDATE inbox SET received_at = now() - interval '1 hour' WHERE state = 'undone'")
    assert await intake.retry_undone(jawab) == 1
    assert await count(owner, "sealed.items") == sealed + 1
    assert await count(owner, "inbox", "body IS NOT NULL") == 0


async def test_a_wrong_a_foreign_and_a_guessed_code_read_the_same(owner: Owner, phone: Phone) -> None:
    await phone.say("سلام", "1")
    said = [(await phone.say(f"STATUS {code}"))[-1] for code in ("1234 1234 1234 5", "0000 0000 0000 0")]
    assert len({mask(one) for one in said}) == 1


async def test_a_code_is_known_at_its_own_districts_number_only_on_both_sides_of_the_door(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    await commands.add_district(jawab.db, "quetta")
    await commands.add_channel(jawab.db, kind="sms", provider="twilio", address="+92810000009", district_id="quetta")
    there = "+92810000009"
    told = []
    for number, kind in enumerate(("1", "2")):
        writer = Phone(jawab, owner, f"+92399000010{number}")
        await writer.say("سلام", "1", "1", "1", kind, "1", STORY, "1", "1")
        code = await writer.code()
        await Phone(jawab, owner, f"+92399000020{number}").say("سلام", "1", f"STATUS {code}", to=there)
        rows = await (await owner.execute("SELECT id, message FROM outbox ORDER BY created_at DESC LIMIT 1")).fetchall()
        told += [jawab.keys.get_json(message, outbox.place(one)) for one, message in rows]
    assert told[0] == told[1], "only a protected case was shown from another district's number"
    assert "follow.none" in json.dumps(told[0])
    assert await count(owner, "code_tries") == 2


async def test_only_five_wrong_codes_an_hour_are_looked_at(owner: Owner, phone: Phone) -> None:
    other = Phone(phone.jawab, owner, "+923990000002")
    await other.say("سلام", "1", "1", "1", "1", "1", STORY, "1", "1")
    code = await other.code()
    await phone.say("سلام", "1")
    right = (await phone.say(f"STATUS {code}"))[-1]
    from flows import codes

    for number in range(5):
        await phone.say("STATUS " + codes.complete(f"{number:012d}"))
    assert await count(owner, "code_tries") == 5
    assert (await phone.say(f"STATUS {code}"))[-1] != right, "the sixth is not looked at, right or wrong"


# ── silence ──────────────────────────────────────────────────────────────────────────────────────────────────────────
async def test_an_unfinished_report_becomes_a_draft_and_says_so_once(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    before = len(await phone.say("سلام", "1", "1", "3", "1", "1"))
    await owner.execute("UPDATE sessions SET quiet_at = now() - interval '1 second'")
    assert await asyncio.gather(intake.go_quiet(jawab), intake.go_quiet(jawab)) in ([0, 1], [1, 0])
    row = await (await owner.execute("SELECT category, draft FROM cases")).fetchall()
    assert row == [("education", True)]
    owed = await phone.owed()
    assert len(owed) == before + 1
    assert await count(owner, "outbox", "inbox_id IS NULL") == 1, "nobody asked for it: quiet hours hold it"


async def test_behind_the_door_silence_says_nothing(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    before = len(await phone.say("سلام", "1", "1", "6", "2", "1", CANARY))
    await owner.execute("UPDATE sessions SET quiet_at = now() - interval '1 second'")
    await intake.go_quiet(jawab)
    assert len(await phone.owed()) == before
    assert await count(owner, "cases") == 0
    assert await count(owner, "sealed.cases") == 1


# ── media, consent, ratings ──────────────────────────────────────────────────────────────────────────────────────────
async def test_a_photo_and_a_location_are_kept_with_the_story(owner: Owner, phone: Phone, bell: Any) -> None:
    await phone.say("سلام", "1", "1", "1", "1", "1")
    photo = Media("https://api.twilio.com/2010-04-01/Accounts/AC/Messages/MM/Media/ME", "image/jpeg")
    await phone.say("", media=(photo,))
    await phone.say("1", "1")
    assert await count(owner, "media", "state = 'waiting' AND case_id IN (SELECT id FROM cases)") == 1
    assert await count(owner, "case_items", "kind = 'media'") == 1
    assert ("chores", "chores", ()) in bell.rings


async def test_stop_ends_the_weekly_update_and_is_a_record(owner: Owner, phone: Phone) -> None:
    await phone.say("سلام", "1", "4", "1")
    assert await count(owner, "contacts", "weekly_since IS NOT NULL") == 1
    await phone.say("بند")
    if await count(owner, "contacts", "weekly_since IS NOT NULL"):
        await phone.say("STOP")
    assert await count(owner, "contacts", "weekly_since IS NOT NULL") == 0
    assert await count(owner, "consents") == 2
    assert len(await phone.say("1")) > 0, "who stopped the updates can still write"


async def test_a_rating_counts_once_for_a_phone(owner: Owner, phone: Phone) -> None:
    row = await (await owner.execute("SELECT short_code FROM facilities ORDER BY short_code LIMIT 1")).fetchone()
    assert row
    await phone.say("سلام", "1")
    for scores in (("5", "4", "3"), ("1", "1", "1")):
        await phone.say("MENU", "3", row[0], *scores)
    assert await count(owner, "ratings") == 3
    assert await count(owner, "ratings", "score = 1") == 3


async def test_the_inbox_opens_with_our_key_and_only_in_its_own_row(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say(STORY)
    row_id, body = await (await owner.execute("SELECT id, body FROM inbox")).fetchone()  # type: ignore[misc]
    assert jawab.keys.get_json(body, inbox.place(row_id))["text"] == STORY


# ── is it done? ──────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("word", "status"), [("1", "confirmed"), ("ہاں", "confirmed"), ("۲", "disputed")])
async def test_the_writer_says_whether_it_is_done(
    jawab: Jawab, owner: Owner, phone: Phone, word: str, status: str
) -> None:
    await phone.say("سلام", "1", "1", "1", "1", "1", STORY, "1", "1")
    case_id = await resolve(jawab, owner)
    said = await phone.say(word)
    assert said[-1]["says"][0][0] == ("verify.confirmed" if status == "confirmed" else "verify.disputed")
    row = await (await owner.execute("SELECT status FROM cases WHERE id = %s", (case_id,))).fetchone()
    assert row == (status,)


async def test_another_answer_is_no_verdict_and_the_case_can_be_confirmed_later(
    jawab: Jawab, owner: Owner, phone: Phone
) -> None:
    await phone.say("سلام", "1", "1", "1", "1", "1", STORY, "1", "1")
    code = await phone.code()
    await resolve(jawab, owner)
    await phone.say("MENU")
    assert await count(owner, "cases", "status = 'resolved'") == 1
    await phone.say(f"STATUS {code}", "1")
    assert await count(owner, "cases", "status = 'confirmed'") == 1


async def test_who_only_holds_the_code_cannot_say_that_it_is_done(jawab: Jawab, owner: Owner, phone: Phone) -> None:
    await phone.say("سلام", "1", "1", "1", "1", "1", STORY, "1", "1")
    code = await phone.code()
    await resolve(jawab, owner)
    await Phone(jawab, owner, "+923990000002").say("سلام", "1", f"STATUS {code}", "1")
    assert await count(owner, "cases", "status = 'resolved'") == 1


async def resolve(jawab: Jawab, owner: Owner) -> uuid.UUID:
    case_id, staff = await (
        await owner.execute("SELECT cases.id, staff.id FROM cases, staff WHERE staff.role = 'handler'")
    ).fetchone()  # type: ignore[misc]
    now = datetime.now(UTC)
    async with jawab.db.transaction("console") as tx:
        await register.acknowledge(tx, jawab.keys, case_id, actor=staff, now=now)
        await register.resolve(
            tx, jawab.keys, case_id, actor=staff, now=now, outcome="repaired", done_on=now.astimezone(KARACHI).date()
        )
    return uuid.UUID(str(case_id))


async def test_words_for_a_case_that_was_sealed_meanwhile_go_behind_the_door_too(
    jawab: Jawab, owner: Owner, phone: Phone, demo: SimpleNamespace
) -> None:
    await phone.say(STORY, "1")
    async with jawab.db.transaction("console") as tx:
        kept = await sorting.take(tx, jawab.keys, (await (await tx.execute("SELECT id FROM sorting")).fetchone())["id"])  # type: ignore[index]
        await vault.seal_kept(tx, jawab.keys, kept)
    sealed = await count(owner, "sealed.items")
    await phone.say(f"{STORY} {CANARY}")
    assert await count(owner, "sealed.items") == sealed + 1
    assert CANARY.encode() not in await everything(owner)
