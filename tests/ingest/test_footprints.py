"""Footprints: around the valid pixels, never inside of them."""

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from shapely.geometry import shape

from dawnlight.errors import UnsupportedRasterError
from dawnlight.geo import GeoBox
from dawnlight.geo._crs import transformer
from dawnlight.ingest import _samples
from dawnlight.ingest._footprints import find_footprint, outline
from dawnlight.ingest._samples import find_statistics, read_valid
from dawnlight.raster._gdal import GdalReader, read_header
from dawnlight.testing._rasters import checker, noise, write_raster

UTM = GeoBox((300, 200), Affine(100, 0, 500000, 0, -100, 4600000), "EPSG:32615")


@pytest.fixture
def reader():
    with GdalReader() as reader:
        yield reader


def wedge(shape):
    rows, columns = np.indices(shape)
    return rows + 2 * columns > shape[0]


def centres(geobox, valid):
    rows, columns = np.nonzero(valid)
    a, b, c, d, e, f = tuple(geobox.transform)[:6]
    x, y = a * (columns + 0.5) + b * (rows + 0.5) + c, d * (columns + 0.5) + e * (rows + 0.5) + f
    return shapely.points(np.column_stack(transformer(geobox.crs, "EPSG:4326").transform(x, y)))


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.booleans()),
    st.integers(0, 2),
)
def test_an_outline_holds_every_pixel(valid, margin):
    drawn = outline(valid, margin=margin)
    if drawn is None:
        return
    height, width = valid.shape
    assert shapely.box(0, 0, width, height).buffer(1e-9).covers(drawn)
    rows, columns = np.nonzero(valid)
    pixels = shapely.union_all(shapely.box(columns, rows, columns + 1, rows + 1))
    assert pixels.difference(drawn).area < 1e-6


@pytest.mark.parametrize("size", [(50, 70), (700, 333), (1000, 1000)])
def test_an_outline_is_tight_and_simple(size):
    valid = wedge(size)
    drawn = outline(valid)
    assert valid.sum() <= drawn.area <= valid.sum() + 0.05 * valid.size
    assert shapely.get_num_coordinates(drawn) < 20


def test_speckled_and_empty_masks_are_cheap():
    noisy = np.random.default_rng(0).random((2000, 2000)) > 0.5
    noisy[:, 1000:] = False
    drawn = outline(noisy)
    assert shapely.get_num_coordinates(drawn) < 200
    assert 0.5 * noisy.size <= drawn.area < 0.6 * noisy.size
    assert outline(np.zeros((50, 50), bool)) is None
    assert outline(np.ones((50, 50), bool)) is None


def test_small_holes_are_filled_and_large_ones_stay():
    valid = np.ones((100, 100), bool)
    valid[10:13, 10:13] = False
    assert outline(valid) is None
    valid[30:70, 30:70] = False
    assert len(outline(valid).interiors) == 1


def write(tmp_path, kind, geobox, valid, **options):
    pixels = noise((2, *geobox.shape))
    if kind == "nodata":
        return write_raster(tmp_path / "a.tif", pixels * valid, geobox, nodata=0, **options)
    if kind == "alpha":
        return write_raster(tmp_path / "a.tif", pixels, geobox, alpha=valid * 255, **options)
    return write_raster(tmp_path / "a.tif", pixels, geobox, mask=valid, **options)


@pytest.mark.parametrize("kind", ["nodata", "mask", "alpha"])
@pytest.mark.parametrize(
    "geobox",
    [
        UTM,
        GeoBox((300, 200), Affine(80, 60, 500000, 60, -80, 4600000), "EPSG:32615"),
        GeoBox((300, 200), Affine(100, 0, 500000, 0, 100, 4600000), "EPSG:32615"),
        GeoBox((300, 200), Affine(0.02, 0, 178, 0, -0.02, 3), "EPSG:4326"),
        GeoBox((300, 200), Affine(463, 0, -6e6, 0, -463, 1e6), "+proj=sinu +R=6371007.181 +units=m +no_defs"),
        GeoBox((300, 200), Affine(9000, 0, -9e5, 0, -9000, 1.3e6), "EPSG:3413"),
    ],
    ids=["north up", "rotated", "south up", "across the antimeridian", "sinusoidal", "around the pole"],
)
def test_a_footprint_follows_the_valid_pixels(tmp_path, reader, kind, geobox):
    valid = wedge(geobox.shape)
    header = read_header(write(tmp_path, kind, geobox, valid, tiled=64))
    footprint = shape(find_footprint(header, reader))
    assert footprint.is_valid
    west, south, east, north = footprint.bounds
    assert -180 <= west <= east <= 180
    assert -90 <= south <= north <= 90
    # A shifted copy on either side: longitudes of the centres may be a turn away.
    around = shapely.union_all([shapely.affinity.translate(footprint, turn) for turn in (-360, 0, 360)])
    missed = ~shapely.covers(around.buffer(1e-7), centres(geobox, valid))
    assert not missed.any()
    outside = shapely.covers(around, centres(geobox, ~valid)).mean()
    assert outside < 0.15


def test_an_image_without_missing_pixels_has_the_footprint_of_its_grid(tmp_path, reader):
    header = read_header(write_raster(tmp_path / "a.tif", noise(UTM.shape), UTM, nodata=0))
    expected = UTM.footprint()
    for looks in (reader, None):
        found = shape(find_footprint(header, looks))
        assert found.symmetric_difference(expected).area < 1e-3 * expected.area
        assert shapely.get_num_coordinates(found) <= 20


def test_an_image_that_is_all_nodata_has_the_footprint_of_its_grid(tmp_path, reader):
    header = read_header(write_raster(tmp_path / "a.tif", noise(UTM.shape) * 0, UTM, nodata=0))
    assert shape(find_footprint(header, reader)).area > 0.99 * UTM.footprint().area


def test_an_overview_is_used_where_the_image_is_large(tmp_path, reader, monkeypatch):
    valid = wedge(UTM.shape)
    header = read_header(write(tmp_path, "nodata", UTM, valid, overviews=(2, 4), tiled=64))
    assert read_valid(header, reader)[1] == 0
    monkeypatch.setattr(_samples, "WANTED", 2 * 300 * 200 - 1)
    found, level = read_valid(header, reader)
    assert (level, found.shape) == (1, (150, 100))
    footprint = shape(find_footprint(header, reader))
    assert shapely.covers(footprint.buffer(1e-7), centres(UTM, valid)).all()
    monkeypatch.setattr(_samples, "WANTED", 1)
    assert read_valid(header, reader)[1] == 2
    # One band of the coarsest overview is better than nothing; less than that is nothing.
    monkeypatch.setattr(_samples, "BUDGET", 75 * 50)
    assert read_valid(header, reader)[1] == 2
    monkeypatch.setattr(_samples, "BUDGET", 75 * 50 - 1)
    assert read_valid(header, reader) is None
    assert shape(find_footprint(header, reader)).area > 0.99 * UTM.footprint().area


def test_a_grid_off_the_earth_is_refused(tmp_path, reader):
    geobox = GeoBox((30, 20), Affine(1e6, 0, 9e7, 0, -1e6, 9e7), "EPSG:3035")
    header = read_header(write_raster(tmp_path / "a.tif", noise(geobox.shape), geobox))
    with pytest.raises(UnsupportedRasterError, match="no part of the image has a place on the Earth"):
        find_footprint(header, reader)


def test_statistics(tmp_path, reader):
    pixels = noise(UTM.shape, "float32")
    pixels[:50] = -9999
    pixels[60, :] = np.nan
    header = read_header(write_raster(tmp_path / "a.tif", pixels, UTM, nodata=-9999))
    found = find_statistics(header, 0, reader)
    assert -1 <= found.low <= found.display_low < -0.9
    assert 0.9 < found.display_high <= found.high < 1


def test_statistics_of_a_large_image_come_from_its_middle(tmp_path, reader, monkeypatch):
    monkeypatch.setattr(_samples, "_SIDE", 64)
    pixels = checker(UTM.shape, 1, (1, 2)).astype("uint8")
    pixels[:100] = 9
    header = read_header(write_raster(tmp_path / "a.tif", pixels, UTM))
    assert find_statistics(header, 0, reader).high == 2
