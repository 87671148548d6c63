"""Reducing time slots to one value a pixel, without the missing ones; compiled, and without the GIL."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dawnlight.raster import _kernels_numpy_unpack as twins
from dawnlight.raster._jit import Jit

__all__ = ["METHODS", "reduce_slots"]

METHODS = {"median": 0, "percentile": 0, "mean": 1, "min": 2, "max": 3, "first": 4, "last": 5, "count": 6}
"""Number of each method in `reduce_slots`; the median is a percentile."""

_jit = Jit(error_model="numpy")

_FEW = 48


@_jit
def _order(values: Any, count: int) -> None:
    """Sort the first ``count`` values in place; insertion is quickest for the few that a pixel has."""
    for k in range(1, count):
        value = values[k]
        j = k - 1
        while j >= 0 and values[j] > value:
            values[j + 1] = values[j]
            j -= 1
        values[j + 1] = value


@_jit.or_use(twins.reduce_slots)
def reduce_slots(slots: Any, ok: Any, method: int, share: float, out: Any) -> None:
    """Reduce (slot, rows, columns) to (rows, columns).

    Parameters
    ----------
    slots
        Values of one band.
    ok
        Which of them count.
    method
        From `METHODS`.
    share
        For percentiles: from 0 to 1; linear between two values.
    out
        Floats with NaN where nothing counts; for ``count`` integers.
    """
    depth, rows, columns = slots.shape
    values = np.empty(depth, dtype=slots.dtype)
    for r in range(rows):
        for c in range(columns):
            count = 0
            for t in range(depth):
                if ok[t, r, c]:
                    values[count] = slots[t, r, c]
                    count += 1
            if method == 6:
                out[r, c] = count
            elif count == 0:
                out[r, c] = np.nan
            elif method == 0:
                if depth <= _FEW:
                    _order(values, count)
                else:
                    values[:count] = np.sort(values[:count])
                place = (count - 1) * share
                low = int(math.floor(place))  # noqa: RUF046
                part = place - low
                below = float(values[low])
                above = float(values[min(low + 1, count - 1)])
                out[r, c] = below * (1.0 - part) + above * part
            elif method == 1:
                total = 0.0
                for k in range(count):
                    total += values[k]
                out[r, c] = total / count
            elif method == 2:
                out[r, c] = values[:count].min()
            elif method == 3:
                out[r, c] = values[:count].max()
            elif method == 4:
                out[r, c] = values[0]
            else:
                out[r, c] = values[count - 1]
