"""The ladder of a message whose reader wrote longer ago than WhatsApp allows: which way it is told of, and when. Pure.

From the top: as the approved text of its own purpose, as the neutral one, both in the reader's language and then in
Urdu, which all read; as the same neutral line by SMS; as a call. Each way once, and at most one knock a day: who was
told that something waits is not told again of the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from locales import templates as texts
from locales.languages import chain
from store.templates import Ready

DAY = timedelta(days=1).total_seconds()
WEEK = timedelta(days=7).total_seconds()  # longer than any message is of use: it is not looked at again

NOT_REACHED = "not_reached:"  # how the error of a row begins that nobody was told of; the desk shows what to try
NO_TEMPLATE, CALL = f"{NOT_REACHED}template", f"{NOT_REACHED}call"
BY_SMS, ONE_A_DAY, TOLD = "told:sms", "wait:one a day", "wait:told"

ON_ITS_WAY = ("queued", "sending", "sent", "delivered", "read")  # states of a notice that may arrive or has


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a row and its reader."""

    purpose: str  # the template of its own purpose
    lang: str
    ready: Mapping[tuple[str, str], Ready]  # what is approved, by purpose and language
    tried: str | None = None  # the template that it last went out as, or was not taken as
    followed: bool = False  # it was told of before, and its words were on their way since
    case: bool = True  # news of somebody's own case: what everybody gets has no other way
    may: bool = True  # they allow messages about it
    knocked: float | None = None  # seconds since they were last told that something waits
    sms: bool = False  # they gave this number for SMS too
    notice: str | None = None  # the state of the SMS about this row
    call: bool = False  # they said yes to a call


@dataclass(frozen=True, slots=True)
class Step:
    """What to do: `way` is template, sms, call or park; `name` and `lang` are the template's.

    Where it is parked or told another way, `why` is noted and it is looked at again in `wait` seconds.
    """

    way: str
    name: str = ""
    lang: str = ""
    why: str = ""
    wait: float = WEEK


def choose(facts: Facts) -> Step:
    """The first rung that holds."""
    return next(step for rung in RUNGS if (step := rung(facts)) is not None)


def _is_told(facts: Facts) -> Step | None:
    """It was told of, and the person has not written since, or their words came too late: never the same again."""
    return Step("park", why=TOLD) if facts.followed and facts.tried else None


def _has_notice(facts: Facts) -> Step | None:
    return Step("park", why=BY_SMS, wait=DAY) if facts.notice in ON_ITS_WAY else None


def _own(facts: Facts) -> Step | None:
    return _as_template(facts, facts.purpose) if facts.tried is None else None


def _neutral(facts: Facts) -> Step | None:
    return _as_template(facts, texts.NEUTRAL) if facts.case and facts.tried != texts.NEUTRAL else None


def _as_template(facts: Facts, name: str) -> Step | None:
    for lang in [one for one in chain(facts.lang) if one != "en" or facts.lang == "en"]:
        ready = facts.ready.get((name, lang))
        if ready is not None and ready.digest == texts.digest(name, lang):  # an older text says what we no longer say
            return Step("template", name, lang)
    return None


def _sms(facts: Facts) -> Step | None:
    return (
        Step("sms", why=BY_SMS, wait=DAY) if facts.case and facts.may and facts.sms and facts.notice is None else None
    )


def _call(facts: Facts) -> Step | None:
    return Step("call", why=CALL) if facts.case and facts.call else None


def _nothing(facts: Facts) -> Step | None:  # noqa: ARG001 - every rung has one shape
    return Step("park", why=NO_TEMPLATE)


def _once_a_day(rung: Callable[[Facts], Step | None]) -> Callable[[Facts], Step | None]:
    def knock(facts: Facts) -> Step | None:
        step = rung(facts)
        if step is None or facts.knocked is None or facts.knocked >= DAY:
            return step
        return Step("park", why=ONE_A_DAY, wait=DAY - facts.knocked)

    return knock


RUNGS: tuple[Callable[[Facts], Step | None], ...] = (
    _is_told,
    _has_notice,
    _once_a_day(_own),
    _once_a_day(_neutral),
    _once_a_day(_sms),
    _call,
    _nothing,
)
