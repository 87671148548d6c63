"""Cutting an array into windows of one size, as training of models needs them."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

import xarray as xr

from dawnlight.accessor._georeference import spatial_dims
from dawnlight.errors import ParameterError, ParameterTypeError
from dawnlight.geo import Window

__all__ = ["Tiles"]

T = TypeVar("T", xr.DataArray, xr.Dataset)


class Tiles(Sequence[T], Generic[T]):
    """Windows of an array, row by row from the upper left; each is cut when it is asked for.

    It has what loaders of `xbatcher` ask of a generator: a length, positions and iteration.

    Parameters
    ----------
    obj : xarray.DataArray or xarray.Dataset
        What to cut; lazy arrays stay lazy.
    size : int or tuple of int
        Pixels along each side, or (rows, columns).
    overlap : int or tuple of int, default 0
        Pixels that neighbours have in common.
    partial : bool, default False
        Keep the smaller windows at the right and lower edge.
    """

    def __init__(self, obj: T, size: Any, overlap: Any = 0, *, partial: bool = False) -> None:
        ydim, xdim = spatial_dims(obj)
        self._obj: T = obj
        self._dims = (ydim, xdim)
        self.size = _pair(size, "size", least=1)
        self.overlap = _pair(overlap, "overlap", least=0)
        for side, common in zip(self.size, self.overlap, strict=True):
            if common >= side:
                raise ParameterError(f"overlap={overlap!r} must be less than size={size!r}")
        rows = list(_starts(obj.sizes[ydim], self.size[0], self.overlap[0], partial))
        cols = list(_starts(obj.sizes[xdim], self.size[1], self.overlap[1], partial))
        self.windows: tuple[Window, ...] = tuple(
            Window(y, x, height, width) for y, height in rows for x, width in cols
        )
        """Where each tile is, in pixels of the array."""

    def __len__(self) -> int:
        return len(self.windows)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._cut(window) for window in self.windows[index]]
        return self._cut(self.windows[operator.index(index)])

    def __iter__(self) -> Iterator[T]:
        return map(self._cut, self.windows)

    def __repr__(self) -> str:
        return f"<{len(self)} tiles of {self.size[0]} x {self.size[1]} pixels, overlap {self.overlap}>"

    def _cut(self, window: Window) -> T:
        rows, cols = window.slices
        tile: T = self._obj.isel({self._dims[0]: rows, self._dims[1]: cols})
        return tile


def _pair(value: Any, name: str, *, least: int) -> tuple[int, int]:
    parts = value if isinstance(value, tuple | list) else (value, value)
    try:
        y, x = (operator.index(part) for part in parts)
    except (TypeError, ValueError):
        raise ParameterTypeError(
            f"{name}={value!r} must be a whole number or a pair (rows, columns)"
        ) from None
    if min(y, x) < least:
        raise ParameterError(f"{name}={value!r} must be {least} or more")
    return y, x


def _starts(total: int, size: int, overlap: int, partial: bool) -> Iterator[tuple[int, int]]:
    for start in range(0, total, size - overlap):
        length = min(size, total - start)
        if length == size:
            yield start, size
        elif partial and (length > overlap or start == 0):
            yield start, length
