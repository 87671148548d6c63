"""Geometries from one coordinate reference system to another."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
import pyproj
import shapely
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from dawnlight.errors import GeometryError
from dawnlight.geo._crs import CRSLike, meters_per_unit, normalize_crs, same_crs, spell_crs
from dawnlight.geo._project import defined, describe_crs, is_lonlat, project, seam
from dawnlight.geo._sphere import as_valid, close_over_pole, collect, split_antimeridian, unwrap

__all__ = ["default_segment", "pole_inside", "reproject_geometry"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_PIECES = 20
"""Least number of pieces of the longest side of a geometry."""
_MAX_DEGREES = 1.0
"""Longest piece of an edge given in degrees."""
_SLIT = 1e-9
"""Degrees left out along a seam, a tenth of a millimetre, so that no vertex falls on its other side."""
_HAIRLINE = 1e-6
"""Metres to which the two sides of a join are rounded."""
_MAX_DEPTH = 7
"""How often bounds are halved in search of the part that has a place in another system."""


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
        Valid where it is a polygon. In a geographic ``dst`` the longitudes lie in -180 ... 180: what crosses
        the antimeridian is cut, and what holds a pole reaches up to it. In a projected ``dst`` it is cut
        where the map is. When both systems are the same the geometry is returned as it is.

    Raises
    ------
    GeometryError
        No part of the geometry has a place in ``dst``. Parts that have none are left out, to about a
        hundredth of the size of the geometry.

    Examples
    --------
    >>> cap = reproject_geometry(shapely.box(-1e6, -1e6, 1e6, 1e6), "EPSG:3413", "EPSG:4326")
    >>> [round(value, 6) for value in cap.bounds][::2], round(cap.bounds[3], 6)
    ([-180.0, 180.0], 90.0)
    """
    if geometry.is_empty or same_crs(src, dst):
        return geometry
    source, target = normalize_crs(src), normalize_crs(dst)
    if not source.is_geographic and not target.is_geographic and seam(spell_crs(target)) is not None:
        # The cut of the target's map is a meridian, so it is made in longitude and latitude.
        base = normalize_crs("EPSG:4326")
        geometry, source, max_segment = _reproject(geometry, source, base, max_segment), base, None
    return _reproject(geometry, source, target, max_segment)


def _reproject(
    geometry: BaseGeometry, src: pyproj.CRS, dst: pyproj.CRS, max_segment: float | None
) -> BaseGeometry:
    if isinstance(geometry, shapely.GeometryCollection):
        parts = [_reproject(part, src, dst, max_segment) for part in geometry.geoms if not part.is_empty]
        return shapely.GeometryCollection(parts)
    if isinstance(geometry, shapely.Polygon | shapely.MultiPolygon):
        geometry = as_valid(geometry)
    if is_lonlat(src):
        geometry = split_antimeridian(geometry)
        cut = seam(spell_crs(dst))
        if cut is not None and not dst.is_geographic:
            geometry = _cut(geometry, cut)
    joins = is_lonlat(src) and not dst.is_geographic and max(map(abs, geometry.bounds[::2])) >= 180 - _SLIT
    if shapely.get_dimensions(geometry) > 0:
        geometry = shapely.segmentize(geometry, max_segment or default_segment(geometry.bounds, src))
    if not defined(shapely.get_coordinates(geometry), src, dst).all():
        geometry = _defined_part(geometry, src, dst)
    result = collect([_transform_part(part, src, dst) for part in shapely.get_parts(geometry)])
    if is_lonlat(dst):
        return as_valid(split_antimeridian(result))
    return _join(result, dst) if joins else as_valid(result)


def _join(geometry: BaseGeometry, crs: pyproj.CRS) -> BaseGeometry:
    """Close the hairline along the antimeridian where the map is not cut there (around a pole, say)."""
    if not isinstance(geometry, shapely.Polygon | shapely.MultiPolygon):
        return geometry
    # Rounding brings the two sides together; only then can they be merged.
    rounded = shapely.set_precision(as_valid(geometry), _HAIRLINE / meters_per_unit(crs))
    return shapely.set_precision(collect([rounded]), 0)


def default_segment(bounds: tuple[float, ...], crs: pyproj.CRS) -> float:
    """Return the longest piece of an edge that follows its curve well enough in another system."""
    longest = max(bounds[2] - bounds[0], bounds[3] - bounds[1]) / _PIECES
    if crs.is_geographic:
        longest = min(longest, _MAX_DEGREES)
    return longest if longest > 0 else 1.0


def _cut(geometry: BaseGeometry, meridian: float) -> BaseGeometry:
    """Cut lines and areas along a meridian, leaving a slit."""
    if shapely.get_dimensions(geometry) == 0:
        return geometry
    west, _, east, _ = geometry.bounds
    slits = [
        shapely.box(meridian + turn - _SLIT, -90, meridian + turn + _SLIT, 90)
        for turn in (-360.0, 0.0, 360.0)
        if west <= meridian + turn + _SLIT and east >= meridian + turn - _SLIT
    ]
    rest = shapely.difference(geometry, shapely.union_all(slits)) if slits else geometry
    return geometry if rest.is_empty else rest


def _transform_part(part: BaseGeometry, src: pyproj.CRS, dst: pyproj.CRS) -> BaseGeometry:
    if isinstance(part, shapely.Polygon):
        if not is_lonlat(dst):
            return as_valid(shapely.transform(part, lambda xy: project(xy, src, dst)))
        shell = _lonlat_ring(part.exterior, src, dst)
        holes = [_lonlat_ring(ring, src, dst) for ring in part.interiors]
        return _subtract(shell, holes)

    def convert(xy: Array) -> Array:
        out = project(xy, src, dst)
        if is_lonlat(dst) and len(out) > 1:
            out[:, 0] = unwrap(out[:, 0])
        return out

    return shapely.transform(part, convert)


def _subtract(shell: BaseGeometry, holes: list[BaseGeometry]) -> BaseGeometry:
    """Subtract holes from a shell, each moved by the whole turn that brings it into the shell."""
    for hole in holes:
        for turn in range(-3, 4):
            shell = shapely.difference(shell, affinity.translate(hole, xoff=360.0 * turn))
    return shell


def _lonlat_ring(ring: shapely.LinearRing, src: pyproj.CRS, dst: pyproj.CRS) -> BaseGeometry:
    """Return the area inside a ring of ``src`` as a valid polygon in unwrapped longitudes."""
    points = project(shapely.get_coordinates(ring), src, dst)
    lons, lats = unwrap(points[:, 0]), points[:, 1]
    if abs(lons[-1] - lons[0]) > 180:
        lons, lats = close_over_pole(lons, lats, pole_inside(ring, src, dst))
    return as_valid(shapely.Polygon(np.column_stack([lons, np.clip(lats, -90, 90)])))


def pole_inside(ring: shapely.LinearRing, src: pyproj.CRS, dst: pyproj.CRS) -> float:
    """Return the latitude of the pole that a ring round the Earth holds, 90 or -90.

    Parameters
    ----------
    ring : shapely.LinearRing
        In ``src``.
    src, dst : pyproj.CRS
        ``dst`` is geographic.
    """
    inside = shapely.Polygon(ring)
    for pole in (90.0, -90.0):
        where = project(np.array([[0.0, pole]]), dst, src)
        if np.isfinite(where).all() and inside.intersects(shapely.Point(where[0])):
            return pole
    return math.copysign(90.0, float(project(shapely.get_coordinates(ring), src, dst)[:, 1].mean()))


def _defined_part(geometry: BaseGeometry, src: pyproj.CRS, dst: pyproj.CRS) -> BaseGeometry:
    """Return the part of a geometry that has a place in ``dst``."""
    dimension = int(shapely.get_dimensions(geometry))
    if dimension == 0:
        points = shapely.get_parts(geometry)
        parts: list[BaseGeometry] = list(points[defined(shapely.get_coordinates(points), src, dst)])
    else:
        area = _defined_area(geometry.bounds, src, dst)
        common = shapely.get_parts(shapely.intersection(geometry, area))
        parts = [part for part in common if shapely.get_dimensions(part) == dimension]
    if not parts:
        raise GeometryError(
            f"geometry with bounds {geometry.bounds} (in {describe_crs(src)}) has no place in "
            f"{describe_crs(dst)}; clip it to where that system is defined, or choose another crs"
        )
    part = collect(parts)
    return shapely.segmentize(part, default_segment(part.bounds, src)) if dimension else part


def _defined_area(bounds: tuple[float, ...], src: pyproj.CRS, dst: pyproj.CRS) -> BaseGeometry:
    """Halve a rectangle again and again and keep the pieces of which 25 points have a place in ``dst``."""
    kept: list[BaseGeometry] = []
    queue: list[tuple[tuple[float, ...], int]] = [(bounds, 0)]
    while queue:
        (x0, y0, x1, y1), depth = queue.pop()
        grid = np.array([(x, y) for x in np.linspace(x0, x1, 5) for y in np.linspace(y0, y1, 5)])
        good = defined(grid, src, dst)
        if good.all():
            kept.append(shapely.box(x0, y0, x1, y1))
        elif depth < _MAX_DEPTH and (good.any() or depth < 3):
            xm, ym = (x0 + x1) / 2, (y0 + y1) / 2
            quarters = ((x0, y0, xm, ym), (xm, y0, x1, ym), (x0, ym, xm, y1), (xm, ym, x1, y1))
            queue.extend((quarter, depth + 1) for quarter in quarters)
    return shapely.union_all(kept)
