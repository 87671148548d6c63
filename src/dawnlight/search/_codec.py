"""Expressions as JSON, in both forms of the reference platform, and back.

============================  ==============================================  =============================
Python                        JSON:API form                                   plain form
============================  ==============================================  =============================
``p.x == v``                  ``{"op": "eq", "name": "x", "val": v}``         ``{"eq": {"x": v}}``
``a < p.x <= b``              ``{"and": [{"name": "x", "op": "gt", ...        ``{"range": {"x": {"gt": a,
                              "val": a}, {... "lte" ...}]}``                  "lte": b}}}``
``p.x.isnull``                ``{"name": "x", "op": "isnull"}``               ``{"isnull": "x"}``
``e1 & e2``, ``e1 | e2``      ``{"and": [...]}``, ``{"or": [...]}``           the same
``~e``                        ``{"not": e}``                                  the same
============================  ==============================================  =============================

``not`` is Dawnlight's own; the reference platform cannot negate. The plain form reads back to the same
structure. So does the JSON:API form, except that comparisons of one field with one bound each, joined by
"and", come back as one `Range`, because that is how a chain is written there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dawnlight.errors import FilterError
from dawnlight.search._documents import Kind
from dawnlight.search._expressions import MAX_DEPTH, And, Expression, Not, Or
from dawnlight.search._fields import get_field
from dawnlight.search._leaves import (
    Comparison,
    Eq,
    ILike,
    IsNotNull,
    IsNull,
    Like,
    Match,
    Ne,
    NullTest,
    Prefix,
    Range,
)
from dawnlight.search._resolutions import ResolutionValue
from dawnlight.search._values import Value, shorten

__all__ = ["MAX_TERMS", "load_json", "parse_expression", "to_jsonapi", "to_plain"]

MAX_TERMS = 50_000
"""How many comparisons and combinations one expression read from JSON may hold."""
MAX_TEXT = 16 * 2**20
"""How many characters of JSON are read."""

_RANGE_OPS = ("gt", "gte", "lt", "lte")
_BINARY: dict[str, Callable[[str, Any], Expression]] = {
    "eq": lambda name, value: IsNull(name) if value is None else Eq(name, value),
    "ne": lambda name, value: IsNotNull(name) if value is None else Ne(name, value),
    "prefix": Prefix,
    "like": Like,
    "ilike": ILike,
    "gt": lambda name, value: Range(name, gt=value),
    "gte": lambda name, value: Range(name, gte=value),
    "lt": lambda name, value: Range(name, lt=value),
    "lte": lambda name, value: Range(name, lte=value),
}
_UNARY: dict[str, Callable[[str], Expression]] = {"isnull": IsNull, "isnotnull": IsNotNull}
_KNOWN = ", ".join([*_BINARY, "range", *_UNARY, "and", "or", "not"])


def to_plain(expression: Expression) -> dict[str, Any]:
    """Spell an expression in the plain form.

    Parameters
    ----------
    expression : Expression
        Any expression.

    Returns
    -------
    dict
        JSON-able.
    """
    if isinstance(expression, And | Or):
        key = "and" if isinstance(expression, And) else "or"
        return {key: [to_plain(part) for part in expression.parts]}
    if isinstance(expression, Not):
        return {"not": to_plain(expression.part)}
    if isinstance(expression, Range):
        bounds = {op: _spell_value(value) for op, value in expression.bounds.items()}
        return {"range": {expression.name: bounds}}
    if isinstance(expression, NullTest):
        return {expression.op: expression.name}
    if isinstance(expression, Comparison | Match):
        return {expression.op: {expression.name: _spell_value(expression.value)}}
    raise FilterError(f"{expression!r} of type {type(expression).__name__} is not an expression")


def to_jsonapi(expression: Expression, kind: Kind | None) -> dict[str, Any]:
    """Spell an expression in the JSON:API form.

    Parameters
    ----------
    expression : Expression
        Any expression.
    kind : {"product", "band", "image", "image_upload"} or None
        Checks the names and spells truth values; None does not.

    Returns
    -------
    dict
        JSON-able.

    Raises
    ------
    FilterError
        The kind has no such attribute.
    """
    if isinstance(expression, And | Or):
        key = "and" if isinstance(expression, And) else "or"
        return {key: [to_jsonapi(part, kind) for part in expression.parts]}
    if isinstance(expression, Not):
        return {"not": to_jsonapi(expression.part, kind)}
    if not isinstance(expression, Comparison | Match | NullTest | Range):
        raise FilterError(f"{expression!r} of type {type(expression).__name__} is not an expression")
    name, boolean = expression.name, False
    if kind is not None:
        field = get_field(kind, name)
        name, boolean = field.name, field.type == "bool"
    if isinstance(expression, NullTest):
        return {"name": name, "op": expression.op}
    if isinstance(expression, Range):
        terms = [
            {"name": name, "op": op, "val": _spell_value(value)} for op, value in expression.bounds.items()
        ]
        return terms[0] if len(terms) == 1 else {"and": terms}
    value = _spell_value(expression.value)
    if isinstance(expression, Match):
        order = ("op", "name") if isinstance(expression, Prefix) else ("name", "op")
        found = {"op": expression.op, "name": name}
        return {**{key: found[key] for key in order}, "val": value}
    return {"op": expression.op, "name": name, "val": bool(value) if boolean and value in (0, 1) else value}


def parse_expression(data: Any) -> Expression:  # from anywhere
    """Read an expression in either form.

    Parameters
    ----------
    data : str, mapping or sequence
        See `Expression.parse`.

    Returns
    -------
    Expression
        The condition.

    Raises
    ------
    FilterError
        The data is not an expression, nests too deep or is too large.
    """
    return _Reader().read(load_json(data, "filter") if isinstance(data, str) else data)


def load_json(text: str, what: str) -> Any:  # whatever JSON can say
    """Decode JSON from a stranger.

    Parameters
    ----------
    text : str
        JSON.
    what : str
        What it should be; for messages.

    Returns
    -------
    object
        What it says.

    Raises
    ------
    FilterError
        It is too long or is not JSON; NaN and infinities are not.
    """
    if len(text) > MAX_TEXT:
        raise FilterError(f"{what} is longer than {MAX_TEXT} characters")

    def refuse(word: str) -> None:
        raise FilterError(f"{what} holds {word}, which is not JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except FilterError:
        raise
    except (ValueError, RecursionError) as error:  # ValueError also for integers of thousands of digits
        raise FilterError(f"{what} is not JSON: {error}") from error


class _Reader:
    """Reads one expression and counts its terms."""

    def __init__(self) -> None:
        self._terms = 0

    def read(self, data: Any, depth: int = 1) -> Expression:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise FilterError(f"filter has more than {MAX_TERMS} terms; split the search")
        if depth > MAX_DEPTH:
            raise FilterError(f"filter nests deeper than {MAX_DEPTH} levels; flatten it")
        if isinstance(data, Sequence) and not isinstance(data, str | bytes):
            parts = tuple(self.read(item, depth + 1) for item in data)
            return parts[0] if len(parts) == 1 else And(parts)
        if not isinstance(data, Mapping):
            raise FilterError(f"filter term {shorten(data)} must be a mapping or a list of mappings")
        if "op" in data:
            return _read_term(data)
        if len(data) != 1:
            raise FilterError(f"filter term {shorten(data)} must have one key or the keys op, name, val")
        ((key, value),) = data.items()
        if key in ("and", "or"):
            return self._read_parts(key, value, depth)
        if key == "not":
            return ~self.read(value, depth + 1)
        return _read_plain(key, value)

    def _read_parts(self, key: str, value: Any, depth: int) -> Expression:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise FilterError(f"{key!r} in a filter takes a list, not {shorten(value)}")
        parts = tuple(self.read(item, depth + 1) for item in value)
        if key == "or":
            return Or(parts)
        terms = all(isinstance(item, Mapping) and item.get("op") in _RANGE_OPS for item in value)
        joined = _join_range(parts) if terms else None
        return And(parts) if joined is None else joined


def _join_range(parts: tuple[Expression, ...]) -> Range | None:
    bounds: dict[str, Any] = {}
    names = set()
    for part in parts:
        if isinstance(part, Range):
            names.add(part.name)
            bounds.update(part.bounds)
    if len(parts) < 2 or len(names) != 1 or len(bounds) != len(parts):
        return None
    return Range(names.pop(), **bounds)


def _read_term(data: Mapping[str, Any]) -> Expression:
    op, name = data["op"], data.get("name")
    if unknown := set(data) - {"op", "name", "val"}:
        raise FilterError(f"filter term {shorten(data)} has the unknown key {min(map(str, unknown))!r}")
    if isinstance(op, str) and op in _UNARY:
        return _UNARY[op](_require_name(name, data))
    if not isinstance(op, str) or op not in _BINARY:
        raise FilterError(f"filter operator {shorten(op)} is unknown; known are {_KNOWN}")
    if "val" not in data:
        raise FilterError(f"filter term {shorten(data)} has no val")
    return _read_binary(op, _require_name(name, data), data["val"])


def _read_plain(op: Any, value: Any) -> Expression:
    if isinstance(op, str) and op in _UNARY:
        return _UNARY[op](_require_name(value, {op: value}))
    if not isinstance(op, str) or op not in {*_BINARY, "range"}:
        raise FilterError(f"filter operator {shorten(op)} is unknown; known are {_KNOWN}")
    if not isinstance(value, Mapping) or len(value) != 1:
        raise FilterError(f"{op!r} in a filter takes a mapping of one name, not {shorten(value)}")
    ((name, operand),) = value.items()
    name = _require_name(name, value)
    if op != "range":
        return _read_binary(op, name, operand)
    if not isinstance(operand, Mapping) or not operand or set(operand) - set(_RANGE_OPS):
        raise FilterError(f"range on {name} takes a mapping of gt, gte, lt, lte, not {shorten(operand)}")
    if any(bound is None for bound in operand.values()):
        raise FilterError(f"range on {name}: a bound is null; leave it out")
    return Range(name, **operand)


def _read_binary(op: str, name: str, value: Any) -> Expression:
    if op == "eq" and name == "id" and isinstance(value, list | tuple):
        # How the reference platform asks for many objects at once; no ids match nothing.
        if len(value) > MAX_TERMS:
            raise FilterError(f"filter has more than {MAX_TERMS} terms; split the search")
        parts = tuple(Eq(name, item) for item in value)
        return parts[0] if len(parts) == 1 else Or(parts)
    return _BINARY[op](name, value)


def _require_name(name: Any, data: Any) -> str:
    if not isinstance(name, str) or not name:
        raise FilterError(f"filter term {shorten(data)} has no name of a field")
    return name


def _spell_value(value: Value) -> Any:
    return value.to_wire() if isinstance(value, ResolutionValue) else value
