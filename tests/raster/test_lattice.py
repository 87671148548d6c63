"""Coordinates: exact to a thousandth of a pixel, for every pair of systems, and the same in every window."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.geo import GeoBox, Window
from dawnlight.raster import _kernels
from dawnlight.raster._lattice import TOLERANCE, GridPair
from dawnlight.testing._engine import target_over, turned
from dawnlight.testing._oracle import positions

SINUSOIDAL = "+proj=sinu +R=6371007.181 +units=m +no_defs"
GEOSTATIONARY = "+proj=geos +h=35785831 +lon_0=0 +sweep=y +ellps=WGS84 +units=m +no_defs"

UTM32 = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), (90, 120), 32632)
DISK = GeoBox.from_geotrans((-5.5e6, 1e5, 0, 5.5e6, 0, -1e5), (110, 110), GEOSTATIONARY)
POLAR = GeoBox.from_geotrans((-4e6, 5e4, 0, 4e6, 0, -5e4), (160, 160), 3413)
GLOBE = GeoBox.from_geotrans((-180, 1, 0, 90, 0, -1), (180, 360), 4326)
TILE = GeoBox.from_geotrans((0, 926.6254, 0, 5559752.6, 0, -926.6254), (120, 120), SINUSOIDAL)

PAIRS = {
    "utm neighbour": (UTM32, target_over(UTM32, 32633, 10)),
    "utm to degrees": (UTM32, target_over(UTM32, 4326, 1e-4)),
    "utm to laea": (UTM32, target_over(UTM32, 3035, 25)),
    "utm to mollweide": (UTM32, target_over(UTM32, "ESRI:54009", 12)),
    "rotated": (turned(UTM32, 33), target_over(UTM32, 4326, 1e-4)),
    "south-up": (GeoBox.from_geotrans((300000, 10, 0, 4990000, 0, 10), (90, 120), 32632), UTM32.pad(3)),
    "sinusoidal to degrees": (TILE, target_over(TILE, 4326, 0.01)),
    "degrees to sinusoidal": (GLOBE, TILE),
    "disk to degrees": (DISK, GeoBox.from_geotrans((-90, 1, 0, 90, 0, -1), (180, 180), 4326)),
    "degrees to disk": (GLOBE, DISK),
    "pole to degrees": (POLAR, GeoBox.from_geotrans((-180, 2, 0, 90, 0, -0.5), (60, 180), 4326)),
    "degrees to pole": (GLOBE, POLAR),
    "globe over the antimeridian": (
        GLOBE,
        GeoBox.from_geotrans((169.5, 0.7, 0, 20, 0, -0.7), (40, 40), 4326),
    ),
    "globe to utm at the antimeridian": (
        GLOBE,
        GeoBox.from_geotrans((0, 2e4, 0, 1e6, 0, -2e4), (50, 50), 32601),
    ),
    "globe to mercator": (GLOBE, GeoBox.from_geotrans((-2e7, 2e5, 0, 2e7, 0, -2e5), (200, 200), 3857)),
}


def expanded(pair, window):
    """Positions (x, y) of all pixel centres of a window, as the kernels see them."""
    found = pair.coordinates(window)
    if found.dense_x.size:
        return found.dense_x, found.dense_y
    out = np.empty((2, window.height, window.width))
    _kernels.expand(found.nodes_x, window.y, window.x, 0.5, out[0])
    _kernels.expand(found.nodes_y, window.y, window.x, 0.5, out[1])
    return out[0], out[1]


def whole(box):
    return Window(0, 0, *box.shape)


@pytest.mark.parametrize("name", PAIRS)
def test_positions_are_those_of_proj(name):
    source, target = PAIRS[name]
    x, y = expanded(GridPair(source, target), whole(target))
    exact_x, exact_y = positions(source, target)
    near = (abs(exact_x) < 1e5) & (abs(exact_y) < 1e5)
    assert near.any()
    assert np.array_equal(np.isfinite(x) & np.isfinite(y), np.isfinite(exact_x) & np.isfinite(exact_y))
    # Twice: the error is checked where it is largest, not everywhere.
    assert np.abs(x - exact_x)[near].max() <= 2 * TOLERANCE
    assert np.abs(y - exact_y)[near].max() <= 2 * TOLERANCE


@settings(deadline=None, max_examples=60)
@given(name=st.sampled_from(sorted(PAIRS)), data=st.data())
def test_a_pixel_has_one_position_whichever_window_asks(name, data):
    source, target = PAIRS[name]
    pair = GridPair(source, target)
    y0 = data.draw(st.integers(0, target.height - 1))
    x0 = data.draw(st.integers(0, target.width - 1))
    window = Window(
        y0,
        x0,
        data.draw(st.integers(1, target.height - y0)),
        data.draw(st.integers(1, target.width - x0)),
    )
    rows, cols = window.slices
    for part, all_of_it in zip(expanded(pair, window), expanded(pair, whole(target)), strict=True):
        assert part.tobytes() == np.ascontiguousarray(all_of_it[rows, cols]).tobytes()


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("of", ["centres", "corners"])
def test_the_hull_holds_every_position(name, of):
    source, target = PAIRS[name]
    pair = GridPair(source, target)
    for window in (
        whole(target),
        Window(3, 5, 20, 33),
        Window(17, 16, 16, 1),
        Window(target.height - 1, 2, 1, 7),
    ):
        found = pair.coordinates(window) if of == "centres" else pair.corners(window)
        x, y = expanded(pair, window)
        good = np.isfinite(x) & np.isfinite(y)
        if not good.any():
            continue
        assert found.low[0] <= y[good].min() <= y[good].max() <= found.high[0]
        assert found.low[1] <= x[good].min() <= x[good].max() <= found.high[1]


# -- the same grid ---------------------------------------------------------------------------------


def shift(source, target):
    return GridPair(source, target).shift


def test_shift_of_the_same_grid():
    assert shift(UTM32, UTM32) == (0, 0)
    assert shift(UTM32, UTM32.window(Window(7, -3, 10, 10))) == (7, -3)


def test_shift_forgives_rounding_noise():
    moved = GeoBox.from_geotrans((300000 + 1e-9, 10, 0, 5000000 - 1e-9, 0, -10), (90, 120), 32632)
    assert shift(UTM32, moved) == (0, 0)
    stretched = GeoBox.from_geotrans((300000, 10 + 1e-7, 0, 5000000, 0, -10), (90, 120), 32632)
    assert shift(UTM32, stretched) == (0, 0)


@pytest.mark.parametrize(
    "other",
    [
        GeoBox.from_geotrans((300001, 10, 0, 5000000, 0, -10), (90, 120), 32632),
        GeoBox.from_geotrans((300000, 10.001, 0, 5000000, 0, -10), (90, 120), 32632),
        GeoBox.from_geotrans((300000, 20, 0, 5000000, 0, -20), (45, 60), 32632),
        GeoBox.from_geotrans((300000, 10, 0, 4999100, 0, 10), (90, 120), 32632),
        GeoBox.from_geotrans((300000, 10, 0.01, 5000000, 0, -10), (90, 120), 32632),
        GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), (90, 120), 32633),
    ],
    ids=["origin", "drift", "coarser", "upside-down", "sheared", "zone"],
)
def test_no_shift_of_other_grids(other):
    assert shift(UTM32, other) is None


def test_shift_of_rotated_twins():
    twisted = turned(UTM32, 20)
    assert shift(twisted, twisted.window(Window(4, 9, 5, 5))) == (4, 9)


@pytest.mark.parametrize("turns", [-1, 1, 2])
def test_shift_a_whole_turn_away(turns):
    source = GeoBox.from_geotrans((170, 0.5, 0, 10, 0, -0.5), (20, 30), 4326)
    target = GeoBox.from_geotrans((171 + 360 * turns, 0.5, 0, 9, 0, -0.5), (10, 10), 4326)
    assert shift(source, target) == (2, 2)


def test_no_shift_where_a_turn_is_no_whole_number_of_pixels():
    source = GeoBox.from_geotrans((170, 0.7, 0, 10, 0, -0.7), (20, 30), 4326)
    target = GeoBox.from_geotrans((170 + 0.7 - 360, 0.7, 0, 10, 0, -0.7), (10, 10), 4326)
    assert shift(source, target) is None


def test_no_shift_where_the_output_may_meet_the_source_twice():
    assert shift(GLOBE, GeoBox.from_geotrans((-270, 1, 0, 90, 0, -1), (180, 360), 4326)) is None


# -- periodic systems ------------------------------------------------------------------------------


def inside(source, target):
    """Which output pixels have their centre on the source, and the positions."""
    x, y = expanded(GridPair(source, target), whole(target))
    with np.errstate(invalid="ignore"):
        return (x > -0.01) & (y > -0.01) & (x < source.width + 0.01) & (y < source.height + 0.01), x, y


@pytest.mark.parametrize("step", [1, -1], ids=["eastward", "westward"])
def test_the_antimeridian_itself_lies_on_a_global_source(step):
    source = GeoBox.from_geotrans((-180 * step, step, 0, 90, 0, -1), (180, 360), 4326)
    target = GeoBox.from_geotrans((169.5, 1, 0, 10.5, 0, -1), (20, 21), 4326)
    on, x, _ = inside(source, target)
    assert on.all()
    assert (x.min(), x.max()) == (0, 359)


def test_a_rotated_geographic_source_goes_on_over_the_antimeridian():
    source = GeoBox.from_geotrans((175, 0.1, 0.01, 5, 0.01, -0.1), (100, 100), 4326)
    target = GeoBox.from_geotrans((0, 1e4, 0, 1e6, 0, -1e4), (100, 60), 32601)
    on, x, y = inside(source, target)
    exact_x, exact_y = positions(source, target)
    assert on.sum() > 2000
    assert np.abs(x - exact_x).max() <= 2 * TOLERANCE
    assert np.abs(y - exact_y).max() <= 2 * TOLERANCE


@pytest.mark.parametrize("turn", [0, 1], ids=["source in the west", "source in the east"])
def test_a_cylindrical_source_goes_on_over_the_antimeridian(turn):
    world = 2 * 20037508.342789244
    source = GeoBox.from_geotrans(
        (-20037508.342789244 + turn * world - 50e3, 1e3, 0, 1e5, 0, -1e3), (100, 100), 3857
    )
    target = GeoBox.from_geotrans((179, 0.01, 0, 0.5, 0, -0.01), (50, 200), 4326)
    on, x, _ = inside(source, target)
    assert on.any()
    assert x[on].min() < 1
    assert x[on].max() > 99
    same = GeoBox.from_geotrans(
        (source.geotrans[0] + (1 - 2 * turn) * world, 1e3, 0, 1e5, 0, -1e3), (100, 100), 3857
    )
    assert inside(source, same)[0].all()


# -- ratio -----------------------------------------------------------------------------------------


def test_ratio_of_sizes():
    pair = GridPair(UTM32, GeoBox.from_geotrans((300000, 30, 0, 5000000, 0, -20), (40, 40), 32632))
    assert pair.ratio == pytest.approx((2, 3))
    degrees = GridPair(UTM32, target_over(UTM32, 4326, 1e-3))
    assert degrees.ratio == pytest.approx((11.1, 7.9), rel=0.02)


def test_ratio_far_away_is_that_of_the_nearest_place():
    far = GeoBox.from_geotrans((900000, 30, 0, 5000000, 0, -30), (40, 40), 32632)
    assert GridPair(UTM32, far).ratio == pytest.approx((3, 3))


@pytest.mark.parametrize("west", [180, 179.5, -180, 160])
@pytest.mark.parametrize("crs", ["ESRI:54009", SINUSOIDAL, 3857, 4326])
def test_ratio_does_not_see_the_edge_of_the_map(crs, west):
    """Beside the antimeridian two neighbours can lie at opposite ends of a map of the world."""
    world = GeoBox.from_geotrans((-1.8e7, 1e4, 0, 9e6, 0, -1e4), (1800, 3600), crs) if crs != 4326 else GLOBE
    target = GeoBox.from_geotrans((west, 1, 0, 10, 0, -1), (10, 10), 4326)
    ratio = GridPair(world, target).ratio
    expected = 1 if crs == 4326 else 11
    assert ratio == pytest.approx((expected, expected), rel=0.2)


def test_ratio_of_one_pixel():
    pixel = GeoBox.from_geotrans((300200, 40, 0, 4999800, 0, -40), (1, 1), 32632)
    assert GridPair(UTM32, pixel).ratio == pytest.approx((4, 4))
    assert GridPair(pixel, UTM32).ratio == pytest.approx((0.25, 0.25))
