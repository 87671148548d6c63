"""From images and bands of the catalog to sources: which raster band serves which catalog band, and how."""

from __future__ import annotations

import math

import numpy as np
import pytest

import dawnlight as dl
from dawnlight.catalog import File, Image
from dawnlight.catalog._bridge import build_table
from dawnlight.catalog._definitions import definitions_of
from dawnlight.catalog._described import describe
from dawnlight.errors import BandError, ParameterError, RasterNotFoundError
from dawnlight.geo import GeoBox
from dawnlight.testing._archive import Archive
from dawnlight.testing._rasters import noise, write_raster

BOX = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), (40, 60), 32632)
COARSE = GeoBox.from_geotrans((300000, 20, 0, 5000000, 0, -20), (20, 30), 32632)


@pytest.fixture
def archive(tmp_path):
    with dl.open("memory://") as client:
        yield Archive(client, tmp_path)


def table_of(archive, images, names, **options):
    products = list(dict.fromkeys(image.product_id for image in images))
    definitions = definitions_of(products, names, options.pop("level", None), archive.client)
    dtypes = [np.dtype(options.pop("dtype", "uint16"))] * len(names)
    return build_table(describe(images), names, definitions, dtypes, **options)


def save_with(archive, name, path, **attributes):
    """An image with one file that exists."""
    image = Image(
        name=name,
        product_id="p",
        acquired="2024-01-01",
        files=[File(href=str(path))],
        client=archive.client,
        **attributes,
    )
    image.save()
    return image


def test_sources_are_what_the_files_say(archive):
    archive.add_product("p", {"red": {"nodata": 7}, "nir": {}})
    image = archive.add_image(
        "p", "a", {"red": BOX, "nir": COARSE}, {"red": noise(BOX.shape), "nir": noise(COARSE.shape)},
        files={"nir": {"nodata": 3, "overviews": (2,), "tiled": 16}},
    )  # fmt: skip
    table, absent = table_of(archive, [image], ["nir", "red", "nir"])
    assert absent == []
    nir, red = table.source(0, 0), table.source(0, 1)
    assert nir == table.source(0, 2)
    assert (nir.geobox, red.geobox) == (COARSE, BOX)
    assert nir.file.href.endswith("a-nir.tif")
    assert nir.file.size_bytes
    assert nir.file.modified_ns
    assert (nir.band, nir.layout.nodata, nir.layout.overviews, nir.layout.block) == (
        1,
        3,
        ((10, 15),),
        (16, 16),
    )
    assert red.layout.nodata == 7
    assert len(table.hrefs) == 2


@pytest.mark.parametrize(
    ("band", "file", "expected"),
    [(None, None, None), (5, None, 5), (None, 9, 9), (5, 9, 5), (0, 9, 0), (None, math.nan, math.nan)],
)
def test_the_band_definition_goes_before_the_file(archive, band, file, expected):
    floating = isinstance(file, float)
    archive.add_product("p", {"red": {"nodata": band, "data_type": "Float32" if floating else "UInt16"}})
    pixels = noise(BOX.shape, "float32" if floating else "uint16")
    image = archive.add_image("p", "a", BOX, {"red": pixels}, files={"red": {"nodata": file}})
    found = table_of(archive, [image], ["red"], dtype="float64")[0].source(0, 0).layout.nodata
    assert found == expected or (math.isnan(found) and math.isnan(expected))


def test_bands_of_one_file_by_index(archive, tmp_path):
    archive.add_product("p", {"red": {}, "nir": {"file_index": 0, "band_index": 2}})
    image = save_with(archive, "a", write_raster(tmp_path / "a.tif", noise((3, *BOX.shape)), BOX))
    table, _ = table_of(archive, [image], ["red", "nir"])
    assert [table.source(0, k).band for k in (0, 1)] == [1, 3]
    assert len(table.hrefs) == 1


def test_bands_by_the_description_in_the_file(archive, tmp_path):
    archive.add_product("p", {"red": {"vendor_band_name": "B04"}, "nir": {"vendor_band_name": "B08"}})
    path = write_raster(tmp_path / "a.tif", noise((2, *BOX.shape)), BOX, descriptions=["B08", "B04"])
    image = save_with(archive, "a", path)
    table, _ = table_of(archive, [image], ["red", "nir"])
    assert [table.source(0, k).band for k in (0, 1)] == [2, 1]


def test_images_with_differently_ordered_files(archive, tmp_path):
    """What is found for one image must not be taken for the next."""
    archive.add_product("p", {"red": {"vendor_band_name": "B04"}, "nir": {"vendor_band_name": "B08"}})
    one = write_raster(tmp_path / "a.tif", noise((2, *BOX.shape)), BOX, descriptions=["B08", "B04"])
    two = write_raster(tmp_path / "b.tif", noise((2, *BOX.shape)), BOX, descriptions=["B04", "B08"])
    images = [save_with(archive, "a", one), save_with(archive, "b", two)]
    table, _ = table_of(archive, images, ["red", "nir"])
    assert [[table.source(row, k).band for k in (0, 1)] for row in (0, 1)] == [[2, 1], [1, 2]]


def test_bands_that_no_file_serves(archive):
    archive.add_product("p", {"red": {}, "nir": {}, "blue": {}})
    images = [
        archive.add_image("p", "a", BOX, {"red": noise(BOX.shape)}),
        archive.add_image("p", "b", BOX, {"red": noise(BOX.shape), "nir": noise(BOX.shape)}),
    ]
    with pytest.raises(RasterNotFoundError, match=r"image 'p:a' has no file for band 'nir' \(3 such bands"):
        table_of(archive, images, ["red", "nir", "blue"])
    table, absent = table_of(archive, images, ["red", "nir", "blue"], missing="mask")
    assert absent == [("p:a", "nir"), ("p:a", "blue"), ("p:b", "blue")]
    assert [[table.source(row, k) is None for k in range(3)] for row in (0, 1)] == [
        [False, True, True],
        [False, False, True],
    ]


def test_rows_keep_the_order_of_the_images(archive):
    archive.add_product("p", {"red": {}})
    archive.add_product("q", {"red": {}})
    images = [
        archive.add_image(product, f"{k}", BOX, {"red": noise(BOX.shape, seed=k)})
        for k, product in enumerate("pqppq")
    ]
    table, _ = table_of(archive, [images[k] for k in (4, 0, 3, 1, 0)], ["red"])
    assert table.images == ("q:4", "p:0", "p:3", "q:1", "p:0")
    assert [table.source(row, 0).file.href.rsplit("/", 1)[1] for row in range(5)] == [
        f"{k}-red.tif" for k in (4, 0, 3, 1, 0)
    ]


def test_a_file_that_was_registered_in_two_states(archive, tmp_path):
    """The older registration must not lend its size, time or grid to the newer one."""
    archive.add_product("p", {"red": {}})
    path = tmp_path / "same.tif"
    old = save_with(archive, "old", write_raster(path, noise(BOX.shape), BOX))
    new = save_with(archive, "new", write_raster(path, noise(COARSE.shape), COARSE))
    table, _ = table_of(archive, [old, new], ["red"])
    assert [table.source(row, 0).geobox for row in (0, 1)] == [BOX, COARSE]
    assert table.source(0, 0).file != table.source(1, 0).file


def test_a_type_that_does_not_fit_is_refused(archive):
    product = archive.add_product("p", {"red": {}})
    image = archive.add_image("p", "a", BOX, {"red": noise(BOX.shape)})
    del product
    with pytest.raises(BandError, match=r"is defined as UInt16, but '.*a-red.tif' stores uint16"):
        table_of(archive, [image], ["red"], dtype="uint8")
    table_of(archive, [image], ["red"], dtype="int32")


def test_steps_are_bound_to_each_image(archive):
    steps = [{"function": "linear", "parameter": "reflectance_gain_bias", "index": 0}]
    archive.add_product("p", {"red": {"processing_levels": {"surface": steps}}})
    images = [
        archive.add_image("p", str(k), BOX, {"red": noise(BOX.shape)}, reflectance_gain_bias=[[k + 1, -k]])
        for k in range(2)
    ]
    table, _ = table_of(archive, images, ["red"], level="surface", dtype="float64")
    assert [table.source(row, 0).steps[0].coefficients for row in (0, 1)] == [(1, 0), (2, -1)]
    plain, _ = table_of(archive, images, ["red"])
    assert plain.source(0, 0).steps == ()
    lacking = archive.add_image("p", "z", BOX, {"red": noise(BOX.shape)})
    with pytest.raises(BandError, match="p:z"):
        table_of(archive, [lacking], ["red"], level="surface", dtype="float64")


def test_bands_that_do_not_exist(archive):
    archive.add_product("p", {"red": {}})
    with pytest.raises(BandError, match=r"band 'nir' is not available in product 'p'; it has red"):
        definitions_of(["p"], ["nir"], None, archive.client)
    with pytest.raises(BandError, match="it has no bands"):
        definitions_of(["none"], ["nir"], None, archive.client)
    with pytest.raises(BandError, match="processing level"):
        definitions_of(["p"], ["red"], "nope", archive.client)


def test_an_image_that_was_saved_without_looking(archive):
    archive.add_product("p", {"red": {}})
    image = archive.add_image("p", "a", BOX, {"red": noise(BOX.shape)})
    image._file_headers = None
    image.save()
    with pytest.raises(ParameterError, match="was saved without looking at its files"):
        table_of(archive, [image], ["red"])
