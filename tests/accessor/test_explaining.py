from __future__ import annotations

from typing import Any

import dask
import pytest
import xarray as xr

from dawnlight.catalog import ImageCollection
from dawnlight.errors import ParameterError


@pytest.fixture(autouse=True)
def _nothing_is_computed(nothing_computed: Any) -> Any:
    with nothing_computed():
        yield


def test_a_stack_explains_itself(lazy: xr.DataArray) -> None:
    found = lazy.dl.explain()
    assert (found.kind, found.shape, found.tasks) == ("stack", (3, 4, 48, 64), 9)
    assert found.nbytes == lazy.nbytes
    assert (found.why["crs"], found.why["chunks"]) == ("as given", "as asked for")
    assert found.images_used == 3
    assert {group.dtype for group in found.sources} == {"uint16", "uint8"}


def test_slices_are_seen(lazy: xr.DataArray) -> None:
    found = lazy.isel(time=slice(1, 3), x=slice(0, 10), band=slice(1, 3)).dl.explain()
    assert found.shape == (2, 2, 48, 10)
    assert (found.tasks, found.chunk_shape) == (3, (2, 2, 20, 10))
    assert (found.images_used, found.images_skipped) == (2, 0)
    assert lazy.isel(time=2, y=5).dl.explain().shape == (1, 4, 1, 64)
    assert lazy.isel(x=slice(None, None, 4)).dl.explain().shape[3] == 61
    assert lazy.transpose("band", ...).dl.explain().tiles == lazy.dl.explain().tiles


def test_late_slices_read_whole_chunks(lazy: xr.DataArray) -> None:
    early = lazy.isel(x=slice(0, 3)).dl.explain()
    assert early.chunk_shape[3] == 3
    for array in (lazy + 1, lazy.sel(band="red"), lazy.isel(time=slice(0, 2))):
        late = array.isel(x=slice(0, 3)).dl.explain()
        assert late.chunk_shape[3] == 25
        assert any("count as whole" in note for note in late.notes)
    assert (lazy.isel(x=slice(0, 3)) + 1).dl.explain().chunk_shape[3] == 3


def test_arithmetic_and_reductions_explain_their_reads(lazy: xr.DataArray, images: ImageCollection) -> None:
    reduced = lazy.mean("time").dl.explain()
    assert reduced.images_used == 3
    assert any("no longer told apart" in note for note in reduced.notes)
    other = images.mosaic("red nir")
    both = (lazy.isel(time=0) - other).dl.explain()
    assert sorted([both.kind, *(each.kind for each in both.others)]) == ["mosaic", "stack"]
    assert both.to_dict()["others"]
    assert "Lazy mosaic" in str(both)


def test_mosaics_composites_and_datasets(lazy: xr.DataArray, images: ImageCollection) -> None:
    assert images.mosaic("red").dl.explain().kind == "mosaic"
    found = images.composite("red nir", mask={"scl": ["cloud"]}, chunks=32).dl.explain()
    assert (found.kind, found.shape, found.chunk_shape) == ("composite", (2, 48, 64), (2, 32, 32))
    assert {name for group in found.sources for name in group.bands} == {"red", "nir", "scl"}
    assert lazy.to_dataset("band")[["red"]].dl.explain().shape == (3, 1, 48, 64)
    assert lazy.dl.composite("red").dl.explain().images_used == 3


def test_the_grid_gives_its_reasons(images: ImageCollection) -> None:
    context = images.geocontext.assign(crs=None, shape=None, align_pixels=None)
    found = images.stack("red", geocontext=context).dl.explain()
    assert found.why["crs"].startswith("that of most images: 3 of 3")
    assert found.why["resolution"] == "that of the finest band, on its own pixels"
    assert found.why["chunks"].startswith("automatic")
    warped = images.stack("red", geocontext=context, crs="EPSG:32632").dl.explain()
    assert warped.why["resolution"] == "the finest pixel of the images in units of the CRS"


def test_other_arrays_say_why_not(images: ImageCollection) -> None:
    with dask.config.set(scheduler="synchronous"):
        loaded = images.stack("red", chunks=None, progress=False)
    for array in (loaded, xr.DataArray([[1]], dims=("y", "x")), xr.DataArray([1]).chunk()):
        with pytest.raises(ParameterError, match="will read"):
            array.dl.explain()
