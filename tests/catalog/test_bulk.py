from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import dawnlight as dl
from dawnlight.catalog import Band, CatalogClient, GenericBand, Image, Product
from dawnlight.errors import ConflictError, DeletedObjectError, ParameterError, ValidationError


def make(client: CatalogClient, count: int, prefix: str = "i") -> list[Image]:
    return [Image(id=f"fields:{prefix}{index:03}", client=client) for index in range(count)]


def test_new_objects_are_created_in_batches(
    client: CatalogClient, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    create = client.store.create

    def record(documents: Any) -> Any:
        sizes.append(len(documents))
        return create(documents)

    monkeypatch.setattr(client.store, "create", record)
    images = make(client, 25)
    assert Image.save_many(images, batch_size=10, progress=False) == 25
    assert sizes == [10, 10, 5]
    assert all(image.state == "saved" and image.created for image in images)
    assert Image.search(client=client).count() == 25


def test_a_batch_is_created_whole_or_not_at_all(client: CatalogClient, product: Product) -> None:
    images = make(client, 6)
    Image(id="fields:i003", client=client).save()
    with pytest.raises(ConflictError, match="i003"):
        Image.save_many(images, batch_size=2, progress=False)
    assert [image.state for image in images] == ["saved", "saved", *["unsaved"] * 4]
    assert Image.search(client=client).count() == 3


def test_a_batch_with_an_invalid_object(client: CatalogClient, product: Product) -> None:
    images = [*make(client, 2), Image(id="fields:x", tags=["a"] * 33, client=client)]
    with pytest.raises(ValidationError, match="tags"):
        Image.save_many(images, progress=False)
    assert Image.search(client=client).count() == 0


def test_changed_and_unchanged_objects(client: CatalogClient, product: Product) -> None:
    images = make(client, 3)
    images[0].save()
    images[1].save()
    images[1].cloud_fraction = 0.5
    assert Image.save_many([*images, images[2]], progress=False) == 2
    assert all(image.state == "saved" for image in images)
    assert Image.save_many(images, progress=False) == 0
    assert Image.save_many([], progress=False) == 0


def test_a_generator_is_read_batch_by_batch(client: CatalogClient, product: Product) -> None:
    read = []

    def generate() -> Iterator[Image]:
        for image in make(client, 5):
            read.append((image.name, Image.search(client=client).count()))
            yield image

    assert Image.save_many(generate(), batch_size=2, progress=False) == 5
    assert [count for _, count in read] == [0, 0, 2, 2, 4]


def test_progress_is_told(client: CatalogClient, product: Product) -> None:
    told: list[Any] = []
    Image.save_many(make(client, 5), batch_size=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(2, 5), (4, 5), (5, 5)]
    told.clear()
    more = iter(make(client, 1, "j"))
    Image.save_many(more, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, None)]


def test_a_progress_bar(client: CatalogClient, product: Product, capsys: pytest.CaptureFixture[str]) -> None:
    Image.save_many(make(client, 3), progress=True)
    assert "3/3" in capsys.readouterr().err
    Image.save_many(make(client, 3, "j"), progress=False)
    Image.save_many(make(client, 3, "k"))
    assert capsys.readouterr().err == ""


def test_bands_of_several_classes(client: CatalogClient, product: Product) -> None:
    attributes: dict[str, Any] = {"data_type": "Byte", "data_range": (0, 1), "display_range": (0, 1)}
    bands = [GenericBand(id=f"fields:b{i}", band_index=i, client=client, **attributes) for i in range(3)]
    assert Band.save_many(bands, progress=False) == 3
    assert [band.sort_order for band in product.bands()] == [1, 2, 3]


def test_what_cannot_be_saved_together(client: CatalogClient, product: Product) -> None:
    with pytest.raises(TypeError, match="takes Image objects"):
        Image.save_many([product], progress=False)  # type: ignore[list-item]
    with pytest.raises(ParameterError, match="batch_size"):
        Image.save_many([], batch_size=0)
    with pytest.raises(ParameterError, match="another catalog"):
        Image.save_many([*make(client, 1), *make(dl.open("memory://"), 1)], progress=False)
    (image,) = make(client, 1)
    image.save()
    image.delete()
    with pytest.raises(DeletedObjectError):
        Image.save_many([*make(client, 2, "j"), image], progress=False)
    assert Image.search(client=client).count() == 0
