"""Writers: the pixels that went in, complete, or nothing at all."""

import io
import os

import numpy as np
import pytest
import rasterio
from affine import Affine

from dawnlight.errors import ParameterError, ParameterTypeError, RasterChangedError, RasterWriteError
from dawnlight.geo import GeoBox, Window
from dawnlight.raster import _writers_draft
from dawnlight.raster._gdal_header import DTYPES, read_header
from dawnlight.raster._writers import FileLayout, normalize_format, write_geotiff, write_picture, write_raster
from dawnlight.testing._rasters import noise

BOX = GeoBox((300, 200), Affine(10, 0, 500000, 0, -10, 4600000), "EPSG:32615")


def blocks_of(pixels, size=128):
    height, width = pixels.shape[1:]
    for y in range(0, height, size):
        for x in range(0, width, size):
            window = Window(y, x, min(size, height - y), min(size, width - x))
            yield window, pixels[:, y : window.stop_y, x : window.stop_x]


def read(path):
    with rasterio.open(path) as file:
        return file.read()


def layout_of(pixels, **changes):
    geobox = GeoBox(pixels.shape[1:], BOX.transform, BOX.crs)
    return FileLayout(geobox=geobox, dtype=pixels.dtype.name, count=len(pixels), **changes)


@pytest.mark.parametrize("size", [64, 100, 1000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_pixels_come_back_from_any_blocks(tmp_path, dtype, size):
    pixels = noise((2, 600, 530), dtype)
    write_geotiff(tmp_path / "a.tif", blocks_of(pixels, size), layout_of(pixels))
    found = read(tmp_path / "a.tif")
    assert found.dtype == pixels.dtype
    np.testing.assert_array_equal(found, pixels)


@pytest.mark.parametrize("compress", ["deflate", "lzw", "zstd", "lerc", "none"])
@pytest.mark.parametrize("cog", [True, False])
def test_every_compression_is_lossless(tmp_path, compress, cog):
    pixels = noise((1, 600, 530), "float32")
    write_geotiff(tmp_path / "a.tif", blocks_of(pixels), layout_of(pixels), compress=compress, cog=cog)
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), pixels)


def test_a_file_says_what_the_layout_says(tmp_path):
    pixels = noise((3, 1100, 1200), "int16")
    layout = layout_of(
        pixels,
        nodata=-5,
        descriptions=["red", "nir", "alpha"],
        colors=["red", None, "alpha"],
        scales=[0.1, 1, 1],
        offsets=[3, 0, 0],
        units=["K", None, None],
        tags={"acquired": "2024-06-02"},
    )
    write_geotiff(tmp_path / "new" / "folder" / "a.TIF", blocks_of(pixels), layout)
    header = read_header(tmp_path / "new" / "folder" / "a.TIF")
    assert header.geobox == layout.geobox
    assert header.overviews == ((550, 600), (275, 300))
    assert header.block == (512, 512)
    assert header.tags["acquired"] == "2024-06-02"
    assert [band.description for band in header.bands] == ["red", "nir", "alpha"]
    assert [band.nodata for band in header.bands] == [-5] * 3
    assert (header.bands[0].scale, header.bands[0].offset, header.bands[0].unit) == (0.1, 3, "K")
    assert header.bands[2].color == "alpha"
    with rasterio.open(tmp_path / "new" / "folder" / "a.TIF") as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.interleaving.value.lower() == "pixel"


@pytest.mark.parametrize(
    ("options", "overviews", "block"),
    [
        ({}, 2, (512, 512)),
        ({"overviews": False}, 0, (512, 512)),
        ({"overviews": "average", "tile": 256}, 3, (256, 256)),
        ({"cog": False}, 0, (512, 512)),
        ({"cog": False, "tile": 2048}, 0, None),
    ],
)
def test_layout_options(tmp_path, options, overviews, block):
    pixels = noise((1, 1100, 1200), "uint8")
    write_geotiff(tmp_path / "a.tif", blocks_of(pixels), layout_of(pixels), **options)
    header = read_header(tmp_path / "a.tif")
    assert len(header.overviews) == overviews
    assert block in (None, header.block)


def test_overview_kernels(tmp_path):
    pixels = np.zeros((1, 1024, 1024), "uint8")
    pixels[:, ::2, ::2] = 200
    for name, kernel, expected in [("a", True, {0, 200}), ("b", "average", {50})]:
        path = tmp_path / f"{name}.tif"
        write_geotiff(path, blocks_of(pixels), layout_of(pixels), overviews=kernel)
        with rasterio.open(path, overview_level=0) as file:
            assert set(np.unique(file.read()).tolist()) <= expected


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_colour_table_is_kept(tmp_path):
    pixels = noise((1, 60, 50), "uint8")
    layout = layout_of(pixels, colormap={1: (1, 2, 3, 255)})
    for name in ("a.tif", "a.png"):
        write_raster(tmp_path / name, blocks_of(pixels), layout)
        with rasterio.open(tmp_path / name) as file:
            assert file.colormap(1)[1] == (1, 2, 3, 255)
            np.testing.assert_array_equal(file.read(), pixels)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("count", [1, 3, 4])
def test_png_holds_the_pixels(tmp_path, count, dtype):
    pixels = noise((count, 60, 50), dtype)
    write_raster(tmp_path / "a.png", blocks_of(pixels), layout_of(pixels, nodata=7))
    np.testing.assert_array_equal(read(tmp_path / "a.png"), pixels)
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("name", ["a.jpg", "b.JPEG"])
@pytest.mark.parametrize("count", [1, 3])
def test_jpeg_is_a_real_jpeg_at_the_path_asked_for(tmp_path, name, count):
    ramp = np.linspace(0, 255, 60, dtype="uint8")
    pixels = np.broadcast_to(ramp[:, None], (count, 60, 50))
    write_raster(tmp_path / name, blocks_of(pixels), layout_of(pixels))
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_bytes().startswith(b"\xff\xd8\xff")
    assert np.abs(read(tmp_path / name).astype(int) - pixels).max() < 10


@pytest.mark.parametrize("name", ["tif", "png", "jpg"])
def test_an_open_file_can_be_the_target(tmp_path, name):
    pixels = noise((3, 60, 50), "uint8")
    written = io.BytesIO()
    write_raster(written, blocks_of(pixels), layout_of(pixels), format=name)
    write_raster(tmp_path / f"a.{name}", blocks_of(pixels), layout_of(pixels))
    assert written.getvalue() == (tmp_path / f"a.{name}").read_bytes()


@pytest.mark.parametrize(
    ("count", "dtype", "format", "message"),
    [
        (2, "uint8", "png", "PNG holds 1, 3 or 4 bands, not 2"),
        (4, "uint8", "jpg", "JPEG holds 1 or 3 bands, not 4"),
        (1, "uint16", "jpg", "JPEG holds uint8, not uint16; use scaling='display'"),
        (1, "float32", "png", "PNG holds uint8 or uint16, not float32"),
        (1, "uint8", "tif", "is no picture"),
    ],
)
def test_pictures_that_cannot_be(tmp_path, count, dtype, format, message):
    pixels = noise((count, 6, 5), dtype)
    with pytest.raises(ParameterError, match=message):
        write_picture(tmp_path / "a", blocks_of(pixels), layout_of(pixels), format=format)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a.tif", "tif"),
        ("x/a.b.TIFF", "tif"),
        ("a.PNG", "png"),
        ("a.jpeg", "jpg"),
        ("jpg", "jpg"),
        ("Tif", "tif"),
    ],
)
def test_formats(value, expected):
    assert normalize_format(value) == expected


@pytest.mark.parametrize("value", ["", "a", "a.", "a.tif.gz", "gif", "a.geotiff", ".tif"])
def test_unknown_formats(value):
    with pytest.raises(
        ParameterError, match=r"the extension must be one of \.tif, \.tiff, \.png, \.jpg, \.jpeg"
    ):
        normalize_format(value)


# -- failures ----------------------------------------------------------------------------------------


def fail_after(blocks, error):
    yield next(iter(blocks))
    raise error


def test_a_failure_leaves_what_was_there(tmp_path):
    pixels = noise((1, 300, 200))
    path = tmp_path / "a.tif"
    path.write_bytes(b"before")
    with pytest.raises(KeyError):
        write_geotiff(path, fail_after(blocks_of(pixels), KeyError("x")), layout_of(pixels))
    with pytest.raises(RasterWriteError, match=r"a\.tif' cannot be written: no space"):
        write_geotiff(path, fail_after(blocks_of(pixels), OSError("no space")), layout_of(pixels))
    with pytest.raises(KeyError):
        write_geotiff(tmp_path / "b.tif", fail_after(blocks_of(pixels), KeyError("x")), layout_of(pixels))
    assert os.listdir(tmp_path) == ["a.tif"]
    assert path.read_bytes() == b"before"


def test_a_source_that_cannot_be_read_is_told_as_such(tmp_path):
    pixels = noise((1, 300, 200))
    with pytest.raises(RasterChangedError, match="the source"):
        write_geotiff(
            tmp_path / "a.tif",
            fail_after(blocks_of(pixels), RasterChangedError("the source")),
            layout_of(pixels),
        )


def test_an_old_file_is_replaced(tmp_path):
    pixels = noise((1, 60, 50))
    (tmp_path / "a.tif").write_bytes(b"before")
    write_geotiff(tmp_path / "a.tif", blocks_of(pixels), layout_of(pixels))
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), pixels)
    assert os.listdir(tmp_path) == ["a.tif"]


def test_a_full_disk_is_noticed_even_if_gdal_does_not_say(tmp_path, monkeypatch):
    pixels = noise((1, 300, 200))
    real = rasterio.open

    def open_and_cut(path, *args, **options):
        file = real(path, *args, **options)
        file._env.callback(lambda: os.truncate(path, 1000))
        return file

    monkeypatch.setattr(_writers_draft.rasterio, "open", open_and_cut)
    with pytest.raises(RasterWriteError, match=r"only 1000 of 120000 bytes"):
        write_geotiff(tmp_path / "a.tif", blocks_of(pixels), layout_of(pixels))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (lambda p: list(blocks_of(p))[:-1], "pixels of a grid of 300 x 200"),
        (lambda p: [(Window(0, 0, 300, 200), p[0])], "it must be uint16"),
        (lambda p: [(Window(0, 0, 300, 200), p.astype("int32"))], "it must be uint16"),
        (lambda p: [(Window(1, 0, 300, 200), p)], "reaches beyond"),
        (lambda p: [], "hold 0 pixels"),
    ],
)
def test_blocks_that_do_not_fit(tmp_path, blocks, message):
    pixels = noise((1, 300, 200))
    with pytest.raises(ParameterError, match=message):
        write_geotiff(tmp_path / "a.tif", blocks(pixels), layout_of(pixels))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "options", [{"compress": "jpeg"}, {"tile": 100}, {"tile": 0}, {"overviews": "sharp"}], ids=str
)
def test_unknown_options(tmp_path, options):
    pixels = noise((1, 30, 20))
    with pytest.raises(ParameterError, match=next(iter(options))):
        write_geotiff(tmp_path / "a.tif", blocks_of(pixels), layout_of(pixels), **options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dtype": "int64"}, "dtype='int64' must be one of uint8"),
        ({"count": 0}, "nothing to write"),
        ({"geobox": GeoBox((0, 5), BOX.transform, BOX.crs)}, "nothing to write"),
        ({"descriptions": ["a", "b"]}, "descriptions has 2 entries for 1 bands"),
    ],
)
def test_layouts_that_cannot_be(changes, message):
    with pytest.raises(ParameterError, match=message):
        FileLayout(**{"geobox": BOX, "dtype": "uint8", "count": 1, **changes})


def test_targets_that_cannot_be(tmp_path):
    pixels = noise((1, 30, 20))
    with pytest.raises(ParameterTypeError, match="must be a path or a file open for writing bytes, not int"):
        write_geotiff(3, blocks_of(pixels), layout_of(pixels))
    with pytest.raises(ParameterError, match="is a folder"):
        write_geotiff(tmp_path, blocks_of(pixels), layout_of(pixels))
    with pytest.raises(ParameterError, match="format= is needed"):
        write_raster(io.BytesIO(), blocks_of(pixels), layout_of(pixels))
    (tmp_path / "file").touch()
    with pytest.raises(RasterWriteError, match="cannot be written"):
        write_geotiff(tmp_path / "file" / "a.tif", blocks_of(pixels), layout_of(pixels))
    with pytest.raises(RasterWriteError, match="cannot be written"):
        write_geotiff("/proc/a.tif", blocks_of(pixels), layout_of(pixels))
