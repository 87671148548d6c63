"""Geometry in longitude and latitude: the seam at 180 degrees, the poles, and true areas.

A polygon in longitude and latitude is read as GeoJSON reads it (RFC 7946): its edges are straight lines in
the plane of longitude and latitude. It crosses the antimeridian by going *beyond* 180 degrees::

    -180          180  190                    -180 -170     170 180
      |            |                             |            |
      |      [-----|----]         split          |--]      [--|
      |            |              ------>        |            |
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
import pyproj
import shapely
from shapely import affinity
from shapely.geometry.base import BaseGeometry, BaseMultipartGeometry

__all__ = [
    "as_valid",
    "close_over_pole",
    "collect",
    "coverage",
    "equal_area",
    "leaves",
    "lonlat_bounds",
    "merge",
    "split_antimeridian",
    "touch",
    "unwrap",
]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_WORLDS = (-2, -1, 0, 1, 2)
_TOLERANCE = 1e-9
_GEOD = pyproj.Geod(ellps="WGS84")
_A = float(_GEOD.a)
_E2 = float(_GEOD.es)
_E = math.sqrt(_E2)

_PIECE = 4.0
"""Degrees of latitude that the integral along an edge takes in one step."""
_GAUSS: tuple[Array, Array] = np.polynomial.legendre.leggauss(5)
# Moved from -1 ... 1 to 0 ... 1.
_NODES, _WEIGHTS = (_GAUSS[0] + 1) / 2, _GAUSS[1] / 2


def split_antimeridian(geometry: BaseGeometry) -> BaseGeometry:
    """Bring a geometry into longitudes -180 ... 180, cutting what crosses the antimeridian.

    Parameters
    ----------
    geometry : shapely geometry
        Longitudes from -360 to 360.

    Returns
    -------
    shapely geometry
        The same object when nothing lies beyond 180 degrees (a billionth of a degree counts as nothing).
        Otherwise the parts on either side, touching the antimeridian; polygons are valid, points keep their
        number.

    Examples
    --------
    >>> pieces = split_antimeridian(shapely.box(170, -10, 190, 10))
    >>> sorted(piece.bounds for piece in pieces.geoms)
    [(-180.0, -10.0, -170.0, 10.0), (170.0, -10.0, 180.0, 10.0)]
    """
    if geometry.is_empty:
        return geometry
    west, _, east, _ = geometry.bounds
    if west >= -180 and east <= 180:
        return geometry
    geometry = shapely.transform(geometry, _snap_to_antimeridian)
    if west >= -180 - _TOLERANCE and east <= 180 + _TOLERANCE:
        return geometry
    if isinstance(geometry, shapely.GeometryCollection):
        return shapely.GeometryCollection([split_antimeridian(part) for part in geometry.geoms])
    if isinstance(geometry, shapely.Point | shapely.MultiPoint):
        return _wrap_points(geometry)
    geometry = as_valid(geometry)
    dimension = int(shapely.get_dimensions(geometry))
    parts: list[BaseGeometry] = []
    for world in _WORLDS:
        strip = shapely.box(360.0 * world - 180, -90, 360.0 * world + 180, 90)
        part = shapely.intersection(geometry, strip)
        parts.extend(_of_dimension(affinity.translate(part, xoff=-360.0 * world), dimension))
    return collect(parts)


def as_valid(geometry: BaseGeometry) -> BaseGeometry:
    """Return an equal geometry on which set operations are defined, without parts of lower dimension.

    Examples
    --------
    >>> bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    >>> as_valid(bow).geom_type
    'MultiPolygon'
    """
    if geometry.is_valid:
        return geometry
    repaired = shapely.make_valid(geometry)
    if isinstance(geometry, shapely.Polygon | shapely.MultiPolygon):
        areas = _of_dimension(repaired, 2)
        return shapely.union_all(areas) if areas else repaired
    return repaired


def collect(parts: list[BaseGeometry]) -> BaseGeometry:
    """Return one geometry of parts of one dimension: areas are merged, lines and points kept apart.

    Examples
    --------
    >>> collect([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]).geom_type
    'Polygon'
    """
    parts = [leaf for part in parts for leaf in leaves(part)]
    if len(parts) == 1:
        return parts[0]
    points = [part for part in parts if isinstance(part, shapely.Point)]
    lines = [part for part in parts if isinstance(part, shapely.LineString)]
    if points:
        return shapely.MultiPoint(points)
    return shapely.MultiLineString(lines) if lines else shapely.union_all(parts)


def merge(geometry: BaseGeometry) -> BaseGeometry:
    """Return a valid geometry of one dimension: the areas of a mixed collection, or else its lines.

    Examples
    --------
    >>> merge(shapely.GeometryCollection([shapely.Point(5, 5), shapely.box(0, 0, 1, 1)])).geom_type
    'Polygon'
    """
    valid = as_valid(geometry)
    if not isinstance(valid, shapely.GeometryCollection):
        return valid
    return collect(_of_dimension(valid, int(shapely.get_dimensions(valid))))


def touch(a: BaseGeometry, b: BaseGeometry) -> bool:
    """Return whether two geometries, collections too, have a point in common.

    Examples
    --------
    >>> touch(shapely.box(0, 0, 1, 1), shapely.Point(1, 1))
    True
    """
    one = np.array(leaves(as_valid(a)), dtype=object)
    two = np.array(leaves(as_valid(b)), dtype=object)
    return bool(shapely.intersects(one[:, None], two[None, :]).any())


def leaves(geometry: BaseGeometry) -> list[BaseGeometry]:
    """Return the single parts of a geometry, through nested collections, without empty ones.

    Examples
    --------
    >>> len(leaves(shapely.MultiPoint([(0, 0), (1, 1)])))
    2
    """
    if isinstance(geometry, BaseMultipartGeometry):
        return [leaf for part in geometry.geoms for leaf in leaves(part)]
    return [] if geometry.is_empty else [geometry]


def unwrap(lons: Array) -> Array:
    """Remove jumps over the antimeridian from the longitudes along a line.

    Parameters
    ----------
    lons : ndarray of float
        Degrees.

    Returns
    -------
    ndarray of float
        Starts at the same value; neighbours differ by at most 180 degrees; each value is the given one up
        to whole turns.

    Examples
    --------
    >>> unwrap(np.array([179.0, -179.0])).tolist()
    [179.0, 181.0]
    """
    turns = np.round(np.diff(lons) / 360.0)
    out = lons.copy()
    out[1:] -= 360.0 * np.cumsum(turns)
    return out


def close_over_pole(lons: Array, lats: Array, pole: float) -> tuple[Array, Array]:
    """Turn an unwrapped ring that goes once round the Earth into one that includes the pole.

    Parameters
    ----------
    lons, lats : ndarray of float
        The ring; its last longitude is the first plus or minus 360.
    pole : float
        Latitude of the pole inside it, 90 or -90.

    Returns
    -------
    lons, lats : ndarray of float
        A closed ring in the plane of longitude and latitude.
    """
    return (
        np.concatenate([lons, [lons[-1], lons[0], lons[0]]]),
        np.concatenate([lats, [pole, pole, lats[0]]]),
    )


def lonlat_bounds(geometry: BaseGeometry) -> tuple[float, float, float, float]:
    """Return the bounds of a geometry, going beyond 180 where that is shorter.

    Parameters
    ----------
    geometry : shapely geometry
        In longitude and latitude.

    Returns
    -------
    tuple of float
        (minx, miny, maxx, maxy). A geometry in parts that meet at the antimeridian gives
        ``(170, ..., 190, ...)`` rather than the whole width of the world.

    Examples
    --------
    >>> lonlat_bounds(split_antimeridian(shapely.box(170, -10, 190, 10)))
    (170.0, -10.0, 190.0, 10.0)
    """
    west, south, east, north = (float(value) for value in geometry.bounds)
    if not (west <= -180 + _TOLERANCE and east >= 180 - _TOLERANCE) or east - west > 360 + _TOLERANCE:
        return west, south, east, north
    spans = sorted((part.bounds[0], part.bounds[2]) for part in leaves(geometry))
    # The widest gap between the parts is where the bounds may open instead.
    reached, gap = spans[0][1], (0.0, west, east)
    for start, stop in spans[1:]:
        gap = max(gap, (start - reached, reached, start))
        reached = max(reached, stop)
    width, before, after = gap
    if width <= 0:
        return west, south, east, north
    return float(after), south, float(before) + 360.0, north


def equal_area(geometry: BaseGeometry) -> float:
    """Return the true area of a geometry on the WGS 84 ellipsoid.

    Parameters
    ----------
    geometry : shapely geometry
        Longitude and latitude in degrees, edges straight in that plane. Parts that overlap (a self-crossing
        ring, longitudes more than a turn apart) count once.

    Returns
    -------
    float
        Square metres; 0 for points and lines. The poles and the antimeridian need no care.

    Examples
    --------
    >>> round(equal_area(shapely.box(-180, -90, 180, 90)) / 1e12, 3)
    510.066
    """
    return _area(as_valid(split_antimeridian(geometry)))


def coverage(geometry: BaseGeometry, footprint: BaseGeometry) -> float:
    """Return the fraction of a geometry that lies on a footprint.

    Parameters
    ----------
    geometry : shapely geometry
        What is to be covered, in longitude and latitude.
    footprint : shapely geometry
        What covers it.

    Returns
    -------
    float
        Between 0 and 1, by true area; by length for lines and by count for points. Exactly 1.0 when all but
        a billionth is covered. An empty geometry gives 0.0.

    Examples
    --------
    >>> coverage(shapely.box(0, 0, 2, 1), shapely.box(1, 0, 5, 5))
    0.5
    """
    wanted, cover = merge(split_antimeridian(geometry)), merge(split_antimeridian(footprint))
    measure = (_count, _length, _area)[max(0, int(shapely.get_dimensions(wanted)))]
    whole = measure(wanted)
    if whole <= 0:
        return 0.0
    fraction = measure(shapely.intersection(wanted, cover)) / whole
    return 1.0 if fraction >= 1 - _TOLERANCE else fraction


def _area(geometry: BaseGeometry) -> float:
    polygons = [part for part in leaves(geometry) if isinstance(part, shapely.Polygon)]
    if len(polygons) > 1:
        polygons = [part for part in leaves(shapely.union_all(polygons)) if isinstance(part, shapely.Polygon)]
    total = 0.0
    for polygon in polygons:
        total += abs(_ring_area(polygon.exterior))
        total -= sum(abs(_ring_area(hole)) for hole in polygon.interiors)
    return max(total, 0.0)


def _ring_area(ring: shapely.LinearRing) -> float:
    """Integrate the area between the ring and the equator along its edges.

    The area of a strip of the ellipsoid from the equator to latitude p is ``a² q(p) dlon / 2`` with the
    authalic function q (Snyder 1987, eq. 3-12). Along an edge, q is smooth: five Gauss points on pieces of
    at most 4 degrees of latitude are exact to rounding.
    """
    points = shapely.get_coordinates(ring)
    climb = np.abs(np.diff(points[:, 1])).max(initial=0.0)
    if climb > _PIECE:
        # Edges along a meridian enclose nothing, but cutting them does no harm.
        steps = np.linspace(0, 1, math.ceil(climb / _PIECE) + 1)[:-1]
        edges = points[:-1, None] + np.diff(points, axis=0)[:, None] * steps[None, :, None]
        points = np.concatenate([edges.reshape(-1, 2), points[-1:]])
    lats = points[:-1, 1, None] + np.diff(points[:, 1])[:, None] * _NODES
    return float(0.5 * _A * _A * np.sum(np.radians(np.diff(points[:, 0])) * (_authalic(lats) @ _WEIGHTS)))


def _authalic(lats: Array) -> Array:
    sine = np.sin(np.radians(lats))
    es = _E * sine
    result: Array = (1 - _E2) * (sine / (1 - es * es) + np.arctanh(es) / _E)
    return result


def _length(geometry: BaseGeometry) -> float:
    lines = [p for p in leaves(geometry) if isinstance(p, shapely.LineString | shapely.LinearRing)]
    return float(sum(_GEOD.geometry_length(line) for line in lines))


def _count(geometry: BaseGeometry) -> float:
    return float(sum(1 for part in leaves(geometry) if isinstance(part, shapely.Point)))


def _snap_to_antimeridian(xy: Array) -> Array:
    """Move what misses the antimeridian by rounding onto it, so that no sliver is cut off beyond."""
    out = xy.copy()
    seam = 360.0 * np.floor(out[:, 0] / 360.0) + 180.0
    near = np.abs(out[:, 0] - seam) <= _TOLERANCE
    out[near, 0] = seam[near]
    return out


def _wrap_points(geometry: shapely.Point | shapely.MultiPoint) -> BaseGeometry:
    def wrap(xy: Array) -> Array:
        x = xy[:, 0]
        beyond = np.abs(x) > 180
        return np.column_stack([np.where(beyond, (x + 180) % 360 - 180, x), xy[:, 1]])

    return shapely.transform(geometry, wrap)


def _of_dimension(geometry: BaseGeometry, dimension: int) -> list[BaseGeometry]:
    return [part for part in leaves(geometry) if shapely.get_dimensions(part) == dimension]
