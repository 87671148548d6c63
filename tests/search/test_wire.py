from __future__ import annotations

import json

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.errors import FilterError, GeometryError, ParameterError
from dawnlight.search import KINDS, Eq, Or, Properties, Query, Range, SortKey, run
from dawnlight.testing._strategies import document_lists, queries

p = Properties()


def test_body_is_that_of_the_contract():
    query = (
        Query(kind="image")
        .filtered(p.product_id == "p")
        .filtered(p.cloud_fraction < 0.5)
        .sorted_by("acquired", ascending=False)
        .limited(5)
        .intersecting(shapely.Point(5, 60), match_null_geometry=True)
    )
    assert query.to_wire() == {
        "sort": "-acquired",
        "intersects": '{"type":"Point","coordinates":[5.0,60.0]}',
        "intersects_none": True,
        "limit": 5,
        "filter": '[{"op":"eq","name":"product_id","val":"p"},{"name":"cloud_fraction","op":"lt","val":0.5}]',
    }
    assert Query(kind="product").with_text("t").to_wire() == {"text": "t"}
    assert Query(kind="image").to_wire() == {}


def test_top_level_conjunction_is_flattened_one_level_only():
    where = (p.area > 1) & ((p.area < 5) | (p.tags == "a")) & (1 < p.view_angle < 2)
    terms = json.loads(Query(kind="image", where=where).to_wire()["filter"])
    assert [list(term) for term in terms] == [["name", "op", "val"], ["or"], ["and"]]
    assert Query.from_wire("image", Query(kind="image", where=where).to_wire()).where.is_same(where)


def test_several_sort_keys():
    query = Query(kind="image").sorted_by("acquired", ascending=False).sorted_by("id")
    assert query.to_wire() == {"sort": "-acquired,id"}
    assert Query.from_wire("image", {"sort": "-acquired, id"}) == query


def test_reads_bodies_of_other_clients():
    body = {
        "filter": '[{"op":"eq","name":"id","val":["p:a","p:b"]},'
        '{"name":"acquired","op":"gte","val":"2023-01-01"}]',
        "sort": "acquired",
        "limit": 0,
        "include": "product",
        "continuation": "abc",
        "per_item_continuations": True,
        "text": None,
        "intersects": None,
        "intersects_none": True,
    }
    query = Query.from_wire("image", body)
    assert query.where.is_same(Or((Eq("id", "p:a"), Eq("id", "p:b"))) & Range("acquired", gte="2023-01-01"))
    assert (query.sort, query.limit, query.text) == ((SortKey("acquired"),), 0, None)
    assert query.geometry is None


@pytest.mark.parametrize(
    "body", [{}, {"filter": None}, {"filter": ""}, {"filter": "[]"}, {"filter": []}, {"sort": ""}]
)
def test_nothing_asked_is_everything(body):
    assert Query.from_wire("image", body) == Query(kind="image")


def test_geometry_may_be_decoded_a_feature_or_across_the_antimeridian():
    box = shapely.geometry.mapping(shapely.box(170, 0, 190, 10))
    expected = Query(kind="image").intersecting(shapely.box(170, 0, 190, 10))
    feature = {"type": "Feature", "geometry": box, "properties": None}
    for value in (box, json.dumps(box), json.dumps(feature)):
        assert Query.from_wire("image", {"intersects": value}).geometry.equals(expected.geometry)


BAD = {
    "body": [],
    "body text": "x",
    "filter": {"filter": "{"},
    "filter deep": {"filter": "[" * 100_000},
    "filter number": {"filter": 5},
    "filter false": {"filter": False},
    "filter name": {"filter": '[{"op":"eq","name":"nope","val":1}]'},
    "filter value": {"filter": '[{"op":"gt","name":"acquired","val":"now()"}]'},
    "sort list": {"sort": ["acquired"]},
    "sort name": {"sort": "acquired; DROP TABLE image"},
    "sort dash": {"sort": "-"},
    "sort dashes": {"sort": "--acquired"},
    "sort commas": {"sort": "acquired,"},
    "sort many": {"sort": ",".join(["acquired"] * 17)},
    "limit": {"limit": -5},
    "limit text": {"limit": "5"},
    "limit nan": {"limit": float("nan")},
    "limit true": {"limit": True},
    "text": {"text": {"a": 1}},
    "text of images": {"text": "a"},
    "intersects text": {"intersects": "POINT (0 0)"},
    "intersects quoted": {"intersects": '"POINT (0 0)"'},
    "intersects number": {"intersects": 5},
    "intersects type": {"intersects": {"type": "Sphere"}},
    "intersects range": {"intersects": {"type": "Point", "coordinates": [0, 91]}},
    "intersects nan": {"intersects": '{"type":"Point","coordinates":[NaN,0]}'},
    "intersects deep": {"intersects": '{"type":"Polygon","coordinates":' + "[" * 100_000},
    "intersects nested": {"intersects": {"type": "GeometryCollection", "geometries": [{"type": "Point"}]}},
    "intersects large": {"intersects": {"type": "MultiPoint", "coordinates": [[0, 0]] * 250_001}},
    "null geometry": {"intersects": {"type": "Point", "coordinates": [0, 0]}, "intersects_none": "yes"},
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
def test_hostile_bodies_are_refused(body):
    with pytest.raises((FilterError, GeometryError)):
        Query.from_wire("image", body)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["Point", "-id", "[]"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "coordinates", "op", "name", "val"]), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = ["filter", "sort", "limit", "text", "intersects", "intersects_none", "include"]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(KEYS), JSON | JSON.map(str), max_size=4))
def test_any_body_is_read_or_refused(kind, body):
    try:
        query = Query.from_wire(kind, body)
    except ParameterError:
        return
    assert query.kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip_keeps_the_answer(kind):
    @settings(max_examples=40, deadline=None)
    @given(queries(kind), document_lists(kind))
    def check(query, documents):
        read = Query.from_wire(kind, json.loads(json.dumps(query.to_wire())))
        assert run(read, documents) == run(query, documents)
        assert read.to_wire() == Query.from_wire(kind, read.to_wire()).to_wire()

    check()
