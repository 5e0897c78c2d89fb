"""An edition is built from rows: what may be said, what is held back, and what comes back by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broadcast import edition, subjects
from broadcast.edition import Commitment, Deed, Week, Withheld
from cases.suppression import FEWEST
from flows.categories import CATEGORIES

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
    _, told = [item for item in edition.build(replace(EMPTY, deeds=(deed(),))).items if item["section"] == "did"]
    assert told["key"] == "edition.did.line"
    assert told["values"]["place"] == {"names": BARSHORE}
    assert told["cases"] == ["c"]
    assert numbers([told]) == []


def test_what_concerns_one_person_is_not_told_alone() -> None:
    for outcome in ("paid", "sent_on", "cannot_budget"):
        assert keys_of(replace(EMPTY, deeds=(deed(outcome=outcome),)), "did") == ["edition.did.truth_small"]


def test_refusals_are_counted_together() -> None:
    outcomes = ("cannot_budget", "cannot_court")
    deeds = tuple(deed(case, outcome) for outcome in outcomes for case in ids(outcome, 3))
    assert keys_of(replace(EMPTY, deeds=deeds), "did") == ["edition.did.truth_small", "edition.did.cannot"]


def test_a_refusal_that_somebody_will_not_have_is_told_all_the_same() -> None:
    deeds = tuple(deed(case, "cannot_budget", disputed=case == "c0") for case in ids("c", 5))
    (refused,) = [item for item in edition.build(replace(EMPTY, deeds=deeds)).items if "count" in item["values"]]
    assert refused["values"]["count"] == 5


def test_no_refusal_is_lost_to_the_smallness_of_the_others() -> None:
    """Three that stand alone go with the smallest of those that would be named: none is held back, none can be told
    from the difference."""
    many = tuple(deed(case, "cannot_budget") for case in ids("b", 9))
    some = tuple(deed(case, "cannot_unsafe") for case in ids("u", 5))
    few = tuple(deed(case, "cannot_court", "health") for case in ids("c", 3))
    items = [item for item in edition.build(replace(EMPTY, deeds=many + some + few)).items if edition.is_fixed(item)]
    assert [(item["key"], item["values"].get("count")) for item in items[1:]] == [
        ("edition.did.count", 9),
        ("edition.did.cannot", 8),
    ]


def test_a_deed_that_its_reporter_disputes_is_not_told() -> None:
    draft = edition.build(replace(EMPTY, deeds=(deed(disputed=True),)))
    assert [item["key"] for item in draft.items if item["section"] == "did"] == ["edition.did.truth_small"]
    assert draft.dropped[0].reason == "disputed"


@pytest.mark.parametrize(
    ("done", "asked", "confirmed", "key", "values"),
    [
        (9, 8, 6, "edition.did.truth", {"done": 9, "confirmed": 6, "asked": 8}),
        (9, 8, 2, "edition.did.truth", {"done": 9, "confirmed": edition.FEW, "asked": 8}),
        (2, 7, 7, "edition.did.truth", {"done": edition.FEW, "confirmed": 7, "asked": 7}),  # of work of the week before
        (9, 4, 4, "edition.did.truth_small", {"done": 9}),
        (3, 3, 3, "edition.did.truth_small", {"done": edition.FEW}),
        (0, 0, 0, "edition.did.truth_small", {"done": edition.FEW}),  # "fewer than 5" does not say "at least one"
    ],
)
def test_department_and_people_stand_side_by_side_in_every_week(
    done: int, asked: int, confirmed: int, key: str, values: dict[str, Any]
) -> None:
    week = replace(EMPTY, done=ids("d", done), asked=ids("a", asked), confirmed=ids("a", confirmed))
    (truth,) = [item for item in edition.build(week).items if item["key"] in edition.TRUTH]
    assert (truth["key"], truth["values"]) == (key, values)


# ── subjects that are told only together ─────────────────────────────────────────────────────────────────────────────
TOGETHER = ("security", "services", "resources", "jobs", "nutrition", "other")


def test_the_subjects_that_are_told_only_together_are_those() -> None:
    assert set(TOGETHER) == subjects.FROM_FIVE
    assert not [one for one in CATEGORIES if subjects.is_together(one) != (one in TOGETHER)]


@pytest.mark.parametrize("category", TOGETHER)
@pytest.mark.parametrize("outcome", sorted(edition.SEEN_BY_ALL | {"paid"}))
@pytest.mark.parametrize("count", [1, 4, 5])
def test_no_line_of_theirs_is_of_fewer_than_five_or_of_a_tehsil(category: str, outcome: str, count: int) -> None:
    deeds = tuple(deed(case, outcome, category) for case in ids("c", count))
    draft = edition.build(replace(EMPTY, deeds=deeds))
    lines = [item for item in draft.items if "category" in item["values"]]
    told = count >= FEWEST and outcome not in subjects.CONDUCT
    assert [item["values"].get("count") for item in lines] == ([count] if told else [])
    assert not [item for item in lines if "place" in item["values"]]
    assert [(drop.subject, drop.count) for drop in draft.dropped] == ([] if told else [(f"category.{category}", count)])


def test_five_of_them_in_different_tehsils_are_one_line_of_the_district() -> None:
    places: list[dict[str, str]] = [BARSHORE, {"en": "Bostan"}]
    deeds = tuple(
        replace(deed(case, "supplied", "nutrition"), place=places[n % 2]) for n, case in enumerate(ids("c", 6))
    )
    (line,) = [item for item in edition.build(replace(EMPTY, deeds=deeds)).items if "category" in item["values"]]
    assert (line["key"], line["values"]["count"]) == ("edition.did.count", 6)


@pytest.mark.parametrize("outcome", ["staff_sent", "inspected"])
def test_what_one_person_did_is_told_in_no_line_however_many(outcome: str) -> None:
    deeds = tuple(deed(case, outcome, "security") for case in ids("c", 40))
    draft = edition.build(replace(EMPTY, deeds=deeds))
    assert not [item for item in draft.items if "category" in item["values"]]
    assert [(drop.reason, drop.count) for drop in draft.dropped] == [("conduct", 40)]


@pytest.mark.parametrize(("state", "due"), [("open", "2026-11-18"), ("dropped", "2026-11-30")])
def test_their_late_and_dropped_promises_are_told_without_their_subject(state: str, due: str) -> None:
    made = {"state": state, "due_on": due, "state_on": "2026-11-12" if state == "dropped" else None}
    few = tuple(promise(id=one, case=one, category="security", action="staff_sent", **made) for one in ids("p", 4))
    key = f"edition.next.{'dropped' if state == 'dropped' else 'late'}"
    (line,) = [item for item in edition.build(replace(EMPTY, commitments=few)).items if item["section"] == "next"]
    assert (line["key"], line["values"], len(line["commitments"])) == (f"{key}_few", {}, 4)
    many = (*few, promise(id="p9", case="p9", category="jobs", action="paid", **made))
    (line,) = [item for item in edition.build(replace(EMPTY, commitments=many)).items if item["section"] == "next"]
    assert (line["key"], line["values"]) == (f"{key}_rest", {"promises": 5})


def test_their_promises_to_come_are_told_from_five_on_and_by_district() -> None:
    made = tuple(promise(id=one, case=one, category="jobs", action="paid") for one in ids("p", 5))
    (line,) = [item for item in edition.build(replace(EMPTY, commitments=made)).items if item["section"] == "next"]
    assert (line["key"], line["values"]["place"]) == ("edition.next.line_many", {"names": PISHIN})
    draft = edition.build(replace(EMPTY, commitments=made[:4]))
    assert [item["key"] for item in draft.items if item["section"] == "next"] == ["edition.next.none"]
    assert [(drop.what, drop.reason, drop.count) for drop in draft.dropped] == [("promise.paid", "few", 4)]


# ── promises ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_promises_of_one_deed_in_one_place_by_one_office_are_one_line() -> None:
    made = (promise(), promise(id="q", case="d", due_on="2026-11-27"), promise(id="r", place={"en": "Bostan"}))
    one, two = (item for item in edition.build(replace(EMPTY, commitments=made)).items if item["section"] == "next")
    assert (one["key"], one["commitments"], one["cases"]) == ("edition.next.line_many", ["q", "p"], ["c", "d"])
    assert (one["values"]["promises"], one["values"]["date"]) == (2, {"date": "2026-11-27"})
    assert two["key"] == "edition.next.line"


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


def test_a_number_of_promises_that_is_not_theirs_is_refused() -> None:
    items = edition.build(replace(EMPTY, commitments=(promise(), promise(id="q")))).items
    items[-1]["values"]["promises"] = 3
    with pytest.raises(Withheld, match="number of promises"):
        edition.check(items)


def test_the_digest_changes_with_every_word_and_not_with_the_order_of_keys() -> None:
    items = edition.build(replace(EMPTY, said={"water": ids("w", 6)})).items
    assert edition.digest(items) == edition.digest([dict(reversed(list(item.items()))) for item in items])
    assert edition.digest(items) != edition.digest([{**items[0], "line": "x"}, *items[1:]])
