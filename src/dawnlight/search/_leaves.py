"""The comparisons that expressions are made of: one field, one operator, a value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from dawnlight.errors import FilterError
from dawnlight.search._chains import accept_link
from dawnlight.search._expressions import And, Expression, Not, Or, refuse_truth
from dawnlight.search._fields import REFERENCES
from dawnlight.search._resolutions import ResolutionValue
from dawnlight.search._values import Value, normalize_value, shorten

__all__ = [
    "MAX_NAME",
    "Comparison",
    "Eq",
    "ILike",
    "IsNotNull",
    "IsNull",
    "Leaf",
    "Like",
    "Match",
    "Ne",
    "NullTest",
    "Prefix",
    "Range",
    "iter_leaves",
    "normalize_name",
]


MAX_NAME = 2000
"""How many characters the name of a field may have."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison(Expression):
    """A field equal, or not equal, to a value.

    Parameters
    ----------
    name : str
        The field; a reference (``product``) is kept as the attribute it is stored in (``product_id``).
    value : str, int, float, bool or ResolutionValue
        See `normalize_value`. Never None.
    """

    name: str
    value: Value
    op: ClassVar[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", normalize_name(self.name))
        object.__setattr__(self, "value", normalize_value(self.value, name=self.name))

    def _key(self) -> tuple[object, ...]:
        return (self.name, _value_key(self.value))


class Eq(Comparison):
    """The field equals the value; a list field holds it."""

    __slots__ = ()
    op = "eq"


class Ne(Comparison):
    """The negation of `Eq`; so it holds where the field is null."""

    __slots__ = ()
    op = "ne"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Range(Expression):
    """A field between bounds, of which there is at least one. Never holds where the field is null.

    Parameters
    ----------
    name : str
        The field.
    gt, gte, lt, lte : str, int, float or ResolutionValue, optional
        The bounds: greater than, greater or equal, less than, less or equal. All that are given must hold.
    """

    name: str
    gt: Value | None = None
    gte: Value | None = None
    lt: Value | None = None
    lte: Value | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", normalize_name(self.name))
        bounds = self.bounds
        if not bounds:
            raise FilterError(f"range on {self.name} needs at least one of gt, gte, lt, lte")
        for op, value in bounds.items():
            object.__setattr__(self, op, normalize_value(value, name=self.name))

    @property
    def bounds(self) -> dict[str, Value]:
        """The bounds that are given, by operator, in the order gt, gte, lt, lte."""
        found = {"gt": self.gt, "gte": self.gte, "lt": self.lt, "lte": self.lte}
        return {op: value for op, value in found.items() if value is not None}

    def __bool__(self) -> bool:
        return accept_link(self) or refuse_truth(self)

    def _key(self) -> tuple[object, ...]:
        return (self.name, *((op, _value_key(value)) for op, value in self.bounds.items()))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Match(Expression):
    """A string field, or any item of a list field, fits a pattern. Never holds where the field is null.

    Parameters
    ----------
    name : str
        The field.
    value : str
        The pattern.
    """

    name: str
    value: str
    op: ClassVar[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", normalize_name(self.name))
        value = normalize_value(self.value, name=self.name)
        if not isinstance(value, str):
            raise FilterError(f"{self.op} on {self.name} takes a string, not {shorten(value)}")
        object.__setattr__(self, "value", value)

    def _key(self) -> tuple[object, ...]:
        return (self.name, self.value)


class Prefix(Match):
    """The string begins with the value; upper and lower case differ."""

    __slots__ = ()
    op = "prefix"


class Like(Match):
    r"""The whole string fits: ``%`` is any run, ``_`` one character, ``\`` takes the next one literally."""

    __slots__ = ()
    op = "like"


class ILike(Match):
    """`Like`, upper and lower case being the same."""

    __slots__ = ()
    op = "ilike"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NullTest(Expression):
    """Whether a field has a value.

    Parameters
    ----------
    name : str
        The field.
    """

    name: str
    op: ClassVar[str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", normalize_name(self.name))

    def _key(self) -> tuple[object, ...]:
        return (self.name,)


class IsNull(NullTest):
    """The field has no value, or is an empty list."""

    __slots__ = ()
    op = "isnull"


class IsNotNull(NullTest):
    """The negation of `IsNull`."""

    __slots__ = ()
    op = "isnotnull"


Leaf = Comparison | Range | Match | NullTest
"""An expression without parts."""


def iter_leaves(expression: Expression) -> Iterator[Leaf]:
    """Yield the comparisons of a tree from left to right.

    Parameters
    ----------
    expression : Expression
        The tree.

    Yields
    ------
    Leaf
        Each comparison.
    """
    if isinstance(expression, And | Or):
        for part in expression.parts:
            yield from iter_leaves(part)
    elif isinstance(expression, Not):
        yield from iter_leaves(expression.part)
    elif isinstance(expression, Comparison | Range | Match | NullTest):
        yield expression


def normalize_name(name: object) -> str:
    """Check the name of a field and replace that of a reference by the attribute it is stored in.

    Parameters
    ----------
    name : object
        A plain or dotted name, if it is right.

    Returns
    -------
    str
        The canonical name.

    Raises
    ------
    FilterError
        It is not a string, is empty, or is too long.
    """
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        raise FilterError(
            f"the name of a field must be a string of 1 to {MAX_NAME} characters, not {shorten(name)}"
        )
    return REFERENCES.get(name, name)


def _value_key(value: Value) -> tuple[object, ...]:
    # Apart from True == 1, equal values of Python mean the same here.
    if isinstance(value, ResolutionValue):
        return (value.value, value.unit)
    return (isinstance(value, bool), value)
