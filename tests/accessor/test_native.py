from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from dawnlight.catalog import ImageCollection


def test_values_are_those_of_the_image(stack: xr.DataArray, images: ImageCollection) -> None:
    found = stack.dl.ndarray()
    assert found.dtype == np.uint16
    for slot, image in zip(found, images, strict=True):
        expected = image.ndarray("green red nir scl", images.geocontext)
        np.testing.assert_array_equal(slot.mask, expected.mask)
        np.testing.assert_array_equal(slot.data, expected.data)


def test_slices_keep_the_type(stack: xr.DataArray) -> None:
    part = stack.isel(time=0, x=slice(0, 8)).sel(band="red")
    found = part.dl.ndarray()
    assert (found.dtype, found.shape) == (np.uint16, (48, 8))
    assert found.mask[41, 3]
    assert found.data[41, 3] == 0


def test_after_arithmetic_floats_stay_floats(stack: xr.DataArray) -> None:
    found = (stack.isel(time=0) / 2).dl.ndarray()
    assert found.dtype == np.float32
    assert isinstance(found, np.ma.MaskedArray)
    assert found.mask.any()


def test_values_that_no_longer_fit_stay_floats(loaded: xr.DataArray) -> None:
    changed = loaded.copy()
    changed[0, 0, 5, 5] = 0.5
    assert changed.dl.ndarray().dtype == np.float32


def test_unmasked_values_are_plain(images: ImageCollection) -> None:
    raw = images.stack("red", mask_nodata=False)
    assert type(raw.dl.ndarray()) is np.ndarray
    assert raw.dl.ndarray().dtype == np.uint16
    floats = images.stack("red", mask_nodata=False, data_type="Float32")
    assert type(floats.dl.ndarray()) is np.ndarray


def test_a_type_without_room_for_missing_values_comes_back(images: ImageCollection) -> None:
    # Scaled bands have no nodata value, so they are stored one type wider; the array is still in bytes.
    scaled = images.stack("red nir", scaling="display")
    assert scaled.encoding["dtype"] != "uint8"
    assert scaled.dl.ndarray().dtype == np.uint8


def test_files_bring_the_type_back(loaded: xr.DataArray, tmp_path: Path) -> None:
    pytest.importorskip("h5netcdf")
    loaded.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with xr.open_dataarray(tmp_path / "a.nc", engine="h5netcdf", decode_coords="all") as back:
        found = back.dl.ndarray()
    expected = loaded.dl.ndarray()
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found.mask, expected.mask)
    np.testing.assert_array_equal(found.data, expected.data)


def test_plain_arrays_work() -> None:
    assert type(xr.DataArray([1, 2]).dl.ndarray()) is np.ndarray
    assert xr.DataArray([1.0, np.nan]).dl.ndarray().mask.tolist() == [False, True]
