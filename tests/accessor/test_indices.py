from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from dawnlight.errors import BandError, MissingExtraError, ParameterError

pytest.importorskip("spyndex")


def pick(stack: xr.DataArray, name: str) -> xr.DataArray:
    return stack.sel(band=name, drop=True)


def test_ndvi_is_the_plain_expression(stack: xr.DataArray) -> None:
    found = stack.dl.index("NDVI")
    nir, red = pick(stack, "nir"), pick(stack, "red")
    xr.testing.assert_allclose(found, (nir - red) / (nir + red), rtol=1e-5)
    assert found.name == "NDVI"
    assert found.dtype == np.float32
    assert found.dims == ("time", "y", "x")
    assert found.dl.geobox == stack.dl.geobox
    assert "data_type" not in found.attrs


def test_reflectance_comes_from_the_catalog(stack: xr.DataArray) -> None:
    nir, red = pick(stack, "nir") / 1e4, pick(stack, "red") / 1e4
    expected = (1 + 0.5) * (nir - red) / (nir + red + 0.5)
    xr.testing.assert_allclose(stack.dl.index("SAVI", L=0.5), expected, rtol=1e-4)
    # What was calculated with is taken as it is, or by the factor given.
    xr.testing.assert_allclose((stack / 1e4).dl.index("SAVI", L=0.5), expected, rtol=1e-4)
    xr.testing.assert_allclose((stack * 1).dl.index("SAVI", L=0.5, factor=1e-4), expected, rtol=1e-4)


def test_several_make_a_dataset(stack: xr.DataArray) -> None:
    found = stack.dl.index(["NDVI", "NDWI"])
    assert list(found) == ["NDVI", "NDWI"]
    green, nir = pick(stack, "green"), pick(stack, "nir")
    np.testing.assert_allclose(found.NDWI, (green - nir) / (green + nir), rtol=1e-4, atol=1e-6)
    xr.testing.assert_allclose(stack.dl.to_dataset().dl.index("NDVI"), found.NDVI)


def test_bands_are_found_by_wavelength(loaded: xr.DataArray) -> None:
    named = loaded.isel(band=[0, 1, 2]).assign_coords(band=["B3", "B4", "B8"])
    xr.testing.assert_allclose(named.dl.index("NDVI"), loaded.dl.index("NDVI"), rtol=1e-5)
    bare = named.drop_vars("wavelength")
    with pytest.raises(BandError, match=r"needs N \(Near-Infrared.*bands=\{'N'"):
        bare.dl.index("NDVI")
    xr.testing.assert_allclose(
        bare.dl.index("NDVI", bands={"N": "B8", "R": "B4"}), loaded.dl.index("NDVI"), rtol=1e-5
    )


def test_division_by_zero_gives_no_value() -> None:
    array = xr.DataArray([[[0.0, 1.0]], [[0.0, 3.0]]], {"band": ["red", "nir"]}, ("band", "y", "x"))
    assert array.dl.index("NDVI").values.tolist()[0][1] == 0.5
    assert np.isnan(array.dl.index("NDVI").values[0, 0])
    assert np.isnan(array.chunk().dl.index("NDVI").compute().values[0, 0])


def test_nothing_is_computed(lazy: xr.DataArray, nothing_computed: Callable[[], Any]) -> None:
    with nothing_computed():
        assert lazy.dl.index("NDVI").chunks is not None
        _ = lazy.dl.to_dataset().dl.index(["NDVI", "SAVI"])


def test_unknown_units_are_refused_where_they_matter(loaded: xr.DataArray) -> None:
    import json

    records = json.loads(loaded.band.attrs["dawnlight"])
    for record in records.values():
        record.pop("physical_range", None)
    coordinate = ("band", loaded.band.values, {"dawnlight": json.dumps(records)})
    unknown = loaded.assign_coords(band=coordinate)
    xr.testing.assert_allclose(unknown.dl.index("NDVI"), loaded.dl.index("NDVI"), rtol=1e-5)
    with pytest.raises(ParameterError, match="factor="):
        unknown.dl.index("SAVI")


@pytest.mark.parametrize(
    ("name", "kwargs", "error", "message"),
    [
        ("NDVY", {}, ParameterError, "did you mean .*'NDVI'"),
        ("EVI", {}, BandError, r"needs B \(Blue"),
        ("NDVI", {"L": 1}, ParameterError, "no such constant"),
        ("NDVI", {"bands": {"N": "swir"}}, BandError, "it has green, red, nir, scl"),
        ("NDVI", {"bands": {"B": "nir"}}, ParameterError, "has no 'B'"),
    ],
)
def test_what_cannot_be_used_is_named(
    loaded: xr.DataArray, name: str, kwargs: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        loaded.dl.index(name, **kwargs)
    with pytest.raises(BandError, match="several bands"):
        loaded.sel(band="red").dl.index("NDVI")


def test_a_missing_library_says_how_to_install_it(
    loaded: xr.DataArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "spyndex":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"pip install 'dawnlight\[indices\]'"):
        loaded.dl.index("NDVI")
