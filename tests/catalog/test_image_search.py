from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from shapely.geometry import box, shape

from dawnlight.catalog import (
    AggregateDateField,
    CatalogClient,
    File,
    Image,
    ImageCollection,
    ImageSummaryResult,
    Interval,
    Product,
)
from dawnlight.catalog import properties as p
from dawnlight.errors import BadRequestError
from dawnlight.geo import AOI, DLTile


@pytest.fixture
def images(client: CatalogClient, product: Product) -> list[Image]:
    """Three images of two products."""
    Product(id="other", name="O", client=client).save()
    images = [
        Image(
            id=id_,
            acquired=acquired,
            geometry=box(0, 0, 1, 1),
            files=[File(href="a.tif", size_bytes=size)],
            storage_state="remote",
            client=client,
        )
        for id_, acquired, size in (
            ("fields:a", "2022-12-31T23:59:59.999Z", 1000),
            ("fields:b", "2023-01-01", 200),
            ("other:c", "2023-02-15", 30),
        )
    ]
    Image.save_many(images, progress=False)
    return images


def test_collect_remembers_the_place(client: CatalogClient, images: list[Image]) -> None:
    place = box(0.2, 0.2, 0.4, 0.4)
    search = Image.search(client=client).intersects(place)
    found = search.collect()
    assert isinstance(found, ImageCollection)
    assert len(found) == 3
    assert isinstance(found.geocontext, AOI)
    assert found.geocontext.geometry == place
    assert shape(found.geocontext.__geo_interface__) == place
    assert (found.geocontext.crs, found.geocontext.resolution) == (None, None)
    tile = DLTile.from_latlon(0.3, 0.3, 10, 64, 0)
    assert search.intersects(tile).collect().geocontext is tile
    assert search.collect(tile).geocontext is tile
    assert search.collect(geocontext=place).geocontext == AOI(geometry=place)
    assert Image.search(client=client).collect().geocontext is None


def test_collect_looks_nothing_else_up(
    client: CatalogClient, images: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = []
    page = client.store.page

    def record(query: Any, *args: Any) -> Any:
        kinds.append(query.kind)
        return page(query, *args)

    monkeypatch.setattr(client.store, "page", record)
    monkeypatch.setattr(client.store, "get_many", None)
    Image.search(client=client).intersects(box(0, 0, 1, 1)).collect()
    assert set(kinds) == {"image"}


def test_summary(client: CatalogClient, images: list[Image]) -> None:
    search = Image.search(client=client)
    assert search.summary() == ImageSummaryResult(count=3, bytes=1230, products=("fields", "other"))
    assert search.limit(1).sort("name").summary().count == 3
    assert search.filter(p.product_id == "fields").summary().bytes == 1200
    assert search.intersects(box(5, 5, 6, 6)).summary() == ImageSummaryResult(count=0, bytes=0, products=())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [("2022-01-01", 1), ("2023-01-01", 2)]),
        ({"interval": "quarter"}, [("2022-10-01", 1), ("2023-01-01", 2)]),
        ({"interval": Interval.MONTH}, [("2022-12-01", 1), ("2023-01-01", 1), ("2023-02-01", 1)]),
        ({"interval": "day", "start_datetime": "2023-01-01"}, [("2023-01-01", 1), ("2023-02-15", 1)]),
        (
            {"end_datetime": datetime(2023, 1, 1, tzinfo=UTC), "start_datetime": ""},
            [("2022-01-01", 1), ("2023-01-01", 1)],
        ),
        (
            {"start_datetime": 0, "end_datetime": 0, "interval": "year"},
            [("2022-01-01", 1), ("2023-01-01", 2)],
        ),
        ({"aggregate_date_field": AggregateDateField.PUBLISHED}, []),
    ],
    ids=repr,
)
def test_summary_interval(
    client: CatalogClient, images: list[Image], arguments: dict[str, Any], expected: list[tuple[str, int]]
) -> None:
    found = Image.search(client=client).summary_interval(**arguments)
    assert [(f"{each.interval_start:%Y-%m-%d}", each.count) for each in found] == expected
    assert all(each.products is None and each.interval_start.tzinfo is UTC for each in found)


@pytest.mark.parametrize(
    "arguments",
    [{"interval": "decade"}, {"aggregate_date_field": "area"}, {"start_datetime": "yesterday"}],
    ids=repr,
)
def test_summary_interval_refuses(client: CatalogClient, arguments: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError):
        Image.search(client=client).summary_interval(**arguments)


def test_repr_of_summaries() -> None:
    full = ImageSummaryResult(
        count=1234567,
        bytes=9876543,
        products=("a", "b"),
        interval_start=datetime(2023, 1, 1, tzinfo=UTC),
    )
    assert repr(full).splitlines() == [
        "Summary of 1,234,567 images",
        " - Interval start: 2023-01-01T00:00:00+00:00",
        " - Total bytes: 9,876,543",
        " - Products: a, b",
    ]
    assert repr(ImageSummaryResult(count=0)) == "Summary of 0 images"
