from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from dawnlight.accessor._live_tiles import Pyramid, TileSource, choose_look, mercator_bounds
from dawnlight.accessor._pictures import Style
from dawnlight.errors import InvalidTileError, ParameterError
from dawnlight.geo import XYZTile


def source_of(
    obj: Any, bands: Any = None, *, slot: int = 0, most_pixels: int = 2**26, **style: Any
) -> TileSource:
    pyramid = Pyramid(obj, bands, 12)
    look = choose_look(pyramid, Style(**style), most_pixels)
    return TileSource(pyramid, look, slot, most_pixels)


def tiles_of(obj: Any, zoom: int) -> list[XYZTile]:
    """All tiles that the array touches."""
    minx, miny, maxx, maxy = mercator_bounds(obj.dl.geobox)
    side = XYZTile(0, 0, zoom).resolution * 256
    half = side * 2**zoom / 2
    return [
        XYZTile(x, y, zoom)
        for x in range(int((minx + half) // side), int((maxx + half) // side) + 1)
        for y in range(int((half - maxy) // side), int((half - miny) // side) + 1)
    ]


@pytest.mark.parametrize("zoom", [14, 16, 18])
def test_a_tile_is_what_reproject_gives(stack: xr.DataArray, zoom: int) -> None:
    source = source_of(stack, "red green nir", slot=1)
    tiles = tiles_of(stack, zoom)
    seen = 0
    for tile in tiles[:: max(len(tiles) // 4, 1)]:
        found = source.values(tile.z, tile.x, tile.y)
        expected = stack.isel(time=1).sel(band=["red", "green", "nir"]).dl.reproject(like=tile.geobox).values
        if found is None:
            assert np.isnan(expected).all()
            continue
        np.testing.assert_array_equal(found.values[0], expected)
        seen += int(np.isfinite(expected).sum())
    assert seen > 0


@pytest.mark.parametrize("kind", ["classes", "index", "composite", "dataset"])
def test_whatever_can_be_reprojected_has_tiles(stack: xr.DataArray, kind: str) -> None:
    obj: Any = {
        "classes": lambda: stack.isel(time=0).sel(band="scl"),
        "index": lambda: stack.isel(time=2).dl.index("NDVI"),
        "composite": lambda: stack.dl.composite(method="median"),
        "dataset": lambda: stack.isel(time=0).dl.to_dataset(),
    }[kind]()
    bands = "nir" if kind in ("composite", "dataset") else None
    source = source_of(obj, bands)
    tile = tiles_of(stack, 15)[0]
    found = source.values(tile.z, tile.x, tile.y)
    expected = obj.dl.reproject(like=tile.geobox)
    if kind == "dataset":
        expected = expected["nir"]
    elif kind == "composite":
        expected = expected.sel(band="nir")
    assert found is not None
    np.testing.assert_allclose(found.values.squeeze(), expected.values.squeeze(), rtol=1e-6)
    assert np.isfinite(found.values).any()


def test_zoomed_out_tiles_show_coarser_pixels(stack: xr.DataArray) -> None:
    pyramid = Pyramid(stack, "red", 12)
    (tile,) = tiles_of(stack, 11)
    level = pyramid.level_for(tile)
    assert level == 2
    assert pyramid.level(level).array.sizes["x"] == 16
    found = source_of(stack, "red").values(tile.z, tile.x, tile.y)
    expected = pyramid.level(level).array[:1].dl.reproject(like=tile.geobox)
    assert found is not None
    np.testing.assert_array_equal(found.values, expected.values)
    assert pyramid.level_for(XYZTile(0, 0, 0)) == 4, "never less than two rows"


def made_lazy(calls: list[Any]) -> xr.DataArray:
    """400 x 400 pixels in chunks of 100 that note when they are computed."""
    import dask.array

    def block(block_info: Any = None) -> Any:
        place = block_info[None]["array-location"]
        calls.append(tuple(start // 100 for start, _ in place))
        rows, cols = (np.arange(*edges) for edges in place)
        return rows[:, None] * 1000.0 + cols

    data = dask.array.map_blocks(block, chunks=((100,) * 4, (100,) * 4), dtype=float, meta=np.zeros((0, 0)))
    y, x = 5_000_000 - 10.0 * np.arange(400), 600_000 + 10.0 * np.arange(400)
    return xr.DataArray(data, {"y": y, "x": x}, ("y", "x"), attrs={"crs": "EPSG:32631"})


def test_only_the_chunks_below_a_tile_are_computed_and_each_once() -> None:
    calls: list[Any] = []
    source = source_of(made_lazy(calls), stretch=(0, 4e5))
    calls.clear()
    tiles = tiles_of(made_lazy([]), 17)
    source.values(17, tiles[0].x, tiles[0].y)
    near = next(tile for tile in tiles if source.values(17, tile.x, tile.y) is not None)
    first = set(calls)
    assert 0 < len(first) < 8
    source.values(17, near.x, near.y)
    assert len(calls) == len(set(calls)), "blocks are kept"


def test_of_a_stack_only_the_pixels_below_a_tile_are_read(lazy: xr.DataArray, counted: Any) -> None:
    source = source_of(lazy, "red", stretch=(0, 4000))
    tile = next(
        tile
        for tile in tiles_of(lazy, 18)
        if np.isfinite(lazy.isel(time=1).sel(band="red").dl.reproject(like=tile.geobox).values).any()
    )
    with counted() as reads:
        assert source.values(tile.z, tile.x, tile.y) is not None
    assert reads
    height, width = max(read[0] for read in reads), max(read[1] for read in reads)
    assert height * width < 400, "a chunk of this array has 500 pixels"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    from dawnlight.raster._lazy import LazyRaster

    @contextmanager
    def count() -> Iterator[list[tuple[int, int]]]:
        reads: list[tuple[int, int]] = []
        real = LazyRaster.__getitem__

        def noted(self: Any, key: Any) -> Any:
            found = real(self, key)
            reads.append(found.shape[-2:])
            return found

        with monkeypatch.context() as patch:
            patch.setattr(LazyRaster, "__getitem__", noted)
            yield reads

    return count


def test_nothing_is_computed_where_nothing_is(lazy: xr.DataArray, nothing_computed: Any) -> None:
    source = source_of(lazy, "red")
    with nothing_computed():
        assert source.values(10, 0, 0) is None
        picture = np.asarray(Image.open(io.BytesIO(source.png(10, 0, 0))))
    assert picture.shape == (256, 256, 4)
    assert not picture.any()


def test_colors_are_the_same_in_all_tiles(stack: xr.DataArray) -> None:
    source = source_of(stack, "scl")
    shown = {1: (120, 160, 60), 2: (40, 90, 200), 3: (250, 250, 250), 4: (60, 60, 60)}
    for tile in tiles_of(stack, 17):
        values = source.values(tile.z, tile.x, tile.y)
        if values is None:
            continue
        picture = np.asarray(Image.open(io.BytesIO(source.png(tile.z, tile.x, tile.y))))
        for value, color in shown.items():
            there = picture[values.values[0, 0] == value]
            assert (there[:, :3] == color).all()
    whole = [source_of(stack, "red nir green").png(tile.z, tile.x, tile.y) for tile in tiles_of(stack, 15)]
    assert len(set(whole)) == len(whole)


def test_labels_without_colors_get_fixed_ones(stack: xr.DataArray) -> None:
    look = choose_look(Pyramid(stack.isel(time=0), "scl", 1), Style())
    assert len(look.bands[0].colormap) == 256
    assert look.bands[0].colormap[1] == (120, 160, 60, 255)


def test_a_tile_that_would_cost_too_much_is_refused() -> None:
    calls: list[Any] = []
    array = made_lazy(calls)
    source = source_of(array, most_pixels=30_000)
    (tile, *_) = tiles_of(array, 10)
    calls.clear()
    with pytest.raises(ParameterError, match="zoom in"):
        source.values(tile.z, tile.x, tile.y)
    assert not calls
    zoom = source.least_zoom
    assert 10 < zoom < 17
    assert any(source.values(zoom, tile.x, tile.y) is not None for tile in tiles_of(array, zoom))


def test_there_are_no_tiles_beyond_the_world(stack: xr.DataArray) -> None:
    with pytest.raises(InvalidTileError):
        source_of(stack, "red").png(1, 2, 0)
