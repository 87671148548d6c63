"""What tasks read next is announced: all that the graph reads, nothing else, and taken back in the end."""

import time
from dataclasses import replace

import dask.array
import numpy as np
import pytest
import xarray as xr
from affine import Affine
from dask.callbacks import Callback

from dawnlight.errors import RasterError
from dawnlight.geo import GeoBox
from dawnlight.raster import _dask_next, _remote_ahead, _remote_next
from dawnlight.raster._cog import CogReader
from dawnlight.raster._dask import to_dask
from dawnlight.testing._engine import file_sources, make_lazy
from dawnlight.testing._memory import MemoryReader
from dawnlight.testing._range_server import Fault, RangeServer
from dawnlight.testing._rasters import noise, write_raster

BOX = GeoBox((128, 128), Affine(10, 0, 500000, 0, -10, 4600000), "EPSG:32615")
CHUNKS = ((1, 1, 1), (1,), (64, 64), (128,))


def array_of(place="https://example.test/"):
    reader = MemoryReader()
    rows = [reader.add(f"{place}{k}.tif", noise(BOX.shape, seed=k), BOX) for k in range(3)]
    lazy = make_lazy(rows, BOX, reader)
    return lazy, to_dask(lazy, CHUNKS)


@pytest.fixture
def announced(monkeypatch):
    """Parts, as they are announced."""
    found = []

    def note(key, plan):
        found.append(key)
        _remote_next.announce(key, plan)

    monkeypatch.setattr(_dask_next, "announce", note)
    yield found
    assert not _remote_next._state.parts
    assert not _remote_next._state.waiting
    assert not _dask_next._watcher._runs


HALVES = [(slice(0, 64), slice(0, 128)), (slice(64, 128), slice(0, 128))]


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
@pytest.mark.parametrize(
    ("take", "layers", "halves"),
    [
        (lambda a: a, range(3), HALVES),
        (lambda a: a[1:], (1, 2), HALVES),
        (lambda a: a[:, 0, 64:], range(3), HALVES[1:]),
        (lambda a: a.mean(("y", "x")), range(3), HALVES),
        (lambda a: (a[:2] * 2 + 1).max("time"), range(2), HALVES),
        (lambda a: a[1:] - a[:-1], range(3), HALVES),
    ],
)
def test_only_what_the_graph_reads_is_announced(announced, scheduler, take, layers, halves):
    lazy, array = array_of()
    stack = take(xr.DataArray(array, dims=("time", "band", "y", "x")))
    stack.compute(scheduler=scheduler, num_workers=1)
    expected = {lazy.part((k, slice(0, 1), *half)) for k in layers for half in halves}
    assert len(set(announced)) == len(expected) - 1  # the first one begins at once
    assert set(announced) < expected


@pytest.mark.parametrize(
    "compute",
    [
        lambda array: array.compute(scheduler="processes", num_workers=1),
        lambda array: dask.array.ones((4, 4), chunks=2).compute(scheduler="threads"),
    ],
)
def test_nothing_is_fetched_for_others(announced, compute):
    _, array = array_of()
    compute(array)
    assert not _remote_next._state.parts
    assert _remote_ahead._state.bytes == 0


def test_local_arrays_are_not_watched(announced):
    _, array = array_of("/nowhere/")
    array.compute(scheduler="synchronous")
    assert not announced


# -- with a server -------------------------------------------------------------------------------------------


def remote(tmp_path, server):
    rows = []
    for k in range(3):
        path = write_raster(tmp_path / f"{k}.tif", noise(BOX.shape, seed=k), BOX, tiled=64)
        href = f"{server.url}/{path.name}"
        rows.append(
            [
                replace(each, file=replace(each.file, href=href, modified_ns=None))
                for each in file_sources(path)
            ]
        )
    return to_dask(make_lazy(rows, BOX, CogReader()), CHUNKS)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_same_pixels_by_the_same_requests(tmp_path, monkeypatch, workers):
    expected = np.stack([noise(BOX.shape, seed=k) for k in range(3)])[:, None]
    asked = []
    for watched in (True, False):
        with RangeServer(tmp_path, delay=0.01) as server:
            array = remote(tmp_path, server)
            if not watched:
                monkeypatch.setattr(_dask_next, "announce", lambda key, plan: None)
            found = array.compute(scheduler="threads", num_workers=workers)
            np.testing.assert_array_equal(found, expected)
            asked.append(sorted((each.name, each.start, each.size) for each in server.asked))
    assert asked[0] == asked[1]
    assert _remote_ahead._state.bytes == 0
    assert not _remote_ahead._state.flights


def test_the_next_part_is_asked_for_while_this_one_is_computed(tmp_path):
    begun = []
    with RangeServer(tmp_path) as server:
        array = remote(tmp_path, server)

        def slow(block):
            # This task has its pixels; requests for those of the next one come without waiting for it.
            end = time.monotonic() + 10
            while len(names()) < 2 and time.monotonic() < end:
                time.sleep(0.01)
            begun.append(names())
            return block

        def names():
            return {each.name for each in server.asked if each.start}  # headers are at the start

        upper = array.map_blocks(slow, meta=np.empty((0,) * 4, array.dtype))[:, :, :64]
        upper.compute(scheduler="synchronous")
    assert len(begun) == 3
    assert len(begun[0]) == 2


def test_a_failure_is_that_of_the_task(tmp_path, announced):
    with RangeServer(tmp_path, fault=lambda _, asked: _lost(asked)) as server:
        array = remote(tmp_path, server)
        with pytest.raises(RasterError, match=r"2\.tif.*404"):
            array.compute(scheduler="threads", num_workers=1)
    assert _remote_ahead._state.bytes == 0


def _lost(asked):
    return Fault(kind="status", status=404) if asked.name == "2.tif" and asked.start else None


@pytest.mark.parametrize("hook", ["_start_state", "_pretask", "_finish"])
def test_what_dask_tells_may_change_without_harm(announced, monkeypatch, caplog, hook):
    """A later dask may tell something else: then nothing is fetched ahead, and all is computed."""
    lazy, array = array_of()
    expected = lazy[...]
    watcher = _dask_next._Watcher()
    monkeypatch.setattr(_dask_next, "_watcher", watcher)
    whole = getattr(_dask_next._Watcher, hook).__wrapped__

    @_dask_next._harmless
    def changed(self, *arguments):
        whole(self, *arguments)
        raise KeyError("ready")

    monkeypatch.setattr(watcher, hook, changed.__get__(watcher))
    watcher.register()
    for _ in range(2):
        assert np.array_equal(array.compute(scheduler="threads"), expected)
    assert caplog.text.count("nothing is fetched ahead") == 1
    assert watcher.gave_up
    watcher.unregister()
    _dask_next.watch()
    assert watcher._callback not in Callback.active
