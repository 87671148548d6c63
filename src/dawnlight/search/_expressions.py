"""Filters as immutable trees: what all expressions share, and how they are combined.

The comparisons are in `dawnlight.search._leaves`. What a tree means for a document is defined in
`dawnlight.search._evaluate` and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from dawnlight.errors import AmbiguousTruthError, FilterError
from dawnlight.search._values import shorten

if TYPE_CHECKING:
    from dawnlight.search._documents import Kind

__all__ = ["MAX_DEPTH", "And", "Expression", "Not", "Or", "refuse_truth"]

MAX_DEPTH = 64
"""How deep expressions may nest; a single comparison has depth 1."""


class Expression:
    """A condition on documents.

    Made by comparing `Properties`, or read by `parse`. Combine with ``&``, ``|`` and ``~``, and put
    comparisons in parentheses, because these bind tighter. ``and``, ``or``, ``not`` and ``if`` are refused
    with an error: Python would turn the condition into True or False before any object is looked at.

    Expressions are immutable, hashable and picklable. ``==`` between expressions compares their structure.

    Examples
    --------
    >>> from dawnlight.search import Properties
    >>> p = Properties()
    >>> ("2023-01-01" <= p.acquired < "2024-01-01") & ~(p.cloud_fraction > 0.5)
    ('2023-01-01' <= p.acquired < '2024-01-01') & ~(p.cloud_fraction > 0.5)
    """

    __slots__ = ()

    @property
    def depth(self) -> int:
        """Number of levels of the tree; 1 for a single comparison."""
        return 1

    def __and__(self, other: Expression) -> Expression:
        if not isinstance(other, Expression):
            return NotImplemented
        return And((*_parts_of(self, And), *_parts_of(other, And)))

    def __or__(self, other: Expression) -> Expression:
        if not isinstance(other, Expression):
            return NotImplemented
        return Or((*_parts_of(self, Or), *_parts_of(other, Or)))

    def __invert__(self) -> Expression:
        return self.part if isinstance(self, Not) else Not(self)

    def __bool__(self) -> bool:
        refuse_truth(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Expression):
            return NotImplemented
        return self is other or (type(self) is type(other) and self._key() == other._key())

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._key()))

    def __repr__(self) -> str:
        from dawnlight.search._spelling import spell_expression

        return spell_expression(self)

    def _key(self) -> tuple[object, ...]:
        return (id(self),)  # of the base class, which means nothing

    def is_same(self, other: Expression) -> bool:
        """Tell whether another expression has the same structure.

        Parameters
        ----------
        other : Expression
            What to compare with. The order of parts counts; 1 and 1.0 are the same, 1 and True are not.

        Returns
        -------
        bool
            True for the same structure. Different structures may still mean the same.

        Examples
        --------
        >>> from dawnlight.search import Properties
        >>> p = Properties()
        >>> (p.x > 1).is_same(1 < p.x)
        True
        """
        return self == other

    def evaluate(self, obj: Any) -> bool:  # a document or whatever has attributes
        """Tell whether an object meets the condition.

        Parameters
        ----------
        obj : Document or object
            A document, a catalog object, or any object whose attributes carry the names of the fields.

        Returns
        -------
        bool
            The same answer that a search in any store gives.

        Raises
        ------
        FilterError
            The expression does not fit: a field is unknown, or compared in a way its type does not allow.

        Examples
        --------
        >>> from dawnlight.search import Document, Properties
        >>> p = Properties()
        >>> image = Document(kind="image", id="p:a", attributes={"tags": ["clear"], "cloud_fraction": 0.1})
        >>> ((p.tags == "clear") & (p.cloud_fraction < 0.2)).evaluate(image)
        True
        """
        from dawnlight.search._evaluate import evaluate_object

        return evaluate_object(self, obj)

    def serialize(self) -> dict[str, Any]:
        """Spell the expression in the plain JSON form.

        Returns
        -------
        dict
            JSON-able; `parse` reads it back to the same structure.

        Examples
        --------
        >>> from dawnlight.search import Properties
        >>> p = Properties()
        >>> (0.1 < p.cloud_fraction <= 0.5).serialize()
        {'range': {'cloud_fraction': {'gt': 0.1, 'lte': 0.5}}}
        """
        from dawnlight.search._codec import to_plain

        return to_plain(self)

    def jsonapi_serialize(self, kind: Kind | None = None) -> dict[str, Any]:
        """Spell the expression in the form that a catalog service takes.

        Parameters
        ----------
        kind : {"product", "band", "image", "image_upload"}, optional
            What will be searched: names are checked, and values spelled as the attribute's type is.
            None takes both as they are.

        Returns
        -------
        dict
            JSON-able; `parse` reads it back.

        Raises
        ------
        FilterError
            The kind has no such attribute.

        Examples
        --------
        >>> from dawnlight.search import Properties
        >>> p = Properties()
        >>> (p.product == "landsat").jsonapi_serialize("image")
        {'op': 'eq', 'name': 'product_id', 'val': 'landsat'}
        """
        from dawnlight.search._codec import to_jsonapi

        return to_jsonapi(self, kind)

    @staticmethod
    def parse(data: str | Mapping[str, Any] | Sequence[Any]) -> Expression:
        """Read an expression from either JSON form.

        Parameters
        ----------
        data : str, mapping or sequence
            JSON text, or what it decodes to. The terms of a sequence must all hold.

        Returns
        -------
        Expression
            The condition.

        Raises
        ------
        FilterError
            The data is not an expression, nests deeper than 64 levels, or is too large.

        Examples
        --------
        >>> from dawnlight.search import Expression
        >>> Expression.parse('{"op": "lt", "name": "cloud_fraction", "val": 0.5}')
        p.cloud_fraction < 0.5
        """
        from dawnlight.search._codec import parse_expression

        return parse_expression(data)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class And(Expression):
    """All parts hold; with no parts, always true.

    Parameters
    ----------
    parts : sequence of Expression
        The conditions, tried from left to right.
    """

    parts: tuple[Expression, ...]
    _depth: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        _set_parts(self)

    @property
    def depth(self) -> int:
        """Number of levels of the tree."""
        return self._depth

    def _key(self) -> tuple[object, ...]:
        return self.parts


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Or(Expression):
    """At least one part holds; with no parts, never true.

    Parameters
    ----------
    parts : sequence of Expression
        The conditions, tried from left to right.
    """

    parts: tuple[Expression, ...]
    _depth: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        _set_parts(self)

    @property
    def depth(self) -> int:
        """Number of levels of the tree."""
        return self._depth

    def _key(self) -> tuple[object, ...]:
        return self.parts


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Not(Expression):
    """The part does not hold.

    Parameters
    ----------
    part : Expression
        The condition that is negated. There is no third truth value: where a comparison does not hold
        because the field is null, its negation does.
    """

    part: Expression
    _depth: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        _set_depth(self, (self.part,))

    @property
    def depth(self) -> int:
        """Number of levels of the tree."""
        return self._depth

    def _key(self) -> tuple[object, ...]:
        return (self.part,)


def refuse_truth(expression: Expression) -> NoReturn:
    """Raise the error that explains why an expression is neither true nor false."""
    raise AmbiguousTruthError(
        f"{shorten(expression)} is a condition on documents and neither true nor false by itself. Combine "
        "conditions with & | ~ and parentheses, (p.x > 1) & ~(p.y == 2), not with and, or, not, if. "
        "Chained comparisons work: 1 < p.x <= 2"
    )


def _parts_of(expression: Expression, cls: type[And] | type[Or]) -> tuple[Expression, ...]:
    return expression.parts if isinstance(expression, cls) else (expression,)


def _set_parts(node: And | Or) -> None:
    object.__setattr__(node, "parts", tuple(node.parts))
    _set_depth(node, node.parts)


def _set_depth(node: And | Or | Not, parts: tuple[Expression, ...]) -> None:
    depth = 1
    for part in parts:
        if not isinstance(part, Expression):
            raise FilterError(
                f"{type(node).__name__} combines expressions such as p.cloud_fraction < 0.5, "
                f"not {shorten(part)} of type {type(part).__name__}"
            )
        depth = max(depth, part.depth + 1)
    if depth > MAX_DEPTH:
        raise FilterError(f"the expression nests deeper than {MAX_DEPTH} levels; flatten it")
    object.__setattr__(node, "_depth", depth)
