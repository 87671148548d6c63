from __future__ import annotations

import pytest

import dawnlight as dl
from dawnlight.catalog import (
    Band,
    CatalogClient,
    ClassBand,
    GenericBand,
    Image,
    ImageSearch,
    MaskBand,
    Product,
    Resolution,
    SpectralBand,
    TaskState,
)
from dawnlight.errors import UnsavedObjectError

RANGES = {"data_range": (0, 255), "display_range": (0, 255), "data_type": "Byte"}


def test_bands_and_images(client: CatalogClient, product: Product) -> None:
    SpectralBand(product=product, name="red", band_index=0, sort_order=2, client=client, **RANGES).save()
    ClassBand(product=product, name="crop", band_index=1, sort_order=1, client=client, **RANGES).save()
    Image(product=product, name="a", client=client).save()
    other = Product(id="other", name="x", client=client)
    other.save()
    Image(product=other, name="b", client=client).save()

    assert [type(band) for band in product.bands()] == [ClassBand, SpectralBand]
    assert [image.name for image in product.images()] == ["a"]
    assert isinstance(product.images(), ImageSearch)
    assert product.image_uploads().count() == 0
    assert isinstance(product.get_band("red"), SpectralBand)
    assert product.get_image("a") == Image.get("fields:a", client=client)
    assert product.named_id("a") == "fields:a"


def test_what_does_not_exist_is_none_and_deletes_nothing(client: CatalogClient, product: Product) -> None:
    assert product.get_band("x") is None
    assert product.get_image("x") is None
    assert product.state == "saved"


def test_a_product_without_id_has_nothing() -> None:
    with pytest.raises(UnsavedObjectError):
        Product().images()


def test_resolutions_follow_the_bands(client: CatalogClient, product: Product) -> None:
    for index, resolution in enumerate(("10m", "0.001 deg", None)):
        GenericBand(
            product=product,
            name=f"b{index}",
            band_index=index,
            resolution=resolution,
            client=client,
            **RANGES,
        ).save()
    product.reload()
    assert product.resolution_min == Resolution(10, "meters")
    assert product.resolution_max == Resolution(0.001, "degrees")


def test_bands_get_a_place_behind_the_others(client: CatalogClient, product: Product) -> None:
    for name in ("a", "b"):
        MaskBand(product=product, name=name, band_index=0, data_type="Byte", client=client).save()
    assert [band.sort_order for band in product.bands()] == [1, 2]


def test_delete_related_objects(client: CatalogClient, product: Product) -> None:
    assert product.get_delete_status().status is TaskState.NEVERRAN
    assert product.delete_related_objects() is None
    Image(product=product, name="a", client=client).save()
    MaskBand(product=product, name="b", band_index=0, data_type="Byte", client=client).save()
    status = product.delete_related_objects()
    assert status is not None
    assert (status.status, status.objects_deleted) == (TaskState.SUCCEEDED, 2)
    assert product.get_delete_status() == status
    status.reload()
    status.wait_for_completion(timeout=0)
    assert Band.search(client=client).count() == 0
    product.delete()
    with pytest.raises(UnsavedObjectError):
        Product(id="new", client=client).delete_related_objects()


@pytest.mark.parametrize(
    ("namespace", "id_", "expected"),
    [
        (None, "p", "p"),
        ("org", "p", "org:p"),
        ("org", "org:p", "org:p"),
        ("org", "org:p:q", "org:p:q"),
        ("org", "other:p", "org:other:p"),
        ("org", "org", "org:org"),
    ],
)
def test_namespaces(namespace: str | None, id_: str, expected: str) -> None:
    with dl.set_options(namespace=namespace):
        assert Product.namespace_id(id_) == expected


def test_new_products_go_into_the_namespace(client: CatalogClient) -> None:
    with dl.set_options(namespace="org"):
        product = Product.get_or_create("p", client=client, name="P")
        assert product.id == "p"
        product.save()
        assert product.id == "org:p"
        assert Product.get("p", client=client) is None
        again = Product.get_or_create("p", client=client, name="P")
        assert (again.id, again.state) == ("org:p", "saved")
        product.name = "Q"
        product.save()
        assert product.id == "org:p"


def test_access(client: CatalogClient, product: Product) -> None:
    assert product.user_is_owner()
    assert product.user_can_write()
    assert product.user_can_read()
    assert not product.user_is_owner({"sub": "ann"})


@pytest.mark.parametrize(
    ("claims", "owner", "write", "read"),
    [
        ({"sub": "ann"}, True, True, True),
        ({"namespace": "ann", "sub": "x"}, True, True, True),
        ({"sub": "x", "groups": ["acme:org-admin"]}, True, True, True),
        ({"sub": "x", "groups": ["robot:resource-admin"]}, True, True, True),
        ({"sub": "x", "groups": ["internal:platform-admin"]}, True, True, True),
        ({"sub": "x", "org": "acme"}, False, False, True),
        ({"sub": "x", "email": "bob@example.org"}, False, True, True),
        ({"sub": "x", "groups": ["hydro"]}, False, True, True),
        ({"sub": "x", "groups": ["internal:platform-ro"]}, False, False, True),
        ({"sub": "eve"}, False, False, False),
        ({}, False, False, False),
    ],
    ids=repr,
)
def test_access_by_claims(claims: dict[str, object], owner: bool, write: bool, read: bool) -> None:
    product = Product(
        owners=["user:ann", "org:acme", "access-id:robot"],
        writers=["email:bob@example.org", "group:hydro"],
        readers=["org:acme"],
    )
    assert product.user_is_owner(claims) is owner
    assert product.user_can_write(claims) is write
    assert product.user_can_read(claims) is read


def test_access_without_lists() -> None:
    assert not Product().user_can_read({"sub": "ann"})
