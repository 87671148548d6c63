"""The door to dask: lazy, pushes slices down, deterministic names; automatic scales over whole layers."""

import subprocess
import sys
import textwrap

import dask.array
import numpy as np
import pytest

from dawnlight.geo import GeoBox, Window
from dawnlight.raster._dask import scale_after, to_dask
from dawnlight.raster._plan import MaskPolicy
from dawnlight.testing._engine import make_lazy
from dawnlight.testing._memory import MemoryReader, RecordingReader, UntouchableReader
from dawnlight.testing._rasters import noise

BOX = GeoBox.from_geotrans((0, 10, 0, 400, 0, -10), (40, 60), 32632)
CHUNKS = ((1, 1, 1), (2,), (20, 20), (20, 20, 20))


@pytest.fixture
def reader():
    return MemoryReader()


def lazy_of(reader, source=None, **options):
    source = source or reader
    rows = [reader.add(str(k), noise((2, *BOX.shape), "uint16", k), BOX) for k in range(3)]
    return make_lazy(rows, BOX, source, **options)


def test_building_reads_nothing(reader):
    array = to_dask(lazy_of(reader, UntouchableReader()), CHUNKS)
    assert array.shape == (3, 2, 40, 60)
    assert array.dtype == "float32"
    assert array.chunks == CHUNKS
    (array[:, 0].mean(axis=0) + 1)[5:9].persist  # noqa: B018  building on it reads nothing either


def test_values_are_those_of_the_lazy_raster(reader):
    lazy = lazy_of(reader)
    assert np.array_equal(to_dask(lazy, CHUNKS).compute(scheduler="synchronous"), lazy[:])


@pytest.mark.parametrize(
    ("take", "expected"),
    [
        (lambda a: a[1, 0, 3:7, 5:9], [("1", (1,), Window(3, 5, 4, 4))]),
        (lambda a: a[2, 1, 0, 59:], [("2", (2,), Window(0, 59, 1, 1))]),
        (
            lambda a: a[0, :, 19:21, 0],
            [("0", (1, 2), Window(19, 0, 1, 1)), ("0", (1, 2), Window(20, 0, 1, 1))],
        ),
        (
            lambda a: a[::2, 1, -1:, 3:4][:, :1],
            [("0", (2,), Window(39, 3, 1, 1)), ("2", (2,), Window(39, 3, 1, 1))],
        ),
    ],
)
def test_slices_before_arithmetic_reach_the_read(reader, take, expected):
    reading = RecordingReader(reader)
    array = to_dask(lazy_of(reader, reading), CHUNKS)
    result = (take(array) + 1).compute(scheduler="synchronous")
    assert np.array_equal(result, take(lazy_of(reader)[:]) + 1)
    assert sorted((href, bands, window) for href, bands, _, window in reading.reads) == sorted(expected)


def test_equal_requests_have_equal_names(reader):
    assert to_dask(lazy_of(reader), CHUNKS).name == to_dask(lazy_of(reader), CHUNKS).name
    other = to_dask(lazy_of(reader, kernel="cubic"), CHUNKS)
    assert other.name != to_dask(lazy_of(reader), CHUNKS).name
    assert to_dask(lazy_of(reader), ((3,), (2,), (40,), (60,))).name != to_dask(lazy_of(reader), CHUNKS).name


def test_names_are_the_same_in_another_process(reader):
    code = """
        import numpy as np
        from dawnlight.geo import GeoBox
        from dawnlight.raster._dask import to_dask
        from dawnlight.testing._engine import make_lazy
        from dawnlight.testing._memory import MemoryReader
        from dawnlight.testing._rasters import noise
        box = GeoBox.from_geotrans((0, 10, 0, 400, 0, -10), (40, 60), 32632)
        reader = MemoryReader()
        rows = [reader.add(str(k), noise((2, *box.shape), "uint16", k), box) for k in range(3)]
        print(to_dask(make_lazy(rows, box, reader), ((1, 1, 1), (2,), (20, 20), (20, 20, 20))).name)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == to_dask(lazy_of(reader), CHUNKS).name


def test_the_graph_stays_small(reader):
    import pickle

    rows = [
        reader.add(f"/data/{k:06}.tif", np.zeros((1, 1), "uint8"), BOX.window(Window(0, 0, 1, 1)))
        for k in range(3000)
    ]
    lazy = make_lazy(rows, BOX, UntouchableReader())
    assert len(pickle.dumps(lazy)) < 150_000


# -- automatic scales ------------------------------------------------------------------------------


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_automatic_scales_stretch_each_layer_and_band(masked, dtype):
    rng = np.random.default_rng(1)
    values = rng.integers(50, 4000, (2, 2, 30, 30)).astype("float32" if masked else "uint16")
    if masked:
        values[:, :, :3] = np.nan
    array = dask.array.from_array(values, chunks=(1, 1, 7, 11))
    found = scale_after(array, [(), None], np.dtype(dtype), masked=masked).compute(scheduler="synchronous")
    for layer in range(2):
        low, high = np.nanmin(values[layer, 0]), np.nanmax(values[layer, 0])
        expected = np.floor((values[layer, 0].astype(float) - low) * 255 / (high - low) + 0.5)
        if dtype == "float32":
            expected = (values[layer, 0].astype(float) - low) * 255 / (high - low)
        np.testing.assert_allclose(found[layer, 0], expected, rtol=1e-6)
        assert np.nanmin(found[layer, 0]) == 0
        assert np.nanmax(found[layer, 0]) == 255
        top = 255 if dtype == "uint8" else 1e9
        assert np.array_equal(found[layer, 1], np.minimum(values[layer, 1], top), equal_nan=True)


def test_automatic_scales_of_layers_without_pixels_or_without_contrast():
    values = np.stack([np.full((1, 4, 4), np.nan), np.full((1, 4, 4), 7.0)]).astype("float32")
    array = dask.array.from_array(values, chunks=(1, 1, 2, 2))
    found = scale_after(array, [()], np.dtype("uint8"), masked=True).compute(scheduler="synchronous")
    assert np.isnan(found[0]).all()
    assert (found[1] == 0).all()


def test_automatic_scales_stay_lazy(reader):
    array = to_dask(lazy_of(reader, UntouchableReader(), masks=MaskPolicy(nodata=False)), CHUNKS)
    scaled = scale_after(array, [(), ()], np.dtype("uint8"), masked=False)
    assert scaled.dtype == "uint8"
