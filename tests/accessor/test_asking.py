from __future__ import annotations

import numpy as np
import pytest
import rioxarray  # noqa: F401
import xarray as xr
from affine import Affine

from dawnlight.catalog import CatalogClient, ImageCollection
from dawnlight.errors import CRSError, GridError, NotFoundError, ParameterError
from dawnlight.geo import GeoBox

GRID = GeoBox.from_geotrans((600000, 10, 0, 5000480, 0, -10), (48, 64), "EPSG:32631")


def test_the_grid_is_the_one_it_was_loaded_on(stack: xr.DataArray) -> None:
    assert stack.dl.geobox == GRID
    assert stack.dl.transform == GRID.transform
    assert stack.dl.crs.to_authority() == ("EPSG", "32631")


@pytest.mark.parametrize(
    ("key", "geotrans", "shape"),
    [
        ({"x": slice(10, 30), "y": slice(5, 40)}, (600100, 10, 0, 5000430, 0, -10), (35, 20)),
        ({"x": slice(1, None, 4), "y": slice(1, None, 2)}, (599995, 40, 0, 5000475, 0, -20), (24, 16)),
        ({"y": slice(None, None, -1)}, (600000, 10, 0, 5000000, 0, 10), (48, 64)),
        ({"x": slice(3, 4)}, (600030, 10, 0, 5000480, 0, -10), (48, 1)),
        ({"x": slice(0, 0)}, (600000, 10, 0, 5000480, 0, -10), (48, 0)),
    ],
    ids=["window", "stepped", "flipped", "one-column", "empty"],
)
def test_the_grid_follows_slices(stack: xr.DataArray, key: dict, geotrans: tuple, shape: tuple) -> None:
    assert stack.isel(key).dl.geobox == GeoBox.from_geotrans(geotrans, shape, "EPSG:32631")


def test_the_grid_outlasts_arithmetic_and_reductions(stack: xr.DataArray) -> None:
    derived = np.log1p(stack.isel(x=slice(4, None)) / 2).mean(["time", "band"])
    assert derived.dl.geobox == GeoBox.from_geotrans((600040, 10, 0, 5000480, 0, -10), (48, 60), "EPSG:32631")


def test_the_context_loads_the_same_grid(lazy: xr.DataArray, images: ImageCollection) -> None:
    part = lazy.isel(x=slice(10, 20), y=slice(3, 9))
    again = images.stack("red", part.dl.geocontext)
    assert again.dl.geobox == part.dl.geobox


def test_a_south_up_grid_gives_a_context_with_north_up() -> None:
    array = xr.DataArray(
        np.zeros((3, 4)),
        {"y": [5.0, 15.0, 25.0], "x": [5.0, 15.0, 25.0, 35.0]},
        dims=("y", "x"),
        attrs={"crs": "EPSG:32631"},
    )
    assert array.dl.geobox.transform.e == 10
    assert array.dl.geocontext.geobox == GeoBox.from_geotrans((0, 10, 0, 30, 0, -10), (3, 4), "EPSG:32631")


def test_foreign_arrays_tell_their_grid() -> None:
    lon, lat = np.arange(5, 9, 0.25), np.arange(50, 48, -0.25)
    cf = xr.DataArray(
        np.zeros((len(lat), len(lon))),
        {"lat": ("lat", lat, {"units": "degrees_north"}), "lon": ("lon", lon, {"units": "degrees_east"})},
    )
    assert cf.dl.geobox == GeoBox.from_geotrans((4.875, 0.25, 0, 50.125, 0, -0.25), (8, 16), "EPSG:4326")
    written = cf.rename(lat="y", lon="x").rio.write_crs("EPSG:4269", grid_mapping_name="mapping")
    assert written.dl.crs.to_authority() == ("EPSG", "4269")
    named = xr.DataArray(
        np.zeros((2, 2)),
        {
            "row": ("row", [1.0, 0.0], {"standard_name": "projection_y_coordinate"}),
            "col": ("col", [0.0, 1.0], {"axis": "X"}),
        },
        attrs={"crs": 32631},
    )
    assert named.dl.geobox.bounds == (-0.5, -0.5, 1.5, 1.5)


def test_a_rotated_array_keeps_the_noted_transform() -> None:
    turned = Affine(8.5, 5.0, 100.0, 5.0, -8.5, 200.0)
    array = xr.DataArray(np.zeros((3, 4)), dims=("y", "x")).rio.write_crs(32631).rio.write_transform(turned)
    assert array.dl.geobox.shape == (3, 4)
    assert array.dl.transform.almost_equals(turned, 1e-9)
    with pytest.raises(GridError, match="rotated"):
        _ = array.dl.geocontext


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (xr.DataArray(np.zeros(3), dims="x"), GridError, "no pair among them is y and x"),
        (xr.DataArray(np.zeros((2, 2)), dims=("y", "x")), CRSError, "write_crs"),
        (
            xr.DataArray(np.zeros((2, 2)), dims=("y", "x"), attrs={"crs": "EPSG:32631"}),
            GridError,
            "no coordinates",
        ),
        (
            xr.DataArray(np.zeros((1, 2)), {"y": [0], "x": [0, 1]}, ("y", "x"), attrs={"crs": "EPSG:32631"}),
            GridError,
            "two or more",
        ),
        (
            xr.DataArray(
                np.zeros((2, 3)), {"y": [0, 1], "x": [0, 1, 3]}, ("y", "x"), attrs={"crs": "EPSG:32631"}
            ),
            GridError,
            "not evenly spaced",
        ),
    ],
    ids=["no-y", "no-crs", "no-coordinates", "one-row", "uneven"],
)
def test_what_is_missing_is_named(array: xr.DataArray, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        _ = array.dl.geobox


def test_bands_tell_what_the_catalog_knows(stack: xr.DataArray) -> None:
    bands = stack.isel(time=0, band=[1, 3]).dl.bands
    assert list(bands) == ["red", "scl"]
    red, scl = bands.values()
    assert (red.wavelength, red.data_type, red.nodata, red.display_range) == (665, "UInt16", 0, (0, 4000))
    assert (red.physical_range, red.physical_unit) == ((0, 1), "reflectance")
    assert not red.is_category
    assert scl.is_category
    assert (scl.label(3), scl.label(77), scl.colormap[1]) == ("cloud", "77", (120, 160, 60, 255))
    assert list(stack.sel(band="nir").dl.bands) == ["nir"]
    assert stack.mean("band").dl.bands == {}


def test_scaled_bands_tell_their_new_numbers(images: ImageCollection) -> None:
    scaled = images.stack("red scl", scaling=["display", None], data_type="Byte").dl.bands
    red, scl = scaled.values()
    assert (red.data_type, red.nodata, red.display_range, red.physical_range) == (
        "Byte",
        None,
        (0, 255),
        None,
    )
    assert (scl.data_type, scl.nodata, scl.display_range) == ("Byte", 0, (0, 4))


def test_images_are_found_by_the_labels(stack: xr.DataArray, catalog: CatalogClient) -> None:
    slots = stack.isel(time=[2, 0]).dl.find_images(catalog)
    assert [[image.name for image in slot] for slot in slots] == [["s2"], ["s0"]]
    assert [image.name for image in stack.isel(time=1).dl.find_images(catalog)[0]] == ["s1"]


def test_images_come_from_the_default_catalog(stack: xr.DataArray, default_catalog: CatalogClient) -> None:
    found = (stack.isel(time=slice(1, None)) * 2).dl.images
    assert [image.name for image in found] == ["s1", "s2"]
    assert found.geocontext is not None
    assert found.geocontext.geobox == GRID


def test_mosaics_and_flattened_slots_have_several_images(
    images: ImageCollection, catalog: CatalogClient
) -> None:
    mosaic = images.mosaic("red").dl.find_images(catalog)
    assert [[image.name for image in slot] for slot in mosaic] == [["s0", "s1", "s2"]]
    monthly = images.stack("red", flatten=lambda image: image.acquired.month > 3).dl.find_images(catalog)
    assert [[image.name for image in slot] for slot in monthly] == [["s0", "s1"], ["s2"]]


def test_unknown_images_are_an_error(stack: xr.DataArray) -> None:
    from dawnlight.catalog import open

    with pytest.raises(ParameterError, match="no coordinate 'id'"):
        stack.mean("time").dl.find_images()
    with open("memory://") as other, pytest.raises(NotFoundError, match="fields:s0"):
        stack.dl.find_images(other)


def test_raster_info_is_that_of_the_loader(images: ImageCollection, stack: xr.DataArray) -> None:
    _, expected = images.stack("green red nir scl", raster_info=True)
    found = stack.dl.raster_info()
    assert len(found) == 3
    for ours, theirs in zip(found, expected, strict=True):
        assert {k: v for k, v in ours.items() if k != "bands"} == {
            k: v for k, v in theirs.items() if k != "bands"
        }
        for band, other in zip(ours["bands"], theirs["bands"], strict=True):
            assert (band["band"], band["type"], band["noDataValue"]) == (
                other["band"],
                other["type"],
                other["noDataValue"],
            )
    part = stack.isel(time=1, x=slice(2, 5)).dl.raster_info()
    assert part["id"] == "fields:s1"
    assert part["size"] == [3, 48]


def test_datasets_answer_too(stack: xr.DataArray, catalog: CatalogClient) -> None:
    dataset = stack.to_dataset("band")
    assert dataset.dl.geobox == GRID
    assert list(dataset.dl.bands) == ["green", "red", "nir", "scl"]
    assert len(dataset.dl.find_images(catalog)) == 3
    assert repr(dataset.dl).startswith("<.dl of green, red, nir, scl (")
