"""The outlines of UTM tiles in longitude and latitude."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from dawnlight.errors import GeometryError, GridError
from dawnlight.geo._crs import WGS84, normalize_crs, transformer
from dawnlight.geo._dltile_key import central_meridian
from dawnlight.geo._reproject import reproject_geometry

__all__ = ["corner_rings", "is_planar", "tile_outline"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
Bools: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"

_NEAR_MERIDIAN = 60.0
_NEAR_POLE = 89.5


def tile_outline(bounds: tuple[float, float, float, float], zone: int) -> BaseGeometry:
    """Return the area of one tile.

    Parameters
    ----------
    bounds : tuple of float
        (minx, miny, maxx, maxy) in metres.
    zone : int
        UTM zone.

    Returns
    -------
    shapely geometry
        The quadrilateral of the corners, longitudes near the central meridian (so possibly beyond 180); at a
        pole the true outline.

    Raises
    ------
    GridError
        The tile is not on the Earth.

    Examples
    --------
    >>> tile_outline((404000, 4416000, 423200, 4435200), 15).geom_type
    'Polygon'
    """
    rings = corner_rings(np.array([bounds], dtype=np.float64), zone)
    if is_planar(rings, zone)[0]:
        return shapely.Polygon(rings[0])
    try:
        return reproject_geometry(shapely.box(*bounds), normalize_crs(32600 + zone), WGS84)
    except GeometryError as error:
        raise GridError(f"the tile with bounds {bounds} of UTM zone {zone} is not on the Earth") from error


def corner_rings(bounds: Array, zone: int) -> Array:
    """Return the corners of tiles in longitude and latitude.

    Parameters
    ----------
    bounds : ndarray of float, shape (n, 4)
        Rows (minx, miny, maxx, maxy) in metres.
    zone : int
        UTM zone.

    Returns
    -------
    ndarray of float, shape (n, 5, 2)
        Closed rings from the lower left, counter-clockwise. Longitudes are within 180 degrees of the central
        meridian.
    """
    corners = bounds[:, [0, 1, 2, 1, 2, 3, 0, 3, 0, 1]].reshape(-1, 2)
    lons, lats = transformer(32600 + zone, WGS84).transform(corners[:, 0], corners[:, 1])
    middle = central_meridian(zone)
    with np.errstate(invalid="ignore"):
        lons = lons - 360.0 * np.round((lons - middle) / 360.0)
    return np.column_stack([lons, lats]).reshape(-1, 5, 2)


def is_planar(rings: Array, zone: int) -> Bools:
    """Return which rings are a fair picture of their tile in the plane of longitude and latitude.

    Those near a pole or far from the zone are not.
    """
    with np.errstate(invalid="ignore"):
        near = np.abs(rings[..., 0] - central_meridian(zone)) <= _NEAR_MERIDIAN
        low = np.abs(rings[..., 1]) <= _NEAR_POLE
    return np.asarray((near & low).all(axis=1))
