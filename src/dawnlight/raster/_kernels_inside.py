"""Rows whose pixels all lie inside the source window: no edge to look for, so the loops have no branches.

The compiled kernels (`dawnlight.raster._kernels`) ask for a row at a time and take the general road where
the answer is no. Values are the same either way.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dawnlight.raster._jit import Jit
from dawnlight.raster._kernels_numpy import TIE

__all__ = [
    "blend_row",
    "catmull",
    "cubic_row",
    "find_corners",
    "find_pixels",
    "find_places",
    "is_straight",
    "take_lines",
    "take_row",
]

_jit = Jit(error_model="numpy", boundscheck=False)


@_jit
def find_pixels(xs: Any, ys: Any, offset: Any, shape: Any, full: Any, columns: Any, rows: Any) -> bool:
    """Find the pixel of the window that holds each place; False if one is not in the window or the source.

    ``offset`` (y, x) and ``shape`` are the window's, which may reach beyond the source of shape ``full``;
    ``columns`` and ``rows`` (int32) are filled.
    """
    first_x, first_y = max(-offset[1], 0), max(-offset[0], 0)
    stop_x, stop_y = min(shape[1], full[1] - offset[1]), min(shape[0], full[0] - offset[0])
    inside = 0
    for c in range(xs.shape[0]):
        x = xs[c] + TIE - offset[1]
        y = ys[c] + TIE - offset[0]
        inside += (x >= first_x) & (y >= first_y) & (x < stop_x) & (y < stop_y)
    if inside < xs.shape[0]:
        return False
    for c in range(xs.shape[0]):
        columns[c] = np.int32(xs[c] + TIE) - np.int32(offset[1])
        rows[c] = np.int32(ys[c] + TIE) - np.int32(offset[0])
    return True


@_jit
def is_straight(where: Any) -> bool:
    """Whether columns of the output are columns of the source, and rows are rows."""
    nodes_x, nodes_y = where[0], where[1]
    if where[2].shape[0] > 0 or where[3].shape[0] > 0:
        return False
    for i in range(nodes_x.shape[0]):
        for j in range(nodes_x.shape[1]):
            if nodes_x[i, j] != nodes_x[0, j] or nodes_y[i, j] != nodes_y[i, 0]:
                return False
    return True


@_jit
def find_places(places: Any, offset: int, size: int, full: int, edge: float, found: Any) -> None:
    """Find the pixels of a window along one axis that hold places; -1: not on the source, -2: not in it."""
    for c in range(places.shape[0]):
        found[c] = -1
        if places[c] >= -edge and places[c] < full + edge:
            at = min(int(places[c] + TIE), full - 1) - offset
            found[c] = at if 0 <= at < size else -2


@_jit
def take_lines(src: Any, ok: Any, columns: Any, rows: Any, out: Any, out_ok: Any) -> int:
    """Copy pixels of rows and columns that `find_places` found; return how many are not in the window.

    Nothing is copied, and -1 returned, where the columns on the source do not follow each other.
    """
    masked = ok.shape[0] > 0
    first, stop, beside, missed = 0, columns.shape[0], 0, 0
    while first < stop and columns[first] < 0:
        beside += columns[first] == -2
        first += 1
    while stop > first and columns[stop - 1] < 0:
        beside += columns[stop - 1] == -2
        stop -= 1
    run = columns[first:stop]
    for c in range(run.shape[0]):
        if run[c] < 0:
            return -1
    for row in range(rows.shape[0]):
        if rows[row] == -1:
            continue
        missed += beside
        if rows[row] == -2:
            missed += run.shape[0]
            continue
        for b in range(out.shape[0]):
            line, target, target_ok = src[b, rows[row]], out[b, row, first:stop], out_ok[b, row, first:stop]
            if masked:
                line_ok = ok[b, rows[row]]
                for c in range(run.shape[0]):
                    here = line_ok[run[c]]
                    target[c] = line[run[c]] if here else target[c]
                    target_ok[c] |= here
            else:
                for c in range(run.shape[0]):
                    target[c] = line[run[c]]
                    target_ok[c] = True
    return missed


@_jit
def take_row(src: Any, ok: Any, columns: Any, rows: Any, out: Any, out_ok: Any) -> None:
    """Copy one pixel of a band to each place; those that are not ``ok`` are left out."""
    if ok.shape[0] > 0:
        for c in range(out.shape[0]):
            iy, ix = rows[c], columns[c]
            here = ok[iy, ix]
            out[c] = src[iy, ix] if here else out[c]
            out_ok[c] |= here
    else:
        for c in range(out.shape[0]):
            out[c] = src[rows[c], columns[c]]
            out_ok[c] = True


@_jit
def find_corners(
    xs: Any,
    ys: Any,
    offset: Any,
    shape: Any,
    full: Any,
    reach: int,
    columns: Any,
    rows: Any,
    right: Any,
    down: Any,
) -> bool:
    """Find the upper left of the four pixels around each place, and how far right and down of it that is.

    False if one of the four, or of the ``reach`` pixels around them, is not in the window, or a place is off
    the source.
    """
    inside = 0
    for c in range(xs.shape[0]):
        x = math.floor(xs[c] - 0.5) - offset[1]
        y = math.floor(ys[c] - 0.5) - offset[0]
        here = (x >= reach) & (y >= reach) & (x < shape[1] - 1 - reach) & (y < shape[0] - 1 - reach)
        inside += here & (xs[c] >= 0.0) & (ys[c] >= 0.0) & (xs[c] < full[1]) & (ys[c] < full[0])
    if inside < xs.shape[0]:
        return False
    for c in range(xs.shape[0]):
        left = math.floor(xs[c] - 0.5)
        top = math.floor(ys[c] - 0.5)
        right[c] = xs[c] - 0.5 - left
        down[c] = ys[c] - 0.5 - top
        columns[c] = np.int32(left) - np.int32(offset[1])
        rows[c] = np.int32(top) - np.int32(offset[0])
    return True


@_jit
def blend_row(
    src: Any, columns: Any, rows: Any, right: Any, down: Any, integer: bool, out: Any, out_ok: Any
) -> None:
    """Blend the four pixels of a band around each place, all of which count."""
    for c in range(out.shape[0]):
        iy, ix, fx, fy = rows[c], columns[c], right[c], down[c]
        upper = src[iy, ix] * (1.0 - fx) + src[iy, ix + 1] * fx
        lower = src[iy + 1, ix] * (1.0 - fx) + src[iy + 1, ix + 1] * fx
        value = upper * (1.0 - fy) + lower * fy
        out[c] = math.floor(value + 0.5) if integer else value
        out_ok[c] = True


@_jit
def cubic_row(
    src: Any,
    columns: Any,
    rows: Any,
    right: Any,
    down: Any,
    limits: Any,
    integer: bool,
    out: Any,
    out_ok: Any,
) -> None:
    """Cubic convolution over the sixteen pixels of a band around each place, all of which count."""
    for c in range(out.shape[0]):
        iy, ix = rows[c], columns[c]
        a, b, d, e = catmull(right[c])
        p, q, u, v = catmull(down[c])
        value = p * _line(src[iy - 1], ix, a, b, d, e)
        value += q * _line(src[iy], ix, a, b, d, e)
        value += u * _line(src[iy + 1], ix, a, b, d, e)
        value += v * _line(src[iy + 2], ix, a, b, d, e)
        if integer:
            value = min(max(math.floor(value + 0.5), limits[0]), limits[1])
        out[c] = value
        out_ok[c] = True


@_jit
def _line(source: Any, ix: int, a: float, b: float, d: float, e: float) -> float:
    total: float = a * source[ix - 1] + b * source[ix] + d * source[ix + 1] + e * source[ix + 2]
    return total


@_jit
def catmull(t: float) -> tuple[float, float, float, float]:
    """Weights of the four taps of cubic convolution (a = -0.5) for the fraction t in [0, 1)."""
    t2 = t * t
    t3 = t2 * t
    return (
        -0.5 * t3 + t2 - 0.5 * t,
        1.5 * t3 - 2.5 * t2 + 1.0,
        -1.5 * t3 + 2.0 * t2 + 0.5 * t,
        0.5 * t3 - 0.5 * t2,
    )
