"""Where grids lie on an output grid: boxes that may be too large and are never too small.

A box decides only whether an image is looked at for a window; what is read follows from exact coordinates.
So it is enough to project a few points of each grid's rim and to add a margin for the curvature between them.
No box can be promised to grids that hold a pole, are wider than `_LARGE`, leave the projection, or go all
around the Earth, nor to an output that reaches beyond the map of its projection: there all are looked at.

Where the output's system repeats from side to side (longitudes, Mercator's projection), the box is put a
whole number of turns away to where the output is::

    output            |<------------------>|
    grid     [==]                    [==]           the same place, a turn apart
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from dawnlight.geo import GeoBox
from dawnlight.geo._crs import WGS84, meters_per_unit, same_crs, transformer
from dawnlight.raster._lattice import world_width

__all__ = ["group_by_crs", "pixel_boxes"]

_EDGE = 8
_MARGIN = 0.05
_LARGE = 2e6
"""Metres. Across more than that a projection can do anything between two points of the rim."""
_FAR = 3e7
"""Metres. Coordinates beyond lie near a place that the projection sends to infinity."""
_LATTICE = 9
_CORNERS = (0, _EDGE, _EDGE + 1, 2 * _EDGE + 1)
"""Where the rim has the corners of a grid: first and last of the upper edge, of the lower edge."""
Floats = NDArray[np.float64]


def pixel_boxes(grids: Sequence[GeoBox], target: GeoBox) -> Floats:
    """Return the box of each grid in pixels of the target, as rows of (y0, x0, y1, x1).

    Parameters
    ----------
    grids
        Grids of the files.
    target
        The output grid.

    Returns
    -------
    numpy.ndarray, (grid, 4)
        Unbounded (-inf, inf) where no box can be promised.
    """
    boxes = np.empty((len(grids), 4))
    for members in group_by_crs(grids).values():
        boxes[members] = _boxes_of([grids[k] for k in members], target)
    return boxes


def group_by_crs(grids: Sequence[GeoBox]) -> dict[int, list[int]]:
    """Numbers of the grids by CRS; grids of one file set share the object, so identity is tried first."""
    groups: dict[int, list[int]] = {}
    known: list[CRS] = []
    names: dict[int, int] = {}
    for number, grid in enumerate(grids):
        group = names.get(id(grid.crs))
        if group is None:
            group = next((k for k, crs in enumerate(known) if same_crs(crs, grid.crs)), len(known))
            if group == len(known):
                known.append(grid.crs)
            names[id(grid.crs)] = group
        groups.setdefault(group, []).append(number)
    return groups


def _boxes_of(grids: Sequence[GeoBox], target: GeoBox) -> Floats:
    crs = grids[0].crs
    affines = np.array([tuple(grid.transform)[:6] for grid in grids])
    shapes = np.array([grid.shape for grid in grids], dtype=np.float64)
    rim = _rim()
    u = rim[:, 0] * shapes[:, 1:]
    v = rim[:, 1] * shapes[:, :1]
    a, b, c, d, e, f = (affines[:, k : k + 1] for k in range(6))
    x, y = a * u + b * v + c, d * u + e * v + f
    same = same_crs(crs, target.crs)
    if not same:
        x, y = transformer(crs, target.crs).transform(x, y, errcheck=False)
    turn = world_width(target)
    if turn:
        x = _together(x, turn)
    i = ~target.transform
    with np.errstate(invalid="ignore"):
        cols, rows = i.a * x + i.b * y + i.c, i.d * x + i.e * y + i.f
        boxes = np.stack([rows.min(1), cols.min(1), rows.max(1), cols.max(1)], axis=1)
        margin = _MARGIN * (boxes[:, 2:] - boxes[:, :2]) + 2 + 2 * _reach(rows, cols, shapes)
        boxes += np.concatenate([-margin, margin], axis=1)
    unbounded = ~np.isfinite(boxes).all(1)
    if turn:
        with np.errstate(invalid="ignore"):
            unbounded |= x.max(1) - x.min(1) > 0.9 * turn
        boxes = _turned_into(boxes, x[~unbounded], turn, target)
    if not same:
        unbounded |= _holds_pole(crs, affines, shapes) | _is_large(crs, affines, shapes)
        if not target.crs.is_geographic:
            with np.errstate(invalid="ignore"):
                unbounded |= np.maximum(abs(x), abs(y)).max(1) * meters_per_unit(target.crs) > _FAR
            unbounded[:] |= _folds(target)
    boxes[unbounded] = -np.inf, -np.inf, np.inf, np.inf
    return boxes


def _reach(rows: Floats, cols: Floats, shapes: Floats) -> Floats:
    """How far (y, x) footprints reach beyond their output pixel, in output pixels, as rows.

    A footprint is upright in the source. Where the grids are turned, or sheared as at the far side of the
    Earth, it covers more than its pixel.
    """
    first, last, below, end = _CORNERS
    ny, nx = shapes.T
    # Output pixels (row, column) per source column and per source row.
    across = [0.5 * (p[:, last] - p[:, first] + p[:, end] - p[:, below]) / nx for p in (rows, cols)]
    down = [0.5 * (p[:, below] - p[:, first] + p[:, end] - p[:, last]) / ny for p in (rows, cols)]
    area = np.abs(across[0] * down[1] - across[1] * down[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        half_x, half_y = 0.5 * np.hypot(*down) / area, 0.5 * np.hypot(*across) / area
        reach = [np.abs(across[k]) * half_x + np.abs(down[k]) * half_y for k in (0, 1)]
    return np.stack(reach, axis=1)


def _together(x: Floats, turn: float) -> Floats:
    """Move the points of each rim by whole turns next to the last one, the middle of the grid."""
    with np.errstate(invalid="ignore"):
        return np.asarray(x - turn * np.round((x - x[:, -1:]) / turn))


def _turned_into(boxes: Floats, x: Floats, turn: float, target: GeoBox) -> Floats:
    """Move boxes by whole turns onto the output; where several turns reach it, cover them all."""
    if not x.size:
        return boxes
    west, _, east, _ = target.bounds
    i = ~target.transform
    step = np.array([i.d, i.a, i.d, i.a]) * turn
    ny, nx = target.shape
    found = np.full_like(boxes, np.inf)
    found[:, 2:] = -np.inf
    for turns in range(math.floor((west - x.max()) / turn), math.ceil((east - x.min()) / turn) + 1):
        moved = boxes + turns * step
        with np.errstate(invalid="ignore"):
            here = (moved[:, 0] < ny) & (moved[:, 1] < nx) & (moved[:, 2] > 0) & (moved[:, 3] > 0)
        found[here, :2] = np.minimum(found[here, :2], moved[here, :2])
        found[here, 2:] = np.maximum(found[here, 2:], moved[here, 2:])
    return np.where(np.isfinite(found), found, boxes)


def _rim() -> Floats:
    """Relative positions (x, y) around the edge of a grid, and its middle."""
    t = np.linspace(0.0, 1.0, _EDGE + 1)
    zero, one = np.zeros_like(t), np.ones_like(t)
    sides = [(t, zero), (t, one), (zero, t), (one, t), (np.array([0.5]), np.array([0.5]))]
    return np.concatenate([np.stack(side, axis=1) for side in sides])


def _holds_pole(crs: CRS, affines: Floats, shapes: Floats) -> NDArray[np.bool_]:
    """Whether a pole lies inside a grid or within a pixel of it."""
    held = np.zeros(len(affines), dtype=bool)
    to_grid = transformer("EPSG:4326", crs)
    for latitude in (-90.0, 90.0):
        x, y = to_grid.transform(0.0, latitude, errcheck=False)
        if crs.is_geographic:
            # The pole is a whole line: only its latitude counts.
            middle = affines[:, 1] * shapes[:, 1] / 2 + affines[:, 2] + affines[:, 0] * shapes[:, 1] / 2
            x = middle
        if not (np.isfinite(x).all() and np.isfinite(y)):
            continue
        a, b, c, d, e, f = affines.T
        area = a * e - b * d
        with np.errstate(invalid="ignore", divide="ignore"):
            u = (e * (x - c) - b * (y - f)) / area
            v = (a * (y - f) - d * (x - c)) / area
        held |= (u >= -1) & (v >= -1) & (u <= shapes[:, 1] + 1) & (v <= shapes[:, 0] + 1)
    return held


def _is_large(crs: CRS, affines: Floats, shapes: Floats) -> NDArray[np.bool_]:
    a, b, _, d, e, _ = affines.T
    longest = np.maximum(shapes[:, 1] * np.hypot(a, d), shapes[:, 0] * np.hypot(b, e))
    large: NDArray[np.bool_] = longest * meters_per_unit(crs) > _LARGE
    return large


@lru_cache(maxsize=64)
def _folds(target: GeoBox) -> bool:
    """Whether an output reaches beyond the map of its projection, where places of the map come again."""
    v, u = np.meshgrid(
        np.linspace(0, target.height, _LATTICE), np.linspace(0, target.width, _LATTICE), indexing="ij"
    )
    t = target.transform
    x, y = t.a * u + t.b * v + t.c, t.d * u + t.e * v + t.f
    there = transformer(target.crs, WGS84).transform(x, y, errcheck=False)
    back_x, back_y = transformer(WGS84, target.crs).transform(*there, errcheck=False)
    turn = world_width(target)
    with np.errstate(invalid="ignore"):
        off_x, off_y = back_x - x, back_y - y
        if turn:
            off_x = off_x - turn * np.round(off_x / turn)
        off = np.hypot(off_x, off_y)
    # A metre: far more than the precision, far less than the distance to another place.
    return bool((off[np.isfinite(off)] * meters_per_unit(target.crs) > 1).any())
