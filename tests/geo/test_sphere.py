from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.geo import coverage, equal_area, split_antimeridian
from dawnlight.geo._sphere import as_valid, collect, leaves, lonlat_bounds, merge, touch, unwrap

GEOD = pyproj.Geod(ellps="WGS84")
BOW = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
WORLD_AREA = 510065621724088.0

lons = st.floats(-180, 180)
lats = st.floats(-89, 89)


@st.composite
def boxes(draw: st.DrawFn) -> shapely.Polygon:
    west, south = draw(st.floats(-340, 300)), draw(st.floats(-90, 80))
    return shapely.box(west, south, west + draw(st.floats(0.1, 60)), south + draw(st.floats(0.1, 10)))


# -- the antimeridian ------------------------------------------------------------------------------------


def test_what_needs_no_cut_is_the_same_object() -> None:
    for geometry in (shapely.box(-180, -90, 180, 90), shapely.Point(180, 0), shapely.Polygon()):
        assert split_antimeridian(geometry) is geometry


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((170, -10, 190, 10), [(-180, -10, -170, 10), (170, -10, 180, 10)]),
        ((-190, -10, -170, 10), [(-180, -10, -170, 10), (170, -10, 180, 10)]),
        ((190, 0, 200, 1), [(-170, 0, -160, 1)]),
        ((-360, 0, -350, 1), [(0, 0, 10, 1)]),
        ((180, 0, 190, 1), [(-180, 0, -170, 1)]),
        ((-180, 0, 360, 1), [(-180, 0, 180, 1)]),
        ((0, 0, 360, 1), [(-180, 0, 180, 1)]),
    ],
)
def test_boxes(bounds: tuple[float, ...], expected: list[tuple[float, ...]]) -> None:
    pieces = leaves(split_antimeridian(shapely.box(*bounds)))
    assert sorted(piece.bounds for piece in pieces) == expected


@given(boxes())
def test_a_cut_keeps_the_area(box: shapely.Polygon) -> None:
    cut = split_antimeridian(box)
    assert cut.bounds[0] >= -180
    assert cut.bounds[2] <= 180
    assert cut.is_valid
    assert cut.area == pytest.approx(box.area, rel=1e-9)


def test_holes_lines_points_and_collections() -> None:
    ring = shapely.box(170, 0, 190, 10).difference(shapely.box(175, 2, 185, 8))
    assert split_antimeridian(ring).area == pytest.approx(ring.area)
    line = split_antimeridian(shapely.LineString([(170, 0), (190, 10)]))
    assert line.geom_type == "MultiLineString"
    assert line.length == pytest.approx(np.hypot(20, 10))
    points = split_antimeridian(shapely.MultiPoint([(190, 1), (190, 1), (180, 0), (-180, 0)]))
    assert [point.x for point in points.geoms] == [-170, -170, 180, -180]
    mixed = split_antimeridian(shapely.GeometryCollection([ring, shapely.Point(200, 0)]))
    assert [part.geom_type for part in mixed.geoms] == ["MultiPolygon", "Point"]


def test_rounding_at_the_antimeridian_cuts_no_sliver() -> None:
    for bounds in ((170, 0, 180 + 1e-12, 1), (-180 - 1e-12, 0, -170, 1), (-180 - 1e-12, 0, 180 + 1e-12, 1)):
        geometry = split_antimeridian(shapely.box(*bounds))
        assert geometry.geom_type == "Polygon"
        assert geometry.bounds == pytest.approx(bounds, abs=1e-9)
        assert max(map(abs, geometry.bounds[::2])) == 180
    across = split_antimeridian(shapely.box(170, 0, 540 + 1e-12, 1))
    assert across.bounds == (-180, 0, 180, 1)
    line = shapely.LineString([(540, 0), (540, 1)])
    assert abs(split_antimeridian(line).bounds[0]) == 180


def test_self_crossing_polygons_are_cut_as_what_they_cover() -> None:
    bow = shapely.transform(BOW, lambda xy: xy + np.array([179, 0]))
    assert split_antimeridian(bow).area == pytest.approx(2)


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        (shapely.box(0, 1, 2, 3), (0, 1, 2, 3)),
        (shapely.box(170, 0, 190, 1), (170, 0, 190, 1)),
        (split_antimeridian(shapely.box(170, 0, 190, 1)), (170, 0, 190, 1)),
        (shapely.box(-180, 0, 180, 1), (-180, 0, 180, 1)),
        (shapely.MultiPolygon([shapely.box(-180, 0, 0, 1), shapely.box(0, 0, 180, 1)]), (-180, 0, 180, 1)),
        (
            shapely.MultiPolygon(
                [shapely.box(-180, 0, -170, 1), shapely.box(-20, 0, -10, 1), shapely.box(100, 0, 180, 1)]
            ),
            (-20, 0, 190, 1),
        ),
        (
            shapely.MultiPolygon([shapely.box(-179, 0, -170, 1), shapely.box(170, 0, 179, 1)]),
            (-179, 0, 179, 1),
        ),
    ],
)
def test_bounds_open_at_the_widest_gap(geometry: shapely.Geometry, expected: tuple[float, ...]) -> None:
    assert lonlat_bounds(geometry) == expected


@given(st.lists(lons, min_size=2, max_size=30))
def test_unwrap_takes_the_short_way(values: list[float]) -> None:
    given_lons = np.array(values)
    smooth = unwrap(given_lons)
    assert smooth[0] == given_lons[0]
    assert (np.abs(np.diff(smooth)) <= 180 + 1e-9).all()
    turns = (smooth - given_lons) / 360
    np.testing.assert_allclose(turns, np.round(turns), atol=1e-9)


# -- area ------------------------------------------------------------------------------------------------


def test_the_whole_earth() -> None:
    assert equal_area(shapely.box(-180, -90, 180, 90)) == pytest.approx(WORLD_AREA, rel=1e-12)
    assert equal_area(shapely.box(-180, 0, 180, 90)) == pytest.approx(WORLD_AREA / 2, rel=1e-12)


@given(boxes())
def test_agrees_with_the_geodesic_area_of_densified_edges(box: shapely.Polygon) -> None:
    dense = shapely.segmentize(box, 0.02)
    geodesic, _ = GEOD.geometry_area_perimeter(dense)
    assert equal_area(box) == pytest.approx(abs(geodesic), rel=1e-6)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(-20, 20), st.floats(-89, 89)), min_size=3, max_size=6))
def test_agrees_on_slanting_edges(points: list[tuple[float, float]]) -> None:
    polygon = shapely.Polygon(points).convex_hull
    if polygon.geom_type != "Polygon":
        assert equal_area(polygon) == 0
        return
    cylindrical = pyproj.Transformer.from_crs(4326, 6933, always_xy=True)
    flat = shapely.transform(
        shapely.segmentize(polygon, 0.01), lambda xy: np.column_stack(cylindrical.transform(*xy.T))
    )
    assert equal_area(polygon) == pytest.approx(flat.area, rel=2e-8, abs=1)


def test_small_areas_far_from_the_equator_keep_their_digits() -> None:
    one = equal_area(shapely.box(10, 80, 10.00001, 80.00001))
    assert one == pytest.approx(equal_area(shapely.box(10, 80, 10.001, 80.001)) / 1e4, rel=2e-4)


def test_area_across_the_antimeridian_and_round_a_pole() -> None:
    assert equal_area(shapely.box(175, 10, 185, 20)) == pytest.approx(equal_area(shapely.box(0, 10, 10, 20)))
    cap = equal_area(shapely.box(-180, 80, 180, 90))
    assert cap == pytest.approx(36 * equal_area(shapely.box(0, 80, 10, 90)), rel=1e-9)


def test_overlaps_count_once() -> None:
    box = shapely.box(0, 0, 1, 1)
    assert equal_area(shapely.GeometryCollection([box, box])) == pytest.approx(equal_area(box))
    assert equal_area(shapely.box(-180, 0, 200, 1)) == pytest.approx(equal_area(shapely.box(-180, 0, 180, 1)))
    assert equal_area(BOW) == pytest.approx(equal_area(as_valid(BOW)))


def test_holes_are_taken_off() -> None:
    frame = shapely.box(0, 0, 10, 10).difference(shapely.box(2, 2, 4, 4))
    expected = equal_area(shapely.box(0, 0, 10, 10)) - equal_area(shapely.box(2, 2, 4, 4))
    assert equal_area(frame) == pytest.approx(expected)


def test_points_and_lines_have_no_area() -> None:
    assert equal_area(shapely.Point(0, 0)) == 0
    assert equal_area(shapely.LineString([(0, 0), (1, 1)])) == 0
    assert equal_area(shapely.Polygon()) == 0


# -- coverage --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("geometry", "footprint", "expected"),
    [
        (shapely.box(0, 0, 2, 1), shapely.box(1, 0, 5, 5), 0.5),
        (shapely.box(0, 0, 2, 1), shapely.box(-1, -1, 5, 5), 1.0),
        (shapely.box(0, 0, 2, 1), shapely.box(5, 5, 6, 6), 0.0),
        (shapely.box(0, 0, 2, 1), shapely.box(2, 0, 3, 1), 0.0),
        (shapely.box(170, 0, 190, 1), shapely.box(-180, 0, -170, 1), 0.5),
        (shapely.box(-190, 0, -170, 1), shapely.box(170, -5, 190, 5), 1.0),
        (shapely.LineString([(0, 0), (2, 0)]), shapely.box(0, -1, 1, 1), 0.5),
        (shapely.MultiPoint([(0, 0), (5, 5)]), shapely.box(-1, -1, 1, 1), 0.5),
        (shapely.Point(0, 0), shapely.box(-1, -1, 1, 1), 1.0),
        (shapely.box(0, 0, 2, 1), shapely.Point(1, 0.5), 0.0),
        (shapely.Polygon(), shapely.box(0, 0, 1, 1), 0.0),
    ],
)
def test_coverage(geometry: shapely.Geometry, footprint: shapely.Geometry, expected: float) -> None:
    assert coverage(geometry, footprint) == pytest.approx(expected, abs=1e-12)


def test_coverage_is_by_true_area() -> None:
    # The northern half of the degrees is less than half of the ground.
    assert coverage(shapely.box(0, 0, 1, 80), shapely.box(0, 40, 1, 80)) == pytest.approx(0.347, abs=0.002)


@given(boxes())
def test_a_geometry_covers_itself_exactly(box: shapely.Polygon) -> None:
    assert coverage(box, box) == 1.0
    assert coverage(box, split_antimeridian(box)) == 1.0
    assert coverage(shapely.segmentize(box, 0.7), box.buffer(1e-13)) == 1.0


@given(boxes(), boxes())
def test_coverage_is_a_fraction(a: shapely.Polygon, b: shapely.Polygon) -> None:
    assert 0 <= coverage(a, b) <= 1


def test_self_crossing_geometries_are_covered_by_their_area() -> None:
    assert coverage(BOW, shapely.box(-1, -1, 3, 3)) == 1.0
    assert coverage(shapely.box(0, 0, 2, 2), BOW) == pytest.approx(0.5, abs=1e-3)


# -- helpers ---------------------------------------------------------------------------------------------


def test_as_valid_keeps_areas_only() -> None:
    spike = shapely.Polygon([(0, 0), (1, 0), (1, 1), (1, 3), (1, 1), (0, 1)])
    assert as_valid(spike).equals(shapely.box(0, 0, 1, 1))
    box = shapely.box(0, 0, 1, 1)
    assert as_valid(box) is box


def test_collect_and_merge() -> None:
    assert collect([shapely.Point(0, 0), shapely.Point(0, 0)]).geom_type == "MultiPoint"
    lines = collect([shapely.LineString([(0, 0), (2, 2)]), shapely.LineString([(0, 2), (2, 0)])])
    assert len(lines.geoms) == 2
    assert collect([]).is_empty
    mixed = shapely.GeometryCollection(
        [shapely.Point(9, 9), shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]
    )
    assert merge(mixed).equals(shapely.box(0, 0, 2, 1))


def test_touch_sees_every_part() -> None:
    mixed = shapely.GeometryCollection([shapely.Point(9, 9), shapely.box(0, 0, 1, 1)])
    assert touch(mixed, shapely.Point(9, 9))
    assert touch(shapely.box(1, 1, 2, 2), mixed)
    assert not touch(mixed, shapely.box(2, 2, 3, 3))
