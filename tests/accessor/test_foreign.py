"""Arrays that others opened: by rioxarray, with and without masks, and plain ones in degrees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rioxarray
import shapely
import xarray as xr

from dawnlight.geo import GeoBox

GRID = GeoBox.from_geotrans((600000, 10, 0, 5000480, 0, -10), (48, 64), "EPSG:32631")
CIRCLE = shapely.Point(600300, 5000250).buffer(123)


@pytest.fixture(params=["raw", "masked", "lazy"])
def opened(request: pytest.FixtureRequest, files: list[list[Path]]) -> Any:
    options: dict[str, Any] = {"masked": request.param == "masked"}
    if request.param == "lazy":
        options["chunks"] = {"x": 20, "y": 17}
    with rioxarray.open_rasterio(files[0][0], **options) as array:
        yield array


@pytest.fixture
def expected(files: list[list[Path]]) -> np.ndarray[Any, Any]:
    with rasterio.open(files[0][0]) as file:
        found: np.ndarray[Any, Any] = file.read(masked=True).astype(float).filled(np.nan)
        return found


def test_it_knows_where_it_is(opened: xr.DataArray) -> None:
    assert opened.dl.geobox == GRID
    assert list(opened.dl.bands) == ["1", "2", "3"]
    assert opened.dl.raster_info()["size"] == [64, 48]
    assert opened.dl.report() == []


def test_it_can_be_cut(opened: xr.DataArray, expected: Any) -> None:
    found = opened.dl.clip(CIRCLE, crs="EPSG:32631")
    rows, cols = 480 - (250 + 123) // 10 * 10, 170
    window = expected[:, rows // 10 - 1 : rows // 10 + 25, cols // 10 : cols // 10 + 26]
    inside = np.isfinite(found.values)
    assert inside.any()
    np.testing.assert_array_equal(found.values[inside], window[inside])
    assert found.dl.ndarray().dtype == np.uint16


def test_it_can_be_warped(opened: xr.DataArray, stack: xr.DataArray) -> None:
    found = opened.dl.reproject(resolution=20, resampler="average")
    ours = stack.isel(time=0, band=[0, 1, 2]).dl.reproject(resolution=20, resampler="average")
    np.testing.assert_allclose(found, ours, atol=0.51)


def test_values_at_points_and_in_zones(opened: xr.DataArray, stack: xr.DataArray) -> None:
    ours = stack.isel(time=0, band=[0, 1, 2])
    point = [(600123, 5000234)]
    np.testing.assert_array_equal(
        opened.dl.sample(point, crs="EPSG:32631"), ours.dl.sample(point, crs="EPSG:32631")
    )
    pytest.importorskip("exactextract")
    np.testing.assert_allclose(
        opened.dl.zonal(CIRCLE, crs="EPSG:32631"), ours.dl.zonal(CIRCLE, crs="EPSG:32631")
    )


def test_it_can_be_shown_and_saved(opened: xr.DataArray, expected: Any, tmp_path: Path) -> None:
    picture = opened.dl.show()
    shown = np.asarray(picture.axes[0].images[0].get_array())
    np.testing.assert_array_equal(shown[..., 3] > 0, np.isfinite(expected).all(axis=0))
    path = opened.dl.to_cog(tmp_path / "a.tif")
    with rasterio.open(path) as file:
        assert (file.dtypes[0], file.nodata) == ("uint16", 0)
        np.testing.assert_array_equal(file.read(), np.nan_to_num(expected))
    dataset = opened.dl.to_dataset()
    assert list(dataset) == ["1", "2", "3"]
    assert len(dataset.dl.to_dataarray().dl.tiles(16)) == 12


def test_bands_can_be_named_for_an_index(opened: xr.DataArray, expected: Any) -> None:
    pytest.importorskip("spyndex")
    found = opened.dl.index("NDVI", bands={"N": "3", "R": "2"})
    with np.errstate(invalid="ignore"):
        ratio = (expected[2] - expected[1]) / (expected[2] + expected[1])
    np.testing.assert_allclose(found, ratio, rtol=1e-4, atol=1e-6)
