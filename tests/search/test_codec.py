from __future__ import annotations

import datetime as dt
import enum
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.errors import FilterError
from dawnlight.search import (
    KINDS,
    And,
    Document,
    Eq,
    Expression,
    IsNotNull,
    IsNull,
    Ne,
    Not,
    Or,
    Properties,
    Range,
    ResolutionValue,
)
from dawnlight.search._codec import MAX_TERMS
from dawnlight.testing._strategies import document_lists, expressions

p = Properties()


class Tier(enum.StrEnum):
    FIRST = "first"


# Python, JSON:API form, plain form; the key order of the JSON:API form is part of it.
FORMS = [
    (p.x == "v", '{"op":"eq","name":"x","val":"v"}', {"eq": {"x": "v"}}),
    (p.x != "v", '{"op":"ne","name":"x","val":"v"}', {"ne": {"x": "v"}}),
    (p.x > 1, '{"name":"x","op":"gt","val":1}', {"range": {"x": {"gt": 1}}}),
    (p.x >= 1, '{"name":"x","op":"gte","val":1}', {"range": {"x": {"gte": 1}}}),
    (p.x < 1, '{"name":"x","op":"lt","val":1}', {"range": {"x": {"lt": 1}}}),
    (p.x <= 1, '{"name":"x","op":"lte","val":1}', {"range": {"x": {"lte": 1}}}),
    (
        1 < p.x <= 2,
        '{"and":[{"name":"x","op":"gt","val":1},{"name":"x","op":"lte","val":2}]}',
        {"range": {"x": {"gt": 1, "lte": 2}}},
    ),
    (
        p.x.any_of(["a", "b"]),
        '{"or":[{"op":"eq","name":"x","val":"a"},{"op":"eq","name":"x","val":"b"}]}',
        {"or": [{"eq": {"x": "a"}}, {"eq": {"x": "b"}}]},
    ),
    (p.x.in_(["a"]), '{"op":"eq","name":"x","val":"a"}', {"eq": {"x": "a"}}),
    (p.x.prefix("s"), '{"op":"prefix","name":"x","val":"s"}', {"prefix": {"x": "s"}}),
    (p.x.startswith("s"), '{"op":"prefix","name":"x","val":"s"}', {"prefix": {"x": "s"}}),
    (p.x.isnull, '{"name":"x","op":"isnull"}', {"isnull": "x"}),
    (p.x.isnotnull, '{"name":"x","op":"isnotnull"}', {"isnotnull": "x"}),
    (p.x.like("a%"), '{"name":"x","op":"like","val":"a%"}', {"like": {"x": "a%"}}),
    (p.x.ilike("a%"), '{"name":"x","op":"ilike","val":"a%"}', {"ilike": {"x": "a%"}}),
    (
        (p.x == 1) & (p.y < 2),
        '{"and":[{"op":"eq","name":"x","val":1},{"name":"y","op":"lt","val":2}]}',
        {"and": [{"eq": {"x": 1}}, {"range": {"y": {"lt": 2}}}]},
    ),
    (
        (p.x == 1) | (p.y < 2),
        '{"or":[{"op":"eq","name":"x","val":1},{"name":"y","op":"lt","val":2}]}',
        {"or": [{"eq": {"x": 1}}, {"range": {"y": {"lt": 2}}}]},
    ),
    (~(p.x == 1), '{"not":{"op":"eq","name":"x","val":1}}', {"not": {"eq": {"x": 1}}}),
    (
        (p.x == 1) & ((p.y == 2) | ~p.z.isnull),
        '{"and":[{"op":"eq","name":"x","val":1},{"or":[{"op":"eq","name":"y","val":2},'
        '{"not":{"name":"z","op":"isnull"}}]}]}',
        {"and": [{"eq": {"x": 1}}, {"or": [{"eq": {"y": 2}}, {"not": {"isnull": "z"}}]}]},
    ),
    (p.product == "p", '{"op":"eq","name":"product_id","val":"p"}', {"eq": {"product_id": "p"}}),
    (
        p.extra_properties.foo == True,  # noqa: E712 - makes an expression
        '{"op":"eq","name":"extra_properties.foo","val":true}',
        {"eq": {"extra_properties.foo": True}},
    ),
    (
        p.x == ResolutionValue(10, "meters"),
        '{"op":"eq","name":"x","val":{"value":10,"unit":"meters"}}',
        {"eq": {"x": {"value": 10, "unit": "meters"}}},
    ),
    (p.x == dt.datetime(2023, 7, 1), '{"op":"eq","name":"x","val":"2023-07-01T00:00:00Z"}', None),
    (p.x == Tier.FIRST, '{"op":"eq","name":"x","val":"first"}', {"eq": {"x": "first"}}),
    (And(()), '{"and":[]}', {"and": []}),
    (Or(()), '{"or":[]}', {"or": []}),
    (And((p.x == 1,)), '{"and":[{"op":"eq","name":"x","val":1}]}', {"and": [{"eq": {"x": 1}}]}),
]


@pytest.mark.parametrize(("expression", "jsonapi", "plain"), FORMS, ids=[repr(form[0]) for form in FORMS])
def test_both_forms_are_those_of_the_contract_and_read_back(expression, jsonapi, plain):
    assert json.dumps(expression.jsonapi_serialize(), separators=(",", ":")) == jsonapi
    assert Expression.parse(jsonapi).is_same(expression)
    assert Expression.parse(json.loads(jsonapi)).is_same(expression)
    if plain is not None:
        assert expression.serialize() == plain
    assert Expression.parse(expression.serialize()).is_same(expression)
    assert Expression.parse(json.dumps(expression.serialize())).is_same(expression)


@pytest.mark.parametrize("op", ["gt", "gte", "lt", "lte"])
def test_plain_form_also_reads_single_bounds(op):
    assert Expression.parse({op: {"x": 1}}).is_same(Range("x", **{op: 1}))


def test_list_is_a_conjunction():
    assert Expression.parse([{"eq": {"x": 1}}, {"isnull": "y"}]).is_same((p.x == 1) & p.y.isnull)
    assert Expression.parse([{"eq": {"x": 1}}]).is_same(p.x == 1)
    assert Expression.parse([]).is_same(And(()))
    assert Expression.parse("[]").is_same(And(()))


def test_null_reads_as_a_test_for_null():
    assert Expression.parse({"op": "eq", "name": "x", "val": None}).is_same(IsNull("x"))
    assert Expression.parse({"op": "ne", "name": "x", "val": None}).is_same(IsNotNull("x"))
    assert Expression.parse({"eq": {"x": None}}).is_same(IsNull("x"))


def test_id_equality_takes_a_list():
    assert Expression.parse({"op": "eq", "name": "id", "val": ["a", "b"]}).is_same(
        Or((Eq("id", "a"), Eq("id", "b")))
    )
    assert Expression.parse({"op": "eq", "name": "id", "val": ["a"]}).is_same(Eq("id", "a"))
    assert Expression.parse({"op": "eq", "name": "id", "val": []}).is_same(Or(()))
    with pytest.raises(FilterError):
        Expression.parse({"op": "eq", "name": "name", "val": ["a"]})


def test_bounds_of_different_fields_or_twice_the_same_are_not_joined():
    for data in (
        [("x", "gt", 1), ("y", "lt", 2)],
        [("x", "gt", 1), ("x", "gt", 2)],
        [("x", "gt", 1)],
    ):
        terms = [{"name": name, "op": op, "val": value} for name, op, value in data]
        found = Expression.parse({"and": terms})
        assert found.is_same(And(tuple(Range(name, **{op: value}) for name, op, value in data)))


def test_kind_checks_names_and_spells_truth_values():
    assert (p.is_core == 1).jsonapi_serialize("product") == {"op": "eq", "name": "is_core", "val": True}
    assert (p.cloud_fraction == True).jsonapi_serialize("image")["val"] is True  # noqa: E712
    assert (p.cloud_fraction == 1).jsonapi_serialize("image")["val"] == 1
    assert (p.status == "BYTE").jsonapi_serialize("image_upload")["val"] == "BYTE"
    for make in (lambda: p.nope == 1, lambda: p.nope.isnull, lambda: (p.tags == "x") & ~(p.nope > 1)):
        with pytest.raises(FilterError, match="no attribute 'nope'"):
            make().jsonapi_serialize("image")


def nested(levels):
    value = 1
    for _ in range(levels):
        value = {"value": value, "unit": "meters"}
    return value


BAD = {
    "deep resolution": {"op": "eq", "name": "x", "val": nested(50_000)},
    "not json": "{",
    "empty": "",
    "number": 5,
    "json number": "5",
    "null": None,
    "json null": "null",
    "string": '"x"',
    "nan": '{"eq":{"x":NaN}}',
    "infinity": '{"op":"eq","name":"x","val":-Infinity}',
    "huge number": '{"eq":{"x":' + "9" * 10_000 + "}}",
    "overflowing number": '{"eq":{"x":1e999}}',
    "empty mapping": {},
    "two keys": {"eq": {"x": 1}, "ne": {"x": 2}},
    "two names": {"eq": {"x": 1, "y": 2}},
    "no names": {"eq": {}},
    "unknown operator": {"between": {"x": [1, 2]}},
    "unknown op": {"op": "between", "name": "x", "val": 1},
    "upper case": {"op": "EQ", "name": "x", "val": 1},
    "upper case plain": {"Eq": {"x": 1}},
    "op range": {"op": "range", "name": "x", "val": {"gt": 1}},
    "op and": {"op": "and", "name": "x", "val": []},
    "op list": {"op": ["eq"], "name": "x", "val": 1},
    "no name": {"op": "eq", "val": 1},
    "empty name": {"op": "eq", "name": "", "val": 1},
    "number name": {"op": "isnull", "name": 5},
    "no val": {"op": "eq", "name": "x"},
    "extra key": {"op": "eq", "name": "x", "val": 1, "foo": 2},
    "list val": {"op": "eq", "name": "x", "val": [1]},
    "mapping val": {"op": "eq", "name": "x", "val": {"a": 1}},
    "bad unit": {"op": "eq", "name": "x", "val": {"value": 1, "unit": "parsecs"}},
    "nested value": {"op": "eq", "name": "x", "val": {"value": {"value": 1}, "unit": {}}},
    "prefix number": {"prefix": {"x": 5}},
    "like null": {"op": "like", "name": "x", "val": None},
    "gt null": {"op": "gt", "name": "x", "val": None},
    "empty range": {"range": {"x": {}}},
    "range number": {"range": {"x": 5}},
    "range eq": {"range": {"x": {"eq": 5}}},
    "range null": {"range": {"x": {"gt": None}}},
    "isnull mapping": {"isnull": {"x": 1}},
    "and mapping": {"and": {"eq": {"x": 1}}},
    "and string": {"and": "abc"},
    "or number": {"or": 5},
    "not nothing": {"not": None},
    "list in list": [[5]],
    "bytes": b'{"eq":{"x":1}}',
    "deep": "[" * 200_000,
    "deep not": '{"not":' * 100 + '{"eq":{"x":1}}' + "}" * 100,
    "deep and": '{"and":[' * 100 + "]}" * 100,
    "deep closed": '{"and":[' * 5000 + "]}" * 5000,
    "deep value": '{"eq":{"x":' + "[" * 500 + "]" * 500 + "}}",
    "wide": {"or": [{"isnull": "x"}] * (MAX_TERMS + 1)},
    "wide list": [{"isnull": "x"}] * (MAX_TERMS + 1),
    "wide ids": {"op": "eq", "name": "id", "val": ["a"] * (MAX_TERMS + 1)},
    "long": " " * (17 * 2**20),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_hostile_input_is_refused_with_one_error_and_a_short_message(data):
    with pytest.raises(FilterError) as caught:
        Expression.parse(data)
    assert len(str(caught.value)) < 1000


def test_depth_that_just_fits():
    text = '{"and":[' * 63 + "" + "]}" * 63
    assert Expression.parse(text).depth == 63


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["op", "name", "val", "and", "or", "not", "eq", "range", "gt", "isnull", "x", "value", "unit"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_any_json_is_read_or_refused(data):
    try:
        expression = Expression.parse(data)
    except FilterError:
        return
    assert Expression.parse(expression.serialize()).is_same(expression) or "not" in str(data)


@pytest.mark.parametrize("kind", KINDS)
def test_forms_round_trip(kind):
    @settings(max_examples=30, deadline=None)
    @given(expressions(kind), document_lists(kind, max_size=4, sloppy=True))
    def check(expression, documents):
        plain = Expression.parse(json.dumps(expression.serialize()))
        jsonapi = Expression.parse(json.dumps(expression.jsonapi_serialize(kind)))
        assert plain.serialize() == Expression.parse(plain.serialize()).serialize()
        expected = [expression.evaluate(document) for document in documents]
        assert [plain.evaluate(document) for document in documents] == expected
        assert [jsonapi.evaluate(document) for document in documents] == expected

    check()


def test_not_of_not_is_read_as_the_condition():
    document = Document(kind="image", id="p:a", attributes={})
    found = Expression.parse({"not": {"not": {"isnull": "tags"}}})
    assert found.is_same(IsNull("tags"))
    assert Not(Not(IsNull("tags"))).evaluate(document) is found.evaluate(document)


def test_ne_is_kept():
    assert isinstance(Expression.parse({"ne": {"x": 1}}), Ne)
