"""An edition is built from rows: what may be said, what is held back, and what comes back by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broadcast import edition
from broadcast.edition import Commitment, Deed, Week, Withheld
from cases.suppression import FEWEST

PISHIN = {"en": "Pishin", "ur": "پشین"}
BARSHORE = {"en": "Barshore"}
OFFICE = {"en": "Executive Engineer", "ur": "ایگزیکٹو انجینئر"}
EMPTY = Week(PISHIN, "2026-11-09", "2026-11-15", "2026-11-19", {})


def ids(prefix: str, count: int) -> tuple[str, ...]:
    return tuple(f"{prefix}{number}" for number in range(count))


def deed(case: str = "c", outcome: str = "repaired", category: str = "water", **more: Any) -> Deed:
    return Deed(case, category, outcome, BARSHORE, "2026-11-11", OFFICE, **more)


def promise(**more: Any) -> Commitment:
    made = Commitment("p", "c", "water", "repaired", BARSHORE, OFFICE, "2026-11-28", "open")
    return replace(made, **more)


def keys_of(week: Week, section: str | None = None) -> list[str]:
    return [item["key"] for item in edition.build(week).items if section in {None, item["section"]}]


def numbers(items: list[dict[str, Any]]) -> list[int]:
    return [value for item in items for value in item["values"].values() if isinstance(value, int)]


def test_subjects_are_counted_most_reported_first() -> None:
    week = replace(EMPTY, said={"infrastructure": ids("r", 5), "water": ids("w", 12)})
    said = [item for item in edition.build(week).items if item["section"] == "said"]
    assert [(item["values"]["category"]["key"], item["values"]["count"]) for item in said] == [
        ("category.water", 12),
        ("category.infrastructure", 5),
    ]
    assert said[0]["cases"] == sorted(ids("w", 12))


def test_small_subjects_are_merged_and_none_is_named() -> None:
    week = replace(EMPTY, said={"infrastructure": ids("r", 3), "resources": ids("l", 4)})
    draft = edition.build(week)
    assert keys_of(week, "said") == ["edition.said.other"]
    assert draft.items[0]["values"] == {"count": 7}
    assert {(drop.what, drop.reason) for drop in draft.dropped} == {
        ("category.infrastructure", "merged"),
        ("category.resources", "merged"),
    }


def test_what_stays_small_after_merging_is_dropped_with_a_reason() -> None:
    draft = edition.build(
        replace(EMPTY, said={"water": ids("w", 8), "infrastructure": ids("r", 1), "resources": ids("l", 3)})
    )
    assert numbers(draft.items) == [8]
    assert ("editions.others", "few") in {(drop.what, drop.reason) for drop in draft.dropped}


@pytest.mark.parametrize("count", range(12))
def test_no_number_under_five_ever_leaves(count: int) -> None:
    week = replace(
        EMPTY,
        said={"water": ids("w", count), "infrastructure": ids("r", 2)},
        deeds=tuple(deed(case, outcome) for outcome in ("paid", "repaired") for case in ids(outcome, count)),
        done=ids("d", count),
        confirmed=ids("d", count // 2),
    )
    assert all(number >= FEWEST for number in numbers(edition.build(week).items))


def test_a_single_deed_that_everybody_can_see_is_told_by_tehsil_and_without_a_count() -> None:
    (told,) = [item for item in edition.build(replace(EMPTY, deeds=(deed(),))).items if item["section"] == "did"]
    assert told["key"] == "edition.did.line"
    assert told["values"]["place"] == {"names": BARSHORE}
    assert told["cases"] == ["c"]
    assert numbers([told]) == []


def test_what_concerns_one_person_is_not_told_alone() -> None:
    for outcome in ("paid", "sent_on", "cannot_budget"):
        assert keys_of(replace(EMPTY, deeds=(deed(outcome=outcome),)), "did") == ["edition.did.none"]


def test_refusals_are_counted_together() -> None:
    outcomes = ("cannot_budget", "cannot_court")
    deeds = tuple(deed(case, outcome) for outcome in outcomes for case in ids(outcome, 3))
    assert keys_of(replace(EMPTY, deeds=deeds), "did") == ["edition.did.cannot"]


def test_a_deed_that_its_reporter_disputes_is_not_told() -> None:
    draft = edition.build(replace(EMPTY, deeds=(deed(disputed=True),)))
    assert [item["key"] for item in draft.items if item["section"] == "did"] == ["edition.did.none"]
    assert draft.dropped[0].reason == "disputed"


def test_department_and_people_stand_side_by_side() -> None:
    week = replace(EMPTY, done=ids("d", 9), confirmed=ids("d", 6))
    (total,) = [item for item in edition.build(week).items if item["section"] == "did"]
    assert total["values"] == {"done": 9, "confirmed": 6}
    assert keys_of(replace(week, confirmed=ids("d", 2)), "did") == ["edition.did.total_few"]


@pytest.mark.parametrize(
    ("made", "section", "key"),
    [
        (promise(), "next", "edition.next.line"),
        (promise(due_on="2026-11-18"), "next", "edition.next.late"),
        (promise(due_on="2026-11-19"), "next", "edition.next.line"),  # its day is not over
        (promise(state="kept", state_on="2026-11-12"), "did", "edition.did.kept"),
        (promise(state="dropped", state_on="2026-11-12"), "next", "edition.next.dropped"),
    ],
)
def test_every_promise_comes_back_by_itself(made: Commitment, section: str, key: str) -> None:
    assert key in keys_of(replace(EMPTY, commitments=(made,)), section)


def test_a_promise_without_owner_or_date_is_refused() -> None:
    for made in (promise(office=None), promise(due_on="")):
        with pytest.raises(Withheld, match="owner and a date"):
            edition.build(replace(EMPTY, commitments=(made,)))


def test_a_claim_without_a_case_behind_it_is_refused() -> None:
    with pytest.raises(Withheld, match="no case"):
        edition.check([{"section": "said", "key": "edition.said.count", "values": {"count": 9}, "cases": []}])


def test_a_count_that_is_not_the_number_of_its_cases_is_refused() -> None:
    with pytest.raises(Withheld, match="not the number of cases"):
        edition.check(
            [{"section": "said", "key": "edition.said.count", "values": {"count": 9}, "cases": list(ids("w", 8))}]
        )


def test_a_line_of_ones_own_needs_a_case_behind_it() -> None:
    items = edition.build(replace(EMPTY, deeds=(deed(),))).items
    at = next(place for place, item in enumerate(items) if item["key"] == "edition.did.line")
    assert edition.add_line(items, at, "  نلکا  بدل دیا ", "ur")[at]["line"] == "نلکا بدل دیا"
    assert "line" not in edition.add_line(edition.add_line(items, at, "x", "ur"), at, "", "ur")[at]
    with pytest.raises(Withheld, match="needs a case"):
        edition.add_line(items, next(i for i, item in enumerate(items) if item["section"] == "said"), "x", "ur")


def test_the_digest_changes_with_every_word_and_not_with_the_order_of_keys() -> None:
    items = edition.build(replace(EMPTY, said={"water": ids("w", 6)})).items
    assert edition.digest(items) == edition.digest([dict(reversed(list(item.items()))) for item in items])
    assert edition.digest(items) != edition.digest([{**items[0], "line": "x"}, *items[1:]])
