from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import xarray as xr

from dawnlight.errors import ParameterError, ParameterTypeError


@pytest.mark.parametrize(("size", "overlap"), [(16, 0), (20, 5), ((10, 30), (2, 7)), (48, 0), (60, 0)])
def test_tiles_are_those_of_xbatcher(stack: xr.DataArray, size: Any, overlap: Any) -> None:
    xbatcher = pytest.importorskip("xbatcher")
    ny, nx = size if isinstance(size, tuple) else (size, size)
    oy, ox = overlap if isinstance(overlap, tuple) else (overlap, overlap)
    tiles = stack.dl.tiles(size, overlap)
    if ny > 48 or nx > 64:
        assert len(tiles) == 0
        return
    sizes = {"time": 3, "band": 4, "y": ny, "x": nx}
    batches = xbatcher.BatchGenerator(stack, sizes, {"y": oy, "x": ox})
    assert len(tiles) == len(batches)
    for ours, theirs in zip(tiles, batches, strict=True):
        xr.testing.assert_equal(ours, theirs)


def test_each_tile_knows_its_place(stack: xr.DataArray) -> None:
    tiles = stack.dl.tiles(16, 4)
    whole = stack.dl.geobox
    for tile, window in zip(tiles, tiles.windows, strict=True):
        assert tile.dl.geobox == whole.window(window)
    xr.testing.assert_identical(tiles[-1], list(tiles)[-1])
    assert len(tiles[1:3]) == 2
    assert repr(tiles) == "<15 tiles of 16 x 16 pixels, overlap (4, 4)>"


def test_the_rim_can_be_kept(stack: xr.DataArray) -> None:
    tiles = stack.dl.tiles(20, partial=True)
    assert sum(tile.sizes["y"] * tile.sizes["x"] for tile in tiles) == 48 * 64
    assert {tile.sizes["x"] for tile in tiles} == {20, 4}
    assert len(stack.dl.tiles(60, partial=True)) == 2


def test_tiles_stay_lazy(lazy: xr.DataArray, nothing_computed: Callable[[], Any]) -> None:
    with nothing_computed():
        assert all(tile.chunks is not None for tile in lazy.dl.tiles(16))
        assert next(iter(lazy.dl.to_dataset().dl.tiles(16))).red.sizes["x"] == 16


def test_unusable_sizes_are_refused(loaded: xr.DataArray) -> None:
    with pytest.raises(ParameterError, match="size=0"):
        loaded.dl.tiles(0)
    with pytest.raises(ParameterError, match="overlap=8 must be less than size=8"):
        loaded.dl.tiles(8, 8)
    with pytest.raises(ParameterTypeError, match=r"size=1\.5"):
        loaded.dl.tiles(1.5)
