"""Boxes may be too large; one that is too small would be a hole."""

import numpy as np
import pytest
from hypothesis import given, settings

from dawnlight.geo import GeoBox
from dawnlight.raster._boxes import pixel_boxes
from dawnlight.raster._lattice import GridPair
from dawnlight.testing._engine import target_over, turned
from dawnlight.testing._grids import GEOSTATIONARY, SINUSOIDAL, grid_pairs

WORLD = 20037508.342789244


def positions(source, target):
    """Where the output's pixel centres lie on the source, projected one by one."""
    v, u = np.mgrid[0 : target.height, 0 : target.width] + 0.5
    return GridPair(source, target).project(u, v)


def check(source, target):
    """Every output pixel that lies on the source must be in its box; returns how many there are."""
    ((y0, x0, y1, x1),) = pixel_boxes([source], target)
    x, y = positions(source, target)
    with np.errstate(invalid="ignore"):
        on = (x >= 0) & (y >= 0) & (x < source.width) & (y < source.height)
    rows, cols = np.nonzero(on)
    if len(rows):
        assert y0 <= rows.min()
        assert x0 <= cols.min()
        assert y1 >= rows.max() + 1
        assert x1 >= cols.max() + 1
    return len(rows)


def box(crs, x, y, step, shape=(60, 60)):
    return GeoBox.from_geotrans((x, step, 0, y, 0, -step), shape, crs)


UTM32 = box(32632, 300000, 5000000, 1000)
GLOBE = box(4326, -180, 90, 2, (90, 180))
DISK = box(GEOSTATIONARY, -5.5e6, 5.5e6, 1e5, (110, 110))
EAST = box(32660, 700000, 300000, 5000)
WEST = box(32601, 0, 300000, 5000)

PAIRS = {
    "same": (UTM32, UTM32),
    "neighbour": (UTM32, target_over(UTM32, 32633, 1000)),
    "far zone": (UTM32, target_over(UTM32, 32660, 5e4, pad=0.4)),
    "degrees": (UTM32, target_over(UTM32, 4326, 0.01)),
    "turned": (turned(UTM32, 30), target_over(UTM32, 3035, 1000, pad=1)),
    "globe to zone": (GLOBE, UTM32),
    "globe to pole": (GLOBE, box(3413, -4e6, 4e6, 1e5, (80, 80))),
    "pole to globe": (box(3413, -4e6, 4e6, 1e5, (80, 80)), GLOBE),
    "beside the pole": (box(3413, 1e5, -1e5, 1e4, (80, 80)), box(4326, -180, 90, 1, (20, 360))),
    "disk to globe": (DISK, GLOBE),
    "globe to disk": (GLOBE, DISK),
    "zone 60 to 0..360": (EAST, box(4326, 0, 10, 1, (20, 360))),
    "zone 1 to 0..360": (WEST, box(4326, 0, 10, 1, (20, 360))),
    "zone 1 to -200..-160": (WEST, box(4326, -200, 10, 1, (20, 40))),
    "zone 60 to -190..-150": (EAST, box(4326, -190, 10, 1, (20, 40))),
    "zone 1 to mercator beyond 180": (WEST, box(3857, 1.95e7, 1e6, 1e4, (200, 200))),
    "zone 60 to mercator beyond -180": (EAST, box(3857, -2.1e7, 1e6, 1e4, (200, 200))),
    "-180..-170 to mercator beyond 180": (
        box(4326, -180, 10, 0.1, (200, 100)),
        box(3857, 1.95e7, 1e6, 1e4, (100, 100)),
    ),
    "mercator to mercator, a world away": (box(3857, -WORLD, 1e6, 1e4), box(3857, WORLD - 2e5, 1e6, 1e4)),
    "mercator over the edge to degrees": (
        box(3857, WORLD - 2e5, 1e6, 1e4),
        box(4326, -180, 10, 0.1, (100, 100)),
    ),
    "most of the globe to a transverse projection": (
        box(4326, -170, 80, 2, (80, 170)),
        box(32631, 3e6, 3e6, 1e5),
    ),
    "half a globe to a zone": (box(4326, -85, 60, 2, (60, 85)), box(32631, -9e6, 5e6, 1e5, (100, 200))),
    "globe to mollweide": (GLOBE, box("ESRI:54009", -1.8e7, 9e6, 1e5, (180, 360))),
    "mollweide to globe": (box("ESRI:54009", -1.8e7, 9e6, 1e5, (180, 360)), GLOBE),
    "mollweide to the antimeridian": (
        box("ESRI:54009", -1.8e7, 9e6, 1e5, (180, 360)),
        box(4326, 170, 20, 0.5, (80, 40)),
    ),
    "sinusoidal tile to degrees": (
        box(SINUSOIDAL, 18e6, 4e6, 2e4),
        target_over(box(SINUSOIDAL, 14e6, 4e6, 2e4), 4326, 0.2),
    ),
    "antarctica to mercator": (box(3031, -3e6, 3e6, 1e5), box(3857, -2e7, -5e6, 1e5, (150, 400))),
    "one pixel": (
        box(32632, 500000, 5000000, 10, (1, 1)),
        target_over(box(32632, 500000, 5000000, 10, (1, 1)), 4326, 1e-5),
    ),
    "one row across europe": (
        box(3035, 2.5e6, 3e6, 1e4, (1, 300)),
        target_over(box(3035, 2.5e6, 3e6, 1e4, (1, 300)), 3857, 1e4),
    ),
    "lambert conic": (box(2154, 1e5, 7e6, 2e4), target_over(box(2154, 1e5, 7e6, 2e4), 4326, 0.1)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_boxes_hold_every_pixel(name):
    found = check(*PAIRS[name])
    assert found or name == "sinusoidal tile to degrees"


def test_boxes_of_upright_grids_are_close():
    (found,) = pixel_boxes([UTM32], UTM32.pad(100))
    assert found == pytest.approx([100, 100, 160, 160], abs=6)


def test_boxes_of_many_systems_come_in_order():
    grids = [UTM32, GLOBE, UTM32, EAST]
    together = pixel_boxes(grids, UTM32)
    one_by_one = np.concatenate([pixel_boxes([grid], UTM32) for grid in grids])
    assert np.array_equal(together, one_by_one)
    assert pixel_boxes([], UTM32).shape == (0, 4)


@settings(deadline=None, max_examples=400)
@given(grid_pairs())
def test_no_image_that_has_pixels_is_skipped(pair):
    check(*pair)


@pytest.mark.slow
@settings(deadline=None, max_examples=5000)
@given(grid_pairs())
def test_no_image_that_has_pixels_is_skipped_of_thousands(pair):
    check(*pair)
