"""Geometries and bounds from one coordinate reference system to another."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, TypeAlias

import numpy as np
import pyproj
import shapely
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from dawnlight.errors import GeometryError, GridError
from dawnlight.geo._crs import CRSLike, normalize_crs, same_crs, spell_crs, transformer
from dawnlight.geo._sphere import as_valid, close_over_pole, split_antimeridian, unwrap

__all__ = ["reproject_bounds", "reproject_geometry"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
Bounds: TypeAlias = "tuple[float, float, float, float]"

_PIECES = 20
"""Least number of pieces of the longest side of a geometry."""
_MAX_DEGREES = 1.0
"""Longest piece of an edge given in degrees."""
_MERCATOR_LIMIT = 89.9
"""PROJ puts the poles of the Mercator projection at a finite, meaningless ordinate."""
_WAY_OUT = "clip it to where that system is defined, or choose another crs"


def reproject_geometry(
    geometry: BaseGeometry,
    src: CRSLike,
    dst: CRSLike,
    *,
    max_segment: float | None = None,
) -> BaseGeometry:
    """Bring a geometry from one system to another, edges included.

    Parameters
    ----------
    geometry : shapely geometry
        Coordinates x before y. Edges are straight lines in ``src``.
    src, dst : CRS-like
        See `normalize_crs`.
    max_segment : float, optional
        Longest piece, in units of ``src``, into which edges are cut before their ends are transformed. By
        default a twentieth of the longer side of the bounds, and at most 1 degree.

    Returns
    -------
    shapely geometry
        In a geographic ``dst`` the longitudes lie in -180 ... 180: what crosses the antimeridian is cut and
        what holds a pole reaches up to it. Polygons are valid. When both systems are the same the geometry
        is returned as it is.

    Raises
    ------
    GeometryError
        No part of the geometry has a place in ``dst``. A part that has none is left out.

    Examples
    --------
    >>> cap = reproject_geometry(shapely.box(-1e6, -1e6, 1e6, 1e6), "EPSG:3413", "EPSG:4326")
    >>> [round(value, 6) for value in cap.bounds][::2], round(cap.bounds[3], 6)
    ([-180.0, 180.0], 90.0)
    """
    if geometry.is_empty or same_crs(src, dst):
        return geometry
    source, target = normalize_crs(src), normalize_crs(dst)
    if source.is_geographic:
        geometry = split_antimeridian(geometry)
    return _reproject(geometry, source, target, max_segment)


def _reproject(
    geometry: BaseGeometry, src: pyproj.CRS, dst: pyproj.CRS, max_segment: float | None
) -> BaseGeometry:
    if isinstance(geometry, shapely.GeometryCollection):
        parts = [_reproject(part, src, dst, max_segment) for part in geometry.geoms if not part.is_empty]
        return shapely.GeometryCollection(parts)
    if isinstance(geometry, shapely.Polygon | shapely.MultiPolygon):
        geometry = as_valid(geometry)
    if shapely.get_dimensions(geometry) > 0:
        geometry = shapely.segmentize(geometry, max_segment or _default_segment(geometry.bounds, src))
    if not _is_finite(shapely.get_coordinates(geometry), src, dst):
        geometry = _defined_part(geometry, src, dst)
    parts = [_transform_part(part, src, dst) for part in shapely.get_parts(geometry)]
    result = parts[0] if len(parts) == 1 else shapely.union_all([as_valid(part) for part in parts])
    if dst.is_geographic:
        result = split_antimeridian(result)
    return as_valid(result)


def _default_segment(bounds: tuple[float, ...], crs: pyproj.CRS) -> float:
    longest = max(bounds[2] - bounds[0], bounds[3] - bounds[1]) / _PIECES
    if crs.is_geographic:
        longest = min(longest, _MAX_DEGREES)
    return longest if longest > 0 else 1.0


def _transform(points: Array, src: pyproj.CRS, dst: pyproj.CRS, *, over: bool = False) -> Array:
    x, y = transformer(src, dst, over=over).transform(points[:, 0], points[:, 1])
    out = np.column_stack([x, y])
    if src.is_geographic and _is_mercator(spell_crs(dst)):
        out[np.abs(points[:, 1]) > _MERCATOR_LIMIT] = np.inf
    return out


def _is_finite(points: Array, src: pyproj.CRS, dst: pyproj.CRS) -> bool:
    return bool(np.isfinite(_transform(points, src, dst)).all())


@lru_cache(maxsize=256)
def _is_mercator(spelling: str) -> bool:
    operation = normalize_crs(spelling).coordinate_operation
    name = operation.method_name if operation is not None else ""
    return "Mercator" in name and "Transverse" not in name and "Oblique" not in name


def _transform_part(part: BaseGeometry, src: pyproj.CRS, dst: pyproj.CRS) -> BaseGeometry:
    if isinstance(part, shapely.Polygon):
        if not dst.is_geographic:
            return as_valid(shapely.transform(part, lambda xy: _transform(xy, src, dst)))
        shell = _lonlat_ring(part.exterior, src, dst)
        holes = [_lonlat_ring(ring, src, dst) for ring in part.interiors]
        return _nearest_turn(shell, holes)

    def convert(xy: Array) -> Array:
        out = _transform(xy, src, dst)
        if dst.is_geographic and len(out) > 1:
            out[:, 0] = unwrap(out[:, 0])
        return out

    return shapely.transform(part, convert)


def _nearest_turn(shell: BaseGeometry, holes: list[BaseGeometry]) -> BaseGeometry:
    """Subtract holes from a shell, each moved by the whole turn that brings it into the shell."""
    result = shell
    for hole in holes:
        for shift in (-360.0, 0.0, 360.0):
            result = shapely.difference(result, affinity.translate(hole, xoff=shift))
    return result


def _lonlat_ring(ring: shapely.LinearRing, src: pyproj.CRS, dst: pyproj.CRS) -> BaseGeometry:
    """Return the area inside a ring of ``src`` as a valid polygon in unwrapped longitudes."""
    points = _transform(shapely.get_coordinates(ring), src, dst)
    lons, lats = unwrap(points[:, 0]), points[:, 1]
    if abs(lons[-1] - lons[0]) > 180:
        lons, lats = close_over_pole(lons, lats, _pole_inside(ring, src, dst, lats))
    return as_valid(shapely.Polygon(np.column_stack([lons, np.clip(lats, -90, 90)])))


def _pole_inside(ring: shapely.LinearRing, src: pyproj.CRS, dst: pyproj.CRS, lats: Array) -> float:
    inside = shapely.Polygon(ring)
    for pole in (90.0, -90.0):
        where = _transform(np.array([[0.0, pole]]), dst, src)
        if np.isfinite(where).all() and inside.intersects(shapely.Point(where[0])):
            return pole
    return math.copysign(90.0, float(lats.mean()))


def _defined_part(geometry: BaseGeometry, src: pyproj.CRS, dst: pyproj.CRS) -> BaseGeometry:
    """Return the part of a geometry that has a place in ``dst``, to about a hundredth of its size."""
    dimension = int(shapely.get_dimensions(geometry))
    if dimension == 0:
        parts = [p for p in shapely.get_parts(geometry) if _is_finite(shapely.get_coordinates(p), src, dst)]
    else:
        area = _defined_area(geometry.bounds, src, dst)
        common = shapely.get_parts(shapely.intersection(geometry, area))
        parts = [part for part in common if shapely.get_dimensions(part) == dimension]
    if not parts:
        raise GeometryError(
            f"geometry with bounds {geometry.bounds} (in {_name(src)}) has no place in {_name(dst)}; "
            + _WAY_OUT
        )
    part = shapely.union_all(parts)
    return shapely.segmentize(part, _default_segment(part.bounds, src)) if dimension else part


def _defined_area(bounds: Bounds, src: pyproj.CRS, dst: pyproj.CRS) -> BaseGeometry:
    """Halve a rectangle again and again and keep the pieces of which 25 points have a place in ``dst``."""
    kept: list[BaseGeometry] = []
    queue: list[tuple[Bounds, int]] = [(bounds, 0)]
    while queue:
        (x0, y0, x1, y1), depth = queue.pop()
        grid = np.array([(x, y) for x in np.linspace(x0, x1, 5) for y in np.linspace(y0, y1, 5)])
        finite = np.isfinite(_transform(grid, src, dst)).all(axis=1)
        if finite.all():
            kept.append(shapely.box(x0, y0, x1, y1))
        elif depth < _MAX_DEPTH and (finite.any() or depth < 3):
            xm, ym = (x0 + x1) / 2, (y0 + y1) / 2
            quarters = ((x0, y0, xm, ym), (xm, y0, x1, ym), (x0, ym, xm, y1), (xm, ym, x1, y1))
            queue.extend((quarter, depth + 1) for quarter in quarters)
    return shapely.union_all(kept)


_MAX_DEPTH = 7


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
        holds a pole gives all longitudes up to the pole.

    Raises
    ------
    GridError
        A point of the edge has no finite place in ``dst``.

    Examples
    --------
    >>> [round(value) for value in reproject_bounds((-93, 0, -92, 1), "EPSG:4326", "EPSG:32615")]
    [500000, 0, 611281, 110547]
    """
    if same_crs(src, dst):
        return bounds
    source, target = normalize_crs(src), normalize_crs(dst)
    if target.is_geographic:
        hulls = [_lonlat_hull(bounds, source, target)]
    else:
        # Where a projection goes on past the antimeridian, longitudes left unwrapped give the smaller hull.
        turns = (False, True) if source.is_geographic else (False,)
        hulls = [
            _hull(bounds, source, partial(_transform, src=source, dst=target, over=over)) for over in turns
        ]
    finite = [hull for hull in hulls if hull is not None]
    if not finite:
        raise GridError(
            f"bounds={bounds} (in {_name(source)}) have no finite place in {_name(target)}; {_WAY_OUT}"
        )
    return min(finite, key=lambda hull: (hull[2] - hull[0]) * (hull[3] - hull[1]))


def _edge(bounds: Bounds, crs: pyproj.CRS) -> Array:
    """Return positions along the edge, 0 ... 4 counter-clockwise from the lower left corner."""
    longest = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    pieces = _PIECES if not crs.is_geographic else max(_PIECES, math.ceil(longest / _MAX_DEGREES))
    return np.linspace(0, 4, 4 * pieces + 1)


def _edge_points(bounds: Bounds, along: Array) -> Array:
    x0, y0, x1, y1 = bounds
    along = along % 4
    return np.column_stack(
        [
            np.interp(along, [0, 1, 2, 3, 4], [x0, x1, x1, x0, x0]),
            np.interp(along, [0, 1, 2, 3, 4], [y0, y0, y1, y1, y0]),
        ]
    )


def _hull(bounds: Bounds, src: pyproj.CRS, project: Callable[[Array], Array]) -> Bounds | None:
    along = _edge(bounds, src)
    coarse = project(_edge_points(bounds, along))
    if not np.isfinite(coarse).all():
        return None
    extremes: list[float] = []
    for axis, sign in ((0, -1), (1, -1), (0, 1), (1, 1)):
        values, places, step = sign * coarse[:, axis], along, along[1]
        highest = values.max()
        # The extreme may lie between two samples: look closer around the best one.
        for _ in range(3):
            best = places[int(np.argmax(values))]
            places = np.linspace(best - step, best + step, 21)
            step = places[1] - places[0]
            values = sign * project(_edge_points(bounds, places))[:, axis]
            highest = max(highest, values.max())
        extremes.append(sign * float(highest))
    minx, miny, maxx, maxy = extremes
    return minx, miny, maxx, maxy


def _lonlat_hull(bounds: Bounds, src: pyproj.CRS, dst: pyproj.CRS) -> Bounds | None:
    edge = _edge_points(bounds, _edge(bounds, src))
    points = _transform(edge, src, dst)
    if not np.isfinite(points).all():
        return None
    lons = unwrap(points[:, 0])
    middle = (lons.min() + lons.max()) / 2
    middle -= 360.0 * np.round(middle / 360.0)

    def project(xy: Array) -> Array:
        out = _transform(xy, src, dst)
        out[:, 0] -= 360.0 * np.round((out[:, 0] - middle) / 360.0)
        return out

    hull = _hull(bounds, src, project)
    if hull is not None and abs(lons[-1] - lons[0]) > 180:
        pole = _pole_inside(shapely.LinearRing(edge), src, dst, points[:, 1])
        return -180.0, min(hull[1], pole), 180.0, max(hull[3], pole)
    return hull


def _name(crs: pyproj.CRS) -> str:
    spelling = spell_crs(crs)
    return spelling if len(spelling) <= 40 else f"{crs.name!r}"
