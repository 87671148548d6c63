"""Unpacking tiles in NumPy, for platforms without numba.

The functions take the arguments of their namesakes in `dawnlight.raster._kernels_unpack` and give the same
values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["join_floats", "unpack", "widen"]


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


def widen(values: Any, ok: Any, nodata: Any, has_nodata: bool, out: Any) -> None:
    """Copy (rows, columns) to a float array; NaN where a value is nodata or NaN, or is not ``ok``."""
    out[...] = values
    if ok.shape[0] > 0:
        out[~ok] = np.nan
    if has_nodata:
        out[values == nodata] = np.nan
