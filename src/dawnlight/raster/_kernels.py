"""Resampling kernels: from a window of source pixels and exact coordinates to output pixels.

Every kernel sees the same picture. A source pixel ``i`` covers ``[i, i + 1)`` and has its centre at
``i + 0.5``. The coordinates of the output pixels come from a lattice (see `dawnlight.raster._lattice`) or,
where the lattice is not exact enough, from dense arrays; both hold positions on the *whole* source grid, so a
pixel gets the same value whichever window it is computed in.

Two rules hold for all of them:

* An invalid source pixel is absent: it contributes nothing and its weight is shared by the others.
* Interpolating kernels (nearest to lanczos) give a pixel exactly where the source pixel that contains its
  centre is valid, so the valid area neither grows nor shrinks with the kernel. Area kernels (average to q3,
  in `dawnlight.raster._kernels_area`) give a pixel where at least one valid source pixel lies in its
  footprint.

Each kernel returns how many pixels needed a source pixel that the window does not hold: anything but 0 is
an error of the caller, which must not be painted over.

The functions are compiled by numba, release the GIL and are cached on disk; importing this module imports
numba, so only `dawnlight.raster._warp` does, and late. Without numba their twins take their place
(`dawnlight.raster._kernels_numpy`): whoever changes a formula here changes it there, too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dawnlight.raster import _kernels_numpy as twins
from dawnlight.raster._jit import Jit
from dawnlight.raster._kernels_inside import (
    blend_row,
    catmull,
    cubic_row,
    find_corners,
    find_pixels,
    find_places,
    is_straight,
    take_lines,
    take_row,
)
from dawnlight.raster._kernels_numpy import STEP, TIE
from dawnlight.raster._lattice import EDGE

__all__ = ["STEP", "TIE", "bilinear", "cubic", "expand", "nearest", "separable"]

# int(): in compiled code, floor and ceil give floats.
_jit = Jit(error_model="numpy")

_NOTHING = np.zeros((0, 0), dtype=np.bool_)


@_jit
def _row(
    nodes: Any, dense: Any, origin_y: int, origin_x: int, row: int, half: float, zoom: float, out: Any
) -> None:
    """Fill ``out`` with one coordinate of the pixels (half=0.5: centres, 0: corners) of one output row."""
    count = out.shape[0]
    if dense.shape[0] > 0:
        for c in range(count):
            out[c] = dense[row, c] * zoom
        return
    y = origin_y + row
    i = y // STEP - origin_y // STEP
    fy = (y - (y // STEP) * STEP + half) / STEP
    first = origin_x // STEP
    c = 0
    while c < count:
        cell = (origin_x + c) // STEP
        j = cell - first
        # In this form, nodes of one value give exactly that value between them.
        left = nodes[i, j] + (nodes[i + 1, j] - nodes[i, j]) * fy
        right = nodes[i, j + 1] + (nodes[i + 1, j + 1] - nodes[i, j + 1]) * fy
        stop = min(count, (cell + 1) * STEP - origin_x)
        start = (origin_x + c) - cell * STEP
        for k in range(stop - c):
            fx = (start + k + half) / STEP
            out[c + k] = (left + (right - left) * fx) * zoom
        c = stop


@_jit.or_use(twins.expand)
def expand(nodes: Any, origin_y: int, origin_x: int, half: float, out: Any) -> None:
    """Write the lattice's coordinate of every pixel of a block into ``out`` (height, width)."""
    empty = np.empty((0, 0), dtype=np.float64)
    for row in range(out.shape[0]):
        _row(nodes, empty, origin_y, origin_x, row, half, 1.0, out[row])


@_jit.or_use(twins.nearest)
def nearest(
    src: Any, ok: Any, offset: Any, full: Any, where: Any, origin: Any, zoom: Any, out: Any, out_ok: Any
) -> int:
    """Take the source pixel that contains the output pixel's centre.

    ``src`` (band, h, w) is the window at ``offset`` (y, x) of a grid of shape ``full``; ``ok`` is its
    validity or has no elements; ``where`` = (nodes_x, nodes_y, dense_x, dense_y); ``origin`` the block's
    first output row and column; ``zoom`` (y, x) from full-resolution pixels to those of this overview level.
    """
    bands, height, width = out.shape
    masked = ok.shape[0] > 0
    h, w = src.shape[1], src.shape[2]
    missed = 0
    xs = np.empty(width, dtype=np.float64)
    ys = np.empty(width, dtype=np.float64)
    columns = np.empty(width, dtype=np.int32)
    if is_straight(where):
        rows = np.empty(height, dtype=np.int32)
        _row(where[0], where[2], origin[0], origin[1], 0, 0.5, zoom[1], xs)
        find_places(xs, offset[1], w, full[1], EDGE, columns)
        for row in range(height):
            _row(where[1], where[3], origin[0], origin[1], row, 0.5, zoom[0], ys[:1])
            find_places(ys[:1], offset[0], h, full[0], EDGE, rows[row : row + 1])
        missed = take_lines(src, ok, columns, rows, out, out_ok)
        if missed >= 0:
            return missed
        missed = 0
    rows = np.empty(width, dtype=np.int32)
    for row in range(height):
        _row(where[0], where[2], origin[0], origin[1], row, 0.5, zoom[1], xs)
        _row(where[1], where[3], origin[0], origin[1], row, 0.5, zoom[0], ys)
        if find_pixels(xs, ys, offset, (h, w), full, columns, rows):
            for b in range(bands):
                take_row(src[b], ok[b] if masked else _NOTHING, columns, rows, out[b, row], out_ok[b, row])
            continue
        for c in range(width):
            x = xs[c]
            y = ys[c]
            if x >= -EDGE and y >= -EDGE and x < full[1] + EDGE and y < full[0] + EDGE:
                ix = min(int(x + TIE), full[1] - 1) - offset[1]
                iy = min(int(y + TIE), full[0] - 1) - offset[0]
                if ix < 0 or iy < 0 or ix >= w or iy >= h:
                    missed += 1
                    continue
                for b in range(bands):
                    if not masked or ok[b, iy, ix]:
                        out[b, row, c] = src[b, iy, ix]
                        out_ok[b, row, c] = 1
    return missed


@_jit
def _store(value: float, low: float, high: float, integer: bool) -> float:
    """Round to the nearest integer and clip, for integer outputs; floats pass."""
    if not integer:
        return value
    value = math.floor(value + 0.5)
    return min(max(value, low), high)


@_jit
def _blend(src: Any, ok: Any, b: int, x: float, y: float, offset: Any) -> float:
    """Bilinear value of one band at (x, y), over the valid ones of the four neighbours."""
    height, width = src.shape[1], src.shape[2]
    masked = ok.shape[0] > 0
    left = math.floor(x - 0.5)
    top = math.floor(y - 0.5)
    fx = x - 0.5 - left
    fy = y - 0.5 - top
    ix = int(left) - offset[1]
    iy = int(top) - offset[0]
    total = 0.0
    weight = 0.0
    for j in range(2):
        if iy + j < 0 or iy + j >= height:
            continue
        wy = fy if j else 1.0 - fy
        for i in range(2):
            if ix + i < 0 or ix + i >= width:
                continue
            if masked and not ok[b, iy + j, ix + i]:
                continue
            w = wy * (fx if i else 1.0 - fx)
            if w > 0.0:
                total += w * src[b, iy + j, ix + i]
                weight += w
    return total / weight


@_jit.or_use(twins.bilinear)
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
    bands, height, width = out.shape
    masked = ok.shape[0] > 0
    h, w = src.shape[1], src.shape[2]
    missed = 0
    xs = np.empty(width, dtype=np.float64)
    ys = np.empty(width, dtype=np.float64)
    right = np.empty(width, dtype=np.float64)
    down = np.empty(width, dtype=np.float64)
    columns = np.empty(width, dtype=np.int32)
    rows = np.empty(width, dtype=np.int32)
    for row in range(height):
        _row(where[0], where[2], origin[0], origin[1], row, 0.5, zoom[1], xs)
        _row(where[1], where[3], origin[0], origin[1], row, 0.5, zoom[0], ys)
        if not masked and find_corners(xs, ys, offset, (h, w), full, 0, columns, rows, right, down):
            for b in range(bands):
                blend_row(src[b], columns, rows, right, down, integer, out[b, row], out_ok[b, row])
            continue
        for c in range(width):
            x = xs[c]
            y = ys[c]
            if not (x >= -EDGE and y >= -EDGE and x < full[1] + EDGE and y < full[0] + EDGE):
                continue
            left = math.floor(x - 0.5)
            top = math.floor(y - 0.5)
            fx = x - 0.5 - left
            fy = y - 0.5 - top
            ix = int(left) - offset[1]
            iy = int(top) - offset[0]
            inside = (ix >= 0) & (iy >= 0) & (ix + 1 < w) & (iy + 1 < h)
            for b in range(bands):
                # The pixel that contains the centre is one of the four: when all are valid, so is it.
                if inside and (
                    not masked
                    or (ok[b, iy, ix] & ok[b, iy, ix + 1] & ok[b, iy + 1, ix] & ok[b, iy + 1, ix + 1])
                ):
                    upper = src[b, iy, ix] * (1.0 - fx) + src[b, iy, ix + 1] * fx
                    lower = src[b, iy + 1, ix] * (1.0 - fx) + src[b, iy + 1, ix + 1] * fx
                    value = upper * (1.0 - fy) + lower * fy
                else:
                    cx = min(int(x + TIE), full[1] - 1) - offset[1]
                    cy = min(int(y + TIE), full[0] - 1) - offset[0]
                    if cx < 0 or cy < 0 or cx >= w or cy >= h:
                        missed += 1
                        continue
                    if masked and not ok[b, cy, cx]:
                        continue
                    value = _blend(src, ok, b, x, y, offset)
                out[b, row, c] = (
                    math.floor(value + 0.5) if integer else value
                )  # between its neighbours: in range
                out_ok[b, row, c] = 1
    return missed


@_jit.or_use(twins.cubic)
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
    """Cubic convolution over sixteen pixels; bilinear where one of them is missing, as GDAL does."""
    bands, height, width = out.shape
    masked = ok.shape[0] > 0
    h, w = src.shape[1], src.shape[2]
    missed = 0
    xs = np.empty(width, dtype=np.float64)
    ys = np.empty(width, dtype=np.float64)
    right = np.empty(width, dtype=np.float64)
    down = np.empty(width, dtype=np.float64)
    columns = np.empty(width, dtype=np.int32)
    rows = np.empty(width, dtype=np.int32)
    for row in range(height):
        _row(where[0], where[2], origin[0], origin[1], row, 0.5, zoom[1], xs)
        _row(where[1], where[3], origin[0], origin[1], row, 0.5, zoom[0], ys)
        if not masked and find_corners(xs, ys, offset, (h, w), full, 1, columns, rows, right, down):
            for b in range(bands):
                cubic_row(src[b], columns, rows, right, down, limits, integer, out[b, row], out_ok[b, row])
            continue
        for c in range(width):
            x = xs[c]
            y = ys[c]
            if not (x >= -EDGE and y >= -EDGE and x < full[1] + EDGE and y < full[0] + EDGE):
                continue
            left = math.floor(x - 0.5)
            top = math.floor(y - 0.5)
            wx = catmull(x - 0.5 - left)
            wy = catmull(y - 0.5 - top)
            ix = int(left) - offset[1] - 1
            iy = int(top) - offset[0] - 1
            inside = (ix >= 0) & (iy >= 0) & (ix + 3 < w) & (iy + 3 < h)
            for b in range(bands):
                whole = inside
                if inside and masked:
                    for j in range(4):
                        whole &= (
                            ok[b, iy + j, ix]
                            & ok[b, iy + j, ix + 1]
                            & ok[b, iy + j, ix + 2]
                            & ok[b, iy + j, ix + 3]
                        )
                if whole:
                    value = 0.0
                    for j in range(4):
                        value += wy[j] * (
                            wx[0] * src[b, iy + j, ix]
                            + wx[1] * src[b, iy + j, ix + 1]
                            + wx[2] * src[b, iy + j, ix + 2]
                            + wx[3] * src[b, iy + j, ix + 3]
                        )
                else:
                    cx = min(int(x + TIE), full[1] - 1) - offset[1]
                    cy = min(int(y + TIE), full[0] - 1) - offset[0]
                    if cx < 0 or cy < 0 or cx >= w or cy >= h:
                        missed += 1
                        continue
                    if masked and not ok[b, cy, cx]:
                        continue
                    value = _blend(src, ok, b, x, y, offset)
                out[b, row, c] = _store(value, limits[0], limits[1], integer)
                out_ok[b, row, c] = 1
    return missed


@_jit
def _weight(kind: int, t: float) -> float:
    """Value of the kernel at distance t: 0 triangle, 1 cubic convolution, 2 cubic B-spline, 3 Lanczos-3."""
    t = abs(t)
    if kind == 0:
        return 1.0 - t if t < 1.0 else 0.0
    if kind == 1:
        if t <= 1.0:
            return t * t * (1.5 * t - 2.5) + 1.0
        if t < 2.0:
            return t * (t * (2.5 - 0.5 * t) - 4.0) + 2.0
        return 0.0
    if kind == 2:
        if t < 1.0:
            return t * t * (0.5 * t - 1.0) + 2.0 / 3.0
        if t < 2.0:
            return (2.0 - t) * (2.0 - t) * (2.0 - t) / 6.0
        return 0.0
    if t < 1e-12:
        return 1.0
    if t >= 3.0:
        return 0.0
    a = math.pi * t
    return 3.0 * math.sin(a) * math.sin(a / 3.0) / (a * a)


@_jit.or_use(twins.separable)
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
    bands, height, width = out.shape
    masked = ok.shape[0] > 0
    h, w = src.shape[1], src.shape[2]
    missed = 0
    xs = np.empty(width, dtype=np.float64)
    ys = np.empty(width, dtype=np.float64)
    wx = np.empty(2 * radius[1] + 2, dtype=np.float64)
    wy = np.empty(2 * radius[0] + 2, dtype=np.float64)
    for row in range(height):
        _row(where[0], where[2], origin[0], origin[1], row, 0.5, zoom[1], xs)
        _row(where[1], where[3], origin[0], origin[1], row, 0.5, zoom[0], ys)
        for c in range(width):
            x = xs[c]
            y = ys[c]
            if not (x >= -EDGE and y >= -EDGE and x < full[1] + EDGE and y < full[0] + EDGE):
                continue
            cx = min(int(x + TIE), full[1] - 1) - offset[1]
            cy = min(int(y + TIE), full[0] - 1) - offset[0]
            if cx < 0 or cy < 0 or cx >= w or cy >= h:
                missed += 1
                continue
            left = int(math.floor(x - 0.5)) - radius[1] + 1  # noqa: RUF046
            top = int(math.floor(y - 0.5)) - radius[0] + 1  # noqa: RUF046
            for i in range(2 * radius[1]):
                wx[i] = _weight(kind, (left + i + 0.5 - x) / scale[1])
            for j in range(2 * radius[0]):
                wy[j] = _weight(kind, (top + j + 0.5 - y) / scale[0])
            for b in range(bands):
                if masked and not ok[b, cy, cx]:
                    continue
                total = 0.0
                weight = 0.0
                for j in range(2 * radius[0]):
                    iy = top + j - offset[0]
                    if iy < 0 or iy >= h or wy[j] == 0.0:
                        continue
                    for i in range(2 * radius[1]):
                        ix = left + i - offset[1]
                        if ix < 0 or ix >= w or (masked and not ok[b, iy, ix]):
                            continue
                        total += wy[j] * wx[i] * src[b, iy, ix]
                        weight += wy[j] * wx[i]
                # Negative lobes can cancel where most neighbours are missing: then the pixel itself answers.
                if weight > 1e-3:
                    value = total / weight
                else:
                    value = float(src[b, cy, cx])
                out[b, row, c] = _store(value, limits[0], limits[1], integer)
                out_ok[b, row, c] = 1
    return missed
