from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from dawnlight.catalog import CatalogClient, ImageCollection
from dawnlight.errors import BandError, ParameterError

RULE = {"scl": [3, 4]}
AMOUNTS = ["green", "red", "nir"]


EXPECTED: dict[str, Callable[[xr.DataArray], xr.DataArray]] = {
    "median": lambda a: a.median("time"),
    "mean": lambda a: a.astype("float64").mean("time").astype("float32"),
    "min": lambda a: a.min("time"),
    "max": lambda a: a.max("time"),
    "first": lambda a: a[0].fillna(a[1]).fillna(a[2]),
    "last": lambda a: a[2].fillna(a[1]).fillna(a[0]),
    "count": lambda a: a.notnull().sum("time"),
    "percentile": lambda a: a.quantile(0.3, "time"),
}


@pytest.mark.filterwarnings("ignore:All-NaN slice encountered", "ignore:Mean of empty slice")
@pytest.mark.parametrize("method", EXPECTED)
def test_it_is_the_plain_expression(stack: xr.DataArray, loaded: xr.DataArray, method: str) -> None:
    scl = loaded.sel(band="scl", drop=True)
    clear = loaded.sel(band=AMOUNTS).where(scl.notnull() & ~scl.isin([3, 4]))
    expected = EXPECTED[method](clear).transpose("band", "y", "x")
    found = stack.dl.composite(AMOUNTS, method, mask=RULE, q=30 if method == "percentile" else None)
    assert found.dims == ("band", "y", "x")
    if method == "percentile":
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        assert found.dtype == np.float32
    else:
        np.testing.assert_array_equal(found, expected)


def test_nothing_is_warned_about_where_nothing_is_left(stack: xr.DataArray) -> None:
    empty = stack.where(stack < 0)
    for method in EXPECTED:
        found = empty.dl.composite("red", method, q=50 if method == "percentile" else None).compute()
        assert (found == 0).all() if method == "count" else found.isnull().all()


def test_bands_are_chosen_by_what_they_are(stack: xr.DataArray) -> None:
    assert stack.dl.composite().band.values.tolist() == AMOUNTS
    assert stack.dl.composite(method="last").band.values.tolist() == [*AMOUNTS, "scl"]
    assert stack.dl.composite(method="last", mask=RULE).band.values.tolist() == AMOUNTS
    assert stack.dl.composite("scl", "max", mask=RULE).band.values.tolist() == ["scl"]
    assert stack.sel(band="red").dl.composite().dims == ("y", "x")


def test_values_of_the_files_keep_their_type(stack: xr.DataArray) -> None:
    assert stack.dl.composite(method="min").dl.ndarray().dtype == np.uint16
    assert stack.dl.composite(method="median").dl.ndarray().dtype == np.float32


def test_the_labels_are_those_of_a_mosaic(stack: xr.DataArray, catalog: CatalogClient) -> None:
    found = stack.isel(time=[0, 2]).dl.composite()
    assert found.id.item() == "fields:s0,fields:s2"
    assert str(found.time_first.values)[:10] == "2023-01-10"
    assert str(found.time_last.values)[:10] == "2023-06-15"
    assert [image.name for image in found.dl.find_images(catalog)[0]] == ["s0", "s2"]
    assert found.dl.geobox == stack.dl.geobox
    assert found.attrs["cell_methods"] == "time: median"
    assert list(found.dl.bands) == AMOUNTS


def test_coordinates_are_not_made_lazy(lazy: xr.DataArray) -> None:
    found = lazy.dl.composite(mask=RULE)
    assert all(coordinate.chunks is None for coordinate in found.coords.values())


def test_nothing_is_computed(lazy: xr.DataArray, nothing_computed: Callable[[], Any]) -> None:
    with nothing_computed():
        for method in EXPECTED:
            q = 50 if method == "percentile" else None
            assert lazy.dl.composite(method=method, mask=RULE, dilation=1, q=q).chunks is not None


def test_raw_integers(images: ImageCollection, stack: xr.DataArray) -> None:
    raw = images.stack("green red nir scl", mask_nodata=False)
    xr.testing.assert_equal(raw.dl.composite(mask=RULE), stack.dl.composite(mask=RULE))


def test_datasets(stack: xr.DataArray) -> None:
    found = stack.dl.to_dataset().dl.composite(mask=RULE, method="count")
    assert list(found) == AMOUNTS
    expected = stack.dl.composite(mask=RULE, method="count")
    np.testing.assert_array_equal(found.nir, expected.sel(band="nir"))
    assert found.nir.dtype.kind == "i"
    assert "_FillValue" not in found.nir.encoding


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"method": "average"}, ParameterError, "'median', 'mean'"),
        ({"method": "percentile"}, ParameterError, "needs q from 0 to 100"),
        ({"q": 20}, ParameterError, "no other method takes it"),
        ({"method": "percentile", "q": 101}, ParameterError, "q=101"),
        ({"bands": "blue"}, BandError, "'blue' is not in the array"),
        ({"bands": "scl"}, BandError, "no median"),
    ],
)
def test_what_cannot_be_used_is_named(
    loaded: xr.DataArray, kwargs: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        loaded.dl.composite(**kwargs)
    with pytest.raises(ParameterError, match="over the dim 'time'"):
        loaded.isel(time=0).dl.composite()
