"""Footprints: short way and general way agree, and nothing is lost on the way to the table and back."""

from __future__ import annotations

import math
from typing import Any

import pytest
import shapely
from hypothesis import given

from dawnlight.search import Document, footprint
from dawnlight.storage._checks import Refusal
from dawnlight.storage._footprints import (
    check_geometry,
    decode_footprint,
    decode_footprints,
    encode_footprint,
)
from dawnlight.testing._strategies import wire_geometries


def _ring(*positions: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(position) for position in (*positions, positions[0])]]}


_BOW_TIE = _ring((0, 0), (1, 1), (1, 0), (0, 1))
_DART = _ring((0, 0), (2, 1), (0, 2), (0.5, 1))
_HOLE = {
    "type": "Polygon",
    "coordinates": [
        _ring((0, 0), (4, 0), (4, 4), (0, 4))["coordinates"][0],
        [[1, 1], [2, 1], [2, 2], [1, 1]],
    ],
}
_MIXED = {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 2]}, _DART]}
_ACROSS = _ring((170, 0), (190, 0), (190, 10), (170, 10))


@pytest.mark.parametrize(
    "geometry", [_BOW_TIE, _DART, _HOLE, _MIXED, _ACROSS], ids=["bow", "dart", "hole", "mixed", "across"]
)
def test_the_table_holds_what_searches_see(geometry: dict[str, Any]) -> None:
    checked = check_geometry(geometry)
    encoded = encode_footprint(checked)
    seen = footprint(Document(kind="image", id="", attributes={"geometry": checked}))
    assert shapely.from_wkb(encoded.wkb).equals(seen)
    if encoded.exact:
        assert decode_footprint(encoded.wkb) == checked


@pytest.mark.parametrize(
    "geometries", [[_DART] * 3, [_DART, _BOW_TIE, None], [_HOLE, _HOLE], [_MIXED, _DART], [None], []]
)
def test_many_are_decoded_as_each(geometries: list[dict[str, Any] | None]) -> None:
    wkbs = [None if item is None else encode_footprint(check_geometry(item)).wkb for item in geometries]
    found = decode_footprints(wkbs)
    assert found == [None if wkb is None else decode_footprint(wkb) for wkb in wkbs]


@given(wire_geometries())
def test_bounds_hold_the_footprint(geometry: dict[str, Any]) -> None:
    encoded = encode_footprint(check_geometry(geometry))
    minx, miny, maxx, maxy = encoded.bounds
    assert -180 <= minx <= 180
    assert -180 <= maxx <= 180
    boxes = [shapely.box(minx, miny, maxx, maxy)]
    if minx > maxx:
        boxes = [shapely.box(minx, miny, 180, maxy), shapely.box(-180, miny, maxx, maxy)]
    assert shapely.union_all(boxes).buffer(1e-9).covers(shapely.from_wkb(encoded.wkb))


def test_bounds_across_the_antimeridian_are_narrow() -> None:
    assert encode_footprint(check_geometry(_ACROSS)).bounds == (170.0, 0.0, -170.0, 10.0)


def test_whole_numbers_and_heights_become_plain() -> None:
    ring = [[0, 0, 5], [1, 0, 5], [1, 1, 5], [0, 0, 5]]
    checked = check_geometry({"type": "Polygon", "coordinates": [ring], "bbox": [0, 0, 1, 1]})
    assert checked == {"type": "Polygon", "coordinates": [[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]]}


def test_features_become_their_geometry() -> None:
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [1, 2]}}
    assert check_geometry(feature) == {"type": "Point", "coordinates": [1.0, 2.0]}


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        "POINT (0 0)",
        {},
        {"type": "Polygon"},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]},
        _ring((0, 0), (0, 0), (0, 0)),
        _ring((0, 0), (1, 0), (1, math.nan), (0, 1)),
        _ring((0, 0), (1, 0), (1, 91), (0, 1)),
        {"type": "Polygon", "coordinates": [[["0", 0], [1, 0], [1, 1], ["0", 0]]]},
        {"type": "Polygon", "coordinates": [[[False, 0], [1, 0], [1, 1], [False, 0]]]},
        {"type": "Polygon", "coordinates": "abc"},
        {"type": "Point", "coordinates": [10**400, 0]},
    ],
)
def test_what_is_no_footprint_is_refused(geometry: Any) -> None:
    with pytest.raises(Refusal):
        check_geometry(geometry)
