from __future__ import annotations

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from cases import triage
from cases.triage import Custodian, Responsibility

WATER, TOWN, NEAR = uuid4(), uuid4(), uuid4()
ROWS = [
    Responsibility("water", None, WATER),
    Responsibility("water", "town", TOWN),
    Responsibility("water", "nobody", None),
    Responsibility("infrastructure", None, None),
]


def test_the_nearest_place_with_a_rule_decides() -> None:
    assert triage.route("water", [], ROWS) == WATER
    assert triage.route("water", ["elsewhere"], ROWS) == WATER
    assert triage.route("water", ["village", "town"], ROWS) == TOWN


def test_nobody_named_is_an_answer_of_its_own() -> None:
    assert triage.route("infrastructure", ["town"], ROWS) is None
    assert triage.route("health", [], ROWS) is None
    assert triage.route("water", ["nobody", "town"], ROWS) is None


OFFICES = [UUID(int=number) for number in range(8)]
lines = st.dictionaries(st.sampled_from(OFFICES), st.none() | st.sampled_from(OFFICES))
custodians = st.lists(
    st.builds(
        Custodian,
        id=st.uuids(),
        district=st.none() | st.sampled_from(["pishin", "quetta"]),
        office=st.none() | st.sampled_from(OFFICES),
    ),
    max_size=12,
)


@given(custodians, st.sets(st.sampled_from(OFFICES), max_size=3), lines)
def test_nobody_near_the_accused_is_ever_a_reader(
    people: list[Custodian], accused: set[UUID], above: dict[UUID, UUID | None]
) -> None:
    chosen = set(triage.readers(people, "pishin", accused, above))
    for one in people:
        if one.id not in chosen:
            continue
        assert one.district != "pishin"
        if not accused:
            assert one.district is None
        if one.office is not None:
            assert one.office not in accused
            for office in accused:
                assert one.office not in triage.line_of(office, above)
                assert office not in triage.line_of(one.office, above)


def test_a_ring_in_the_line_of_command_ends() -> None:
    a, b = OFFICES[:2]
    assert triage.line_of(a, {a: b, b: a}) == (a, b)
