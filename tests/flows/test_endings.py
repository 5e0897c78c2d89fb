"""What people say to how their case ended: not done, half, accepted, higher, taken back; and what comes too late."""

from __future__ import annotations

import pytest

import locales
from flows.effects import Append, Seal, Settle, Verify, Withdraw
from flows.model import Item
from flows.play import Phone
from flows.sessions import dump
from locales.values import group
from tests.answers import answer
from tests.flows.citizens import BRIBE, TAKE_BACK, VOICE, Phones, among, complain, kinds, only
from tests.flows.filed import PLACE, filed

VERDICTS = {
    "1": "accept",
    "قبول ہے": "accept",
    "manzoor hai": "accept",
    "جی ہاں": "accept",
    "قبوله ده": "accept",
    "قبول انت": "accept",
    "قبول ءِ": "accept",
    "I accept": "accept",
    "2": "higher",
    "٢": "higher",
    "نہیں": "higher",
    "قبول نہیں": "higher",
    "اوپر لے جائیں": "higher",
    "upar bhejo": "higher",
    "نہیں، اوپر بھیجیں": "higher",
    "قبول نہیں، اوپر لے جائیں": "higher",
    "apeal karunga": "higher",
    "پورته یې یوسئ": "higher",
    "برزا بر ات": "higher",
    "برزا دبو": "higher",
    "jhoot hai": "higher",
}


def ended(phones: Phones, state: str = "cannot", *, late: bool = False) -> tuple[Phone, str]:
    talk, code = filed(phones)
    talk.world.cases[code] = state
    if late:
        talk.world.late.add(code)
    talk.world.ask("accept" if state == "cannot" else "confirm", code)
    return talk, code


@pytest.mark.parametrize(("text", "verdict"), VERDICTS.items())
def test_whether_it_is_accepted_is_heard_in_peoples_own_words(phone: Phones, text: str, verdict: str) -> None:
    talk, code = ended(phone)
    talk.say(text)
    assert among(talk, Verify) == Verify(code, verdict)  # type: ignore[arg-type]  # one of Verdict
    assert among(talk, Settle)


@pytest.mark.parametrize(
    "text",
    [
        "ٹھیک ہے",
        "ok",
        "قبول ہے، اوپر نہ لے جانا",
        "اوپر نہ بھیجیں",
        "upar mat bhejo",
        PLACE,
        "کیا پیسے آئیں گے تو کام ہو گا؟",
    ],
)
def test_what_may_mean_anything_else_accepts_nothing_and_takes_nothing_higher(phone: Phones, text: str) -> None:
    talk, _ = ended(phone)
    said = talk.say(text)
    assert not any(isinstance(effect, Verify) for effect in talk.effects)
    assert locales.say("case.accept_ask", "ur") in said or talk.reply is None or "Append" in kinds(talk)


def test_voice_is_kept_in_the_case_and_it_is_asked_once_more(phone: Phones) -> None:
    talk, code = ended(phone)
    said = talk.say(media=VOICE)
    assert only(talk, Append) == Append(code, Item(media=VOICE))
    assert locales.say("case.accept_ask", "ur") in said


def test_a_tap_on_the_button_of_our_question_counts(phone: Phones) -> None:
    talk, code = ended(phone)
    talk.say("اوپر لے جائیں", choice="higher", tapped="verify.accept")
    assert among(talk, Verify) == Verify(code, "higher")


def test_a_refusal_is_never_asked_to_be_done(phone: Phones) -> None:
    talk, code = filed(phone)
    talk.world.cases[code] = "cannot"
    said = talk.say(group(code))
    assert locales.say("case.accept_ask", "ur") in said
    assert locales.say("case.confirm_ask", "ur") not in said
    assert locales.say("status.cannot", "ur") in said


@pytest.mark.parametrize("state", ["sent_on", "inspected", "appealed"])
def test_what_is_on_the_way_is_asked_nothing_and_its_day_is_said(phone: Phones, state: str) -> None:
    talk, code = filed(phone)
    talk.world.cases[code] = state
    said = talk.say(group(code))
    assert locales.say(f"status.{state}", "ur") in said
    assert locales.say("case.confirm_ask", "ur") not in said
    assert talk.session.node == "open"


def test_who_says_no_is_asked_why_once_and_the_answer_is_kept(phone: Phones) -> None:
    talk, code = ended(phone, "resolved")
    said = talk.say("2")
    assert locales.say("verify.why", "ur") in said
    said = talk.say("ابھی تک کوئی نہیں آیا")
    assert only(talk, Append) == Append(code, Item("ابھی تک کوئی نہیں آیا")), "the reason is no second verdict"
    assert locales.say("verify.why", "ur") not in said


def test_who_says_why_with_the_no_is_not_asked(phone: Phones) -> None:
    talk, code = ended(phone, "resolved")
    said = talk.say("کوئی کام نہیں ہوا، پمپ آج بھی بند ہے")
    assert {"Verify", "Append"} <= set(kinds(talk))
    assert among(talk, Append).code == code
    assert locales.say("verify.why", "ur") not in said


def test_words_of_danger_beside_a_verdict_are_asked_about_first(phone: Phones) -> None:
    talk, code = ended(phone)
    talk.say(BRIBE)
    assert not any(isinstance(effect, Append) for effect in talk.effects)
    talk.say(answer("doubt.thread", "service"))
    assert among(talk, Append) == Append(code, Item(BRIBE))


@pytest.mark.parametrize("state", ["resolved", "cannot"])
def test_what_comes_after_thirty_days_is_kept_and_a_new_matter_offered(phone: Phones, state: str) -> None:
    talk, code = ended(phone, state, late=True)
    said = talk.say("نہیں مانتے یہ جھوٹ")
    assert among(talk, Append) == Append(code, Item("نہیں مانتے یہ جھوٹ"))
    assert talk.world.cases[code] == state
    assert locales.say("verify.late", "ur") in said
    assert locales.say("verify.disputed", "ur") not in said
    talk.say(answer("verify.after", "new"))
    assert talk.session.node == "category"


@pytest.mark.parametrize("state", ["confirmed", "closed", "withdrawn"])
def test_an_end_may_be_gainsaid_by_its_number(phone: Phones, state: str) -> None:
    talk, code = filed(phone)
    talk.world.cases[code] = state
    said = talk.say(group(code))
    assert locales.say("follow.ended", "ur") in said
    talk.say(answer("status.ended", "no"))
    assert among(talk, Verify) == Verify(code, "no")


# ── taken back ──


@pytest.mark.parametrize("lang", locales.LANGS)
def test_a_wish_to_take_it_back_is_kept_and_asked_about_and_ends_nothing(phone: Phones, lang: str) -> None:
    talk, code = filed(phone, lang)
    talk.say(TAKE_BACK[lang])
    assert kinds(talk) == [], "no phone says by itself which case is meant"
    said = talk.say(group(code))
    assert [effect for effect in talk.effects if isinstance(effect, Withdraw)] == [Withdraw(code, "")]
    assert among(talk, Append) == Append(code, Item(TAKE_BACK[lang]))
    assert locales.say("withdraw.why", lang) in said
    talk.say(answer("withdraw.why", "pressed"))
    assert only(talk, Withdraw) == Withdraw(code, "pressed")


def test_whatever_the_reason_the_answer_reads_the_same(phone: Phones) -> None:
    replies = set()
    for why in ("solved", "unneeded", "pressed", "silent"):
        talk, code = filed(phone)
        talk.say(TAKE_BACK["ur"])
        talk.say(group(code))
        replies.add(talk.say(answer("withdraw.why", why)))
    assert len(replies) == 1


@pytest.mark.parametrize(
    "text", ["وہ کہتے ہیں شکایت واپس لو ورنہ دیکھ لیں گے", "افسر مجھے شکایت واپس لینے پر مجبور کر رہا ہے"]
)
def test_who_tells_of_pressure_wishes_nothing_and_loses_no_word(phone: Phones, text: str) -> None:
    talk, _ = filed(phone)
    talk.say(text)
    assert not any(isinstance(effect, Withdraw) for effect in talk.done)
    assert talk.session.node != "code"


def test_other_words_to_why_are_kept_and_the_wish_stands(phone: Phones) -> None:
    talk, code = filed(phone)
    talk.say(TAKE_BACK["ur"])
    talk.say(group(code))
    talk.say("بات یہ ہے کہ اب کچھ نہیں ہو گا")
    assert among(talk, Append) == Append(code, Item("بات یہ ہے کہ اب کچھ نہیں ہو گا"))
    assert talk.session.node == "why"


def test_behind_the_door_a_wish_is_sealed_like_every_word(phone: Phones) -> None:
    talk, code = filed(phone, kind="person")
    talk.say(TAKE_BACK["ur"])
    talk.say(group(code))
    assert kinds(talk) == ["LookUp", "Seal"]
    assert talk.sealed
    talk.say(answer("withdraw.why", "pressed"))
    assert only(talk, Seal).details.about == "pressed"
    assert talk.sealed


@pytest.mark.parametrize("lang", locales.LANGS)
def test_right_after_a_report_a_wish_is_asked_for_its_number_on_both_sides_and_no_word_is_lost(
    phone: Phones, lang: str
) -> None:
    """Whoever holds the telephone would know otherwise on which side the report of just now is."""
    outside, inside = phone(lang), phone(lang)
    complain(outside, lang)
    complain(inside, lang, "person")
    assert inside.session.memory.report.sealed
    assert inside.say(TAKE_BACK[lang]) == outside.say(TAKE_BACK[lang])
    assert [effect.item.text for effect in inside.effects if isinstance(effect, Seal)] == [TAKE_BACK[lang]]
    assert TAKE_BACK[lang] not in dump(inside.session).decode()
    said = [talk.say(next(iter(talk.world.cases or talk.world.sealed))) for talk in (inside, outside)]
    assert said[0] == said[1]
    assert kinds(outside) == ["LookUp", "Append", "Withdraw"]
    assert [effect.kind for effect in inside.effects if isinstance(effect, Seal)] == ["withdraw"]
