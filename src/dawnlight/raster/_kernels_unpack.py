"""Passes over pixels between the decoder and the result; compiled, and without the GIL.

A tile arrives as the samples that the decompressor wrote: (rows, columns, samples). ``unpack`` writes a
rectangle of it into the output band by band, and sums up differences on the way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dawnlight.raster import _kernels_numpy_unpack as twins
from dawnlight.raster._jit import Jit

__all__ = ["join_floats", "unpack", "widen"]

_jit = Jit(boundscheck=False)


@_jit.or_use(twins.unpack)
def unpack(
    tile: Any, samples: Any, predictor: bool, top: int, left: int, out: Any, out_top: int, out_left: int
) -> None:
    """Put a rectangle of a tile into the output.

    Parameters
    ----------
    tile
        (rows, columns, samples), unsigned integers of the samples' width.
    samples
        Which samples, in the order of the output's bands.
    predictor
        Whether each sample is the difference from the one to its left.
    top, left
        First row and column of the tile to use.
    out
        (band, height, width) of the same type; filled from (out_top, out_left) to the edge of the tile or of
        the output.
    """
    rows = min(tile.shape[0] - top, out.shape[1] - out_top)
    columns = min(tile.shape[1] - left, out.shape[2] - out_left)
    if tile.shape[2] == 1:
        plane = tile[top : top + rows, : left + columns, 0]
        for k in range(samples.shape[0]):
            target = out[k, out_top : out_top + rows, out_left : out_left + columns]
            if predictor:
                _sum_rows(plane, left, target)
            else:
                for r in range(rows):
                    source, line = plane[r], target[r]
                    for c in range(columns):
                        line[c] = source[left + c]
        return
    for k in range(samples.shape[0]):
        s = samples[k]
        for r in range(rows):
            if predictor:
                total = tile[top + r, 0, s]
                for c in range(1, left + 1):
                    total += tile[top + r, c, s]
                out[k, out_top + r, out_left] = total
                for c in range(1, columns):
                    total += tile[top + r, left + c, s]
                    out[k, out_top + r, out_left + c] = total
            else:
                for c in range(columns):
                    out[k, out_top + r, out_left + c] = tile[top + r, left + c, s]


@_jit
def _sum_rows(plane: Any, left: int, out: Any) -> None:
    """Sum up differences along rows and keep the columns from ``left`` on.

    Each sum waits for the one before it, so four rows go side by side.
    """
    rows, columns = out.shape
    for top in range(0, rows, 4):
        at = (top, min(top + 1, rows - 1), min(top + 2, rows - 1), min(top + 3, rows - 1))
        p, q, u, v = plane[at[0]], plane[at[1]], plane[at[2]], plane[at[3]]
        a, b, c, d = p[0] - p[0], q[0] - q[0], u[0] - u[0], v[0] - v[0]
        for k in range(left):
            a += p[k]
            b += q[k]
            c += u[k]
            d += v[k]
        w, x, y, z = out[at[0]], out[at[1]], out[at[2]], out[at[3]]
        for k in range(columns):
            a += p[left + k]
            b += q[left + k]
            c += u[left + k]
            d += v[left + k]
            w[k] = a
            x[k] = b
            y[k] = c
            z[k] = d


@_jit.or_use(twins.join_floats)
def join_floats(tile: Any, width: int, stride: int, out: Any) -> None:
    """Undo the floating-point predictor of Adobe's TIFF technical note 3.

    Parameters
    ----------
    tile
        (rows, row bytes): differences of bytes, the most significant bytes of a row first.
    width
        Bytes of a sample.
    stride
        Samples of a pixel: how far to the left the byte lies that each was subtracted from.
    out
        (rows, row bytes): samples in little-endian order.
    """
    rows, length = tile.shape
    count = length // width
    row = np.empty(length, dtype=np.uint8)
    for r in range(rows):
        for k in range(length):
            row[k] = tile[r, k] if k < stride else tile[r, k] + row[k - stride]
        for c in range(count):
            for b in range(width):
                out[r, c * width + width - 1 - b] = row[b * count + c]


@_jit.or_use(twins.widen)
def widen(values: Any, ok: Any, nodata: Any, has_nodata: bool, out: Any) -> None:
    """Copy (rows, columns) to a float array; NaN where a value is nodata or NaN, or is not ``ok``.

    ``ok`` without elements: all are.
    """
    rows, columns = values.shape
    masked = ok.shape[0] > 0
    for r in range(rows):
        if masked:
            for c in range(columns):
                value = values[r, c]
                missing = (not ok[r, c]) | (has_nodata & (value == nodata)) | (value != value)
                out[r, c] = np.nan if missing else value
        else:
            for c in range(columns):
                value = values[r, c]
                missing = (has_nodata & (value == nodata)) | (value != value)
                out[r, c] = np.nan if missing else value
