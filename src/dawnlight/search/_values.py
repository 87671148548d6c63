"""What may stand on the other side of a comparison: everything users hold, brought to a few plain types."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

import numpy as np

from dawnlight.errors import FilterError, ParameterError
from dawnlight.search._resolutions import ResolutionValue
from dawnlight.search._times import time_to_wire

__all__ = ["Value", "normalize_value", "shorten"]

_MAX_BITS = 1023
"""Larger whole numbers do not fit a float."""

Value = str | int | float | bool | ResolutionValue
"""A value in an expression. Times are strings in wire spelling; null is not a value (see `IsNull`)."""


def normalize_value(value: Any, *, name: str) -> Value:  # whatever a user compares with
    """Bring the value of a comparison to its one spelling.

    Parameters
    ----------
    value : object
        A string, number, truth value, enum member, point in time, resolution, or an object with an
        ``id``. NumPy scalars and pandas timestamps are taken as what they hold.
    name : str
        The field it is compared with; for messages.

    Returns
    -------
    str, int, float, bool or ResolutionValue
        An immutable, JSON-able value.

    Raises
    ------
    FilterError
        The value cannot be compared with anything, such as None, NaN, a list or a geometry.
    """
    try:
        found = _normalize(value)
    except ParameterError as error:
        raise FilterError(f"filter on {name}: {error}") from error
    if found is not None:
        return found
    raise FilterError(
        f"filter on {name}: cannot compare with {shorten(value)} of type {type(value).__name__}; allowed "
        f"are strings, finite numbers, booleans, times, resolutions and objects with an id{_hint(value)}"
    )


def _normalize(value: Any) -> Value | None:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int | float | np.number | Decimal):
        return _normalize_number(value)
    if isinstance(value, date | np.datetime64):
        return time_to_wire(value)
    if isinstance(value, ResolutionValue):
        return value
    if isinstance(value, Mapping):
        return (
            _read_resolution(value.get("value"), value.get("unit"))
            if set(value) == {"value", "unit"}
            else None
        )
    if hasattr(value, "value") and hasattr(value, "unit"):
        return _read_resolution(value.value, value.unit)
    identity = getattr(value, "id", None)
    return str(identity) if isinstance(identity, str) else None


def _read_unit(unit: Any) -> str:
    unit = unit.value if isinstance(unit, Enum) else unit
    if not isinstance(unit, str):
        raise ParameterError(f"resolution unit {shorten(unit)} must be 'meters' or 'degrees'")
    return str(unit)


def _normalize_number(value: Any) -> int | float | None:
    if isinstance(value, int | np.integer):
        number = int(value)
        return number if number.bit_length() <= _MAX_BITS else None
    if isinstance(value, float | np.floating | Decimal) and math.isfinite(value):
        return float(value)
    return None


def _read_resolution(value: Any, unit: Any) -> ResolutionValue:
    number = None if isinstance(value, bool) else _normalize_number(value)
    if number is None:
        raise ParameterError(f"resolution value {shorten(value)} must be a finite number")
    return ResolutionValue(number, _read_unit(unit))


def shorten(value: Any) -> str:  # whatever a stranger sent
    """Show a value in a message, however large or deep it is.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    str
        At most 80 characters.
    """
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # too deep, or an int of too many digits
        return f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= 80 else f"{text[:77]}..."


def _hint(value: Any) -> str:
    if value is None:
        return "; for null use isnull and isnotnull"
    if isinstance(value, list | tuple | set | frozenset):
        return "; for one of several values use any_of"
    if hasattr(value, "__geo_interface__"):
        return "; for geometries use the search's intersects"
    return ""
