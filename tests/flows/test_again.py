"""Going on after hours, and with flows that changed under a conversation: every question, on both sides of the door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from flows import codes
from flows.effects import Amend, Append, CallPerson, Forget, KeepStory, OpenCase, Seal, SealStory
from flows.model import Item
from flows.play import FACILITY_CODE, Phone
from tests.answers import BOOK, answer
from tests.flows.citizens import AGAIN, BRIBE, LONG, VOICE, Phones, among, asked, inside, only

Walk = Callable[[Phone], object]


def keys(phone: Phone) -> list[str]:
    assert phone.reply
    return [say.key for say in phone.reply.says]


def kept(phone: Phone) -> list[str]:
    """Every word that went into the world, or waits in the conversation."""
    items: list[Item] = []
    for effect in phone.done:
        if isinstance(effect, KeepStory | OpenCase):
            items += effect.story
        elif isinstance(effect, Append | Seal):
            items.append(effect.item)
    report, thread = phone.session.memory.report, phone.session.memory.thread
    items += [*report.story, *report.held, *(thread.held if thread else ())]
    return [item.text for item in items]


# ── after hours ──────────────────────────────────────────────────────────────────────────────────────────────────────


def unfinished(phone: Phones, question: str = "place") -> Phone:
    talk = asked(phone("ur"), question)
    assert talk.wait()
    return talk


@pytest.mark.parametrize("said", ["1", "4", "سلام", "?", "0", "BACK"])
def test_after_hours_it_is_offered_to_go_on_and_nothing_is_named(phone: Phones, said: str) -> None:
    talk = unfinished(phone)
    talk.world.at += 2 * 86_400
    shown = talk.say(said)
    assert keys(talk) == ["again.ask"]
    assert not any(sign.isdigit() and sign not in "12" for sign in shown), "no number"
    assert talk.effects == []
    talk.say(answer("again.ask", "on"))
    assert talk.session.node == "place"


def test_words_after_hours_wait_and_go_where_they_belong(phone: Phones) -> None:
    talk = unfinished(phone)
    code = talk.session.memory.report.code
    talk.say(AGAIN)
    assert talk.effects == []
    before = talk.session
    talk.say(answer("again.ask", "on"))
    assert only(talk, Append).code == code
    assert talk.session.node == "place"
    talk.session = before
    talk.say(answer("again.ask", "new"))
    assert among(talk, KeepStory).code != code
    assert AGAIN in kept(talk)


def test_a_picture_pasted_as_text_is_kept_after_hours_too(phone: Phones) -> None:
    talk = unfinished(phone)
    pasted = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ" * 20
    talk.say(pasted)
    talk.say(answer("again.ask", "on"))
    assert pasted in kept(talk)


def test_more_words_at_the_offer_wait_as_well(phone: Phones) -> None:
    talk = unfinished(phone)
    for said in (AGAIN, "two houses"):
        talk.say(said)
        assert keys(talk) == ["again.ask"]
    talk.say(answer("again.ask", "on"))
    assert [effect.item.text for effect in talk.effects if isinstance(effect, Append)] == [AGAIN, "two houses"]


def test_words_of_danger_after_hours_go_behind_the_door(phone: Phones) -> None:
    talk = unfinished(phone)
    talk.say(BRIBE)
    assert talk.sealed
    assert BRIBE in [effect.item.text for effect in talk.effects if isinstance(effect, Seal)]


def test_wishes_and_commands_are_obeyed_after_hours(phone: Phones) -> None:
    for said, node in (("MENU", "menu"), ("STATUS", "code"), ("مجھے فون کریں", "who"), ("LANGUAGE", "language")):
        talk = unfinished(phone)
        talk.say(said)
        assert talk.session.node == node


def test_after_two_weeks_it_is_not_offered_any_more(phone: Phones) -> None:
    talk = unfinished(phone)
    assert talk.wait() == ""
    talk.say("1")
    assert keys(talk) != ["again.ask"]


def test_whether_we_may_message_is_asked_once_more(phone: Phones) -> None:
    talk = asked(phone("ur"), "message")
    talk.wait()
    talk.say("سلام")
    assert keys(talk) == ["report.message"]
    talk.say(answer("message", "yes"))
    assert only(talk, Amend).details.may_message is True


def test_it_is_asked_once_more_and_not_for_ever(phone: Phones) -> None:
    talk = asked(phone("ur"), "message")
    for _ in range(2):
        talk.wait()
        talk.say("سلام")
    assert "report.message" not in keys(talk)


def test_words_days_after_a_receipt_are_asked_about(phone: Phones) -> None:
    talk = asked(phone("ur"), "message")
    code = talk.session.memory.report.code
    talk.wait()
    talk.say(AGAIN)
    assert keys(talk) == ["report.more"]
    talk.say(answer("complaint.more", "same"))
    assert only(talk, Append).code == code


# ── behind the door ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("question", ["place", "story", "message", "done"])
def test_behind_the_door_it_closes_without_a_word_after_twenty_minutes(phone: Phones, question: str) -> None:
    talk = asked(phone("ur"), question, kind="person")
    assert talk.session.quiet_after == 20 * 60
    assert talk.wait() == ""
    assert talk.effects == []
    assert not talk.session.node


@pytest.mark.parametrize("kind", ["service", "person"])
def test_there_is_a_number_from_the_first_answer_on_and_it_opens(phone: Phones, kind: str) -> None:
    talk = asked(phone("ur"), "kind")
    talk.say(answer("kind", kind))
    assert keys(talk) == ["welcome.code", "report.place"]
    code = talk.session.memory.report.code
    other = Phone(BOOK, talk.world)
    other.session = replace(other.session, lang="ur")
    other.say(code)
    assert keys(other)[0] == "follow.now"


# ── the question is gone ─────────────────────────────────────────────────────────────────────────────────────────────

CODE = codes.complete("923412341234")


def _with_case(state: str, *said: str) -> Walk:
    def walk(talk: Phone) -> None:
        talk.world.cases[CODE] = state
        for text in (CODE, *said):
            talk.say(text)

    return walk


def _menu(*said: str) -> Walk:
    def walk(talk: Phone) -> None:
        for text in ("MENU", *said):
            talk.say(text)

    return walk


def _report(question: str, kind: str, *said: str) -> Walk:
    def walk(talk: Phone) -> None:
        asked(talk, question, kind=kind)
        for text in said:
            talk.say(text)

    return walk


def _doubted(talk: Phone) -> None:
    asked(talk, "story")
    talk.say(BRIBE)


def _held(talk: Phone) -> None:
    talk.world.cases[CODE] = "received"
    talk.say(CODE)
    talk.say(BRIBE)


def _slept(talk: Phone) -> None:
    asked(talk, "place")
    talk.wait()
    talk.say("1")


def _claimed(talk: Phone) -> None:
    talk.world.given = True
    talk.say(LONG)
    talk.say(answer("complaint.more", "same"))


STANDS: dict[str, Walk] = {
    "welcome.menu": _menu(),
    "welcome.language": lambda talk: talk.say("LANGUAGE"),
    "complaint.category": _report("category", "service"),
    "complaint.which": lambda talk: talk.say(AGAIN),
    "complaint.kind": _report("kind", "service"),
    "complaint.place": _report("place", "service"),
    "complaint.story": _report("story", "service"),
    "complaint.message": _report("message", "service"),
    "complaint.done": _report("done", "service"),
    "complaint.more": _report("done", "service", AGAIN),
    "protected.place": _report("place", "person"),
    "protected.story": _report("story", "person"),
    "protected.message": _report("message", "person"),
    "protected.done": _report("done", "person"),
    "protected.more": _report("done", "person", AGAIN),
    "doubt.report": _doubted,
    "doubt.thread": _held,
    "status.code": lambda talk: talk.say("STATUS"),
    "status.open": _with_case("received"),
    "status.claim": _claimed,
    "thread.added": _with_case("received", AGAIN),
    "verify.ask": _with_case("resolved"),
    "verify.after": _with_case("resolved", "1"),
    "help.show": lambda talk: talk.say("HELP"),
    "call.who": lambda talk: talk.say("مجھے فون کریں"),
    "call.hour": lambda talk: talk.say("مجھے فون کریں") and talk.say("1"),
    "rate.facility": _menu(answer("menu", "rate")),
    "rate.score": _menu(answer("menu", "rate"), FACILITY_CODE),
    "weekly.offered": _menu(answer("menu", "weekly")),
    "again.ask": _slept,
}


@pytest.mark.parametrize("node", sorted(STANDS))
@pytest.mark.parametrize("said", [LONG, "1", "voice", BRIBE])
def test_any_question_may_go_under_a_conversation(phone: Phones, node: str, said: str) -> None:
    """The door stays shut behind who is inside, no word is lost, and no two things share a number."""
    talk = phone("ur")
    STANDS[node](talk)
    assert f"{talk.session.flow}.{talk.session.node}" == node
    before = talk.session.memory
    sealed = before.report.sealed or (before.thread is not None and before.thread.sealed)
    talk.session = replace(talk.session, node="gone", flows="before")
    talk.say(**({"media": VOICE} if said == "voice" else {"text": said}))
    assert talk.replies == 1
    assert keys(talk)[0] == "restart.sorry" or "verify" in node
    ordinary = [effect for effect in talk.effects if isinstance(effect, KeepStory | OpenCase | Append | Amend | Forget)]
    if sealed:
        assert talk.sealed
        assert ordinary == []
        assert {effect.code for effect in talk.effects if isinstance(effect, Seal)} <= {before.report.code}
    if said in {LONG, BRIBE}:
        assert said in kept(talk)
    numbers = [effect.code for effect in talk.done if isinstance(effect, KeepStory | OpenCase | CallPerson)]
    kept_first = {effect.code for effect in talk.done if isinstance(effect, OpenCase) and effect.kept}
    assert all(numbers.count(code) == 1 + (code in kept_first) for code in numbers)
    if before.report.code and not before.report.done and said != BRIBE:
        assert talk.session.memory.report.code == before.report.code, "one number"


@pytest.mark.parametrize("question", ["place", "story", "message"])
@pytest.mark.parametrize("kind", ["service", "person"])
def test_a_report_goes_on_to_its_end_under_its_number(phone: Phones, question: str, kind: str) -> None:
    talk = asked(phone("ur"), question, kind=kind)
    code = talk.session.memory.report.code
    talk.session = replace(talk.session, node="gone", flows="before")
    talk.say(LONG)
    asked(talk, "message")
    talk.say(answer("message", "yes"))
    assert LONG in kept(talk)
    opened = {effect.code for effect in talk.done if isinstance(effect, OpenCase | Seal | SealStory)}
    assert opened == {code}


def test_inside_is_inside_whatever_goes(phone: Phones) -> None:
    talk = inside(phone("ur"))
    talk.session = replace(talk.session, node="gone", flows="before")
    talk.say("ماسٹر نے مارا")
    assert talk.sealed
    assert only(talk, Seal).item.text == "ماسٹر نے مارا"
    assert talk.session.memory.report.sealed
