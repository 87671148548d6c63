"""Reducing time slots in NumPy, for platforms without numba; see `dawnlight.raster._kernels_reduce`."""

from __future__ import annotations

from typing import Any

import numpy as np

from dawnlight.raster._kernels_numpy import strips

__all__ = ["extreme", "reduce_slots"]


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
    """Reduce (slot, rows, columns) to (rows, columns)."""
    with np.errstate(all="ignore"):
        for rows in strips(slots.shape[1], slots.shape[2] * max(slots.shape[0], 1)):
            part = np.s_[:, rows.start : rows.stop]
            values = slots[part]
            ok = (values == values) & ~(marked[:, None, None] & (values == marks[:, None, None]))
            for mask in (hidden, lost):
                if mask.shape[0]:
                    ok &= ~mask[part]
            out[part[1:]] = _reduced(values, ok, method, share)


def _reduced(slots: Any, ok: Any, method: int, share: float) -> Any:
    """Values of some rows; NaN where nothing counts."""
    count = ok.sum(axis=0)
    if method == 6:
        return count
    if method == 0:
        found = _quantile(slots, ok, count, share)
    elif method == 1:
        total = np.zeros(count.shape)
        for values, here in zip(slots, ok, strict=True):
            total += np.where(here, values, 0)
        found = total / count
    elif method == 2:
        found = np.where(ok, slots, extreme(slots.dtype, 1)).min(axis=0)
    elif method == 3:
        found = np.where(ok, slots, extreme(slots.dtype, -1)).max(axis=0)
    else:
        place = ok.argmax(axis=0) if method == 4 else len(ok) - 1 - ok[::-1].argmax(axis=0)
        found = np.take_along_axis(slots, place[np.newaxis], axis=0)[0]
    return np.where(count > 0, found, np.nan)


def _quantile(slots: Any, ok: Any, count: Any, share: float) -> Any:
    ordered = np.sort(np.where(ok, slots, extreme(slots.dtype, 1)), axis=0)
    place = np.maximum(count - 1, 0) * share
    low = np.floor(place).astype(np.int64)
    part = place - low
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    below, above = (np.take_along_axis(ordered, k[np.newaxis], axis=0)[0].astype(float) for k in (low, high))
    return np.where(part == 0, below, below * (1.0 - part) + above * part)


def extreme(dtype: Any, sign: int) -> Any:
    """Value of a type that no other is beyond."""
    if dtype.kind == "f":
        return dtype.type(sign * np.inf)
    info = np.iinfo(dtype)
    return dtype.type(info.max if sign > 0 else info.min)
