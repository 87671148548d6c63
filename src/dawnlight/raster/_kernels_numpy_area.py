"""The area kernels in NumPy, for platforms without numba; see `dawnlight.raster._kernels_numpy`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.raster._kernels_numpy import Floats, Ints, places, store, strips

__all__ = ["area"]

_BATCH = 2**21
"""Source pixels looked at together."""


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
    """Reduce all source pixels in the output pixel's footprint; `dawnlight.raster._kernels_area.area`."""
    missed = 0
    h, w = src.shape[1:]
    with np.errstate(all="ignore"):
        for rows in strips(*out.shape[1:]):
            x, y, half_x, half_y = _footprints(
                full, where, origin, zoom, period, size, torn, rows, out.shape[2]
            )
            here = (x + half_x > -beyond[1]) & (x - half_x < full[1] + beyond[1])
            here &= (y + half_y > -beyond[0]) & (y - half_y < full[0] + beyond[0])
            row, col = np.nonzero(here)
            row += rows.start
            spans_x = x[here] - half_x[here], x[here] + half_x[here]
            spans_y = y[here] - half_y[here], y[here] + half_y[here]
            first_x, stop_x = _span(*spans_x, -beyond[1], full[1] + beyond[1])
            first_y, stop_y = _span(*spans_y, -beyond[0], full[0] + beyond[0])
            held = (first_x >= offset[1]) & (first_y >= offset[0])
            held &= (stop_x <= offset[1] + w) & (stop_y <= offset[0] + h)
            missed += int((~held).sum())
            held &= (stop_x > first_x) & (stop_y > first_y)
            if not held.any():
                continue
            deepest = int((stop_y - first_y)[held].max()), int((stop_x - first_x)[held].max())
            step = max(_BATCH // (deepest[0] * deepest[1]), 1)
            chosen = np.flatnonzero(held)
            for start in range(0, len(chosen), step):
                k = chosen[start : start + step]
                box = _Box(first_y[k], stop_y[k], first_x[k], stop_x[k], deepest)
                weights = box.weights(*(part[k] for part in (*spans_y, *spans_x)))
                for b in range(out.shape[0]):
                    values, use = box.values(src[b], ok[b] if ok.shape[0] else None, offset)
                    some = use.any(axis=0)
                    found = store(_reduce(kind, quantile, values, weights, use), limits, integer)
                    out[b, row[k][some], col[k][some]] = found[some]
                    out_ok[b, row[k][some], col[k][some]] = 1
    return missed


def _footprints(
    full: Any,
    where: Any,
    origin: Any,
    zoom: Any,
    period: float,
    size: Any,
    torn: Any,
    rows: range,
    width: int,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Centre (x, y) and half the size (x, y) of each pixel's footprint."""
    more = range(rows.start, rows.stop + 1)
    xs = places(where[0], where[2], origin, more, width + 1, 0.0, zoom[1])
    ys = places(where[1], where[3], origin, more, width + 1, 0.0, zoom[0])
    ux, vx = xs[:-1, 1:] - xs[:-1, :-1], xs[1:, :-1] - xs[:-1, :-1]
    if period > 0.0:
        ux = ux - period * np.floor(ux / period + 0.5)
        vx = vx - period * np.floor(vx / period + 0.5)
    uy, vy = ys[:-1, 1:] - ys[:-1, :-1], ys[1:, :-1] - ys[:-1, :-1]
    half_x, half_y = 0.5 * np.sqrt(ux * ux + vx * vx), 0.5 * np.sqrt(uy * uy + vy * vy)
    x, y = xs[:-1, :-1] + 0.5 * (ux + vx), ys[:-1, :-1] + 0.5 * (uy + vy)
    if period > 0.0:
        turned = x - period * np.floor((x - 0.5 * full[1]) / period + 0.5)
    else:
        turned = x
    broken = ~((half_x <= torn[1]) & (half_y <= torn[0]))
    if broken.any():
        mended_x, mended_y = _mend(xs, ys, size, torn, full)
        half_x, half_y = np.where(broken, 0.5 * size[1], half_x), np.where(broken, 0.5 * size[0], half_y)
        return np.where(broken, mended_x, turned), np.where(broken, mended_y, y), half_x, half_y
    return turned, y, half_x, half_y


def _mend(xs: Floats, ys: Floats, size: Any, torn: Any, full: Any) -> tuple[Floats, Floats]:
    """Middle of the corners of torn pixels that lie together on the source or beside it."""
    shape = xs.shape[0] - 1, xs.shape[1] - 1
    x, y, first_x, first_y = (np.zeros(shape) for _ in range(4))
    count = np.zeros(shape)
    for j, i in ((0, 0), (0, 1), (1, 0), (1, 1)):
        corner_x = xs[j : j + shape[0], i : i + shape[1]]
        corner_y = ys[j : j + shape[0], i : i + shape[1]]
        use = (-size[1] < corner_x) & (corner_x < full[1] + size[1])
        use &= (-size[0] < corner_y) & (corner_y < full[0] + size[0])
        fresh = use & (count == 0)
        first_x, first_y = np.where(fresh, corner_x, first_x), np.where(fresh, corner_y, first_y)
        near = ~((np.abs(corner_x - first_x) > torn[1]) | (np.abs(corner_y - first_y) > torn[0]))
        use &= fresh | near
        x[use] += corner_x[use]
        y[use] += corner_y[use]
        count[use] += 1
    return x / np.where(count, count, np.nan), y / np.where(count, count, np.nan)


def _span(low: Floats, high: Floats, least: int, most: int) -> tuple[Ints, Ints]:
    """First and last-but-one pixel that [low, high) touches, at least one, inside [least, most)."""
    first = np.floor(low + 1e-6).astype(np.int64)
    stop = np.maximum(np.ceil(high - 1e-6).astype(np.int64), first + 1)
    return np.maximum(first, least), np.minimum(stop, most)


class _Box:
    """Source pixels around some output pixels, as (pixel of the footprint, output pixel)."""

    def __init__(
        self, first_y: Ints, stop_y: Ints, first_x: Ints, stop_x: Ints, deepest: tuple[int, int]
    ) -> None:
        dy, dx = (part.reshape(-1, 1) for part in np.mgrid[: deepest[0], : deepest[1]])
        self.iy, self.ix = first_y + dy, first_x + dx
        self.inside: NDArray[np.bool_] = (self.iy < stop_y) & (self.ix < stop_x)

    def weights(self, low_y: Floats, high_y: Floats, low_x: Floats, high_x: Floats) -> Floats:
        """Part of each source pixel that the footprint covers."""
        return _share(self.iy, low_y, high_y) * _share(self.ix, low_x, high_x)

    def values(self, src: Any, ok: Any, offset: Any) -> tuple[Floats, NDArray[np.bool_]]:
        """Values of a band, and which of them count."""
        iy = np.where(self.inside, self.iy - offset[0], 0)
        ix = np.where(self.inside, self.ix - offset[1], 0)
        return src[iy, ix].astype(np.float64), self.inside if ok is None else self.inside & ok[iy, ix]


def _share(pixel: Ints, low: Floats, high: Floats) -> Floats:
    share = np.minimum(high, pixel + 1.0) - np.maximum(low, pixel.astype(np.float64))
    return np.where(share > 1e-6, share, 1e-6)


def _reduce(kind: int, quantile: float, values: Floats, weights: Floats, use: NDArray[np.bool_]) -> Floats:
    """Reduce the footprints: 0 average, 1 mode, 2 max, 3 min, 4 quantile."""
    if kind == 0:
        total, weight = np.zeros(values.shape[1]), np.zeros(values.shape[1])
        for k in range(len(values)):
            total += np.where(use[k], weights[k] * values[k], 0.0)
            weight += np.where(use[k], weights[k], 0.0)
        return np.asarray(total / weight)
    if kind == 1:
        return _mode(values, weights, use)
    if kind == 2:
        return np.asarray(np.where(use, values, -np.inf).max(axis=0))
    if kind == 3:
        return np.asarray(np.where(use, values, np.inf).min(axis=0))
    ordered = np.sort(np.where(use, values, np.inf), axis=0)
    place = np.maximum(np.ceil(quantile * use.sum(axis=0)).astype(np.int64) - 1, 0)
    return np.asarray(np.take_along_axis(ordered, place[np.newaxis], axis=0)[0])


def _mode(values: Floats, weights: Floats, use: NDArray[np.bool_]) -> Floats:
    """Value with the largest summed weight; of equals the one met first."""
    best = np.full(values.shape[1], np.nan)
    most = np.full(values.shape[1], -np.inf)
    seen = np.zeros_like(use)
    for m in range(len(values)):
        fresh = use[m] & ~seen[m]
        total = weights[m].copy()
        for k in range(m + 1, len(values)):
            same = fresh & use[k] & (values[k] == values[m])
            total[same] += weights[k][same]
            seen[k] |= same
        better = fresh & ((most == -np.inf) | (total > most * (1.0 + 1e-9)))
        best[better], most[better] = values[m][better], total[better]
    return best
