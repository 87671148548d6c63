from __future__ import annotations

import pytest
import shapely

from dawnlight.errors import GeometryError
from dawnlight.search import Document, Query, footprint, matches, search_shapes

ANYWHERE = shapely.box(-180, -90, 180, 90)


def image(geometry):
    if isinstance(geometry, shapely.geometry.base.BaseGeometry):
        geometry = shapely.geometry.mapping(geometry)
    return Document(kind="image", id="p:a", attributes={"geometry": geometry})


def meets(place, geometry, **options):
    return matches(Query(kind="image").intersecting(place, **options), image(geometry))


box = shapely.box
MEETS = {
    "inside": (box(0, 0, 10, 10), box(2, 2, 3, 3)),
    "overlap": (box(0, 0, 10, 10), box(5, 5, 15, 15)),
    "edge": (box(0, 0, 10, 10), box(10, 0, 20, 10)),
    "corner": (box(0, 0, 10, 10), box(10, 10, 20, 20)),
    "point on border": (shapely.Point(10, 5), box(0, 0, 10, 10)),
    "line": (shapely.LineString([(-5, 5), (15, 5)]), box(0, 0, 10, 10)),
    "both across": (box(170, 0, 190, 10), box(175, 5, 185, 15)),
    "across and east of it": (box(170, 0, 190, 10), box(-175, 0, -172, 5)),
    "across and west of it": (box(170, 0, 190, 10), box(172, 0, 175, 5)),
    "across the other way": (box(-190, 0, -170, 10), box(175, 0, 178, 5)),
    "one turn apart": (box(185, 0, 190, 10), box(-174, 2, -171, 3)),
    "two turns": (box(-300, 0, -290, 10), box(60, 0, 70, 10)),
    "touching at the antimeridian": (box(170, 0, 180, 10), box(-180, 0, -170, 10)),
    "touching at the antimeridian, swapped": (box(-180, 0, -170, 10), box(170, 0, 180, 10)),
    "corner at the antimeridian": (box(170, 0, 180, 10), box(-180, 10, -170, 20)),
    "point at 180 and at -180": (shapely.Point(180, 5), shapely.Point(-180, 5)),
    "split and touching": (box(170, 0, 190, 10), shapely.Point(-180, 10)),
    "north pole": (box(0, 80, 10, 90), box(100, 80, 110, 90)),
    "south pole": (box(0, -90, 10, -80), box(100, -90, 110, -80)),
    "pole as a point": (shapely.Point(0, 90), box(100, 80, 110, 90)),
    "polar cap": (box(-180, 80, 180, 90), box(100, 85, 110, 88)),
    "whole world": (ANYWHERE, box(100, 85, 110, 88)),
    "bow tie": (shapely.Point(2, 3.5), shapely.Polygon([(0, 0), (4, 4), (0, 4), (4, 0)])),
    "bow tie asked": (shapely.Polygon([(0, 0), (4, 4), (0, 4), (4, 0)]), shapely.Point(2, 3)),
    "collection": (box(0, 0, 1, 1), shapely.GeometryCollection([shapely.Point(50, 50), box(0.5, 0.5, 2, 2)])),
    "collection asked": (
        shapely.GeometryCollection([shapely.Point(50, 50), box(0, 0, 1, 1)]),
        shapely.Point(50, 50),
    ),
    "heights": (box(0, 0, 10, 10), shapely.Point(5, 5, 100)),
}


@pytest.mark.parametrize(("place", "geometry"), MEETS.values(), ids=MEETS)
def test_meets(place, geometry):
    assert meets(place, geometry)
    assert meets(geometry, place)


APART = {
    "beside": (box(0, 0, 10, 10), box(10.001, 0, 20, 10)),
    "other side of the world": (box(170, 0, 190, 10), box(-10, 0, 10, 10)),
    "between the parts": (box(170, 0, 190, 10), box(-160, 0, 160, 10)),
    "antimeridian at other latitudes": (box(170, 0, 180, 10), box(-180, 11, -170, 20)),
    "poles apart": (box(0, 80, 10, 90), box(0, -90, 10, -80)),
    "just below the pole": (box(0, 80, 10, 89.999), box(100, 80, 110, 90)),
    "hole": (shapely.Point(5, 5), box(0, 0, 10, 10) - box(2, 2, 8, 8)),
}


@pytest.mark.parametrize(("place", "geometry"), APART.values(), ids=APART)
def test_apart(place, geometry):
    assert not meets(place, geometry)
    assert not meets(geometry, place)


def test_geometry_that_is_missing_matches_when_asked():
    assert not meets(ANYWHERE, None)
    assert meets(ANYWHERE, None, match_null_geometry=True)
    assert not meets(box(0, 0, 1, 1), box(5, 5, 6, 6), match_null_geometry=True)


@pytest.mark.parametrize(
    "geometry",
    [
        "POINT (0 0)",
        {},
        {"type": "Point"},
        {"type": "Point", "coordinates": [0, 91]},
        {"type": "Point", "coordinates": ["a", "b"]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Nonsense", "coordinates": [0, 0]},
        5,
        [],
        [0, 0, 1],
    ],
    ids=repr,
)
def test_geometry_that_cannot_be_read_matches_nothing(geometry):
    assert not meets(ANYWHERE, geometry)
    assert not meets(ANYWHERE, geometry, match_null_geometry=True)
    with pytest.raises(GeometryError):
        footprint(image(geometry))


def test_footprint_is_cut_and_valid():
    found = footprint(image(box(170, 0, 190, 10)))
    assert found.is_valid
    assert sorted(part.bounds for part in found.geoms) == [(-180, 0, -170, 10), (170, 0, 180, 10)]
    assert footprint(image(None)) is None
    assert footprint(image(shapely.Polygon([(0, 0), (4, 4), (0, 4), (4, 0)]))).is_valid


def test_shapes_hold_the_other_copy_of_the_seam_and_of_the_poles():
    bounds = [shape.bounds for shape in search_shapes(box(-180, 80, -170, 90))]
    assert bounds == [(-180, 80, -170, 90), (180, 80, 180, 90), (-180, 90, 180, 90)]
    assert [shape.bounds for shape in search_shapes(box(0, 0, 1, 1))] == [(0, 0, 1, 1)]


def test_geojson_feature_is_understood():
    feature = {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(box(0, 0, 1, 1))}
    assert meets(feature, box(0, 0, 1, 1))
    assert meets((0, 0, 1, 1), box(0, 0, 1, 1))
