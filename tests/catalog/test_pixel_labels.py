"""Labels of loaded pixels: times without loss, columns of the images, band records, and raster_info."""

from __future__ import annotations

import json

import numpy as np
import pytest

import dawnlight as dl
from dawnlight.geo import AOI, GeoBox
from dawnlight.testing._archive import Archive
from dawnlight.testing._rasters import noise

BOX = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), (4, 6), 32632)
TIMES = ["2024-03-01T00:00:00.000000001Z", "2024-03-01T12:00:00+02:00", None, "1969-12-31T23:59:59Z"]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    with dl.open("memory://labels") as client:
        archive = Archive(client, tmp_path_factory.mktemp("archive"))
        archive.add_product(
            "p",
            {
                "red": {"nodata": 0, "description": "The red light", "wavelength_nm_center": 665},
                "scl": {
                    "kind": "class",
                    "data_type": "Byte",
                    "class_labels": ["a", "b"],
                    "colormap": [(0, 0, 0, 255), (255, 0, 0, 255)],
                },
            },
        )
        for k, time in enumerate(TIMES):
            archive.add_image(
                "p", f"i{k}", BOX, {"red": noise(BOX.shape), "scl": noise(BOX.shape, "uint8")}, acquired=time,
                cloud_fraction=None if k == 2 else k / 10, solar_elevation_angle=30 if k == 1 else None,
            )  # fmt: skip
        yield archive.collection(*(f"p:i{k}" for k in range(4)), geocontext=AOI.from_geobox(BOX))


def test_times_are_utc_to_the_nanosecond(images):
    expected = np.array(
        ["2024-03-01T00:00:00.000000001", "2024-03-01T10:00", "NaT", "1969-12-31T23:59:59"], "datetime64[ns]"
    )
    assert np.array_equal(images.stack("red").time.values, expected, equal_nan=True)
    # The same for images whose attributes were looked at.
    assert [image.acquired for image in images][2] is None
    assert np.array_equal(images.stack("red").time.values, expected, equal_nan=True)


def test_a_slot_has_the_time_of_its_first_image(images):
    found = images.stack("red", flatten="product_id")
    assert found.time.values.tolist() == [np.datetime64("1969-12-31T23:59:59", "ns").astype("int64")]
    assert found.id.values.tolist() == ["p:i0,p:i1,p:i2,p:i3"]
    assert found.cloud_fraction.values.tolist() == pytest.approx([(0 + 0.1 + 0.3) / 3])
    nothing = images[2:3].stack("red", flatten="product_id")
    assert np.isnat(nothing.time.values).all()


def test_columns_that_say_nothing_are_left_out(images):
    found = images.stack("red")
    assert "azimuth_angle" not in found.coords
    assert "satellite_id" not in found.coords
    np.testing.assert_array_equal(found.solar_elevation_angle.values, [np.nan, 30, np.nan, np.nan])
    only = images[2:3].stack("red")
    assert "cloud_fraction" not in only.coords
    assert {"id", "product_id"} <= set(only.coords)


def test_a_mosaic_has_its_span_of_time(images):
    found = images.mosaic("red")
    assert found.time_first.values == np.datetime64("1969-12-31T23:59:59", "ns")
    assert found.time_last.values == np.datetime64("2024-03-01T10:00", "ns")
    nothing = images[2:3].mosaic("red")
    assert "time_first" not in nothing.coords


def test_bands_tell_what_they_are(images):
    found = images.stack("red scl")
    records = json.loads(found.band.attrs["dawnlight"])
    assert records["red"]["nodata"] == 0
    assert records["scl"]["class_labels"] == ["a", "b"]
    assert records["scl"]["colormap"] == [[0, 0, 0, 255], [255, 0, 0, 255]]
    scaled = json.loads(images.stack("red", scaling="display").band.attrs["dawnlight"])
    assert "nodata" not in scaled["red"]


def test_group_keys_become_coordinates(images):
    found = images[:2].stack("red", flatten=["acquired.year", "name", lambda image: image.acquired.hour > 5])
    assert found.group_acquired_year.values.tolist() == [2024, 2024]
    assert found.group_name.values.tolist() == ["i0", "i1"]
    assert found.group_lambda.values.tolist() == [False, True]


def test_two_functions_as_keys_have_names_of_their_own(images):
    found = images[:2].stack("red", flatten=[lambda image: image.name, lambda image: image.product_id])
    keys = [name for name in found.coords if str(name).startswith("group_")]
    assert len(keys) == 2
    assert {tuple(found[key].values.tolist()) for key in keys} == {("i0", "i1"), ("p", "p")}


def test_raster_info_can_be_stored_as_json(images):
    _, info = images.stack("red scl", raster_info=True)
    assert len(info) == 4
    text = json.dumps(info)
    assert json.loads(text)[0]["geoTransform"] == [300000, 10, 0, 5000000, 0, -10]
