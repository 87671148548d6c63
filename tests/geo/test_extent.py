from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.errors import GridError
from dawnlight.geo import normalize_crs
from dawnlight.geo._extent import reproject_bounds
from dawnlight.geo._project import project

SINUSOIDAL = "+proj=sinu +R=6371007.181 +units=m"


def test_the_same_system_changes_nothing() -> None:
    bounds = (-180.05, -90.0, 180.05, 90.0)
    assert reproject_bounds(bounds, 4326, "OGC:CRS84") == bounds


@pytest.mark.parametrize("crs", [32615, 3413, 3857, 5070, 3035, SINUSOIDAL, 4269])
@settings(max_examples=20)
@given(data=st.data())
def test_every_point_is_inside(crs: int | str, data: st.DataObject) -> None:
    west, south = data.draw(st.floats(-120, -80)), data.draw(st.floats(20, 70))
    bounds = (west, south, west + data.draw(st.floats(0, 20)), south + data.draw(st.floats(0, 15)))
    minx, miny, maxx, maxy = reproject_bounds(bounds, 4326, crs)
    x, y = np.meshgrid(np.linspace(bounds[0], bounds[2], 60), np.linspace(bounds[1], bounds[3], 60))
    there = project(np.column_stack([x.ravel(), y.ravel()]), normalize_crs(4326), normalize_crs(crs))
    slack = 1e-9 * max(abs(value) for value in (minx, miny, maxx, maxy, 1.0)) + 1e-3 * (crs != 4269)
    assert there[:, 0].min() >= minx - slack
    assert there[:, 1].min() >= miny - slack
    assert there[:, 0].max() <= maxx + slack
    assert there[:, 1].max() <= maxy + slack


def test_is_no_larger_than_needed() -> None:
    bounds = (200000.0, 5e6, 800000.0, 5.6e6)
    hull = reproject_bounds(bounds, 32615, 4326)
    edge = shapely.get_coordinates(shapely.segmentize(shapely.box(*bounds), 100))
    there = project(edge, normalize_crs(32615), normalize_crs(4326))
    expected = (*there.min(axis=0), *there.max(axis=0))
    assert hull == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(
    ("bounds", "src", "expected"),
    [
        ((700000, 0, 1100000, 400000), 32660, (178.79, 0, 182.39, 3.62)),
        ((-100000, 0, 300000, 400000), 32601, (177.61, 0, 181.2, 3.62)),
        ((-1e6, -1e6, 1e6, 1e6), 3413, (-180, 76.99, 180, 90)),
        ((-1e6, -1e6, 1e6, 1e6), 3031, (-180, -90, 180, -77.03)),
        ((-1e6, 1e6, 1e6, 2e6), 3995, (135, 69.63, 225, 80.82)),
        ((-20037508.34, -1e6, 20037508.34, 1e6), 3857, (-180, -8.95, 180, 8.95)),
        ((19e6, -1e6, 21e6, 1e6), 3857, (170.68, -8.95, 188.65, 8.95)),
        ((21e6, -1e6, 22e6, 1e6), 3857, (-171.35, -8.95, -162.37, 8.95)),
    ],
)
def test_into_longitudes(bounds: tuple[float, ...], src: int, expected: tuple[float, ...]) -> None:
    assert reproject_bounds(bounds, src, 4326) == pytest.approx(expected, abs=0.01)  # type: ignore[arg-type]


def test_corners_off_the_map_are_left_out() -> None:
    tile = (-7783653.6, 7783653.6, -6671703.1, 8895604.2)
    assert reproject_bounds(tile, SINUSOIDAL, 4326) == pytest.approx((-180, 70, -175.4, 70.47), abs=0.1)


def test_longitudes_beyond_180_go_on_where_the_map_does() -> None:
    assert reproject_bounds((170, 0, 190, 1), 4326, 3857)[::2] == pytest.approx((18924313.4, 21150703.3))
    assert reproject_bounds((178, 0, 182, 1), 4326, 32660)[0] == pytest.approx(611281, abs=100)


def test_latitudes_half_a_pixel_beyond_the_poles() -> None:
    assert reproject_bounds((-180, -90.05, 180, 90.05), 4326, 6933) == reproject_bounds(
        (-180, -90, 180, 90), 4326, 6933
    )


@pytest.mark.parametrize(
    ("bounds", "src", "dst"),
    [
        ((-180.0, -90.0, 180.0, 90.0), 4326, 3857),
        ((-180.0, -90.0, 180.0, 90.0), 4326, 32615),
        ((0.0, -90.0, 10.0, -80.0), 4326, 3413),
        ((-2e7, 8.9e6, -1.9e7, 1e7), SINUSOIDAL, 4326),
    ],
)
def test_no_place(bounds: tuple[float, float, float, float], src: int | str, dst: int) -> None:
    with pytest.raises(GridError, match="clip them"):
        reproject_bounds(bounds, src, dst)
