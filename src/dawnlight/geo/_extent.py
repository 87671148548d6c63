"""Bounds from one coordinate reference system to another."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import pyproj
import shapely

from dawnlight.errors import GeometryError, GridError
from dawnlight.geo._crs import CRSLike, normalize_crs, same_crs
from dawnlight.geo._project import defined, describe_crs, is_lonlat, project
from dawnlight.geo._reproject import default_segment, pole_inside, reproject_geometry
from dawnlight.geo._sphere import lonlat_bounds, unwrap

__all__ = ["reproject_bounds"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
Bounds: TypeAlias = "tuple[float, float, float, float]"

_ROUNDS = 3
_NOISE = 1e-9


def reproject_bounds(bounds: Bounds, src: CRSLike, dst: CRSLike) -> Bounds:
    """Return the bounds in another system that hold all of a rectangle.

    Parameters
    ----------
    bounds : tuple of float
        (minx, miny, maxx, maxy) in ``src``; longitudes may go beyond 180 degrees.
    src, dst : CRS-like
        See `normalize_crs`.

    Returns
    -------
    tuple of float
        (minx, miny, maxx, maxy) in ``dst``. The edges of the rectangle are followed, not only its corners.
        In a geographic ``dst`` a rectangle across the antimeridian gives longitudes beyond 180, one that
        holds a pole gives all longitudes up to the pole, and corners off the map are left out.

    Raises
    ------
    GridError
        A point of the edge has no place in a projected ``dst``, or none has in a geographic one.

    Examples
    --------
    >>> [round(value) for value in reproject_bounds((-93, 0, -92, 1), "EPSG:4326", "EPSG:32615")]
    [500000, 0, 611281, 110547]
    """
    if same_crs(src, dst):
        return bounds
    source, target = normalize_crs(src), normalize_crs(dst)
    if is_lonlat(source):
        # Grids whose outer pixel centres are the poles reach half a pixel beyond.
        minx, miny, maxx, maxy = bounds
        bounds = (minx, max(miny, -90.0), maxx, min(maxy, 90.0))
    hull = _lonlat_hull(bounds, source, target) if is_lonlat(target) else _map_hull(bounds, source, target)
    if hull is None:
        raise GridError(
            f"bounds={bounds} (in {describe_crs(source)}) have no finite place in {describe_crs(target)}; "
            "clip them to where that system is defined, or choose another crs"
        )
    return hull


def _map_hull(bounds: Bounds, src: pyproj.CRS, dst: pyproj.CRS) -> Bounds | None:
    # Where a projection goes on past the antimeridian, longitudes left unwrapped give the smaller hull.
    turns = (False, True) if is_lonlat(src) else (False,)
    hulls = [_hull(bounds, src, partial(project, src=src, dst=dst, over=over)) for over in turns]
    found = [hull for hull in hulls if hull is not None]
    return min(found, key=lambda hull: (hull[2] - hull[0]) * (hull[3] - hull[1]), default=None)


def _lonlat_hull(bounds: Bounds, src: pyproj.CRS, dst: pyproj.CRS) -> Bounds | None:
    edge = _edge_points(bounds, _edge(bounds, src))
    if not defined(edge, src, dst).all():
        try:
            return lonlat_bounds(reproject_geometry(shapely.box(*bounds), src, dst))
        except GeometryError:
            return None
    lons = unwrap(project(edge, src, dst)[:, 0])
    west, east = float(lons.min()), float(lons.max())
    middle = (west + east) / 2
    if east - west < 360 - _NOISE:
        # Start within the world and end beyond 180, if need be.
        middle -= 360.0 * math.floor((west + _NOISE + 180.0) / 360.0)

    def near_middle(points: Array) -> Array:
        out = project(points, src, dst)
        out[:, 0] -= 360.0 * np.round((out[:, 0] - middle) / 360.0)
        return out

    hull = _hull(bounds, src, near_middle)
    if hull is not None and abs(lons[-1] - lons[0]) > 180:
        pole = pole_inside(shapely.LinearRing(edge), src, dst)
        return -180.0, min(hull[1], pole), 180.0, max(hull[3], pole)
    return hull


def _hull(bounds: Bounds, src: pyproj.CRS, convert: Callable[[Array], Array]) -> Bounds | None:
    along = _edge(bounds, src)
    coarse = convert(_edge_points(bounds, along))
    if not np.isfinite(coarse).all():
        return None
    extremes: list[float] = []
    for axis, sign in ((0, -1), (1, -1), (0, 1), (1, 1)):
        values, places, step = sign * coarse[:, axis], along, float(along[1])
        highest = float(values.max())
        # The extreme may lie between two samples: look closer around the best one.
        for _ in range(_ROUNDS):
            best = float(places[int(np.argmax(values))])
            places = np.linspace(best - step, best + step, 21)
            step = float(places[1] - places[0])
            values = sign * convert(_edge_points(bounds, places))[:, axis]
            highest = max(highest, float(values.max()))
        extremes.append(sign * highest)
    minx, miny, maxx, maxy = extremes
    return minx, miny, maxx, maxy


def _edge(bounds: Bounds, crs: pyproj.CRS) -> Array:
    """Return positions along the edge, 0 ... 4 counter-clockwise from the lower left corner."""
    longest = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    pieces = math.ceil(longest / default_segment(bounds, crs)) if longest > 0 else 1
    return np.linspace(0, 4, 4 * pieces + 1)


def _edge_points(bounds: Bounds, along: Array) -> Array:
    x0, y0, x1, y1 = bounds
    along = along % 4
    x = np.interp(along, [0, 1, 2, 3, 4], [x0, x1, x1, x0, x0])
    y = np.interp(along, [0, 1, 2, 3, 4], [y0, y0, y1, y1, y0])
    return np.column_stack([x, y])
