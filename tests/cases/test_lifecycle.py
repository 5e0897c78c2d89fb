from __future__ import annotations

import pytest
import yaml

from cases import lifecycle, outcomes
from cases.lifecycle import DECIDED, ENDED, MEETS, MOVES, OPEN, STATUSES, Refused
from flows.categories import CATEGORIES


def test_every_status_is_reached_from_the_first() -> None:
    reached, before = {"received"}, set[str]()
    while reached != before:
        before = set(reached)
        reached |= {move.becomes for (status, _), move in MOVES.items() if status in reached}
        for status in reached & set(OPEN):
            reached |= {lifecycle.move(status, "resolve", "handler", decision) for decision in DECIDED}
    assert reached == set(STATUSES)


def test_a_citizen_can_always_say_that_it_is_not_done() -> None:
    for status in ENDED:
        says, becomes = ("appeal", "appealed") if status == "cannot" else ("dispute", "disputed")
        assert lifecycle.move(status, says, "citizen") == becomes


def test_nobody_but_the_citizen_confirms() -> None:
    for (status, verb), move in MOVES.items():
        if verb in {"confirm", "dispute", "halve", "accept", "appeal"}:
            assert move.who == {"citizen"}, (status, verb)


def test_no_open_case_can_be_closed_without_an_answer() -> None:
    assert not any((status, "close") in MOVES for status in OPEN)


@pytest.mark.parametrize(("status", "verb"), [("closed", "resolve"), ("acknowledged", "acknowledge"), ("x", "start")])
def test_a_move_that_is_not_in_the_table_is_refused(status: str, verb: str) -> None:
    with pytest.raises(Refused, match="unknown_move"):
        lifecycle.move(status, verb, "supervisor")


@pytest.mark.parametrize("who", ["editor", "approver", "admin", "triage", "protected", "citizen", ""])
def test_who_is_not_at_the_desk_moves_no_case_for_it(who: str) -> None:
    with pytest.raises(Refused, match="not_allowed"):
        lifecycle.move("received", "acknowledge", who)


def test_a_page_offers_what_the_table_allows() -> None:
    assert lifecycle.verbs("received", "handler") == (
        "acknowledge", "assign", "start", "refer", "send_on", "inspect", "commit", "drop", "answer", "part", "resolve",
        "wish", "go_on", "withdraw", "amend", "note",
    )  # fmt: skip
    assert lifecycle.verbs("received", "editor") == ()
    for status in STATUSES:
        for who in ("handler", "supervisor", "citizen", "clock"):
            for verb in lifecycle.verbs(status, who):
                lifecycle.move(status, verb, who)


def test_what_is_on_the_way_ends_nothing_and_meets_no_clock_of_an_end() -> None:
    assert {*outcomes.STEPS, *outcomes.REFUSALS} == outcomes.NEVER_DONE
    for verb in (*outcomes.STEPS.values(), "part"):
        assert "resolve" not in MEETS[verb]
        assert all(lifecycle.move(status, verb, "handler") in OPEN for status in OPEN)


@pytest.mark.parametrize(
    ("decision", "outcome", "reason"),
    [
        ("refused", "repaired", "reason_missing"),
        ("refused", "", "reason_missing"),
        ("upheld", "cannot_budget", "outcome_unknown"),
        ("partly", "sent_on", "outcome_unknown"),
        ("upheld", "inspected", "outcome_unknown"),
        ("done", "repaired", "decision_unknown"),
        ("withdrawn", "repaired", "decision_unknown"),
    ],
)
def test_a_decision_goes_with_what_was_done_or_with_its_reason(decision: str, outcome: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        outcomes.check("water", decision, outcome)


def test_every_category_can_end_well_or_badly() -> None:
    for category in CATEGORIES:
        offered = (*outcomes.promised(category), *outcomes.REFUSALS)
        assert len(set(offered)) == len(offered)
        assert any(outcomes.is_refusal(outcome) for outcome in offered)
        assert outcomes.promised(category)
        assert not any(outcomes.is_refusal(outcome) for outcome in outcomes.promised(category))
    with pytest.raises(Refused):
        outcomes.deeds("weather")


def test_every_outcome_status_and_category_has_its_english_text() -> None:
    from locales import say, strict

    keys = {f"outcome.{one}" for category in CATEGORIES for one in (*outcomes.promised(category), *outcomes.REFUSALS)}
    keys |= {f"category.{one}" for one in CATEGORIES} | {f"status.{one}" for one in STATUSES}
    keys |= {f"case.{one}" for one in ("acknowledged", "answered", "referred", "resolved", "interim")}
    keys |= {"case.confirm_ask", "case.confirm_yes", "case.confirm_no", "office.unnamed", "round.health_centres"}
    with strict():
        for key in sorted(keys):
            assert say(key, "en")


def test_every_list_of_outcomes_is_of_a_category() -> None:
    lists = yaml.safe_load((outcomes.DATA / "outcomes.yaml").read_text())
    assert tuple(lists["categories"]) == CATEGORIES
