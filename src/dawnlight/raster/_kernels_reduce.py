"""Reducing time slots to one value a pixel, without the missing ones; compiled, and without the GIL.

A run of pixels is worked on at once. Their values lie slot by slot in a small buffer, the missing ones as a
value that no other is beyond, and order statistics come from a sorting network whose comparisons run over
the whole run: no branch depends on a pixel, so the processor handles many pixels in one instruction.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dawnlight.raster import _kernels_numpy_reduce as twins
from dawnlight.raster._jit import Jit

__all__ = ["METHODS", "Slots", "reduce_band"]

METHODS = {"median": 0, "percentile": 0, "mean": 1, "min": 2, "max": 3, "first": 4, "last": 5, "count": 6}
"""Number of each method; the median is a percentile."""

_NOTHING = np.zeros((0, 0, 0), dtype=np.bool_)

_jit = Jit(error_model="numpy", boundscheck=False)


class Slots(NamedTuple):
    """One band of all time slots of a window, and what of it does not count."""

    values: NDArray[Any]
    """(slot, rows, columns)"""
    marks: NDArray[Any]
    """Value of each slot that marks missing pixels, in the type of the values."""
    marked: NDArray[np.bool_]
    """Whether each slot has such a value."""
    hidden: NDArray[np.bool_] | None = None
    """(slot, rows, columns): what does not count in any band; None hides nothing."""
    lost: NDArray[np.bool_] | None = None
    """(slot, rows, columns): what does not count in this band; None hides nothing."""


def reduce_band(slots: Slots, method: str, share: float, out: NDArray[Any]) -> None:
    """Reduce the time slots of a band to one value a pixel.

    Missing are values equal to the mark of their slot, NaN, and what is hidden or lost.

    Parameters
    ----------
    slots
        The values.
    method
        From `METHODS`.
    share
        For percentiles: from 0 to 1; linear between two values.
    out
        (rows, columns): floats with NaN where nothing counts; for ``count`` integers.
    """
    hidden = _NOTHING if slots.hidden is None else slots.hidden
    lost = _NOTHING if slots.lost is None else slots.lost
    number = METHODS[method]
    network = sorting_network(len(slots.values) if number == 0 else 0)
    last = twins.extreme(slots.values.dtype, -1 if number == 3 else 1)
    reduce_slots(slots.values, slots.marks, slots.marked, hidden, lost, network, last, number, share, out)


@lru_cache(maxsize=64)
def sorting_network(count: int) -> NDArray[np.int64]:
    """Return pairs of places to compare, which sort so many values (Batcher's merge exchange).

    D. E. Knuth, The Art of Computer Programming, volume 3, section 5.2.2, algorithm M.
    """
    pairs = []
    top = 1 << max(count - 1, 0).bit_length() >> 1
    p = top
    while p > 0:
        q, r, d = top, 0, p
        while True:
            pairs += [(k, k + d) for k in range(count - d) if k & p == r]
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1
    network = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    network.flags.writeable = False
    return network


@_jit.or_use(twins.reduce_slots)
def reduce_slots(
    slots: Any,
    marks: Any,
    marked: Any,
    hidden: Any,
    lost: Any,
    network: Any,
    beyond: Any,
    method: int,
    share: float,
    out: Any,
) -> None:
    """Reduce (slot, rows, columns) to (rows, columns); see `reduce_band`.

    ``hidden`` and ``lost`` without elements hide nothing. ``beyond`` stands for missing values while the
    others are compared.
    """
    depth, rows, columns = slots.shape
    wide = max(16, min(512, 32768 // max(depth * slots.itemsize, 1)))
    buffer = np.empty((depth, wide), dtype=slots.dtype)
    counts = np.empty(wide, dtype=np.int32)
    bad = np.empty(wide, dtype=np.bool_)
    totals = np.empty(wide, dtype=np.float64)
    for r in range(rows):
        for start in range(0, columns, wide):
            size = min(wide, columns - start)
            counts[:] = 0
            totals[:] = 0.0
            for t in range(depth):
                source = slots[t, r, start : start + size]
                line = buffer[t]
                mark, has_mark = marks[t], marked[t]
                for c in range(size):
                    bad[c] = (has_mark & (source[c] == mark)) | (source[c] != source[c])
                if hidden.shape[0] > 0:
                    more = hidden[t, r, start : start + size]
                    for c in range(size):
                        bad[c] |= more[c]
                if lost.shape[0] > 0:
                    more = lost[t, r, start : start + size]
                    for c in range(size):
                        bad[c] |= more[c]
                if method == 4:  # the first that counts
                    for c in range(size):
                        if not bad[c] and counts[c] == 0:
                            buffer[0, c] = source[c]
                elif method == 5:
                    for c in range(size):
                        if not bad[c]:
                            buffer[0, c] = source[c]
                elif method == 1:
                    for c in range(size):
                        totals[c] += 0.0 if bad[c] else float(source[c])
                elif method != 6:
                    for c in range(size):
                        line[c] = beyond if bad[c] else source[c]
                for c in range(size):
                    counts[c] += not bad[c]
            if method == 0:
                _exchange(buffer, network, size)
            elif method == 2:
                _least(buffer, depth, size)
            elif method == 3:
                _greatest(buffer, depth, size)
            _write(buffer, counts, totals, size, method, share, out[r, start : start + size])


@_jit
def _exchange(buffer: Any, network: Any, size: int) -> None:
    """Put each pair of a network in order, for all pixels of the run."""
    for k in range(network.shape[0]):
        upper = buffer[network[k, 0]]
        lower = buffer[network[k, 1]]
        for c in range(size):
            a, b = upper[c], lower[c]
            upper[c] = a if a < b else b
            lower[c] = b if a < b else a


@_jit
def _least(buffer: Any, depth: int, size: int) -> None:
    best = buffer[0]
    for t in range(1, depth):
        line = buffer[t]
        for c in range(size):
            best[c] = min(best[c], line[c])


@_jit
def _greatest(buffer: Any, depth: int, size: int) -> None:
    best = buffer[0]
    for t in range(1, depth):
        line = buffer[t]
        for c in range(size):
            best[c] = max(best[c], line[c])


@_jit
def _write(buffer: Any, counts: Any, totals: Any, size: int, method: int, share: float, out: Any) -> None:
    """Write the reduced values of a run."""
    for c in range(size):
        count = counts[c]
        if method == 6:
            out[c] = count
        elif count == 0:
            out[c] = np.nan
        elif method == 1:
            out[c] = totals[c] / count
        elif method == 0:
            place = (count - 1) * share
            low = int(math.floor(place))  # noqa: RUF046
            part = place - low
            below = float(buffer[low, c])
            above = float(buffer[min(low + 1, count - 1), c])
            # Beside an infinity, a weight of 0 would make NaN of a value that is there.
            out[c] = below if part == 0.0 else below * (1.0 - part) + above * part
        else:
            out[c] = buffer[0, c]
