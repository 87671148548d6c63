"""`Image.ndarray` and `Image.scaling_parameters`: every argument, as part 04 of the contract has it."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
import shapely

import dawnlight as dl
from dawnlight.errors import (
    BandError,
    CRSError,
    GridError,
    ParameterError,
    ParameterTypeError,
    RasterChangedError,
    RasterNotFoundError,
    RasterReadError,
    UnsavedObjectError,
)
from dawnlight.geo import AOI, DLTile, GeoBox, Window, XYZTile
from dawnlight.testing._archive import Archive
from dawnlight.testing._engine import turned
from dawnlight.testing._rasters import checker, noise, truncate

BOX = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), (40, 60), 32632)
RED = noise(BOX.shape, "uint16", 1)
RED[:5, :7] = 0
CLASSES = checker(BOX.shape, 7, (1, 3)).astype("uint8")
ALPHA = np.ones(BOX.shape, "uint8")
ALPHA[30:] = 0
HEIGHT = noise(BOX.shape, "int16", 2)
BANDS = {
    "red": {"nodata": 0, "physical_range": (0.0, 1.0)},
    "scl": {"kind": "class", "data_type": "Byte", "nodata": 255},
    "alpha": {"kind": "mask", "data_type": "Byte"},
    "height": {"kind": "generic", "data_type": "Int16", "data_range": (-32768, 32767)},
}
PIXELS = {"red": RED, "scl": CLASSES, "alpha": ALPHA, "height": HEIGHT}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with dl.open("memory://image-pixels") as client:
        archive = Archive(client, tmp_path_factory.mktemp("archive"))
        archive.add_product("p", BANDS)
        archive.add_image("p", "a", BOX, PIXELS)
        archive.add_product("bare", {"red": {}})
        archive.add_image("bare", "a", BOX, {"red": RED})
        yield archive


@pytest.fixture
def image(archive):
    return dl.Image.get("p:a", client=archive.client)


@pytest.fixture
def bare(archive):
    return dl.Image.get("bare:a", client=archive.client)


# -- shape, type, mask -----------------------------------------------------------------------------


def test_the_default_grid_is_the_image_s_own(image):
    found = image.ndarray("red", mask_alpha=False)
    assert isinstance(found, np.ma.MaskedArray)
    assert (found.shape, found.dtype) == ((1, 40, 60), np.uint16)
    assert np.array_equal(found.data[0], RED)
    assert np.array_equal(found.mask[0], RED == 0)


@pytest.mark.parametrize(
    ("axis", "shape"),
    [(0, (2, 40, 60)), (1, (40, 2, 60)), (2, (40, 60, 2)), (-1, (40, 60, 2)), (-2, (40, 2, 60))],
)
def test_bands_axis(image, axis, shape):
    found = image.ndarray("red scl", bands_axis=axis)
    assert found.shape == found.mask.shape == shape
    assert np.array_equal(np.moveaxis(found.data, axis, 0), image.ndarray("red scl").data)


@pytest.mark.parametrize("axis", [3, -3, "y", None, 0.5])
def test_other_bands_axes_are_refused(image, axis):
    with pytest.raises(ParameterError, match=f"bands_axis={axis!r} must be one of -2, -1, 0, 1, 2"):
        image.ndarray("red", bands_axis=axis)


@pytest.mark.parametrize("bands", ["red scl", ["red", "scl"], ("red", "scl")])
def test_bands_come_in_the_order_asked_for(image, bands):
    found = image.ndarray(bands, mask_nodata=False, mask_alpha=False)
    assert np.array_equal(found, [RED, CLASSES])
    other = image.ndarray("scl red scl", mask_nodata=False, mask_alpha=False)
    assert np.array_equal(other, [CLASSES, RED, CLASSES])


@pytest.mark.parametrize(
    ("bands", "error"),
    [
        ("", BandError),
        ([], BandError),
        ("red nope", BandError),
        (["red nope"], BandError),
        ({"red"}, ParameterTypeError),
        (iter(["red"]), ParameterTypeError),
        (np.array(["red"]), ParameterTypeError),
        ([1], ParameterTypeError),
        (None, ParameterTypeError),
    ],
)
def test_other_bands_are_refused(image, bands, error):
    with pytest.raises(error) as caught:
        image.ndarray(bands)
    assert isinstance(caught.value, ValueError | TypeError)


def test_types_are_promoted_without_the_added_alpha(image):
    assert image.ndarray("red").dtype == np.uint16
    assert image.ndarray("scl").dtype == np.uint8
    assert image.ndarray("red height").dtype == np.int32
    assert image.ndarray("red", data_type="Float64").dtype == np.float64
    assert image.ndarray("red", data_type="Byte").dtype == np.uint8
    with pytest.raises(ParameterError, match=r"data_type='Uint16'.*did you mean 'UInt16'"):
        image.ndarray("red", data_type="Uint16")


def test_a_narrower_type_limits(image):
    found = image.ndarray("red", data_type="Byte", mask_alpha=False)
    assert np.array_equal(found.data[0], np.minimum(RED, 255))


def test_masks(image):
    assert np.array_equal(image.ndarray("red").mask[0], (RED == 0) | (ALPHA == 0))
    assert np.array_equal(image.ndarray("red", mask_nodata=False).mask[0], ALPHA == 0)
    assert np.array_equal(image.ndarray("red", mask_alpha=True, mask_nodata=False).mask[0], ALPHA == 0)
    raw = image.ndarray("red", mask_nodata=False, mask_alpha=False)
    assert type(raw) is np.ndarray
    assert np.array_equal(raw[0], RED)


def test_any_band_may_be_the_alpha(image):
    found = image.ndarray("red", mask_alpha="scl", mask_nodata=False)
    assert not found.mask.any()
    found = image.ndarray("scl", mask_alpha="red", mask_nodata=False)
    assert np.array_equal(found.mask[0], RED == 0)


def test_an_alpha_asked_for_stays_and_masks_itself(image):
    found = image.ndarray("red alpha")
    assert found.shape == (2, 40, 60)
    assert np.array_equal(found.mask[1], ALPHA == 0)
    assert found.data[1].max() == 1
    assert image.ndarray("alpha").shape == (1, 40, 60)
    assert np.array_equal(image.ndarray("alpha red", mask_alpha=False)[0].data, ALPHA)


def test_alpha_must_come_last_and_exist(image, bare):
    with pytest.raises(BandError, match="must be the last"):
        image.ndarray("alpha red")
    with pytest.raises(BandError, match="must be the last"):
        image.ndarray("red alpha", mask_alpha="red")
    with pytest.raises(BandError, match=r"'alpha' is not available in product 'bare'"):
        bare.ndarray("red", mask_alpha=True)
    with pytest.raises(BandError, match=r"did you mean 'alpha'"):
        image.ndarray("red", mask_alpha="alhpa")
    with pytest.raises(ParameterError, match="mask_alpha=1 must be"):
        image.ndarray("red", mask_alpha=1)
    assert not bare.ndarray("red", mask_nodata=True).mask.any()
    assert type(bare.ndarray("red", mask_nodata=False)) is np.ndarray


def test_unknown_arguments_are_type_errors(image):
    with pytest.raises(TypeError):
        image.ndarray("red", colour=True)


# -- contexts --------------------------------------------------------------------------------------


def test_a_context_s_geometry_cuts_and_the_image_s_own_does_not(archive):
    shape = BOX.window(Window(0, 0, 40, 30)).footprint()
    image = dl.Image.get("p:a", client=archive.client)
    image.geometry = shape
    own = image.ndarray("red", mask_alpha=False, mask_nodata=False)
    assert np.array_equal(own[0], RED)
    cut = image.ndarray("red", image.geocontext, mask_alpha=False)
    assert cut.mask[:, :, 31:].all()
    assert np.array_equal(cut.mask[0, :, :29], RED[:, :29] == 0)
    bare_cut = image.ndarray("red", image.geocontext, mask_alpha=False, mask_nodata=False)
    assert (bare_cut[:, :, 31:] == 0).all()


def test_all_touched_keeps_more(image):
    disk = shapely.Point(300305, 4999805).buffer(101)
    context = AOI(geometry=_lonlat(disk), crs=32632, resolution=10)
    some = image.ndarray("height", context, mask_alpha=False)
    more = image.ndarray("height", context, mask_alpha=False, all_touched=True)
    assert some.shape == more.shape
    assert (~more.mask).sum() > (~some.mask).sum() > 250
    assert not (more.mask & ~some.mask).any()


def _lonlat(geometry):
    from dawnlight.geo._reproject import reproject_geometry

    return reproject_geometry(geometry, 32632, 4326)


def test_what_a_context_leaves_open_comes_from_the_image(image):
    area = BOX.window(Window(10, 20, 15, 25))
    found = image.ndarray("red", AOI(geometry=area.footprint()), mask_alpha=False)
    # The grid is the image's own, so nothing is resampled.
    valid = found.data[0][~found.mask[0]]
    assert len(valid) >= 14 * 24
    assert np.isin(valid, RED[9:27, 19:47]).all()
    assert np.array_equal(
        image.ndarray("red", AOI(bounds=area.bounds, bounds_crs=32632), mask_alpha=False).data[0],
        RED[10:25, 20:45],
    )


@pytest.mark.parametrize(
    "context",
    [
        lambda: BOX.window(Window(3, 4, 9, 8)),
        lambda: AOI.from_geobox(BOX.window(Window(3, 4, 9, 8))),
        lambda: BOX.window(Window(3, 4, 9, 8)).to_odc(),
    ],
    ids=["geobox", "aoi", "odc"],
)
def test_grids_are_contexts(image, context):
    found = image.ndarray("red", context(), mask_alpha=False, mask_nodata=False)
    assert np.array_equal(found[0], RED[3:12, 4:12])


def test_tiles_are_contexts(image):
    lon, lat = BOX.footprint().centroid.coords[0]
    tile = DLTile.from_latlon(lat, lon, resolution=10, tilesize=16, pad=2)
    found = image.ndarray("red", tile, mask_alpha=False)
    assert found.shape == (1, 20, 20)
    assert not found.mask.all()
    with pytest.raises(ParameterError):
        image.ndarray("red", tile, crs=32632)
    web = XYZTile(*_xyz(lon, lat, 14), 14)
    assert image.ndarray("red", web).shape == (1, 256, 256)


def _xyz(lon, lat, z):
    n = 2**z
    y = (1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2
    return int((lon + 180) / 360 * n), int(y * n)


def test_an_explicit_resolution_replaces_the_shape(image):
    found = image.ndarray("red", resolution=20, mask_alpha=False)
    assert found.shape == (1, 20, 30)
    odd = image.ndarray("red", resolution=17, mask_alpha=False)
    info = image.ndarray("red", resolution=17, mask_alpha=False, raster_info=True)[1]
    assert odd.shape == (1, *reversed(info["size"]))
    assert info["geoTransform"][1::4] == [17, -17]


def test_an_explicit_crs_keeps_the_shape(image):
    found, info = image.ndarray("red", crs="EPSG:4326", raster_info=True)
    assert found.shape == (1, 40, 60)
    assert info["coordinateSystem"]["epsg"] == 4326


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"crs": "EPSG:1"}, CRSError),
        ({"crs": "nonsense"}, CRSError),
        ({"resolution": 0}, ParameterError),
        ({"resolution": -3}, ParameterError),
        ({"resolution": "10"}, (ParameterError, ParameterTypeError)),
        ({"geocontext": AOI()}, GridError),
        ({"geocontext": 5}, (ParameterError, ParameterTypeError)),
        ({"resampler": "nearest"}, ParameterError),
        ({"resampler": {"blue": "near"}}, ParameterError),
        ({"errors": "ignore"}, ParameterError),
        ({"processing_level": "nope"}, BandError),
        ({"scaling": "nope"}, ParameterError),
    ],
    ids=str,
)
def test_arguments_that_cannot_be_used(image, arguments, error):
    with pytest.raises(error):
        image.ndarray("red", **arguments)


@pytest.mark.parametrize("how", ["turned", "south-up"])
def test_rotated_and_south_up_images_load_on_the_upright_grid_around_them(archive, how):
    box = (
        turned(BOX, 20)
        if how == "turned"
        else GeoBox.from_geotrans((300000, 10, 0, 4999600, 0, 10), BOX.shape, 32632)
    )
    archive.add_image("bare", how, box, {"red": RED})
    image = dl.Image.get(f"bare:{how}", client=archive.client)
    if how == "turned":
        with pytest.warns(UserWarning, match="rotated"):
            found = image.ndarray("red")
        assert 0.3 < (~found.mask).mean() < 0.9
    else:
        assert np.array_equal(image.ndarray("red").data[0], RED[::-1])


def test_scale_of_an_image_without_grid_attributes(archive):
    """Neither geotrans nor CRS: the files know them."""
    archive.add_image(
        "bare", "plain", BOX, {"red": RED}, cs_code=None, geotrans=None, x_pixels=None, y_pixels=None
    )
    image = dl.Image.get("bare:plain", client=archive.client)
    found = image.ndarray("red", mask_nodata=False)
    assert found.dtype == np.uint16
    assert np.isin(RED[1:-1, 1:-1], found[0]).all()


# -- kernels ---------------------------------------------------------------------------------------


def test_categories_are_never_blended(image):
    for resampler in ("cubic", "average", {"default_": "bilinear"}):
        found = image.ndarray("red scl", resolution=7, resampler=resampler, mask_alpha=False)
        assert set(np.unique(found[1].compressed())) == {1, 3}
    blended = image.ndarray("scl", resolution=7, resampler={"scl": "bilinear"}, mask_alpha=False)
    assert 2 in blended.compressed()


def test_resampler_by_band(image):
    both = image.ndarray(
        "red height", resolution=7, resampler={"red": "cubic", "default_": "near"}, mask_alpha=False
    )
    cubic = image.ndarray("red height", resolution=7, resampler="cubic", mask_alpha=False)
    near = image.ndarray("red height", resolution=7, mask_alpha=False)
    assert np.array_equal(both[0].data, cubic[0].data)
    assert np.array_equal(both[1].data, near[1].data)
    assert not np.array_equal(near[0].data, cubic[0].data)


@pytest.mark.parametrize("resampler", ["near", "bilinear", "cubic", "lanczos"])
@pytest.mark.parametrize("resolution", [7, 13, 31])
def test_alpha_hides_the_same_pixels_whatever_the_kernel(image, resampler, resolution):
    found = image.ndarray("height", resolution=resolution, resampler=resampler, mask_nodata=False)
    near = image.ndarray("height", resolution=resolution, mask_nodata=False)
    assert np.array_equal(found.mask, near.mask)
    rows = (np.arange(found.shape[1]) + 0.5) * resolution / 10
    expected = (rows >= 30) | (rows >= 40)
    info = image.ndarray("height", resolution=resolution, raster_info=True)[1]
    offset = (5000000 - info["geoTransform"][3]) / 10
    expected = (rows - offset >= 30) | (rows - offset < 0)
    assert np.array_equal(found.mask[0, :, 3], expected)


# -- scaling ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "scales", "data_type"),
    [
        ({"bands": "red"}, None, "UInt16"),
        ({"bands": "red", "scaling": "raw"}, None, "UInt16"),
        ({"bands": "red", "scaling": "display"}, [(0, 4000, 0, 255)], "Byte"),
        ({"bands": "red", "scaling": "physical"}, [(0, 10000, 0, 1)], "Float64"),
        ({"bands": "red", "scaling": "auto"}, [()], "Byte"),
        ({"bands": "red scl", "scaling": "display"}, [(0, 4000, 0, 255), None], "Byte"),
        ({"bands": ["red", "scl"], "scaling": [(0, 100), None]}, [(0, 100, 0, 255), None], "Byte"),
        ({"bands": "red", "data_type": "Float32"}, None, "Float32"),
    ],
    ids=str,
)
def test_scaling_parameters(image, arguments, scales, data_type):
    assert image.scaling_parameters(**arguments) == (scales, data_type)


def test_scaled_pixels(image):
    found = image.ndarray("red", scaling="display", mask_alpha=False)
    assert found.dtype == np.uint8
    expected = np.minimum(np.floor(RED.astype(float) * 255 / 4000 + 0.5), 255)
    assert np.array_equal(found.filled(0)[0], np.where(RED == 0, 0, expected))
    physical = image.ndarray("red", scaling="physical", mask_alpha=False)
    assert physical.dtype == np.float64
    np.testing.assert_allclose(physical.filled(0)[0], RED / 10000)


@pytest.mark.parametrize("bands", ["red", "red height", "red scl height"])
def test_automatic_scaling_stretches_what_is_there(image, bands):
    found = image.ndarray(bands, scaling="auto", mask_alpha=False)
    valid = RED[RED != 0].astype(float)
    low, high = valid.min(), valid.max()
    expected = np.floor((RED.astype(float) - low) * 255 / (high - low) + 0.5)
    assert np.array_equal(found.filled(0)[0], np.where(RED == 0, 0, expected))
    assert found.dtype == np.uint8


# -- raster_info -----------------------------------------------------------------------------------


def test_raster_info(image):
    found, info = image.ndarray("red scl", raster_info=True)
    assert found.shape == (2, 40, 60)
    assert info["geoTransform"] == [300000, 10, 0, 5000000, 0, -10]
    assert info["size"] == [60, 40]
    assert info["id"] == "p:a"
    system = info["coordinateSystem"]
    assert system["epsg"] == 32632
    assert "+proj=utm +zone=32" in system["proj4"]
    assert "UTM zone 32N" in system["wkt"]
    assert [band["band"] for band in info["bands"]] == [1, 2]
    assert info["bands"][0]["noDataValue"] == 0
    assert info["bands"][0]["description"]["name"] == "red"
    assert set(info["cornerCoordinates"]) == {"upperLeft", "lowerLeft", "upperRight", "lowerRight", "center"}
    assert info["wgs84Extent"]["type"] == "Polygon"


@pytest.mark.parametrize(
    "crs", ["EPSG:4326", "EPSG:3857", "ESRI:54009", "+proj=sinu +R=6371007.181 +units=m"]
)
def test_raster_info_in_any_system(image, crs):
    info = image.ndarray("red", crs=crs, raster_info=True)[1]
    assert len(info["geoTransform"]) == 6
    assert info["coordinateSystem"]["proj4"].startswith("+proj=")
    assert rasterio.crs.CRS.from_wkt(info["coordinateSystem"]["wkt"]) is not None


# -- failures --------------------------------------------------------------------------------------


@pytest.fixture
def damaged(archive, tmp_path):
    other = Archive(archive.client, tmp_path)
    name = tmp_path.name
    image = other.add_image("p", name, BOX, PIXELS)
    truncate(image.files[0].href, 0.5)
    return image


def test_a_changed_file_is_told_apart_from_its_registration(damaged):
    with pytest.raises(
        RasterChangedError, match=r"image 'p:.*', band red: .*is not the file that was registered"
    ):
        damaged.ndarray("red scl")


def test_a_removed_file_is_named(damaged, tmp_path):
    from pathlib import Path

    Path(damaged.files[0].href).unlink()
    with pytest.raises(
        RasterNotFoundError, match=r"image 'p:.*', band red: .*rows 0-39, columns 0-59"
    ) as caught:
        damaged.ndarray("red")
    assert isinstance(caught.value, FileNotFoundError)


def test_tolerated_failures_are_masked(damaged):
    with pytest.warns(RuntimeWarning, match=r"a read failed and its pixels are masked: image .*red"):
        found = damaged.ndarray("red scl", errors="mask", mask_alpha=False)
    assert found.mask[0].all()
    assert np.array_equal(found.data[1], CLASSES)


@pytest.mark.parametrize(
    "masks", [{"mask_nodata": False}, {"mask_nodata": False, "mask_alpha": False}], ids=str
)
def test_failures_cannot_be_masked_where_nothing_is(damaged, masks):
    """Zeros in their place would be values that nobody measured."""
    with pytest.raises(ParameterError, match=r"errors='mask'.*mask_nodata=True"):
        damaged.ndarray("red", errors="mask", **masks)


def test_images_without_files(archive):
    image = dl.Image(id="bare:none", acquired="2024-01-01", storage_state="remote", client=archive.client)
    with pytest.raises(RasterNotFoundError, match="has no files"):
        image.ndarray("red", AOI.from_geobox(BOX))
    image = dl.Image(id="bare:new", files=[dl.catalog.File(href="x.tif")], client=archive.client)
    with pytest.raises(UnsavedObjectError, match="was never saved"):
        image.ndarray("red", AOI.from_geobox(BOX))


def test_a_band_that_stores_another_type_is_refused(archive):
    product = archive.add_product("liar", {"red": {}})
    archive.add_image("liar", "a", BOX, {"red": RED})
    image = dl.Image.get("liar:a", client=archive.client)
    band = product.get_band("red")
    band.data_type = "Byte"
    band.save()
    with pytest.raises(BandError, match=r"is defined as Byte, but .* stores uint16"):
        image.ndarray("red")


def test_an_image_of_one_pixel(archive):
    box = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), (1, 1), 32632)
    archive.add_image("bare", "pixel", box, {"red": np.array([[7]], "uint16")})
    found, info = dl.Image.get("bare:pixel", client=archive.client).ndarray("red", raster_info=True)
    assert found.tolist() == [[[7]]]
    assert info["size"] == [1, 1]


def test_reading_a_damaged_file(archive, tmp_path):
    """Same size and time, other bytes."""
    import os

    image = Archive(archive.client, tmp_path).add_image(
        "bare", tmp_path.name, BOX, {"red": noise(BOX.shape, seed=9)}
    )
    path = image.files[0].href
    stat = os.stat(path)
    with open(path, "r+b") as file:
        file.seek(stat.st_size - 900)
        file.write(b"\xff" * 900)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(RasterReadError, match=r"image 'bare:.*', band red: cannot read rows 0-39"):
        image.ndarray("red")
