"""Statements that are made and compiled once for each form of search, and run with the values of each.

Two searches have the same form when they differ only in the values that they compare with::

    p.cloud_fraction < 0.3     one form: image, cloud_fraction < v0
    p.cloud_fraction < 0.1

Making and compiling a statement takes longer than many a search; looking one up takes almost nothing. Only
comparisons of columns with plain values are taken apart. Whatever else a filter holds (patterns, tags, extra
properties) may need another statement for another value, so its statements are made each time.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, bindparam

from dawnlight.search import And, Eq, Expression, IsNotNull, IsNull, Kind, Ne, Not, Or, Range, get_field
from dawnlight.storage._sql_conditions import Condition, bindable, make_condition
from dawnlight.storage._sql_dialect import Prepared, prepare

__all__ = ["Form", "find_form"]

_PLAIN = frozenset({"str", "float", "int", "bool", "time", "resolution"})
_MOST_VALUES = 64
_MOST_KEPT = 512
"""Statements, and conditions; a process that asks for more forms than that begins anew."""

Shape = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A filter without its values.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What is searched.
    shape : tuple
        What two filters of the same form have in common.
    """

    kind: Kind
    shape: Shape

    def run(
        self,
        connection: Connection,
        name: Hashable,
        make: Callable[[], Select[Any]],
        values: Mapping[str, Any],
    ) -> list[tuple[Any, ...]]:
        """Run a statement, which is made only if it was not before.

        Parameters
        ----------
        connection : Connection
            In a transaction.
        name : hashable
            Tells this statement from all others of the form.
        make : callable
            Makes it: with the condition that `find_form` returned, and a parameter for any other value.
        values : mapping
            Of all parameters.

        Returns
        -------
        list of tuple
            The rows.
        """
        key = self, name
        prepared = _STATEMENTS.get(key)
        if prepared is None:
            prepared = prepare(make())
            _keep(_STATEMENTS, key, prepared)
        return prepared.run(connection, values)


_STATEMENTS: dict[tuple[Form, Hashable], Prepared] = {}
_CONDITIONS: dict[Form, Condition] = {}


def find_form(kind: Kind, expression: Expression | None) -> tuple[Form | None, Condition, dict[str, Any]]:
    """Take a filter apart.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What is searched.
    expression : Expression or None
        Normalised (see `dawnlight.search.Query.condition`); None takes all.

    Returns
    -------
    form : Form or None
        None where another value may need another statement.
    condition : Condition
        See `make_condition`; with a form, its values are parameters.
    values : dict
        The values of these by name; empty without a form.
    """
    found: list[Any] = []
    shape = () if expression is None else _take_apart(kind, expression, found)
    if shape is None or len(found) > _MOST_VALUES:
        return None, make_condition(kind, expression), {}
    form = Form(kind=kind, shape=shape)
    condition = _CONDITIONS.get(form)
    if condition is None:
        holes = _Holes()
        condition = make_condition(kind, expression, holes)
        if holes.values != found:  # then the parameters are others than those that were found
            return None, make_condition(kind, expression), {}
        _keep(_CONDITIONS, form, condition)
    return form, condition, {_name(number): value for number, value in enumerate(found)}


class _Holes:
    """Puts a parameter in the place of each value, in the order of `_take_apart`."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def __call__(self, value: Any) -> BindParameter[Any]:
        self.values.append(value)
        return bindparam(_name(len(self.values) - 1))


def _take_apart(kind: Kind, node: Expression, values: list[Any]) -> Shape | None:
    """Return the shape of a filter and add its values to a list; None where a part of it is not plain."""
    if isinstance(node, And | Or):
        parts = [_take_apart(kind, part, values) for part in node.parts]
        return None if None in parts else (type(node), *parts)
    if isinstance(node, Not):
        part = _take_apart(kind, node.part, values)
        return None if part is None else (Not, part)
    if isinstance(node, IsNull | IsNotNull):
        return type(node), node.name
    if not isinstance(node, Eq | Ne | Range) or get_field(kind, node.name).type not in _PLAIN:
        return None
    asked = node.bounds if isinstance(node, Range) else {node.op: node.value}
    plain = [bindable(value) for value in asked.values()]
    if None in plain:
        return None
    values += plain
    return type(node), node.name, *asked


def _name(number: int) -> str:
    return f"v{number}"


def _keep(kept: dict[Any, Any], key: Hashable, value: object) -> None:
    if len(kept) >= _MOST_KEPT:
        kept.clear()
    kept[key] = value
