"""Each side of the protected door knows what the other would do: so the shell can do the work of both."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from flows.effects import Effect, LookUp
from flows.engine import step
from flows.model import Event, Item, Session
from flows.play import PAUSE, World
from flows.sessions import dump, restore
from flows.twins import shade, step_twin
from tests.answers import BOOK, STORY, typed

WISH = "میں شکایت واپس لینا چاہتا ہوں"
SAID = (
    "1",
    "2",
    "3",
    "MENU",
    "0",
    "HELP",
    "STATUS",
    "LANGUAGE",
    "STOP",
    "فون کریں",
    "استاد نے بچے کو مارا",
    STORY,
    WISH,
)

TO_THE_STORY = {kind: typed("place", category="security", kind=kind) for kind in ("service", "person")}
TOLD_FIRST = {kind: typed("place", first=STORY, category="security", kind=kind) for kind in ("service", "person")}


class Walker:
    """One telephone: its own step and its twin's, turn by turn, the session stored and read as the shell does it."""

    def __init__(self) -> None:
        self.session = Session()
        self.world = World(channel="whatsapp")

    def say(self, text: str) -> tuple[list[str], list[str] | None, bool]:
        """The names of what was asked of the world, by the twin too; and whether it was a look-up."""
        self.world.at += PAUSE
        event = Event("message", self.world.known(), text=text)
        events, gathered = [event], list[Effect]()
        made = step(BOOK, self.session, event)
        while True:
            gathered += made.effects
            found = [self.world.do(effect) for effect in made.effects]
            answers = [one for one in found if one is not None]
            if not answers:
                break
            events.append(replace(event, kind="found", found=answers[0]))
            made = step(BOOK, made.session, events[-1])
        twin = step_twin(BOOK, self.session, events)
        self.session = restore(dump(shade(self.session, made, twin)))
        return names(gathered), None if twin is None else names(twin.effects), len(events) > 1

    @property
    def inside(self) -> bool:
        return self.session.memory.report.sealed


def names(effects: list[Effect] | tuple[Effect, ...]) -> list[str]:
    return sorted(type(effect).__name__ for effect in effects if not isinstance(effect, LookUp))


@pytest.mark.parametrize("begun", [TO_THE_STORY, TOLD_FIRST], ids=["asked first", "told first"])
@pytest.mark.parametrize("seed", range(60))
def test_each_side_knows_what_the_other_would_do_whatever_is_answered(begun: dict[str, list[str]], seed: int) -> None:
    said = random.Random(seed).choices(SAID, k=10)
    ordinary, sealed = Walker(), Walker()
    for one, other in zip(begun["service"], begun["person"], strict=True):
        ordinary.say(one), sealed.say(other)
    assert sealed.inside
    for number, text in enumerate(said):
        if ordinary.inside or not sealed.inside:
            break  # both are on one side now
        done, beside, _ = ordinary.say(text)
        done_inside, beside_inside, looked = sealed.say(text)
        if looked:
            break  # one is asked for a number that the other has not
        assert beside_inside == done, (said[: number + 1], "what the sealed one thinks that the ordinary one does")
        if not ordinary.inside:
            assert beside == done_inside, (said[: number + 1], "what the ordinary one thinks that the sealed one does")


def test_of_what_was_said_behind_the_door_the_shadow_has_not_a_word() -> None:
    walker = Walker()
    for text in [*typed("done", category="security", kind="person", story="ایک راز"), "دوسرا راز"]:
        walker.say(text)
    shadow = walker.session.shadow
    assert shadow is not None
    assert shadow.held == (Item(" " * len("دوسرا راز".encode())),)
    assert "راز" not in dump(walker.session).decode()
    assert not shadow.details.category


def test_a_session_weighs_about_the_same_on_both_sides() -> None:
    for story in ("پانی نہیں", STORY, STORY * 20):
        ordinary, sealed = Walker(), Walker()
        said = [typed("done", category="security", kind=kind, story=story) for kind in ("service", "person")]
        for one, other in zip(*([*begun, story, "2"] for begun in said), strict=True):
            ordinary.say(one), sealed.say(other)
            assert abs(len(dump(ordinary.session)) - len(dump(sealed.session))) < 100


def test_a_session_of_before_has_no_twin_and_goes_on() -> None:
    walker = Walker()
    for text in typed("story", category="security", kind="person"):
        walker.say(text)
    walker.session = replace(walker.session, shadow=None)
    done, beside, _ = walker.say(STORY)
    assert (done, beside) == (["Seal"], None)
    assert walker.session.shadow is not None, "from here on it has one"
