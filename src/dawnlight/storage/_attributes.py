"""What each attribute of each kind of document may hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dawnlight.search import FIELDS, Kind
from dawnlight.storage import _checks
from dawnlight.storage._checks import Check, Refusal
from dawnlight.storage._footprints import check_geometry
from dawnlight.storage._names import VALID_NAME

__all__ = ["BAND_TYPES", "CHECKS", "MAX_NAME", "check_id"]

MAX_NAME = 2000
MAX_TAGS = 32
MAX_TAG_BYTES = 1000
MAX_EXTRA_PROPERTIES = 50
MAX_OVERVIEWS = 16
STORAGE_STATES = ("available", "remote")

BAND_TYPES = ("class", "spectral", "mask", "microwave", "generic")
_DATA_TYPES = ("Byte", "UInt16", "Int16", "UInt32", "Int32", "Float32", "Float64")
_COLORMAPS = (
    "magma", "inferno", "plasma", "viridis", "cool", "hot", "coolwarm", "bwr", "gist_earth", "terrain", "cdl",
)  # fmt: skip
_STATUSES = ("transferring", "pending", "running", "success", "failure", "canceled")

_text = _checks.text_of()
_name = _checks.text_of(longest=MAX_NAME, empty=False)
_named = _checks.text_of(
    longest=MAX_NAME,
    pattern=VALID_NAME,
    allowed="made of letters a-z and A-Z, digits, '_', '.' and '-' (see make_valid_name)",
)
_href = _checks.text_of(empty=False)
_range = _checks.tuple_of(2)
_numbers = _checks.list_of(_checks.check_number)
_number_lists = _checks.list_of(_numbers)

check_id: Check = _checks.text_of(longest=2 * MAX_NAME + 1, empty=False)
"""The check of the id of a document."""


def _check_tag(value: Any) -> str:
    tag: str = _text(value)
    if len(tag.encode()) > MAX_TAG_BYTES:
        raise Refusal(value, f"at most {MAX_TAG_BYTES} bytes long in UTF-8, it has {len(tag.encode())}")
    return tag


def _check_extra(value: Any) -> Any:
    if isinstance(value, str | bool | int | float):
        return _checks.check_json(value)
    raise Refusal(value, "a string or a number")


def _check_size(value: Any) -> int:
    size = _checks.check_int(value)
    if size < 0:
        raise Refusal(value, "0 or more")
    return size


def _check_level(value: Any) -> Any:
    return _text(value) if isinstance(value, str) else _steps(value)


def _check_header(value: Any) -> Any:
    if value is not None and not isinstance(value, Mapping):
        raise Refusal(value, "a mapping")
    return _checks.check_json(value)


def _principals(*kinds: str) -> Check:
    spelled = ", ".join(f"'{kind}:...'" for kind in kinds)
    pattern = re.compile(rf"(?:{'|'.join(kinds)}):.+", re.DOTALL)
    return _checks.list_of(_checks.text_of(longest=MAX_NAME, pattern=pattern, allowed=f"one of {spelled}"))


_file = _checks.mapping_of(
    {
        "href": _href,
        "size_bytes": _check_size,
        "hash": _text,
        "provider_id": _text,
        "provider_href": _href,
    }
)
_steps = _checks.list_of(
    _checks.mapping_of(
        {
            "function": _text,
            "parameter": _text,
            "index": _checks.check_int,
            "data_type": _text,
            "data_range": _range,
            "display_range": _range,
            "physical_range": _range,
            "physical_range_unit": _text,
        }
    )
)
_tags = _checks.list_of(_check_tag, most=MAX_TAGS)
_extra_properties = _checks.mapping_of(other=_check_extra, most=MAX_EXTRA_PROPERTIES)
_members = _principals("email", "user", "group", "org")

_BY_TYPE: Mapping[str, Check] = {
    "str": _text,
    "float": _checks.check_float,
    "int": _checks.check_int,
    "bool": _checks.check_bool,
    "time": _checks.check_time,
    "resolution": _checks.check_resolution,
    "geometry": check_geometry,
    "list": _checks.list_of(_text),
    "json": _checks.check_json,
}

_SPECIAL: Mapping[Kind, Mapping[str, Check]] = {
    "product": {
        "name": _name,
        "owners": _principals("user", "org", "access-id"),
        "readers": _members,
        "writers": _members,
        "tags": _tags,
        "extra_properties": _extra_properties,
    },
    "band": {
        "name": _named,
        "product_id": _name,
        "type": _checks.one_of(BAND_TYPES),
        "data_type": _checks.one_of(_DATA_TYPES),
        "colormap_name": _checks.one_of(_COLORMAPS),
        "band_index": _check_size,
        "file_index": _check_size,
        "jpx_layer_index": _check_size,
        "nodata": _checks.check_pixel_value,
        "data_range": _range,
        "display_range": _range,
        "physical_range": _range,
        "class_labels": _checks.list_of(_text, nullable=True),
        "colormap": _checks.list_of(_numbers, nullable=True),
        "processing_levels": _checks.mapping_of(other=_check_level),
        "derived_params": _checks.mapping_of(
            {"function": _href, "bands": _checks.list_of(_text), "source_type": _checks.one_of(_DATA_TYPES)},
            required=("function", "bands"),
        ),
        "tags": _tags,
        "extra_properties": _extra_properties,
    },
    "image": {
        "name": _named,
        "product_id": _name,
        "storage_state": _checks.one_of(STORAGE_STATES),
        "geotrans": _checks.tuple_of(6),
        "x_pixels": _check_size,
        "y_pixels": _check_size,
        "files": _checks.list_of(_file),
        "file_headers": _checks.list_of(_check_header, nullable=True),
        "bits_per_pixel": _numbers,
        "reflectance_scale": _numbers,
        "brightness_temperature_k1_k2": _number_lists,
        "c6s_dlsr": _number_lists,
        "radiance_gain_bias": _number_lists,
        "reflectance_gain_bias": _number_lists,
        "temperature_gain_bias": _number_lists,
        "tags": _tags,
        "extra_properties": _extra_properties,
    },
    "image_upload": {
        "product_id": _name,
        "status": _checks.one_of(_STATUSES),
        "image_upload_options": _checks.mapping_of(
            {"overviews": _checks.list_of(_checks.check_int, most=MAX_OVERVIEWS)}, other=_checks.check_json
        ),
    },
}


def _collect(kind: Kind) -> Mapping[str, Check]:
    checks = {name: _BY_TYPE[field.type] for name, field in FIELDS[kind].items() if name != "id"}
    return MappingProxyType({**checks, **_SPECIAL[kind]})


CHECKS: Mapping[Kind, Mapping[str, Check]] = MappingProxyType({kind: _collect(kind) for kind in FIELDS})
"""The check of every attribute, by kind and name."""
