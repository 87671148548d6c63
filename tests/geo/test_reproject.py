from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.errors import GeometryError
from dawnlight.geo import equal_area, reproject_geometry, split_antimeridian
from dawnlight.geo._sphere import leaves

SINUSOIDAL = "+proj=sinu +R=6371007.181 +units=m"


def test_the_same_system_changes_nothing() -> None:
    box = shapely.box(0, 0, 1, 1)
    assert reproject_geometry(box, "EPSG:4326", "OGC:CRS84") is box
    assert reproject_geometry(shapely.Polygon(), 4326, 32615).is_empty


def test_edges_are_followed() -> None:
    box = shapely.box(200000, 5e6, 800000, 5.6e6)
    fine = reproject_geometry(box, 32615, 4326, max_segment=1000)
    usual = reproject_geometry(box, 32615, 4326)
    corners = reproject_geometry(box, 32615, 4326, max_segment=1e9)
    assert fine.symmetric_difference(usual).area < fine.symmetric_difference(corners).area / 100
    assert fine.bounds[3] == pytest.approx(usual.bounds[3], abs=1e-4)


@pytest.mark.parametrize("crs", [32615, 3035, 3413, 3857, 6933, 5070, SINUSOIDAL, 4269])
@settings(max_examples=15)
@given(data=st.data())
def test_there_and_back(crs: int | str, data: st.DataObject) -> None:
    # Around a place where each of the systems is well defined.
    west, south = data.draw(st.floats(-95, -92)), data.draw(st.floats(40, 50))
    box = shapely.box(
        west, south, west + data.draw(st.floats(0.01, 5)), south + data.draw(st.floats(0.01, 5))
    )
    there = reproject_geometry(box, 4326, crs, max_segment=0.05)
    back = reproject_geometry(there, crs, 4326, max_segment=1e9)
    assert back.symmetric_difference(box).area < 2e-4 * box.area + 1e-12


@pytest.mark.parametrize(("crs", "pole"), [(3413, 90), (3031, -90), ("ESRI:102017", 90)])
def test_a_pole_inside(crs: int | str, pole: int) -> None:
    square = shapely.box(-1e6, -1e6, 1e6, 1e6)
    cap = reproject_geometry(square, crs, 4326)
    assert cap.is_valid
    assert cap.bounds[0] == -180
    assert cap.bounds[2] == 180
    assert pole in (cap.bounds[1], cap.bounds[3])
    lons = np.arange(-179.5, 180, 1.0)
    assert shapely.intersects_xy(cap, lons, np.full(len(lons), pole * 0.999)).all()
    back = reproject_geometry(cap, 4326, crs, max_segment=0.5)
    assert back.symmetric_difference(square).area < 0.002 * square.area
    assert back.covers(shapely.Point(0, 0).buffer(1000))


def test_a_pole_beside_or_on_the_edge_is_not_a_pole_inside() -> None:
    beside = reproject_geometry(shapely.box(1e5, 1e5, 1e6, 1e6), 3413, 4326)
    assert beside.bounds[2] - beside.bounds[0] < 360
    edge = reproject_geometry(shapely.box(0, -1e6, 1e6, 1e6), 3413, 4326)
    assert edge.is_valid
    assert equal_area(edge) == pytest.approx(
        equal_area(reproject_geometry(shapely.box(-1e6, -1e6, 1e6, 1e6), 3413, 4326)) / 2, rel=0.01
    )


def test_a_hole_round_the_pole() -> None:
    square = shapely.box(-1e6, -1e6, 1e6, 1e6)
    ring = square.difference(shapely.box(-2e5, -2e5, 2e5, 2e5))
    lonlat = reproject_geometry(ring, 3413, 4326)
    assert not lonlat.covers(shapely.Point(50, 89.9))
    assert lonlat.covers(shapely.Point(50, 85))
    assert lonlat.bounds[3] < 89


def test_a_hole_on_the_other_side_of_the_antimeridian() -> None:
    area = shapely.box(600000, 0, 1200000, 600000)
    hole = shapely.box(950000, 200000, 1100000, 400000)
    lonlat = reproject_geometry(area.difference(hole), 32660, 4326)
    hole_lonlat = reproject_geometry(hole, 32660, 4326)
    assert hole_lonlat.bounds[0] < -170
    assert equal_area(lonlat.intersection(hole_lonlat)) < 1e-3 * equal_area(hole_lonlat)


def test_a_whole_hemisphere_of_degrees_becomes_a_disk_without_a_hairline() -> None:
    disk = reproject_geometry(shapely.box(-180, 60, 180, 90), 4326, "EPSG:3995")
    assert disk.geom_type == "Polygon"
    assert len(disk.interiors) == 0
    along_the_antimeridian = np.linspace(1, 3.2e6, 500)
    assert shapely.intersects_xy(disk, np.zeros(500), along_the_antimeridian).all()
    for offset in (-1e-7, 1e-7):
        assert shapely.intersects_xy(disk, np.full(500, offset), along_the_antimeridian).all()


def test_across_the_antimeridian_into_a_map_without_a_cut() -> None:
    for box in (shapely.box(170, 60, 190, 70), split_antimeridian(shapely.box(170, 60, 190, 70))):
        flat = reproject_geometry(box, 4326, "EPSG:3995")
        assert flat.geom_type == "Polygon"
        assert len(flat.interiors) == 0


def test_across_the_cut_of_a_map() -> None:
    pieces = leaves(reproject_geometry(shapely.box(170, 0, 190, 10), 4326, 3857))
    assert sorted(round(piece.bounds[0]) for piece in pieces) == [-20037508, 18924313]
    moved = leaves(reproject_geometry(shapely.box(80, 0, 100, 10), 4326, "+proj=eqc +lon_0=-90"))
    assert len(moved) == 2
    assert sum(piece.area for piece in moved) == pytest.approx(
        reproject_geometry(shapely.box(0, 0, 20, 10), 4326, "+proj=eqc +lon_0=-90").area, rel=1e-6
    )


def test_from_a_map_to_one_that_is_cut_elsewhere() -> None:
    polar = shapely.box(-2e6, 1e6, -1e6, 2.5e6)
    pieces = leaves(reproject_geometry(polar, 3413, 3857))
    assert len(pieces) == 2
    assert sorted(piece.bounds[0] > 0 for piece in pieces) == [False, True]
    assert all(min(abs(edge) for edge in piece.bounds[::2]) > 1e7 for piece in pieces)
    through_lonlat = reproject_geometry(reproject_geometry(polar, 3413, 4326), 4326, 3857)
    assert sum(piece.area for piece in pieces) == pytest.approx(through_lonlat.area, rel=1e-3)


def test_the_antimeridian_itself_has_a_place() -> None:
    line = reproject_geometry(shapely.LineString([(180, 0), (180, 10)]), 4326, 3857)
    assert line.bounds[0] == pytest.approx(20037508.34, abs=0.01)


def test_the_world_fits_where_the_map_is_defined() -> None:
    world = shapely.box(-180, -90, 180, 90)
    mercator = reproject_geometry(world, 4326, 3857)
    assert mercator.bounds[2] == pytest.approx(20037508.34, abs=1)
    assert mercator.bounds[3] > 2e7
    equal = reproject_geometry(world, 4326, 6933)
    assert equal.area == pytest.approx(5.1e14, rel=0.01)


def test_empty_corners_of_a_tile_are_left_out() -> None:
    tile = shapely.box(-7783653, 7783653, -6671703, 8895604)
    lonlat = reproject_geometry(tile, SINUSOIDAL, 4326)
    assert lonlat.bounds[0] >= -180
    assert lonlat.bounds[2] < -175
    assert (
        0.7 < equal_area(lonlat) / tile.intersection(shapely.box(-6.84e6, 7.7e6, 0, 7.84e6)).area / 0.5 < 1.4
    )


def test_nothing_of_it_on_the_map() -> None:
    with pytest.raises(GeometryError, match="no place in EPSG:4326; clip"):
        reproject_geometry(shapely.box(-2e7, 8.9e6, -1.9e7, 1e7), SINUSOIDAL, 4326)
    with pytest.raises(GeometryError, match="no place"):
        reproject_geometry(shapely.Point(0, 90), 4326, 3857)


def test_points_and_lines() -> None:
    points = reproject_geometry(shapely.MultiPoint([(-93, 0), (-93, 0), (-90, 1)]), 4326, 32615)
    assert len(points.geoms) == 3
    assert points.geoms[0].x == pytest.approx(500000)
    some = reproject_geometry(shapely.MultiPoint([(0, 90), (0, 0)]), 4326, 3857)
    assert leaves(some) == [shapely.Point(0, 0)] or leaves(some)[0].equals_exact(shapely.Point(0, 0), 1e-6)
    line = reproject_geometry(shapely.LineString([(700000, 10), (1100000, 10)]), 32660, 4326)
    assert line.geom_type == "MultiLineString"
    assert line.bounds[0] == -180


def test_collections_keep_their_parts() -> None:
    mixed = shapely.GeometryCollection([shapely.Point(-93, 1), shapely.box(-94, 0, -93, 1), shapely.Point()])
    flat = reproject_geometry(mixed, 4326, 32615)
    assert [part.geom_type for part in flat.geoms] == ["Point", "Polygon"]


def test_self_crossing_polygons_come_out_valid() -> None:
    bow = shapely.Polygon([(-93, 0), (-91, 2), (-91, 0), (-93, 2)])
    flat = reproject_geometry(bow, 4326, 32615)
    assert flat.is_valid
    assert flat.area == pytest.approx(
        reproject_geometry(shapely.box(-93, 0, -91, 2), 4326, 32615).area / 2, rel=0.01
    )


def test_grads_are_not_degrees() -> None:
    paris = reproject_geometry(shapely.box(2, 48, 3, 49), 4326, "EPSG:4807")
    assert paris.bounds == pytest.approx((-0.374, 53.33, 0.737, 54.44), abs=0.01)
    assert reproject_geometry(paris, "EPSG:4807", 4326).bounds == pytest.approx((2, 48, 3, 49), abs=0.001)


def test_agrees_with_pyproj_at_the_vertices() -> None:
    ring = reproject_geometry(shapely.box(-94, 40, -93, 41), 4326, 32615, max_segment=10)
    x, y = pyproj.Transformer.from_crs(4326, 32615, always_xy=True).transform([-94, -93], [40, 41])
    assert np.isclose(shapely.get_coordinates(ring), [x[0], y[0]], atol=1e-6).all(axis=1).any()
    assert np.isclose(shapely.get_coordinates(ring), [x[1], y[1]], atol=1e-6).all(axis=1).any()
