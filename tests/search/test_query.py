from __future__ import annotations

import dataclasses
import pickle

import pytest
import shapely

from dawnlight.errors import FilterError, GeometryError
from dawnlight.search import Document, Eq, Properties, Query, Range, SortKey, matches, run

p = Properties()
IMAGES = [
    Document(
        kind="image",
        id=f"p:{name}",
        attributes={"cloud_fraction": cloud, "acquired": f"2023-0{i + 1}-01T00:00:00Z"},
    )
    for i, (name, cloud) in enumerate([("a", 0.1), ("b", 0.5), ("c", None), ("d", 0.3)])
]


def ids(query):
    return "".join(document.id[2:] for document in run(query, IMAGES))


def test_builder_returns_changed_copies():
    start = Query(kind="image")
    query = start.filtered(p.cloud_fraction > 0.2).filtered(p.acquired < "2023-04")
    query = query.sorted_by("cloud_fraction", ascending=False).sorted_by("id").limited(3)
    query = query.intersecting((0, 0, 1, 1), match_null_geometry=True)
    assert start == Query(kind="image")
    assert query.where.is_same((p.cloud_fraction > 0.2) & (p.acquired < "2023-04"))
    assert query.sort == (SortKey("cloud_fraction", False), SortKey("id"))
    assert query.limit == 3
    assert query.geometry.equals(shapely.box(0, 0, 1, 1))
    assert query.match_null_geometry is True
    assert query.intersecting(None).geometry is None
    assert Query(kind="product").with_text("a").text == "a"


def test_query_answers():
    query = Query(kind="image")
    assert ids(query) == "abcd"
    assert ids(query.filtered(p.cloud_fraction > 0.2)) == "bd"
    assert ids(query.sorted_by("cloud_fraction", ascending=False)) == "bdac"
    assert ids(query.sorted_by("cloud_fraction").limited(2)) == "ad"
    assert ids(query.limited(0)) == ""
    assert ids(query.limited(99)) == "abcd"


def test_other_kinds_do_not_match():
    assert not matches(Query(kind="band"), IMAGES[0])
    assert run(Query(kind="product"), IMAGES) == []


def test_condition_is_normalised():
    query = Query(kind="image", where=(p.product == "p") & (p.acquired > "2023"))
    expected = Eq("product_id", "p") & Range("acquired", gt="2023-01-01T00:00:00.000000000Z")
    assert query.condition.is_same(expected)
    assert Query(kind="image").condition is None


def test_geometry_is_cut_at_the_antimeridian():
    query = Query(kind="image").intersecting(shapely.box(170, 0, 190, 10))
    assert query.geometry.bounds == (-180, 0, 180, 10)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Query(kind="scene"), "allowed are product, band, image, image_upload"),
        (lambda: Query(kind="image", where=True), "a filter is an expression"),
        (lambda: Query(kind="image").filtered("p.x > 5"), "a filter is an expression"),
        (lambda: Query(kind="image").filtered(None), "a filter is an expression"),
        (lambda: Query(kind="image", where=p.cloud_fractoin > 5), "did you mean cloud_fraction"),
        (lambda: Query(kind="image", where=p.acquired > "garbage"), "garbage"),
        (lambda: Query(kind="image", where=p.cs_code == "EPSG:4326"), "cannot filter on cs_code"),
        (
            lambda: Query(kind="image", where=p.id.isnotnull & ~p.extra_properties.isnull),
            "cannot filter on extra",
        ),
        (lambda: Query(kind="image", limit=-1), "whole number >= 0"),
        (lambda: Query(kind="image", limit=1.0), "whole number >= 0"),
        (lambda: Query(kind="image", limit="1"), "whole number >= 0"),
        (lambda: Query(kind="image", limit=True), "whole number >= 0"),
        (lambda: Query(kind="image", text="landsat"), "no text to search"),
        (lambda: Query(kind="product", text=5), "must be a string"),
        (lambda: Query(kind="product").intersecting((0, 0, 1, 1)), "no geometry to intersect"),
        (lambda: Query(kind="image", geometry="POINT (0 0)"), "shapely geometry"),
        (lambda: Query(kind="image", match_null_geometry=1), "True or False"),
    ],
)
def test_what_does_not_fit_is_refused_when_the_query_is_made(make, words):
    with pytest.raises(FilterError, match=words):
        make()


@pytest.mark.parametrize(
    "geometry", [(0, 0, 1, 91), {"type": "Point"}, shapely.Point(), shapely.Point(400, 0)]
)
def test_geometry_that_cannot_be_searched_is_refused(geometry):
    with pytest.raises(GeometryError):
        Query(kind="image").intersecting(geometry)


def test_query_is_frozen_hashable_and_pickles():
    query = Query(kind="image", where=1 < p.area < 2, sort=[SortKey("acquired")], limit=5).intersecting(
        (0, 0, 1, 1)
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        query.limit = 6
    assert pickle.loads(pickle.dumps(query)) == query
    assert hash(query) == hash(dataclasses.replace(query))
    assert query.sort == (SortKey("acquired"),)
