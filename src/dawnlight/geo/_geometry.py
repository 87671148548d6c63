"""Geometries in and out: what users pass becomes a shapely geometry in longitude and latitude."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from dawnlight.errors import DawnlightError, GeometryError, ParameterTypeError
from dawnlight.geo._crs import WGS84, is_wgs84
from dawnlight.geo._geojson import parse_geojson
from dawnlight.geo._reproject import reproject_geometry
from dawnlight.geo._sphere import coverage, equal_area, lonlat_bounds, split_antimeridian

__all__ = [
    "GeometryLike",
    "coverage",
    "equal_area",
    "lonlat_bounds",
    "normalize_geometry",
    "reproject_geometry",
    "split_antimeridian",
]


class SupportsGeoInterface(Protocol):
    """An object that describes itself as GeoJSON."""

    @property
    def __geo_interface__(self) -> Mapping[str, Any]:
        """The GeoJSON mapping."""


GeometryLike: TypeAlias = "BaseGeometry | Mapping[str, Any] | SupportsGeoInterface | Sequence[float]"
"""What `normalize_geometry` reads."""


def normalize_geometry(value: GeometryLike) -> BaseGeometry:
    """Read a geometry in longitude and latitude (WGS 84).

    Parameters
    ----------
    value : shapely geometry, mapping, object with __geo_interface__, or sequence of 4 numbers
        A GeoJSON geometry, Feature or FeatureCollection; a geopandas or odc-geo object, which is brought to
        longitude and latitude from its own system; a `GeoContext` or `GeoBox`; bounds
        ``(west, south, east, north)`` in degrees, where ``west > east`` means across the antimeridian.

    Returns
    -------
    shapely.geometry.base.BaseGeometry
        A shapely geometry is returned as it is (without heights). Nothing is repaired or cut:
        `split_antimeridian` does that where it matters.

    Raises
    ------
    GeometryError
        The value is not such a geometry, is empty, or leaves the world: latitudes beyond 90 degrees or
        longitudes beyond 360 (one turn beyond the antimeridian is understood).
    ParameterTypeError
        The value is of none of these types.

    Examples
    --------
    >>> normalize_geometry((170, -10, -170, 10)).bounds
    (170.0, -10.0, 190.0, 10.0)
    """
    own = getattr(value, "_to_geometry", None)
    if isinstance(value, BaseGeometry):
        geometry = shapely.force_2d(value) if value.has_z else value
    elif callable(own):
        # A GeoContext or GeoBox knows its area even where its own system is not longitude and latitude.
        geometry = own()
    elif isinstance(value, Mapping):
        geometry = _from_mapping(value)
    elif _is_bounds(value):
        geometry = _from_bounds(value)
    else:
        geometry = _in_lonlat(value, _from_mapping(_geo_interface(value)))
    _check_world(geometry)
    return geometry


def _in_lonlat(value: Any, geometry: BaseGeometry) -> BaseGeometry:
    """Bring the geometry of an object with a system of its own (geopandas, odc-geo) to WGS 84."""
    crs = getattr(value, "crs", None)
    if crs is None or not hasattr(value, "to_crs") or is_wgs84(crs):
        return geometry
    return reproject_geometry(geometry, crs, WGS84)


def _geo_interface(value: object) -> Mapping[str, Any]:
    try:
        found = getattr(value, "__geo_interface__", None)
    except DawnlightError:
        raise
    except Exception as error:
        # Foreign objects may fail in their own way while describing themselves.
        raise GeometryError(
            f"geometry of type {type(value).__name__} cannot describe itself: {error}"
        ) from error
    if not isinstance(found, Mapping):
        raise ParameterTypeError(
            f"geometry of type {type(value).__name__} is not understood; use a shapely geometry, a GeoJSON "
            "mapping, an object with __geo_interface__, or bounds (west, south, east, north)"
        )
    return found


def _from_mapping(mapping: Mapping[str, Any]) -> BaseGeometry:
    geometry = parse_geojson(mapping)
    if isinstance(geometry, shapely.Polygon | shapely.MultiPolygon):
        west, south, east, north = geometry.bounds
        if not (west < east and south < north):
            raise GeometryError(f"geometry: the polygon has no extent, its bounds are {geometry.bounds}")
    return geometry


def _is_bounds(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return bool(value.shape == (4,))
    return isinstance(value, Sequence) and not isinstance(value, str | bytes) and len(value) == 4


def _from_bounds(value: Any) -> BaseGeometry:
    try:
        west, south, east, north = (float(number) for number in value)
    except (TypeError, ValueError):
        raise GeometryError(f"bounds={value!r} must be four numbers (west, south, east, north)") from None
    if not all(math.isfinite(number) for number in (west, south, east, north)):
        raise GeometryError(f"bounds={value!r} must be finite numbers")
    if west > east:
        east += 360
    if not (west < east and south < north):
        raise GeometryError(f"bounds={value!r} must have south < north and an extent from west to east")
    return shapely.box(west, south, east, north, ccw=True)


def _check_world(geometry: BaseGeometry) -> None:
    if geometry.is_empty:
        raise GeometryError("geometry is empty; a geometry with coordinates is needed")
    points = shapely.get_coordinates(geometry)
    for axis, name, limit in ((1, "latitude", 90.0), (0, "longitude", 360.0)):
        values = points[:, axis]
        bad = ~(np.abs(values) <= limit)
        if bad.any():
            lon, lat = points[int(np.argmax(bad))].tolist()
            raise GeometryError(
                f"geometry has the position (longitude {lon:.10g}, latitude {lat:.10g}): its {name} "
                f"is beyond ±{limit:.0f} degrees. Geometries are in longitude and latitude (WGS 84)"
            )
