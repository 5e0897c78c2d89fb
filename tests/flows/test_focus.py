"""What belongs to a case lands in it: answers to what we asked, codes, quoted messages; and what is none of these."""

from __future__ import annotations

import re

import pytest

import locales
from flows.effects import Append, CallPerson, Consent, KeepStory, OpenCase, Seal, Settle, Verify
from flows.model import Item, Say
from flows.play import DAY
from locales.values import group
from tests.answers import answer
from tests.flows.citizens import BRIBE, LONG, VOICE, Phones, among, inside, kinds, only
from tests.flows.filed import PLACE, asked, filed

# ── a handler asked ──


@pytest.mark.parametrize(("text", "media"), [(PLACE, ()), ("3", ()), ("", VOICE), ("pani nahi", ())])
def test_what_comes_after_a_handlers_words_stands_in_that_case(phone: Phones, text: str, media: tuple[object]) -> None:
    talk, code = asked(phone)
    said = talk.say(text, media=media)
    assert among(talk, Append) == Append(code, Item(text, media))  # type: ignore[arg-type]  # the fixture's media
    assert among(talk, Settle)
    assert talk.reply
    assert talk.reply.says[-1] == Say("thread.answered", {"day": {"date": DAY}})
    assert group(code) not in said, "its number is named nowhere"


def test_more_words_go_the_same_way_until_something_new_is_begun(phone: Phones) -> None:
    talk, code = asked(phone)
    talk.say(PLACE)
    talk.say("اور بھی کچھ")
    assert only(talk, Append).code == code
    talk.say(answer("added", "new"))
    assert talk.session.node == "category"


@pytest.mark.parametrize("text", ["السلام علیکم", "شکریہ", "thank you sir", "سلام جناب"])
def test_a_greeting_or_thanks_does_not_end_what_was_asked(phone: Phones, text: str) -> None:
    talk, code = asked(phone)
    talk.say(text)
    assert talk.effects == []
    talk.say(PLACE)
    assert among(talk, Append).code == code


def test_what_somebody_began_by_themselves_comes_first_and_the_question_waits(phone: Phones) -> None:
    talk, code = asked(phone)
    talk.say("MENU")
    talk.say(answer("menu", "report"))
    talk.say("1")
    assert talk.session.node == "kind"
    talk.say("MENU")
    talk.wait()
    talk.wait()
    talk.say(PLACE)
    assert among(talk, Append).code == code


def test_words_of_danger_enter_no_thread_before_the_person_was_asked(phone: Phones) -> None:
    talk, code = asked(phone)
    talk.say(BRIBE)
    assert kinds(talk) == ["Settle"]
    again = talk.session
    talk.say(answer("doubt.thread", "service"))
    assert only(talk, Append) == Append(code, Item(BRIBE))
    talk.session = again
    talk.say(answer("doubt.thread", "person"))
    assert [effect.item.text for effect in talk.effects if isinstance(effect, Seal)] == [BRIBE]
    assert talk.session.memory.report.sealed


def test_beside_the_number_of_a_sealed_case_they_are_sealed_at_once_and_asked_about_like_any(phone: Phones) -> None:
    """Whoever has the telephone and a number would know otherwise which side of the door its case is on."""
    (talk, code), (other, its) = filed(phone, kind="person"), filed(phone)
    assert talk.say(f"{code} {BRIBE}").replace(code, "") == other.say(f"{its} {BRIBE}").replace(its, "")
    assert [effect.item.text for effect in talk.effects if isinstance(effect, Seal)] == [f"{code} {BRIBE}"]
    assert not any(item.text for item in talk.session.memory.thread.held)  # type: ignore[union-attr]  # it is there
    assert talk.say(answer("doubt.thread", "service")) == other.say(answer("doubt.thread", "service"))
    assert kinds(talk) == []


def test_an_edition_is_answered_in_the_case_that_is_open(phone: Phones) -> None:
    talk, code = asked(phone, "edition")
    talk.say("ہمارے ہاں تو کچھ نہیں ہوا")
    assert among(talk, Append).code == code


# ── is it done? ──

VERDICTS = {
    "1": "yes",
    "جی ہو گیا شکریہ": "yes",
    "ho gaya": "yes",
    "پانی آ گیا": "yes",
    "2": "no",
    "ابھی تک نہیں ہوا": "no",
    "jhoot hai ye": "no",
    "پانی پھر بند ہے": "no",
    "آدھا ہوا ہے": "half",
    "پتا نہیں": "unknown",
}


@pytest.mark.parametrize(("text", "verdict"), VERDICTS.items())
def test_whether_it_is_done_is_heard_in_peoples_own_words(phone: Phones, text: str, verdict: str) -> None:
    talk, code = asked(phone, "confirm")
    talk.say("السلام علیکم")
    talk.say(text)
    assert among(talk, Verify) == Verify(code, verdict)  # type: ignore[arg-type]  # one of Verdict
    assert among(talk, Settle)


def test_other_words_are_kept_in_the_case_and_it_is_asked_once_more(phone: Phones) -> None:
    talk, code = asked(phone, "confirm")
    said = talk.say(PLACE)
    assert only(talk, Append) == Append(code, Item(PLACE))
    assert locales.say("case.confirm_ask", "ur") in said
    said = talk.say(media=VOICE)
    assert only(talk, Append).code == code
    assert locales.say("case.confirm_ask", "ur") not in said


def test_it_may_be_answered_when_the_case_was_closed_meanwhile(phone: Phones) -> None:
    talk, code = asked(phone, "confirm")
    talk.world.cases[code] = "closed"
    talk.say("کوئی نہیں آیا")
    assert among(talk, Verify) == Verify(code, "no")


# ── a code ──


@pytest.mark.parametrize(
    "form", ["میرا نمبر {code} ہے، کیا بنا؟", "{code}", "STATUS {code}", "mera number {code} hai kya hua"]
)
def test_a_code_anywhere_in_a_text_opens_its_case(phone: Phones, form: str) -> None:
    talk, code = filed(phone)
    talk.world.said[code] = "ٹینکر کل آئے گا"
    said = phone("ps").say(form.format(code=group(code)))
    assert group(code) not in said
    other = phone("ur")
    other.world = talk.world
    said = other.say(form.format(code=group(code)))
    assert group(code) in said
    assert "ٹینکر کل آئے گا" in said
    other.say(PLACE)
    assert only(other, Append) == Append(code, Item(PLACE))
    other.say(answer("added", "new"))


def test_a_quoted_message_names_its_case_and_the_words_go_there(phone: Phones) -> None:
    talk, code = filed(phone)
    talk.say("آج بھی پانی نہیں آیا", quoted=code)
    assert [effect for effect in talk.effects if isinstance(effect, Append)] == [
        Append(code, Item("آج بھی پانی نہیں آیا"))
    ]


def test_a_code_sent_from_another_phone_is_answered_alike_on_both_sides_of_the_door(phone: Phones) -> None:
    threads = []
    for kind in ("service", "person"):
        writer, code = filed(phone, kind=kind)
        other = phone("ur")
        other.world = writer.world
        other.say(group(code))
        other.say(PLACE)
        assert kinds(other) == (["Append"] if kind == "service" else ["Seal"])
        assert other.sealed is (kind == "person")
        other.say(media=VOICE)
        other.say(group(code))
        other.say(answer("open", "call"))
        other.say(answer("who", "woman"))
        other.say(answer("hour", "noon"))
        threads.append(re.sub(r"\d{4} \d{4} \d{4} \d", "CODE", "\n".join(other.thread)))
    assert threads[0] == threads[1]


def test_status_lists_nothing_and_who_has_no_number_is_put_before_a_person(phone: Phones) -> None:
    talk, code = filed(phone)
    said = talk.say("میری شکایت کا کیا ہوا")
    assert group(code) not in said
    assert talk.session.node == "code"
    talk.say("نمبر گم ہو گیا")
    assert only(talk, CallPerson).reason == "status.lost"


@pytest.mark.parametrize("card", ["12345-1234567-1", "5440012345671", "61101 1234567 1", "۵۴۴۰۰-۱۲۳۴۵۶۷-۱"])
def test_the_number_of_an_identity_card_is_refused_and_no_copy_is_kept(phone: Phones, card: str) -> None:
    talk = phone("ur")
    assert locales.say("card.refused", "ur") in talk.say(card)
    assert talk.sealed
    assert set(kinds(talk)) <= {"LookUp"}


# ── something new, or about what was told ──


def test_who_was_given_a_number_is_asked_before_another_is_made(phone: Phones) -> None:
    for kind in ("service", "person"):
        talk, code = filed(phone, kind=kind)
        said = talk.say(LONG)
        assert talk.effects == []
        assert said.startswith(locales.say("report.more", "ur"))
        again = talk.session
        talk.say(answer("complaint.more", "new"))
        assert among(talk, KeepStory).story == (Item(LONG),)
        talk.session = again
        talk.say(answer("complaint.more", "same"))
        assert talk.session.node == "claim"
        talk.say(group(code))
        assert [type(effect).__name__ for effect in talk.effects][-1] == ("Append" if kind == "service" else "Seal")


def test_words_about_something_whose_number_is_lost_wait_with_the_triage(phone: Phones) -> None:
    talk, _ = filed(phone)
    talk.say(LONG)
    talk.say(answer("complaint.more", "same"))
    talk.say(answer("claim", "lost"))
    kept = only(talk, KeepStory)
    assert (kept.story, kept.about) == ((Item(LONG),), True)


# ── what a word that also means "closed" means ──


def test_a_local_stop_word_is_a_story_where_one_is_asked_and_a_stop_where_news_were_sent(phone: Phones) -> None:
    talk = phone("ur")
    talk.say("سلام")
    for _ in range(2):
        talk.say("1")
    talk.say("6")
    talk.say("بند")
    assert only(talk, OpenCase).story == (Item("بند"),)
    subscriber = phone("ur", weekly=True)
    subscriber.say("بند")
    assert only(subscriber, Consent).granted is False
    stranger = phone()
    stranger.say("بند")
    assert kinds(stranger)[0] == "KeepStory"


def test_the_number_of_an_identity_card_in_a_sentence_is_blanked_and_the_rest_is_kept(phone: Phones) -> None:
    talk = phone("ur")
    talk.say("میرا کارڈ 54400-1234567-1 ہے، پانی نہیں آتا")
    assert among(talk, KeepStory).story == (Item("میرا کارڈ […] ہے، پانی نہیں آتا"),)
    assert talk.sealed, "the inbox keeps no copy with the number"


# ── buttons of older messages ──


def test_a_menu_of_a_conversation_that_is_over_can_still_be_tapped(phone: Phones) -> None:
    talk, _ = filed(phone)
    title = locales.say("menu.language", "ur")
    talk.say(title, choice="language", tapped="welcome.menu")
    assert talk.effects == []
    assert talk.session.node == "language"


@pytest.mark.parametrize("tapped", ["complaint.kind", "verify.ask", "gone.node"])
def test_any_other_button_of_then_begins_anew_and_its_title_is_nobodys_words(phone: Phones, tapped: str) -> None:
    talk, _ = filed(phone)
    talk.say("کام، خدمت", choice="service", tapped=tapped)
    assert talk.effects == []
    assert talk.session.node == "category"
    assert not talk.session.memory.report.held


# ── behind the door ──


@pytest.mark.parametrize("wish", ["مجھے فون کریں", "کسی انسان سے بات کرنی ہے"])
def test_a_wish_from_behind_the_door_is_not_remembered_in_the_session(phone: Phones, wish: str) -> None:
    talk = inside(phone("ur"))
    talk.say(wish)
    assert talk.session.memory.missed == ()


def test_a_trial_line_takes_no_words_about_a_person_into_a_thread(phone: Phones) -> None:
    talk, _ = asked(phone)
    talk.world.trial = True
    talk.say(BRIBE)
    said = talk.say(answer("doubt.thread", "person"))
    assert "0000" in said
    assert talk.effects == []
    assert talk.session.node == "menu"


# ── identity cards in sentences ──


@pytest.mark.parametrize("number", ["5440166240396", "5440166240391", "54401-6624039-6"])
@pytest.mark.parametrize("where", ["first", "story"])
def test_a_cards_number_in_a_sentence_is_blanked_and_the_words_are_kept(phone: Phones, number: str, where: str) -> None:
    talk = phone("ur")
    if where == "story":
        for said in ("سلام", "1", "1", "1"):
            talk.say(said)
    talk.say(f"mera cnic {number} hai aur pani band hai")
    kept = [item.text for effect in talk.effects if isinstance(effect, KeepStory | OpenCase) for item in effect.story]
    assert kept == ["mera cnic […] hai aur pani band hai"]
    assert talk.sealed, "no copy of the number is kept"
    assert number not in str(talk.session)


# ── what stands beside a code ──


@pytest.mark.parametrize(
    "text",
    [
        "code: {}",
        "my no is {} plz tell",
        "number {} ka kya bana",
        "mera code {} hai sir",
        "{} check karo",
        "meri shikayat {}",
        "what is the status of {}",
        "میرا نمبر {} ہے",
        "نمبر {} بتائیں",
        "{} کب تک ہو گا؟",
        "زما شمېره {} ده",
        "منی نمبر {} اِنت",
        "کنا نمبر {} ارے",
    ],
)
def test_words_that_only_ask_after_a_case_are_not_kept_in_it(phone: Phones, text: str) -> None:
    talk, code = filed(phone)
    talk.say(text.format(group(code)))
    assert (talk.session.flow, talk.session.node) == ("status", "open")
    assert "Append" not in kinds(talk)


@pytest.mark.parametrize(
    "text",
    ["{} پانی پھر بند ہے", "{} abhi tak nahi hua", "{} kaam ho gaya", "{} ka masla wahi hai", "{} گھر سکول کے پاس ہے"],
)
def test_words_that_say_something_beside_a_code_are(phone: Phones, text: str) -> None:
    talk, code = filed(phone)
    talk.say(text.format(group(code)))
    assert among(talk, Append).code == code


# ── a question about what was just spoken of ──


@pytest.mark.parametrize("text", ["کب تک ہو گا؟", "kab tak hoga", "کله به وشي", "کدی بیت", "meri shikayat ka kya hua"])
def test_a_question_after_the_state_of_a_case_is_for_that_case(phone: Phones, text: str) -> None:
    talk, code = filed(phone)
    talk.say(group(code))
    talk.say(text)
    assert among(talk, Append) == Append(code, Item(text))
    assert talk.session.node == "added"


@pytest.mark.parametrize("text", ["کب ہوا؟", "kab hua", "when will you do it"])
def test_a_question_after_is_it_done_is_kept_and_asked_once_more(phone: Phones, text: str) -> None:
    talk, code = asked(phone, "confirm")
    talk.say(text)
    assert among(talk, Append) == Append(code, Item(text))
    assert talk.reply
    assert [say.key for say in talk.reply.says] == ["verify.kept", "case.confirm_ask"]


def test_a_question_where_a_code_led_to_is_it_done_stays_there(phone: Phones) -> None:
    talk, code = filed(phone)
    talk.world.cases[code] = "resolved"
    talk.say(group(code))
    assert talk.session.flow == "verify"
    talk.say("کب ہوا؟")
    assert among(talk, Append).code == code
    assert talk.session.flow == "verify"


def test_a_question_after_a_handlers_words_is_an_answer_and_one_for_a_complaint_asks_its_number(phone: Phones) -> None:
    talk, code = asked(phone)
    before = talk.session
    talk.say("کب تک ہو گا؟")
    assert among(talk, Append) == Append(code, Item("کب تک ہو گا؟"))
    other, _ = asked(phone)
    assert other.session == before
    other.say("میری شکایت کا کیا ہوا")
    assert (other.session.flow, other.session.node) == ("status", "code")
