"""The rules of `dawnlight.search._evaluate`, one table each."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from dawnlight.errors import FilterError
from dawnlight.search import (
    KINDS,
    And,
    Document,
    Eq,
    ILike,
    IsNotNull,
    IsNull,
    Like,
    Ne,
    Not,
    Or,
    Prefix,
    Properties,
    Range,
    ResolutionValue,
    compile_expression,
    evaluate,
)
from dawnlight.testing._strategies import documents, expressions

p = Properties()


def image(**attributes):
    return Document(kind="image", id="p:a", attributes={"product_id": "p", "name": "a", **attributes})


def extra(value):
    return image(extra_properties={"foo": value})


def band(**attributes):
    return Document(kind="band", id="p:red", attributes={"product_id": "p", "name": "red", **attributes})


def meters(value):
    return band(resolution={"value": value, "unit": "meters"})


CORE = Document(kind="product", id="p", attributes={"is_core": True})
PLAIN = Document(kind="product", id="p", attributes={"is_core": False})
T = "2023-07-01T00:00:00Z"

# document, expression that holds, and expressions that do not
HOLDS = {
    # strings
    "str eq": (image(satellite_id="ab"), p.satellite_id == "ab"),
    "str ne": (image(satellite_id="ab"), p.satellite_id != "aB"),
    "str gt by code point": (image(satellite_id="a"), p.satellite_id > "Z"),
    "str range": (image(satellite_id="b"), "a" < p.satellite_id <= "b"),
    "str order beyond the basic plane": (image(satellite_id="😀"), p.satellite_id > "\uffff"),
    "str prefix": (image(satellite_id="abc"), p.satellite_id.prefix("ab")),
    "str prefix empty": (image(satellite_id=""), p.satellite_id.prefix("")),
    "str like": (image(satellite_id="a%c"), p.satellite_id.like(r"a\%_")),
    "str ilike": (image(satellite_id="ÄBC"), p.satellite_id.ilike("äb%")),
    "str empty is not null": (image(satellite_id=""), p.satellite_id.isnotnull),
    "id": (image(), p.id == "p:a"),
    "id prefix": (image(), p.id.prefix("p:")),
    "name": (image(), p.name.like("_")),
    "product": (image(), p.product == "p"),
    "product object": (image(), p.product == Document(kind="product", id="p", attributes={})),
    # numbers
    "float eq int": (image(cloud_fraction=1), p.cloud_fraction == 1.0),
    "float eq truth value": (image(cloud_fraction=1.0), p.cloud_fraction == True),  # noqa: E712
    "float negative zero": (image(cloud_fraction=-0.0), p.cloud_fraction == 0),
    "float range": (image(cloud_fraction=0.5), 0.5 <= p.cloud_fraction < 0.6),
    "float exact": (image(cloud_fraction=2**53 + 1), p.cloud_fraction > 2**53),
    "float numpy": (image(cloud_fraction=0.5), np.float32(0.25) < p.cloud_fraction),
    "float two lower bounds": (image(cloud_fraction=0.5), Range("cloud_fraction", gt=0.1, gte=0.5)),
    # truth values
    "bool eq": (CORE, p.is_core == True),  # noqa: E712
    "bool eq 1": (CORE, p.is_core == 1),
    "bool ne": (CORE, p.is_core != False),  # noqa: E712
    "bool false is not null": (PLAIN, p.is_core.isnotnull),
    # times
    "time eq offset": (image(acquired=T), p.acquired == "2023-07-01T02:00:00+02:00"),
    "time eq date": (image(acquired=T), p.acquired == dt.date(2023, 7, 1)),
    "time eq naive": (image(acquired=T), p.acquired == dt.datetime(2023, 7, 1)),
    "time eq numpy": (image(acquired=T), p.acquired == np.datetime64("2023-07-01")),
    "time eq pandas": (image(acquired=T), p.acquired == pd.Timestamp("2023-07-01 02:00", tz="Europe/Oslo")),
    "time eq spelling": (image(acquired="2023-07-01T00:00:00.500Z"), p.acquired == "2023-07-01 00:00:00.5"),
    "time nanosecond apart": (image(acquired="2023-07-01T00:00:00.000000001Z"), p.acquired > T),
    "time ne nanosecond": (image(acquired="2023-07-01T00:00:00.000000001Z"), p.acquired != T),
    "time range": (image(acquired="2023-12-31T23:59:59.999999999Z"), "2023" <= p.acquired < "2024"),
    "time in offset": (image(acquired="2023-07-01T01:00:00+02:00"), p.acquired < T),
    # lists
    "list eq": (image(tags=["a", "b"]), p.tags == "b"),
    "list ne": (image(tags=["a", "b"]), p.tags != "c"),
    "list ne empty": (image(tags=[]), p.tags != "c"),
    "list prefix": (image(tags=["a", "bcd"]), p.tags.prefix("bc")),
    "list like": (image(tags=["a", "bcd"]), p.tags.like("b%")),
    "list ilike": (image(tags=["a", "bcd"]), p.tags.ilike("B%")),
    "list any_of": (image(tags=["a", "b"]), p.tags.any_of(["x", "b"])),
    "list both": (image(tags=["a", "b"]), (p.tags == "a") & (p.tags == "b")),
    "list empty is null": (image(tags=[]), p.tags.isnull),
    "list of one is not null": (image(tags=["a"]), p.tags.isnotnull),
    "list of numbers": (image(bits_per_pixel=[8, 16.0]), p.bits_per_pixel == 16),
    # resolutions
    "resolution bare": (meters(60), p.resolution == 60),
    "resolution text": (meters(60.0), p.resolution == "60 m"),
    "resolution value": (meters(60), p.resolution == ResolutionValue(60, "meters")),
    "resolution degrees": (meters(111111.0), p.resolution == "1 degree"),
    "resolution mixed": (band(resolution={"value": 0.5, "unit": "degrees"}), p.resolution > 55555),
    "resolution range": (meters(15), 10 < p.resolution <= 30),
    # extra properties
    "extra str": (extra("x"), p.extra_properties.foo == "x"),
    "extra number": (extra(5), p.extra_properties.foo == 5.0),
    "extra bool": (extra(True), p.extra_properties.foo == True),  # noqa: E712
    "extra range": (extra(5), 4 < p.extra_properties.foo < 6),
    "extra str range": (extra("b"), "a" < p.extra_properties.foo < "c"),
    "extra prefix": (extra("bc"), p.extra_properties.foo.prefix("b")),
    "extra ne other type": (extra("5"), p.extra_properties.foo != 5),
    "extra ne bool": (extra(True), p.extra_properties.foo != 1),
    "extra key with dots": (image(extra_properties={"a.b": 1}), p.extra_properties["a.b"] == 1),
    # null and structures
    "geometry null": (image(), p.geometry.isnull),
    "geometry not null": (image(geometry={"type": "Point", "coordinates": [0, 0]}), p.geometry.isnotnull),
    "files not null": (image(files=[{"href": "x"}]), p.files.isnotnull),
    "files empty": (image(files=[]), p.files.isnull),
    # combinations
    "and": (image(cloud_fraction=0.5, tags=["a"]), (p.cloud_fraction > 0) & (p.tags == "a")),
    "or": (image(cloud_fraction=0.5), (p.cloud_fraction > 1) | p.tags.isnull),
    "not": (image(cloud_fraction=0.5), ~(p.cloud_fraction > 1)),
    "empty and": (image(), And(())),
    "not empty or": (image(), Not(Or(()))),
    "any_of": (image(satellite_id="b"), p.satellite_id.any_of(["a", "b"])),
    "any_of number": (image(cloud_fraction=1.0), p.cloud_fraction.any_of([0, 1])),
    "any_of with null": (image(), p.satellite_id.any_of(["a", None])),
    "any_of time": (image(acquired=T), p.acquired.any_of(["2022", "2023-07-01"])),
}


@pytest.mark.parametrize(("document", "expression"), HOLDS.values(), ids=HOLDS)
def test_holds(document, expression):
    assert evaluate(expression, document) is True
    assert evaluate(~expression, document) is False
    assert expression.evaluate(document) is True


FAILS = {
    "str eq case": (image(satellite_id="ab"), p.satellite_id == "AB"),
    "str prefix case": (image(satellite_id="ab"), p.satellite_id.prefix("A")),
    "str like case": (image(satellite_id="ab"), p.satellite_id.like("A%")),
    "str like is anchored": (image(satellite_id="abc"), p.satellite_id.like("b")),
    "str ne": (image(satellite_id="ab"), p.satellite_id != "ab"),
    "list eq substring": (image(tags=["test"]), p.tags == "t"),
    "list ne": (image(tags=["a", "b"]), p.tags != "b"),
    "list text is no list": (image(tags="abc"), p.tags == "abc"),
    "time exclusive": (image(acquired=T), p.acquired < T),
    "bool": (PLAIN, p.is_core == True),  # noqa: E712
    "extra numeric text": (extra("5"), p.extra_properties.foo == 5),
    "extra text of number": (extra(5), p.extra_properties.foo == "5"),
    "extra bool is no number": (extra(True), p.extra_properties.foo == 1),
    "extra number is no bool": (extra(1), p.extra_properties.foo == True),  # noqa: E712
    "extra bool has no order": (extra(True), p.extra_properties.foo > 0),
    "extra mixed bounds": (extra(5), Range("extra_properties.foo", gt=1, lt="z")),
    "extra prefix of number": (extra(55), p.extra_properties.foo.prefix("5")),
    "extra nested": (extra({"bar": 1}), p.extra_properties["foo.bar"] == 1),
    "any_of": (image(satellite_id="c"), p.satellite_id.any_of(["a", "b"])),
    "any_of tells bool from number": (extra(1), p.extra_properties.foo.any_of([True, "1"])),
    "empty or": (image(), Or(())),
    "product": (image(), p.product == "q"),
    "resolution": (meters(60), p.resolution == "60 degrees"),
}


@pytest.mark.parametrize(("document", "expression"), FAILS.values(), ids=FAILS)
def test_does_not_hold(document, expression):
    assert evaluate(expression, document) is False
    assert evaluate(~expression, document) is True


VALUES = {
    "satellite_id": "a",
    "cloud_fraction": 0.5,
    "acquired": T,
    "tags": "a",
    "extra_properties.foo": "a",
    "extra_properties.bar": 5,
}
NULLS = {
    "satellite_id": [None, 5, True, ["a"], {"a": 1}, float("nan")],
    "cloud_fraction": [None, "0.5", True, float("nan"), [0.5], {}],
    "acquired": [None, "garbage", "", 2023, "2023-13-01", [T]],
    "tags": [None, [], "a", 5, {"a": "a"}],
    "extra_properties": [None, {}, {"foo": None, "bar": None}, "foo", ["foo"], {"foo": ["a"], "bar": {}}],
}


def null_cases():
    for name, value in VALUES.items():
        head = name.partition(".")[0]
        for null in NULLS[head]:
            yield pytest.param(name, value, image(**{head: null}), id=f"{name}-{null!r}")
        yield pytest.param(name, value, image(), id=f"{name}-missing")


@pytest.mark.parametrize(("name", "value", "document"), list(null_cases()))
def test_null_meets_no_comparison_but_ne(name, value, document):
    comparisons = [Eq(name, value), Or((Eq(name, value), Eq(name, value)))]
    if name != "tags":
        comparisons += [Range(name, **{op: value}) for op in ("gt", "gte", "lt", "lte")]
    if isinstance(value, str) and name != "acquired":
        comparisons += [Prefix(name, ""), Like(name, "%"), ILike(name, "%")]
    for comparison in comparisons:
        assert evaluate(comparison, document) is False
        assert evaluate(~comparison, document) is True
    assert evaluate(Ne(name, value), document) is True
    assert evaluate(IsNull(name), document) is True
    assert evaluate(IsNotNull(name), document) is False


@pytest.mark.parametrize(
    "resolution",
    [None, {"value": 5, "unit": "miles"}, {"value": None, "unit": "meters"}, {"unit": "meters"}, "60 m", []],
)
def test_resolution_that_cannot_be_compared_is_null(resolution):
    document = band(resolution=resolution)
    assert evaluate(p.resolution.isnull, document)
    assert not evaluate(p.resolution >= -1e9, document)
    assert evaluate(p.resolution != 60, document)


@pytest.mark.parametrize("null", [None, 1, "true", []])
def test_truth_value_that_is_none_is_null(null):
    document = Document(kind="product", id="p", attributes={"is_core": null})
    assert evaluate(p.is_core.isnull, document)
    assert not evaluate(p.is_core == True, document)  # noqa: E712
    assert evaluate(p.is_core != True, document)  # noqa: E712


@pytest.mark.parametrize(
    "expression",
    [
        p.nope == 1,
        p.nope.isnull,
        p.acquired == "garbage",
        p.cloud_fraction.prefix("0"),
        p.cloud_fraction == "0.5",
    ],
    ids=repr,
)
def test_what_does_not_fit_is_an_error_whatever_the_document_holds(expression):
    for document in (image(), image(cloud_fraction=0.5, acquired=T)):
        for whole in (expression, p.id.isnull & expression, p.id.isnotnull | expression):
            with pytest.raises(FilterError):
                evaluate(whole, document)


def test_attributes_that_a_search_cannot_filter_can_be_evaluated():
    document = image(x_pixels=100, cs_code="EPSG:32615")
    assert evaluate((p.x_pixels > 50) & (p.cs_code == "EPSG:32615"), document)


def test_long_choice_is_looked_up_in_a_set():
    test = compile_expression("image", p.name.any_of([f"n{i}" for i in range(50_000)]))
    assert [test(image(name=name)) for name in ("n49999", "n50000")] == [True, False]


@pytest.mark.parametrize("kind", KINDS)
def test_evaluation_is_total_and_two_valued(kind):
    @settings(max_examples=40, deadline=None)
    @given(expressions(kind), expressions(kind), documents(kind, sloppy=True))
    def check(one, other, document):
        a, b = evaluate(one, document), evaluate(other, document)
        assert {type(a), type(b)} == {bool}
        assert evaluate(one & other, document) is (a and b)
        assert evaluate(one | other, document) is (a or b)
        assert evaluate(~one, document) is not a
        assert evaluate(Not(Not(one)), document) is a
        assert evaluate(~(one & other), document) is evaluate(~one | ~other, document)

    check()


@pytest.mark.parametrize("kind", KINDS)
def test_choice_equals_the_parts_of_it(kind):
    @settings(max_examples=30, deadline=None)
    @given(expressions(kind, max_leaves=1), documents(kind, sloppy=True))
    def check(expression, document):
        if isinstance(expression, Or):
            assert evaluate(expression, document) is any(
                evaluate(part, document) for part in expression.parts
            )

    check()
