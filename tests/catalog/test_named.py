from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawnlight.catalog import Band, CatalogClient, DocumentState, Image, Product, SpectralBand
from dawnlight.errors import AttributeValidationError

PARTS = {"id": "org:p:x", "name": "x", "product_id": "org:p"}


@pytest.mark.parametrize(
    "names",
    [
        names
        for size in (1, 2, 3)
        for names in itertools.permutations(PARTS, size)
        if names != ("name",) and names != ("product_id",)
    ],
    ids="-".join,
)
@pytest.mark.parametrize("model", [SpectralBand, Image])
def test_enough_parts_in_any_order_give_the_others(model: Any, names: tuple[str, ...]) -> None:
    built = model(**{name: PARTS[name] for name in names})
    assigned = model()
    for name in names:
        setattr(assigned, name, PARTS[name])
    for obj in (built, assigned):
        assert {name: getattr(obj, name) for name in PARTS} == PARTS


@pytest.mark.parametrize("names", list(itertools.permutations(PARTS, 2)), ids="-".join)
@pytest.mark.parametrize("model", [SpectralBand, Image])
def test_parts_that_disagree_are_rejected(model: Any, names: tuple[str, str]) -> None:
    if "id" not in names:
        return
    wrong = {"id": "org:q:y", "name": "z", "product_id": "org:r"}
    with pytest.raises(AttributeValidationError):
        model(**{names[0]: PARTS[names[0]], names[1]: wrong[names[1]]})


@pytest.mark.parametrize("part", list(PARTS))
def test_parts_are_set_once_but_equal_values_are_fine(part: str) -> None:
    image = Image(**PARTS)
    setattr(image, part, PARTS[part])
    with pytest.raises(AttributeValidationError, match="only once"):
        setattr(image, part, "org:p:other" if part == "id" else "other")
    with pytest.raises(AttributeValidationError):
        setattr(image, part, None)
    assert image.id == PARTS["id"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"id": "x"},
        {"id": ":x"},
        {"id": "p:"},
        {"id": ""},
        {"name": "a:b"},
        {"name": ""},
        {"product_id": ""},
        {"id": 5},
        {"name": b"x"},
    ],
    ids=repr,
)
def test_parts_that_cannot_be_are_rejected(attributes: dict[str, Any]) -> None:
    with pytest.raises(AttributeValidationError):
        Image(**attributes)


def test_a_refused_part_sets_nothing() -> None:
    image = Image(name="x")
    with pytest.raises(AttributeValidationError, match="disagree"):
        image.id = "p:y"
    assert (image.id, image.name, image.product_id) == (None, "x", None)


def test_old_names_with_colons_load() -> None:
    image = Image(id="p:a:b", name="a:b", product_id="p", _saved=True)
    assert (image.id, image.name, image.product_id) == ("p:a:b", "a:b", "p")
    image.name = "a:b"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("This is ań @#$^*% ïñvalid name!!!!", "This_is_a_valid_name_"),
        ("", ""),
        ("a.b-c_D9", "a.b-c_D9"),
        ("::", "_"),
    ],
)
def test_valid_names(text: str, name: str) -> None:
    assert Band.make_valid_name(text) == name


@given(st.text())
def test_making_a_name_valid_twice_changes_nothing(text: str) -> None:
    name = Image.make_valid_name(text)
    assert Image.make_valid_name(name) == name


# -- the product ---------------------------------------------------------------------------------------


def test_a_product_gives_its_id(client: CatalogClient, product: Product) -> None:
    band = SpectralBand(name="red", product=product, client=client)
    assert (band.id, band.product_id) == ("fields:red", "fields")
    assert band.product is product
    assert "product" not in band.serialize()


def test_a_product_is_read_when_first_asked_for(
    client: CatalogClient, product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image(product=product, name="a", client=client).save()
    image = Image.get("fields:a", client=client)
    assert image is not None
    found = image.product
    assert found == product
    monkeypatch.setattr(client.store, "get", None)
    monkeypatch.setattr(client.store, "get_many", None)
    assert image.product is found
    assert image.state is DocumentState.SAVED


def test_a_product_survives_save_and_reload(client: CatalogClient, product: Product) -> None:
    image = Image(product=product, name="a", client=client)
    image.save()
    image.reload()
    assert image.product is product


def test_a_product_that_does_not_exist_is_none(client: CatalogClient) -> None:
    image = Image(id="nothing:a", client=client)
    assert image.product is None
    Product(id="nothing", name="Something", client=client).save()
    assert image.product is not None


def test_products_that_cannot_be_referred_to(client: CatalogClient, product: Product) -> None:
    for wrong in (Product(id="new", client=client), Image(id="p:a"), "fields"):
        with pytest.raises(AttributeValidationError, match="product"):
            Image(product=wrong, client=client)
    with pytest.raises(AttributeValidationError):
        Image(product_id="other", product=product, client=client)
    with pytest.raises(AttributeValidationError):
        Image(product=product, id="other:a", client=client)
    gone = Product(id="gone", name="x", client=client)
    gone.save()
    gone.delete()
    with pytest.raises(AttributeValidationError, match="deleted"):
        Image(product=gone, client=client)


def test_a_product_cannot_be_changed_or_taken_away(client: CatalogClient, product: Product) -> None:
    image = Image(product=product, name="a", client=client)
    image.product = product
    other = Product(id="other", name="x", client=client)
    other.save()
    with pytest.raises(AttributeValidationError):
        image.product = other
    with pytest.raises(AttributeValidationError):
        image.product = None
    with pytest.raises(AttributeValidationError):
        del image.product
    assert image.product is product


HOSTILE = ["../x", "a/b", "a%3Ab", "x'; DROP TABLE image;--", '"', "\\", "é", "😀", " ", "p\n", "*", "%", "_"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_product_ids_are_only_text(client: CatalogClient, text: str) -> None:
    Product(id=text, name=text, client=client).save()
    found = Product.get(text, client=client)
    assert found is not None
    assert (found.id, found.name) == (text, text)
    image = Image(product=found, name="a", client=client)
    image.save()
    assert image.id == f"{text}:a"
    assert [each.id for each in found.images()] == [image.id]
    for other in HOSTILE:
        assert Product.exists(other, client=client) == (other == text)


@pytest.mark.parametrize("text", [text for text in HOSTILE if text != "_"])
def test_hostile_names_are_refused_when_saved(client: CatalogClient, product: Product, text: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Image(product=product, name=text, client=client).save()
    assert Image.search(client=client).count() == 0
