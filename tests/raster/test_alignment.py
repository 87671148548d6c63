"""Which grids are parts of one large grid."""

import pytest

from dawnlight.geo import GeoBox
from dawnlight.raster._alignment import align_grids


def box(x=0.0, y=0.0, step=10.0, shape=(100, 200), crs=32632):
    return GeoBox.from_geotrans((x, step, 0, y, 0, -step), shape, crs)


def test_tiles_lie_whole_pixels_apart_on_one_grid():
    found = align_grids([box(500000, 100), box(500120, 60), box(499990, 100, shape=(1, 1))])
    assert found.kinds.tolist() == [0, 0, 0]
    assert found.origins.tolist() == [[0, 0], [4, 12], [0, -1]]
    assert found.shapes.tolist() == [[100, 200], [100, 200], [1, 1]]
    assert found.turns.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "other",
    [
        box(5),
        box(0, 0.1),
        box(step=20),
        box(step=10.001),
        box(crs=32633),
        GeoBox.from_geotrans((0, 10, 0, 0, 0, 10), (100, 200), 32632),
        GeoBox.from_geotrans((0, 8, 6, 0, 6, -8), (100, 200), 32632),
    ],
    ids=["half a pixel", "a hundredth", "size", "drift", "zone", "south up", "turned"],
)
def test_other_grids_are_not_aligned(other):
    assert align_grids([box(), other, box(10)]).kinds.tolist() == [0, 1, 0]


def test_headers_may_be_rounded():
    assert align_grids([box(500000), box(500640.004)]).origins[1].tolist() == [0, 64]


def test_turned_grids_are_aligned_with_each_other():
    first, second = ((x, 8, 6, y, 6, -8) for x, y in ((0, 0), (8 * 3 + 6 * 2, 6 * 3 - 8 * 2)))
    found = align_grids([GeoBox.from_geotrans(each, (10, 10), 32632) for each in (first, second)])
    assert found.kinds.tolist() == [0, 0]
    assert found.origins.tolist() == [[0, 0], [2, 3]]


def test_longitudes_come_again_after_a_turn():
    found = align_grids(
        [box(170, 10, 0.01, crs=4326), box(-180, 10, 0.01, crs=4326), box(crs=4326, step=0.7)]
    )
    assert found.turns.tolist() == [36000, 36000, 0]
    assert found.origins[1].tolist() == [0, -35000]


def test_no_grids():
    assert align_grids([]).origins.shape == (0, 2)
