"""Filters on objects that are no documents: their attributes' own types decide how values compare."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Any

import numpy as np

from dawnlight.errors import FilterError
from dawnlight.search._check import normalize_leaf
from dawnlight.search._evaluate import make_test
from dawnlight.search._expressions import And, Expression, Not, Or
from dawnlight.search._fields import Field, FieldType
from dawnlight.search._leaves import Comparison, Match, NullTest, Range
from dawnlight.search._times import time_to_wire

__all__ = ["evaluate_plain"]


def evaluate_plain(expression: Expression, obj: Any) -> bool:  # whatever has attributes
    """Tell whether an object meets a condition, by its attributes.

    Parameters
    ----------
    expression : Expression
        The condition.
    obj : object
        Has an attribute for each name that is looked at; ``extra_properties.<key>`` looks into a mapping.
        Datetimes compare as times, lists, tuples and sets as lists, objects with a value and a unit as
        resolutions, enum members as their values, mappings not at all, and all else as extra properties do.

    Returns
    -------
    bool
        See `evaluate`.

    Raises
    ------
    FilterError
        The object has no such attribute, or its value cannot be compared so.
    """
    if isinstance(expression, Not):
        return not evaluate_plain(expression.part, obj)
    if isinstance(expression, And):
        return all(evaluate_plain(part, obj) for part in expression.parts)
    if isinstance(expression, Or):
        return any(evaluate_plain(part, obj) for part in expression.parts)
    if isinstance(expression, Comparison | Range | Match | NullTest):
        type_, value = _describe(_read(obj, expression.name))
        field = Field(name=expression.name, type=type_)
        return make_test(field, normalize_leaf(type(obj).__name__, field, expression))(value)
    raise FilterError(f"{expression!r} of type {type(expression).__name__} is not an expression")


def _read(obj: Any, name: str) -> Any:
    head, dot, key = name.partition(".")
    try:
        value = getattr(obj, head)
    except AttributeError as error:
        raise FilterError(f"filter on {name}: {type(obj).__name__} has no attribute {head!r}") from error
    if not dot:
        return value
    return value.get(key) if isinstance(value, Mapping) else None


def _describe(value: Any) -> tuple[FieldType, Any]:
    """Return the type by which a value compares, and its wire spelling."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64):
        value = value.item()
    if value is None or isinstance(value, str | bool | int | float):
        return "any", value
    if isinstance(value, date | np.datetime64):
        return "time", time_to_wire(value)
    if isinstance(value, list | tuple | set | frozenset):
        return "list", [_describe(item)[1] for item in value]
    if not isinstance(value, Mapping) and hasattr(value, "value") and hasattr(value, "unit"):
        unit = value.unit.value if isinstance(value.unit, Enum) else value.unit
        return "resolution", {"value": value.value, "unit": unit}
    return "json", value
