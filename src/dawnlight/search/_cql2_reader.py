"""Queries read from CQL2 in its JSON encoding; see `dawnlight.search._cql2` for how meaning is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from shapely.geometry.base import BaseGeometry

from dawnlight.errors import FilterError
from dawnlight.search._codec import MAX_TERMS, load_json
from dawnlight.search._cql2 import GEOMETRY, SIGNS, escape_pattern, make_null_test
from dawnlight.search._documents import Kind
from dawnlight.search._expressions import MAX_DEPTH, And, Expression, Or
from dawnlight.search._fields import EXTRA_PREFIX
from dawnlight.search._leaves import Eq, ILike, IsNotNull, IsNull, Like, Match, Ne, Range
from dawnlight.search._query import Query
from dawnlight.search._values import shorten
from dawnlight.search._wire import read_geometry

__all__ = ["from_cql2"]

_BOUNDS = {sign: op for op, sign in SIGNS.items()}
_OPPOSITE = {"gt": "lte", "gte": "lt", "lt": "gte", "lte": "gt"}
_SWAPPED = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "=": "=", "<>": "<>"}


class _Answers(NamedTuple):
    """Where a predicate of three truth values is true, and where it is false; elsewhere it is neither."""

    true: Expression
    false: Expression


def from_cql2(kind: Kind, data: str | Mapping[str, Any] | bool) -> Query:
    """Read a CQL2 filter, whoever wrote it.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What is searched.
    data : str, mapping or bool
        JSON text, or what it decodes to.

    Returns
    -------
    Query
        With `where` and `geometry` set; it finds the documents for which the filter is true.

    Raises
    ------
    FilterError
        The filter cannot be read, says what Dawnlight cannot, does not fit the kind, or is too large.
    GeometryError
        A geometry cannot be read.

    Examples
    --------
    >>> from_cql2("image", '{"op": "between", "args": [{"property": "cloud_fraction"}, 0.1, 0.5]}').where
    0.1 <= p.cloud_fraction <= 0.5
    """
    if isinstance(data, str):
        data = load_json(data, "filter")
    places: list[tuple[BaseGeometry, bool]] = []
    rest: list[Any] = []
    for node in _conjuncts(data, 1):
        place = _read_place(node)
        if place is None:
            rest.append(node)
        else:
            places.append(place)
    reader = _Cql2Reader()
    parts = [reader.read(node, 1).true for node in rest]
    query = Query(kind=kind, where=None if not parts else parts[0] if len(parts) == 1 else And(tuple(parts)))
    if len(places) > 1:
        raise FilterError("a CQL2 filter may hold one s_intersects; intersect the geometries first")
    return query.intersecting(*places[0]) if places else query


def _conjuncts(node: Any, depth: int) -> list[Any]:
    """Return the predicates that must all hold."""
    if isinstance(node, Mapping) and node.get("op") == "and" and depth < MAX_DEPTH:
        return [part for child in _arguments(node, None) for part in _conjuncts(child, depth + 1)]
    return [node]


def _read_place(node: Any) -> tuple[BaseGeometry, bool] | None:
    """Read an s_intersects, alone or beside a test for a missing geometry."""
    match_null = False
    if _is_call(node, "or"):
        args = _arguments(node, None)
        rest = [arg for arg in args if arg != make_null_test("geometry")]
        if len(args) == 2 and len(rest) == 1:
            node, match_null = rest[0], True
    if not _is_call(node, "s_intersects"):
        return None
    args = _arguments(node, 2)
    others = [arg for arg in args if arg != GEOMETRY]
    if len(others) != 1 or not isinstance(others[0], Mapping):
        raise FilterError("s_intersects takes the property geometry and a GeoJSON geometry")
    return read_geometry(others[0]), match_null


class _Cql2Reader:
    """Reads predicates and counts them."""

    def __init__(self) -> None:
        self._terms = 0

    def read(self, node: Any, depth: int) -> _Answers:
        self._count(1)
        if depth > MAX_DEPTH:
            raise FilterError(f"filter nests deeper than {MAX_DEPTH} levels; flatten it")
        if isinstance(node, bool):
            always, never = And(()), Or(())
            return _Answers(always, never) if node else _Answers(never, always)
        if not isinstance(node, Mapping) or not isinstance(node.get("op"), str):
            raise FilterError(f"CQL2 predicate {shorten(node)} must be a mapping with op and args, or a bool")
        op = node["op"]
        if op in ("and", "or"):
            parts = [self.read(arg, depth + 1) for arg in _arguments(node, None)]
            true, false = tuple(part.true for part in parts), tuple(part.false for part in parts)
            return _Answers(And(true), Or(false)) if op == "and" else _Answers(Or(true), And(false))
        if op == "not":
            inner = self.read(_arguments(node, 1)[0], depth + 1)
            return _Answers(inner.false, inner.true)
        reader = _PREDICATES.get(op)
        if reader is None:
            known = ", ".join(["and", "or", "not", *_PREDICATES, "s_intersects (for the whole filter)"])
            raise FilterError(f"CQL2 operator {shorten(op)} is not understood here; known are {known}")
        answers = reader(node)
        self._count(_size(answers.true) - 1)
        return answers

    def _count(self, terms: int) -> None:
        self._terms += terms
        if self._terms > MAX_TERMS:
            raise FilterError(f"filter has more than {MAX_TERMS} terms; split the search")


def _read_comparison(node: Mapping[str, Any]) -> _Answers:
    op, (left, right) = node["op"], _arguments(node, 2)
    if not _is_property(left):
        op, left, right = _SWAPPED[op], right, left
    if _is_call(left, "casei") or _is_call(right, "casei"):
        if op not in ("=", "<>"):
            raise FilterError("casei is understood in =, <> and like only")
        name, value = _read_folded(left), _read_folded_literal(right)
        same = _match(ILike(name, escape_pattern(value)))
        return same if op == "=" else _Answers(same.false, same.true)
    name, value = _read_name(left), _read_literal(right)
    if op in ("=", "<>"):
        equal, other = Eq(name, value), Ne(name, value) & IsNotNull(name)
        return _Answers(equal, other) if op == "=" else _Answers(other, equal)
    bound = _BOUNDS[op]
    return _range(Range(name, **{bound: value}), Range(name, **{_OPPOSITE[bound]: value}))


def _read_between(node: Mapping[str, Any]) -> _Answers:
    subject, low, high = _arguments(node, 3)
    name, least, most = _read_name(subject), _read_literal(low), _read_literal(high)
    return _range(Range(name, gte=least, lte=most), Range(name, lt=least) | Range(name, gt=most))


def _read_in(node: Mapping[str, Any]) -> _Answers:
    subject, choices = _arguments(node, 2)
    name, values = _read_name(subject), [_read_literal(choice) for choice in _list_of(choices, "in")]
    others = And((*(Ne(name, value) for value in values), IsNotNull(name)))
    return _Answers(Or(tuple(Eq(name, value) for value in values)), others)


def _read_like(node: Mapping[str, Any]) -> _Answers:
    left, right = _arguments(node, 2)
    if _is_call(left, "casei") or _is_call(right, "casei"):
        return _match(ILike(_read_folded(left), _read_folded_literal(right)))
    return _match(Like(_read_name(left), _read_literal(right)))


def _read_null(node: Mapping[str, Any]) -> _Answers:
    name = _read_name(_arguments(node, 1)[0])
    return _Answers(IsNull(name), IsNotNull(name))


def _read_array(node: Mapping[str, Any]) -> _Answers:
    subject, items = _arguments(node, 2)
    name, values = _read_name(subject), [_read_literal(item) for item in _list_of(items, node["op"])]
    equal = tuple(Eq(name, value) for value in values)
    holds = And(equal) if node["op"] == "a_contains" else Or(equal)
    return _Answers(holds & IsNotNull(name), ~holds & IsNotNull(name))


_PREDICATES: Mapping[str, Callable[[Mapping[str, Any]], _Answers]] = {
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">="), _read_comparison),
    "between": _read_between,
    "in": _read_in,
    "like": _read_like,
    "isNull": _read_null,
    "a_contains": _read_array,
    "a_overlaps": _read_array,
}


def _range(inside: Range, outside: Expression) -> _Answers:
    # An extra property of another type is neither inside nor outside, yet has a value that is not inside.
    if inside.name.startswith(EXTRA_PREFIX):
        return _Answers(inside, ~inside & IsNotNull(inside.name))
    return _Answers(inside, outside)


def _match(leaf: Match) -> _Answers:
    return _Answers(leaf, ~leaf & IsNotNull(leaf.name))


def _arguments(node: Mapping[str, Any], count: int | None) -> Sequence[Any]:
    args = node.get("args")
    if not isinstance(args, list | tuple) or (count is not None and len(args) != count):
        wanted = "a list" if count is None else f"a list of {count}"
        raise FilterError(f"args of the CQL2 operator {node['op']} must be {wanted}, not {shorten(args)}")
    return args


def _list_of(value: Any, op: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple) or len(value) > MAX_TERMS:
        raise FilterError(f"{op} takes a list of at most {MAX_TERMS} values, not {shorten(value)}")
    return value


def _is_property(value: Any) -> bool:
    if _is_call(value, "casei"):
        value = _arguments(value, 1)[0]
    return isinstance(value, Mapping) and "property" in value


def _is_call(value: Any, op: str) -> bool:
    return isinstance(value, Mapping) and value.get("op") == op


def _read_folded(value: Any) -> str:
    return _read_name(_arguments(value, 1)[0] if _is_call(value, "casei") else value)


def _read_folded_literal(value: Any) -> str:
    text = _read_literal(_arguments(value, 1)[0] if _is_call(value, "casei") else value)
    if not isinstance(text, str):
        raise FilterError(f"casei takes text, not {shorten(text)}")
    return text


def _read_name(value: Any) -> str:
    name = value.get("property") if isinstance(value, Mapping) else None
    if not isinstance(name, str) or not name:
        raise FilterError(f"a CQL2 comparison needs a property such as {GEOMETRY}, not {shorten(value)}")
    return name


def _read_literal(value: Any) -> Any:
    if isinstance(value, Mapping):
        keys = set(value)
        if keys not in ({"timestamp"}, {"date"}):
            raise FilterError(f"{shorten(value)} is not a value that a property is compared with")
        value = value["timestamp"] if "timestamp" in value else value["date"]
        if not isinstance(value, str):
            raise FilterError(f"a CQL2 timestamp is text, not {shorten(value)}")
    if not isinstance(value, str | int | float):
        raise FilterError(f"{shorten(value)} is not a value that a property is compared with")
    return value


def _size(expression: Expression) -> int:
    return len(expression.parts) if isinstance(expression, And | Or) else 1
