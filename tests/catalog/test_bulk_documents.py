"""Documents of many objects are those of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pandas as pd  # type: ignore[import-untyped]  # it ships no types
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import dawnlight as dl
from dawnlight.catalog import File, GenericBand, Image, MaskBand, Product
from dawnlight.catalog._bulk_documents import make_new_documents
from dawnlight.catalog._columns import zip_columns
from dawnlight.testing._strategies import documents

_FILES = [
    [{"href": "a.tif", "size_bytes": 1}, {"size_bytes": 2, "href": "b.tif"}],
    [{"href": "a.tif", "size_bytes": 1}],
    [File(href="a.tif", hash=None), File(href="b.tif")],
    [File(), {"hash": "00", "provider_id": "x", "provider_href": "y"}],
    [],
    None,
]
_GEOMETRIES = [
    shapely.box(0, 0, 1, 1),
    shapely.box(0, 0, 1, 1).reverse(),
    shapely.Polygon([(0, 0), (1, 0), (1, 1)]),
    shapely.Polygon([(0, 0, 5), (1, 0, 5), (1, 1, 5)]),
    shapely.box(0, 0, 4, 4).difference(shapely.box(1, 1, 2, 2)),
    shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 2, 3, 3)]),
    shapely.Point(1, 2),
    None,
]
_TIMES = [
    "2024-02-29T01:02:03Z",
    "0001-01-01",
    datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))),
    datetime(2024, 1, 1, 12, 0, 0, 500000, tzinfo=UTC),
    pd.Timestamp("2024-01-01T00:00:00.000000001Z"),
    None,
]
_CHOICES: dict[str, list[Any]] = {
    "files": _FILES,
    "geometry": _GEOMETRIES,
    "acquired": _TIMES,
    "geotrans": [(0, 1, 0, 0, 0, -1), [0.5, 1, 0, 0, 0, -1], None],
    "tags": [["a", "b"], [], None],
    "extra_properties": [{"b": 1, "a": "x"}, {"a": 1.5, "c": True}, {}, None],
    "reflectance_gain_bias": [[[1, 2], []], [[3, 4]], [], None],
    "bits_per_pixel": [[1.5, 2], None],
    "x_pixels": [5, None],
    "storage_state": ["remote", None],
}


def _assert_same(objects: list[Any]) -> None:
    single = [each._to_new_document({}) for each in objects]
    assert list(map(repr, make_new_documents(objects))) == list(map(repr, single))  # types and order, too


def _images(chosen: list[dict[str, Any]]) -> list[Image]:
    return [Image(id=f"p:i{number}", **attributes) for number, attributes in enumerate(chosen)]


@pytest.mark.parametrize("name", _CHOICES)
def test_documents_of_every_value_are_those_of_each(name: str) -> None:
    _assert_same(_images([{name: value} for value in _CHOICES[name]]))
    for value in _CHOICES[name]:
        _assert_same(_images([{name: value}, {name: value}]))


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in _CHOICES.items()})))
def test_documents_of_mixed_images_are_those_of_each(chosen: list[dict[str, Any]]) -> None:
    _assert_same(_images(chosen))


@settings(deadline=None)
@given(st.lists(documents("image"), max_size=5))
def test_documents_of_any_images_are_those_of_each(found: list[Any]) -> None:
    # As pickled objects come back: nothing was checked.
    saved = [Image(_saved=True, **document.attributes) for document in found]
    for image, document in zip(saved, found, strict=True):
        image._values = {
            name: attribute.load(document.attributes[attribute.wire_name])
            for name, attribute in Image._attributes.items()
            if attribute.wire_name in document.attributes
        }
        image._saved_document = None
    _assert_same(saved)


def test_objects_of_several_classes_keep_their_order() -> None:
    _assert_same(
        [
            MaskBand(id="p:m", data_type="Byte", band_index=1),
            Image(id="p:i", tags=["a"]),
            GenericBand(id="p:g", data_range=(0, 1), resolution="10 m"),
            Image(id="p:j", tags=["b"]),
            Image(),
        ]
    )


def test_documents_of_a_class_with_ids_of_its_own() -> None:
    with dl.set_options(namespace="acme"):
        products = [Product(id="a"), Product(id="acme:b"), Product(name="c")]
        _assert_same(products)
        assert [document.id for document in make_new_documents(products)] == ["acme:a", "acme:b", None]


def test_documents_share_nothing_with_the_objects() -> None:
    images = _images([{name: values[0] for name, values in _CHOICES.items()} for _ in range(2)])
    made = make_new_documents(images)
    before = repr(made)
    for image in images:
        image.tags.append("more")  # type: ignore[union-attr]
        image.files[0].href = "other.tif"  # type: ignore[index]
        image.extra_properties["more"] = 1  # type: ignore[index]
        image.reflectance_gain_bias[0].append(3)  # type: ignore[index]
    assert repr(made) == before


def test_rows_have_no_names_without_a_value() -> None:
    assert zip_columns({"a": [1, None], "b": [None, 0]}, 2) == [{"a": 1}, {"b": 0}]
    assert zip_columns({}, 2) == [{}, {}]
