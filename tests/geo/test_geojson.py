from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from dawnlight.errors import GeometryError
from dawnlight.geo._geojson import parse_geojson

RING = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
HOLE = [[1, 1], [1, 2], [2, 2], [2, 1], [1, 1]]
POLYGON = {"type": "Polygon", "coordinates": [RING, HOLE]}

GOOD: dict[str, tuple[dict[str, Any], str]] = {
    "point": ({"type": "Point", "coordinates": [1, 2]}, "POINT (1 2)"),
    "height": ({"type": "Point", "coordinates": [1, 2, 300]}, "POINT (1 2)"),
    "tuples": ({"type": "LineString", "coordinates": ((0, 0), (1, 1))}, "LINESTRING (0 0, 1 1)"),
    "arrays": ({"type": "LineString", "coordinates": np.eye(2)}, "LINESTRING (1 0, 0 1)"),
    "multi point": ({"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]}, "MULTIPOINT (1 2, 3 4)"),
    "multi line": (
        {"type": "MultiLineString", "coordinates": [[[0, 0], [1, 1]]]},
        "MULTILINESTRING ((0 0, 1 1))",
    ),
    "polygon": (
        POLYGON,
        "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 1 2, 2 2, 2 1, 1 1))",
    ),
    "multi polygon": (
        {"type": "MultiPolygon", "coordinates": [[RING]]},
        "MULTIPOLYGON (((0 0, 4 0, 4 4, 0 4, 0 0)))",
    ),
    "collection": (
        {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 2]}]},
        "GEOMETRYCOLLECTION (POINT (1 2))",
    ),
    "feature": (
        {"type": "Feature", "properties": None, "geometry": {"type": "Point", "coordinates": [1, 2]}},
        "POINT (1 2)",
    ),
    "features": (
        {
            "type": "FeatureCollection",
            "features": [{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}}],
        },
        "GEOMETRYCOLLECTION (POINT (1 2))",
    ),
}


@pytest.mark.parametrize(("mapping", "wkt"), GOOD.values(), ids=GOOD)
def test_reads(mapping: dict[str, Any], wkt: str) -> None:
    assert parse_geojson(mapping) == shapely.from_wkt(wkt)


def test_keeps_full_precision() -> None:
    x, y = 0.1 + 0.2, -33.123456789012345
    assert parse_geojson({"type": "Point", "coordinates": [x, y]}).coords[0] == (x, y)


def test_keeps_self_crossing_polygons_as_they_are() -> None:
    bow = [[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]
    polygon = parse_geojson({"type": "Polygon", "coordinates": [bow]})
    assert not polygon.is_valid
    assert shapely.get_coordinates(polygon).tolist() == bow


BAD: dict[str, tuple[Any, str]] = {
    "no mapping": ([1, 2], "must be a GeoJSON mapping"),
    "no type": ({}, "type=None"),
    "another type": ({"type": "Circle"}, "type='Circle'"),
    "unhashable type": ({"type": []}, r"type=\[\]"),
    "lower case": ({"type": "point", "coordinates": [0, 0]}, "type='point'"),
    "no coordinates": ({"type": "Point"}, "no 'coordinates'"),
    "text coordinates": ({"type": "Point", "coordinates": "12"}, "must be a list"),
    "text number": ({"type": "Point", "coordinates": ["1", 2]}, "not a finite number"),
    "bool": ({"type": "Point", "coordinates": [True, 2]}, "not a finite number"),
    "nan": ({"type": "Point", "coordinates": [float("nan"), 2]}, "not a finite number"),
    "inf": ({"type": "Point", "coordinates": [1, float("inf")]}, "not a finite number"),
    "huge int": ({"type": "Point", "coordinates": [1, 10**400]}, "not a finite number"),
    "none": ({"type": "Point", "coordinates": [1, None]}, "not a finite number"),
    "one number": ({"type": "Point", "coordinates": [1]}, "1 numbers"),
    "nested point": ({"type": "Point", "coordinates": [[1, 2], [3, 4]]}, "not a finite number"),
    "short line": ({"type": "LineString", "coordinates": [[1, 2]]}, "at least 2"),
    "empty line": ({"type": "LineString", "coordinates": []}, "is empty"),
    "flat polygon": ({"type": "Polygon", "coordinates": RING}, "not int|at least 4|must be a list"),
    "short ring": ({"type": "Polygon", "coordinates": [RING[:3]]}, "at least 4"),
    "open ring": ({"type": "Polygon", "coordinates": [[*RING[:4], [9, 9]]]}, "not closed"),
    "no rings": ({"type": "Polygon", "coordinates": []}, "is empty"),
    "open hole": ({"type": "Polygon", "coordinates": [RING, [*HOLE[:4], [9, 9]]]}, r"coordinates\[1\]"),
    "null feature": ({"type": "Feature", "geometry": None}, "without a geometry"),
    "features of no list": ({"type": "FeatureCollection", "features": {}}, "must be a list"),
    "deep place": (
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": "x"}}]},
        r"geometry\.features\[0\]\.geometry\.type='x'",
    ),
}


@pytest.mark.parametrize(("mapping", "message"), BAD.values(), ids=BAD)
def test_refuses_and_names_the_part(mapping: Any, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        parse_geojson(mapping)


def test_refuses_bottomless_nesting() -> None:
    mapping: dict[str, Any] = {"type": "Point", "coordinates": [0, 0]}
    for _ in range(5000):
        mapping = {"type": "GeometryCollection", "geometries": [mapping]}
    with pytest.raises(GeometryError, match="deep"):
        parse_geojson(mapping)


numbers = st.one_of(st.floats(allow_nan=True), st.integers(), st.none(), st.text(max_size=3), st.booleans())
nested = st.recursive(numbers, lambda inner: st.lists(inner, max_size=5), max_leaves=12)
mappings = st.dictionaries(
    st.sampled_from(["type", "coordinates", "geometry", "geometries", "features"]),
    st.one_of(
        st.sampled_from(
            [
                "Point",
                "LineString",
                "Polygon",
                "MultiPolygon",
                "Feature",
                "FeatureCollection",
                "GeometryCollection",
            ]
        ),
        nested,
    ),
)


@given(mappings)
def test_any_mapping_is_read_or_refused(mapping: dict[str, Any]) -> None:
    try:
        geometry = parse_geojson(mapping)
    except GeometryError:
        return
    assert np.isfinite(shapely.get_coordinates(geometry)).all()


coordinates = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


@given(st.lists(coordinates, min_size=3, max_size=9))
def test_round_trip_with_shapely(points: list[tuple[float, float]]) -> None:
    polygon = shapely.Polygon(points)
    assert parse_geojson(shapely.geometry.mapping(polygon)) == polygon
