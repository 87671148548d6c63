from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
import xarray as xr

from dawnlight.catalog import ImageCollection
from dawnlight.geo import AOI, reproject_geometry

RULE = {"scl": ["cloud", "shadow"]}
METHODS = ("median", "mean", "min", "max", "first", "last", "count", "percentile")


def is_fused(array: xr.DataArray) -> bool:
    return not any("getitem" in str(name) and "sum" in str(name) for name in array.data.dask.layers) and all(
        str(name).startswith(("original-dawnlight", "dawnlight", "getitem", "concatenate"))
        for name in array.data.dask.layers
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dilation", [0, 2])
def test_both_roads_give_the_same(
    lazy: xr.DataArray, loaded: xr.DataArray, method: str, dilation: int
) -> None:
    options: dict[str, Any] = {
        "mask": RULE,
        "dilation": dilation,
        "q": 70 if method == "percentile" else None,
    }
    found = lazy.dl.composite(None, method, **options)
    assert is_fused(found)
    expected = loaded.dl.composite(None, method, **options)
    xr.testing.assert_equal(found, expected)
    assert found.attrs == expected.attrs
    assert found.encoding == expected.encoding


@pytest.mark.parametrize(
    "key",
    [
        {"x": slice(5, 40), "y": slice(11, None)},
        {"time": [2, 0]},
        {"time": slice(1, 2), "band": [3, 2, 0]},
        {"band": [0, 1, 3], "x": slice(0, 1)},
    ],
    ids=str,
)
def test_slices_are_reduced_alone(lazy: xr.DataArray, loaded: xr.DataArray, key: Any) -> None:
    found = lazy.isel(key).dl.composite(mask=RULE, method="first")
    assert is_fused(found)
    xr.testing.assert_equal(found, loaded.isel(key).dl.composite(mask=RULE, method="first"))
    # What hides beyond the slice does not reach into it, whether lazy or loaded.
    grown = lazy.isel(key).dl.composite(mask=RULE, method="first", dilation=2)
    assert is_fused(grown) == ("x" not in key)
    xr.testing.assert_equal(grown, loaded.isel(key).dl.composite(mask=RULE, method="first", dilation=2))


def test_flattened_and_cut_stacks(images: ImageCollection) -> None:
    circle = reproject_geometry(shapely.Point(600300, 5000250).buffer(150), "EPSG:32631", "EPSG:4326")
    context = AOI(geometry=circle, crs="EPSG:3035", resolution=14)
    lazy = images.stack("red nir scl", context, flatten="acquired.year")
    found = lazy.dl.composite(mask=RULE)
    assert is_fused(found)
    xr.testing.assert_equal(found, lazy.compute().dl.composite(mask=RULE))


@pytest.mark.parametrize(
    "change",
    [
        lambda array: array * 1,
        lambda array: array.isel(x=slice(None, None, 2)),
        lambda array: array.isel(y=slice(None, None, -1)),
        lambda array: array.drop_vars("id"),
    ],
    ids=["calculated", "thinned", "turned", "unnamed"],
)
def test_everything_else_is_reduced_as_it_is(lazy: xr.DataArray, change: Any) -> None:
    changed = change(lazy)
    found = changed.dl.composite(mask=RULE)
    assert not is_fused(found)
    xr.testing.assert_equal(found, changed.compute().dl.composite(mask=RULE))


def test_scaled_and_raw_stacks_are_reduced_as_they_are(images: ImageCollection) -> None:
    for options in ({"scaling": {"default_": "display"}}, {"mask_nodata": False}):
        lazy = images.stack("red nir scl", **options)
        found = lazy.dl.composite(mask=RULE)
        assert not is_fused(found)
        xr.testing.assert_equal(found, lazy.compute().dl.composite(mask=RULE))


def test_functions_have_to_see_the_array(lazy: xr.DataArray) -> None:
    found = lazy.dl.composite("red nir", mask=lambda array: array.sel(band="scl", drop=True) == 3)
    assert not is_fused(found)
    assert np.isfinite(found).any()
