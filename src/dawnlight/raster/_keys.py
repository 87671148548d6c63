"""Reading index keys: which indices of each axis are asked for."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

__all__ = ["Part", "normalize_key"]


class Part:
    """One axis of a key: the indices asked for, the run that covers them, and how to pick from the run."""

    def __init__(self, key: Any, size: int) -> None:
        self.is_int = not isinstance(key, slice)
        if self.is_int:
            index = operator.index(key)
            if not -size <= index < size:
                raise IndexError(f"index {index} is out of bounds for an axis of size {size}")
            index %= size
            key = slice(index, index + 1)
        self.indices = Run(range(*key.indices(size)))


class Run:
    """A range of indices, the contiguous run around it, and the slice that picks it out of the run."""

    def __init__(self, indices: range) -> None:
        self._indices = indices
        self.start = min(indices, default=0)
        self.span = max(indices) - self.start + 1 if indices else 0
        self.inner = slice(None, None, indices.step) if indices else slice(0, 0)

    def __len__(self) -> int:
        return len(self._indices)

    def __iter__(self) -> Iterator[int]:
        return iter(self._indices)


def normalize_key(key: Any, shape: tuple[int, ...]) -> list[Part]:
    """Return one part for each axis of a shape; missing axes are taken whole."""
    key = key if isinstance(key, tuple) else (key,)
    if Ellipsis in key:
        at = key.index(Ellipsis)
        key = (*key[:at], *[slice(None)] * (len(shape) - len(key) + 1), *key[at + 1 :])
    if len(key) > len(shape):
        raise IndexError(f"too many indices: {len(key)} for {len(shape)} axes")
    key = (*key, *[slice(None)] * (len(shape) - len(key)))
    return [Part(part, size) for part, size in zip(key, shape, strict=True)]
