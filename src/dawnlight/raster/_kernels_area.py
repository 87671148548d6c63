"""Kernels that reduce all source pixels in an output pixel's footprint; see `dawnlight.raster._kernels`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dawnlight.raster._kernels import _jit, _row, _store
from dawnlight.raster._kernels_numpy_area import area as twin

__all__ = ["area"]


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
def _span(low: float, high: float, least: int, most: int) -> Any:
    """First and last-but-one pixel that [low, high) touches, at least one, inside [least, most)."""
    first = int(math.floor(low + 1e-6))  # noqa: RUF046
    stop = int(math.ceil(high - 1e-6))  # noqa: RUF046
    if stop <= first:
        stop = first + 1
    return max(first, least), min(stop, most)


@_jit
def _share(pixel: int, low: float, high: float) -> float:
    """Part of a pixel's width that [low, high) covers; 1 for a footprint inside one pixel."""
    share = min(high, pixel + 1.0) - max(low, float(pixel))
    return share if share > 1e-6 else 1e-6


@_jit
def _mend(
    upper_x: Any, upper_y: Any, lower_x: Any, lower_y: Any, c: int, size: Any, torn: Any, full: Any
) -> Any:
    """Middle of the corners of a torn pixel that lie together on the source or beside it; NaN without any."""
    x = 0.0
    y = 0.0
    first_x = 0.0
    first_y = 0.0
    count = 0
    for k in range(4):
        corner_x = upper_x[c + k % 2] if k < 2 else lower_x[c + k % 2]
        corner_y = upper_y[c + k % 2] if k < 2 else lower_y[c + k % 2]
        if not (-size[1] < corner_x < full[1] + size[1] and -size[0] < corner_y < full[0] + size[0]):
            continue
        if count == 0:
            first_x = corner_x
            first_y = corner_y
        elif abs(corner_x - first_x) > torn[1] or abs(corner_y - first_y) > torn[0]:
            continue
        x += corner_x
        y += corner_y
        count += 1
    if count == 0:
        return math.nan, math.nan
    return x / count, y / count


@_jit.or_use(twin)
def area(
    src: Any,
    ok: Any,
    offset: Any,
    full: Any,
    beyond: Any,
    where: Any,
    origin: Any,
    zoom: Any,
    period: float,
    size: Any,
    torn: Any,
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
    source pixels where the source repeats along its rows, else 0: it undoes the jump at the antimeridian.
    A footprint beyond ``torn`` (y, x), or without all its corners, is no footprint: the edge of the source's
    map, or of the output's (a pole, the rim of a disk), runs through the pixel; it gets the usual ``size``
    (y, x) around the corners that there are. Footprints end ``beyond`` (y, x) pixels off the source, which
    neighbours may continue. Here ``where`` holds corners.
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
            if not (half_x <= torn[1] and half_y <= torn[0]):
                half_x = 0.5 * size[1]
                half_y = 0.5 * size[0]
                x, y = _mend(upper_x, upper_y, lower_x, lower_y, c, size, torn, full)
            elif period > 0.0:
                x -= period * math.floor((x - 0.5 * full[1]) / period + 0.5)
            if not (
                x + half_x > -beyond[1]
                and y + half_y > -beyond[0]
                and x - half_x < full[1] + beyond[1]
                and y - half_y < full[0] + beyond[0]
            ):
                continue
            first_x, stop_x = _span(x - half_x, x + half_x, -beyond[1], full[1] + beyond[1])
            first_y, stop_y = _span(y - half_y, y + half_y, -beyond[0], full[0] + beyond[0])
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
