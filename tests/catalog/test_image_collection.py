from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest
from shapely.geometry import box

from dawnlight.catalog import File, Image, ImageCollection
from dawnlight.errors import GeometryError, MissingExtraError, ParameterError
from dawnlight.geo import AOI


@pytest.fixture
def images() -> ImageCollection:
    """Three images of two products, growing from west to east."""
    return ImageCollection(
        [
            Image(
                id=f"{'ab'[index // 2]}:i{index}",
                acquired=f"2023-0{index + 1}-01",
                cloud_fraction=index / 4 if index else None,
                geometry=box(0, 0, index + 1, 1),
                files=[File(href="x.tif", size_bytes=100), File(href="y.tif")],
                tags=["t"] if index else None,
                extra_properties={"orbit": index},
            )
            for index in range(3)
        ],
        geocontext=AOI(bounds=(0, 0, 1, 1)),
    )


def test_items_are_images() -> None:
    with pytest.raises(ValueError, match="holds Image objects"):
        ImageCollection(["a"])
    assert ImageCollection().geocontext is None
    assert len(ImageCollection()) == 0


@pytest.mark.parametrize("place", [box(0, 0, 1, 1), box(0, 0, 1, 1).__geo_interface__])
def test_a_geometry_becomes_a_context(place: Any) -> None:
    assert ImageCollection([], geocontext=place).geocontext == AOI(geometry=box(0, 0, 1, 1))


def test_the_context_is_read_only(images: ImageCollection) -> None:
    with pytest.raises(AttributeError):
        images.geocontext = None  # type: ignore[misc]
    with pytest.raises(GeometryError):
        ImageCollection([], geocontext=box(0, 91, 1, 92))


def test_filter_coverage(images: ImageCollection) -> None:
    wanted = box(0, 0, 2, 1)
    assert list(images.filter_coverage(wanted).each.name) == ["i1", "i2"]
    assert list(images.filter_coverage(wanted, 0.5).each.name) == ["i0", "i1", "i2"]
    assert list(images.filter_coverage(box(0, 0, 3, 1), minimum_coverage=0.6).each.name) == ["i1", "i2"]
    assert images.filter_coverage(wanted).geocontext is images.geocontext
    assert len(images.filter_coverage(images.geocontext)) == 3
    with pytest.raises(ParameterError, match="from 0 to 1"):
        images.filter_coverage(wanted, 50)


def test_full_coverage_is_not_lost_by_rounding() -> None:
    place = box(0.1, 0.2, 0.7, 0.9).buffer(0.3)
    image = Image(id="p:a", geometry=place.buffer(0.01))
    assert len(ImageCollection([image]).filter_coverage(place)) == 1
    assert len(ImageCollection([Image(id="p:a", geometry=place)]).filter_coverage(place)) == 1


def test_summary(images: ImageCollection) -> None:
    table = images.summary()
    assert list(table.index) == ["a", "b"]
    assert list(table["images"]) == [2, 1]
    assert list(table["bytes"]) == [200, 100]
    assert list(table["cloud_fraction"]) == [0.25, 0.5]
    assert [f"{time:%Y-%m-%d}" for time in table["last_acquired"]] == ["2023-02-01", "2023-03-01"]
    assert str(table["first_acquired"].dt.tz) == "UTC"


def test_summary_of_nothing() -> None:
    table = ImageCollection().summary()
    assert len(table) == 0
    assert list(table.columns) == ["images", "first_acquired", "last_acquired", "cloud_fraction", "bytes"]
    row = ImageCollection([Image(id="p:a")]).summary().loc["p"]
    assert row["images"] == 1
    assert row.isna().sum() == 3


def test_a_geodataframe(images: ImageCollection) -> None:
    frame = images.to_geodataframe()
    assert list(frame.index) == ["a:i0", "a:i1", "b:i2"]
    assert frame.crs == "EPSG:4326"
    assert list(frame.geometry) == list(images.each.geometry)
    assert str(frame["acquired"].dt.tz) == "UTC"
    assert "satellite_id" not in frame
    assert list(frame["tags"]) == [None, ["t"], ["t"]]
    assert frame["files"].iloc[0] == [{"href": "x.tif", "size_bytes": 100}, {"href": "y.tif"}]
    assert frame["extra_properties"].iloc[2] == {"orbit": 2}


def test_a_geodataframe_of_nothing() -> None:
    frame = ImageCollection().to_geodataframe()
    assert len(frame) == 0
    assert frame.crs == "EPSG:4326"


def test_geopandas_may_be_missing(images: ImageCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "geopandas":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "geopandas", raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"dawnlight\[geo\]"):
        images.to_geodataframe()


def test_repr(images: ImageCollection) -> None:
    assert repr(images).splitlines() == [
        "ImageCollection of 3 images",
        "  * Dates: Jan 01, 2023 to Mar 01, 2023",
        "  * Products: a: 2, b: 1",
    ]
    assert repr(ImageCollection()) == "ImageCollection of 0 images"
    assert repr(ImageCollection([Image(id="p:a")])).splitlines() == [
        "ImageCollection of 1 image",
        "  * Products: p: 1",
    ]
