"""What collections are sorted and grouped by: keys of items, and their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from dawnlight.errors import ParameterTypeError

__all__ = ["Predicate", "group_by_key", "make_key", "order_by_key"]

Predicate: TypeAlias = Callable[[Any], Any] | str
"""Gives the key of an item: a function, or the path of an attribute such as ``"acquired.year"``."""


def make_key(predicates: tuple[Predicate, ...]) -> Callable[[Any], Any]:
    """Return the function that gives the key of an item: a tuple when there are several predicates.

    A path through an attribute that is None gives None.
    """
    if not predicates:
        raise ParameterTypeError("at least one predicate is needed: a function or the path of an attribute")
    getters = [_make_getter(predicate) for predicate in predicates]
    if len(getters) == 1:
        return getters[0]
    return lambda item: tuple(getter(item) for getter in getters)


def order_by_key(keys: Sequence[Any], *, reverse: bool = False) -> list[int]:
    """Return the positions of keys in ascending (or descending) order; equal ones keep theirs.

    None comes last in both directions, also inside of keys that are tuples, as in searches.

    Raises
    ------
    ParameterTypeError
        The keys cannot be compared with each other.
    """
    ranks = [_rank(key, reverse) for key in keys]
    try:
        return sorted(range(len(ranks)), key=ranks.__getitem__, reverse=reverse)
    except TypeError as error:
        kinds = sorted({type(key).__name__ for key in keys})
        raise ParameterTypeError(
            f"the keys to sort or group by cannot be compared ({error}); they are {', '.join(kinds)}: give "
            "a function that makes them alike, such as lambda item: str(item.name)"
        ) from error


def group_by_key(keys: Sequence[Any]) -> list[list[int]]:
    """Return the positions of equal keys together, groups in the order of `order_by_key`."""
    groups: list[list[int]] = []
    for position in order_by_key(keys):
        if groups and keys[groups[-1][0]] == keys[position]:
            groups[-1].append(position)
        else:
            groups.append([position])
    return groups


def _rank(key: Any, reverse: bool) -> Any:
    if isinstance(key, tuple):
        return tuple(_rank(part, reverse) for part in key)
    missing = key is None
    return missing is not reverse, 0 if missing else key


def _make_getter(predicate: Predicate) -> Callable[[Any], Any]:
    if isinstance(predicate, str):
        return _path_getter(predicate)
    if not callable(predicate):
        raise ParameterTypeError(f"predicate={predicate!r} must be a function or the path of an attribute")
    return predicate


def _path_getter(path: str) -> Callable[[Any], Any]:
    names = path.split(".")

    def get(item: Any) -> Any:
        value = getattr(item, names[0])
        for name in names[1:]:
            if value is None:
                return None
            value = getattr(value, name)
        return value

    return get
