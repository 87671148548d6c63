from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from shapely.geometry import Point, box

from dawnlight.catalog import ClassBand, File, Image, Product, SpectralBand
from dawnlight.errors import AttributeValidationError
from dawnlight.geo import DLTile

SQUARE = box(0, 0, 1, 1)


class Described:
    __geo_interface__ = SQUARE.__geo_interface__


@pytest.mark.parametrize(
    "value",
    [
        SQUARE,
        SQUARE.__geo_interface__,
        {"type": "Feature", "properties": {}, "geometry": SQUARE.__geo_interface__},
        Described(),
        (0, 0, 1, 1),
    ],
    ids=["shapely", "geojson", "feature", "interface", "bounds"],
)
def test_geometries_are_kept_as_shapely(value: Any) -> None:
    geometry = Image(geometry=value).geometry
    assert geometry is not None
    assert geometry.equals(SQUARE)


def test_a_feature_collection_becomes_a_collection_of_geometries() -> None:
    features = [
        {"type": "Feature", "properties": {}, "geometry": Point(i, 0).__geo_interface__} for i in (0, 1)
    ]
    geometry = Image(geometry={"type": "FeatureCollection", "features": features}).geometry
    assert geometry is not None
    assert geometry.geom_type == "GeometryCollection"


def test_a_geocontext_is_a_geometry() -> None:
    tile = DLTile.from_key("256:0:75.0:15:-5:230")
    assert Image(geometry=tile).geometry == tile.geometry


@pytest.mark.parametrize(
    "value",
    [
        "POINT (0 0)",
        1,
        {"type": "Nothing"},
        {"type": "Polygon", "coordinates": [[[0, 0], [0, 0], [0, 0], [0, 0]]]},
        Point(0, 91),
    ],
    ids=["wkt", "number", "type", "degenerate", "latitude"],
)
def test_other_geometries_are_rejected(value: Any) -> None:
    with pytest.raises(AttributeValidationError, match=r"Image\.geometry"):
        Image(geometry=value)


def test_geometries_are_written_as_geojson_lists() -> None:
    wire = Image(geometry=SQUARE).serialize()["geometry"]
    assert wire["type"] == "Polygon"
    assert wire["coordinates"] == [[list(point) for point in SQUARE.exterior.coords]]


@pytest.mark.parametrize("value", [[0, 1, 0, 5, 0, -1], range(6), np.arange(6.0), ("0", 1, 2, 3, 4, 5)])
def test_tuples_hold_floats(value: Any) -> None:
    geotrans = Image(geotrans=value).geotrans
    assert isinstance(geotrans, tuple)
    assert geotrans == tuple(float(number) for number in value)
    assert all(type(number) is float for number in geotrans)


@pytest.mark.parametrize("value", [[1] * 5, [1] * 7, "012345", 6, [1, 2, 3, 4, 5, "x"], [float("nan")] * 6])
def test_other_tuples_are_rejected(value: Any) -> None:
    with pytest.raises(AttributeValidationError, match=r"Image\.geotrans"):
        Image(geotrans=value)


def test_items_of_tuples_in_documents_stay_as_they_are() -> None:
    band = SpectralBand(id="p:red", data_range=[0, 10000], _saved=True)
    assert band.data_range == (0, 10000)
    assert [type(number) for number in band.data_range] == [int, int]


@pytest.mark.parametrize("value", [["a", "b"], ("a", "b"), iter(["a", "b"]), {"a": 1, "b": 2}.keys()])
def test_lists_take_every_iterable(value: Any) -> None:
    assert Image(tags=value).tags == ["a", "b"]


@pytest.mark.parametrize("value", ["ab", b"ab", 1, [1], [None], {"a": 1}])
def test_other_lists_are_rejected(value: Any) -> None:
    with pytest.raises(AttributeValidationError, match=r"Image\.tags"):
        Image(tags=value)


def test_an_assigned_list_is_a_new_one() -> None:
    given = ["a"]
    image = Image(tags=given)
    given.append("b")
    assert image.tags == ["a"]


def test_nested_lists() -> None:
    image = Image(reflectance_gain_bias=[[1, 0], [], (0.5, 2)])
    assert image.reflectance_gain_bias == [[1.0, 0.0], [], [0.5, 2.0]]
    with pytest.raises(AttributeValidationError):
        image.reflectance_gain_bias[1].append("x")


def test_class_labels_may_have_gaps_and_colours_are_bounded() -> None:
    band = ClassBand(class_labels=["water", None], colormap=[(0, 0, 255, 255)])
    assert band.class_labels == ["water", None]
    assert band.serialize()["colormap"] == [[0, 0, 255, 255]]
    with pytest.raises(AttributeValidationError, match="from 0 to 255"):
        band.colormap.append((0, 0, 256, 255))
    with pytest.raises(AttributeValidationError):
        band.colormap = [(0, 0, 0)]


@pytest.mark.parametrize(
    ("value", "native"),
    [
        ({"a": "x", "b": 1, "c": 0.5, "d": True}, {"a": "x", "b": 1, "c": 0.5, "d": True}),
        ({"a": np.int64(1), "b": np.float32(0.5)}, {"a": 1, "b": 0.5}),
        ({}, {}),
    ],
)
def test_extra_properties_hold_text_and_numbers(value: Any, native: Any) -> None:
    found = Product(extra_properties=value).extra_properties
    assert found == native
    assert [type(item) for item in found.values()] == [type(item) for item in native.values()]


@pytest.mark.parametrize("value", [{1: "x"}, {"a": None}, {"a": {}}, {"a": [1]}, {"a": object()}, ["a"], "a"])
def test_other_extra_properties_are_rejected(value: Any) -> None:
    with pytest.raises(AttributeValidationError, match=r"Product\.extra_properties"):
        Product(extra_properties=value)


def test_extra_properties_are_checked_in_place() -> None:
    product = Product(extra_properties={"a": 1})
    with pytest.raises(AttributeValidationError, match="string or a number"):
        product.extra_properties["b"] = {}
    product.extra_properties["b"] = "x"
    assert product.serialize()["extra_properties"] == {"a": 1, "b": "x"}


def test_mappings_become_objects() -> None:
    image = Image(files=[{"href": "a.tif"}, File(href="b.tif")])
    assert image.files == [File(href="a.tif"), File(href="b.tif")]
    assert image.serialize()["files"] == [{"href": "a.tif"}, {"href": "b.tif"}]


def test_an_unknown_key_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="hreff"):
        Image(files=[{"hreff": "a.tif"}])


@pytest.mark.parametrize("value", ["a.tif", 1, {1: "a.tif"}])
def test_other_objects_are_rejected(value: Any) -> None:
    with pytest.raises(AttributeValidationError, match=r"Image\.files"):
        Image(files=[value])


def test_one_object_in_two_places_changes_in_both() -> None:
    file = File(href="a.tif")
    images = [Image(files=[file]), Image(files=[file])]
    file.href = "b.tif"
    assert [image.files[0].href for image in images] == ["b.tif", "b.tif"]
