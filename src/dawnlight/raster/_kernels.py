"""Resampling kernels: from a window of source pixels and exact coordinates to output pixels.

Every kernel sees the same picture. A source pixel ``i`` covers ``[i, i + 1)`` and has its centre at
``i + 0.5``. The coordinates of the output pixels come from a lattice (see `dawnlight.raster._lattice`) or,
where the lattice is not exact enough, from dense arrays; both hold positions on the *whole* source grid, so a
pixel gets the same value whichever window it is computed in.

Two rules hold for all of them:

* An invalid source pixel is absent: it contributes nothing and its weight is shared by the others.
* Interpolating kernels (nearest to lanczos) give a pixel exactly where the source pixel that contains its
centre
  is valid, so the valid area neither grows nor shrinks with the kernel. Area kernels (average to q3) give a
  pixel where at least one valid source pixel lies in its footprint.

Each kernel returns how many pixels needed a source pixel that the window does not hold: anything but 0 is
an error of the caller, which must not be painted over.

The functions are compiled by numba, release the GIL and are cached on disk; importing this module imports
numba, so only `dawnlight.raster._warp` does, and late.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = ["STEP", "TIE", "area", "bilinear", "cubic", "expand", "nearest", "separable"]

STEP = 16
"""Output pixels between two nodes of the coordinate lattice."""

TIE = 1e-8
"""A coordinate this close below a pixel edge, in pixels, counts as on it (rounding noise of a projection)."""

# int(): in compiled code, floor and ceil give floats.
_jit: Any = njit(nogil=True, cache=True, error_model="numpy")


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
        left = nodes[i, j] * (1.0 - fy) + nodes[i + 1, j] * fy
        right = nodes[i, j + 1] * (1.0 - fy) + nodes[i + 1, j + 1] * fy
        stop = min(count, (cell + 1) * STEP - origin_x)
        start = (origin_x + c) - cell * STEP
        for k in range(stop - c):
            fx = (start + k + half) / STEP
            out[c + k] = (left * (1.0 - fx) + right * fx) * zoom
        c = stop


@_jit
def expand(nodes: Any, origin_y: int, origin_x: int, half: float, out: Any) -> None:
    """Write the lattice's coordinate of every pixel of a block into ``out`` (height, width)."""
    empty = np.empty((0, 0), dtype=np.float64)
    for row in range(out.shape[0]):
        _row(nodes, empty, origin_y, origin_x, row, half, 1.0, out[row])


@_jit
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
    for row in range(height):
        _row(where[0], where[2], origin[0], origin[1], row, 0.5, zoom[1], xs)
        _row(where[1], where[3], origin[0], origin[1], row, 0.5, zoom[0], ys)
        for c in range(width):
            x = xs[c] + TIE
            y = ys[c] + TIE
            if x >= 0.0 and y >= 0.0 and x < full[1] and y < full[0]:
                ix = int(x) - offset[1]
                iy = int(y) - offset[0]
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


@_jit
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
    for row in range(height):
        _row(where[0], where[2], origin[0], origin[1], row, 0.5, zoom[1], xs)
        _row(where[1], where[3], origin[0], origin[1], row, 0.5, zoom[0], ys)
        for c in range(width):
            x = xs[c]
            y = ys[c]
            if not (x + TIE >= 0.0 and y + TIE >= 0.0 and x + TIE < full[1] and y + TIE < full[0]):
                continue
            cx = int(x + TIE) - offset[1]
            cy = int(y + TIE) - offset[0]
            if cx < 0 or cy < 0 or cx >= w or cy >= h:
                missed += 1
                continue
            left = math.floor(x - 0.5)
            top = math.floor(y - 0.5)
            fx = x - 0.5 - left
            fy = y - 0.5 - top
            ix = int(left) - offset[1]
            iy = int(top) - offset[0]
            inside = ix >= 0 and iy >= 0 and ix + 1 < w and iy + 1 < h
            for b in range(bands):
                if masked and not ok[b, cy, cx]:
                    continue
                if inside and (
                    not masked
                    or (ok[b, iy, ix] and ok[b, iy, ix + 1] and ok[b, iy + 1, ix] and ok[b, iy + 1, ix + 1])
                ):
                    upper = src[b, iy, ix] * (1.0 - fx) + src[b, iy, ix + 1] * fx
                    lower = src[b, iy + 1, ix] * (1.0 - fx) + src[b, iy + 1, ix + 1] * fx
                    value = upper * (1.0 - fy) + lower * fy
                else:
                    value = _blend(src, ok, b, x, y, offset)
                out[b, row, c] = _store(value, limits[0], limits[1], integer)
                out_ok[b, row, c] = 1
    return missed


@_jit
def _catmull(t: float, taps: Any) -> None:
    """Weights of the four taps of cubic convolution (a = -0.5) for the fraction t in [0, 1)."""
    t2 = t * t
    t3 = t2 * t
    taps[0] = -0.5 * t3 + t2 - 0.5 * t
    taps[1] = 1.5 * t3 - 2.5 * t2 + 1.0
    taps[2] = -1.5 * t3 + 2.0 * t2 + 0.5 * t
    taps[3] = 0.5 * t3 - 0.5 * t2


@_jit
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
    wx = np.empty(4, dtype=np.float64)
    wy = np.empty(4, dtype=np.float64)
    for row in range(height):
        _row(where[0], where[2], origin[0], origin[1], row, 0.5, zoom[1], xs)
        _row(where[1], where[3], origin[0], origin[1], row, 0.5, zoom[0], ys)
        for c in range(width):
            x = xs[c]
            y = ys[c]
            if not (x + TIE >= 0.0 and y + TIE >= 0.0 and x + TIE < full[1] and y + TIE < full[0]):
                continue
            cx = int(x + TIE) - offset[1]
            cy = int(y + TIE) - offset[0]
            if cx < 0 or cy < 0 or cx >= w or cy >= h:
                missed += 1
                continue
            left = math.floor(x - 0.5)
            top = math.floor(y - 0.5)
            _catmull(x - 0.5 - left, wx)
            _catmull(y - 0.5 - top, wy)
            ix = int(left) - offset[1] - 1
            iy = int(top) - offset[0] - 1
            inside = ix >= 0 and iy >= 0 and ix + 3 < w and iy + 3 < h
            for b in range(bands):
                if masked and not ok[b, cy, cx]:
                    continue
                whole = inside
                if inside and masked:
                    for j in range(4):
                        for i in range(4):
                            if not ok[b, iy + j, ix + i]:
                                whole = False
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
            return (2.0 - t) ** 3 / 6.0
        return 0.0
    if t < 1e-12:
        return 1.0
    if t >= 3.0:
        return 0.0
    a = math.pi * t
    return 3.0 * math.sin(a) * math.sin(a / 3.0) / (a * a)


@_jit
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
            if not (x + TIE >= 0.0 and y + TIE >= 0.0 and x + TIE < full[1] and y + TIE < full[0]):
                continue
            cx = int(x + TIE) - offset[1]
            cy = int(y + TIE) - offset[0]
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


@_jit
def _mode(values: Any, weights: Any, count: int) -> float:
    """Value with the largest summed weight; of equals the one met first."""
    kinds = 0
    for k in range(count):
        found = -1
        for m in range(kinds):
            if values[m] == values[k]:
                found = m
                break
        if found < 0:
            value = values[k]
            weight = weights[k]
            values[kinds] = value
            weights[kinds] = weight
            kinds += 1
        else:
            weights[found] += weights[k]
    best = 0
    for m in range(1, kinds):
        if weights[m] > weights[best] * (1.0 + 1e-9):
            best = m
    return float(values[best])


@_jit
def _reduce(kind: int, quantile: float, values: Any, weights: Any, count: int) -> float:
    """Reduce the footprint: 0 average, 1 mode, 2 max, 3 min, 4 quantile."""
    if kind == 0:
        total = 0.0
        weight = 0.0
        for k in range(count):
            total += weights[k] * values[k]
            weight += weights[k]
        return total / weight
    if kind == 1:
        return float(_mode(values, weights, count))
    if kind == 2:
        return float(values[:count].max())
    if kind == 3:
        return float(values[:count].min())
    ordered = np.sort(values[:count])
    return float(ordered[max(int(math.ceil(quantile * count)) - 1, 0)])  # noqa: RUF046


@_jit
def _span(low: float, high: float, size: int) -> Any:
    """First and last-but-one pixel that [low, high) touches, at least one, inside [0, size)."""
    first = int(math.floor(low + 1e-6))  # noqa: RUF046
    stop = int(math.ceil(high - 1e-6))  # noqa: RUF046
    if stop <= first:
        stop = first + 1
    return max(first, 0), min(stop, size)


@_jit
def _share(pixel: int, low: float, high: float) -> float:
    """Part of a pixel's width that [low, high) covers; 1 for a footprint inside one pixel."""
    share = min(high, pixel + 1.0) - max(low, float(pixel))
    return share if share > 1e-6 else 1e-6


@_jit
def area(
    src: Any,
    ok: Any,
    offset: Any,
    full: Any,
    where: Any,
    origin: Any,
    zoom: Any,
    period: float,
    kind: int,
    quantile: float,
    limits: Any,
    integer: bool,
    out: Any,
    out_ok: Any,
) -> int:
    """Reduce all source pixels in the output pixel's footprint.

    The footprint is the upright rectangle around the pixel's centre that has the size of the transformed
    pixel (for a rotated square: the square of the same area). ``period`` is the width of the world in
    source pixels where the source is geographic, else 0: it undoes the jump at the antimeridian. Here
    ``where`` holds corners.
    """
    bands, height, width = out.shape
    masked = ok.shape[0] > 0
    h, w = src.shape[1], src.shape[2]
    missed = 0
    upper_x = np.empty(width + 1, dtype=np.float64)
    upper_y = np.empty(width + 1, dtype=np.float64)
    lower_x = np.empty(width + 1, dtype=np.float64)
    lower_y = np.empty(width + 1, dtype=np.float64)
    room = 64
    values = np.empty(room, dtype=np.float64)
    weights = np.empty(room, dtype=np.float64)
    for row in range(height):
        _row(where[0], where[2], origin[0], origin[1], row, 0.0, zoom[1], upper_x)
        _row(where[1], where[3], origin[0], origin[1], row, 0.0, zoom[0], upper_y)
        _row(where[0], where[2], origin[0], origin[1], row + 1, 0.0, zoom[1], lower_x)
        _row(where[1], where[3], origin[0], origin[1], row + 1, 0.0, zoom[0], lower_y)
        for c in range(width):
            ux = upper_x[c + 1] - upper_x[c]
            vx = lower_x[c] - upper_x[c]
            if period > 0.0:
                ux -= period * math.floor(ux / period + 0.5)
                vx -= period * math.floor(vx / period + 0.5)
            uy = upper_y[c + 1] - upper_y[c]
            vy = lower_y[c] - upper_y[c]
            half_x = 0.5 * math.sqrt(ux * ux + vx * vx)
            half_y = 0.5 * math.sqrt(uy * uy + vy * vy)
            x = upper_x[c] + 0.5 * (ux + vx)
            y = upper_y[c] + 0.5 * (uy + vy)
            if not (x + half_x > 0.0 and y + half_y > 0.0 and x - half_x < full[1] and y - half_y < full[0]):
                continue
            first_x, stop_x = _span(x - half_x, x + half_x, full[1])
            first_y, stop_y = _span(y - half_y, y + half_y, full[0])
            if first_x < offset[1] or first_y < offset[0] or stop_x > offset[1] + w or stop_y > offset[0] + h:
                missed += 1
                continue
            need = (stop_x - first_x) * (stop_y - first_y)
            if need <= 0:
                continue
            if need > room:
                room = 2 * need
                values = np.empty(room, dtype=np.float64)
                weights = np.empty(room, dtype=np.float64)
            for b in range(bands):
                count = 0
                for iy in range(first_y, stop_y):
                    wy = _share(iy, y - half_y, y + half_y)
                    for ix in range(first_x, stop_x):
                        if masked and not ok[b, iy - offset[0], ix - offset[1]]:
                            continue
                        values[count] = src[b, iy - offset[0], ix - offset[1]]
                        weights[count] = wy * _share(ix, x - half_x, x + half_x)
                        count += 1
                if count > 0:
                    value = _reduce(kind, quantile, values, weights, count)
                    out[b, row, c] = _store(value, limits[0], limits[1], integer)
                    out_ok[b, row, c] = 1
    return missed
