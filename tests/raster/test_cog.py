"""What the tile reader keeps: pixels never depend on it, and tiles are decoded again only if need be."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import rasterio

from dawnlight.errors import RasterReadError
from dawnlight.geo import GeoBox, Window
from dawnlight.raster import _extents
from dawnlight.raster._cog import CogReader
from dawnlight.raster._dask import to_dask
from dawnlight.raster._tile_cache import TileCache
from dawnlight.testing._engine import file_sources, make_lazy, target_over
from dawnlight.testing._rasters import noise, write_raster

BOX = GeoBox.from_geotrans((600000, 10, 0, 5000000, 0, -10), (128, 160), 32631)
TILE = 32


class CountingReader(CogReader):
    """A tile reader with a cache of its own that counts what it decodes."""

    def __init__(self):
        super().__init__()
        self._cache = TileCache()
        self.decoded = []

    def _stored(self, handle, level, number, buffer):
        self.decoded.append((level.shape, number))
        return super()._stored(handle, level, number, buffer)


@pytest.fixture(params=[1, 2, 3])
def source(request, tmp_path):
    dtype = "float32" if request.param == 3 else "uint16"
    pixels = noise((2, *BOX.shape), dtype, 4)
    path = write_raster(tmp_path / "a.tif", pixels, BOX, tiled=TILE, PREDICTOR=request.param)
    return file_sources(path), pixels


def chunks(shape, side):
    for y, x in itertools.product(range(0, shape[0], side), range(0, shape[1], side)):
        yield np.s_[:, :, y : min(y + side, shape[0]), x : min(x + side, shape[1])]


@pytest.mark.parametrize(("offset", "side"), [((0, 0), 64), ((5, 17), 64), ((5, 17), 32), ((20, 9), 1000)])
def test_each_tile_is_decoded_once_whatever_the_chunks(source, offset, side):
    sources, pixels = source
    y, x = offset
    target = BOX.window(Window(y, x, 90, 100))
    reader = CountingReader()
    lazy = make_lazy([sources], target, reader)
    for key in chunks(target.shape, side):
        window = (slice(key[2].start + y, key[2].stop + y), slice(key[3].start + x, key[3].stop + x))
        assert np.array_equal(lazy[key][0], pixels[(slice(None), *window)])
    assert len(reader.decoded) == len(set(reader.decoded))


@pytest.mark.parametrize("side", [32, 50, 1000])
def test_nothing_is_kept_once_all_chunks_are_read(source, side):
    sources, _ = source
    reader = CountingReader()
    lazy = make_lazy([sources], BOX.window(Window(20, 9, 90, 100)), reader)
    for key in chunks(lazy.shape[2:], side):
        lazy[key]
    assert reader._cache.nbytes == 0
    assert not reader._cache._left


def test_resampled_chunks_keep_little(source):
    sources, _ = source
    reader = CountingReader()
    target = target_over(BOX, 32632, 10.0)
    lazy = make_lazy([sources], target, reader)
    for key in chunks(lazy.shape[2:], 48):
        lazy[key]
    assert len(reader.decoded) <= 1.6 * len(set(reader.decoded))
    decoded = {number for _, number in reader.decoded}
    assert len(reader._cache._tiles) <= 0.7 * len(decoded)


def test_a_spot_keeps_its_tile_for_the_next_one(source):
    sources, pixels = source
    reader = CountingReader()
    for x in (40, 45, 50):
        lazy = make_lazy([sources], BOX.window(Window(40, x, 8, 8)), reader)
        assert np.array_equal(lazy[...][0], pixels[:, 40:48, x : x + 8])
    assert len(reader.decoded) == 1


def test_a_spot_through_many_slots_is_not_worth_keeping(source, monkeypatch):
    sources, pixels = source
    monkeypatch.setattr(_extents, "_MANY", 3 * TILE * TILE * np.dtype(sources[0].layout.dtype).itemsize)
    for count, kept in ((2, True), (4, False)):
        reader = CountingReader()
        lazy = make_lazy([sources] * count, BOX.window(Window(40, 40, 8, 8)), reader)
        assert all(np.array_equal(slot, pixels[:, 40:48, 40:48]) for slot in lazy[...])
        assert (reader._cache.nbytes > 0) == kept


@pytest.mark.parametrize(
    ("part", "kept"),
    [
        (Window(10, 40, 50, 57), False),  # cut out of the four chunks that meet within it
        (Window(10, 50, 20, 22), True),  # goes to the end of a chunk: whoever has the next one reads on
        (Window(10, 40, 20, 20), False),  # inside of one chunk
    ],
)
def test_what_is_cut_out_of_chunks_is_not_kept_for_their_rest(source, monkeypatch, part, kept):
    sources, pixels = source
    monkeypatch.setattr(_extents, "_MANY", 0)
    reader = CountingReader()
    lazy = make_lazy([sources], BOX, reader)
    array = to_dask(lazy, ((1,), (2,), (64, BOX.height - 64), (72, BOX.width - 72)))
    rows, columns = part.slices
    found = array[0, :, rows, columns].compute(scheduler="synchronous")
    assert np.array_equal(found, pixels[:, rows, columns])
    assert len(reader.decoded) == len(set(reader.decoded))
    assert (reader._cache.nbytes > 0) == kept


def test_a_tile_whose_checksum_does_not_fit_is_an_error_that_says_where(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise((1, *BOX.shape), "uint16", 4), BOX, tiled=TILE)
    with rasterio.open(path) as file:
        where = {
            name: int(file.get_tag_item(f"BLOCK_{name}_1_2", "TIFF", bidx=1)) for name in ("OFFSET", "SIZE")
        }
    stored = bytearray(path.read_bytes())
    stored[where["OFFSET"] + where["SIZE"] - 1] ^= 1  # the last byte of Adler-32: all pixels can be unpacked
    path.write_bytes(stored)
    lazy = make_lazy([file_sources(path)], BOX, CogReader())
    with pytest.raises(RasterReadError, match=r"a\.tif.*cannot be unpacked"):
        lazy[0, 0, 2 * TILE : 2 * TILE + 3, TILE : TILE + 3]
    assert lazy[0, 0, :3, :3].shape == (3, 3)


def test_without_an_extent_the_rest_of_a_tile_may_be_wanted(source):
    sources, _ = source
    reader = CountingReader()
    for window in (Window(0, 0, 31, 32), Window(31, 0, 1, 32)):
        reader.read(sources[0].file, (1, 2), 0, window, masks=("none", "none"))
    assert len(reader.decoded) == 1
    window = Window(0, 64, 20, 20)
    reader.read(sources[0].file, (1, 2), 0, window, masks=("none",) * 2, extent=window)
    assert reader.decoded[1][1] not in {key[3] for key in reader._cache._tiles}


def test_a_tile_is_dropped_when_its_last_pixel_was_taken():
    cache = TileCache()
    made = []

    def decode():
        made.append(1)
        return np.zeros(10, "u1")

    for pixels in (4, 5):
        cache.get("a", decode, (pixels, 10))
        assert "a" in cache
    cache.get("a", decode, (1, 10))
    assert ("a" in cache, cache.nbytes, len(made)) == (False, 0, 1)
    cache.get("a", decode, (4, 10))
    cache.get("a", decode)  # somebody who may come back
    cache.get("a", decode, (9, 10))
    assert ("a" in cache, len(made)) == (True, 2)
