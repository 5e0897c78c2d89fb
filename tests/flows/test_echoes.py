"""The text that came last, as a session keeps it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from flows import echoes, sessions
from flows.model import Event, Known, Session

MOMENTS = st.floats(min_value=1_750_000_000, max_value=1_900_000_000, allow_nan=False)


@given(MOMENTS, MOMENTS)
def test_a_session_is_as_long_at_whatever_moment_its_text_came(first: float, second: float) -> None:
    lengths = set[int]()
    for at in (first, second):
        echo = echoes.count(Session(), Event("message", Known(at, "9000000000007"), text="سلام", echo="mark"))
        lengths.add(len(sessions.dump(replace(Session(), echo=echo))))
    assert len(lengths) == 1
