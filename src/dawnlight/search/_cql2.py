r"""Queries as CQL2 in its JSON encoding (OGC 21-065r2), and back.

CQL2 knows a third truth value: a comparison with null is neither true nor false, and so is its negation.
Dawnlight's filters do not: ``!=`` and ``~`` hold for null. The translations keep the *answer*: a document is
found by the one exactly if it is found by the other. So ``p.x != 5`` becomes "x is not 5 or x is null", and
CQL2's "not x > 5" becomes ``p.x <= 5``.

Understood are the basic comparisons, ``and``, ``or``, ``not``, ``isNull``, ``like``, ``between``, ``in``,
``casei``, ``a_contains`` and ``a_overlaps`` with a list of values, ``true`` and ``false``, and
``s_intersects`` of the geometry where it must hold for the whole. Properties carry Dawnlight's names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import shapely

from dawnlight.errors import FilterError
from dawnlight.search._documents import Kind
from dawnlight.search._expressions import And, Expression, Not, Or
from dawnlight.search._fields import get_field
from dawnlight.search._leaves import Comparison, Eq, ILike, IsNull, Leaf, Match, Ne, NullTest, Prefix, Range
from dawnlight.search._query import Query
from dawnlight.search._times import time_to_wire

__all__ = ["GEOMETRY", "SIGNS", "escape_pattern", "make_null_test", "to_cql2"]

Node = dict[str, Any] | bool
"""A CQL2 predicate."""

SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
GEOMETRY = {"property": "geometry"}


def to_cql2(query: Query) -> dict[str, Any] | None:
    """Spell what a query asks of a document as a CQL2 filter.

    Parameters
    ----------
    query : Query
        Its sort and limit are no part of a filter.

    Returns
    -------
    dict or None
        JSON-able; None where everything is asked for. Resolutions are in metres.

    Raises
    ------
    FilterError
        CQL2 cannot say it: a text search, or a pattern that any item of a list may fit.

    Examples
    --------
    >>> from dawnlight.search import Properties, Query
    >>> p = Properties()
    >>> to_cql2(Query(kind="image", where=p.cloud_fraction < 0.5))
    {'op': '<', 'args': [{'property': 'cloud_fraction'}, 0.5]}
    """
    if query.text is not None:
        raise FilterError(f"CQL2 has no text search; leave text={query.text!r} out")
    nodes: list[Node] = []
    if query.condition is not None:
        nodes.append(_Writer(query.kind).write(query.condition, True))
    if query.geometry is not None:
        geometry = shapely.geometry.mapping(query.geometry)
        place: Node = {"op": "s_intersects", "args": [GEOMETRY, geometry]}
        nodes.append(_join("or", [place, make_null_test("geometry")]) if query.match_null_geometry else place)
    whole = _join("and", nodes)
    if whole is False:
        # Services want a mapping, and an id is never null.
        return make_null_test("id")
    return None if whole is True else whole


class _Writer:
    """Writes normalised expressions about one kind of document; `wanted` False writes the negation."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def write(self, expression: Expression, wanted: bool) -> Node:
        if isinstance(expression, Not):
            return self.write(expression.part, not wanted)
        if isinstance(expression, And | Or):
            op = "and" if isinstance(expression, And) is wanted else "or"
            return _join(op, [self.write(part, wanted) for part in expression.parts])
        if isinstance(expression, NullTest):
            null = make_null_test(expression.name)
            return null if isinstance(expression, IsNull) is wanted else {"op": "not", "args": [null]}
        if isinstance(expression, Ne):
            return self._leaf(Eq(expression.name, expression.value), not wanted)
        if isinstance(expression, Comparison | Match | Range):
            return self._leaf(expression, wanted)
        raise FilterError(f"{expression!r} of type {type(expression).__name__} is not an expression")

    def _leaf(self, leaf: Leaf, wanted: bool) -> Node:
        positive = self._positive(leaf)
        if wanted:
            return positive
        return _join("or", [{"op": "not", "args": [positive]}, make_null_test(leaf.name)])

    def _positive(self, leaf: Leaf) -> Node:
        type_, name = get_field(self._kind, leaf.name).type, {"property": leaf.name}

        def spell(value: Any) -> Any:
            return {"timestamp": time_to_wire(value)} if type_ == "time" else value

        if isinstance(leaf, Range):
            bounds: list[Node] = [
                {"op": SIGNS[op], "args": [name, spell(value)]} for op, value in leaf.bounds.items()
            ]
            return _join("and", bounds)
        if isinstance(leaf, Comparison):
            if type_ == "list":
                return {"op": "a_contains", "args": [name, [leaf.value]]}
            return {"op": "=", "args": [name, spell(leaf.value)]}
        if isinstance(leaf, Match):
            if type_ == "list":
                raise FilterError(f"CQL2 cannot say that an item of the list {leaf.name} fits {leaf.value!r}")
            if isinstance(leaf, ILike):
                args = [{"op": "casei", "args": [part]} for part in (name, leaf.value)]
                return {"op": "like", "args": args}
            pattern = f"{escape_pattern(leaf.value)}%" if isinstance(leaf, Prefix) else leaf.value
            return {"op": "like", "args": [name, pattern]}
        raise FilterError(f"{leaf!r} cannot be said in CQL2")


def _join(op: str, nodes: Sequence[Node]) -> Node:
    """Join predicates, leaving out what plays no part."""
    neutral = op == "and"
    if any(node is (not neutral) for node in nodes):
        return not neutral
    kept = [node for node in nodes if node is not neutral]
    if not kept:
        return neutral
    return kept[0] if len(kept) == 1 else {"op": op, "args": kept}


def make_null_test(name: str) -> dict[str, Any]:
    return {"op": "isNull", "args": [{"property": name}]}


def escape_pattern(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
