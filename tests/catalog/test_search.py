from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from shapely.geometry import box

from dawnlight.catalog import (
    Band,
    CatalogClient,
    Collection,
    GeoSearch,
    Image,
    ImageSearch,
    MaskBand,
    Product,
    ProductCollection,
    Search,
    SpectralBand,
    StorageState,
)
from dawnlight.catalog import properties as p
from dawnlight.errors import FilterError, GeometryError
from dawnlight.geo import AOI, DLTile


@pytest.fixture
def images(client: CatalogClient, product: Product) -> list[Image]:
    """Six images in a row, one degree wide each; the last one has neither place nor time."""
    images = [
        Image(
            product=product,
            name=f"i{index}",
            acquired=f"2023-0{index + 1}-01",
            cloud_fraction=(index % 3) / 4,
            geometry=box(index, 0, index + 1, 1),
            tags=["even"] if index % 2 == 0 else [],
            extra_properties={"orbit": index},
            client=client,
        )
        for index in range(5)
    ]
    images.append(Image(product=product, name="i5", client=client))
    Image.save_many(images, progress=False)
    return images


def names(search: Any) -> str:
    return " ".join(image.name for image in search)


def test_results_are_saved_objects(client: CatalogClient, images: list[Image]) -> None:
    found = list(Image.search(client=client).sort("name"))
    assert found == images
    assert all(image.state == "saved" and image._client is client for image in found)


FILTERS: list[tuple[Any, str]] = [
    (p.product_id == "fields", "i0 i1 i2 i3 i4 i5"),
    (p.product == "fields", "i0 i1 i2 i3 i4 i5"),
    (p.product != "fields", ""),
    (p.cloud_fraction < 0.25, "i0 i3"),
    (0 < p.cloud_fraction <= 0.25, "i1 i4"),
    (p.cloud_fraction.isnull, "i5"),
    (~(p.cloud_fraction < 0.5), "i2 i5"),
    (p.tags == "even", "i0 i2 i4"),
    (p.tags.isnull, "i1 i3 i5"),
    (p.name.any_of(["i1", "i5", "x"]), "i1 i5"),
    (p.name.prefix("i"), "i0 i1 i2 i3 i4 i5"),
    (p.extra_properties.orbit >= 3, "i3 i4"),
    (p.acquired >= datetime(2023, 4, 1, tzinfo=UTC), "i3 i4"),
    ("2023-02" <= p.acquired < "2023-04", "i1 i2"),
    ((p.tags == "even") & (p.cloud_fraction == 0) | (p.name == "i1"), "i0 i1"),
    (p.storage_state == StorageState.REMOTE, ""),
    (p.id == "fields:i2", "i2"),
]


@pytest.mark.parametrize(("expression", "expected"), FILTERS, ids=[repr(pair[0]) for pair in FILTERS])
def test_filters_mean_the_same_in_a_search_and_in_a_collection(
    client: CatalogClient, images: list[Image], expression: Any, expected: str
) -> None:
    search = Image.search(client=client).filter(expression).sort("name")
    assert names(search) == expected
    assert search.count() == len(expected.split())
    assert names(Collection(images).filter(expression)) == expected


def test_filtering_by_an_object(client: CatalogClient, images: list[Image], product: Product) -> None:
    assert Image.search(client=client).filter(p.product == product).count() == 6
    assert Image.search(client=client).filter(p.product != product).count() == 0


def test_collections_filter_by_what_an_object_is_now(client: CatalogClient, images: list[Image]) -> None:
    images[0].cloud_fraction = 1
    assert names(Collection(images).filter(p.cloud_fraction == 1)) == "i0"
    assert Image.search(client=client).filter(p.cloud_fraction == 1).count() == 0


def test_a_search_is_immutable_and_starts_anew(client: CatalogClient, images: list[Image]) -> None:
    search = Image.search(client=client)
    assert search.filter(p.name == "i1").limit(1).count() == 1
    assert search.count() == 6
    assert names(search.sort("name").limit(2)) == "i0 i1"
    Image(id="fields:i6", client=client).save()
    assert search.count() == 7
    assert bool(search)
    with pytest.raises(TypeError):
        len(search)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (lambda s: s.sort("acquired"), "i0 i1 i2 i3 i4 i5"),
        (lambda s: s.sort("acquired", False), "i4 i3 i2 i1 i0 i5"),
        (lambda s: s.sort("acquired", ascending=False), "i4 i3 i2 i1 i0 i5"),
        (lambda s: s.sort(field="acquired", ascending=False), "i4 i3 i2 i1 i0 i5"),
        (lambda s: s.sort("-acquired"), "i4 i3 i2 i1 i0 i5"),
        (lambda s: s.sort("-acquired", ascending=False), "i0 i1 i2 i3 i4 i5"),
        (lambda s: s.sort("cloud_fraction", "-acquired"), "i3 i0 i4 i1 i2 i5"),
        (lambda s: s.sort("cloud_fraction", "acquired", ascending=False), "i2 i4 i1 i3 i0 i5"),
        (lambda s: s.sort("acquired").sort("-name"), "i5 i4 i3 i2 i1 i0"),
    ],
)
def test_sorting(
    client: CatalogClient, images: list[Image], sort: Callable[[Any], Any], expected: str
) -> None:
    assert names(sort(Image.search(client=client))) == expected


@pytest.mark.parametrize(
    "build",
    [
        lambda s: s.sort("nothing"),
        lambda s: s.sort("geometry"),
        lambda s: s.sort(1),
        lambda s: s.sort("acquired", "name", 1),
        lambda s: s.limit(-1),
        lambda s: s.limit(1.5),
        lambda s: s.limit("1"),
        lambda s: s.filter("cloud_fraction < 1"),
        lambda s: s.filter(True),
        lambda s: s.filter(p.cloud_fraction),
        lambda s: s.filter(p.cloud_fracton < 1),
        lambda s: s.filter(p.cloud_fraction == "much"),
        lambda s: s.filter(p.acquired > "yesterday"),
        lambda s: s.find_text("x"),
    ],
)
def test_what_does_not_fit_is_refused_when_it_is_said(build: Callable[[Any], Any]) -> None:
    with pytest.raises(FilterError):
        build(Image.search())
    assert issubclass(FilterError, ValueError)


def test_limits(client: CatalogClient, images: list[Image]) -> None:
    search = Image.search(client=client)
    assert len(list(search.limit(2))) == 2
    assert list(search.limit(0)) == []
    assert len(list(search.limit(2).limit(None))) == 6
    assert search.limit(2).count() == 6


def test_iteration_streams(
    client: CatalogClient, images: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    page = client.store.page

    def record(*args: Any, **kwargs: Any) -> Any:
        asked.append(1)
        return page(*args, **kwargs)

    monkeypatch.setattr(client.store, "page", record)
    monkeypatch.setattr("dawnlight.storage._protocol._PAGE_SIZE", 2)
    iterator = iter(Image.search(client=client))
    assert asked == []
    next(iterator)
    assert len(asked) == 1
    assert len(list(iterator)) == 5
    assert len(asked) == 3


def test_find_text(client: CatalogClient) -> None:
    Product(id="a", name="Landsat", description="Surface reflectance", client=client).save()
    Product(id="b", name="Sentinel", client=client).save()
    search = Product.search(client=client)
    assert [each.id for each in search.find_text("SURFACE landsat")] == ["a"]
    assert search.find_text("nothing").find_text("sentinel").count() == 1
    assert search.find_text("nothing").find_text(None).count() == 2


# -- places --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (box(0.5, 0.5, 1.5, 1.5), "i0 i1"),
        (box(0.5, 0.5, 1.5, 1.5).__geo_interface__, "i0 i1"),
        ((2.5, 0, 2.6, 0.1), "i2"),
        (AOI(bounds=(3.2, 0.2, 3.3, 0.3)), "i3"),
        (box(5, 1, 6, 2), "i4"),
        (box(5.1, 0, 6, 2), ""),
        (DLTile.from_latlon(0.5, 3.5, 10, 64, 0), "i3"),
    ],
    ids=["shapely", "geojson", "bounds", "aoi", "corner", "outside", "tile"],
)
def test_intersects(client: CatalogClient, images: list[Image], place: Any, expected: str) -> None:
    search = Image.search(client=client).sort("name")
    assert names(search.intersects(place)) == expected
    assert names(search.intersects(box(0, 0, 9, 9)).intersects(place)) == expected
    with_null = f"{expected} i5".strip()
    assert names(search.intersects(place, match_null_geometry=True)) == with_null


def test_intersects_over_the_antimeridian(client: CatalogClient, product: Product) -> None:
    Image(product=product, name="east", geometry=box(-180, 0, -179, 1), client=client).save()
    Image(product=product, name="west", geometry=box(179, 0, 180, 1), client=client).save()
    Image(product=product, name="across", geometry=box(179.5, 0, 180.5, 1), client=client).save()
    search = Image.search(client=client).sort("name")
    assert names(search.intersects(box(179.2, 0, 180.2, 1))) == "across east west"
    assert names(search.intersects(box(-179.9, 0, -179.8, 1))) == "across east"


@pytest.mark.parametrize("place", ["POINT (0 0)", 5, {"type": "x"}, box(0, 91, 1, 92)])
def test_places_that_are_none(place: Any) -> None:
    with pytest.raises((GeometryError, TypeError)):
        Image.search().intersects(place)


def test_only_images_have_places() -> None:
    assert not hasattr(Product.search(), "intersects")
    assert not hasattr(Product.search(), "summary")
    assert isinstance(Image.search(), GeoSearch)


# -- collect -------------------------------------------------------------------------------------------


def test_collect_gives_the_fitting_collection(client: CatalogClient, product: Product) -> None:
    found = Product.search(client=client).collect()
    assert type(found) is ProductCollection
    assert found == [product]


def test_band_searches(client: CatalogClient, product: Product) -> None:
    MaskBand(product=product, name="m", data_type="Byte", band_index=0, client=client).save()
    search = SpectralBand.search(client=client)
    assert search.count() == 0
    assert search.filter(p.name == "m").count() == 0
    assert repr(search) == "SpectralBand.search()"
    assert repr(search.filter(p.name == "m")) == "SpectralBand.search().filter(p.name == 'm')"
    both = search.filter(p.name == "m").filter(p.sort_order.isnull if False else p.tags == "x")
    assert repr(both) == "SpectralBand.search().filter((p.name == 'm') & (p.tags == 'x'))"
    assert Band.search(client=client).filter(p.name == "m").count() == 1


def test_a_search_can_be_made_directly(client: CatalogClient, product: Product) -> None:
    assert list(Search(Product, client=client, url="/x", request_params={}, headers={})) == [product]
    assert type(Image.search()) is ImageSearch
    with pytest.raises(TypeError):
        Search(dict)


def test_repr_asks_nothing(client: CatalogClient) -> None:
    search = (
        Image.search(client=client)
        .filter(p.cloud_fraction < 0.5)
        .intersects(AOI(bounds=(0, 0, 1, 1)), match_null_geometry=True)
        .sort("product_id", "-acquired")
        .limit(3)
    )
    client.close()
    assert repr(search) == (
        "Image.search().filter(p.cloud_fraction < 0.5)"
        ".intersects(<AOI 0, 0, 1, 1>, match_null_geometry=True).sort('product_id', '-acquired').limit(3)"
    )
    assert repr(Product.search().find_text("a 'b'")) == "Product.search().find_text(\"a 'b'\")"
    assert "Image" in search._repr_html_()
