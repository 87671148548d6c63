from __future__ import annotations

import json

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.errors import FilterError, GeometryError, ParameterError
from dawnlight.search import (
    KINDS,
    And,
    Document,
    Eq,
    IsNotNull,
    Or,
    Properties,
    Query,
    from_cql2,
    run,
    to_cql2,
)
from dawnlight.testing._strategies import document_lists, queries

p = Properties()
CLOUD = {"property": "cloud_fraction"}
NAME = {"property": "name"}
TAGS = {"property": "tags"}
WHEN = {"property": "acquired"}
POINT = {"type": "Point", "coordinates": [0, 0]}
OPERATORS = ["and", "or", "not", "=", "<", "in", "like", "casei", "isNull", "a_contains", "s_intersects"]


def op(name, *args):
    return {"op": name, "args": list(args)}


def casei(value):
    return op("casei", value)


def null(name):
    return op("isNull", {"property": name})


WRITTEN = {
    "eq": (p.cloud_fraction == 0.5, op("=", CLOUD, 0.5)),
    "ne": (p.cloud_fraction != 0.5, op("or", op("not", op("=", CLOUD, 0.5)), null("cloud_fraction"))),
    "range": (0.1 < p.cloud_fraction <= 0.5, op("and", op(">", CLOUD, 0.1), op("<=", CLOUD, 0.5))),
    "not range": (
        ~(p.cloud_fraction < 0.5),
        op("or", op("not", op("<", CLOUD, 0.5)), null("cloud_fraction")),
    ),
    "time": (p.acquired >= "2023-07-01", op(">=", WHEN, {"timestamp": "2023-07-01T00:00:00Z"})),
    "prefix": (p.name.prefix(r"a_%\b"), op("like", NAME, r"a\_\%\\b%")),
    "like": (p.name.like("a%"), op("like", NAME, "a%")),
    "ilike": (p.name.ilike("a%"), op("like", casei(NAME), casei("a%"))),
    "isnull": (p.cloud_fraction.isnull, null("cloud_fraction")),
    "isnotnull": (p.cloud_fraction.isnotnull, op("not", null("cloud_fraction"))),
    "not isnotnull": (~p.cloud_fraction.isnotnull, null("cloud_fraction")),
    "list": (p.tags == "a", op("a_contains", TAGS, ["a"])),
    "not and": (
        ~(p.cloud_fraction.isnull & (p.name == "a")),
        op("or", op("not", null("cloud_fraction")), op("or", op("not", op("=", NAME, "a")), null("name"))),
    ),
    "any_of": (p.name.any_of(["a", "b"]), op("or", op("=", NAME, "a"), op("=", NAME, "b"))),
    "extra": (p.extra_properties["eo:x"] == True, op("=", {"property": "extra_properties.eo:x"}, True)),  # noqa: E712
    "always": (And(()), None),
    "never": (Or(()), null("id")),
    "and never": ((p.name == "a") & ~And(()), null("id")),
    "or never": ((p.name == "a") | Or(()), op("=", NAME, "a")),
}


@pytest.mark.parametrize(("where", "node"), WRITTEN.values(), ids=WRITTEN)
def test_filters_are_written(where, node):
    assert to_cql2(Query(kind="image", where=where)) == node


def test_resolutions_are_written_in_meters():
    where = p.resolution <= "0.5 degrees"
    assert to_cql2(Query(kind="band", where=where)) == op("<=", {"property": "resolution"}, 55555.5)


def test_geometry_is_written_and_read():
    query = Query(kind="image", where=p.name == "a").intersecting(shapely.Point(5, 60))
    place = op("s_intersects", {"property": "geometry"}, {"type": "Point", "coordinates": (5.0, 60.0)})
    assert to_cql2(query) == op("and", op("=", NAME, "a"), place)
    assert from_cql2("image", json.dumps(to_cql2(query))) == query
    query = query.intersecting(shapely.box(170, 0, 190, 10), match_null_geometry=True)
    found = from_cql2("image", json.dumps(to_cql2(query)))
    assert found.match_null_geometry
    assert found.where.is_same(query.where)
    assert found.geometry.equals(query.geometry)


@pytest.mark.parametrize("where", [p.tags.prefix("a"), ~p.tags.like("%"), p.tags.ilike("a") & p.tags.isnull])
def test_what_cql2_cannot_say_is_refused(where):
    with pytest.raises(FilterError, match="CQL2 cannot say"):
        to_cql2(Query(kind="image", where=where))
    with pytest.raises(FilterError, match="no text search"):
        to_cql2(Query(kind="product").with_text("a"))


READ = {
    "eq": (op("=", NAME, "a"), p.name == "a"),
    "swapped": (op(">", 0.5, CLOUD), p.cloud_fraction < 0.5),
    "ne is not null": (op("<>", NAME, "a"), (p.name != "a") & p.name.isnotnull),
    "not lt is not null": (op("not", op("<", CLOUD, 0.5)), p.cloud_fraction >= 0.5),
    "between": (op("between", CLOUD, 0.1, 0.5), 0.1 <= p.cloud_fraction <= 0.5),
    "not between": (
        op("not", op("between", CLOUD, 0.1, 0.5)),
        (p.cloud_fraction < 0.1) | (p.cloud_fraction > 0.5),
    ),
    "in": (op("in", NAME, ["a", "b"]), p.name.any_of(["a", "b"])),
    "in nothing": (op("in", NAME, []), Or(())),
    "not in": (op("not", op("in", NAME, ["a"])), (p.name != "a") & p.name.isnotnull),
    "like": (op("like", NAME, "a%"), p.name.like("a%")),
    "not like": (op("not", op("like", NAME, "a%")), ~p.name.like("a%") & p.name.isnotnull),
    "casei like": (op("like", casei(NAME), casei("A%")), p.name.ilike("A%")),
    "casei eq": (op("=", casei(NAME), casei("A%")), p.name.ilike(r"A\%")),
    "casei swapped": (op("<>", "A", casei(NAME)), ~p.name.ilike("A") & p.name.isnotnull),
    "is null": (null("acquired"), p.acquired.isnull),
    "timestamp": (op(">", WHEN, {"timestamp": "2023-07-01T00:00:00Z"}), p.acquired > "2023-07-01T00:00:00Z"),
    "date": (op(">", WHEN, {"date": "2023-07-01"}), p.acquired > "2023-07-01"),
    "contains": (op("a_contains", TAGS, ["a", "b"]), (p.tags == "a") & (p.tags == "b") & p.tags.isnotnull),
    "overlaps": (op("a_overlaps", TAGS, ["a"]), Or((p.tags == "a",)) & p.tags.isnotnull),
    "and": (op("and", op("=", NAME, "a"), null("acquired")), (p.name == "a") & p.acquired.isnull),
    "nested and": (
        op("and", op("and", op("=", NAME, "a"), null("acquired")), null("tags")),
        (p.name == "a") & p.acquired.isnull & p.tags.isnull,
    ),
    "or": (op("or", op("=", NAME, "a"), null("acquired")), (p.name == "a") | p.acquired.isnull),
    "not or": (
        op("not", op("or", op("=", NAME, "a"), null("acquired"))),
        (p.name != "a") & p.name.isnotnull & p.acquired.isnotnull,
    ),
    "true": (True, And(())),
    "false": (False, Or(())),
}


@pytest.mark.parametrize(("node", "where"), READ.values(), ids=READ)
def test_filters_are_read(node, where):
    images = [
        Document(kind="image", id=f"p:{name}{i}", attributes={"name": name, "cloud_fraction": cloud, **rest})
        for name in ("a", "A", "b", "A%", None)
        for i, (cloud, rest) in enumerate(
            [
                (0.3, {}),
                (0.5, {"tags": ["a"]}),
                (None, {"tags": ["a", "b"], "acquired": "2023-07-02T00:00:00Z"}),
            ]
        )
    ]
    for data in (node, json.dumps(node)):
        assert run(from_cql2("image", data), images) == run(Query(kind="image", where=where), images)


BAD = {
    "number": 5,
    "none": None,
    "list": [],
    "text": "{",
    "json text": '"a"',
    "no op": {"args": []},
    "op number": {"op": 5, "args": []},
    "unknown": op("t_after", WHEN, {"timestamp": "2023-07-01T00:00:00Z"}),
    "no args": {"op": "="},
    "args mapping": {"op": "and", "args": {}},
    "too few": op("=", NAME),
    "too many": op("not", True, True),
    "two literals": op("=", 1, 0),
    "two properties": op("=", NAME, {"property": "id"}),
    "arithmetic": op("=", CLOUD, op("+", CLOUD, 1)),
    "property number": op("=", {"property": 5}, 1),
    "null literal": op("=", NAME, None),
    "list literal": op("=", NAME, ["a"]),
    "nan": '{"op":"=","args":[{"property":"cloud_fraction"},NaN]}',
    "timestamp number": op("=", WHEN, {"timestamp": 5}),
    "timestamp and date": op("=", WHEN, {"timestamp": "2023", "date": "2023"}),
    "garbage time": op("=", WHEN, {"timestamp": "now()"}),
    "unknown property": op("=", {"property": "eo:cloud_cover"}, 5),
    "wrong type": op("=", CLOUD, "0.5"),
    "like number": op("like", NAME, 5),
    "casei lt": op("<", casei(NAME), "a"),
    "casei number": op("=", casei(NAME), casei(5)),
    "casei in casei": op("=", casei(casei(NAME)), "a"),
    "in text": op("in", NAME, "abc"),
    "in list": op("in", NAME, [["a"]]),
    "in long": op("in", NAME, ["a"] * 50_001),
    "many in": op("or", *[op("in", NAME, ["a"] * 1000)] * 51),
    "contains text": op("a_contains", TAGS, "a"),
    "contains property": op("a_contains", ["a"], TAGS),
    "intersects in or": op("or", null("id"), op("s_intersects", {"property": "geometry"}, {"type": "Point"})),
    "intersects in not": op("not", op("s_intersects", {"property": "geometry"}, {"type": "Point"})),
    "intersects nothing": op("s_intersects", {"property": "geometry"}, {"type": "Point"}),
    "intersects property": op("s_intersects", {"property": "footprint"}, POINT),
    "intersects text": op("s_intersects", {"property": "geometry"}, "POINT (0 0)"),
    "intersects twice": op("and", *[op("s_intersects", {"property": "geometry"}, POINT)] * 2),
    "deep not": '{"op":"not","args":[' * 2000 + "true" + "]}" * 2000,
    "deep and": '{"op":"and","args":[' * 2000 + "true" + "]}" * 2000,
    "deep or": '{"op":"or","args":[' * 100 + "true" + "]}" * 100,
    "deep casei": '{"op":"=","args":['
    + '{"op":"casei","args":[' * 500
    + '{"property":"name"}'
    + "]}" * 500
    + ',"a"]}',
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_hostile_filters_are_refused(data):
    with pytest.raises((FilterError, GeometryError)) as caught:
        from_cql2("image", data)
    assert len(str(caught.value)) < 1500


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["a", "name", "2023"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.fixed_dictionaries(
            {"property": st.sampled_from(["name", "tags", "acquired", "cloud_fraction", "x"])}
        )
        | st.fixed_dictionaries(
            {
                "op": st.sampled_from(OPERATORS),
                "args": st.lists(inner, max_size=3),
            }
        )
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_any_json_is_read_or_refused(data):
    try:
        query = from_cql2("image", data)
    except ParameterError:
        return
    assert query.kind == "image"


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip_keeps_the_answer(kind):
    @settings(max_examples=40, deadline=None)
    @given(queries(kind), document_lists(kind))
    def check(query, documents):
        query = query.limited(None).with_text(None)
        try:
            node = to_cql2(query)
        except FilterError:
            assert any(f"p.{name}" in repr(query.where) for name in ("tags", "owners"))
            return
        read = from_cql2(kind, True if node is None else json.loads(json.dumps(node)))
        found = run(read, documents)
        assert found == sorted(run(query, documents), key=lambda document: document.id)

    check()


@pytest.mark.parametrize("where", [~(p.extra_properties.foo > ""), ~(1 <= p.extra_properties.foo < 2)])
def test_extra_property_of_another_type_keeps_its_answer(where):
    query = Query(kind="image", where=where)
    values = [None, "", "a", 0, 1, True]
    images = [
        Document(kind="image", id=str(i), attributes={"extra_properties": {"foo": v}})
        for i, v in enumerate(values)
    ]
    assert run(from_cql2("image", to_cql2(query)), images) == run(query, images)


def test_between_and_its_negation_of_an_extra_property():
    foo = {"property": "extra_properties.foo"}
    images = [
        Document(kind="image", id=str(i), attributes={"extra_properties": {"foo": v}})
        for i, v in enumerate([5, 0, "x", None])
    ]
    node = op("between", foo, 1, 9)
    assert [image.id for image in run(from_cql2("image", node), images)] == ["0"]
    assert [image.id for image in run(from_cql2("image", op("not", node)), images)] == ["1", "2"]


def test_parts_of_three_valued_answers():
    assert from_cql2("image", op("not", null("id"))).where.is_same(IsNotNull("id"))
    assert from_cql2("image", op("not", op("<>", NAME, "a"))).where.is_same(Eq("name", "a"))
