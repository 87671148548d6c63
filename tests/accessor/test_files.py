from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from matplotlib.image import imread

from dawnlight.errors import ParameterError, ParameterTypeError
from dawnlight.raster._gdal import read_header

AMOUNTS = ["green", "red", "nir"]


def test_a_slot_comes_back_from_its_file(stack: xr.DataArray, tmp_path: Path) -> None:
    picture = stack.isel(time=0)
    path = picture.dl.to_cog(tmp_path / "a.tif")
    assert path == tmp_path / "a.tif"
    expected = picture.dl.ndarray()
    with rasterio.open(path) as file:
        assert file.dtypes == ("uint16",) * 4
        assert file.nodata == 0
        assert file.descriptions == ("green", "red", "nir", "scl")
        assert (file.scales, file.offsets) == ((1e-4, 1e-4, 1e-4, 1), (0, 0, 0, 0))
        assert file.units[:3] == ("reflectance",) * 3
        assert file.transform == picture.dl.transform
        assert file.crs.to_epsg() == 32631
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.tags()["ACQUIRED"] == "2023-01-10T10:30:00Z"
        np.testing.assert_array_equal(file.read(), expected.filled(0))
    assert read_header(str(path)).geobox == picture.dl.geobox


def test_several_slots_need_names(stack: xr.DataArray, tmp_path: Path) -> None:
    paths = stack.sel(band=AMOUNTS).dl.to_cog(tmp_path / "{date}_{number}.tif")
    assert [path.name for path in paths] == ["2023-01-10_0.tif", "2023-02-01_1.tif", "2023-06-15_2.tif"]
    with rasterio.open(paths[2]) as file:
        np.testing.assert_array_equal(file.read(1), stack.isel(time=2, band=0).dl.ndarray().filled(0))
    assert stack.isel(time=[1]).dl.to_cog(tmp_path / "one.tif") == [tmp_path / "one.tif"]
    with pytest.raises(ParameterError, match=r"put one of \{time\}"):
        stack.dl.to_cog(tmp_path / "a.tif")
    with pytest.raises(ParameterError, match="gives the same name twice"):
        stack.assign_coords(id=("time", list("aab"))).dl.to_cog(tmp_path / "{id}.tif")
    with pytest.raises(ParameterError, match="put one of"):
        stack.dl.to_cog(tmp_path / "{when}.tif")
    with pytest.raises(ParameterTypeError, match="path=5"):
        stack.dl.to_cog(5)


def test_classes_keep_their_colours(stack: xr.DataArray, tmp_path: Path) -> None:
    classes = stack.isel(time=0).dl.to_dataset().scl
    with rasterio.open(classes.dl.to_cog(tmp_path / "c.tif", overviews="mode")) as file:
        assert file.dtypes == ("uint8",)
        assert file.colormap(1)[1] == (120, 160, 60, 255)


def test_calculated_values_are_floats(stack: xr.DataArray, tmp_path: Path) -> None:
    median = stack.dl.composite()
    with rasterio.open(median.dl.to_cog(tmp_path / "m.tif")) as file:
        assert file.dtypes == ("float32",) * 3
        assert np.isnan(file.nodata)
        np.testing.assert_array_equal(file.read(), median)
    count = stack.dl.composite(method="count")
    with rasterio.open(count.dl.to_cog(tmp_path / "n.tif")) as file:
        assert (file.dtypes[0], file.nodata) == ("int32", None)
        np.testing.assert_array_equal(file.read(), count)
    with pytest.raises(ParameterError, match=r"astype\('float64'\)"):
        (count * 2**40).dl.to_cog(tmp_path / "large.tif")
    with rasterio.open((stack.isel(time=0) > 500).dl.to_cog(tmp_path / "b.tif")) as file:
        assert file.dtypes[0] == "uint8"


def test_the_value_of_missing_pixels_can_be_chosen(stack: xr.DataArray, tmp_path: Path) -> None:
    picture = stack.isel(time=0).sel(band=AMOUNTS)
    with rasterio.open(picture.dl.to_cog(tmp_path / "a.tif", nodata=65535)) as file:
        assert file.nodata == 65535
        np.testing.assert_array_equal(file.read(), picture.dl.ndarray().filled(65535))
    with pytest.raises(ParameterError, match="does not fit uint16"):
        picture.dl.to_cog(tmp_path / "b.tif", nodata=-1)
    assert not (tmp_path / "b.tif").exists()


def test_scaled_and_calculated_values_have_no_scale(stack: xr.DataArray, tmp_path: Path) -> None:
    picture = stack.isel(time=0, band=[0])
    for values in (picture.dl.scale("physical"), picture.dl.scale("display"), picture / 2):
        with rasterio.open(values.dl.to_cog(tmp_path / "a.tif")) as file:
            assert file.scales == (1,)


def test_a_chosen_value_must_not_be_one_of_valid_pixels(stack: xr.DataArray, tmp_path: Path) -> None:
    picture = stack.isel(time=0, band=[0])
    picture[0, 0, 0] = np.nan
    value = int(picture[0, 5, 5])
    with pytest.raises(ParameterError, match=f"nodata={value} is also the value of valid pixels"):
        picture.dl.to_cog(tmp_path / "a.tif", nodata=value)
    assert not list(tmp_path.iterdir())
    # Where nothing is missing, the value is what the caller says.
    with rasterio.open(picture.fillna(value).dl.to_cog(tmp_path / "a.tif", nodata=value)) as file:
        assert file.nodata == value


def test_scaled_bytes_get_room_for_missing_pixels(stack: xr.DataArray, tmp_path: Path) -> None:
    shown = stack.isel(time=0).sel(band=AMOUNTS).dl.scale("display")
    with rasterio.open(shown.dl.to_cog(tmp_path / "a.tif")) as file:
        assert file.dtypes[0] == "int16"
        found = file.read(masked=True)
    np.testing.assert_array_equal(found.mask, shown.dl.ndarray().mask)
    np.testing.assert_array_equal(found.filled(0), shown.dl.ndarray().filled(0))


def test_open_files_and_datasets(stack: xr.DataArray, tmp_path: Path) -> None:
    file = io.BytesIO()
    assert stack.isel(time=0).dl.to_dataset().dl.to_cog(file) is None
    with rasterio.MemoryFile(file.getvalue()).open() as found:
        np.testing.assert_array_equal(found.read(), stack.isel(time=0).dl.ndarray().filled(0))
    with pytest.raises(ParameterError, match="one time slot"):
        stack.dl.to_cog(io.BytesIO())


def test_downloads_are_named_like_those_of_collections(
    stack: xr.DataArray, images: Any, tmp_path: Path
) -> None:
    ours = stack.sel(band=["red", "nir"]).dl.download(tmp_path / "ours")
    theirs = images.download("red nir", dest=str(tmp_path / "theirs"))
    assert [Path(path).name for path in ours] == [Path(path).name for path in theirs]
    for one, other in zip(ours, theirs, strict=True):
        with rasterio.open(one) as first, rasterio.open(other) as second:
            np.testing.assert_array_equal(first.read(), second.read())
            assert first.profile == second.profile


def test_pictures_hold_bytes(stack: xr.DataArray, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="scaling='display'"):
        stack.isel(time=0).sel(band=AMOUNTS).dl.download(tmp_path, "jpg")
    shown = stack.isel(time=1).sel(band=AMOUNTS).dl.scale("display")
    (path,) = shown.dl.download(tmp_path, "png")
    np.testing.assert_array_equal(
        np.round(imread(path) * 255), np.moveaxis(shown.dl.ndarray().filled(0), 0, -1)
    )
    mosaic = stack.sel(band=AMOUNTS).dl.composite(method="max")
    assert Path(mosaic.dl.download(tmp_path)[0]).name == "mosaic-green-red-nir.tif"
