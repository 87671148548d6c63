"""A geometry as the cutline of a grid."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from dawnlight.geo._crs import WGS84, meters_per_unit, normalize_crs, spell_crs
from dawnlight.geo._extent import reproject_bounds
from dawnlight.geo._geobox import GeoBox
from dawnlight.geo._project import is_cylindrical, project
from dawnlight.geo._reproject import reproject_geometry
from dawnlight.geo._sphere import as_valid, collect, merge, split_antimeridian

__all__ = ["project_cutline"]

_MARGIN = 2
"""Pixels around the grid up to which the cutline is kept."""
_ERROR = 0.05
"""Pixels by which an edge may miss its place in the grid."""
_RADIUS = 6371007.0


def project_cutline(geometry: BaseGeometry, geobox: GeoBox) -> BaseGeometry:
    """Return the part of a geometry that matters for a grid, in the grid's own system.

    Parameters
    ----------
    geometry : shapely geometry
        In longitude and latitude, its edges straight in that plane.
    geobox : GeoBox
        The grid; it may cross the antimeridian.

    Returns
    -------
    shapely geometry
        Valid, clipped to a margin of two pixels around the grid, and right to a twentieth of a pixel. Empty
        where the geometry misses the grid. Of a mixed collection only the areas are used. On a grid that goes
        on beyond the antimeridian it goes on too.

    Examples
    --------
    >>> from dawnlight.geo import GeoBox
    >>> grid = GeoBox.from_geotrans((170, 1, 0, 10, 0, -1), (20, 20), "EPSG:4326")
    >>> project_cutline(shapely.box(-179, 0, -178, 1), grid).bounds
    (181.0, 0.0, 182.0, 1.0)
    """
    area = merge(split_antimeridian(geometry))
    padded = geobox.pad(_MARGIN)
    repeats = is_cylindrical(spell_crs(geobox.crs))
    mapped = _on_endless_map(area, padded) if repeats else _on_map(area, padded)
    return shapely.intersection(as_valid(mapped), shapely.box(*padded.bounds))


def _on_endless_map(area: BaseGeometry, grid: GeoBox) -> BaseGeometry:
    """Project onto a map that repeats from side to side, without a seam."""
    base = normalize_crs(WGS84)
    minx, miny, maxx, maxy = grid.bounds
    corners = project(np.array([[minx, miny], [maxx, maxy]]), grid.crs, base, over=True)
    corners = np.where(np.isfinite(corners), corners, [[-720.0, -90.0], [720.0, 90.0]])
    (west, south), (east, north) = corners
    around = shapely.box(west, south, east, north).buffer(1e-6, join_style="mitre")
    turns = range(math.floor((west - 180) / 360), math.ceil((east + 180) / 360) + 1)
    copies = [affinity.translate(area, xoff=360.0 * turn) for turn in turns]
    near = shapely.intersection(collect(copies), around)
    if near.is_empty or grid.crs == base:
        return cast(BaseGeometry, near)
    near = shapely.segmentize(near, _longest_segment(grid, south, north))
    return as_valid(shapely.transform(near, lambda xy: project(xy, base, grid.crs, over=True)))


def _on_map(area: BaseGeometry, grid: GeoBox) -> BaseGeometry:
    hull = reproject_bounds(grid.bounds, grid.crs, WGS84)
    near = shapely.intersection(area, split_antimeridian(shapely.box(*hull)))
    if near.is_empty:
        return near
    longest = _longest_segment(grid, hull[1], hull[3])
    return reproject_geometry(near, WGS84, grid.crs, max_segment=longest)


def _longest_segment(grid: GeoBox, south: float, north: float) -> float:
    """Return the degrees that an edge may be long before its bend exceeds the error allowed.

    A parallel of latitude p bends away from a straight line by ``s² tan(p) / 8R`` over a length s, and no
    usual map bends lines much more.
    """
    allowed = _ERROR * min(grid.resolution) * meters_per_unit(grid.crs)
    highest = min(max(abs(south), abs(north)), 89.4)
    bend = max(1.0, math.tan(math.radians(highest)))
    return min(1.0, math.degrees(math.sqrt(8 * allowed / (_RADIUS * bend))))
