from __future__ import annotations

import pytest

from dawnlight.errors import FilterError
from dawnlight.search import FIELDS, KINDS, get_field


@pytest.mark.parametrize(
    ("kind", "name", "type_", "flags"),
    [
        ("product", "name", "str", "FST"),
        ("product", "description", "str", "T"),
        ("product", "is_core", "bool", "FS"),
        ("product", "resolution_min", "resolution", "FS"),
        ("product", "owners", "list", "F"),
        ("product", "readers", "list", ""),
        ("band", "type", "str", "F"),
        ("band", "sort_order", "int", "S"),
        ("band", "resolution", "resolution", "FS"),
        ("band", "frequency", "float", "FS"),
        ("band", "data_range", "json", ""),
        ("band", "description", "str", "T"),
        ("image", "acquired", "time", "FS"),
        ("image", "geometry", "geometry", "F"),
        ("image", "cloud_fraction", "float", "FS"),
        ("image", "tags", "list", "F"),
        ("image", "cs_code", "str", ""),
        ("image", "x_pixels", "int", ""),
        ("image", "files", "json", ""),
        ("image_upload", "status", "str", "FS"),
        ("image_upload", "image_id", "str", "F"),
    ],
)
def test_tables_hold_type_and_flags(kind, name, type_, flags):
    field = FIELDS[kind][name]
    assert field.name == name
    assert field.type == type_
    assert (
        "".join(f for f, on in zip("FST", (field.filterable, field.sortable, field.text), strict=True) if on)
        == flags
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_filters_and_sorts_by_id(kind):
    assert FIELDS[kind]["id"].filterable
    assert FIELDS[kind]["id"].sortable


def test_image_has_every_attribute_of_the_reference_platform():
    names = """
        geometry cs_code projection geotrans x_pixels y_pixels acquired acquired_end published
        storage_state files area azimuth_angle bits_per_pixel bright_fraction
        brightness_temperature_k1_k2 c6s_dlsr cloud_fraction confidence_dlsr alt_cloud_fraction
        processing_pipeline_id fill_fraction incidence_angle radiance_gain_bias reflectance_gain_bias
        reflectance_scale roll_angle solar_azimuth_angle solar_elevation_angle temperature_gain_bias
        view_angle satellite_id provider_id provider_url preview_url preview_file id name product_id
        extra_properties tags created modified
    """
    assert set(FIELDS["image"]) == set(names.split())


def test_reference_gives_the_attribute_it_is_stored_in():
    assert get_field("image", "product") is FIELDS["image"]["product_id"]
    assert get_field("image_upload", "product") is FIELDS["image_upload"]["product_id"]


def test_upload_keeps_its_image_attribute_and_filters_by_image_id():
    assert get_field("image_upload", "image").type == "json"


@pytest.mark.parametrize("key", ["foo", "eo:cloud", "a.b", "with space", "ä"])
def test_single_extra_property_is_a_field_of_any_type(key):
    field = get_field("image", f"extra_properties.{key}")
    assert (field.name, field.type, field.filterable, field.sortable) == (
        f"extra_properties.{key}",
        "any",
        True,
        False,
    )


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("image", "cloud_fractoin", "did you mean cloud_fraction"),
        ("image", "acquired_at", "did you mean acquired"),
        ("band", "zzz", "known are"),
        ("image", "acquired.year", "has no parts"),
        ("image_upload", "extra_properties.foo", "no attribute"),
        ("image", "extra_properties.", "no attribute"),
        ("image", "file_headers", "no attribute"),
        ("image", "", "no attribute"),
    ],
)
def test_unknown_name_says_what_is_near(kind, name, words):
    with pytest.raises(FilterError, match=words):
        get_field(kind, name)


def test_tables_cannot_be_changed():
    with pytest.raises(TypeError):
        FIELDS["image"]["foo"] = FIELDS["image"]["id"]
