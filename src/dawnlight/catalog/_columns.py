"""Many values by columns: what hundreds of objects have in common is looked up once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

__all__ = ["are_of", "cut_like", "group_by_names", "zip_columns"]


def are_of(values: Iterable[Any], *types: type) -> bool:
    """Tell whether all values are of these types themselves, not of types made from them."""
    return set(map(type, values)) <= set(types)


def group_by_names(mappings: Sequence[Mapping[str, Any]]) -> dict[tuple[str, ...], list[int]]:
    """Return the places of mappings with the same names in the same order, by these names."""
    shapes = list(map(tuple, mappings))
    if shapes and shapes.count(shapes[0]) == len(shapes):
        return {shapes[0]: list(range(len(shapes)))}
    found: dict[tuple[str, ...], list[int]] = {}
    for place, names in enumerate(shapes):
        found.setdefault(names, []).append(place)
    return found


def zip_columns(columns: Mapping[str, Sequence[Any]], size: int) -> list[dict[str, Any]]:
    """Return one dict per row of some columns, without the names whose value is None."""
    if not columns:
        return [{} for _ in range(size)]
    names = tuple(columns)
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if any(None in column for column in columns.values()):
        return [{name: value for name, value in row.items() if value is not None} for row in rows]
    return rows


def cut_like(items: Iterable[Any], lists: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
    """Cut items into lists as long as others."""
    rest = iter(items)
    return (list(islice(rest, size)) for size in map(len, lists))
