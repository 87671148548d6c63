from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from dawnlight.catalog import ImageCollection
from dawnlight.errors import BandError, ParameterError

AMOUNTS = "green red nir"


@pytest.mark.parametrize(
    ("scaling", "data_type"),
    [
        ("physical", None),
        ("physical", "Float32"),
        ("display", None),
        ("auto", None),
        ("raw", None),
        ([(0, 5000, 0, 100), None, "display"], None),
        ({"red": (0, 10000, 0.0, 1.0), "default_": "display"}, "Float32"),
    ],
    ids=str,
)
def test_it_is_what_loading_gives(
    stack: xr.DataArray, images: ImageCollection, scaling: Any, data_type: str | None
) -> None:
    found = stack.sel(band=AMOUNTS.split()).dl.scale(scaling, data_type)
    expected = images.stack(AMOUNTS, scaling=scaling, data_type=data_type)
    xr.testing.assert_equal(found, expected)
    assert found.dtype == expected.dtype
    assert found.attrs == expected.attrs
    assert found.dl.ndarray().dtype == expected.dl.ndarray().dtype
    if scaling != "raw":
        assert {name: info.display_range for name, info in found.dl.bands.items()} == {
            name: info.display_range for name, info in expected.dl.bands.items()
        }


def test_a_single_band_and_a_dataset(stack: xr.DataArray) -> None:
    whole = stack.sel(band=["red", "nir"]).dl.scale("display")
    xr.testing.assert_equal(stack.sel(band="red").dl.scale("display"), whole.sel(band="red"))
    dataset = stack.sel(band=["red", "nir"]).dl.to_dataset().dl.scale("display")
    np.testing.assert_array_equal(dataset.nir, whole.sel(band="nir"))
    assert dataset.nir.dl.ndarray().dtype == np.uint8


def test_nothing_is_computed(lazy: xr.DataArray, nothing_computed: Callable[[], Any]) -> None:
    with nothing_computed():
        assert lazy.sel(band=["red"]).dl.scale("auto").chunks is not None


def test_what_does_not_fit_is_refused(loaded: xr.DataArray) -> None:
    amounts = loaded.sel(band=["red", "nir"])
    with pytest.raises(ParameterError, match="calculated with"):
        (amounts * 2).dl.scale()
    with pytest.raises(BandError, match="scaled before"):
        amounts.dl.scale("display").dl.scale("physical")
    with pytest.raises(BandError, match="what the catalog knows"):
        xr.DataArray(np.zeros((2, 2)), dims=("y", "x")).dl.scale()
    with pytest.raises(ParameterError, match="'raw', 'auto', 'display', 'physical'"):
        amounts.dl.scale("bright")
