"""What an editor may do to the lines of a draft, and what nobody may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from broadcast import changes, edition
from broadcast.changes import Edits, Sheet
from broadcast.edition import Item, Withheld, is_fixed, mark
from tests.broadcast.a_busy_week import BUSY

WHY = {"by": "somebody", "at": "2026-11-19T05:00:00+00:00"}


def sheet() -> Sheet:
    return Sheet(edition.build(BUSY).items, Edits())


def find(sheet: Sheet, key: str) -> Item:
    return next(item for item in sheet.items if item["key"] == key)


def keys(sheet: Sheet) -> list[str]:
    return [item["key"] for item in sheet.items]


def test_a_line_is_moved_within_its_section_and_never_before_the_truth() -> None:
    before = sheet()
    deeds = [item for item in before.items if item["section"] == "did" and not is_fixed(item)]
    moved = changes.move(before, mark(deeds[1]), -1)
    assert [item for item in moved.items if item["section"] == "did" and not is_fixed(item)][:2] == deeds[1::-1]
    top = changes.move(moved, mark(deeds[1]), -1)
    assert top.items == moved.items
    assert [item for item in top.items if is_fixed(item)] == [item for item in before.items if is_fixed(item)]


@pytest.mark.parametrize("item", [item for item in sheet().items if is_fixed(item)], ids=lambda item: item["key"])
def test_what_stands_in_every_form_is_neither_moved_nor_left_out(item: Item) -> None:
    with pytest.raises(Withheld, match="leave this line out"):
        changes.drop(sheet(), mark(item), "no room", **WHY)
    with pytest.raises(Withheld, match="always stands"):
        changes.move(sheet(), mark(item), 1)


def test_a_line_is_left_out_with_its_reason_and_taken_in_again() -> None:
    before = sheet()
    line = find(before, "edition.did.line")
    dropped = changes.drop(before, mark(line), "  told   last week ", **WHY)
    assert line not in dropped.items
    assert dropped.edits.dropped == [{"item": line, "reason": "told last week", **WHY}]
    back = changes.restore(dropped, mark(line))
    assert sorted(map(mark, back.items)) == sorted(map(mark, before.items))
    assert back.edits.dropped == []


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
def test_nothing_is_left_out_without_a_reason(reason: str) -> None:
    with pytest.raises(Withheld, match="reason"):
        changes.drop(sheet(), mark(find(sheet(), "edition.did.line")), reason, **WHY)


def test_lines_that_say_the_same_of_the_same_place_are_joined_and_taken_apart() -> None:
    other = replace(
        BUSY.commitments[-2], id="o", case="co", place=BUSY.commitments[-3].place, office={"en": "Highways"}
    )
    before = Sheet(edition.build(replace(BUSY, commitments=(*BUSY.commitments, other))).items, Edits())
    one = next(item for item in before.items if "o" in item.get("commitments", ()))
    twins = changes.list_twins(before.items, one)
    joined = changes.join(before, mark(one))
    (line,) = [item for item in joined.items if "o" in item.get("commitments", ())]
    assert line["key"] == "edition.next.line_many"
    assert line["values"]["promises"] == len(line["commitments"]) == sum(len(one["commitments"]) for one in twins)
    assert line["values"]["office"] == edition.SEVERAL
    assert len(joined.items) == len(before.items) - len(twins) + 1
    assert changes.is_made_of(line, joined.edits.joined[0])
    apart = changes.part(joined, mark(line))
    assert sorted(map(mark, apart.items)) == sorted(map(mark, before.items))
    with pytest.raises(Withheld, match="no other line"):
        changes.join(before, mark(find(before, "edition.did.line")))


def test_no_change_touches_a_number() -> None:
    """A line's numbers are those of the rows behind it: whoever alters one is refused by whatever comes next."""
    altered = sheet()
    find(altered, "edition.said.count")["values"]["count"] = 99
    with pytest.raises(Withheld, match="not the number of cases"):
        changes.move(altered, mark(find(altered, "edition.did.line")), 1)


def test_a_line_that_changed_since_it_was_read_is_not_touched() -> None:
    acts: tuple[Callable[[Sheet], Sheet], ...] = (
        lambda one: changes.move(one, "0" * 16, 1),
        lambda one: changes.drop(one, "0" * 16, "why", **WHY),
        lambda one: changes.restore(one, "0" * 16),
        lambda one: changes.join(one, "0" * 16),
        lambda one: changes.part(one, mark(one.items[0])),
        lambda one: changes.put_line(one, "0" * 16, "x", "ur"),
    )
    for act in acts:
        with pytest.raises(Withheld) as refused:
            act(sheet())
        assert refused.value.key == "editions.refused.changed"


def test_a_draft_that_is_compiled_again_carries_all_of_it_on() -> None:
    before = sheet()
    said = [item for item in before.items if item["section"] == "said"]
    old = changes.move(before, mark(said[0]), 1)
    old = changes.drop(old, mark(said[2]), "told last week", **WHY)
    old = changes.put_line(old, mark(said[1]), "نیا  پمپ", "ur")
    more = {**BUSY.said, "water": (*BUSY.said["water"], "w99")}
    again = changes.carry_on(old, edition.build(replace(BUSY, said=more)).items)
    assert [item["values"]["category"]["key"] for item in again.items if item["section"] == "said"][:2] == [
        "category.health",
        "category.water",
    ]
    assert again.items[0]["line"] == "نیا پمپ"
    assert again.items[1]["values"]["count"] == 32
    assert [one["reason"] for one in again.edits.dropped] == ["told last week"]


def test_what_was_left_out_and_is_late_now_is_told_again() -> None:
    old = sheet()
    line = find(old, "edition.next.line_many")
    old = changes.drop(old, mark(line), "wait", **WHY)
    late = changes.carry_on(old, edition.build(replace(BUSY, today="2026-12-24")).items)
    assert "edition.next.late_many" in keys(late)
    assert late.edits.dropped == []


def test_a_line_of_ones_own_needs_a_case_behind_it() -> None:
    before = sheet()
    line = find(before, "edition.did.line")
    told = changes.put_line(before, mark(line), "  نلکا  بدل دیا ", "ur")
    (own,) = [item for item in told.items if item.get("line")]
    assert own["line"] == "نلکا بدل دیا"
    assert changes.put_line(told, mark(own), "", "ur").items == before.items
    with pytest.raises(Withheld, match="needs a case"):
        changes.put_line(before, mark(find(before, "edition.next.late_few")), "x", "ur")
