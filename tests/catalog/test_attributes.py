from __future__ import annotations

import pytest

from dawnlight.catalog import Band, Image, ImageUpload, Product, SpectralBand
from dawnlight.catalog._attributes import Attribute, AttributeOwner
from dawnlight.catalog._composites import AttributeMapping, DictAttribute, ListAttribute, MappingAttribute
from dawnlight.catalog._scalars import IntegerAttribute, StringAttribute
from dawnlight.errors import AttributeValidationError
from dawnlight.search import FIELDS


class Inner(AttributeMapping):
    word = StringAttribute("A word.")


class Owner(AttributeOwner):
    plain = StringAttribute("Some text.")
    once = StringAttribute("Text that is set once.", mutable=False)
    fixed = StringAttribute("Text that only the catalog sets.", readonly=True)
    words = ListAttribute(StringAttribute(), "Words that are set once.", mutable=False)
    pairs: DictAttribute[int] = DictAttribute(IntegerAttribute(), "Numbers set once.", mutable=False)
    inner: MappingAttribute[Inner] = MappingAttribute(Inner, "An object set once.", mutable=False)

    def __init__(self) -> None:
        self._values = {}


class Derived(Owner):
    extra = StringAttribute("More.")
    plain = IntegerAttribute("A number now.")


def test_attributes_list_own_names_first_then_those_of_bases() -> None:
    assert Owner.ATTRIBUTES == ("plain", "once", "fixed", "words", "pairs", "inner")
    assert Derived.ATTRIBUTES == ("extra", "plain", "once", "fixed", "words", "pairs", "inner")


def test_the_class_gives_the_descriptor() -> None:
    assert isinstance(Image.cloud_fraction, Attribute)
    assert Image.cloud_fraction.name == "cloud_fraction"
    assert repr(Image.cloud_fraction) == "<FloatAttribute 'cloud_fraction'>"
    assert Image.cloud_fraction.__doc__


def test_an_unset_attribute_is_none() -> None:
    assert Owner().plain is None


@pytest.mark.parametrize("name", ["plane", "PLAIN", "tag"])
def test_an_unknown_name_cannot_be_assigned(name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        setattr(Owner(), name, "x")


def test_the_error_for_an_unknown_name_suggests_a_near_one() -> None:
    with pytest.raises(AttributeError, match="did you mean 'cloud_fraction'"):
        Image(cloud_fracton=0.5)


def test_private_names_can_be_assigned() -> None:
    owner = Owner()
    owner._anything = 1
    assert owner._anything == 1


def test_an_attribute_set_once_refuses_even_an_equal_value() -> None:
    owner = Owner()
    owner.once = "a"
    for value in ("a", "b", None):
        with pytest.raises(AttributeValidationError, match=r"Owner\.once.*only once"):
            owner.once = value
    with pytest.raises(AttributeValidationError):
        del owner.once
    assert owner.once == "a"


def test_a_readonly_attribute_cannot_be_set_or_deleted() -> None:
    owner = Owner()
    with pytest.raises(AttributeValidationError, match=r"Owner\.fixed.*read-only"):
        owner.fixed = "a"
    with pytest.raises(AttributeValidationError, match="read-only"):
        del owner.fixed


def test_deleting_clears() -> None:
    owner = Owner()
    owner.plain = "a"
    del owner.plain
    assert owner.plain is None


def test_containers_of_attributes_set_once_are_frozen() -> None:
    owner = Owner()
    given = Inner(word="a")
    owner.words, owner.pairs, owner.inner = ["a"], {"x": 1}, given
    with pytest.raises(AttributeValidationError, match=r"words.*in place"):
        owner.words.append("b")
    with pytest.raises(AttributeValidationError, match=r"pairs.*in place"):
        owner.pairs["y"] = 2
    with pytest.raises(AttributeValidationError, match=r"Inner\.word"):
        owner.inner.word = "b"
    given.word = "b"
    assert (owner.words, owner.pairs, owner.inner.word) == (["a"], {"x": 1}, "a")


def test_owners_are_unhashable() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Inner())
    with pytest.raises(TypeError, match="unhashable"):
        hash(Image())


SEED_IMAGE = (
    "geometry cs_code projection geotrans x_pixels y_pixels acquired acquired_end published storage_state "
    "files area azimuth_angle bits_per_pixel bright_fraction brightness_temperature_k1_k2 c6s_dlsr "
    "cloud_fraction confidence_dlsr alt_cloud_fraction processing_pipeline_id fill_fraction "
    "incidence_angle radiance_gain_bias reflectance_gain_bias reflectance_scale roll_angle "
    "solar_azimuth_angle solar_elevation_angle temperature_gain_bias view_angle satellite_id provider_id "
    "provider_url preview_url preview_file id name product_id product extra_properties tags created "
    "modified"
)
SEED_UPLOAD = (
    "id product_id image_id image image_upload_options user resumable_urls status events created modified"
)


def test_attributes_of_image_and_upload_are_those_of_the_api() -> None:
    assert tuple(SEED_IMAGE.split()) == Image.ATTRIBUTES
    assert tuple(SEED_UPLOAD.split()) == ImageUpload.ATTRIBUTES


@pytest.mark.parametrize("model", [Product, SpectralBand, Image, ImageUpload], ids=lambda m: m.__name__)
def test_docs_say_what_a_search_can_do_with_an_attribute(model: type[Product]) -> None:
    fields = FIELDS[model._kind]
    for name in model.ATTRIBUTES:
        field = fields.get(name) or fields.get(f"{name}_id")
        assert field is not None, name
        doc = " ".join((getattr(model, name).__doc__ or "").lower().split())
        assert doc, name
        if name == "extra_properties":
            continue
        assert ("filterable" in doc) == field.filterable, name
        if field.name == name:
            assert ("sortable" in doc) == field.sortable, name
        assert ("searched as text" in doc) == field.text, name


def test_every_field_of_documents_is_an_attribute() -> None:
    for model in (Product, Image, ImageUpload):
        assert set(FIELDS[model._kind]) == {
            a.wire_name for n, a in model._attributes.items() if n[0] != "_"
        } - {"product"}
    bands = {name for band in Band._types.values() for name in band.ATTRIBUTES}
    assert set(FIELDS["band"]) == bands - {"product"}
