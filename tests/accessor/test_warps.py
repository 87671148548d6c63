from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shapely
import xarray as xr
from rasterio.features import rasterize

from dawnlight.catalog import ImageCollection
from dawnlight.errors import GridError, ParameterError
from dawnlight.geo import AOI, GeoBox, reproject_geometry
from dawnlight.testing._rasters import coordinate_image

GRID = GeoBox.from_geotrans((600000, 10, 0, 5000480, 0, -10), (48, 64), "EPSG:32631")
# Partly outside, off the grid, in another system.
CONTEXT = AOI(
    bounds=(600013.0, 4999950.0, 600600.0, 5000450.0), bounds_crs="EPSG:32631", crs="EPSG:3035", resolution=13
)
COARSE = CONTEXT.assign(resolution=31)
KERNELS = [
    "near",
    "bilinear",
    "cubic",
    "cubicspline",
    "lanczos",
    "average",
    "mode",
    "max",
    "min",
    "med",
    "q1",
    "q3",
]


@pytest.mark.parametrize("kernel", KERNELS)
def test_it_is_what_loading_gives(stack: xr.DataArray, images: ImageCollection, kernel: str) -> None:
    for context in (CONTEXT, COARSE):
        found = stack.isel(time=[1]).dl.reproject(context, resampler=kernel)
        expected = images[1:2].stack("green red nir scl", context, resampler=kernel)
        xr.testing.assert_equal(found, expected)
        assert found.dl.geobox == expected.dl.geobox
        assert found.dl.ndarray().dtype == np.uint16


def test_each_band_can_have_its_kernel(stack: xr.DataArray, images: ImageCollection) -> None:
    kernels = {"red": "cubic", "default_": "bilinear"}
    found = stack.dl.reproject(COARSE, resampler=kernels)
    xr.testing.assert_equal(found, images.stack("green red nir scl", COARSE, resampler=kernels))
    with pytest.raises(ParameterError, match="'blue', which is not among"):
        stack.dl.reproject(COARSE, resampler={"blue": "cubic"})


@pytest.mark.parametrize("chunks", [7, 16, 100])
def test_chunks_do_not_change_a_pixel(lazy: xr.DataArray, loaded: xr.DataArray, chunks: int) -> None:
    whole = (loaded / 3).dl.reproject(CONTEXT, resampler="cubic")
    found = (lazy.chunk(time=1, band=2, y=11, x=9) / 3).dl.reproject(
        CONTEXT, resampler="cubic", chunks=chunks
    )
    xr.testing.assert_equal(found, whole)
    assert max(found.chunks[-1]) <= chunks  # type: ignore[index]


def test_coordinates_land_where_they_belong() -> None:
    source = GeoBox.from_geotrans((500000, 20, 0, 4600000, 0, -20), (60, 50), "EPSG:32631")
    pixels = coordinate_image(source)
    array = xr.DataArray(
        pixels, {"y": source.y, "x": source.x}, ("band", "y", "x"), attrs={"crs": "EPSG:32631"}
    )
    found = array.dl.reproject(crs="EPSG:32632", resampler="bilinear")
    expected = coordinate_image(found.dl.geobox, crs="EPSG:32631")
    error = np.abs(found.values - expected)
    inner = np.isfinite(found.values[0])
    assert inner.mean() > 0.5
    # Half a pixel at the rim, where neighbours are missing; exact inside.
    assert np.nanmax(error) <= 10
    assert np.nanmedian(error) < 1e-2


def test_like_takes_the_grid_of_another(stack: xr.DataArray) -> None:
    other = stack.isel(x=slice(0, None, 2), y=slice(10, 30))
    for like in (other, other.dl.to_dataset(), other.dl.geobox):
        found = stack.dl.reproject(like=like)
        assert found.dl.geobox == other.dl.geobox
    with pytest.raises(ParameterError, match="leave geocontext"):
        stack.dl.reproject(CONTEXT, like=other)


def test_a_system_alone_keeps_everything(stack: xr.DataArray) -> None:
    found = stack.dl.reproject(crs="EPSG:3857")
    assert found.dl.crs.to_authority() == ("EPSG", "3857")
    assert 0.9 < found.sel(band="nir").count() / stack.sel(band="nir").count() * 0.5 < 2
    coarse = stack.dl.reproject(resolution=20)
    assert coarse.dl.geobox == GeoBox.from_geotrans((600000, 20, 0, 5000480, 0, -20), (24, 32), "EPSG:32631")
    with pytest.raises(ParameterError, match="at least crs="):
        stack.dl.reproject()


def test_a_geometry_cuts(stack: xr.DataArray, images: ImageCollection) -> None:
    circle = shapely.Point(600300, 5000250).buffer(120)
    context = AOI(geometry=reproject_geometry(circle, "EPSG:32631", "EPSG:4326"), resolution=7)
    found = stack.isel(time=[0]).dl.reproject(context, crs="EPSG:32632")
    expected = images[:1].stack("green red nir scl", context, crs="EPSG:32632")
    xr.testing.assert_equal(found, expected)


def test_labels_and_single_bands_come_along(stack: xr.DataArray) -> None:
    found = stack.sel(band="scl").isel(time=0).dl.reproject(COARSE)
    xr.testing.assert_equal(found, stack.dl.reproject(COARSE).sel(band="scl").isel(time=0))
    assert found.id.item() == "fields:s0"
    assert list(found.dl.bands) == ["scl"]


def test_raw_integers_and_yes_no(images: ImageCollection, stack: xr.DataArray) -> None:
    raw = images.stack("red scl", mask_nodata=False)
    xr.testing.assert_equal(raw.dl.reproject(CONTEXT), stack.sel(band=["red", "scl"]).dl.reproject(CONTEXT))
    clouds = stack.isel(time=0).sel(band="scl") == 3
    found = clouds.dl.reproject(like=clouds)
    np.testing.assert_array_equal(found, clouds.astype(float))


def test_datasets(stack: xr.DataArray) -> None:
    found = stack.dl.to_dataset().dl.reproject(COARSE)
    np.testing.assert_array_equal(found.nir, stack.dl.reproject(COARSE).sel(band="nir"))
    assert found.dl.geobox == COARSE.geobox


def test_nothing_is_computed(lazy: xr.DataArray, nothing_computed: Callable[[], Any]) -> None:
    with nothing_computed():
        assert lazy.dl.reproject(CONTEXT).chunks is not None
        assert lazy.dl.clip(circle_lonlat()).chunks is not None


def test_places_without_pixels_are_missing(stack: xr.DataArray) -> None:
    away = AOI(bounds=(700000, 5000000, 700100, 5000100), bounds_crs=GRID.crs, crs=GRID.crs, resolution=10)
    assert stack.dl.reproject(away).isnull().all()


# -- clip --------------------------------------------------------------------------------------------

CIRCLE = shapely.Point(600300, 5000250).buffer(123)


def circle_lonlat() -> Any:
    return reproject_geometry(CIRCLE, "EPSG:32631", "EPSG:4326")


@pytest.mark.parametrize("all_touched", [False, True])
def test_clipping_is_rasterizing(stack: xr.DataArray, all_touched: bool) -> None:
    found = stack.dl.clip(CIRCLE, crs="EPSG:32631", all_touched=all_touched, crop=False)
    kept = rasterize(
        [CIRCLE], out_shape=GRID.shape, transform=GRID.transform, all_touched=all_touched, dtype="uint8"
    ).astype(bool)
    np.testing.assert_array_equal(found, stack.where(kept))
    assert found.dl.ndarray().dtype == np.uint16
    cropped = stack.dl.clip(CIRCLE, crs="EPSG:32631", all_touched=all_touched)
    assert cropped.dl.geobox.shape == (26, 26)
    xr.testing.assert_equal(cropped, found.sel(x=cropped.x, y=cropped.y))


def test_geometries_are_in_longitude_and_latitude(stack: xr.DataArray) -> None:
    one = stack.dl.clip(circle_lonlat())
    other = stack.dl.clip(shapely.geometry.mapping(circle_lonlat()))
    xr.testing.assert_identical(one, other)
    assert one.dl.geobox.shape == (26, 26)
    dataset = stack.dl.to_dataset().dl.clip(circle_lonlat())
    np.testing.assert_array_equal(dataset.red, one.sel(band="red"))


def test_what_does_not_touch_is_refused(loaded: xr.DataArray) -> None:
    with pytest.raises(GridError, match="does not touch"):
        loaded.dl.clip(shapely.box(0, 0, 1, 1))


def test_south_up_arrays_are_cut_in_place(loaded: xr.DataArray) -> None:
    turned = loaded.isel(y=slice(None, None, -1))
    xr.testing.assert_equal(
        turned.dl.clip(circle_lonlat()), loaded.dl.clip(circle_lonlat()).isel(y=slice(None, None, -1))
    )
