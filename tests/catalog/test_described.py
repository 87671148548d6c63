"""What is known of images is used again, and never when it has ceased to be true."""

from __future__ import annotations

import gc
import pickle
import random
import threading
import weakref

import numpy as np
import pytest

import dawnlight as dl
from dawnlight.catalog import Band, File, Image, ImageCollection
from dawnlight.catalog import _described as module
from dawnlight.catalog._bridge import build_table
from dawnlight.catalog._definitions import definitions_of
from dawnlight.catalog._described import describe
from dawnlight.catalog._image_columns import LABELS, ImageColumns
from dawnlight.catalog._pixel_labels import _stored as stored
from dawnlight.geo import GeoBox
from dawnlight.search import Document
from dawnlight.testing._archive import Archive
from dawnlight.testing._rasters import noise, write_raster

BOX = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), (40, 60), 32632)
COARSE = GeoBox.from_geotrans((300000, 20, 0, 5000000, 0, -20), (20, 30), 32632)


@pytest.fixture
def archive(tmp_path):
    with dl.open("memory://") as client:
        made = Archive(client, tmp_path)
        made.add_product("p", {"red": {}, "nir": {}})
        yield made


@pytest.fixture
def images(archive):
    for k in range(4):
        pixels = {band: noise(BOX.shape, seed=k) for band in ("red", "nir")}
        archive.add_image("p", f"i{k}", BOX, pixels, cloud_fraction=k / 10)
    return Image.search(client=archive.client).sort("name").collect()


@pytest.fixture
def no_looks(monkeypatch):
    """Forbid to look at documents from now on, once called."""

    def forbid():
        def fail(documents):
            raise AssertionError(f"{len(documents)} images are looked at again")

        monkeypatch.setattr(ImageColumns, "of", fail)

    return forbid


def header_of(number, bands=1, origin=300000, **fields):
    return {
        "version": 1,
        "href": f"/files/{number}.tif",
        "driver": "GTiff",
        "size_bytes": 1000 + number,
        "modified_ns": 2000 + number,
        "shape": [40, 60],
        "geotrans": [origin, 10, 0, 5000000, 0, -10],
        "crs": "EPSG:32632",
        "block": [16, 16],
        "bands": [{"dtype": "uint16", "nodata": 0} for _ in range(bands)],
        **fields,
    }


def invented(archive, count, seed=0):
    """Images that are alike in places and differ in others: in files, types, grids, times."""
    chance = random.Random(seed)
    made = []
    for k in range(count):
        headers = [
            header_of(
                10 * k + number,
                bands=chance.choice([1, 1, 2]),
                origin=chance.choice([300000, 300000, 400000]),
                **chance.choice([{}, {}, {"overviews": [[20, 30]]}, {"names": ["red"]}, {"block": [1, 60]}]),
            )
            for number in range(chance.choice([2, 2, 2, 3, 1]))
        ]
        for header in headers:
            if "names" in header:
                header["names"] = ["red", None][: len(header["bands"])]
            if chance.random() < 0.1:
                del header["size_bytes"], header["modified_ns"]
        attributes = {
            "name": f"x{k}",
            "product_id": "p",
            "acquired": chance.choice([None, f"2024-01-{1 + k % 28:02}T00:00:00Z"]),
            "cloud_fraction": chance.choice([None, k / 1000]),
            "file_headers": headers,
        }
        made.append(
            Image._from_document(Document(kind="image", id=f"p:x{k}", attributes=attributes), archive.client)
        )
    return ImageCollection(made)


def table_of(archive, described, names=("red", "nir")):
    definitions = definitions_of(["p"], names, None, archive.client)
    return build_table(described, names, definitions, [np.dtype("uint16")] * len(names), missing="mask")


def says(archive, described):
    """Everything that loading takes from columns, as plain values."""
    table, absent = table_of(archive, described)
    sources = [repr([table.source(row, band) for band in (0, 1)]) for row in range(len(table))]
    return sources, absent, {name: described.values(name) for name in ("id", *LABELS)}


# -- used again ------------------------------------------------------------------------------------------


def test_a_second_stack_looks_at_nothing(images, no_looks):
    first = images.stack("red", BOX)
    no_looks()
    again = images.stack("red", BOX)
    assert again.data.name == first.data.name
    assert again.identical(first)
    other = images.stack(["nir", "red"], COARSE, resampler="bilinear")
    assert np.array_equal(other.sel(band="red").id, first.id)
    images.mosaic("nir", BOX)
    images.composite("nir", "median", BOX)
    with pytest.raises(AssertionError, match="looked at again"):
        images[:2].stack("red", BOX)


def test_parts_of_a_large_collection_look_at_nothing(archive, no_looks, monkeypatch):
    monkeypatch.setattr(module, "_MANY", 10)
    images = invented(archive, 40)
    images._columns = describe(images).columns
    chosen = [5, 30, 5, 12, 0, 39, 7, 8, 9, 10, 11, 13]
    fresh = [
        says(archive, describe(list(some)))
        for some in (
            invented(archive, 40)[10:],
            invented(archive, 40)[chosen],
            invented(archive, 40).sorted(lambda image: -int(image.name[1:])),
        )
    ]
    no_looks()
    parts = [
        images[10:],
        ImageCollection([images[k] for k in chosen]),
        images.sorted(lambda image: -int(image.name[1:])),
    ]
    for part, expected in zip(parts, fresh, strict=True):
        assert says(archive, describe(part)) == expected
    assert describe(ImageCollection(list(images))).columns is images._columns


def test_columns_live_as_long_as_their_collection(archive, monkeypatch):
    monkeypatch.setattr(module, "_MANY", 10)
    images = invented(archive, 20)
    images._columns = describe(images).columns
    known = weakref.ref(images._columns)
    kept = images[:3]
    assert kept._columns is None
    del images
    gc.collect()
    assert known() is None
    assert len(kept) == 3


def test_pickles_and_copies_take_no_columns_along(images):
    before = len(pickle.dumps(images))
    images.stack("red", BOX)
    assert images._columns is not None
    assert len(pickle.dumps(images)) == before
    copy = pickle.loads(pickle.dumps(images))
    assert copy._columns is None
    assert copy == images
    assert copy.geocontext == images.geocontext


def test_threads_share_columns(archive):
    images = invented(archive, 300)
    expected = table_of(archive, describe(list(images)))[0].token()
    found = []

    def work():
        for _ in range(3):
            described = describe(images, images._columns)
            images._columns = described.columns
            found.append(table_of(archive, described)[0].token())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 24


# -- never when it has ceased to be true -------------------------------------------------------------------


def assigned_headers(archive, images):
    images[1]._file_headers = [{**header, "href": "/elsewhere.tif"} for header in images[1]._file_headers]


def saved_with_other_files(archive, images):
    path = write_raster(archive.folder / "other.tif", noise((2, *COARSE.shape)), COARSE)
    images[1].files = [File(href=str(path)), File(href=str(path))]
    images[1].save()


def reloaded(archive, images):
    path = write_raster(archive.folder / "third.tif", noise(COARSE.shape), COARSE)
    other = Image.get(images[2].id, client=archive.client)
    other.files = [File(href=str(path)), File(href=str(path))]
    other.save()
    images[2].reload()


def put_in_another_place(archive, images):
    images[0] = images[3]


def appended(archive, images):
    images.append(images[0])


def turned_around(archive, images):
    images[0], images[1] = images[1], images[0]


def another_object_of_the_same_image(archive, images):
    path = write_raster(archive.folder / "fourth.tif", noise(COARSE.shape), COARSE)
    other = Image.get(images[2].id, client=archive.client)
    other.files = [File(href=str(path)), File(href=str(path))]
    other.save()
    images[2] = Image.get(images[2].id, client=archive.client)


def nodata_of_a_band(archive, images):
    band = Band.get("p:nir", client=archive.client)
    band.nodata = 7
    band.save()


def cloud_fraction(archive, images):
    images[2].cloud_fraction = 0.9


def cleared_cloud_fraction(archive, images):
    del images[2].cloud_fraction


def acquired(archive, images):
    images[0].acquired = "1999-09-09"


def satellite(archive, images):
    images[3].satellite_id = "S2X"


@pytest.mark.parametrize(
    "change",
    [
        assigned_headers,
        saved_with_other_files,
        reloaded,
        put_in_another_place,
        appended,
        turned_around,
        another_object_of_the_same_image,
        nodata_of_a_band,
        cloud_fraction,
        cleared_cloud_fraction,
        acquired,
        satellite,
    ],
    ids=lambda change: change.__name__,
)
def test_a_change_is_seen_by_the_next_stack(archive, images, change):
    before = images.stack("red nir", BOX)
    change(archive, images)
    after = images.stack("red nir", BOX)
    fresh = ImageCollection(list(images)).stack("red nir", BOX)
    assert after.identical(fresh)
    assert after.data.name == fresh.data.name
    assert after.data.name != before.data.name or not after.identical(before)


def test_files_that_are_taken_away_are_missed(archive, images):
    images.stack("red", BOX)
    images[1]._file_headers = None
    with pytest.raises(dl.errors.ParameterError, match="image 'p:i1' was saved without looking at its files"):
        images.stack("red", BOX)
    images[1]._file_headers = images[0]._file_headers[:1]
    with pytest.raises(dl.errors.RasterNotFoundError, match="image 'p:i1' has no file for band 'nir'"):
        images.stack("nir", BOX)


def test_coefficients_are_looked_up_each_time(archive):
    steps = [{"function": "linear", "parameter": "reflectance_gain_bias", "index": 0}]
    archive.add_product("q", {"red": {"processing_levels": {"surface": steps}}})
    for k in range(3):
        archive.add_image("q", f"{k}", BOX, {"red": noise(BOX.shape)}, reflectance_gain_bias=[[2, 0]])
    images = Image.search(client=archive.client).filter(dl.properties.product_id == "q").collect()
    options = {"processing_level": "surface", "data_type": "Float64", "chunks": None}
    before = images.stack("red", BOX, **options)
    images[1].reflectance_gain_bias[0][0] = 4.0
    after = images.stack("red", BOX, **options)
    assert np.array_equal(after[1], 2 * before[1])
    assert np.array_equal(after[::2], before[::2])


def test_labels_belong_to_whoever_got_them(images):
    first = images.stack("red", BOX)
    expected = first.copy(deep=True)
    described = describe(images, images._columns)
    for name in ("cloud_fraction", "id"):
        first[name].values[:] = -1
        stored(described, name)[:] = -1
    assert images.stack("red", BOX).identical(expected)


def test_any_history_gives_what_a_fresh_look_gives(archive, monkeypatch):
    monkeypatch.setattr(module, "_MANY", 5)
    chance = random.Random(5)
    images = invented(archive, 30, seed=2)
    spare = invented(archive, 30, seed=3)
    for round_ in range(60):
        place = chance.randrange(len(images))
        image = images[place]
        action = chance.randrange(7)
        if action == 0:
            image._file_headers = [header_of(900 + round_)]
        elif action == 1:
            image.cloud_fraction = chance.choice([None, chance.random()])
        elif action == 2:
            attributes = {
                **image._saved_document.attributes,
                "file_headers": [header_of(2000 + round_, bands=2)],
            }
            image._accept(Document(kind="image", id=image.id, attributes=attributes, version=round_))
        elif action == 3:
            images[place] = spare[chance.randrange(len(spare))]
        elif action == 4:
            images = images.sorted("name", reverse=chance.random() < 0.5)
        elif action == 5:
            left = chance.randrange(7)
            images = images[[int(each.name[1:]) % 7 != left for each in images]]
            images.extend(spare[: 30 - len(images)])
        elif image.files is not None:
            raise AssertionError("there are none")
        described = describe(images, images._columns)
        images._columns = described.columns
        with monkeypatch.context() as patch:
            patch.setattr(module, "_recent", [])
            fresh = describe(list(images))
        assert says(archive, described) == says(archive, fresh)
