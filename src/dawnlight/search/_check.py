"""Does an expression fit what it is asked about? Checked once, before any document is looked at.

What passes comes back *normalised*, every value in the form in which the type of its field compares:

============  ============================================================================
field type    values
============  ============================================================================
str           str
float, int    int or float (within 64 bits; larger ones become floats)
bool          bool; only equality
time          str made by `time_to_key`
list          str, int, float or bool, compared with the items; no ranges
resolution    float, metres
any           str, int, float or bool; values of different types never match
geometry      none: only tests for null
json          none: only tests for null
============  ============================================================================
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, assert_never

from dawnlight.errors import FilterError, ParameterError
from dawnlight.search._documents import Kind
from dawnlight.search._expressions import And, Expression, Not, Or
from dawnlight.search._fields import FIELDS, Field, get_field
from dawnlight.search._leaves import Comparison, Leaf, Match, NullTest, Prefix, Range, iter_leaves
from dawnlight.search._resolutions import ResolutionValue, parse_resolution
from dawnlight.search._times import time_to_key
from dawnlight.search._values import Value, shorten

__all__ = ["check_filterable", "normalize_expression", "normalize_leaf", "require_expression"]

# Which operators a type takes; every type takes isnull and isnotnull.
_EQUALITY = frozenset({"eq", "ne"})
_RANGES = frozenset({"gt", "gte", "lt", "lte"})
_MATCHES = frozenset({"prefix", "like", "ilike"})
_OPERATORS: dict[str, frozenset[str]] = {
    "str": _EQUALITY | _RANGES | _MATCHES,
    "float": _EQUALITY | _RANGES,
    "int": _EQUALITY | _RANGES,
    "bool": _EQUALITY,
    "time": _EQUALITY | _RANGES,
    "list": _EQUALITY | _MATCHES,
    "resolution": _EQUALITY | _RANGES,
    "geometry": frozenset(),
    "json": frozenset(),
    "any": _EQUALITY | _RANGES | _MATCHES,
}
_WORDS = {
    "str": "a string",
    "float": "a number",
    "int": "a number",
    "bool": "True or False",
    "time": "a point in time, such as '2023-07-01' or a datetime",
    "list": "one string, number or truth value that the list may hold",
    "resolution": "a number of metres, or a number with a unit such as '10 m'",
    "any": "a string, a number or a truth value",
}
_HINTS = {
    "time": "for a period use a range: '2023-01-01' <= p.acquired < '2024-01-01'",
    "geometry": "for places use the search's intersects",
    "list": "equality asks whether the list holds the value",
}


def normalize_expression(kind: Kind, expression: Expression) -> Expression:
    """Check that an expression fits a kind of document, and bring its values to the form that compares.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What it is asked about.
    expression : Expression
        The condition.

    Returns
    -------
    Expression
        A tree of the same shape with canonical names and comparable values (see the table of the module).
        Normalising it again may fail or change it; a normalised tree is only for comparing.

    Raises
    ------
    FilterError
        A field is unknown, or compared in a way its type does not allow; the message names field, value
        and what is allowed.
    """
    return _normalize(kind, require_expression(expression))


@lru_cache(maxsize=256)
def _normalize(kind: Kind, expression: Expression) -> Expression:
    return _rewrite(kind, expression)


def _rewrite(kind: Kind, expression: Expression) -> Expression:
    if isinstance(expression, And):
        return And(tuple(_rewrite(kind, part) for part in expression.parts))
    if isinstance(expression, Or):
        return Or(tuple(_rewrite(kind, part) for part in expression.parts))
    if isinstance(expression, Not):
        return Not(_rewrite(kind, expression.part))
    if isinstance(expression, Comparison | Range | Match | NullTest):
        return normalize_leaf(kind, get_field(kind, expression.name), expression)
    raise _no_expression(expression)


def require_expression(value: object) -> Expression:
    """Check that a value is an expression.

    Parameters
    ----------
    value : object
        Whatever was given as a filter.

    Returns
    -------
    Expression
        The same value.

    Raises
    ------
    FilterError
        It is not.
    """
    if not isinstance(value, Expression):
        raise _no_expression(value)
    return value


def _no_expression(value: object) -> FilterError:
    return FilterError(
        f"a filter is an expression such as p.cloud_fraction < 0.5, not {shorten(value)} of type "
        f"{type(value).__name__}; combine several with & and parentheses"
    )


def check_filterable(kind: Kind, expression: Expression) -> None:
    """Check that a search can filter on every field of an expression.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What is searched.
    expression : Expression
        The condition.

    Raises
    ------
    FilterError
        A field cannot be filtered on.
    """
    for leaf in iter_leaves(expression):
        if not get_field(kind, leaf.name).filterable:
            known = ", ".join(sorted(name for name, field in FIELDS[kind].items() if field.filterable))
            raise FilterError(
                f"a search of {kind} documents cannot filter on {leaf.name}; it can on {known} and "
                "extra_properties.<key>. Collected results can be filtered on every attribute"
            )


def normalize_leaf(owner: str, field: Field, leaf: Leaf) -> Leaf:
    """Check that a comparison fits a field, and bring its values to the form that compares.

    Parameters
    ----------
    owner : str
        What has the field; for messages.
    field : Field
        The field that the comparison names.
    leaf : Leaf
        The comparison.

    Returns
    -------
    Leaf
        Of the same class, see `normalize_expression`.

    Raises
    ------
    FilterError
        The type of the field does not allow it.
    """
    if isinstance(leaf, NullTest):
        return type(leaf)(field.name)
    if isinstance(leaf, Comparison):
        _require_operator(owner, field, leaf.op, leaf.value)
        return type(leaf)(field.name, _convert(owner, field, leaf.op, leaf.value))
    if isinstance(leaf, Range):
        bounds: dict[str, Any] = {}
        for op, value in leaf.bounds.items():
            _require_operator(owner, field, op, value)
            bounds[op] = _convert(owner, field, op, value)
        return Range(field.name, **bounds)
    if isinstance(leaf, Match):
        _require_operator(owner, field, leaf.op, leaf.value)
        if not isinstance(leaf, Prefix):
            _require_pattern(leaf)
        return type(leaf)(field.name, _check_text(field, leaf.value))
    assert_never(leaf)


def _require_operator(owner: str, field: Field, op: str, value: Value) -> None:
    allowed = _OPERATORS[field.type]
    if op in allowed:
        return
    names = ", ".join(sorted({*allowed, "isnull", "isnotnull"}))
    hint = f"; {_HINTS[field.type]}" if field.type in _HINTS else ""
    raise FilterError(
        f"filter on {field.name}: {op} with {shorten(value)} does not fit the {field.type} attribute "
        f"of {owner}; allowed are {names}{hint}"
    )


def _require_pattern(leaf: Match) -> None:
    escapes = len(leaf.value) - len(leaf.value.rstrip("\\"))
    if escapes % 2:
        raise FilterError(
            f"filter on {leaf.name}: the pattern {shorten(leaf.value)} ends with a single backslash, which "
            r"escapes nothing; write \\ for a backslash"
        )


def _convert(owner: str, field: Field, op: str, value: Value) -> Value:
    found: Value | None
    if field.type == "str":
        found = _check_text(field, value) if isinstance(value, str) else None
    elif field.type in ("float", "int"):
        found = (
            None
            if isinstance(value, str | ResolutionValue)
            else _fit_number(int(value) if isinstance(value, bool) else value)
        )
    elif field.type == "bool":
        found = bool(value) if isinstance(value, int | float) and value in (0, 1) else None
    elif field.type == "time":
        found = _convert_time(field, value)
    elif field.type == "resolution":
        found = _convert_resolution(field, value)
    else:
        found = _convert_any(field, op, value)
    if found is None:
        raise FilterError(
            f"filter on {field.name}: {shorten(value)} does not fit the {field.type} attribute of {owner}; "
            f"allowed is {_WORDS[field.type]}"
        )
    return found


def _convert_time(field: Field, value: Value) -> Value | None:
    if not isinstance(value, str):
        return None
    try:
        return time_to_key(value)
    except ParameterError as error:
        raise FilterError(f"filter on {field.name}: {error}") from error


def _convert_resolution(field: Field, value: Value) -> Value | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            return parse_resolution(value).meters
        except ParameterError as error:
            raise FilterError(f"filter on {field.name}: {error}") from error
    if isinstance(value, ResolutionValue):
        return value.meters
    return float(_fit_number(value))


def _convert_any(field: Field, op: str, value: Value) -> Value | None:
    if isinstance(value, str):
        return _check_text(field, value)
    if isinstance(value, bool):
        return None if op in _RANGES else value
    return None if isinstance(value, ResolutionValue) else _fit_number(value)


def _fit_number(value: int | float) -> int | float:
    return value if isinstance(value, float) or -(2**63) <= value < 2**63 else float(value)


def _check_text(field: Field, value: str) -> str:
    # Neither can be stored by every database, so no document holds them.
    if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise FilterError(
            f"filter on {field.name}: {shorten(value)} holds a NUL character or half a surrogate pair, "
            "which no text has"
        )
    return value
