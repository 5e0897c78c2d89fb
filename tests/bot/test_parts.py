"""What is read alike out of web hooks: a form is what the library reads, for whatever is posted."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import parts

forms = st.one_of(
    st.binary(max_size=200).map(lambda body: body.decode("latin-1")),
    st.text(alphabet="ab=&%+;D8B3é\x00 ", max_size=60),
    st.lists(st.tuples(st.text(max_size=8), st.text(max_size=20)), max_size=9).map(
        lambda pairs: urlencode(pairs, errors="replace")
    ),
)


@given(form=forms)
def test_a_form_is_what_the_library_reads(form: str) -> None:
    assert parts.fields(form, 1000) == parse_qsl(form, keep_blank_values=True)


@pytest.mark.parametrize("form", ["", "a=1", "a=1&b=2", "&&", "a=1&&b=2", "a&b&c"])
@pytest.mark.parametrize("most", [1, 2, 3])
def test_more_fields_than_are_read_are_counted_as_the_library_does(form: str, most: int) -> None:
    try:
        read = parse_qsl(form, keep_blank_values=True, max_num_fields=most)
    except ValueError:
        with pytest.raises(ValueError, match="too many"):
            parts.fields(form, most)
    else:
        assert parts.fields(form, most) == read
