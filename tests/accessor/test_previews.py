from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from dawnlight.accessor._previews import make_preview
from dawnlight.errors import BandError, ParameterError


def names(array: xr.DataArray, bands: Any = None) -> list[str]:
    return [info.name for info in make_preview(array, bands, slots=12, side=100).bands]


def test_bands_that_the_eye_sees_are_chosen(stack: xr.DataArray) -> None:
    assert names(stack) == ["green", "red", "nir"]  # no blue: the three that hold amounts
    assert names(stack.isel(band=[3, 1])) == ["scl"]
    assert names(stack.sel(band="red")) == ["red"]
    assert names(stack, "nir red green") == ["nir", "red", "green"]
    assert names(stack, ["scl"]) == ["scl"]
    many = xr.concat([stack.isel(band=[0, 1, 2])] * 2, "band")
    waves = [842, 490, 560, 665, 705, 1610]
    named = many.assign_coords(band=[f"B{k}" for k in range(6)], wavelength=("band", waves))
    assert names(named) == ["B3", "B2", "B1"]


def test_slots_are_spread_and_dated(stack: xr.DataArray) -> None:
    two = make_preview(stack, None, slots=2, side=100)
    assert two.titles == ("2023-01-10", "2023-06-15")
    assert two.total == 3
    same_day = stack.assign_coords(time=np.datetime64("2023-01-10", "ns") + np.arange(3) * 3_600_000_000_000)
    assert make_preview(same_day, None, slots=9, side=100).titles == (
        "2023-01-10 00:00",
        "2023-01-10 01:00",
        "2023-01-10 02:00",
    )


def test_only_every_nth_pixel_is_taken_and_nothing_computed(
    lazy: xr.DataArray, nothing_computed: Callable[[], Any]
) -> None:
    with nothing_computed():
        preview = make_preview(lazy * 1, "red", slots=1, side=16)
    assert dict(preview.array.sizes) == {"time": 1, "band": 1, "y": 12, "x": 16}
    expected = lazy.isel(time=[0], band=[1], y=slice(2, None, 4), x=slice(2, None, 4))
    xr.testing.assert_equal(preview.array, expected)


def test_what_was_only_loaded_comes_from_overviews(
    lazy: xr.DataArray, nothing_computed: Callable[[], Any]
) -> None:
    for array in (lazy, lazy.isel(time=[1, 2], x=slice(3, None), y=slice(None, -1)), lazy.isel(time=0)):
        with nothing_computed():
            preview = make_preview(array, "nir red green", slots=3, side=16)
        found = preview.array
        assert found.sizes["x"] == 16
        assert found.dl.geobox.bounds == pytest.approx(array.dl.geobox.bounds)
        # Pixels of the source, as the nearest kernel takes them on the coarse grid.
        slots = array if "time" in array.dims else array.expand_dims("time", axis=0)
        expected = slots.sel(band=["nir", "red", "green"]).dl.reproject(like=found)
        np.testing.assert_array_equal(found, expected)


def test_north_is_up_and_west_left(loaded: xr.DataArray) -> None:
    turned = loaded.isel(y=slice(None, None, -1), x=slice(None, None, -1))
    found = make_preview(turned, "red", slots=3, side=100).array
    xr.testing.assert_equal(found, loaded.sel(band=["red"]))


@pytest.mark.parametrize(
    ("bands", "error", "message"),
    [
        ("blue", BandError, "'blue' is not in the array; it has green, red, nir, scl"),
        ("red nir", BandError, "one band or three"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    loaded: xr.DataArray, bands: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_preview(loaded, bands, slots=1, side=10)


def test_more_dims_than_a_picture_are_refused(loaded: xr.DataArray) -> None:
    with pytest.raises(ParameterError, match="run"):
        make_preview(loaded.expand_dims(run=2), None, slots=1, side=10)
    with pytest.raises(ParameterError, match="nothing to show"):
        make_preview(loaded.isel(x=slice(0, 0)), None, slots=1, side=10)
    with pytest.raises(BandError, match="no dim 'band'"):
        make_preview(loaded.sel(band="red"), "red", slots=1, side=10)
