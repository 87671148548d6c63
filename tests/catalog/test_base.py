from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from dawnlight.catalog import (
    AuthCatalogObject,
    Band,
    CatalogClient,
    CatalogObject,
    CatalogObjectBase,
    DocumentState,
    File,
    GenericBand,
    Image,
    MaskBand,
    NamedCatalogObject,
    Product,
    SpectralBand,
)
from dawnlight.errors import (
    AttributeValidationError,
    BadRequestError,
    ConflictError,
    DeletedObjectError,
    NotFoundError,
    UnsavedObjectError,
    ValidationError,
)

ABSTRACT = [CatalogObjectBase, CatalogObject, AuthCatalogObject, NamedCatalogObject]


def unsaved(client: CatalogClient) -> Product:
    return Product(id="p", name="P", tags=["a"], client=client)


def saved(client: CatalogClient) -> Product:
    product = unsaved(client)
    product.save()
    return product


def modified(client: CatalogClient) -> Product:
    product = saved(client)
    product.name = "Q"
    return product


def deleted(client: CatalogClient) -> Product:
    product = saved(client)
    product.delete()
    return product


# -- classes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [*ABSTRACT, Band])
def test_abstract_classes_cannot_be_instantiated(model: Any) -> None:
    with pytest.raises(TypeError, match="abstract"):
        model(id="p:x")


@pytest.mark.parametrize("model", ABSTRACT)
@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.exists("x"),
        lambda m: m.search(),
        lambda m: m.delete("x"),
        lambda m: m.get("x"),
        lambda m: m.get_many(["x"]),
        lambda m: m.get_or_create("x"),
    ],
    ids=["exists", "search", "delete", "get", "get_many", "get_or_create"],
)
def test_class_methods_of_abstract_classes_are_type_errors(model: Any, call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="abstract"):
        call(model)


def test_constructors_take_names_only() -> None:
    with pytest.raises(TypeError):
        Product("p")  # type: ignore[misc]
    with pytest.raises(AttributeError, match="nothing"):
        Product(nothing=1)


# -- states --------------------------------------------------------------------------------------------


def test_states(client: CatalogClient) -> None:
    assert Product().state is DocumentState.UNSAVED
    assert not Product().is_modified
    assert unsaved(client).state == "unsaved"
    assert unsaved(client).is_modified
    product = saved(client)
    assert product.state == "saved"
    assert not product.is_modified
    product.name = "Q"
    assert product.state == "modified"
    assert product.is_modified
    product.save()
    assert product.state == "saved"
    product.delete()
    assert product.state == "deleted"


def test_an_equal_value_changes_nothing(client: CatalogClient) -> None:
    product = saved(client)
    product.update(name="P", tags=["a"], is_core=None, start_datetime=None)
    assert product.state == "saved"


def test_a_value_that_is_set_back_leaves_no_trace(client: CatalogClient) -> None:
    product = modified(client)
    product.name = "P"
    assert product.state == "saved"


def test_the_same_time_in_other_words_is_no_change(client: CatalogClient) -> None:
    product = unsaved(client)
    product.start_datetime = "2023-06-01T12:00+02:00"
    product.save()
    product.start_datetime = "2023-06-01T10:00:00Z"
    assert product.state == "saved"


def test_changes_in_place_count(client: CatalogClient) -> None:
    product = saved(client)
    assert product.tags is not None
    product.tags.append("b")
    assert product.state == "modified"
    assert product.serialize(modified_only=True) == {"tags": ["a", "b"]}
    product.tags.remove("b")
    assert product.state == "saved"
    product.extra_properties = {"x": 1}
    product.save()
    product.extra_properties["x"] = 2
    assert product.serialize(modified_only=True) == {"extra_properties": {"x": 2}}


def test_reading_changes_nothing(client: CatalogClient, product: Product) -> None:
    image = Image(
        product=product,
        name="a",
        client=client,
        geometry=(0, 0, 1, 1),
        files=[File(href="a.tif")],
        storage_state="remote",
        tags=["a"],
        geotrans=range(6),
        acquired="2023-06-01",
    )
    image.save()
    found = Image.get(image.id, client=client)
    assert found is not None
    for name in Image.ATTRIBUTES:
        getattr(found, name)
    assert found.state == "saved"


def test_clearing_and_deleting_attributes_is_saved(client: CatalogClient) -> None:
    product = saved(client)
    product.description, product.is_core = "x", True
    product.save()
    product.description = None
    del product.is_core
    assert product.serialize(modified_only=True) == {"description": None, "is_core": None}
    product.save()
    found = Product.get("p", client=client)
    assert found is not None
    assert (found.description, found.is_core) == (None, None)


def test_clearing_what_is_not_set_is_no_change(client: CatalogClient) -> None:
    product = saved(client)
    product.description = None
    del product.default_display_bands
    assert product.state == "saved"


# -- save ----------------------------------------------------------------------------------------------


def test_saving_takes_over_what_the_catalog_answers(client: CatalogClient) -> None:
    product = saved(client)
    assert product.created is not None
    assert product.created == product.modified
    assert product.owners == ["user:local"]


def test_saving_what_is_saved_writes_nothing(client: CatalogClient, monkeypatch: pytest.MonkeyPatch) -> None:
    product = saved(client)
    monkeypatch.setattr(client.store, "update", None)
    product.save()
    product.save(request_params={})


def test_only_changes_are_sent(client: CatalogClient, monkeypatch: pytest.MonkeyPatch) -> None:
    product = modified(client)
    sent = {}
    update = client.store.update

    def record(kind: Any, id: str, changes: Any, *, version: int | None = None) -> Any:
        sent.update(changes)
        return update(kind, id, changes, version=version)

    monkeypatch.setattr(client.store, "update", record)
    product.save()
    assert sent == {"name": "Q"}


def test_request_params_are_sent_along(client: CatalogClient) -> None:
    product = unsaved(client)
    product.save(request_params={"description": "new"})
    assert product.description == "new"
    product.save(request_params={"tags": ("x",)})
    assert (product.tags, product.state) == (["x"], "saved")
    product.name = "Q"
    product.save(request_params={"name": "R", "description": None})
    assert (product.name, product.description) == ("R", None)
    with pytest.raises(AttributeValidationError):
        product.save(request_params={"tags": 1})
    with pytest.raises(ValidationError, match="nothing"):
        product.save(request_params={"nothing": 1})


def test_creating_what_exists_is_a_conflict(client: CatalogClient) -> None:
    saved(client)
    again = unsaved(client)
    with pytest.raises(ConflictError, match="'p'"):
        again.save()
    assert again.state == "unsaved"
    assert issubclass(ConflictError, BadRequestError)


def test_a_lost_race_is_a_conflict_and_nothing_is_overwritten(client: CatalogClient) -> None:
    first = saved(client)
    second = Product.get("p", client=client)
    assert second is not None
    second.description = "second"
    second.save()
    first.description = "first"
    with pytest.raises(ConflictError, match=r"changed by someone else.*[Rr]eload"):
        first.save()
    assert first.state == "modified"
    found = Product.get("p", client=client)
    assert found is not None
    assert found.description == "second"


def test_a_refused_save_leaves_the_object_as_it_was(client: CatalogClient) -> None:
    product = saved(client)
    product.tags = ["x" * 1001]
    with pytest.raises(ValidationError, match="tags"):
        product.save()
    assert product.serialize(modified_only=True) == {"tags": ["x" * 1001]}
    incomplete = Product(id="q", client=client)
    with pytest.raises(ValidationError, match="name is required"):
        incomplete.save()
    assert incomplete.state == "unsaved"
    with pytest.raises(ValidationError, match="id=None"):
        Product(name="x", client=client).save()


def test_an_image_without_its_product_is_not_saved(client: CatalogClient) -> None:
    image = Image(id="nothing:a", client=client)
    with pytest.raises(NotFoundError, match="nothing"):
        image.save()
    assert image.state == "unsaved"


def test_lists_given_out_stay_attached_over_a_save(client: CatalogClient) -> None:
    product = saved(client)
    tags = product.tags
    assert tags is not None
    tags.append("b")
    product.save()
    assert product.tags is tags
    tags.append("c")
    assert product.state == "modified"


# -- reload --------------------------------------------------------------------------------------------


def test_reload_reads_what_others_saved(client: CatalogClient) -> None:
    product = saved(client)
    other = Product.get("p", client=client)
    assert other is not None
    other.update(name="Q", tags=None)
    other.save()
    product.reload()
    assert (product.name, product.tags, product.state) == ("Q", None, "saved")
    product.name = "R"
    product.save()


@pytest.mark.parametrize("make", [unsaved, modified])
def test_reload_refuses_other_states(client: CatalogClient, make: Callable[[CatalogClient], Product]) -> None:
    product = make(client)
    before = product.serialize()
    with pytest.raises(ValueError, match="only a saved object"):
        product.reload()
    assert product.serialize() == before


# -- delete --------------------------------------------------------------------------------------------


def test_delete_by_id(client: CatalogClient) -> None:
    saved(client)
    assert Product.delete("p", client=client) is True
    assert Product.delete("p", client=client) is False
    assert not Product.exists("p", client=client)


def test_delete_an_object(client: CatalogClient) -> None:
    product = saved(client)
    assert product.delete() is None  # type: ignore[func-returns-value]
    assert "Deleted" in repr(product)
    assert product.name == "P"
    with pytest.raises(UnsavedObjectError):
        unsaved(client).delete()
    changed = modified(client)
    changed.delete()
    assert changed.state == "deleted"


def test_a_product_with_images_cannot_be_deleted(client: CatalogClient, product: Product) -> None:
    Image(product=product, name="a", client=client).save()
    with pytest.raises(ConflictError):
        product.delete()
    assert product.state == "saved"
    with pytest.raises(ConflictError):
        Product.delete("fields", client=client)


@pytest.mark.parametrize(
    "call",
    [
        lambda p: p.save(),
        lambda p: p.reload(),
        lambda p: p.delete(),
        lambda p: p.update(name="x"),
        lambda p: p.get_band("x"),
        lambda p: p.get_image("x"),
        lambda p: p.bands(),
        lambda p: p.images(),
        lambda p: p.image_uploads(),
        lambda p: p.delete_related_objects(),
        lambda p: p.get_delete_status(),
    ],
)
def test_a_deleted_object_refuses(client: CatalogClient, call: Callable[[Product], Any]) -> None:
    product = deleted(client)
    with pytest.raises(DeletedObjectError):
        call(product)


def test_attributes_of_a_deleted_object_can_be_set(client: CatalogClient) -> None:
    product = deleted(client)
    product.name = "x"
    assert (product.name, product.state) == ("x", "deleted")
    assert product.serialize()["name"] == "x"


@pytest.mark.parametrize("call", [lambda p: p.save(), lambda p: p.delete()])
def test_an_object_that_someone_else_deleted(client: CatalogClient, call: Callable[[Product], Any]) -> None:
    product = modified(client)
    Product.delete("p", client=client)
    with pytest.raises(DeletedObjectError, match="someone else"):
        call(product)
    assert product.state == "deleted"


def test_reloading_what_someone_else_deleted(client: CatalogClient) -> None:
    product = saved(client)
    Product.delete("p", client=client)
    with pytest.raises(DeletedObjectError):
        product.reload()
    assert product.state == "deleted"


# -- get -----------------------------------------------------------------------------------------------


def test_get(client: CatalogClient) -> None:
    product = saved(client)
    found = Product.get("p", client=client, request_params={"x": 1}, headers={"x": "y"})
    assert found == product
    assert found is not product
    assert Product.get("nothing", client=client) is None
    assert Product.exists("p", client=client)
    assert not Image.exists("p", client=client)


@pytest.mark.parametrize("id_", [None, 1, b"p"])
def test_ids_are_strings(client: CatalogClient, id_: Any) -> None:
    for call in (Product.get, Product.exists, Product.delete):
        with pytest.raises(TypeError, match="must be a string"):
            call(id_, client=client)
    with pytest.raises(TypeError, match="must be a string"):
        Product.get_many([id_], client=client)


def test_get_many_keeps_order_and_duplicates(client: CatalogClient) -> None:
    for id_ in "abc":
        Product(id=id_, name=id_, client=client).save()
    found = Product.get_many(["c", "a", "c"], client=client)
    assert [product.id for product in found] == ["c", "a", "c"]
    assert all(product.state == "saved" for product in found)
    assert Product.get_many([], client=client) == []
    with pytest.raises(NotFoundError, match="'x', 'y'"):
        Product.get_many(["x", "a", "y"], client=client)
    assert len(Product.get_many(["x", "a"], ignore_missing=True, client=client)) == 1
    for ids in ("abc", {"a"}, None):
        with pytest.raises(TypeError):
            Product.get_many(ids, client=client)  # type: ignore[arg-type]


def test_many_ids(client: CatalogClient, product: Product) -> None:
    images = [Image(product=product, name=f"{i:04}", client=client) for i in range(2500)]
    Image.save_many(images, progress=False)
    ids = [image.id for image in reversed(images)]
    assert [image.id for image in Image.get_many(ids, client=client)] == ids


def test_get_or_create(client: CatalogClient) -> None:
    product = Product.get_or_create("p", client=client, name="P", tags=["a"])
    assert product.state == "unsaved"
    product.save()
    assert Product.get_or_create("p", client=client).state == "saved"
    assert Product.get_or_create("p", client=client, name="P", tags=["a"]).state == "saved"
    assert Product.get_or_create("p", client=client, name="Q").state == "modified"
    with pytest.raises(AttributeError):
        Product.get_or_create("p", client=client, nothing=1)
    with pytest.raises(TypeError, match="abstract"):
        Band.get_or_create("p:x", client=client)


def test_get_or_create_takes_the_product_of_what_exists(client: CatalogClient, product: Product) -> None:
    Image(product=product, name="a", client=client).save()
    found = Image.get_or_create("fields:a", client=client, product=product, name="a", product_id="fields")
    assert found.state == "saved"


def test_a_band_of_another_class_is_not_found(client: CatalogClient, product: Product) -> None:
    mask = MaskBand(product=product, name="alpha", data_type="Byte", band_index=0, client=client)
    mask.save()
    assert isinstance(Band.get("fields:alpha", client=client), MaskBand)
    assert SpectralBand.get("fields:alpha", client=client) is None
    assert not SpectralBand.exists("fields:alpha", client=client)
    assert MaskBand.exists("fields:alpha", client=client)
    assert Band.exists("fields:alpha", client=client)
    assert SpectralBand.get_many(["fields:alpha"], client=client) == []
    assert SpectralBand.delete("fields:alpha", client=client) is False
    assert GenericBand.search(client=client).count() == 0
    assert Band.delete("fields:alpha", client=client) is True


# -- update, serialize, compare ------------------------------------------------------------------------


def test_update_sets_all_or_nothing(client: CatalogClient) -> None:
    product = saved(client)
    for attributes in ({"tags": ["b"], "bad": 1}, {"tags": 123}, {"tags": ["b"], "created": "2023"}):
        with pytest.raises((AttributeError, AttributeValidationError)):
            product.update(**attributes)
        assert product.tags == ["a"]
        assert product.state == "saved"
    product.update(ignore_errors=True, tags=["b"], bad=1, is_core="maybe", name="Q")
    assert (product.tags, product.name, product.is_core) == (["b"], "Q", None)


def test_update_of_names_and_references_is_taken_back(client: CatalogClient, product: Product) -> None:
    image = Image(client=client)
    with pytest.raises(AttributeError):
        image.update(product=product, name="a", bad=1)
    assert (image.id, image.name, image.product_id, image.product) == (None, None, None, None)
    image.update(product=product, name="a")
    assert image.id == "fields:a"


def test_serialize(client: CatalogClient) -> None:
    product = unsaved(client)
    assert product.serialize() == {"name": "P", "tags": ["a"]}
    assert product.serialize(modified_only=True) == {"name": "P", "tags": ["a"]}
    assert product.serialize(jsonapi_format=True) == {
        "data": {"type": "product", "id": "p", "attributes": {"name": "P", "tags": ["a"]}}
    }
    assert Product().serialize(jsonapi_format=True) == {"data": {"type": "product", "attributes": {}}}
    product.save()
    assert set(product.serialize()) == {"name", "tags", "owners", "created", "modified"}
    assert product.serialize(modified_only=True) == {}


def test_what_serialize_gives_is_the_callers(client: CatalogClient) -> None:
    product = saved(client)
    product.serialize()["tags"].append("b")
    assert product.state == "saved"
    assert product.tags == ["a"]


def test_equality(client: CatalogClient) -> None:
    product = saved(client)
    same = Product.get("p", client=client)
    assert product == same
    assert product != unsaved(client)
    assert product != modified_copy(product)
    assert Product(id="a") != Product(id="b")
    assert GenericBand(id="p:a") != SpectralBand(id="p:a")
    assert Image(id="p:a", acquired="2023-01-01") == Image(id="p:a", acquired="2023-01-01T00:00Z")
    assert product != "p"


def modified_copy(product: Product) -> Product:
    other = copy.copy(product)
    other.name = "other"
    return other


@pytest.mark.parametrize("make", [unsaved, saved, modified, deleted])
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_and_pickles(
    client: CatalogClient, make: Callable[[CatalogClient], Product], duplicate: Callable[[Product], Product]
) -> None:
    product = make(client)
    found = duplicate(product)
    assert found == product
    assert found is not product
    assert found._client is client
    assert found.tags is not None
    found.tags.append("b")
    assert product.tags == ["a"]


# -- repr ----------------------------------------------------------------------------------------------


def test_repr(client: CatalogClient, product: Product) -> None:
    image = Image(product=product, name="a", client=client)
    assert repr(image).splitlines() == [
        "Image: a",
        "  id: fields:a",
        "  product: fields",
        "* Not in the catalog yet; save() puts it there.",
    ]
    image.save()
    assert repr(image).splitlines()[-1] == f"  created: {image.created:%c}"
    image.tags = ["a"]
    assert "Changed since it was read" in repr(image)


# -- files of images -----------------------------------------------------------------------------------


def test_file_headers_travel_unseen(client: CatalogClient, product: Product) -> None:
    image = Image(
        product=product, name="a", files=[File(href="a.tif")], storage_state="remote", client=client
    )
    image._file_headers = [{"driver": "GTiff"}]
    assert "_file_headers" not in Image.ATTRIBUTES
    assert "file_headers" not in image.serialize()
    image.save()
    found = Image.get("fields:a", client=client)
    assert found is not None
    assert found._file_headers == [{"driver": "GTiff"}]
    assert found == image
    found._file_headers = [{"driver": "COG"}]
    assert found.state == "modified"
    found.save()
    image.reload()
    assert image._file_headers == [{"driver": "COG"}]
    with pytest.raises(AttributeError):
        Image(file_headers=[])


def test_the_old_name_of_request_params_works_and_is_told(client):
    product = Product(id="old-name", name="P", client=client)
    with pytest.warns(FutureWarning, match=r"save\(request_params=...\)"):
        product.save(extra_attributes={"description": "new"})
    assert Product.get("old-name", client=client).description == "new"
