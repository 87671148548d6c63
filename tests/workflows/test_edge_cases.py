"""Surprising cases of the API that Dawnlight follows: what it does here, through the public door.

Cases that have tests of their own elsewhere are not repeated; where Dawnlight differs on purpose is on the
page ``docs/reference/differences.md``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import box

import dawnlight as dl
from dawnlight.catalog import CatalogClient, File, Image, ImageCollection, MaskBand, Product, SpectralBand
from dawnlight.catalog import properties as p
from dawnlight.errors import FilterError
from dawnlight.geo import from_bounds
from dawnlight.search import Document, Kind, Query
from dawnlight.storage import MemoryStore
from dawnlight.testing import noise, write_raster

CONTEXT = dl.AOI(box(0, 0, 1, 1), resolution=0.1, crs="EPSG:4326")
LEVEL = [{"function": "f", "data_type": "Float64", "data_range": (0, 1), "display_range": (0, 0.4)}]


class Counting(MemoryStore):
    """Counts what it is asked."""

    def __init__(self) -> None:
        super().__init__("")
        self.asked: Counter[str] = Counter()

    def get_many(self, kind: Kind, ids: Any) -> list[Document]:
        self.asked[kind] += 1
        return super().get_many(kind, ids)

    def page(self, query: Query, *args: Any, **kwargs: Any) -> Any:
        self.asked[query.kind] += 1
        return super().page(query, *args, **kwargs)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[CatalogClient]:
    with CatalogClient(Counting()) as client:
        Product(id="p", name="P", client=client).save()
        values = {"data_type": "UInt16", "data_range": (0, 10000), "display_range": (0, 4000)}
        levels = {"toa": LEVEL}
        for index, name in enumerate(("red", "nir", "x")):
            band = SpectralBand(id=f"p:{name}", band_index=index, client=client, **values)
            band.physical_range = (0, 10000) if name == "x" else (0, 1)
            band.processing_levels = levels if name == "nir" else None
            band.save()
        MaskBand(id="p:alpha", data_type="UInt16", band_index=3, client=client).save()
        geobox = from_bounds((0, 0, 1, 1), resolution=0.1, crs="EPSG:4326", align=False)
        path = write_raster(tmp_path / "a.tif", noise((4, 10, 10), "uint16"), geobox)
        files = [File(href=str(path))]
        for name in ("a", "b"):
            Image(id=f"p:{name}", geometry=box(0, 0, 1, 1), files=files, client=client).save()
        yield client


@pytest.fixture
def image(client: CatalogClient) -> Image:
    found = Image.get("p:a", client=client)
    assert found is not None
    return found


def test_a_local_filter_on_the_product_reads_nothing(client: CatalogClient) -> None:
    images = Image.search(client=client).collect()
    product = Product.get("p", client=client)
    client.store.asked.clear()  # type: ignore[attr-defined]
    assert len(images.filter(p.product == "p")) == len(images.filter(p.product == product)) == 2
    assert len(images.filter(p.product != "p")) == 0
    assert not client.store.asked  # type: ignore[attr-defined]


def test_a_collection_with_a_context_is_one_query(client: CatalogClient) -> None:
    client.store.asked.clear()  # type: ignore[attr-defined]
    images = Image.search(client=client).intersects(box(0, 0, 1, 1)).collect()
    assert ImageCollection(images, geocontext=CONTEXT).geocontext == CONTEXT
    assert client.store.asked == {"image": 1}  # type: ignore[attr-defined]


def test_an_edited_band_counts_at_once(client: CatalogClient, image: Image) -> None:
    assert image.scaling_parameters("red", scaling="display") == ([(0, 4000, 0, 255)], "Byte")
    band = SpectralBand.get("p:red", client=client)
    assert band is not None
    band.display_range = (0, 2000)
    band.save()
    assert image.scaling_parameters("red", scaling="display") == ([(0, 2000, 0, 255)], "Byte")


def test_a_list_of_many_ids_is_answered_whole_and_in_order(client: CatalogClient) -> None:
    ids = [f"p:i{number}" for number in range(1200)]
    far = {"storage_state": "remote", "files": [File(provider_href="x")]}
    Image.save_many((Image(id=id_, client=client, **far) for id_ in ids), progress=False)
    asked = [*reversed(ids), "p:i7", "p:none"]
    found = Image.get_many(asked, ignore_missing=True, client=client)
    assert [image.id for image in found] == asked[:-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bands": "x red", "mask_alpha": "x"}, "x"),
        ({"bands": "alpha red"}, "alpha"),
        ({"bands": "red", "mask_alpha": "no_band"}, "no_band"),
        ({"bands": "red", "scaling": (0, 4000)}, "scaling"),
        ({"bands": "nir", "processing_level": "boa"}, "boa"),
        ({"bands": "red", "geocontext": dl.AOI(crs="EPSG:4326", resolution=1)}, "bounds"),
        ({"bands": "red", "geocontext": CONTEXT, "resolution": 1000}, "1000"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_what_cannot_be_loaded_is_told_at_the_call(
    image: Image, arguments: dict[str, Any], message: str
) -> None:
    for load in (image.ndarray, ImageCollection([image]).stack, ImageCollection([image]).mosaic):
        with pytest.raises(ValueError, match=message):
            load(**{"geocontext": CONTEXT, **arguments})  # type: ignore[operator]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"bands": "red", "scaling": [("0%", "33.33%")]}, ([(0, 1333, 0, 255)], "Byte")),
        ({"bands": "x", "scaling": "physical"}, (None, "Float64")),
        ({"bands": "red", "scaling": [None]}, (None, "UInt16")),
        ({"bands": "red", "processing_level": "toa"}, (None, "UInt16")),
        ({"bands": "nir", "processing_level": "toa"}, (None, "Float64")),
    ],
    ids=str,
)
def test_surprising_scales(image: Image, arguments: dict[str, Any], expected: tuple[Any, str]) -> None:
    assert image.scaling_parameters(**arguments) == expected


def test_two_images_of_one_name_are_fine_for_a_stack_and_refused_for_files(image: Image) -> None:
    twice = ImageCollection([image, image])
    assert twice.stack("red", CONTEXT).shape == (2, 1, 10, 10)
    with pytest.raises(RuntimeError, match=r"p:a-red\.tif"):
        twice.download("red", CONTEXT)


def test_a_search_is_true_has_no_length_and_asks_anew(client: CatalogClient) -> None:
    search = Image.search(client=client)
    assert search
    assert len(list(search)) == 2
    with pytest.raises(TypeError):
        len(search)  # type: ignore[arg-type]
    Image(id="p:c", storage_state="remote", files=[File(provider_href="x")], client=client).save()
    assert len(list(search)) == 3


def test_what_cannot_be_sorted_by_is_told_at_the_call(client: CatalogClient) -> None:
    with pytest.raises(FilterError, match="tags"):
        Image.search(client=client).sort("tags")


def test_a_context_of_bounds_alone_can_be_covered(image: Image) -> None:
    assert len(ImageCollection([image]).filter_coverage(dl.AOI(bounds=(0.1, 0.1, 0.9, 0.9)))) == 1


def test_products_that_mark_missing_pixels_by_nan_agree(client: CatalogClient, tmp_path: Path) -> None:
    geobox = from_bounds((0, 0, 1, 1), resolution=0.1, crs="EPSG:4326", align=False)
    images = ImageCollection()
    for name in ("q", "r"):
        Product(id=name, name=name, client=client).save()
        band = SpectralBand(id=f"{name}:b", nodata=float("nan"), band_index=0, client=client)
        band.update(data_type="Float32", data_range=(0, 1), display_range=(0, 1))
        band.save()
        path = write_raster(tmp_path / f"{name}.tif", noise((10, 10), "float32"), geobox)
        images.append(Image(id=f"{name}:i", files=[File(href=str(path))], client=client))
        images[-1].save()
    beyond = CONTEXT.assign(geometry=None, bounds=(0, 0, 2, 1))
    raw = images.stack("b", beyond, mask_nodata=False, mask_alpha=False)
    assert raw.isel(x=slice(10, None)).isnull().all()
    assert raw.isel(x=slice(10)).notnull().all()
