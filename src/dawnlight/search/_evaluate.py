r"""What a filter means. A store that answers otherwise is wrong.

An expression either fits a kind of document or is refused before any document is looked at
(`normalize_expression`). If it fits, it gives True or False for every document, whatever that holds:

* **Null.** A field is null when it is missing, None, an empty list, or holds what its type cannot compare
  (NaN, text where a number belongs, a time that cannot be read, a resolution of unknown unit).
  ``isnull`` asks for that. No other comparison holds for null, with one exception: ``!=`` is the exact
  negation of ``==`` and so holds for null. There is no third truth value; ``~`` turns True into False.
* **Strings** compare by code point and case counts, except in ``ilike``. ``prefix``: the string begins so.
  ``like``: the whole string fits, ``%`` is any run, ``_`` one character, ``\`` takes the next literally.
* **Numbers** compare by value, whether int or float.
* **Truth values** are equal to themselves; 0 and 1 may be written for them.
* **Times** compare as points in time, exact to the nanosecond, whatever offset they are written with. A
  date, a month or a year is its first instant, a time without an offset is UTC.
* **Resolutions** compare in metres, a degree being 111 111 m. A bare number is metres.
* **Lists**: a comparison holds if it holds for at least one item, and ``!=`` if the value is not an item.
* **Extra properties** (``extra_properties.foo``) are strings, numbers or truth values as each document has
  it. Values of different types never match and are unequal: 5 is not ``"5"``, and 1 is not True.
* **References**: ``product`` is ``product_id``, compared with an id or an object that has one.
* **Geometries, files and other structures** can only be asked whether they are null.
* ``&`` and ``|`` try their parts from left to right and stop when the answer is known.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, assert_never

from dawnlight.errors import FilterError
from dawnlight.search._check import normalize_expression, require_expression
from dawnlight.search._comparables import Comparable, is_null, read_plain, to_comparable
from dawnlight.search._documents import Document, Kind
from dawnlight.search._expressions import And, Expression, Not, Or
from dawnlight.search._fields import Field, get_field
from dawnlight.search._leaves import Comparison, Eq, IsNull, Leaf, Match, NullTest, Prefix, Range
from dawnlight.search._patterns import pattern_matcher

__all__ = ["compile_expression", "evaluate", "evaluate_object", "make_test"]

Predicate = Callable[[Document], bool]
ValueTest = Callable[[Any], bool]


def evaluate(expression: Expression, document: Document) -> bool:
    """Tell whether a document meets a condition.

    Parameters
    ----------
    expression : Expression
        The condition.
    document : Document
        Any document.

    Returns
    -------
    bool
        See the rules at the head of this module.

    Raises
    ------
    FilterError
        The expression does not fit the document's kind. Whether it does never depends on the document.

    Examples
    --------
    >>> from dawnlight.search import Document, Properties, evaluate
    >>> p = Properties()
    >>> image = Document(kind="image", id="p:a", attributes={"acquired": "2023-07-01T10:00:00Z"})
    >>> evaluate("2023-07" <= p.acquired < "2023-08", image), evaluate(p.cloud_fraction < 0.5, image)
    (True, False)
    """
    return compile_expression(document.kind, expression)(document)


def evaluate_object(expression: Expression, obj: Any) -> bool:  # whatever has attributes
    """Tell whether any object meets a condition.

    Parameters
    ----------
    expression : Expression
        The condition.
    obj : Document or object
        A document; an object whose ``_to_document()`` gives one; or any object with attributes of the
        names that the expression uses. The types of the latter are those of its values.

    Returns
    -------
    bool
        See `evaluate`.

    Raises
    ------
    FilterError
        The expression does not fit.
    """
    if isinstance(obj, Document):
        return evaluate(expression, obj)
    to_document = getattr(obj, "_to_document", None)
    if callable(to_document):
        return evaluate(expression, to_document())
    from dawnlight.search._objects import evaluate_plain

    return evaluate_plain(expression, obj)


def compile_expression(kind: Kind, expression: Expression) -> Predicate:
    """Turn a condition into a function of a document, for many documents of one kind.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What the documents describe.
    expression : Expression
        The condition.

    Returns
    -------
    callable
        Takes a `Document` of that kind and returns a bool; never raises.

    Raises
    ------
    FilterError
        The expression does not fit the kind.
    """
    return _compile(kind, require_expression(expression))


@lru_cache(maxsize=256)
def _compile(kind: Kind, expression: Expression) -> Predicate:
    return _build(kind, normalize_expression(kind, expression))


def _build(kind: Kind, node: Expression) -> Predicate:
    if isinstance(node, Not):
        part = _build(kind, node.part)
        return lambda document: not part(document)
    if isinstance(node, And):
        parts = [_build(kind, part) for part in node.parts]
        return lambda document: all(part(document) for part in parts)
    if isinstance(node, Or):
        choice = _build_choice(kind, node)
        if choice is not None:
            return choice
        parts = [_build(kind, part) for part in node.parts]
        return lambda document: any(part(document) for part in parts)
    if isinstance(node, Comparison | Range | Match | NullTest):
        name, test = node.name, make_test(get_field(kind, node.name), node)
        return lambda document: test(document.get(name))
    raise FilterError(f"{node!r} of type {type(node).__name__} is not an expression that can be evaluated")


def _build_choice(kind: Kind, node: Or) -> Predicate | None:
    """Look a field up in a set, where the parts are equalities of one field: `any_of` may be long."""
    values = {_tagged(part.value) for part in node.parts if isinstance(part, Eq)}
    names = {part.name if isinstance(part, Eq) else None for part in node.parts}
    name = names.pop() if len(names) == 1 else None
    if name is None:
        return None
    field = get_field(kind, name)
    return lambda document: any(_tagged(item) in values for item in _items(field, document.get(name)))


def make_test(field: Field, leaf: Leaf) -> ValueTest:
    """Turn a normalised comparison into a function of the field's wire value.

    Parameters
    ----------
    field : Field
        The field.
    leaf : Leaf
        A comparison made by `normalize_leaf` for this field.

    Returns
    -------
    callable
        Takes a JSON value and returns a bool; never raises.
    """
    if isinstance(leaf, NullTest):
        wanted = isinstance(leaf, IsNull)
        return lambda value: is_null(field, value) is wanted
    if isinstance(leaf, Comparison):
        target, equal = _tagged(leaf.value), isinstance(leaf, Eq)
        return lambda value: any(_tagged(item) == target for item in _items(field, value)) is equal
    if isinstance(leaf, Range):
        inside = _within(leaf)
        return lambda value: any(inside(item) for item in _items(field, value))
    if isinstance(leaf, Match):
        fits = _matcher(leaf)
        return lambda value: any(isinstance(item, str) and fits(item) for item in _items(field, value))
    assert_never(leaf)


def _items(field: Field, value: Any) -> list[Comparable]:
    """Return what a comparison looks at: the items of a list, the one value otherwise, nothing for null."""
    if field.type == "list":
        members = value if isinstance(value, list | tuple) else ()
        return [item for item in map(read_plain, members) if item is not None]
    item = to_comparable(field, value)
    return [] if item is None else [item]


def _tagged(value: Any) -> tuple[str, Any]:
    return (_tag(value), value)


def _tag(value: Any) -> str:
    if isinstance(value, str):
        return "str"
    return "bool" if isinstance(value, bool) else "number"


def _within(leaf: Range) -> Callable[[Any], bool]:
    gt, gte, lt, lte = leaf.gt, leaf.gte, leaf.lt, leaf.lte
    tags = {_tag(value) for value in leaf.bounds.values()}
    tag = tags.pop() if len(tags) == 1 else None

    def inside(item: Any) -> bool:
        return (
            _tag(item) == tag
            and (gt is None or item > gt)
            and (gte is None or item >= gte)
            and (lt is None or item < lt)
            and (lte is None or item <= lte)
        )

    return inside


def _matcher(leaf: Match) -> Callable[[str], bool]:
    if isinstance(leaf, Prefix):
        start = leaf.value
        return lambda text: text.startswith(start)
    return pattern_matcher(leaf.value, ignore_case=leaf.op == "ilike")
