"""Expressions written as the Python that makes them, for reprs and messages."""

from __future__ import annotations

import keyword

from dawnlight.search._expressions import And, Expression, Not, Or
from dawnlight.search._leaves import Comparison, Eq, Match, NullTest, Range

__all__ = ["spell_expression", "spell_name"]

_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_LOWER = {"gt": "<", "gte": "<="}


def spell_name(name: str) -> str:
    """Spell a field as the property of an object called ``p``.

    Parameters
    ----------
    name : str
        The field.

    Returns
    -------
    str
        Python.
    """
    head, dot, key = name.partition(".")
    if not dot:
        return f"p.{name}" if _is_plain(name) else f"Property({name!r})"
    if head != "extra_properties":
        return f"Property({name!r})"
    return f"p.{head}.{key}" if _is_plain(key) else f"p.{head}[{key!r}]"


def spell_expression(expression: Expression) -> str:
    """Spell an expression as Python.

    Parameters
    ----------
    expression : Expression
        The tree.

    Returns
    -------
    str
        Python, with ``p`` for `Properties`.
    """
    if isinstance(expression, Not):
        # ~~x would be x.
        twice = isinstance(expression.part, Not)
        return f"Not({expression.part!r})" if twice else f"~{_spell_part(expression.part)}"
    if isinstance(expression, Or) and _is_choice(expression.parts):
        first = expression.parts[0]
        values = [part.value for part in expression.parts if isinstance(part, Eq)]
        return f"{spell_name(first.name)}.any_of({values!r})" if isinstance(first, Eq) else ""
    if isinstance(expression, And | Or):
        if len(expression.parts) < 2:
            return f"{type(expression).__name__}({expression.parts!r})"
        return (" & " if isinstance(expression, And) else " | ").join(map(_spell_part, expression.parts))
    if isinstance(expression, Range):
        return _spell_range(expression)
    if isinstance(expression, Comparison):
        sign = "==" if isinstance(expression, Eq) else "!="
        return f"{spell_name(expression.name)} {sign} {expression.value!r}"
    if isinstance(expression, Match):
        return f"{spell_name(expression.name)}.{expression.op}({expression.value!r})"
    if isinstance(expression, NullTest):
        return f"{spell_name(expression.name)}.{expression.op}"
    return object.__repr__(expression)


def _spell_range(expression: Range) -> str:
    name, bounds = spell_name(expression.name), expression.bounds
    lower = [op for op in bounds if op in _LOWER]
    upper = [op for op in bounds if op not in _LOWER]
    if len(lower) == len(upper) == 1:
        low, up = lower[0], upper[0]
        return f"{bounds[low]!r} {_LOWER[low]} {name} {_SIGNS[up]} {bounds[up]!r}"
    terms = [f"{name} {_SIGNS[op]} {value!r}" for op, value in bounds.items()]
    return terms[0] if len(terms) == 1 else " & ".join(f"({term})" for term in terms)


def _spell_part(part: Expression) -> str:
    text = spell_expression(part)
    atomic = isinstance(part, Match | NullTest | Not) or (isinstance(part, Or) and _is_choice(part.parts))
    return text if atomic else f"({text})"


def _is_choice(parts: tuple[Expression, ...]) -> bool:
    names = {part.name if isinstance(part, Eq) else None for part in parts}
    return len(parts) > 1 and len(names) == 1 and None not in names


def _is_plain(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")
