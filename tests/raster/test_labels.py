"""Labels: coordinates at pixel centres, the CRS for .rio and .odc, an encoding that gives integers back."""

import numpy as np
import pytest
import xarray as xr

from dawnlight.errors import GridError
from dawnlight.geo import GeoBox, same_crs
from dawnlight.raster._labels import Labels, label, storage_encoding
from dawnlight.testing._engine import turned

BOX = GeoBox.from_geotrans((500000, 10, 0, 4600000, 0, -20), (3, 4), 32615)
TIMES = np.array(["2024-01-02T03:04:05.123456789", "NaT"], "datetime64[ns]")


def labelled(values, box=BOX, **parts):
    shape = np.shape(values)
    parts = {"bands": tuple("abcdef"[: shape[-3]]), **parts}
    if len(shape) == 4:
        parts = {"times": TIMES[: shape[0]], **parts}
    return label(values, Labels(geobox=box, **parts))


def test_coordinates_are_pixel_centres():
    found = labelled(np.zeros((2, 1, 3, 4)))
    assert found.dims == ("time", "band", "y", "x")
    assert found.x.values.tolist() == [500005, 500015, 500025, 500035]
    assert found.y.values.tolist() == [4599990, 4599970, 4599950]
    assert found.band.values.tolist() == ["a"]
    assert found.time.dtype == "datetime64[ns]"
    assert np.array_equal(found.time.values, TIMES, equal_nan=True)
    assert labelled(np.zeros((1, 3, 4))).dims == ("band", "y", "x")


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (3, 1)])
def test_the_grid_is_known_down_to_one_pixel(shape):
    box = GeoBox(shape, BOX.transform, BOX.crs)
    found = labelled(np.zeros((1, *shape)), box)
    assert tuple(found.rio.transform())[:6] == tuple(box.transform)[:6]
    assert found.rio.bounds() == box.bounds
    assert found.rio.crs.to_epsg() == 32615
    assert found.x.shape == (shape[1],)


@pytest.mark.parametrize(
    "crs", ["EPSG:32615", "EPSG:4326", "ESRI:54009", "+proj=sinu +R=6371007.181 +units=m"]
)
def test_rio_and_odc_find_the_grid(crs):
    import odc.geo.xr  # noqa: F401

    box = GeoBox.from_geotrans((10, 0.5, 0, 20, 0, -0.5), (3, 4), crs)
    found = labelled(np.zeros((1, 3, 4)), box)
    again = GeoBox.from_odc(found.odc.geobox)
    assert (again.shape, again.transform) == (box.shape, box.transform)
    assert same_crs(again.crs, box.crs) or "proj" in crs  # the name of a datum gets lost
    assert found.rio.crs.to_wkt() == type(found.rio.crs).from_wkt(box.crs.to_wkt()).to_wkt()


def test_rotated_grids_have_no_coordinates():
    with pytest.raises(GridError, match="rotated"):
        labelled(np.zeros((1, 3, 4)), turned(BOX, 10))


@pytest.mark.parametrize(
    ("values", "expected", "kind"),
    [
        (["x", None], ["x", ""], "U"),
        ([1, None], [1.0, np.nan], "f"),
        ([0.5, 2], [0.5, 2.0], "f"),
        ([True, False], [True, False], "b"),
        ([None, None], [np.nan, np.nan], "f"),
        ([np.datetime64("2024-01-01", "ns"), None], None, "M"),
    ],
)
def test_columns_have_one_type(values, expected, kind):
    found = labelled(np.zeros((2, 1, 3, 4)), along_time={"c": values}).c
    assert found.dims == ("time",)
    assert found.dtype.kind == kind
    if expected is not None:
        np.testing.assert_array_equal(found.values, expected)


# -- encoding --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "nodata", "expected"),
    [
        ("uint16", [0.0], ("uint16", 0)),
        ("uint16", [0.0, 0.0], ("uint16", 0)),
        ("uint8", [255.0], ("uint8", 255)),
        ("int16", [-9999.0], ("int16", -9999)),
        ("uint16", [None], ("int32", -(2**31))),
        ("uint16", [0.0, 1.0], ("int32", -(2**31))),
        ("uint8", [None], ("int16", -(2**15))),
        ("uint8", [-9999.0], ("int16", -(2**15))),
        ("uint8", [0.5], ("int16", -(2**15))),
        ("uint8", [float("nan")], ("int16", -(2**15))),
        ("uint8", [float("inf")], ("int16", -(2**15))),
        ("int32", [None], ("int64", -(2**63))),
        ("uint32", [None], ("int64", -(2**63))),
    ],
)
def test_encoding_marks_missing_pixels_with_a_value_that_no_pixel_has(dtype, nodata, expected):
    found = storage_encoding(np.dtype(dtype), nodata, True)
    assert (found["dtype"], found["_FillValue"]) == expected
    assert found["_FillValue"].dtype == expected[0]


def test_encoding_of_unmasked_values():
    assert storage_encoding(np.dtype("uint8"), [0.0], False) == {"dtype": "uint8"}
    assert storage_encoding(np.dtype("float32"), [0.0], False) == {"dtype": "float32", "_FillValue": None}


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "uint32", "int32", "float32"])
@pytest.mark.parametrize("nodata", [None, 0.0])
@pytest.mark.parametrize("format", ["zarr", "netcdf"])
def test_files_give_the_same_values_back_in_their_own_type(tmp_path, dtype, nodata, format):
    wide = np.dtype("float32" if np.dtype(dtype).itemsize < 4 or dtype == "float32" else "float64")
    values = np.arange(12, dtype=wide).reshape(1, 3, 4) + 1
    if np.dtype(dtype).kind in "iu":
        values[0, 0, :2] = np.iinfo(dtype).max, max(np.iinfo(dtype).min, 1 if nodata == 0 else -(2**62))
    values[0, 1] = np.nan
    found = labelled(values, encoding=storage_encoding(np.dtype(dtype), [nodata], True))
    path = tmp_path / "a"
    if format == "zarr":
        found.to_zarr(path, zarr_format=2)
        again, raw = xr.open_zarr(path), xr.open_zarr(path, mask_and_scale=False)
        full = xr.open_zarr(path, decode_coords="all")
    else:
        found.to_netcdf(path, engine="h5netcdf")
        again = xr.open_dataset(path, engine="h5netcdf")
        full = xr.open_dataset(path, engine="h5netcdf", decode_coords="all")
        raw = xr.open_dataset(path, engine="h5netcdf", mask_and_scale=False)
    assert np.array_equal(again.pixels.values, values, equal_nan=True)
    assert raw.pixels.dtype.kind == np.dtype(dtype).kind or dtype.startswith("uint")
    for opened in (again, full):
        assert opened.rio.crs.to_epsg() == 32615
        assert opened.pixels.rio.crs.to_epsg() == 32615
        assert tuple(opened.rio.transform())[:6] == tuple(BOX.transform)[:6]
    full.pixels.to_netcdf(tmp_path / "again.nc", engine="h5netcdf")
    found.rio.write_crs("EPSG:32615").to_netcdf(tmp_path / "more.nc", engine="h5netcdf")
    for opened in (again, full, raw):
        opened.close()
