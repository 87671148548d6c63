"""Arrays of no or one pixel, without times, and of other dims, through every method that takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shapely
import xarray as xr

RULE = {"scl": ["cloud"]}
PLACE = shapely.box(600100, 5000100, 600200, 5000200)

CALLS: dict[str, Callable[[xr.DataArray], Any]] = {
    "mask": lambda a: a.dl.mask(RULE, dilation=3),
    "composite": lambda a: a.dl.composite(mask=RULE, dilation=1),
    "count": lambda a: a.dl.composite(method="count"),
    "last": lambda a: a.dl.composite(method="last"),
    "index": lambda a: a.dl.index("NDVI"),
    "scale": lambda a: a.sel(band=["red", "nir"]).dl.scale("auto"),
    "groups": lambda a: a.dl.groupby_calendar("1M").mean(),
    "variables": lambda a: a.dl.to_dataset().dl.to_dataarray(),
    "near": lambda a: a.dl.sample([(600005, 5000005), (0, 0)], crs="EPSG:32631"),
    "bilinear": lambda a: a.dl.sample([(600005, 5000005)], crs="EPSG:32631", method="bilinear"),
    "zonal": lambda a: a.dl.zonal([PLACE], ["mean", "median", "count"], crs="EPSG:32631"),
    "clip": lambda a: a.dl.clip(PLACE, crs="EPSG:32631", crop=False),
    "tiles": lambda a: list(a.dl.tiles(2, partial=True))[:1],
    "ndarray": lambda a: a.dl.ndarray(),
    "report": lambda a: a.dl.report(),
}


def settle(value: Any) -> Any:
    if isinstance(value, list):
        return [settle(each) for each in value]
    return value.compute() if hasattr(value, "compute") else value


@pytest.mark.parametrize("key", [{"x": slice(0, 0)}, {"y": slice(7, 7)}, {"time": []}], ids=str)
@pytest.mark.parametrize("name", CALLS)
def test_empty_arrays(stack: xr.DataArray, name: str, key: Any) -> None:
    empty = stack.isel(key)
    if name == "groups" and key == {"time": []}:
        pytest.skip("xarray refuses to group nothing")
    found = settle(CALLS[name](empty))
    if name in ("mask", "clip", "variables", "scale", "index"):
        assert found.size == 0
    if name == "composite" and key == {"time": []}:
        assert found.isnull().all()


@pytest.mark.parametrize("key", [{"x": slice(3, 4), "y": slice(9, 10)}, {"x": slice(63, 64)}], ids=str)
@pytest.mark.parametrize("name", CALLS)
def test_single_pixels_and_columns(stack: xr.DataArray, loaded: xr.DataArray, name: str, key: Any) -> None:
    found, expected = settle(CALLS[name](stack.isel(key))), CALLS[name](loaded.isel(key))
    if isinstance(found, xr.DataArray | xr.Dataset):
        xr.testing.assert_equal(found, expected)


@pytest.mark.parametrize(
    "name", [name for name in CALLS if name not in ("composite", "count", "last", "groups")]
)
def test_arrays_without_time(stack: xr.DataArray, name: str) -> None:
    one, whole = settle(CALLS[name](stack.isel(time=1))), settle(CALLS[name](stack))
    if isinstance(one, xr.DataArray | xr.Dataset) and name != "scale":
        xr.testing.assert_equal(one, whole.isel(time=1))


def test_dims_in_any_order(stack: xr.DataArray) -> None:
    turned = stack.transpose("x", "band", "time", "y")
    for name in ("mask", "clip", "variables"):
        found = settle(CALLS[name](turned))
        xr.testing.assert_equal(found.transpose(*stack.dims), settle(CALLS[name](stack)))
    assert turned.dl.mask(RULE).dims == turned.dims
    assert turned.dl.reproject(resolution=20).dims == turned.dims
    xr.testing.assert_equal(
        turned.dl.reproject(resolution=20).transpose(*stack.dims), stack.dl.reproject(resolution=20)
    )
    xr.testing.assert_equal(
        turned.dl.composite(mask=RULE).transpose("band", "y", "x"), stack.dl.composite(mask=RULE)
    )
    assert turned.isel(time=0).dl.show().axes


def test_times_that_repeat_or_are_missing(stack: xr.DataArray) -> None:
    times = np.array(["2023-05-01", "NaT", "2023-05-01"], "datetime64[ns]")
    odd = stack.assign_coords(time=times)
    np.testing.assert_array_equal(odd.dl.composite(mask=RULE), stack.dl.composite(mask=RULE))
    assert odd.dl.show("red", slots=3).axes[1].get_title(loc="left") == "no date"
    assert [group.name for group in odd.dl.tiles(64, partial=True)]
