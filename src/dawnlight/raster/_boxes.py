"""Where grids lie on an output grid: boxes that may be too large and are never too small.

A box decides only whether an image is looked at for a window; what is read follows from exact coordinates.
So it is enough to project a few points of each grid's rim, to add a margin for the curvature between them,
and to give grids that hold a pole or leave the projection a box without bounds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from dawnlight.geo import GeoBox
from dawnlight.geo._crs import same_crs, transformer

__all__ = ["pixel_boxes"]

_EDGE = 8
_MARGIN = 0.05
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
    for members in _by_crs(grids).values():
        boxes[members] = _boxes_of([grids[k] for k in members], target)
    return boxes


def _by_crs(grids: Sequence[GeoBox]) -> dict[int, list[int]]:
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
    if not same_crs(crs, target.crs):
        x, y = transformer(crs, target.crs).transform(x, y, errcheck=False)
    i = ~target.transform
    with np.errstate(invalid="ignore"):
        cols, rows = i.a * x + i.b * y + i.c, i.d * x + i.e * y + i.f
        boxes = np.stack([rows.min(1), cols.min(1), rows.max(1), cols.max(1)], axis=1)
        margin = _MARGIN * (boxes[:, 2:] - boxes[:, :2]) + 2
        boxes += np.concatenate([-margin, margin], axis=1)
    unbounded = ~np.isfinite(boxes).all(1) | _holds_pole(crs, affines, shapes)
    if target.crs.is_geographic:
        # Longitudes jump by a turn at the antimeridian, in the grid or in the output.
        unbounded[:] |= _turns(grids[0], target, x)
    boxes[unbounded] = -np.inf, -np.inf, np.inf, np.inf
    return boxes


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


def _turns(grid: GeoBox, target: GeoBox, longitudes: Floats) -> NDArray[np.bool_]:
    """Whether grids may meet a geographic output a turn away from where their longitudes say."""
    turn = 2 * np.pi / target.crs.axis_info[0].unit_conversion_factor
    west, _, east, _ = target.bounds
    with np.errstate(invalid="ignore"):
        low, high = longitudes.min(1), longitudes.max(1)
        beyond = (high - low > turn / 2) | (low < -turn / 2) | (high > turn / 2)
    unbounded: NDArray[np.bool_] = beyond | (west < -turn / 2) | (east > turn / 2)
    return unbounded
