from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from dawnlight.catalog import ImageCollection
from dawnlight.errors import BandError, ParameterError


def test_each_band_has_its_own_type(stack: xr.DataArray) -> None:
    dataset = stack.dl.to_dataset()
    assert list(dataset) == ["green", "red", "nir", "scl"]
    for name, variable in dataset.items():
        np.testing.assert_array_equal(variable, stack.sel(band=name))
        assert variable.dims == ("time", "y", "x")
        assert variable.encoding["grid_mapping"] == "spatial_ref"
    assert (dataset.red.dtype, dataset.scl.dtype) == (np.float32, np.float32)
    assert (dataset.red.encoding["dtype"], dataset.scl.encoding["dtype"]) == ("uint16", "uint8")
    assert dataset.scl.encoding["_FillValue"] == 0
    assert dataset.scl.dl.ndarray().dtype == np.uint8
    assert dataset.red.dl.ndarray().dtype == np.uint16
    assert set(dataset.scl.coords) == set(stack.coords) - {"band", "band_type", "wavelength"}


def test_classes_have_cf_flags(stack: xr.DataArray) -> None:
    attrs = stack.dl.to_dataset().scl.attrs
    assert attrs["flag_values"].tolist() == [0, 1, 2, 3, 4]
    assert attrs["flag_values"].dtype == np.uint8
    assert attrs["flag_meanings"] == "no_data land water cloud shadow"
    assert stack.dl.to_dataset().red.attrs["long_name"] == "The red light"
    assert stack.dl.to_dataset().red.attrs["wavelength"] == 665


def test_raw_values_come_in_narrow_integers(images: ImageCollection) -> None:
    raw = images.stack("red scl", mask_nodata=False).dl.to_dataset()
    assert (raw.red.dtype, raw.scl.dtype) == (np.uint16, np.uint8)
    assert (raw.red.encoding["_FillValue"], raw.scl.encoding["_FillValue"]) == (0, 0)


def test_wide_values_stay_wide_after_arithmetic(stack: xr.DataArray) -> None:
    dataset = (stack * 1.5).dl.to_dataset()
    assert dataset.scl.dtype == stack.dtype
    assert "dtype" not in dataset.scl.encoding
    assert "flag_values" not in dataset.scl.attrs


def test_floats_that_were_asked_for_stay(images: ImageCollection) -> None:
    dataset = images.stack("red scl", data_type="Float64").dl.to_dataset()
    assert (dataset.red.dtype, dataset.scl.dtype) == (np.float64, np.float64)


def test_the_way_back(stack: xr.DataArray) -> None:
    back = stack.dl.to_dataset().dl.to_dataarray()
    xr.testing.assert_identical(back.drop_attrs(), stack.drop_attrs())
    assert back.dl.bands == stack.dl.bands
    assert back.attrs == stack.attrs
    assert back.encoding["dtype"] == stack.encoding["dtype"]
    np.testing.assert_array_equal(back.dl.ndarray(), stack.dl.ndarray())


def test_values_of_a_dataset(stack: xr.DataArray) -> None:
    found = stack.dl.to_dataset().dl.ndarray()
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, stack.dl.ndarray())


def test_nothing_is_computed(lazy: xr.DataArray, nothing_computed: Callable[[], Any]) -> None:
    with nothing_computed():
        back = lazy.dl.to_dataset().dl.to_dataarray()
    assert back.chunks is not None


def test_a_file_brings_flags_and_types_back(stack: xr.DataArray, tmp_path: Path) -> None:
    pytest.importorskip("h5netcdf")
    stack.dl.to_dataset().to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf", decode_coords="all") as back:
        assert back.scl.encoding["dtype"] == np.uint8
        assert back.dl.crs == stack.dl.crs
        np.testing.assert_array_equal(back.scl.dl.ndarray(), stack.sel(band="scl").dl.ndarray())
        assert back.dl.bands["scl"].class_labels[3] == "cloud"


def test_foreign_datasets_are_understood() -> None:
    cover = xr.DataArray(
        np.zeros((2, 2), np.uint8),
        dims=("y", "x"),
        attrs={"flag_values": [1, 3], "flag_meanings": "tree lake", "long_name": "cover"},
    )
    dataset = xr.Dataset({"cover": cover, "warmth": (("y", "x"), np.ones((2, 2))), "station": 5})
    bands = dataset.dl.bands
    assert list(bands) == ["cover", "warmth"]
    assert (bands["cover"].label(3), bands["cover"].label(2)) == ("lake", "2")
    joined = dataset.dl.to_dataarray()
    assert joined.band.values.tolist() == ["cover", "warmth"]
    assert joined.dtype == np.float64


def test_other_dims_are_taken_apart_as_xarray_does(loaded: xr.DataArray) -> None:
    assert len(loaded.isel(y=slice(2)).dl.to_dataset("y")) == 2


def test_what_cannot_be_taken_apart_is_refused(loaded: xr.DataArray) -> None:
    with pytest.raises(ParameterError, match="it has time, y, x"):
        loaded.isel(band=0).dl.to_dataset()
    with pytest.raises(BandError, match="'red' is in the array twice"):
        loaded.isel(band=[1, 0, 1]).dl.to_dataset()
    with pytest.raises(BandError, match="no variable"):
        xr.Dataset({"a": 1}, {"x": [0], "y": [1]}).dl.to_dataarray()
