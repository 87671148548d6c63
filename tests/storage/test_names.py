"""The alphabet of names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawnlight.storage._names import VALID_NAME, make_valid_name


@pytest.mark.parametrize(
    ("text", "name"),
    [("a b", "a_b"), ("This is ań @#$^*% ïñvalid name!!!!", "This_is_a_valid_name_"), ("", "")],
)
def test_valid_names(text, name):
    assert make_valid_name(text) == name


@given(st.text(min_size=1))
def test_a_valid_name_is_valid_and_stays(text):
    name = make_valid_name(text)
    assert VALID_NAME.fullmatch(name)
    assert make_valid_name(name) == name
