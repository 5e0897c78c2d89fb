"""What a story was heard to be about is said back, and may be answered in words. None of the answers is the story."""

from __future__ import annotations

import pytest

from flows.effects import Append, KeepStory, Seal
from flows.model import Say
from flows.play import Phone
from tests.answers import answer
from tests.flows.citizens import Phones

WATER = "ہمارے ہاں پانی نہیں آ رہا"
SEALED = "پانی کے لیے لائن مین رشوت لیتا ہے"


@pytest.fixture(params=[WATER, SEALED], ids=["outside", "behind the door"])
def heard(request: pytest.FixtureRequest, phone: Phones) -> Phone:
    talk = phone("ur")
    talk.say(request.param)
    assert says(talk)[-3:] == ["report.heard", "report.keeps", "report.kind"]
    return talk


def says(talk: Phone) -> list[str]:
    assert talk.reply
    return [say.key for say in talk.reply.says]


def keeps(talk: Phone) -> bool:
    """Whether the last message went anywhere as words."""
    texts = [effect.item.text for effect in talk.effects if isinstance(effect, Append | Seal)]
    return any(texts) or any(isinstance(effect, KeepStory) for effect in talk.effects)


@pytest.mark.parametrize("text", ["نہیں", "nahi", "نه", "no", "غلط ہے", "0"])
def test_a_no_leads_to_the_list(heard: Phone, text: str) -> None:
    heard.say(text)
    assert not keeps(heard)
    assert (heard.session.node, says(heard)) == ("category", ["report.category"])
    heard.say(answer("category", "health"))
    assert says(heard) == ["report.keeps", "report.kind"]


@pytest.mark.parametrize("text", ["جی", "ہاں", "ji han", "هو", "yes", "پانی", "جی پانی"])
def test_a_yes_leads_to_the_question_below(heard: Phone, text: str) -> None:
    heard.say(text)
    assert not keeps(heard)
    assert (heard.session.node, says(heard)) == ("kind", ["report.keeps", "report.kind"])


@pytest.mark.parametrize(
    "text", ["تعلیم", "نہیں، تعلیم", "nahi school", "پانی نہیں تعلیم", "سکول کا مسئلہ ہے", "ښوونځی"]
)
def test_another_issue_corrects_it_and_is_said_back(heard: Phone, text: str) -> None:
    heard.say(text)
    assert not keeps(heard)
    assert heard.session.node == "kind", "nobody has said yet that it is a service"
    assert heard.reply
    assert heard.reply.says[0] == Say("report.heard", {"category": {"key": "category.education"}})
    changed = [effect.details.category for effect in heard.effects if hasattr(effect, "details")]
    assert changed == ["education"]


@pytest.mark.parametrize("text", ["بجلی بھی نہیں ہے تین دن سے", "نلکا بھی ٹوٹ گیا ہے"])
def test_a_sentence_is_still_more_of_the_story(heard: Phone, text: str) -> None:
    heard.say(text)
    assert keeps(heard)
    assert heard.session.node == "kind"


def test_where_nothing_was_said_back_nothing_is_corrected(phone: Phones) -> None:
    talk = phone("ur")
    talk.say("1")
    talk.say(answer("category", "water"))
    talk.say("بجلی")
    assert talk.session.node == "place", "electricity is a service"
