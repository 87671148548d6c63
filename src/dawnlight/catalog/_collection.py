"""Collection: a list with the verbs of data analysis."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Generic, Self, SupportsIndex, TypeVar, overload

import numpy as np

from dawnlight.catalog._eacher import Eacher
from dawnlight.catalog._keys import Predicate, group_by_key, make_key, order_by_key
from dawnlight.errors import ParameterError, ParameterTypeError
from dawnlight.search import Expression

__all__ = ["Collection"]

T = TypeVar("T")
R = TypeVar("R")


class Collection(Generic[T]):
    """A list-like container that can be filtered, mapped, sorted and grouped.

    Every method but `append`, `extend` and assignment gives a new collection and leaves this one as it
    is. What a subclass knows beside its items (an `ImageCollection` knows a geocontext) goes along.

    Parameters
    ----------
    iterable : iterable, optional
        The items; none by default.
    item_type : type, optional
        Class that every item must be an instance of. Subclasses fix it.

    Raises
    ------
    ParameterError
        An item is not of the type (also a `ValueError`).

    Examples
    --------
    >>> from dawnlight.catalog import Collection
    >>> c = Collection(["one", "two", "three"])
    >>> c[1:]
    Collection(['two', 'three'])
    >>> c.filter(lambda word: "e" in word).map(len)
    Collection([3, 5])
    """

    _item_type: type[Any] | None = None
    # Attributes of an instance that do not describe the collection but its present items.
    _not_inherited: ClassVar[frozenset[str]] = frozenset({"_items"})

    # Collections are mutable and compare by content, so they have no hash.
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, iterable: Iterable[T] | None = None, item_type: type[T] | None = None) -> None:
        if item_type is not None:
            if self._item_type is not None and not issubclass(item_type, self._item_type):
                raise ParameterError(
                    f"item_type={item_type.__name__} does not fit a {type(self).__name__} of "
                    f"{self._item_type.__name__}"
                )
            self._item_type = item_type
        self._items: list[T] = self._checked(() if iterable is None else iterable)

    # -- a list ----------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    def __reversed__(self) -> Iterator[T]:
        return reversed(self._items)

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Collection):
            return self._items == other._items
        if isinstance(other, list):
            return self._items == other
        return NotImplemented

    @overload
    def __getitem__(self, index: SupportsIndex) -> T: ...
    @overload
    def __getitem__(self, index: slice | Iterable[Any]) -> Self: ...
    def __getitem__(self, index: Any) -> T | Self:
        if isinstance(index, slice):
            return self._like(self._items[index])
        if _is_integer(index):
            return self._items[operator.index(index)]
        return self._like(self._items[i] for i in self._positions(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        """Assign one item, or several: a scalar goes to all places, a sequence must have their number."""
        if _is_integer(index):
            self._items[operator.index(index)] = self._checked([value])[0]
            return
        places = range(len(self))[index] if isinstance(index, slice) else self._positions(index)
        values = list(value) if _is_sequence(value) else [value] * len(places)
        if len(values) != len(places):
            raise ParameterError(f"cannot assign {len(values)} items to {len(places)} places")
        for place, item in zip(places, self._checked(values), strict=True):
            self._items[place] = item

    def append(self, x: T) -> None:
        """Add one item at the end.

        Parameters
        ----------
        x : object
            The item; it must be of the collection's item type.

        Raises
        ------
        ParameterError
            It is not of the type (also a `ValueError`).

        Examples
        --------
        >>> from dawnlight.catalog import Collection
        >>> c = Collection([1])
        >>> c.append(2)
        >>> c
        Collection([1, 2])
        """
        self._items.extend(self._checked([x]))

    def extend(self, x: Iterable[T]) -> None:
        """Add items at the end: all of them, or none if one does not fit.

        Parameters
        ----------
        x : iterable
            The items; they must be of the collection's item type.

        Raises
        ------
        ParameterError
            One is not of the type (also a `ValueError`).

        Examples
        --------
        >>> from dawnlight.catalog import Collection
        >>> c = Collection([1])
        >>> c.extend(n * n for n in range(2, 4))
        >>> c
        Collection([1, 4, 9])
        """
        self._items.extend(self._checked(x))

    # -- filter, map, sort, group ----------------------------------------------------------------------

    def filter(self, predicate: Callable[[T], Any] | Expression) -> Self:
        """Keep the items for which `predicate` holds.

        Parameters
        ----------
        predicate : callable or Expression
            A function of an item, or an expression made from properties. Expressions mean the same here
            as in a search.

        Returns
        -------
        Collection
            A new collection of the same type.

        Examples
        --------
        >>> from dawnlight.catalog import Collection
        >>> Collection([3, 8, 5]).filter(lambda n: n > 4)
        Collection([8, 5])
        """
        if isinstance(predicate, Expression):
            return self._like(item for item in self._items if predicate.evaluate(item))
        if not callable(predicate):
            raise ParameterTypeError(f"predicate={predicate!r} must be a function or an expression")
        return self._like(item for item in self._items if predicate(item))

    def map(self, f: Callable[[T], R]) -> Collection[R]:
        """Apply a function to every item.

        Parameters
        ----------
        f : callable
            The function.

        Returns
        -------
        Collection
            Of the same type when all results can be items of it, else a plain `Collection`.

        Examples
        --------
        >>> from dawnlight.catalog import Collection
        >>> Collection(["a", "bb"]).map(len)
        Collection([1, 2])
        """
        results: list[Any] = [f(item) for item in self._items]
        if self._item_type is None or all(isinstance(result, self._item_type) for result in results):
            return self._like(results)  # type: ignore[return-value]  # R is T then, or anything goes
        return Collection(results)

    def sorted(self, *predicates: Predicate, reverse: bool = False) -> Self:
        """Sort by one or several keys. Equal items keep their order, None comes last.

        Parameters
        ----------
        *predicates : callable or str
            What to sort by, the most important first: functions of an item, or paths of attributes with
            dots (``"acquired.year"``). A path through an attribute that is None gives None.
        reverse : bool, default False
            True sorts in descending order; None stays last.

        Returns
        -------
        Collection
            A new collection of the same type.

        Raises
        ------
        TypeError
            There is no predicate, or keys cannot be compared (text with a number, for instance).
        AttributeError
            An item has no such attribute.

        Examples
        --------
        >>> from dawnlight.catalog import Collection
        >>> Collection([3 + 1j, 1 + 2j]).sorted("real")
        Collection([(1+2j), (3+1j)])
        """
        keys = list(map(make_key(predicates), self._items))
        return self._like(self._items[position] for position in order_by_key(keys, reverse=reverse))

    def sort(self, field: Predicate, ascending: bool = True) -> Self:
        """Sort by one key.

        Parameters
        ----------
        field : str or callable
            Path of an attribute, or a function of an item.
        ascending : bool, default True
            False sorts in descending order.

        Returns
        -------
        Collection
            A new collection of the same type; this one stays as it is.

        Examples
        --------
        >>> from dawnlight.catalog import Collection
        >>> Collection([1j, 3j, 2j]).sort("imag", ascending=False)
        Collection([3j, 2j, 1j])
        """
        return self.sorted(field, reverse=not ascending)

    def groupby(self, *predicates: Predicate) -> Iterator[tuple[Any, Self]]:
        """Group the items by one or several keys.

        Parameters
        ----------
        *predicates : callable or str
            As for `sorted`. The groups come in ascending order of their keys, that of None last; within a
            group the items keep their order.

        Yields
        ------
        tuple of (key, Collection)
            The key (a tuple when there are several predicates) and its items in a collection of the same
            type.

        Raises
        ------
        TypeError
            There is no predicate, or keys cannot be compared.

        Examples
        --------
        >>> from dawnlight.catalog import Collection
        >>> for length, words in Collection(["bb", "a", "cc"]).groupby(len):
        ...     print(length, words)
        1 Collection(['a'])
        2 Collection(['bb', 'cc'])
        """
        key = make_key(predicates)
        return self._groups(key)

    def _groups(self, key: Callable[[Any], Any]) -> Iterator[tuple[Any, Self]]:
        items = list(self._items)
        keys = list(map(key, items))
        for positions in group_by_key(keys):
            yield keys[positions[0]], self._like(items[position] for position in positions)

    @property
    def each(self) -> Eacher[T]:
        """Whatever is done to this is done to each item, lazily.

        Examples
        --------
        >>> from dawnlight.catalog import Collection
        >>> c = Collection(["one", "two"])
        >>> list(c.each.capitalize())
        ['One', 'Two']
        >>> c.each.pipe(len).combine()
        [3, 3]
        """
        return Eacher(lambda: iter(self._items))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._items!r})"

    # -- inside ----------------------------------------------------------------------------------------

    def _checked(self, items: Iterable[Any]) -> list[Any]:
        """Return the items as a list; all must be of the item type."""
        found = list(items)
        kind = self._item_type
        if kind is not None:
            for item in found:
                if not isinstance(item, kind):
                    raise ParameterError(
                        f"a {type(self).__name__} holds {kind.__name__} objects, not {item!r:.200}"
                    )
        return found

    def _like(self, items: Iterable[Any]) -> Self:
        """Make a collection of this kind with other items and the same knowledge beside them."""
        made = type(self).__new__(type(self))
        made.__dict__.update({k: v for k, v in vars(self).items() if k not in self._not_inherited})
        made._items = list(items)
        return made

    def _positions(self, index: Any) -> list[int]:
        """Return the places that a list or array of whole numbers, or a mask of the same length, names."""
        if isinstance(index, (str, bytes, Mapping)) or not isinstance(index, Iterable):
            raise ParameterTypeError(
                f"a {type(self).__name__} takes whole numbers, slices, lists of whole numbers and masks, "
                f"not {index!r:.100}"
            )
        values = list(index)
        if values and all(isinstance(value, (bool, np.bool_)) for value in values):
            if len(values) != len(self):
                raise IndexError(f"a mask of {len(values)} values does not fit {len(self)} items")
            return [place for place, chosen in enumerate(values) if chosen]
        try:
            return [operator.index(value) for value in values]
        except TypeError:
            raise ParameterTypeError(f"{index!r:.100} must hold whole numbers or be a mask") from None


def _is_integer(index: object) -> bool:
    return isinstance(index, SupportsIndex) and not isinstance(index, (bool, np.bool_, np.ndarray))


def _is_sequence(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))
