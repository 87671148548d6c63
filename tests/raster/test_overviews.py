"""Which level is read, and how wide the kernel is on it."""

import pytest

from dawnlight.raster._overviews import choose_level
from dawnlight.raster._sources import RESAMPLERS, Layout

SHAPE = (1001, 2000)
LAYOUT = Layout(dtype="uint16", nodata=None, mask="none", overviews=((501, 1000), (251, 500), (126, 250)))


def choose(ratio, kernel="bilinear", *, category=False, layout=LAYOUT):
    ratio = ratio if isinstance(ratio, tuple) else (ratio, ratio)
    return choose_level(ratio, SHAPE, layout, kernel, category)


@pytest.mark.parametrize(
    ("ratio", "level"),
    [
        (0.1, 0),
        (1, 0),
        (1.9, 0),
        (2, 1),
        (2.001, 1),
        (3.9, 1),
        (4, 2),
        (7.99, 2),
        (7.995, 3),
        (8, 3),
        (100, 3),
    ],
)
def test_the_coarsest_level_that_is_fine_enough(ratio, level):
    # The y axis of the levels is a little less than 2, 4 and 8 times coarser.
    assert choose(ratio).level == level


def test_both_axes_count():
    assert choose((8, 2)).level == 1
    assert choose((2, 8)).level == 1
    assert choose((1, 8)).level == 0


def test_scale_is_what_remains():
    found = choose(6.0)
    assert found.level == 2
    assert found.zoom == (251 / 1001, 0.25)
    assert found.scale == pytest.approx((6 * 251 / 1001, 1.5))
    assert choose(2.0).scale == (1, 1)
    assert choose(0.3).scale == (1, 1)
    assert choose(1.0526).scale == (1, 1)
    assert choose(1.0527).scale == (1.0527, 1.0527)
    assert choose((3, 1), layout=Layout(dtype="u1", nodata=None, mask="none", overviews=())).scale == (3, 1)


@pytest.mark.parametrize("kernel", RESAMPLERS)
def test_labels_and_areas_come_from_full_resolution(kernel):
    assert choose(16, kernel, category=True).level == 0
    areas = kernel not in ("near", "bilinear", "cubic", "cubicspline", "lanczos")
    assert (choose(16, kernel).level == 0) == areas


def test_overviews_may_come_in_any_order_or_be_useless():
    layout = Layout(dtype="u1", nodata=None, mask="none", overviews=((126, 250), (1001, 2000), (501, 1000)))
    assert choose(16, layout=layout).shape == (126, 250)
    assert choose(2, layout=layout).shape == (501, 1000)
    assert choose(1, layout=layout).level == 0
