"""What a document's value is compared as, by the type of its field."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from dawnlight.errors import ParameterError
from dawnlight.search._documents import Document
from dawnlight.search._fields import Field
from dawnlight.search._resolutions import resolution_to_meters
from dawnlight.search._times import time_to_key

__all__ = ["comparable", "is_null", "read_plain", "to_comparable"]

Comparable = str | int | float | bool


def comparable(field: Field, document: Document) -> Comparable | None:
    """Read a field of a document in the form in which it compares.

    Parameters
    ----------
    field : Field
        A field that is neither a list, a geometry nor json.
    document : Document
        Any document.

    Returns
    -------
    str, int, float, bool or None
        None where there is no value, or one that is not of the field's type.
    """
    return to_comparable(field, document.get(field.name))


def to_comparable(field: Field, value: Any) -> Comparable | None:  # any JSON value
    """Bring a wire value to the form in which its field compares.

    Parameters
    ----------
    field : Field
        A field that is neither a list, a geometry nor json.
    value : object
        A JSON value.

    Returns
    -------
    str, int, float, bool or None
        Times as keys of fixed width, resolutions in metres; None where the value is not of the field's type.
    """
    return _READERS[field.type](value)


def is_null(field: Field, value: Any) -> bool:  # any JSON value
    """Tell whether a wire value counts as null: it is missing, empty, or not of the field's type.

    Parameters
    ----------
    field : Field
        Any field.
    value : object
        A JSON value.

    Returns
    -------
    bool
        True for None, an empty list, and what a field of this type cannot compare (NaN, a number without
        a known unit, a time that cannot be read).
    """
    if field.type == "list":
        return not (isinstance(value, list | tuple) and value)
    if field.type == "geometry":
        return not isinstance(value, Mapping)
    if field.type == "json":
        return value is None or (isinstance(value, list | tuple) and not value)
    return to_comparable(field, value) is None


def read_plain(value: Any) -> Comparable | None:  # any JSON value
    """Read an extra property or an item of a list: a string, a number or a truth value.

    Parameters
    ----------
    value : object
        A JSON value.

    Returns
    -------
    str, int, float, bool or None
        None for anything else, and for NaN.
    """
    return value if isinstance(value, str | bool) else _read_number(value)


def _read_text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _read_number(value: Any) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        try:
            return float(value)  # what a database makes of it
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    return value


def _read_bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _read_time(value: Any) -> str | None:
    try:
        return time_to_key(value) if isinstance(value, str) else None
    except ParameterError:
        return None


def _read_nothing(value: Any) -> None:
    return None


_READERS: dict[str, Callable[[Any], Comparable | None]] = {
    "str": _read_text,
    "float": _read_number,
    "int": _read_number,
    "bool": _read_bool,
    "time": _read_time,
    "resolution": resolution_to_meters,
    "any": read_plain,
    "list": _read_nothing,
    "geometry": _read_nothing,
    "json": _read_nothing,
}
