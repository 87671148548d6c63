"""The names that filters are written with: ``p.cloud_fraction < 0.5``."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

from dawnlight.errors import FilterError
from dawnlight.search._chains import open_link, take_link
from dawnlight.search._expressions import And, Expression, Or
from dawnlight.search._leaves import Eq, ILike, IsNotNull, IsNull, Like, Ne, Prefix, Range, normalize_name
from dawnlight.search._values import shorten

__all__ = ["Properties", "Property"]


class Properties:
    """A source of properties, one for each attribute that is asked for.

    Parameters
    ----------
    *names : str
        The only names allowed; none allows all.

    Examples
    --------
    >>> from dawnlight.search import Properties
    >>> p = Properties()
    >>> p.cloud_fraction < 0.5
    p.cloud_fraction < 0.5
    >>> p.extra_properties.orbit == "ascending"
    p.extra_properties.orbit == 'ascending'
    """

    __slots__ = ("_names",)

    def __init__(self, *names: str) -> None:
        self._names = frozenset(names)

    def __getattr__(self, name: str) -> Property:
        if name.startswith("_"):
            raise AttributeError(name)
        if self._names and name not in self._names:
            raise AttributeError(
                f"there is no property {name!r}; allowed are {', '.join(sorted(self._names))}"
            )
        return Property(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._names})

    def __repr__(self) -> str:
        return f"Properties({', '.join(map(repr, sorted(self._names)))})"


class Property:
    """One field, ready to be compared.

    Compare it with ``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, also chained (``0.1 <= p.x < 0.5``), or
    use its methods. Every comparison gives an `Expression` and leaves the property as it is.

    Parameters
    ----------
    name : str
        A plain name, or ``"extra_properties.<key>"``.

    Examples
    --------
    >>> from dawnlight.search import Property
    >>> Property("cloud_fraction") >= 0.5
    p.cloud_fraction >= 0.5
    """

    __slots__ = ("__weakref__", "_name")

    # NumPy scalars on the left would compare element by element instead of asking the property.
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]  # == gives an expression, so a property is no key

    def __init__(self, name: str) -> None:
        normalize_name(name)
        self._name = name

    def __getattr__(self, name: str) -> Property:
        if name.startswith("_"):
            raise AttributeError(name)
        if self._name == "extra_properties":
            return Property(f"extra_properties.{name}")
        near = difflib.get_close_matches(name, [n for n in dir(type(self)) if not n.startswith("_")], n=1)
        hint = f"; did you mean {near[0]}?" if near else "; only extra_properties has parts"
        raise AttributeError(f"property {self._name!r} has no attribute {name!r}{hint}")

    def __getitem__(self, key: object) -> Property:
        """Return a single extra property, whatever its key: ``p.extra_properties["eo:cloud_cover"]``."""
        if self._name != "extra_properties":
            raise FilterError(f"property {self._name!r} has no parts; only extra_properties has")
        if not isinstance(key, str) or not key:
            raise FilterError(
                f"the key of an extra property must be a string that is not empty, not {shorten(key)}"
            )
        return Property(f"extra_properties.{key}")

    def __iter__(self) -> Any:  # or Python would count through __getitem__
        raise FilterError(
            f"property {self._name!r} is a name and cannot be iterated; compare it, or use any_of"
        )

    def __bool__(self) -> bool:
        raise FilterError(
            f"property {self._name!r} is a name and neither true nor false; compare it with something"
        )

    def __repr__(self) -> str:
        from dawnlight.search._spelling import spell_name

        return spell_name(self._name)

    def __eq__(self, other: object) -> Expression:  # type: ignore[override]
        self._refuse_chain(sys._getframe(1))
        if other is None:
            return IsNull(self._name)
        self._refuse_operand(other)
        return Eq(self._name, other)  # type: ignore[arg-type]  # normalised there

    def __ne__(self, other: object) -> Expression:  # type: ignore[override]
        self._refuse_chain(sys._getframe(1))
        if other is None:
            return IsNotNull(self._name)
        self._refuse_operand(other)
        return Ne(self._name, other)  # type: ignore[arg-type]  # normalised there

    def __gt__(self, other: object) -> Expression:
        return self._compare("gt", other, sys._getframe(1))

    def __ge__(self, other: object) -> Expression:
        return self._compare("gte", other, sys._getframe(1))

    def __lt__(self, other: object) -> Expression:
        return self._compare("lt", other, sys._getframe(1))

    def __le__(self, other: object) -> Expression:
        return self._compare("lte", other, sys._getframe(1))

    def any_of(self, values: Iterable[object]) -> Expression:
        """Make a condition that holds where the field equals one of several values.

        Parameters
        ----------
        values : iterable
            At least one value; None stands for null.

        Returns
        -------
        Expression
            An `Or` of equalities; for a single value just that.

        Raises
        ------
        FilterError
            There are no values, or they are a single string.

        Examples
        --------
        >>> from dawnlight.search import Property
        >>> Property("product_id").any_of(["landsat", "sentinel"])
        p.product_id.any_of(['landsat', 'sentinel'])
        """
        if isinstance(values, str | bytes):
            raise FilterError(
                f"any_of takes several values, not the string {shorten(values)}; put it in a list"
            )
        parts = tuple(self == value for value in values)
        if not parts:
            raise FilterError(f"any_of on {self._name} needs at least one value")
        return parts[0] if len(parts) == 1 else Or(parts)

    def in_(self, values: Iterable[object]) -> Expression:
        """Do the same as `any_of`.

        Parameters
        ----------
        values : iterable
            At least one value.

        Returns
        -------
        Expression
            An `Or` of equalities.
        """
        return self.any_of(values)

    def prefix(self, value: str) -> Expression:
        """Make a condition that holds where the string begins with another.

        Parameters
        ----------
        value : str
            The beginning; upper and lower case differ.

        Returns
        -------
        Expression
            A `Prefix`.

        Examples
        --------
        >>> from dawnlight.search import Property
        >>> Property("name").prefix("LC08")
        p.name.prefix('LC08')
        """
        return Prefix(self._name, value)

    def startswith(self, value: str) -> Expression:
        """Do the same as `prefix`.

        Parameters
        ----------
        value : str
            The beginning.

        Returns
        -------
        Expression
            A `Prefix`.
        """
        return self.prefix(value)

    def like(self, pattern: str) -> Expression:
        r"""Make a condition that holds where the whole string fits a pattern.

        Parameters
        ----------
        pattern : str
            ``%`` stands for any run of characters, ``_`` for a single one; ``\`` takes the next character
            literally. Upper and lower case differ.

        Returns
        -------
        Expression
            A `Like`.

        Examples
        --------
        >>> from dawnlight.search import Property
        >>> Property("name").like("LC08%T1")
        p.name.like('LC08%T1')
        """
        return Like(self._name, pattern)

    def ilike(self, pattern: str) -> Expression:
        """Do the same as `like`, upper and lower case being the same.

        Parameters
        ----------
        pattern : str
            See `like`.

        Returns
        -------
        Expression
            An `ILike`.
        """
        return ILike(self._name, pattern)

    @property
    def isnull(self) -> Expression:
        """The condition that the field has no value, or is an empty list."""
        return IsNull(self._name)

    @property
    def isnotnull(self) -> Expression:
        """The condition that the field has a value, which is no empty list."""
        return IsNotNull(self._name)

    def _refuse_operand(self, value: object) -> None:
        if isinstance(value, Property | Expression):
            raise FilterError(
                f"filter on {self._name}: cannot compare with {shorten(value)}; a property compares with a "
                "value, and conditions combine with & and | around parentheses: (p.x > 1) & (p.y == 2)"
            )

    def _compare(self, op: str, value: object, frame: FrameType) -> Expression:
        self._refuse_operand(value)
        bound: dict[str, Any] = {op: value}
        made = Range(self._name, **bound)
        earlier = take_link(self, frame)
        if earlier is not None:
            if op in earlier.bounds:
                return And((earlier, made))
            return Range(self._name, **earlier.bounds, **made.bounds)
        open_link(self, made, frame)
        return made

    def _refuse_chain(self, frame: FrameType) -> None:
        if take_link(self, frame) is not None:
            raise FilterError(
                f"filter on {self._name}: only <, <=, > and >= can be chained; combine == and != "
                "with & and parentheses"
            )
