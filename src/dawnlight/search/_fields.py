"""The attributes of every kind of document: their types, and which a search may filter, sort or read.

The tables are those of the reference platform. Added to them: ``id`` can be filtered and sorted for every
kind, ``name`` can be filtered, and a single extra property can be filtered by its dotted name
(``extra_properties.foo``).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from dawnlight.errors import FilterError
from dawnlight.search._documents import Kind

__all__ = ["EXTRA_PREFIX", "FIELDS", "REFERENCES", "Field", "FieldType", "get_field"]

FieldType = Literal["str", "float", "int", "bool", "time", "list", "resolution", "geometry", "json", "any"]
"""How values compare. "list" is a list of plain values, "json" a value that does not compare, and "any" an
extra property: a string, a number or a truth value, different from document to document."""

EXTRA_PREFIX = "extra_properties."
"""What the dotted name of a single extra property begins with."""

REFERENCES: Mapping[str, str] = MappingProxyType({"product": "product_id", "image": "image_id"})
"""Names of references and of the attributes they are stored in; filters know only the latter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One attribute of a kind of document.

    Parameters
    ----------
    name : str
        The attribute, ``"id"``, or ``"extra_properties.<key>"``.
    type : str
        See `FieldType`.
    filterable : bool
        True when a search can filter on it.
    sortable : bool
        True when a search can sort by it.
    text : bool
        True when a text search looks into it.
    """

    name: str
    type: FieldType
    filterable: bool = False
    sortable: bool = False
    text: bool = False


# One line for each type: the names, each followed by what the tables say of it
# (F filterable, S sortable, T searched as text).
_PRODUCT = """
    str         id:FS name:FST description:T image_index_name:FS product_tier:FS
    bool        is_core:FS
    float       revisit_period_minutes_min:FS revisit_period_minutes_max:FS
    time        start_datetime:FS end_datetime:FS created:FS modified:FS
    resolution  resolution_min:FS resolution_max:FS
    list        default_display_bands owners:F readers writers tags:F
    json        extra_properties
"""
_BAND = """
    str         id:FS name:FS product_id:FS type:F description:T data_type vendor_band_name
                physical_range_unit colormap_name
    int         sort_order:S vendor_order band_index file_index jpx_layer_index
    float       nodata wavelength_nm_center:FS wavelength_nm_min:FS wavelength_nm_max:FS
                wavelength_nm_fwhm:FS frequency:FS bandwidth:FS
    bool        is_alpha
    resolution  resolution:FS
    time        created:FS modified:FS
    list        class_labels tags:F
    json        data_range display_range physical_range colormap processing_levels derived_params
                extra_properties
"""
_IMAGE = """
    str         id:FS name:FS product_id:FS cs_code projection storage_state:FS processing_pipeline_id:FS
                satellite_id:FS provider_id:FS provider_url preview_url preview_file
    int         x_pixels y_pixels
    float       area:FS azimuth_angle:FS bright_fraction:FS cloud_fraction:FS confidence_dlsr:FS
                alt_cloud_fraction:FS fill_fraction:FS incidence_angle:FS roll_angle:FS
                solar_azimuth_angle:FS solar_elevation_angle:FS view_angle:FS
    time        acquired:FS acquired_end:FS published:FS created:FS modified:FS
    geometry    geometry:F
    list        bits_per_pixel reflectance_scale tags:F
    json        geotrans files brightness_temperature_k1_k2 c6s_dlsr radiance_gain_bias
                reflectance_gain_bias temperature_gain_bias extra_properties
"""
_UPLOAD = """
    str         id:FS product_id:FS image_id:F user:FS status:FS
    time        created:FS modified:FS
    list        resumable_urls
    json        image image_upload_options events
"""


def _read_table(table: str) -> Mapping[str, Field]:
    fields = {}
    type_: FieldType = "str"
    for word in table.split():
        if word in get_args(FieldType):
            type_ = word  # type: ignore[assignment]  # just tested
            continue
        name, _, flags = word.partition(":")
        fields[name] = Field(
            name=name, type=type_, filterable="F" in flags, sortable="S" in flags, text="T" in flags
        )
    return MappingProxyType(fields)


FIELDS: Mapping[Kind, Mapping[str, Field]] = MappingProxyType(
    {
        "product": _read_table(_PRODUCT),
        "band": _read_table(_BAND),
        "image": _read_table(_IMAGE),
        "image_upload": _read_table(_UPLOAD),
    }
)
"""Every field by kind and name; references and single extra properties come through `get_field`."""


def get_field(kind: Kind, name: str) -> Field:
    """Look up a field.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What is searched.
    name : str
        An attribute, ``"id"``, a reference (``"product"`` gives the field ``product_id``), or
        ``"extra_properties.<key>"``, which is a filterable field of type "any".

    Returns
    -------
    Field
        Its `name` is the canonical one.

    Raises
    ------
    FilterError
        There is no such field; the message lists names that are near.

    Examples
    --------
    >>> from dawnlight.search import get_field
    >>> get_field("image", "product").name
    'product_id'
    >>> get_field("image", "extra_properties.orbit").type
    'any'
    """
    fields = FIELDS[kind]
    found = fields.get(name) or fields.get(REFERENCES.get(name, name))
    if found is not None:
        return found
    head, _, key = name.partition(".")
    if head in fields and key:
        if head == "extra_properties":
            return Field(name=name, type="any", filterable=True)
        raise FilterError(
            f"{name[:80]!r}: {head} of {kind} has no parts that can be named; only extra_properties.<key> has"
        )
    raise FilterError(f"{kind} has no attribute {name[:80]!r}; {_suggest(name, fields)}")


def _suggest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name[:80], list(known), n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"known are {', '.join(sorted(known))}"
