from __future__ import annotations

import datetime as dt
import decimal
import enum
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import shapely

from dawnlight.errors import FilterError
from dawnlight.search import Document, Eq, Property, ResolutionValue


class Status(enum.StrEnum):
    FAILURE = "failure"


class Unit(enum.StrEnum):
    METERS = "meters"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("a", "a"),
        (np.str_("a"), "a"),
        (Status.FAILURE, "failure"),
        (5, 5),
        (True, True),
        (0.5, 0.5),
        (np.int16(5), 5),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (decimal.Decimal("0.5"), 0.5),
        (dt.datetime(2023, 7, 1), "2023-07-01T00:00:00Z"),
        (dt.date(2023, 7, 1), "2023-07-01T00:00:00Z"),
        (np.datetime64("2023-07-01"), "2023-07-01T00:00:00Z"),
        (pd.Timestamp("2023-07-01T00:00:00.000000001"), "2023-07-01T00:00:00.000000001Z"),
        (ResolutionValue(10, "meters"), ResolutionValue(10, "meters")),
        ({"value": 10, "unit": "meters"}, ResolutionValue(10, "meters")),
        (SimpleNamespace(value=10, unit=Unit.METERS), ResolutionValue(10, "meters")),
        (Document(kind="product", id="p", attributes={}), "p"),
        (SimpleNamespace(id="p:a"), "p:a"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_values_come_to_plain_types(value, kept):
    found = Eq("x", value).value
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), "finite"),
        (float("inf"), "finite"),
        (np.datetime64("NaT"), "time"),
        (pd.NaT, "time"),
        (10**400, "finite"),
        (["a"], "any_of"),
        (("a", "b"), "any_of"),
        ({"a"}, "any_of"),
        (shapely.Point(0, 0), "intersects"),
        (b"a", "type bytes"),
        (object(), "type object"),
        ({"value": 10}, "type dict"),
        ({"value": "ten", "unit": "meters"}, "finite number"),
        ({"value": 10, "unit": "miles"}, "unit"),
        (SimpleNamespace(id=None), "with an id"),
        (Property("y"), "property compares with a value"),
        (Property("y") > 1, "property compares with a value"),
    ],
    ids=lambda value: repr(value)[:40].split(" at 0x")[0],  # addresses differ from process to process
)
def test_other_values_are_refused_naming_the_field(value, words):
    with pytest.raises(FilterError, match="x") as caught:
        Property("x") == value  # noqa: B015 - the comparison itself raises
    assert words in str(caught.value)


def test_number_that_python_refuses_to_print_is_refused():
    with pytest.raises(FilterError, match="cannot be shown"):
        Eq("x", 10**5000)


def test_huge_values_do_not_flood_the_message():
    with pytest.raises(FilterError) as caught:
        Eq("x", ["a" * 10_000])
    assert len(str(caught.value)) < 400


def test_none_is_null_in_properties_only():
    assert (Property("x") == None).is_same(Property("x").isnull)  # noqa: E711
    assert (Property("x") != None).is_same(Property("x").isnotnull)  # noqa: E711
    with pytest.raises(FilterError, match="isnull"):
        Eq("x", None)
