"""Cutting along a geometry: the rule, and that pieces give the whole."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import geometry_mask

from dawnlight.geo import GeoBox, Window
from dawnlight.raster._cutline import Cutline
from dawnlight.testing._engine import turned

BOX = GeoBox.from_geotrans((1000, 10, 0, 5000, 0, -10), (70, 90), 32632)
DISK = shapely.Point(1450, 4650).buffer(300)
STAR = shapely.Polygon([(1000, 5000), (1500, 4700), (1900, 4990), (1600, 4600), (1880, 4310), (1450, 4500)])
LINE = shapely.LineString([(990, 4900), (1333, 4777), (1333, 4305)])
POINT = shapely.Point(1234.5, 4567.8)
HOLED = DISK.difference(shapely.Point(1450, 4650).buffer(120))
SHAPES = {
    "disk": DISK,
    "star": STAR,
    "holed": HOLED,
    "parts": shapely.union(DISK, shapely.box(900, 4290, 1100, 4350)),
}
WHOLE = Window(0, 0, *BOX.shape)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("touched", [False, True])
@pytest.mark.parametrize("degrees", [0, 30])
def test_pixels_are_kept_as_gdal_keeps_them(name, touched, degrees):
    box = turned(BOX, degrees)
    ours = Cutline(SHAPES[name], box, all_touched=touched).inside(WHOLE)
    gdal = ~geometry_mask([SHAPES[name]], box.shape, box.transform, all_touched=touched)
    # GDAL's scan lines may decide otherwise where an edge passes a centre, or a corner, closely.
    assert (ours != gdal).mean() < (0.004 if not touched else 0.01)
    assert 0.05 < ours.mean() < 0.95


@pytest.mark.parametrize("touched", [False, True])
def test_every_pixel_is_decided_by_the_rule(touched):
    ours = Cutline(STAR, BOX, all_touched=touched).inside(WHOLE)
    for row, col in np.ndindex(BOX.shape):
        minx, miny, maxx, maxy = BOX.window(Window(row, col, 1, 1)).bounds
        pixel = (
            shapely.box(minx, miny, maxx, maxy)
            if touched
            else shapely.Point((minx + maxx) / 2, (miny + maxy) / 2)
        )
        assert ours[row, col] == STAR.intersects(pixel)


def test_an_edge_through_centres_keeps_them():
    ours = Cutline(shapely.box(1005, 4905, 1055, 4995), BOX).inside(WHOLE)
    assert ours.sum() == 10 * 6


def test_lines_and_points_keep_what_they_touch():
    assert Cutline(POINT, BOX).inside(WHOLE).sum() == 0
    assert np.argwhere(Cutline(POINT, BOX, all_touched=True).inside(WHOLE)).tolist() == [[43, 23]]
    touched = Cutline(LINE, BOX, all_touched=True).inside(WHOLE)
    assert touched.any(axis=1).sum() == 60
    assert Cutline(shapely.GeometryCollection([POINT, DISK]), BOX, all_touched=True).inside(WHOLE)[43, 23]


def test_an_empty_geometry_keeps_nothing():
    cutline = Cutline(shapely.Polygon(), BOX, all_touched=True)
    assert not cutline.inside(WHOLE).any()
    assert not cutline.touches(WHOLE)


@settings(deadline=None, max_examples=150)
@given(
    name=st.sampled_from(sorted(SHAPES)),
    touched=st.booleans(),
    degrees=st.sampled_from([0, 0, 17, 90]),
    data=st.data(),
)
def test_any_window_is_the_slice_of_the_whole(name, touched, degrees, data):
    cutline = Cutline(SHAPES[name], turned(BOX, degrees), all_touched=touched)
    y, x = data.draw(st.integers(0, 69)), data.draw(st.integers(0, 89))
    window = Window(y, x, data.draw(st.integers(1, 70 - y)), data.draw(st.integers(1, 90 - x)))
    part = cutline.inside(window)
    assert np.array_equal(part, cutline.inside(WHOLE)[window.slices])
    if part.any():
        assert cutline.touches(window)


def test_it_travels():
    cutline = Cutline(shapely.force_3d(DISK), BOX, all_touched=True)
    cutline.inside(WHOLE)
    copy = pickle.loads(pickle.dumps(cutline))
    assert copy.token() == cutline.token() == Cutline(DISK, BOX, all_touched=True).token()
    assert copy.token() != Cutline(DISK, BOX).token()
    assert np.array_equal(copy.inside(WHOLE), cutline.inside(WHOLE))


def test_parts_beyond_the_antimeridian_are_where_the_output_is():
    """A geometry in -180 ... 180 also cuts an output whose longitudes go on past 180."""
    across = shapely.MultiPolygon([shapely.box(175, 0, 180, 10), shapely.box(-180, 0, -175, 10)])
    for west in (170, -190, 530):
        box = GeoBox.from_geotrans((west, 0.5, 0, 12, 0, -0.5), (30, 40), 4326)
        kept = Cutline(across, box).inside(Window(0, 0, *box.shape))
        assert kept[4:24, 10:30].all()
        assert kept.sum() == 400


def test_parts_beyond_the_edge_of_mercator_are_where_the_output_is():
    world = 20037508.342789244
    across = shapely.MultiPolygon(
        [shapely.box(world - 5e5, 0, world, 1e6), shapely.box(-world, 0, 5e5 - world, 1e6)]
    )
    box = GeoBox.from_geotrans((world - 1e6, 5e4, 0, 1.2e6, 0, -5e4), (30, 40), 3857)
    kept = Cutline(across, box).inside(Window(0, 0, *box.shape))
    assert kept[4:24, 10:30].all()
    assert kept.sum() == 400


def test_threads_share_a_cutline():
    # A prepared geometry of GEOS that two threads ask at once ends the process.
    grid = GeoBox.from_geotrans((0, 1, 0, 400, 0, -1), (400, 400), 32631)
    shape = shapely.Point(200, 200).buffer(180, quad_segs=2000)
    windows = [Window(50 * (k // 8), 50 * (k % 8), 50, 50) for k in range(64)]
    expected = [Cutline(shape, grid).inside(window) for window in windows]
    for _ in range(30):
        cutline = Cutline(shape, grid)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(cutline.inside, windows))
        assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))
