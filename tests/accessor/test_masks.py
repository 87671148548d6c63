from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import ndimage

from dawnlight.catalog import ImageCollection
from dawnlight.errors import BandError, ParameterError, ParameterTypeError

RULE = {"scl": ["cloud", 4]}


def bad(stack: xr.DataArray) -> xr.DataArray:
    scl = stack.sel(band="scl", drop=True)
    return scl.isnull() | (scl == 3) | (scl == 4)


def test_it_is_the_plain_expression(stack: xr.DataArray) -> None:
    found = stack.dl.mask(RULE)
    expected = stack.sel(band=["green", "red", "nir"]).where(~bad(stack))
    xr.testing.assert_equal(found.sel(band=["green", "red", "nir"]), expected)
    xr.testing.assert_equal(found.sel(band="scl"), stack.sel(band="scl"))
    assert found.dims == stack.dims
    assert found.dl.ndarray().dtype == np.uint16


def test_a_function_is_as_good(stack: xr.DataArray) -> None:
    found = stack.dl.mask(bad)
    xr.testing.assert_equal(found, stack.where(~bad(stack)))


def test_bits(stack: xr.DataArray) -> None:
    found = stack.dl.mask({"scl": {"bits": [0]}}).sel(band="red")
    scl, red = stack.sel(band="scl").values, stack.sel(band="red").values
    np.testing.assert_array_equal(found, np.where(scl % 2 == 0, red, np.nan))


def test_growing_reaches_over_chunks(stack: xr.DataArray) -> None:
    found = stack.dl.mask(RULE, dilation=3).sel(band="nir").notnull().values
    y, x = np.ogrid[-3:4, -3:4]
    grown = [ndimage.binary_dilation(layer, y * y + x * x <= 9) for layer in bad(stack).values]
    expected = stack.sel(band="nir").notnull().values & ~np.array(grown)
    np.testing.assert_array_equal(found, expected)


def test_nothing_is_computed(lazy: xr.DataArray, nothing_computed: Callable[[], Any]) -> None:
    with nothing_computed():
        found = lazy.dl.mask(RULE, dilation=2)
        _ = lazy.dl.to_dataset().dl.mask(RULE)
    assert found.chunks is not None


def test_raw_integers_become_floats_with_their_type_noted(images: ImageCollection) -> None:
    raw = images.stack("red scl", mask_nodata=False)
    found = raw.dl.mask(RULE)
    masked = images.stack("red scl").dl.mask(RULE)
    xr.testing.assert_equal(found, masked)
    assert found.dl.ndarray().dtype == np.uint16


def test_datasets(stack: xr.DataArray) -> None:
    found = stack.dl.to_dataset().dl.mask(RULE)
    expected = stack.dl.mask(RULE).dl.to_dataset()
    xr.testing.assert_equal(found, expected)
    assert found.scl.encoding["dtype"] == "uint8"


@pytest.mark.parametrize(
    ("rule", "dilation", "error", "message"),
    [
        ({"clouds": 1}, 0, BandError, "'clouds' is not in the array"),
        (RULE, -1, ParameterError, "dilation=-1"),
        (RULE, 1.5, ParameterTypeError, r"dilation=1\.5"),
        (lambda array: array > 3, 0, None, ""),
        (lambda array: array.values > 3, 0, ParameterTypeError, "it returned ndarray"),
        (lambda array: array * 2, 0, ParameterTypeError, "it returned float32 of"),
    ],
)
def test_what_cannot_be_used_is_named(
    loaded: xr.DataArray, rule: Any, dilation: Any, error: Any, message: str
) -> None:
    if error is None:
        assert loaded.dl.mask(rule, dilation=dilation).notnull().any()
        return
    with pytest.raises(error, match=message):
        loaded.dl.mask(rule, dilation=dilation)


def test_a_single_band_has_no_class_band(loaded: xr.DataArray) -> None:
    with pytest.raises(BandError, match="before selecting bands"):
        loaded.sel(band="red").dl.mask(RULE)
