from __future__ import annotations

import pytest

from dawnlight.errors import FilterError
from dawnlight.search import (
    Eq,
    Expression,
    ILike,
    IsNotNull,
    IsNull,
    Like,
    Ne,
    Prefix,
    Properties,
    Range,
    ResolutionValue,
    normalize_expression,
)

p = Properties()
KEY = "2023-07-01T00:00:00.000000000Z"

NORMAL = [
    ("image", p.product == "p", Eq("product_id", "p")),
    ("image", p.acquired == "2023-07-01", Eq("acquired", KEY)),
    ("image", p.acquired >= "2023-07-01T02:00+02:00", Range("acquired", gte=KEY)),
    ("image", p.cloud_fraction == 1, Eq("cloud_fraction", 1)),
    ("image", p.cloud_fraction == True, Eq("cloud_fraction", 1)),  # noqa: E712
    ("image", p.cloud_fraction < 2**70, Range("cloud_fraction", lt=float(2**70))),
    ("product", p.is_core == 1, Eq("is_core", True)),
    ("product", p.is_core != 0.0, Ne("is_core", False)),
    ("band", p.resolution == 60, Eq("resolution", 60.0)),
    ("band", p.resolution == "60 m", Eq("resolution", 60.0)),
    ("band", p.resolution <= ResolutionValue(2, "degrees"), Range("resolution", lte=222222.0)),
    ("image", p.tags == "x", Eq("tags", "x")),
    ("image", p.tags.prefix("x"), Prefix("tags", "x")),
    ("image", p.extra_properties.foo == "2023-07-01", Eq("extra_properties.foo", "2023-07-01")),
    ("image", p.geometry.isnull, IsNull("geometry")),
    ("image", p.files.isnotnull, IsNotNull("files")),
    ("image", p.name.like("a\\\\"), Like("name", "a\\\\")),
]


@pytest.mark.parametrize(("kind", "expression", "expected"), NORMAL, ids=[repr(case[1]) for case in NORMAL])
def test_values_come_in_the_form_that_compares(kind, expression, expected):
    found = normalize_expression(kind, expression)
    assert found.is_same(expected)
    assert normalize_expression(kind, ~(expression | expression)).is_same(~(expected | expected))


def value_type(kind, expression):
    return type(normalize_expression(kind, expression).value)


def test_resolutions_are_floats_and_truth_values_are_bools():
    assert value_type("band", p.resolution == 60) is float
    assert value_type("product", p.is_core == 1) is bool
    assert value_type("image", p.cloud_fraction == True) is int  # noqa: E712


STR, NUM, WHEN, WHERE = "satellite_id", "cloud_fraction", "acquired", "geometry"
MANY, RES, BOOL, ANY = "tags", "resolution", "is_core", "extra_properties.foo"
REFUSED = [
    ("image", Eq(STR, 5), "a string"),
    ("image", Eq(STR, True), "a string"),
    ("image", Range(STR, gt=5), "a string"),
    ("image", Eq(STR, ResolutionValue(1, "meters")), "a string"),
    ("image", Eq(NUM, "0.5"), "a number"),
    ("image", Range(NUM, gt=0, lt="x"), "a number"),
    ("image", Prefix(NUM, "0"), "prefix with '0' does not fit"),
    ("image", Like(NUM, "0%"), "like"),
    ("image", Eq(NUM, ResolutionValue(1, "meters")), "a number"),
    ("image", Eq(WHEN, "garbage"), "'garbage' is not a point in time"),
    ("image", Range(WHEN, gt="2023-13-01"), "does not exist"),
    ("image", Eq(WHEN, 2023), "a point in time"),
    ("image", Prefix(WHEN, "2023"), "for a period use a range"),
    ("image", Eq(WHERE, "POINT (0 0)"), "intersects"),
    ("image", Range(WHERE, gt=1), "intersects"),
    ("image", Range(MANY, gt="a"), "holds the value"),
    ("image", Eq(MANY, ResolutionValue(1, "meters")), "that the list may hold"),
    ("image", Eq("files", "a"), "allowed are isnotnull, isnull"),
    ("image", Eq("extra_properties", "a"), "allowed are isnotnull, isnull"),
    ("band", Eq(RES, "60"), "with a unit"),
    ("band", Eq(RES, True), "a number of metres"),
    ("band", Like(RES, "60%"), "like"),
    ("product", Eq(BOOL, "True"), "True or False"),
    ("product", Eq(BOOL, 2), "True or False"),
    ("product", Range(BOOL, gt=False), "gt with False does not fit"),
    ("image", Range(ANY, gt=True), "a string, a number"),
    ("image", Eq(ANY, ResolutionValue(1, "meters")), "a string, a number"),
    ("image", ILike(STR, "a\\"), "single backslash"),
    ("image", Like(STR, "a\\\\\\"), "single backslash"),
    ("image", Eq(STR, "a\0"), "NUL"),
    ("image", Eq(ANY, "\ud800"), "surrogate"),
    ("image", Prefix(STR, "\udfff"), "surrogate"),
    ("image", Eq("nope", 1), "no attribute 'nope'"),
    ("image", IsNull("nope"), "no attribute 'nope'"),
    ("image", Eq("cloud_fractoin", 1), "did you mean cloud_fraction"),
    ("band", Eq("cloud_fraction", 1), "band has no attribute"),
    ("image", Eq("image", 1), "no attribute 'image_id'"),
]


@pytest.mark.parametrize(
    ("kind", "expression", "words"), REFUSED, ids=[repr(case[1])[:60] for case in REFUSED]
)
def test_what_does_not_fit_is_refused_naming_field_value_and_what_is_allowed(kind, expression, words):
    for whole in (expression, ~expression, (p.id == "a") & expression, (p.id == "a") | expression):
        with pytest.raises(FilterError, match=expression.name) as caught:
            normalize_expression(kind, whole)
        assert words in str(caught.value)


@pytest.mark.parametrize("expression", [Expression(), True, "p.x > 5", None, [], {"eq": {"x": 1}}])
def test_only_expressions_are_checked(expression):
    with pytest.raises(FilterError, match="a filter is an expression"):
        normalize_expression("image", expression)
