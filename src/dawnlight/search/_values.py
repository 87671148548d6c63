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

__all__ = ["Value", "normalize_value"]

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
        f"filter on {name}: cannot compare with {_shorten(value)} of type {type(value).__name__}; allowed "
        f"are strings, finite numbers, booleans, times, resolutions and objects with an id{_hint(value)}"
    )


def _normalize(value: Any) -> Value | None:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating | Decimal):
        return float(value) if math.isfinite(value) else None
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


def _read_resolution(value: Any, unit: Any) -> ResolutionValue:
    number = _normalize(value)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise ParameterError(f"resolution value {value!r} must be a finite number")
    return ResolutionValue(number, str(unit.value) if isinstance(unit, Enum) else str(unit))


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _hint(value: Any) -> str:
    if value is None:
        return "; for null use isnull and isnotnull"
    if isinstance(value, list | tuple | set | frozenset):
        return "; for one of several values use any_of"
    if hasattr(value, "__geo_interface__"):
        return "; for geometries use the search's intersects"
    return ""
