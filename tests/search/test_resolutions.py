from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.errors import ParameterError
from dawnlight.search import ResolutionValue, parse_resolution, resolution_to_meters


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("60m", 60.0, "meters"),
        ("60  m.", 60.0, "meters"),
        ("-6.5 deg.", -6.5, "degrees"),
        ("1.234 °", 1.234, "degrees"),
        ("10 METRES", 10.0, "meters"),
        ("10 meter", 10.0, "meters"),
        ("10 metre", 10.0, "meters"),
        ("10 meters", 10.0, "meters"),
        (".5 degree", 0.5, "degrees"),
        ("0.5degrees", 0.5, "degrees"),
        (" 5. m ", 5.0, "meters"),
    ],
)
def test_number_with_unit_is_read(text, value, unit):
    assert parse_resolution(text) == ResolutionValue(value, unit)


@pytest.mark.parametrize(
    "text", ["60", "m", "", "1e3 m", "60 km", "60 ft", "m 60", "60 m m", "٣ m", "60\nm\n60"]
)
def test_other_text_is_refused(text):
    with pytest.raises(ParameterError, match="resolution"):
        parse_resolution(text)


@pytest.mark.parametrize(
    ("value", "meters"),
    [
        ({"value": 10, "unit": "meters"}, 10.0),
        ({"value": 2, "unit": "degrees"}, 222222.0),
        (ResolutionValue(0.5, "degrees"), 55555.5),
        (10, 10.0),
        ({"value": 10, "unit": "miles"}, None),
        ({"value": 10, "unit": ["meters"]}, None),
        ({"value": "10", "unit": "meters"}, None),
        ({"value": True, "unit": "meters"}, None),
        ({"value": float("nan"), "unit": "meters"}, None),
        ({"value": 10**400, "unit": "meters"}, None),
        ({"value": 10}, None),
        ({}, None),
        (None, None),
        ("10 m", None),
        (True, None),
    ],
    ids=str,
)
def test_wire_values_come_to_one_scale(value, meters):
    assert resolution_to_meters(value) == meters


@pytest.mark.parametrize(
    ("value", "unit"), [(1.0, "miles"), (float("inf"), "meters"), (True, "meters"), ("1", "meters")]
)
def test_resolution_value_is_checked(value, unit):
    with pytest.raises(ParameterError):
        ResolutionValue(value, unit)


@settings(deadline=None)
@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ParameterError):
        parse_resolution(text)
