"""The lazy raster: shape, type, what it reads, and how painted pixels become values."""

import pickle

import numpy as np
import pytest

from dawnlight.geo import GeoBox, Window
from dawnlight.raster._cutline import Cutline
from dawnlight.raster._lazy import LazyRaster, Output
from dawnlight.raster._plan import MaskPolicy
from dawnlight.testing._engine import make_lazy, target_over
from dawnlight.testing._memory import MemoryReader, RecordingReader, UntouchableReader
from dawnlight.testing._rasters import noise

BOX = GeoBox.from_geotrans((0, 10, 0, 400, 0, -10), (40, 50), 32632)


@pytest.fixture
def reader():
    return MemoryReader()


def rows_of(reader, images=3, bands=2, dtype="uint16", **options):
    return [reader.add(str(k), noise((bands, *BOX.shape), dtype, k), BOX, **options) for k in range(images)]


def test_it_looks_like_an_array_and_reads_nothing(reader):
    lazy = make_lazy(rows_of(reader), BOX, UntouchableReader())
    assert (lazy.shape, lazy.ndim, lazy.dtype) == ((3, 2, 40, 50), 4, np.float32)
    assert repr(lazy) == "LazyRaster(shape=(3, 2, 40, 50), dtype='float32')"


@pytest.mark.parametrize(
    ("dtype", "masked"),
    [
        *(("uint8", "float32"), ("uint16", "float32"), ("int16", "float32"), ("uint32", "float64")),
        *(("int32", "float64"), ("float32", "float32"), ("float64", "float64")),
    ],
)
def test_masked_values_are_widened_without_loss(reader, dtype, masked):
    pixels = noise(BOX.shape, dtype)
    if pixels.dtype.kind in "iu":
        pixels[0, :2] = np.iinfo(dtype).min, np.iinfo(dtype).max
    rows = [reader.add("a", pixels, BOX)]
    assert make_lazy(rows, BOX, reader).dtype == masked
    assert np.array_equal(make_lazy(rows, BOX, reader)[0, 0], pixels.astype(masked))
    bare = make_lazy(rows, BOX, reader, masks=MaskPolicy(nodata=False))
    assert bare.dtype == dtype
    assert bare[0, 0].tobytes() == pixels.tobytes()


def test_pixels_of_the_same_grid_come_bit_by_bit(reader):
    pixels = noise(BOX.shape, "float32")
    pixels[0, :4] = np.inf, -np.inf, -0.0, np.float32(1e-45)
    rows = [reader.add("a", pixels, BOX)]
    nudged = GeoBox.from_geotrans((1e-9, 10, 0, 400 - 1e-9, 0, -10), BOX.shape, 32632)
    for target in (BOX, nudged):
        assert make_lazy(rows, target, reader, kernel="cubic")[0, 0].tobytes() == pixels.tobytes()
    part = make_lazy(rows, BOX.window(Window(3, -5, 20, 30)), reader, kernel="lanczos")[0, 0]
    assert part[:, 5:].tobytes() == np.ascontiguousarray(pixels[3:23, :25]).tobytes()
    assert np.isnan(part[:, :5]).all()


@pytest.mark.parametrize("turns", [-1, 1])
def test_pixels_of_the_same_grid_a_turn_away_come_bit_by_bit(reader, turns):
    source = GeoBox.from_geotrans((170, 0.5, 0, 10, 0, -0.5), (20, 40), 4326)
    target = GeoBox.from_geotrans((170 + 360 * turns, 0.5, 0, 10, 0, -0.5), (20, 40), 4326)
    pixels = noise(source.shape, "float64")
    rows = [reader.add("a", pixels, source)]
    assert make_lazy(rows, target, reader, kernel="bilinear")[0, 0].tobytes() == pixels.tobytes()


def test_a_slice_reads_only_its_pixels(reader):
    reading = RecordingReader(reader)
    lazy = make_lazy(rows_of(reader), BOX, reading)
    lazy[1, 0, 5:9, 10:20:3]
    assert reading.reads == [("1", (1,), 0, Window(5, 10, 4, 10))]
    reading.reads.clear()
    lazy[::-2, :, 39, -1]
    assert [read[0] for read in reading.reads] == ["2", "0"]
    assert {read[3] for read in reading.reads} == {Window(39, 49, 1, 1)}


def test_empty_slices_read_nothing(reader):
    lazy = make_lazy(rows_of(reader), BOX, UntouchableReader())
    for key in ((slice(0, 0),), (0, slice(2, 2)), (0, 0, slice(40, 50)), (0, 0, 0, slice(5, 5))):
        assert lazy[key].size == 0


def test_windows_that_need_too_much_at_once_are_read_in_parts(reader, monkeypatch):
    from dawnlight.raster import _fetch

    target = target_over(BOX, 32633, 0.9)
    rows = rows_of(reader, 1, dtype="float64")
    lazy = make_lazy(rows, target, reader, kernel="cubic")
    whole = lazy[:]
    monkeypatch.setattr(_fetch, "LARGE_BYTES", 2000)
    reading = RecordingReader(reader)
    parts = make_lazy(rows, target, reading, kernel="cubic")[:]
    assert len(reading.reads) > 10
    assert parts.tobytes() == whole.tobytes()


# -- values ----------------------------------------------------------------------------------------


def lazy_with(reader, *, scales, dtype, masked, nodata=None, cutline=None, own="uint16", target=BOX):
    rows = rows_of(reader, 1, 1, own, nodata=nodata)
    plan = make_lazy(
        rows, target, reader, masks=MaskPolicy(nodata=masked), nodata=nodata, cutline=cutline
    ).plan
    fill = [0.0 if nodata is None else nodata]
    return LazyRaster(plan, Output(dtype=dtype, scales=scales, masked=masked, fill=fill), reader)


def test_scaled_values(reader):
    lazy = lazy_with(reader, scales=[(0, 10000, 0, 255)], dtype="uint8", masked=True)
    assert lazy.dtype == "float32"
    expected = np.floor(noise((1, *BOX.shape), "uint16", 0)[0].astype(float) * 255 / 10000 + 0.5)
    assert np.array_equal(lazy[0, 0], expected)


def test_values_of_another_type_are_limited_and_rounded(reader):
    lazy = lazy_with(reader, scales=[None], dtype="uint8", masked=False)
    pixels = noise((1, *BOX.shape), "uint16", 0)[0]
    assert np.array_equal(lazy[0, 0], np.minimum(pixels, 255).astype("uint8"))
    wide = lazy_with(reader, scales=[None], dtype="float64", masked=False)
    assert wide[0, 0].dtype == "float64"
    assert np.array_equal(wide[0, 0], pixels)


@pytest.mark.parametrize("nodata", [None, 7.0, -9999.0])
@pytest.mark.parametrize(("scale", "dtype"), [(None, "uint16"), (None, "uint8"), ((0, 100, 0, 1), "float32")])
def test_what_no_image_has_and_what_is_cut_away_look_the_same(reader, nodata, scale, dtype):
    import shapely

    cutline = Cutline(shapely.box(-200, 0, 250, 600), BOX.pad(5))
    lazy = lazy_with(
        reader, scales=[scale], dtype=dtype, masked=False, nodata=nodata, cutline=cutline, target=BOX.pad(5)
    )
    found = lazy[0, 0]
    outside = found[0, 0]
    assert (found[:5] == outside).all()
    assert (found[:, -5:] == outside).all()
    assert (found[:, 32:] == outside).all()
    assert not (found[5:45, 5:30] == outside).all()


def test_masked_values_are_nan_whatever_the_scale(reader):
    pixels = np.array([[0, 5]], "uint16")
    box = GeoBox.from_geotrans((0, 10, 0, 10, 0, -10), (1, 2), 32632)
    plan = make_lazy([reader.add("a", pixels, box, nodata=0)], box, reader, nodata=0).plan
    output = Output(dtype="uint8", scales=[(0, 10, 100, 200)], masked=True, fill=[0])
    assert np.array_equal(LazyRaster(plan, output, reader)[0, 0], [[np.nan, 150]], equal_nan=True)


# -- travel ----------------------------------------------------------------------------------------


def test_it_travels_without_open_files(reader):
    lazy = make_lazy(
        rows_of(reader), target_over(BOX, 4326, 1e-4), reader, kernel="cubic", layers=[[0, 1], [2]]
    )
    whole = lazy[:]
    copy = pickle.loads(pickle.dumps(lazy))
    assert copy[:].tobytes() == whole.tobytes()
    assert copy.__dask_tokenize__() == lazy.__dask_tokenize__()


@pytest.mark.parametrize(
    "change",
    [{"kernel": "cubic"}, {"keep": [0]}, {"masks": MaskPolicy(nodata=False)}, {"nodata": 5.0}],
    ids=str,
)
def test_the_token_tells_what_decides_a_value(reader, change):
    rows = rows_of(reader)
    one, other = make_lazy(rows, BOX, reader), make_lazy(rows, BOX, reader, **change)
    assert one.__dask_tokenize__() != other.__dask_tokenize__()
    assert one.__dask_tokenize__() == make_lazy(rows, BOX, reader).__dask_tokenize__()
