"""People say one thing in several messages: one reply, which waits; and the same text again and again gets none."""

from __future__ import annotations

import pytest

import locales
from flows import holding
from flows.effects import Append, CallPerson, KeepStory, OpenCase, Seal, Verify
from flows.play import PLACES, Phone
from locales.channels import CHANNELS
from tests.flows.citizens import AGAIN, LONG, PHOTO, VOICE, Phones, among, asked, kinds, only

KINDS = sorted(CHANNELS)


def keys(phone: Phone) -> list[str]:
    """What the last reply says, by key."""
    assert phone.reply
    return [say.key for say in phone.reply.says]


def wait(phone: Phone) -> float:
    assert phone.reply
    return phone.reply.wait


@pytest.mark.parametrize("channel", KINDS)
def test_words_wait_for_more_of_them(phone: Phones, channel: str) -> None:
    told = asked(phone("ur", channel=channel), "story")
    told.add(LONG)
    assert wait(told) == CHANNELS[channel].bubble_seconds
    first = only(told, OpenCase)
    assert "report.done" in keys(told)

    told.world.at += CHANNELS[channel].bubble_seconds / 2
    told.add(AGAIN)
    assert only(told, Append).code == first.code
    assert keys(told)[0] == "report.done", "the number is handed on to the reply that goes out"
    assert wait(told) == CHANNELS[channel].bubble_seconds


def test_what_goes_out_at_once(phone: Phones) -> None:
    stranger = phone()
    stranger.say(LONG)
    assert wait(stranger) == 0, "the first contact"
    told = asked(phone("ur"), "place")
    for said in ("1", "MENU", "STATUS", "HELP"):
        told.say(said)
        assert wait(told) == 0, said
    placed = asked(phone("ur"), "place")
    placed.say("Pishin")
    assert wait(placed) == 0, "a place that was asked for, in words"


def test_a_greeting_waits_for_what_is_greeted_for(phone: Phones) -> None:
    known = phone("ur")
    known.say("السلام علیکم")
    assert wait(known) == 8
    known.add(LONG)
    assert "welcome.code" in keys(known)
    assert "welcome.hello" not in keys(known)


def test_nobody_who_goes_on_and_on_waits_for_ever(phone: Phones) -> None:
    told = asked(phone("ur", channel="whatsapp"), "story")
    told.add(LONG)
    begun = set()
    for number in range(20):
        told.world.at += 2
        told.add(f"{AGAIN}, house {number}")
        held = told.session.held
        assert held
        assert held.until - held.since <= holding.MOST_TIMES * 3
        begun.add(held.since)
    assert len(begun) == 3, "40 seconds of writing, answered every 15"


def test_a_digit_before_its_question_answers_nothing(phone: Phones) -> None:
    told = asked(phone("ur"), "story")
    told.add(LONG)
    node = told.session.node
    told.world.at += 2
    told.add("2")
    assert told.effects == [], "nobody could read what 2 means"
    assert told.session.node == node
    assert keys(told) == ["report.done", "report.message"]
    assert wait(told) == 6, "the same moment as before"
    told.world.at += 7
    told.add("2")
    assert keys(told) == ["report.declined"]


def test_in_an_outage_whoever_knows_the_digits_gets_on(phone: Phones) -> None:
    """The reply's moment is over, whether or not the provider took it."""
    told = asked(phone("ur"), "story")
    told.add(LONG)
    told.world.at += 8
    told.add("1")
    assert keys(told) == ["report.agreed"]


def test_a_question_that_was_read_may_be_answered_at_once(phone: Phones) -> None:
    told = asked(phone("ur"), "place")
    told.say(media=PHOTO)
    assert wait(told) == 8
    told.add("1")
    assert told.session.memory.report.details.place == PLACES[0].id
    assert told.session.node == "story"


def test_is_it_done_was_asked_before_and_may_be_answered_at_once(phone: Phones) -> None:
    told = asked(phone("ur"), "message")
    code = next(iter(told.world.cases))
    told.say("MENU")
    told.world.cases[code] = "resolved"
    told.world.ask("confirm", code)
    told.say("Somebody came on Monday and looked at it")
    assert wait(told) == 8
    told.add("2")
    assert any(isinstance(effect, Verify) for effect in told.effects)


def test_words_before_a_question_was_read_answer_none(phone: Phones) -> None:
    """«نہیں» after a story is more of it, and no refusal of what has not been asked yet."""
    told = asked(phone("ur"), "story")
    told.add("پانی تین دن سے")
    told.world.at += 1
    told.add("نہیں")
    assert only(told, Append).item.text == "نہیں"
    assert told.session.node == "message"


def test_what_came_first_is_handed_on_to_whatever_answers(phone: Phones) -> None:
    known = phone("ur")
    known.say(LONG)
    code = among(known, KeepStory).code
    known.world.at += 1
    shown = known.add("HELP")
    assert keys(known)[0] == "welcome.code"
    assert locales.values.group(code) in shown
    assert wait(known) == 0


def test_a_sign_that_gets_no_answer_leaves_the_reply_where_it_is(phone: Phones) -> None:
    told = asked(phone("ur"), "story")
    told.add(LONG)
    held = told.session.held
    told.world.at += 1
    told.add("❤️")
    assert told.replies == 0
    assert told.session.held == held


def test_an_album_is_one_report_and_one_reply(phone: Phones) -> None:
    told = asked(phone("ur"), "story")
    told.add(media=PHOTO)
    for _ in range(4):
        told.world.at += 1
        told.add(media=PHOTO)
        assert kinds(told) == ["Append"]
        assert keys(told) == ["report.done", "report.message"]


@pytest.mark.parametrize("typed", [(LONG, AGAIN, "2"), ("نہیں", "1", LONG)])
def test_behind_the_door_it_waits_alike(phone: Phones, typed: tuple[str, ...]) -> None:
    said = []
    for kind in ("service", "person"):
        told = asked(phone("ur"), "story", kind=kind)
        shown = []
        for text in typed:
            told.world.at += 1
            shown.append((told.add(text), wait(told)))
        said.append([(text.replace(told.session.memory.report.code, "…"), held) for text, held in shown])
        assert (LONG in str(told.session)) == (kind == "service")
    assert [held for _, held in said[0]] == [held for _, held in said[1]]


# ── the same text again and again ────────────────────────────────────────────────────────────────────────────────────


def test_the_third_equal_text_is_kept_and_shown_and_not_answered(phone: Phones) -> None:
    told = phone("ur")
    for _ in range(2):
        told.say("Is anybody there?")
        assert told.replies == 1
    told.say("Is anybody there?")
    assert told.replies == 0
    assert only(told, CallPerson).words == ("Is anybody there?",)
    for _ in range(3):
        told.world.at -= 50
        told.say("Is anybody there?")
        assert (told.replies, told.effects) == (0, [])
    told.world.at += 300
    told.say("Is anybody there?")
    assert told.replies == 1


def test_a_robot_at_the_first_question_is_answered_twice(phone: Phones) -> None:
    robot = phone()
    answered = 0
    for _ in range(10):
        robot.world.at -= 55
        robot.say("Thank you for your message. We will be in touch.")
        answered += robot.replies
    assert answered == 2


def test_digits_and_answers_are_never_counted(phone: Phones) -> None:
    told = phone("ur")
    for said in ("سلام", "1", "1", "1", "1", "1", "1"):
        told.say(said)
        assert told.replies == 1, said
    walked = phone("ur")
    walked.say("سلام")
    for said in ("پانی", "سروس"):
        walked.say(said)
    for _ in range(4):
        walked.say("HELP")
        assert walked.replies == 1, "a command"


def test_another_text_in_between_begins_anew(phone: Phones) -> None:
    told = phone("ur")
    for _ in range(3):
        for said in ("Is anybody there?", "Hello, are you there"):
            told.say(said)
            assert told.replies == 1


def test_behind_the_door_the_third_equal_text_is_shown_there(phone: Phones) -> None:
    told = asked(phone("ur"), "message", kind="person")
    for _ in range(2):
        told.say(AGAIN)
    told.say(AGAIN)
    assert told.replies == 0
    assert only(told, Seal).kind == "call"
    assert told.sealed
    assert AGAIN not in str(told.session.memory)


def test_voice_is_no_text(phone: Phones) -> None:
    told = phone("ur")
    for _ in range(4):
        told.say(media=VOICE)
        assert told.replies == 1
