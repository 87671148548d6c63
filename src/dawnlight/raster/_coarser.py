"""Overviews made while the rows of the finer level come in: nothing is read twice, and little is held."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["KERNELS", "Coarser", "shapes_of_overviews"]

_Taps = list[tuple[NDArray[np.intp], NDArray[np.float64]]]


def shapes_of_overviews(shape: tuple[int, int], tile: int) -> list[tuple[int, int]]:
    """Return the (height, width) of overviews, each half as large as the one before, until one fits a tile.

    Examples
    --------
    >>> shapes_of_overviews((1025, 2000), 512)
    [(512, 1000), (256, 500)]
    """
    found = []
    height, width = shape
    while max(height, width) > tile:
        height, width = max(height // 2, 1), max(width // 2, 1)
        found.append((height, width))
    return found


class Coarser:
    """Makes the rows of an overview from those of the next finer level, as they come.

    Parameters
    ----------
    fine, coarse : (int, int)
        Height and width of both levels.
    kernel : str
        One of `KERNELS`.
    nodata : float or None
        Value of pixels that play no part.
    """

    def __init__(
        self, fine: tuple[int, int], coarse: tuple[int, int], kernel: str, nodata: float | None
    ) -> None:
        self._fine, self._coarse = fine, coarse
        self._reduce = KERNELS[kernel]
        self._nodata = nodata
        self._held: NDArray[Any] | None = None
        self._first = 0  # row of the finer level that is held first
        self._done = 0

    def push(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Take the next rows (band, y, x), and return those of the overview that they complete."""
        held = rows if self._held is None else np.concatenate([self._held, rows], axis=1)
        height, fine = self._coarse[0], self._fine[0]
        here = self._first + held.shape[1]
        # Row i needs the rows below (i + 1) * fine / height.
        done = height if here == fine else here * height // fine
        count = max(done - self._done, 0)
        across = _taps(0, self._coarse[1], self._fine[1], self._coarse[1], 0)
        down = _taps(self._done, count, fine, height, self._first)
        made = self._reduce(held, down, across, self._nodata)
        self._done += count
        start = self._done * fine // height
        # A copy, so that what is not needed is not kept alive.
        self._held = held[:, start - self._first :].copy()
        self._first = start
        return made


def _taps(first: int, count: int, fine: int, coarse: int, offset: int) -> _Taps:
    """Return which pixels make up each of some coarser ones, and by how much of their length."""
    numbers = np.arange(first, first + count, dtype=np.int64)
    starts = numbers * fine // coarse
    lows, highs = numbers * fine / coarse, (numbers + 1) * fine / coarse
    most = int((-(-(numbers + 1) * fine // coarse) - starts).max(initial=0))
    found = []
    for step in range(most):
        weights = np.minimum(highs, starts + step + 1) - np.maximum(lows, starts + step)
        places = np.minimum(starts + step, fine - 1) - offset
        found.append((places.astype(np.intp), np.maximum(weights, 0.0)))
    return found


def _pick(values: NDArray[Any], places: NDArray[np.intp], axis: int) -> NDArray[Any]:
    """Take some rows or columns; every second one as a view."""
    if len(places) > 1 and (np.diff(places) == 2).all():
        chosen = slice(int(places[0]), int(places[-1]) + 1, 2)
        return values[:, chosen] if axis == 1 else values[:, :, chosen]
    return np.take(values, places, axis=axis)


def _sum(values: NDArray[Any], taps: _Taps, axis: int) -> NDArray[Any]:
    total: NDArray[Any] | None = None
    for places, weights in taps:
        part = _pick(values, places, axis)
        if not (weights == 1.0).all():
            part = part * weights.astype(values.dtype).reshape((-1, 1) if axis == 1 else (1, -1))
        total = part.copy() if total is None else np.add(total, part, out=total)
    assert total is not None  # every pixel is made of at least two
    return total


def _valid(values: NDArray[Any], nodata: float | None) -> NDArray[np.bool_] | None:
    """Return which values count; None if all do."""
    valid: NDArray[np.bool_] | None = ~np.isnan(values) if values.dtype.kind == "f" else None
    if nodata is not None and not math.isnan(nodata):
        same = values != values.dtype.type(nodata)
        valid = same if valid is None else valid & same
    return None if valid is None or valid.all() else valid


def _fill(dtype: np.dtype[Any], nodata: float | None) -> Any:
    if nodata is None:
        return dtype.type(math.nan if dtype.kind == "f" else 0)
    return dtype.type(nodata)


def _average(rows: NDArray[Any], down: _Taps, across: _Taps, nodata: float | None) -> NDArray[Any]:
    """Average what is valid, by area; whole numbers are rounded, halves up."""
    if not down:
        return rows[:, :0, : len(across[0][0])]
    total, weight = _totals(rows, down, across, nodata)
    empty = weight <= 0
    some = bool(empty.any())
    mean = np.divide(total, np.where(empty, 1, weight) if some else weight, out=total)
    if rows.dtype.kind != "f":
        mean += 0.5
        np.floor(mean, out=mean)
    made: NDArray[Any] = mean.astype(rows.dtype)
    if nodata is not None and not math.isnan(nodata):
        # A mean that happens to be the nodata value must not look like missing.
        np.copyto(made, _beside(rows.dtype, nodata), where=made == rows.dtype.type(nodata))
    if some:
        np.copyto(made, _fill(rows.dtype, nodata), where=empty)
    return made


def _totals(
    rows: NDArray[Any], down: _Taps, across: _Taps, nodata: float | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the sum of the valid values under each coarser pixel, and their area."""
    # Sums of a few numbers of 16 bits are exact in 32-bit floats.
    working = np.float32 if rows.dtype.itemsize <= 2 else np.float64
    if len(down) == len(across) == 2 and all((weights == 1).all() for _, weights in (*down, *across)):
        return _totals_of_four(rows, down, across, nodata, working)
    values = rows.astype(working)
    valid = _valid(rows, nodata)
    if valid is None:
        weight: NDArray[Any] = (_area(down)[:, np.newaxis] * _area(across)).astype(working)
    else:
        np.copyto(values, 0, where=~valid)
        weight = _sum(_sum(valid.astype(working), across, 2), down, 1)
    total = _sum(_sum(values, across, 2), down, 1)
    return total, weight


def _totals_of_four(
    rows: NDArray[Any], down: _Taps, across: _Taps, nodata: float | None, working: Any
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Do the same where four pixels become one: on views, without a copy of all."""
    total = weight = None
    for down_places, _ in down:
        for places, _ in across:
            part = _pick(_pick(rows, down_places, 1), places, 2)
            valid = _valid(part, nodata)
            counted = np.ones(part.shape, np.uint8) if valid is None else valid.view(np.uint8)
            if valid is not None and nodata != 0:
                part = np.where(valid, part, part.dtype.type(0))
            total = part.astype(working) if total is None else np.add(total, part, out=total)
            weight = counted.copy() if weight is None else np.add(weight, counted, out=weight)
    assert total is not None  # there are two taps in each direction
    assert weight is not None
    return total, weight


def _area(taps: _Taps) -> NDArray[np.float64]:
    return np.asarray(np.sum([weights for _, weights in taps], axis=0), dtype=np.float64)


def _beside(dtype: np.dtype[Any], nodata: float) -> Any:
    if dtype.kind == "f":
        return np.nextafter(dtype.type(nodata), dtype.type(0 if nodata else 1))
    return dtype.type(nodata + 1 if nodata < np.iinfo(dtype).max else nodata - 1)


def _mode(rows: NDArray[Any], down: _Taps, across: _Taps, nodata: float | None) -> NDArray[Any]:
    """Take the valid value that covers most; of equals the first, by rows."""
    if not down:
        return rows[:, :0, : len(across[0][0])]
    parts = []
    for down_places, down_weights in down:
        line = _pick(rows, down_places, 1)
        for places, weights in across:
            parts.append((_pick(line, places, 2), down_weights[:, np.newaxis] * weights))
    goods = [_valid(values, nodata) for values, _ in parts]
    shape = parts[0][0].shape
    made = np.full(shape, _fill(rows.dtype, nodata), rows.dtype)
    best = np.zeros(shape, np.float32)
    for candidate, good in zip(parts, goods, strict=True):
        votes = np.zeros(shape, np.float32)
        for values, weights in parts:
            votes += (values == candidate[0]) * weights.astype(np.float32)
        if good is not None:
            votes[~good] = 0
        better = votes > best
        made[better] = candidate[0][better]
        best[better] = votes[better]
    return made


def _nearest(rows: NDArray[Any], down: _Taps, across: _Taps, nodata: float | None) -> NDArray[Any]:
    """Take one pixel of each: the one whose edge is nearest to the edge of the coarser one, as GDAL does."""
    if not down:
        return rows[:, :0, : len(across[0][0])]
    return np.ascontiguousarray(_pick(_pick(rows, _firsts(down), 1), _firsts(across), 2))


def _firsts(taps: _Taps) -> NDArray[np.intp]:
    places, weights = taps[0]
    return places if len(taps) == 1 else np.where(weights > 0.5, places, taps[1][0])


KERNELS: dict[str, Callable[[NDArray[Any], _Taps, _Taps, float | None], NDArray[Any]]] = {
    "average": _average,
    "mode": _mode,
    "nearest": _nearest,
}
"""Resampling of overviews that is made here."""
