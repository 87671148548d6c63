"""The interpolating kernels in NumPy, for platforms without numba: the same values, more slowly.

Each function takes the arguments of its namesake in `dawnlight.raster._kernels` and does the same operations
in the same order, on strips of rows instead of pixel by pixel. So results agree to the last bit, which a test
demands: a stack may be computed by workers of both kinds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.raster._lattice import EDGE

__all__ = [
    "STEP",
    "TIE",
    "bilinear",
    "blend",
    "cubic",
    "expand",
    "nearest",
    "places",
    "separable",
    "store",
    "strips",
]

STEP = 16
"""Output pixels between two nodes of the coordinate lattice."""

TIE = 1e-8
"""A coordinate this close below a pixel edge, in pixels, counts as on it (rounding noise of a projection)."""

_STRIP = 2**17
"""Pixels worked on at a time."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_sin: Any = np.frompyfunc(math.sin, 1, 1)  # NumPy's own differs from the C library's in the last bit


def strips(height: int, width: int) -> Iterator[range]:
    """Yield runs of rows with about `_STRIP` pixels."""
    step = max(_STRIP // max(width, 1), 1)
    for start in range(0, height, step):
        yield range(start, min(start + step, height))


def places(
    nodes: Floats, dense: Floats, origin: Any, rows: range, width: int, half: float, zoom: float
) -> Floats:
    """Return one coordinate of the pixels (half=0.5: centres, 0: corners) of some output rows."""
    if dense.shape[0] > 0:
        return dense[rows.start : rows.stop, :width] * zoom
    y = np.arange(rows.start, rows.stop) + origin[0]
    x = np.arange(width) + origin[1]
    i, j = y // STEP - origin[0] // STEP, x // STEP - origin[1] // STEP
    fy = ((y % STEP + half) / STEP)[:, None]
    fx = (x % STEP + half) / STEP
    lines = nodes[i] + (nodes[i + 1] - nodes[i]) * fy
    found: Floats = (lines[:, j] + (lines[:, j + 1] - lines[:, j]) * fx) * zoom
    return found


def expand(nodes: Any, origin_y: int, origin_x: int, half: float, out: Any) -> None:
    """Write the lattice's coordinate of every pixel of a block into ``out``."""
    empty = np.empty((0, 0))
    with np.errstate(all="ignore"):
        for rows in strips(*out.shape):
            part = places(nodes, empty, (origin_y, origin_x), rows, out.shape[1], half, 1.0)
            out[rows.start : rows.stop] = part


class _Strip:
    """Pixels of some output rows whose centres lie on the source."""

    def __init__(self, full: Any, where: Any, origin: Any, zoom: Any, rows: range, width: int) -> None:
        xs = places(where[0], where[2], origin, rows, width, 0.5, zoom[1])
        ys = places(where[1], where[3], origin, rows, width, 0.5, zoom[0])
        here = (xs >= -EDGE) & (ys >= -EDGE) & (xs < full[1] + EDGE) & (ys < full[0] + EDGE)
        row, self.col = np.nonzero(here)
        self.row = row + rows.start
        self.x, self.y = xs[here], ys[here]

    def centre(self, full: Any, offset: Any, src: Any) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        """Return the source pixels (row, column) around the centres, and which of them the window holds."""
        ix = np.minimum((self.x + TIE).astype(np.int64), full[1] - 1) - offset[1]
        iy = np.minimum((self.y + TIE).astype(np.int64), full[0] - 1) - offset[0]
        return iy, ix, (ix >= 0) & (iy >= 0) & (ix < src.shape[2]) & (iy < src.shape[1])


def nearest(
    src: Any, ok: Any, offset: Any, full: Any, where: Any, origin: Any, zoom: Any, out: Any, out_ok: Any
) -> int:
    """Take the source pixel that contains the output pixel's centre."""
    missed = 0
    with np.errstate(all="ignore"):
        for rows in strips(*out.shape[1:]):
            strip = _Strip(full, where, origin, zoom, rows, out.shape[2])
            iy, ix, held = strip.centre(full, offset, src)
            missed += int((~held).sum())
            for b in range(out.shape[0]):
                take = held
                if ok.shape[0]:
                    take = held.copy()
                    take[held] = ok[b, iy[held], ix[held]]
                row, col = strip.row[take], strip.col[take]
                out[b, row, col] = src[b, iy[take], ix[take]]
                out_ok[b, row, col] = 1
    return missed


def store(values: Floats, limits: Any, integer: bool) -> Floats:
    """Round to the nearest integer and clip, for integer outputs; floats pass."""
    if not integer:
        return values
    found: Floats = np.minimum(np.maximum(np.floor(values + 0.5), limits[0]), limits[1])
    return found


def blend(src: Any, ok: Any, b: int, x: Floats, y: Floats, offset: Any) -> Floats:
    """Bilinear values of one band at (x, y), over the valid ones of the four neighbours."""
    height, width = src.shape[1:]
    left, top = np.floor(x - 0.5), np.floor(y - 0.5)
    fx, fy = x - 0.5 - left, y - 0.5 - top
    ix, iy = left.astype(np.int64) - offset[1], top.astype(np.int64) - offset[0]
    total, weight = np.zeros(len(x)), np.zeros(len(x))
    for j in range(2):
        wy = fy if j else 1.0 - fy
        for i in range(2):
            w = wy * (fx if i else 1.0 - fx)
            use = (iy + j >= 0) & (iy + j < height) & (ix + i >= 0) & (ix + i < width) & (w > 0.0)
            if ok.shape[0]:
                use[use] = ok[b, iy[use] + j, ix[use] + i]
            total[use] += w[use] * src[b, iy[use] + j, ix[use] + i]
            weight[use] += w[use]
    found: Floats = total / weight
    return found


def bilinear(
    src: Any,
    ok: Any,
    offset: Any,
    full: Any,
    where: Any,
    origin: Any,
    zoom: Any,
    limits: Any,
    integer: bool,
    out: Any,
    out_ok: Any,
) -> int:
    """Blend the four pixels around the output pixel's centre."""

    def whole(b: int, x: Floats, y: Floats, iy: Ints, ix: Ints) -> Floats:
        fx, fy = x - 0.5 - np.floor(x - 0.5), y - 0.5 - np.floor(y - 0.5)
        upper = src[b, iy, ix] * (1.0 - fx) + src[b, iy, ix + 1] * fx
        lower = src[b, iy + 1, ix] * (1.0 - fx) + src[b, iy + 1, ix + 1] * fx
        value: Floats = upper * (1.0 - fy) + lower * fy
        return np.floor(value + 0.5) if integer else value

    # What is blended lies between its neighbours: in range without clipping.
    wide = (-math.inf, math.inf)
    return _interpolate(src, ok, offset, full, where, origin, zoom, wide, integer, out, out_ok, 2, whole)


def cubic(
    src: Any,
    ok: Any,
    offset: Any,
    full: Any,
    where: Any,
    origin: Any,
    zoom: Any,
    limits: Any,
    integer: bool,
    out: Any,
    out_ok: Any,
) -> int:
    """Cubic convolution over sixteen pixels; bilinear where one of them is missing."""

    def whole(b: int, x: Floats, y: Floats, iy: Ints, ix: Ints) -> Floats:
        wx, wy = _catmull(x - 0.5 - np.floor(x - 0.5)), _catmull(y - 0.5 - np.floor(y - 0.5))
        value: Floats = np.zeros(len(x))
        for j in range(4):
            value += wy[j] * (
                wx[0] * src[b, iy + j, ix]
                + wx[1] * src[b, iy + j, ix + 1]
                + wx[2] * src[b, iy + j, ix + 2]
                + wx[3] * src[b, iy + j, ix + 3]
            )
        return store(value, limits, integer)

    return _interpolate(src, ok, offset, full, where, origin, zoom, limits, integer, out, out_ok, 4, whole)


def _catmull(t: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    t2 = t * t
    t3 = t2 * t
    return (
        -0.5 * t3 + t2 - 0.5 * t,
        1.5 * t3 - 2.5 * t2 + 1.0,
        -1.5 * t3 + 2.0 * t2 + 0.5 * t,
        0.5 * t3 - 0.5 * t2,
    )


def _interpolate(
    src: Any,
    ok: Any,
    offset: Any,
    full: Any,
    where: Any,
    origin: Any,
    zoom: Any,
    limits: Any,
    integer: bool,
    out: Any,
    out_ok: Any,
    taps: int,
    whole: Any,
) -> int:
    """Use ``whole`` where all ``taps`` x ``taps`` neighbours are valid, and blend what there is elsewhere."""
    missed = 0
    height, width = src.shape[1:]
    with np.errstate(all="ignore"):
        for rows in strips(*out.shape[1:]):
            strip = _Strip(full, where, origin, zoom, rows, out.shape[2])
            cy, cx, held = strip.centre(full, offset, src)
            ix = np.floor(strip.x - 0.5).astype(np.int64) - offset[1] - (taps // 2 - 1)
            iy = np.floor(strip.y - 0.5).astype(np.int64) - offset[0] - (taps // 2 - 1)
            inside = (ix >= 0) & (iy >= 0) & (ix + taps - 1 < width) & (iy + taps - 1 < height)
            for b in range(out.shape[0]):
                full_here = inside.copy()
                if ok.shape[0]:
                    for j in range(taps):
                        for i in range(taps):
                            full_here[full_here] = ok[b, iy[full_here] + j, ix[full_here] + i]
                part = ~full_here
                missed += int((part & ~held).sum())
                part &= held
                if ok.shape[0]:
                    part[part] = ok[b, cy[part], cx[part]]
                values = np.empty(len(strip.x))
                values[full_here] = whole(
                    b, strip.x[full_here], strip.y[full_here], iy[full_here], ix[full_here]
                )
                values[part] = store(blend(src, ok, b, strip.x[part], strip.y[part], offset), limits, integer)
                take = full_here | part
                out[b, strip.row[take], strip.col[take]] = values[take]
                out_ok[b, strip.row[take], strip.col[take]] = 1
    return missed


def _weights(kind: int, t: Floats) -> Floats:
    """Values of a kernel: 0 triangle, 1 cubic convolution, 2 cubic B-spline, 3 Lanczos-3."""
    t = np.abs(t)
    if kind == 0:
        return np.where(t < 1.0, 1.0 - t, 0.0)
    if kind == 1:
        inner = t * t * (1.5 * t - 2.5) + 1.0
        outer = t * (t * (2.5 - 0.5 * t) - 4.0) + 2.0
        return np.where(t <= 1.0, inner, np.where(t < 2.0, outer, 0.0))
    if kind == 2:
        inner = t * t * (0.5 * t - 1.0) + 2.0 / 3.0
        rest = 2.0 - t
        return np.where(t < 1.0, inner, np.where(t < 2.0, rest * rest * rest / 6.0, 0.0))
    a = math.pi * t
    waves = 3.0 * _sin(a).astype(np.float64) * _sin(a / 3.0).astype(np.float64) / (a * a)
    return np.where(t < 1e-12, 1.0, np.where(t >= 3.0, 0.0, waves))


def separable(
    src: Any,
    ok: Any,
    offset: Any,
    full: Any,
    where: Any,
    origin: Any,
    zoom: Any,
    kind: int,
    radius: Any,
    scale: Any,
    limits: Any,
    integer: bool,
    out: Any,
    out_ok: Any,
) -> int:
    """Weigh all pixels within ``radius`` (y, x) by a kernel stretched by ``scale`` (y, x), and normalise."""
    missed = 0
    h, w = src.shape[1:]
    with np.errstate(all="ignore"):
        for rows in strips(*out.shape[1:]):
            strip = _Strip(full, where, origin, zoom, rows, out.shape[2])
            cy, cx, held = strip.centre(full, offset, src)
            missed += int((~held).sum())
            cy, cx, x, y = cy[held], cx[held], strip.x[held], strip.y[held]
            row, col = strip.row[held], strip.col[held]
            left = np.floor(x - 0.5).astype(np.int64) - radius[1] + 1
            top = np.floor(y - 0.5).astype(np.int64) - radius[0] + 1
            wx = [_weights(kind, (left + i + 0.5 - x) / scale[1]) for i in range(2 * radius[1])]
            wy = [_weights(kind, (top + j + 0.5 - y) / scale[0]) for j in range(2 * radius[0])]
            for b in range(out.shape[0]):
                here = ok[b, cy, cx] if ok.shape[0] else np.ones(len(x), dtype=bool)
                total, weight = np.zeros(len(x)), np.zeros(len(x))
                for j in range(2 * radius[0]):
                    iy = top + j - offset[0]
                    line = here & (iy >= 0) & (iy < h) & (wy[j] != 0.0)
                    for i in range(2 * radius[1]):
                        ix = left + i - offset[1]
                        use = line & (ix >= 0) & (ix < w)
                        if ok.shape[0]:
                            use[use] = ok[b, iy[use], ix[use]]
                        share = wy[j][use] * wx[i][use]
                        total[use] += share * src[b, iy[use], ix[use]]
                        weight[use] += share
                values = np.where(weight > 1e-3, total / weight, src[b, cy, cx].astype(np.float64))
                out[b, row[here], col[here]] = store(values, limits, integer)[here]
                out_ok[b, row[here], col[here]] = 1
    return missed
