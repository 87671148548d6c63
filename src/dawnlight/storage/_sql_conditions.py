"""Filters as conditions of SQL, with exactly the meaning of `dawnlight.search.evaluate`, or a little wider.

SQL knows a third truth value where a column is NULL. It is avoided: negation is pushed down to the
comparisons, and each comparison says what it gives for NULL.

Some filters cannot be said exactly: numbers in JSON (databases read them with their own rounding), letters
beyond ASCII when case does not count, integers that no float holds. Their condition is *wider*: true for all
documents that match and perhaps for others. The caller then asks `evaluate` about every document found.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from sqlalchemy import ColumnElement, Table, and_, exists, false, not_, or_, select, true

from dawnlight.search import (
    And,
    Eq,
    Expression,
    Field,
    ILike,
    IsNull,
    Kind,
    Like,
    Ne,
    Not,
    Or,
    Prefix,
    Range,
    get_field,
)
from dawnlight.storage._sql_dialect import (
    contained_in,
    extra_type,
    extra_value,
    fits_pattern,
    list_items,
    list_length,
)
from dawnlight.storage._sql_patterns import make_pattern, next_prefix
from dawnlight.storage._sql_schema import IMAGE_TAG, TABLES

__all__ = ["Condition", "bindable", "make_condition"]

_MAX_LEAVES = 400
"""More comparisons than this make an expression that SQLite's parser refuses."""
_LONG_LIST = 100
_EXACT_INT = 2**53
_SLACK, _TINY = 1e-9, 1e-300

Clause = ColumnElement[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition of SQL."""

    clause: Clause
    """True for every document that matches; never NULL where it matters."""
    exact: bool
    """False when it may be true for others too."""


_ANYTHING = Condition(clause=true(), exact=False)


def make_condition(
    kind: Kind, expression: Expression | None, bind: Callable[[Any], Any] = lambda value: value
) -> Condition:
    """Say a filter in SQL.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What is searched.
    expression : Expression or None
        Normalised (see `dawnlight.search.Query.condition`); None takes all.
    bind : callable, optional
        Takes each value that a column is equal to or in a range of, as `bindable` returns it, in the order of
        the filter. It returns what stands in its place: the value itself, or a parameter.

    Returns
    -------
    Condition
        On the table of the kind.
    """
    if expression is None:
        return Condition(clause=true(), exact=True)
    return _Compiler(kind, bind).compile(expression, negated=False)


class _Compiler:
    """Walks one expression."""

    def __init__(self, kind: Kind, bind: Callable[[Any], Any]) -> None:
        self._kind = kind
        self._bind = bind
        self._table: Table = TABLES[kind]
        self._leaves = 0

    def compile(self, node: Expression, *, negated: bool) -> Condition:
        """Say a node, or its negation."""
        if isinstance(node, Not):
            return self.compile(node.part, negated=not negated)
        if isinstance(node, And | Or):
            if isinstance(node, Or) and (choice := self._choice(node)) is not None:
                return self._either(choice, negated)
            # The negation of "all" is "any of the negations".
            return self._join(node.parts, isinstance(node, And) != negated, negated)
        self._leaves += 1
        if self._leaves > _MAX_LEAVES:
            return _ANYTHING
        return self._leaf(node, negated)

    def _join(self, parts: Sequence[Expression], all_of: bool, negated: bool) -> Condition:
        found = [self.compile(part, negated=negated) for part in parts]
        clauses = [condition.clause for condition in found]
        clause = and_(true(), *clauses) if all_of else or_(false(), *clauses)
        return Condition(clause=clause, exact=all(condition.exact for condition in found))

    def _choice(self, node: Or) -> tuple[Clause, ColumnElement[Any]] | None:
        """Say equalities of one column at once: `any_of` may be long."""
        names = {part.name if isinstance(part, Eq) else None for part in node.parts}
        name = names.pop() if len(names) == 1 else None
        if name is None or name not in self._table.c or len(node.parts) < 2:
            return None
        column = self._table.c[name]
        values = [bindable(part.value) for part in node.parts if isinstance(part, Eq)]
        if None in values:
            return None
        if len(values) <= _LONG_LIST:
            return column.in_([self._bind(value) for value in values]), column
        if all(isinstance(value, str) for value in values):
            return contained_in(column, [str(value) for value in values]), column
        return None

    def _either(self, choice: tuple[Clause, ColumnElement[Any]], negated: bool) -> Condition:
        clause, column = choice
        return Condition(clause=or_(column.is_(None), not_(clause)) if negated else clause, exact=True)

    def _leaf(self, leaf: Any, negated: bool) -> Condition:
        if isinstance(leaf, Ne):
            leaf, negated = Eq(leaf.name, leaf.value), not negated
        if not isinstance(leaf, Eq | Range | Prefix | Like | ILike) and not isinstance(leaf, IsNull):
            leaf, negated = IsNull(leaf.name), not negated
        field = get_field(self._kind, leaf.name)
        if isinstance(leaf, IsNull):
            clause = self._is_null(field)
            return Condition(clause=not_(clause) if negated else clause, exact=True)
        if field.type == "list":
            return self._on_list(field, leaf, negated)
        if field.type == "any":
            return self._on_extra(field, leaf, negated)
        return _on_column(self._table.c[field.name], leaf, negated, self._bind)

    def _is_null(self, field: Field) -> Clause:
        if field.type == "geometry":
            return self._table.c.footprint.is_(None)
        if field.type == "list":
            if self._kind == "image":
                return self._table.c.key.not_in(select(IMAGE_TAG.c.image_key))
            return list_length(self._table.c.body, field.name) == 0
        if field.type == "any":
            return extra_type(self._table.c.body, _extra_key(field)).is_(None)
        return self._table.c[field.name].is_(None)

    def _on_list(self, field: Field, leaf: Eq | Range | Prefix | Like | ILike, negated: bool) -> Condition:
        """Ask whether an item fits. The rules let only strings into the lists that can be filtered."""
        if not isinstance(leaf.value if not isinstance(leaf, Range) else None, str):
            return Condition(clause=true() if negated else false(), exact=True)
        if self._kind == "image":
            tag = IMAGE_TAG.c
            inner = _on_column(tag.tag, leaf, False, self._bind)
            if isinstance(leaf, Eq):
                clause: Clause = self._table.c.key.in_(select(tag.image_key).where(inner.clause))
            else:
                clause = exists().where(tag.image_key == self._table.c.key, inner.clause)
        else:
            items = list_items(self._table.c.body, field.name)
            inner = _on_column(items.c.value, leaf, False, self._bind)
            clause = exists(select(items.c.value).where(inner.clause))
        if negated:
            return Condition(clause=not_(clause), exact=True) if inner.exact else _ANYTHING
        return Condition(clause=clause, exact=inner.exact)

    def _on_extra(self, field: Field, leaf: Eq | Range | Prefix | Like | ILike, negated: bool) -> Condition:
        body, key = self._table.c.body, _extra_key(field)
        type_, value = extra_type(body, key), extra_value(body, key)
        asked = list(leaf.bounds.values()) if isinstance(leaf, Range) else [leaf.value]
        kinds = {_kind_of(item) for item in asked}
        if len(kinds) > 1:
            return Condition(clause=true() if negated else false(), exact=True)
        kind = kinds.pop()
        if kind == "text":
            inner = _on_column(value, leaf, False, self._bind)
            if negated:
                clause = or_(type_.is_(None), type_ != "text", not_(inner.clause))
                return Condition(clause=clause, exact=True) if inner.exact else _ANYTHING
            return Condition(clause=and_(type_ == "text", inner.clause), exact=inner.exact)
        if kind == "bool":
            wanted = "true" if asked[0] else "false"
            clause = or_(type_.is_(None), type_ != wanted) if negated else type_ == wanted
            return Condition(clause=clause, exact=True)
        if negated:
            return _ANYTHING
        return Condition(clause=and_(type_.in_(["integer", "real"]), _about(value, leaf)), exact=False)


def _on_column(column: ColumnElement[Any], leaf: Any, negated: bool, bind: Callable[[Any], Any]) -> Condition:
    """Say a comparison with a column that holds NULL or values of one type."""
    exact = True
    if isinstance(leaf, Eq):
        value = bindable(leaf.value)
        if value is None:
            return _ANYTHING
        asked = bind(value)
        clause: Clause = column == asked
        if negated:
            return Condition(clause=or_(column.is_(None), column != asked), exact=True)
    elif isinstance(leaf, Range):
        bounds = {op: bindable(value) for op, value in leaf.bounds.items()}
        if None in bounds.values():
            return _ANYTHING
        clause = and_(*[_COMPARE[op](column, bind(value)) for op, value in bounds.items()])
    elif isinstance(leaf, Prefix):
        clause = _begins_with(column, leaf.value)
    elif isinstance(leaf, Like | ILike):
        pattern = make_pattern(leaf.value, ignore_case=isinstance(leaf, ILike))
        if pattern is None:
            return _ANYTHING
        clause = fits_pattern(column, pattern)
        exact = isinstance(leaf, Like)
    else:
        assert_never(leaf)
    if negated:
        return Condition(clause=or_(column.is_(None), not_(clause)), exact=True) if exact else _ANYTHING
    return Condition(clause=clause, exact=exact)


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def _about(column: ColumnElement[Any], leaf: Any) -> Clause:
    """Compare a number that may be a little off."""
    if isinstance(leaf, Eq):
        value = float(leaf.value)  # type: ignore[arg-type]  # a number, tested by the caller
        slack = abs(value) * _SLACK + _TINY
        return and_(column >= value - slack, column <= value + slack)
    clauses: list[Clause] = []
    for op, bound in leaf.bounds.items():
        value = float(bound)
        slack = abs(value) * _SLACK + _TINY
        clauses.append(column >= value - slack if op in ("gt", "gte") else column <= value + slack)
    return and_(*clauses)


def _begins_with(column: ColumnElement[Any], prefix: str) -> Clause:
    if not prefix:
        return column.is_not(None)
    behind = next_prefix(prefix)
    return column >= prefix if behind is None else and_(column >= prefix, column < behind)


def bindable(value: Any) -> Any:  # any value of a filter
    """Return a value as it is bound; None where a database would compare it inexactly."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int) and abs(value) > _EXACT_INT:
        return None
    return value


def _kind_of(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    return "bool" if isinstance(value, bool) else "number"


def _extra_key(field: Field) -> str:
    return field.name.partition(".")[2]
