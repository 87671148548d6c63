"""The GDAL reader: the file's pixels and mask, or an error that says what is wrong with which file."""

import multiprocessing
import os
import pickle
import re
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from rasterio.control import GroundControlPoint

from dawnlight._options import set_options
from dawnlight.errors import (
    ParameterError,
    RasterChangedError,
    RasterError,
    RasterNotFoundError,
    RasterReadError,
    UnsupportedRasterError,
)
from dawnlight.geo import GeoBox, Window, same_crs
from dawnlight.raster import _gdal_header
from dawnlight.raster._gdal import GdalReader, RasterReader, read_header, read_palette
from dawnlight.testing._rasters import checker, noise, truncate, write_raster

BOX = GeoBox((70, 50), Affine(10, 0, 500000, 0, -10, 4600000), "EPSG:32615")
VALID = checker(BOX.shape, 16).astype(bool)


@pytest.fixture
def reader():
    with GdalReader() as reader:
        yield reader


def read_all(reader, header, level=0, bands=None):
    shape = (header.shape, *header.overviews)[level]
    bands = bands or tuple(range(1, len(header.bands) + 1))
    masks = tuple(header.bands[band - 1].mask for band in bands)
    return reader.read(header.ref, bands, level, Window(0, 0, *shape), masks=masks)


# -- headers -----------------------------------------------------------------------------------------


def test_a_header_says_what_the_file_says(tmp_path):
    path = write_raster(
        tmp_path / "a.tif",
        noise((2, 70, 50)),
        BOX,
        nodata=7,
        overviews=(2, 4),
        descriptions=["B04", None],
        scales=[1e-4, 1],
        offsets=[-0.1, 0],
        tags={"TIFFTAG_DATETIME": "2024:06:02 11:22:33", "long": "x" * 2000},
    )
    header = read_header(path)
    assert header.href == str(path)
    assert header.driver == "GTiff"
    assert (header.size_bytes, header.modified_ns) == (path.stat().st_size, path.stat().st_mtime_ns)
    assert header.geobox == BOX
    assert header.overviews == ((35, 25), (18, 13))
    assert header.block == (16, 16)
    assert header.tags == {"AREA_OR_POINT": "Area", "TIFFTAG_DATETIME": "2024:06:02 11:22:33"}
    first, second = header.bands
    assert (first.dtype, first.nodata, first.mask, first.description) == ("uint16", 7.0, "none", "B04")
    assert (first.scale, first.offset) == (1e-4, -0.1)
    assert (second.description, second.scale, second.offset) == (None, 1.0, 0.0)
    assert header.notes == ()


@pytest.mark.parametrize(
    "geobox",
    [
        BOX,
        GeoBox((70, 50), Affine(8, 6, 500000, 6, -8, 4600000), "EPSG:32615"),
        GeoBox((70, 50), Affine(10, 0, 500000, 0, 10, 4600000), "EPSG:32615"),
        GeoBox((70, 50), Affine(0.1, 0, 178, 0, -0.1, 3.5), "EPSG:4326"),
        GeoBox((70, 50), Affine(20, 0, -500, 0, -20, 900), "+proj=laea +lat_0=50.7 +lon_0=-3.5 +datum=WGS84"),
        GeoBox((70, 50), Affine(463, 0, -6e6, 0, -463, 1e6), "+proj=sinu +R=6371007.181 +units=m +no_defs"),
    ],
    ids=["north up", "rotated", "south up", "across the antimeridian", "no code", "sinusoidal"],
)
@pytest.mark.parametrize("driver", ["GTiff", "COG", "JP2OpenJPEG"])
def test_the_grid_is_the_files_own(tmp_path, reader, geobox, driver):
    dtype = {"GTiff": "float64", "COG": "int32", "JP2OpenJPEG": "int16"}[driver]
    path = write_raster(tmp_path / "a.x", noise((2, 70, 50), dtype), geobox, driver=driver)
    found = read_header(path).geobox
    assert found.shape == geobox.shape
    assert found.transform.almost_equals(geobox.transform, 1e-9)
    assert same_crs(found.crs, geobox.crs)


@pytest.mark.parametrize(
    ("dtype", "nodata", "expected", "note"),
    [
        ("uint8", 255, 255.0, ""),
        ("int16", -9999.5, None, "int16 cannot hold it"),
        ("float32", 0.1, float(np.float32(0.1)), ""),
        ("float32", -3.4028234663852886e38, -3.4028234663852886e38, ""),
        ("float64", -1e300, -1e300, ""),
    ],
)
def test_nodata_is_a_value_that_a_sample_can_have(tmp_path, dtype, nodata, expected, note):
    header = read_header(write_raster(tmp_path / "a.tif", noise(BOX.shape, dtype), BOX, nodata=nodata))
    assert header.bands[0].nodata == expected
    assert note in " ".join(header.notes)


def test_nodata_nan(tmp_path):
    header = read_header(write_raster(tmp_path / "a.tif", noise(BOX.shape, "float32"), BOX, nodata=np.nan))
    assert np.isnan(header.bands[0].nodata)


def test_nodata_beyond_the_dtype_is_none(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape, "uint8"), BOX, nodata=111)
    path.write_bytes(path.read_bytes().replace(b"111\0", b"-99\0"))
    assert read_header(path).bands[0].nodata is None


def test_a_palette_is_read_on_demand(tmp_path):
    colors = {0: (0, 0, 0, 0), 2: (255, 0, 0, 255)}
    path = write_raster(tmp_path / "a.tif", checker(BOX.shape).astype("uint8"), BOX, colormap=colors)
    assert read_header(path).bands[0].color == "palette"
    palette = read_palette(str(path), 1)
    assert palette[2] == (255, 0, 0, 255)
    assert read_palette(str(write_raster(tmp_path / "b.tif", noise(BOX.shape), BOX)), 1) is None


def test_side_car_files_of_a_local_file_count(tmp_path, reader):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX, mask=VALID, overviews=(2,), sidecars=True)
    assert {file.suffix for file in tmp_path.iterdir()} == {".tif", ".msk", ".ovr"}
    header = read_header(path)
    assert header.overviews == ((35, 25),)
    assert header.bands[0].mask == "internal"
    np.testing.assert_array_equal(read_all(reader, header)[1][0], VALID)


def test_a_world_file_places_an_image(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), None)
    (tmp_path / "a.tfw").write_text("10\n0\n0\n-10\n500005\n4599995\n")
    assert read_header(path, default_crs=32615).geobox == BOX
    with pytest.raises(
        UnsupportedRasterError, match=r"no coordinate reference system \(CRS\).*rio edit-info"
    ):
        read_header(path)


def test_a_files_own_crs_wins_over_the_default(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    assert read_header(path, default_crs="EPSG:3857").geobox == BOX


@pytest.mark.parametrize("where", ["beside", "inside"])
def test_overviews_without_the_mask_are_not_used(tmp_path, reader, where):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX, overviews=(2,))
    if where == "beside":
        other = write_raster(tmp_path / "b.tif", noise(BOX.shape), BOX, mask=VALID, sidecars=True)
        shutil.copy(f"{other}.msk", f"{path}.msk")
    else:
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
            file.write_mask(VALID)
    header = read_header(path)
    assert header.overviews == ()
    assert header.notes == ("overviews from number 1 on are ignored: they lack a band or the mask",)
    np.testing.assert_array_equal(read_all(reader, header)[1][0], VALID)


def test_overviews_in_a_file_of_another_name_are_not_opened(tmp_path):
    victim = write_raster(tmp_path / "victim.tif", noise((35, 25)), None)
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    with rasterio.open(path, "r+") as file:
        file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(victim))
    opened = []
    sys.addaudithook(lambda event, args: opened.append(args[0]) if event == "open" else None)
    header = read_header(path)
    assert header.overviews == ()
    assert header.notes == ("overviews in a file of another name are ignored",)
    assert str(victim) not in opened


# -- refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "remedy"),
    [
        ("int8", "gdal_translate -ot Int16"),
        ("int64", "Int32"),
        ("uint64", "UInt32"),
        ("complex64", "as bands of their own"),
        ("complex_int16", "as bands of their own"),
    ],
)
def test_sample_types_that_no_band_has_are_refused(tmp_path, dtype, remedy):
    profile = {"driver": "GTiff", "width": 4, "height": 4, "count": 1, "dtype": dtype, "crs": "EPSG:32615"}
    with rasterio.open(tmp_path / "a.tif", "w", transform=BOX.transform, **profile):
        pass
    with pytest.raises(UnsupportedRasterError, match=f"its samples are {dtype}, and .*{remedy}"):
        read_header(tmp_path / "a.tif")


def test_a_file_without_a_place_is_refused(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), None)
    with pytest.raises(UnsupportedRasterError, match=r"not georeferenced.*rio edit-info"):
        read_header(path)


def test_a_file_with_ground_control_points_only_is_refused(tmp_path):
    points = [GroundControlPoint(row, col, col, -row) for row in (0, 50) for col in (0, 40)]
    path = tmp_path / "a.tif"
    with rasterio.open(path, "w", "GTiff", 4, 4, 1, crs="EPSG:4326", dtype="uint8", gcps=points):
        pass
    with pytest.raises(UnsupportedRasterError, match=r"4 ground control points only.*gdalwarp"):
        read_header(path)


@pytest.mark.parametrize("transform", [Affine(10, 0, np.inf, 0, -10, 0), Affine(10, 0, 5, 0, 0, 5)])
def test_a_transform_that_is_none_is_refused(tmp_path, transform):
    with rasterio.open(
        tmp_path / "a.tif", "w", "GTiff", 4, 4, 1, crs="EPSG:32615", dtype="uint8", transform=transform
    ):
        pass
    with pytest.raises(UnsupportedRasterError, match="geotransform"):
        read_header(tmp_path / "a.tif")


def test_a_local_crs_is_refused(tmp_path):
    crs = rasterio.crs.CRS.from_wkt('LOCAL_CS["the yard",UNIT["metre",1]]')
    with rasterio.open(
        tmp_path / "a.tif", "w", "GTiff", 4, 4, 1, crs=crs, dtype="uint8", transform=BOX.transform
    ):
        pass
    with pytest.raises(UnsupportedRasterError, match=r"its CRS cannot be used.*rio edit-info"):
        read_header(tmp_path / "a.tif")


def test_limits_are_named(tmp_path, monkeypatch):
    path = write_raster(tmp_path / "a.tif", noise((3, 70, 50)), BOX, tiled=None, blockysize=70)
    for name, value, message in [
        ("MAX_BANDS", 2, "has 3 bands; 1 to 2"),
        ("MAX_SIDE", 60, "is 50 x 70 pixels; no side may be longer than 60"),
        ("MAX_BLOCK_BYTES", 20999, r"\(50 x 70 pixels, 3 bands\).*gdal_translate -of COG"),
    ]:
        with monkeypatch.context() as patch, pytest.raises(UnsupportedRasterError, match=message):
            patch.setattr(_gdal_header, name, value)
            read_header(path)
    monkeypatch.setattr(_gdal_header, "MAX_BLOCK_BYTES", 21000)
    assert read_header(path).block == (70, 50)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<VRTDataset rasterXSize='4'/>", "is a VRT, which only describes other files"),
        (b"\n <VRTDataset rasterXSize='4'/>", "is a VRT, which only describes other files"),
        (b"\x89PNG\r\n\x1a\n", "is a PNG picture"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "is a JPEG picture"),
        (b"\x89HDF\r\n\x1a\n", "HDF5 or netCDF"),
        (b"CDF\x01", "is netCDF"),
        (b"PK\x03\x04", "zip archive; unpack"),
        (b"<!doctype HTML><html>", "is a web page; the download"),
        (b"hello, I am a text", "neither a GeoTIFF nor JPEG 2000"),
        (b"/vsicurl/http://127.0.0.1:9/x.tif", "neither a GeoTIFF nor JPEG 2000"),
    ],
)
def test_another_format_under_the_name_of_a_tif_is_refused(tmp_path, content, message):
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(UnsupportedRasterError, match=message) as caught:
        read_header(tmp_path / "a.tif")
    assert str(tmp_path / "a.tif") in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"II*\x00", b"II*\x00" + b"\xff" * 100, b"\xff\x4f\xff\x51abc"])
def test_a_damaged_header_is_an_error(tmp_path, content):
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(RasterReadError, match=r"a\.tif"):
        read_header(tmp_path / "a.tif")


def test_missing_and_unreadable_files(tmp_path):
    with pytest.raises(RasterNotFoundError, match=r"b\.tif: there is no such file"):
        read_header(tmp_path / "b.tif")
    with pytest.raises(UnsupportedRasterError, match="is a folder"):
        read_header(tmp_path)
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    path.chmod(0)
    with pytest.raises(RasterReadError, match="Permission denied"):
        read_header(path)


def test_a_pixel_size_without_a_place_is_no_georeferencing(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    content = path.read_bytes()
    tie_points = (33922).to_bytes(2, "little")
    assert content.count(tie_points) == 1
    path.write_bytes(content.replace(tie_points, (65000).to_bytes(2, "little")))
    with pytest.raises(UnsupportedRasterError, match="not georeferenced"):
        read_header(path)
    at_origin = GeoBox(BOX.shape, Affine(10, 0, 0, 0, -10, 0), BOX.crs)
    assert read_header(write_raster(path, noise(BOX.shape), at_origin)).geobox == at_origin


def damage(content, random):
    """Truncate, flip bits, clear a run of bytes, or break the header."""
    size, kind = len(content), random.integers(4)
    if kind == 0:
        return content[: random.integers(size)]
    if kind == 1:
        for place in random.integers(size, size=random.choice([1, 3, 20])):
            content[place] ^= 1 << random.integers(8)
    elif kind == 2:
        start = random.integers(size)
        content[start : start + random.choice([4, 64, 512])] = bytes(4)
    else:
        for place in random.integers(min(size, 600), size=random.choice([1, 2, 5])):
            content[place] = random.choice([0, 1, 127, 128, 255])
    return content


@pytest.mark.parametrize("layout", ["tiled", "strips", "bigtiff", "masked", "jp2"])
def test_damaged_files_fail_in_one_family(tmp_path, layout):
    options = {"mask": VALID} if layout == "masked" else LAYOUTS[layout]
    overviews = () if layout == "jp2" else (2, 4)
    name = "a.jp2" if layout == "jp2" else "a.tif"
    sound = write_raster(tmp_path / name, noise((2, 70, 50)), BOX, overviews=overviews, nodata=0, **options)
    random = np.random.default_rng(0)
    outcomes = set()
    for number in range(60):
        path = tmp_path / f"{number}.tif"
        path.write_bytes(damage(bytearray(sound.read_bytes()), random))
        with GdalReader() as reader:
            try:
                header = read_header(path)
                if max(header.shape) < 10_000:
                    for level in range(len(header.overviews) + 1):
                        read_all(reader, header, level)
                outcomes.add("read")
            except RasterError as error:
                outcomes.add("refused" if str(path) in str(error) else str(error))
    assert outcomes == {"read", "refused"}


# -- pixels ------------------------------------------------------------------------------------------

LAYOUTS = {
    "tiled": {},
    "strips": {"tiled": None},
    "by band": {"interleave": "band"},
    "lzw": {"compress": "lzw", "predictor": 2},
    "uncompressed": {"compress": "none"},
    "bigtiff": {"bigtiff": "yes"},
    "big endian": {"endianness": "big"},
    "sparse": {"sparse_ok": True},
    "cog": {"driver": "COG", "blocksize": 128},
    "jp2": {"driver": "JP2OpenJPEG"},
}


@pytest.mark.parametrize("dtype", _gdal_header.DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_pixels_are_the_files(tmp_path, reader, layout, dtype):
    if layout == "jp2" and dtype not in ("uint8", "int16", "uint16"):
        pytest.skip("JPEG 2000 holds no such samples")
    pixels = noise((3, 70, 50), dtype)
    path = write_raster(tmp_path / "a.tif", pixels, BOX, **LAYOUTS[layout])
    header = read_header(path)
    data, valid = reader.read(header.ref, (3, 1), 0, Window(11, 7, 40, 33), masks=("none", "none"))
    assert valid is None
    assert data.dtype == np.dtype(dtype)
    assert data.dtype.isnative
    np.testing.assert_array_equal(data, pixels[[2, 0], 11:51, 7:40])


@pytest.mark.parametrize("driver", ["GTiff", "COG", "JP2OpenJPEG"])
def test_an_overview_is_read_as_it_is_stored(tmp_path, reader, driver):
    box = GeoBox((2100, 1100), BOX.transform, BOX.crs)
    options = {"overviews": (2, 4)} if driver == "GTiff" else {}
    path = write_raster(tmp_path / "a.tif", noise(box.shape), box, driver=driver, tiled=256, **options)
    header = read_header(path)
    assert len(header.overviews) >= 2
    for level, (height, width) in enumerate(header.overviews, 1):
        with rasterio.open(path, overview_level=level - 1) as plain:
            assert plain.shape == (height, width)
            window = Window(height // 3, width // 4, height // 2, width // 2)
            expected = plain.read(window=window.slices)
        data, _ = reader.read(header.ref, (1,), level, window, masks=("none",))
        np.testing.assert_array_equal(data, expected)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("kind", ["internal", "beside", "alpha"])
def test_the_files_own_mask(tmp_path, reader, kind, count):
    options = {"alpha": VALID * 200} if kind == "alpha" else {"mask": VALID, "sidecars": kind == "beside"}
    path = write_raster(
        tmp_path / "a.tif", noise((count, 70, 50), "uint8"), BOX, overviews=(2,), nodata=None, **options
    )
    header = read_header(path)
    assert [band.mask for band in header.bands[:count]] == [
        "alpha" if kind == "alpha" else "internal"
    ] * count
    data, valid = read_all(reader, header, bands=tuple(range(1, count + 1)))
    assert valid.dtype == bool
    assert valid.flags.writeable
    np.testing.assert_array_equal(valid, np.broadcast_to(VALID, data.shape))
    _, coarse = read_all(reader, header, level=1)
    np.testing.assert_array_equal(coarse[0], VALID[::2, ::2])
    if kind == "alpha":
        alpha = header.bands[-1]
        assert (alpha.color, alpha.mask) == ("alpha", "none")
        _, valid = read_all(reader, header)
        assert valid[-1].all()


def test_a_mask_that_is_not_asked_for_is_not_applied(tmp_path, reader):
    header = read_header(write_raster(tmp_path / "a.tif", noise((2, 70, 50)), BOX, mask=VALID))
    window = Window(0, 0, 70, 50)
    assert reader.read(header.ref, (1, 2), 0, window, masks=("none", "none"))[1] is None
    _, valid = reader.read(header.ref, (1, 2), 0, window, masks=("none", "internal"))
    assert valid[0].all()
    np.testing.assert_array_equal(valid[1], VALID)


def test_nodata_for_all_bands_together_is_a_mask(tmp_path, reader):
    pixels = noise((2, 70, 50))
    pixels[0, :10], pixels[1, :20] = 1, 2
    path = write_raster(tmp_path / "a.tif", pixels, BOX, tags={"NODATA_VALUES": "1 2"})
    header = read_header(path)
    assert [(band.mask, band.nodata) for band in header.bands] == [("internal", None)] * 2
    _, valid = read_all(reader, header)
    np.testing.assert_array_equal(valid[0], ~((pixels[0] == 1) & (pixels[1] == 2)))


def test_nodata_values_are_pixels_like_any_other(tmp_path, reader):
    pixels = noise(BOX.shape)
    pixels[:5] = 0
    data, valid = read_all(reader, read_header(write_raster(tmp_path / "a.tif", pixels, BOX, nodata=0)))
    assert valid is None
    np.testing.assert_array_equal(data[0], pixels)


@pytest.mark.parametrize("window", [Window(3, 4, 0, 5), Window(3, 4, 5, 0), Window(70, 50, 0, 0)])
@pytest.mark.parametrize("mask", ["none", "internal"])
def test_an_empty_window(tmp_path, reader, window, mask):
    header = read_header(write_raster(tmp_path / "a.tif", noise((2, 70, 50)), BOX, mask=VALID))
    data, valid = reader.read(header.ref, (1, 2, 1), 0, window, masks=(mask,) * 3)
    assert data.shape == (3, window.height, window.width)
    assert data.dtype == np.uint16
    assert (valid is None) == (mask == "none")


@pytest.mark.parametrize("window", [Window(-1, 0, 2, 2), Window(0, 49, 2, 2), Window(69, 0, 2, 2)])
def test_a_window_beyond_the_image_is_an_error(tmp_path, reader, window):
    header = read_header(write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX))
    with pytest.raises(RasterReadError, match="not inside the 50 x 70 pixels"):
        reader.read(header.ref, (1,), 0, window, masks=("none",))


def test_the_number_of_masks_is_checked(tmp_path, reader):
    header = read_header(write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX))
    with pytest.raises(ParameterError, match="2 masks for 1 bands"):
        reader.read(header.ref, (1,), 0, Window(0, 0, 1, 1), masks=("none", "none"))


# -- files that are no longer what they were ----------------------------------------------------------


def test_a_changed_file_is_noticed_before_its_pixels_are_used(tmp_path, reader):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    header = read_header(path)
    read_all(reader, header)
    write_raster(path, noise(BOX.shape, seed=1), BOX)
    with pytest.raises(RasterChangedError, match=r"a\.tif.*modified at .*, was at .*dawnlight add --update"):
        read_all(reader, header)
    read_all(reader, read_header(path))


def test_another_size_names_both_sizes(tmp_path, reader):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    header = read_header(path)
    with open(path, "ab") as file:
        file.write(b"12345")
    before = header.size_bytes
    with pytest.raises(RasterChangedError, match=f"{before + 5} bytes, was {before}"):
        read_all(reader, header)


def test_another_shape_is_noticed_where_size_and_time_are_not_known(tmp_path, reader):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    header = read_header(path).patch(size_bytes=None, modified_ns=None)
    write_raster(path, noise((60, 50)), GeoBox((60, 50), BOX.transform, BOX.crs))
    with pytest.raises(RasterChangedError, match="50 x 60 pixels now, and was 50 x 70"):
        read_all(reader, header)


def test_a_file_that_is_gone(tmp_path, reader):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    header = read_header(path)
    read_all(reader, header)
    path.unlink()
    with pytest.raises(RasterNotFoundError, match=r"a\.tif: there is no such file") as caught:
        read_all(reader, header)
    assert isinstance(caught.value, FileNotFoundError)


@pytest.mark.parametrize("layout", ["tiled", "strips", "uncompressed", "lzw", "by band", "jp2"])
def test_a_truncated_file_is_an_error_and_not_pixels(tmp_path, reader, layout):
    path = write_raster(tmp_path / "a.tif", noise((3, 70, 50)), BOX, **LAYOUTS[layout])
    truncate(path, 0.6)
    with pytest.raises(RasterReadError, match=r"a\.tif.*") as caught:
        read_all(reader, read_header(path))
    assert caught.value.__cause__ is not None
    assert not reader._idle


def test_an_error_names_the_place(tmp_path, reader):
    path = write_raster(tmp_path / "a.tif", noise((3, 70, 50)), BOX, compress="none", tiled=None)
    header = read_header(truncate(path, 0.6))
    message = r"a\.tif: reading failed: .*\(bands 2, 3 at full resolution, rows 60\.\.70, columns 1\.\.9\)"
    with pytest.raises(RasterReadError, match=message):
        reader.read(header.ref, (2, 3), 0, Window(60, 1, 10, 8), masks=("none", "none"))
    data, _ = reader.read(header.ref, (2, 3), 0, Window(0, 1, 10, 8), masks=("none", "none"))
    np.testing.assert_array_equal(data, noise((3, 70, 50))[1:, :10, 1:9])


# -- files on a server ---------------------------------------------------------------------------------


class _Server(BaseHTTPRequestHandler):
    """Serves the files of a folder with ranges, and some troubles by name."""

    folder = Path()
    asked: ClassVar[list[str]] = []

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, *, with_body):
        name = self.path.lstrip("/")
        self.asked.append(name)
        file = self.folder / name
        if name.startswith("login"):
            return self.send(200, b"<html>log in</html>", with_body)
        if name.startswith("50"):
            return self.send(503, b"", with_body)
        if not file.is_file():
            return self.send(404, b"", with_body)
        content = file.read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not asked:
            return self.send(200, content, with_body)
        part = content[int(asked[1]) : int(asked[2] or len(content)) + 1]
        place = f"bytes {asked[1]}-{int(asked[1]) + len(part) - 1}/{len(content)}"
        return self.send(206, part, with_body, place)

    def send(self, status, content, with_body, place=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if place:
            self.send_header("Content-Range", place)
        self.end_headers()
        if with_body:
            self.wfile.write(content)


@pytest.fixture
def server(tmp_path):
    _Server.folder = tmp_path
    _Server.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Server) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_file_on_a_server_is_read_without_asking_for_others(tmp_path, reader, server):
    pixels = noise((2, 70, 50))
    path = write_raster(tmp_path / "a.tif", pixels, BOX, overviews=(2,))
    write_raster(tmp_path / "b.tif", pixels, BOX, mask=VALID, sidecars=True)
    (tmp_path / "b.tif.msk").rename(tmp_path / "a.tif.msk")
    header = read_header(f"{server}/a.tif")
    assert (header.geobox, header.overviews) == (BOX, ((35, 25),))
    assert (header.size_bytes, header.modified_ns) == (path.stat().st_size, None)  # the server tells no time
    assert {band.mask for band in header.bands} == {"none"}
    np.testing.assert_array_equal(read_all(reader, header)[0], pixels)
    assert read_all(reader, header, level=1)[0].shape == (2, 35, 25)
    assert set(_Server.asked) == {"a.tif"}
    assert read_header(path).bands[0].mask == "internal"


def test_a_jpeg_2000_on_a_server(tmp_path, reader, server):
    pixels = noise((1, 70, 50))
    write_raster(tmp_path / "a.jp2", pixels, BOX, driver="JP2OpenJPEG")
    shutil.copy(tmp_path / "a.jp2", tmp_path / "b")
    for name in ("a.jp2", "b"):
        header = read_header(f"{server}/{name}")
        assert header.driver == "JP2OpenJPEG"
        np.testing.assert_array_equal(read_all(reader, header)[0], pixels)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("missing.tif", RasterNotFoundError, "there is no such file .*404"),
        ("login.tif", UnsupportedRasterError, "a page to log in, perhaps"),
        ("503.tif", RasterReadError, "HTTP response code: 503"),
    ],
)
def test_troubles_of_a_server(server, name, error, message):
    with set_options(read_attempts=1), pytest.raises(error, match=message) as caught:
        read_header(f"{server}/{name}")
    assert f"{server}/{name}" in str(caught.value)


def test_a_file_that_ends_early_on_a_server(tmp_path, reader, server):
    path = write_raster(tmp_path / "a.tif", noise((3, 70, 50)), BOX, compress="none")
    header = read_header(f"{server}/{truncate(path, 0.6).name}")
    with pytest.raises(RasterReadError, match="reading failed"):
        read_all(reader, header)


# -- the reader as a shared object ---------------------------------------------------------------------


def test_open_files_are_used_again_and_bounded(tmp_path, monkeypatch):
    opened = []
    real = sys.modules["dawnlight.raster._gdal"].open_dataset
    monkeypatch.setattr("dawnlight.raster._gdal.open_dataset", lambda *a: opened.append(a) or real(*a))
    headers = [read_header(write_raster(tmp_path / f"{n}.tif", noise(BOX.shape), BOX)) for n in range(5)]
    with GdalReader(max_open=3) as reader:
        for header in headers[:3] * 3:
            read_all(reader, header)
        assert len(opened) == 3
        for header in headers:
            read_all(reader, header)
            assert len(reader._idle) == 3
            assert sum(map(len, reader._by_key.values())) == 3
        reader.close()
        assert not reader._idle
        assert not reader._by_key
        read_all(reader, headers[0])


def test_threads_get_the_right_pixels(tmp_path, reader):
    images = [noise((2, 70, 50), seed=seed) for seed in range(4)]
    headers = [read_header(write_raster(tmp_path / f"{n}.tif", image, BOX)) for n, image in enumerate(images)]
    barrier = threading.Barrier(8)

    def work(seed):
        barrier.wait()
        random = np.random.default_rng(seed)
        for _ in range(60):
            number, y, x = random.integers((4, 40, 30)).tolist()
            data, _ = reader.read(headers[number].ref, (2,), 0, Window(y, x, 30, 20), masks=("none",))
            np.testing.assert_array_equal(data[0], images[number][1, y : y + 30, x : x + 20])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(reader._idle) <= 8 * 4


def test_a_reader_pickles_as_its_configuration(tmp_path, reader):
    header = read_header(write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX))
    read_all(reader, header)
    other = pickle.loads(pickle.dumps(reader))
    assert other.max_open == reader.max_open
    assert not other._idle
    np.testing.assert_array_equal(read_all(other, header)[0], read_all(reader, header)[0])
    assert isinstance(other, RasterReader)
    assert other.__dask_tokenize__() == reader.__dask_tokenize__()


def _read_in_child(reader, header, sender):
    sender.send((len(reader._idle), read_all(reader, header)[0]))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_reads_with_files_of_its_own(tmp_path, reader):
    header = read_header(write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX))
    expected, _ = read_all(reader, header)
    receiver, sender = multiprocessing.Pipe(duplex=False)
    with reader._lock:  # as if another thread held it at the moment of the fork
        child = multiprocessing.get_context("fork").Process(
            target=_read_in_child, args=(reader, header, sender)
        )
        child.start()
    assert receiver.poll(60), "the child hangs"
    idle, data = receiver.recv()
    child.join(60)
    assert (idle, child.exitcode) == (0, 0)
    np.testing.assert_array_equal(data, expected)
    np.testing.assert_array_equal(read_all(reader, header)[0], expected)


def test_max_open_is_checked():
    with pytest.raises(ParameterError, match="max_open=-1"):
        GdalReader(-1)
