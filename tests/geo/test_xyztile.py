from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from dawnlight.errors import InvalidTileError, ParameterError, ParameterTypeError
from dawnlight.geo import GeoBox, XYZTile


@st.composite
def tiles(draw: st.DrawFn) -> XYZTile:
    z = draw(st.integers(0, 29))
    return XYZTile(
        draw(st.integers(0, 2**z - 1)), draw(st.integers(0, 2**z - 1)), z, all_touched=draw(st.booleans())
    )


def test_vector_of_the_contract() -> None:
    tile = XYZTile(1, 1, 2)
    assert tile.bounds == (-10018754.171394622, 0, 0, 10018754.171394622)
    assert tile.geometry.bounds == (-90, 0, 0, 66.51326044311186)
    assert tile.resolution == 39135.75848201024
    assert tile.raster_params == {
        "bounds": tile.bounds,
        "srs": "EPSG:3857",
        "bounds_srs": "EPSG:3857",
        "align_pixels": False,
        "resolution": 39135.75848201024,
    }
    assert (tile.x, tile.y, tile.z, tile.tilesize, tile.shape) == (1, 1, 2, 256, (256, 256))
    assert tile.crs == tile.bounds_crs == "EPSG:3857"
    assert tile.align_pixels is False


@given(tiles())
def test_the_grid_is_the_bounds(tile: XYZTile) -> None:
    box = tile.geobox
    assert isinstance(box, GeoBox)
    assert box.shape == (256, 256)
    assert box.is_north_up
    assert box.resolution == (tile.resolution, tile.resolution)
    assert box.bounds == pytest.approx(tile.bounds, abs=1e-6)
    west, south, east, north = tile.geometry.bounds
    assert box.footprint().bounds == pytest.approx((west, south, east, north), abs=1e-6)


@given(tiles())
def test_children_and_parents(tile: XYZTile) -> None:
    children = tile.children()
    x, y = 2 * tile.x, 2 * tile.y
    assert [(child.x, child.y) for child in children] == [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)]
    for child in children:
        assert child.parent() == tile
        assert child.all_touched is tile.all_touched
    together = shapely.union_all([shapely.box(*child.bounds) for child in children])
    assert together.bounds == pytest.approx(tile.bounds, abs=1e-6)


def test_the_ends_of_the_pyramid() -> None:
    with pytest.raises(InvalidTileError, match="no parent"):
        XYZTile(0, 0, 0).parent()
    with pytest.raises(InvalidTileError, match="z=31"):
        XYZTile(0, 0, 30).children()


@pytest.mark.parametrize(
    ("x", "y", "z"), [(0, 0, -1), (0, 0, 31), (1, 0, 0), (-1, 0, 2), (0, 4, 2), (4, 0, 2), (0, -1, 2)]
)
def test_numbers_out_of_range(x: int, y: int, z: int) -> None:
    with pytest.raises(InvalidTileError, match="must be from 0"):
        XYZTile(x, y, z)


@pytest.mark.parametrize("bad", [1.0, "1", None, True])
def test_numbers_that_are_not_whole(bad: Any) -> None:
    for arguments in ((bad, 0, 2), (0, bad, 2), (0, 0, bad)):
        with pytest.raises(ParameterTypeError, match="whole number"):
            XYZTile(*arguments)


def test_numpy_integers() -> None:
    assert XYZTile(np.int64(1), np.uint8(1), np.int32(2)) == XYZTile(1, 1, 2)


def test_assign() -> None:
    tile = XYZTile(1, 1, 2)
    assert tile.assign() == tile
    assert tile.assign(all_touched=True).all_touched
    assert tile.assign(all_touched=True).assign() == XYZTile(1, 1, 2, True)
    for name in ("crs", "resolution", "shape", "bounds"):
        with pytest.raises(ParameterError, match=rf"XYZTile does not support modifying {name}.*parent\(\)"):
            tile.assign(**{name: 5})
    with pytest.raises(ParameterTypeError, match="'zoom'"):
        tile.assign(zoom=5)
