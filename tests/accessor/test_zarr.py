from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from dawnlight.accessor import _zarr
from dawnlight.errors import ParameterError

zarr = pytest.importorskip("zarr")


def reopen(path: Any) -> xr.Dataset:
    return xr.open_zarr(path, decode_coords="all")


def test_everything_comes_back(stack: xr.DataArray, tmp_path: Path) -> None:
    assert stack.dl.to_zarr(tmp_path / "a.zarr") == tmp_path / "a.zarr"
    back = reopen(tmp_path / "a.zarr").pixels
    xr.testing.assert_equal(back.compute(), stack.compute())
    assert back.dl.geobox == stack.dl.geobox
    assert back.dl.bands == stack.dl.bands
    assert back.dl.ndarray().dtype == np.uint16
    assert back.encoding["dtype"] == np.uint16
    assert back.encoding["chunks"][0] == 1
    assert [str(value) for value in back.id.values] == [str(value) for value in stack.id.values]


def test_irregular_chunks_are_made_regular(stack: xr.DataArray, tmp_path: Path) -> None:
    odd = stack.isel(x=slice(3, None), y=slice(7, None)).chunk(time=(2, 1), y=(5, 20, 16), x=(11, 50))
    odd.dl.to_zarr(tmp_path / "a.zarr")
    xr.testing.assert_equal(reopen(tmp_path / "a.zarr").pixels.compute(), odd.compute())
    odd.dl.to_zarr(tmp_path / "b.zarr", chunks={"y": 13, "x": 64, "time": 2})
    back = reopen(tmp_path / "b.zarr").pixels
    assert back.encoding["chunks"] == (2, 4, 13, 61)
    xr.testing.assert_equal(back.compute(), odd.compute())


def test_datasets_keep_types_and_flags(stack: xr.DataArray, tmp_path: Path) -> None:
    dataset = stack.dl.to_dataset()
    dataset.dl.to_zarr(tmp_path / "a.zarr")
    back = reopen(tmp_path / "a.zarr")
    assert (back.red.encoding["dtype"], back.scl.encoding["dtype"]) == (np.uint16, np.uint8)
    assert back.scl.attrs["flag_meanings"] == "no_data land water cloud shadow"
    assert list(back.scl.attrs["flag_values"]) == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(back.scl, dataset.scl)
    assert set(back.dl.to_dataarray().dl.bands) == {"green", "red", "nir", "scl"}


def test_attributes_are_those_of_geozarr(stack: xr.DataArray, tmp_path: Path) -> None:
    stack.dl.to_zarr(tmp_path / "a.zarr")
    attrs = dict(zarr.open_group(tmp_path / "a.zarr", mode="r").attrs)
    assert attrs["proj:code"] == "EPSG:32631"
    assert attrs["spatial:dimensions"] == ["y", "x"]
    assert attrs["spatial:transform"] == [10, 0, 600000, 0, -10, 5000480]
    assert attrs["spatial:shape"] == [48, 64]
    assert attrs["spatial:bbox"] == [600000, 5000000, 600640, 5000480]
    assert [each["name"] for each in attrs["zarr_conventions"]] == ["spatial:", "proj:"]
    assert "dawnlight_unfinished" not in attrs
    pixels = zarr.open_array(tmp_path / "a.zarr", path="pixels", mode="r")
    assert pixels.attrs["grid_mapping"] == "spatial_ref"


# netCDF4 says so of the type "<u2" that Zarr gives in place of the same "=u2".
@pytest.mark.filterwarnings("ignore:endian-ness of dtype and endian kwarg do not match:UserWarning")
def test_what_was_reopened_can_be_saved_as_netcdf(stack: xr.DataArray, tmp_path: Path) -> None:
    stack.dl.to_zarr(tmp_path / "a.zarr")
    reopen(tmp_path / "a.zarr").drop_attrs(deep=False).to_netcdf(tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc", decode_coords="all") as back:
        assert back.pixels.encoding["dtype"] == np.uint16
        assert back.rio.crs.to_epsg() == 32631
        np.testing.assert_array_equal(back.pixels, stack)
        np.testing.assert_array_equal(back.time, stack.time)


def test_a_broken_run_goes_on(stack: xr.DataArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_zarr, "_REGION_BYTES", 1)
    write, written = _zarr._write_region, []

    def fail_at_third(dataset: xr.Dataset, store: Any, region: Any) -> None:
        if len(written) == 2:
            raise OSError("the disk is full")
        written.append(region)
        write(dataset, store, region)

    path = tmp_path / "a.zarr"
    monkeypatch.setattr(_zarr, "_write_region", fail_at_third)
    with pytest.raises(OSError, match="the disk is full"):
        stack.dl.to_zarr(path, chunks={"x": 32})
    state = json.loads(zarr.open_group(path, mode="r").attrs["dawnlight_unfinished"])
    assert state["done"] == [0, 1]
    rest: list[Any] = []
    monkeypatch.setattr(_zarr, "_write_region", lambda *args: (rest.append(args[2]), write(*args)))
    with pytest.raises(ParameterError, match="unfinished copy of an array with other labels"):
        stack.isel(time=slice(2)).dl.to_zarr(path, chunks={"x": 32})
    stack.dl.to_zarr(path, chunks={"x": 32})
    assert rest
    assert not [region for region in rest if region in written]
    xr.testing.assert_equal(reopen(path).pixels.compute(), stack.compute())


def test_what_is_there_is_not_replaced_unasked(stack: xr.DataArray, tmp_path: Path) -> None:
    path = str(tmp_path / "a.zarr")
    stack.dl.to_zarr(path)
    with pytest.raises(ParameterError, match="overwrite=True"):
        stack.dl.to_zarr(path)
    part = stack.isel(time=[1], band=0)
    part.dl.to_zarr(path, overwrite=True)
    xr.testing.assert_equal(reopen(path).pixels.compute(), part.compute())


def test_unusable_chunks_are_refused(loaded: xr.DataArray, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="names the dim 'z'"):
        loaded.dl.to_zarr(tmp_path / "a.zarr", chunks={"z": 1})
    with pytest.raises(ParameterError, match=r"chunks\['x'\]=0"):
        loaded.dl.to_zarr(tmp_path / "a.zarr", chunks={"x": 0})


def test_failures_are_saved_with_the_values(loaded: xr.DataArray, tmp_path: Path) -> None:
    from dawnlight.raster._failures import Failure, FailureLog

    log = FailureLog([Failure.absent("fields:s1", "red")])
    tolerant = loaded.copy()
    tolerant["spatial_ref"].attrs["dawnlight_report"] = log.token
    tolerant.dl.to_zarr(tmp_path / "a.zarr")
    back = reopen(tmp_path / "a.zarr")
    back["spatial_ref"].attrs["dawnlight_report"] = "anotherprocess00-1"
    assert back.dl.report() == tolerant.dl.report() == log.to_list()


def test_plain_arrays_can_be_saved(tmp_path: Path) -> None:
    plain = xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("a", "b"), name="numbers")
    plain.dl.to_zarr(tmp_path / "a.zarr")
    xr.testing.assert_equal(reopen(tmp_path / "a.zarr").numbers.compute(), plain)
    counts = plain.astype("int64").rename("counts")
    counts.dl.to_zarr(tmp_path / "b.zarr")
    assert reopen(tmp_path / "b.zarr").counts.dtype == np.int64


def test_the_older_format(stack: xr.DataArray, tmp_path: Path) -> None:
    with zarr.config.set({"default_zarr_format": 2}):
        stack.dl.to_zarr(tmp_path / "a.zarr")
    xr.testing.assert_equal(reopen(tmp_path / "a.zarr").pixels.compute(), stack.compute())
