"""Unpacking tiles and reducing time slots in NumPy, for platforms without numba.

The functions take the arguments of their namesakes in `dawnlight.raster._kernels_unpack` and
`dawnlight.raster._kernels_reduce`, and give the same values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dawnlight.raster._kernels_numpy import strips

__all__ = ["integrate", "join_floats", "reduce_slots", "unpack", "widen"]


def unpack(
    tile: Any, samples: Any, predictor: bool, top: int, left: int, out: Any, out_top: int, out_left: int
) -> None:
    """Put a rectangle of a tile into the output."""
    rows = min(tile.shape[0] - top, out.shape[1] - out_top)
    columns = min(tile.shape[1] - left, out.shape[2] - out_left)
    for k, sample in enumerate(samples):
        part = tile[top : top + rows, : left + columns, sample]
        if predictor:
            part = np.cumsum(part, axis=1, dtype=tile.dtype)
        out[k, out_top : out_top + rows, out_left : out_left + columns] = part[:, left:]


def join_floats(tile: Any, width: int, stride: int, out: Any) -> None:
    """Undo the floating-point predictor of Adobe's TIFF technical note 3."""
    rows, length = tile.shape
    summed = np.cumsum(tile.reshape(rows, length // stride, stride), axis=1, dtype=np.uint8)
    planes = summed.reshape(rows, width, length // width)
    out[...] = planes[:, ::-1].transpose(0, 2, 1).reshape(rows, length)


def integrate(tile: Any, out: Any) -> None:
    """Sum up differences along the rows of (rows, columns, samples), wrapping as integers do."""
    np.cumsum(tile, axis=1, dtype=tile.dtype, out=out)


def widen(values: Any, ok: Any, nodata: Any, has_nodata: bool, out: Any) -> None:
    """Copy (rows, columns) to a float array; NaN where a value is nodata or NaN, or is not ``ok``."""
    out[...] = values
    if ok.shape[0] > 0:
        out[~ok] = np.nan
    if has_nodata:
        out[values == nodata] = np.nan


def reduce_slots(slots: Any, ok: Any, method: int, share: float, out: Any) -> None:
    """Reduce (slot, rows, columns) to (rows, columns)."""
    with np.errstate(all="ignore"):
        for rows in strips(slots.shape[1], slots.shape[2] * max(slots.shape[0], 1)):
            part = np.s_[rows.start : rows.stop]
            out[part] = _reduced(slots[:, part], ok[:, part], method, share)


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
        found = np.where(ok, slots, _extreme(slots.dtype, 1)).min(axis=0)
    elif method == 3:
        found = np.where(ok, slots, _extreme(slots.dtype, -1)).max(axis=0)
    else:
        place = ok.argmax(axis=0) if method == 4 else len(ok) - 1 - ok[::-1].argmax(axis=0)
        found = np.take_along_axis(slots, place[np.newaxis], axis=0)[0]
    return np.where(count > 0, found, np.nan)


def _quantile(slots: Any, ok: Any, count: Any, share: float) -> Any:
    ordered = np.sort(np.where(ok, slots, _extreme(slots.dtype, 1)), axis=0)
    place = np.maximum(count - 1, 0) * share
    low = np.floor(place).astype(np.int64)
    part = place - low
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    below, above = (np.take_along_axis(ordered, k[np.newaxis], axis=0)[0].astype(float) for k in (low, high))
    return below * (1.0 - part) + above * part


def _extreme(dtype: Any, sign: int) -> Any:
    """Value of a type that no other is beyond."""
    if dtype.kind == "f":
        return dtype.type(sign * np.inf)
    info = np.iinfo(dtype)
    return dtype.type(info.max if sign > 0 else info.min)
