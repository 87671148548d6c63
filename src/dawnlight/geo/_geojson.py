"""GeoJSON in: strict reading of mappings into shapely geometries."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from dawnlight.errors import GeometryError

__all__ = ["parse_geojson"]

_TYPES = (
    "Point, MultiPoint, LineString, MultiLineString, Polygon, MultiPolygon, GeometryCollection, Feature or "
    "FeatureCollection"
)
_MAX_NESTING = 16


def parse_geojson(mapping: Mapping[str, Any]) -> BaseGeometry:
    """Read a GeoJSON geometry, Feature or FeatureCollection.

    Parameters
    ----------
    mapping : mapping
        As decoded from JSON. Tuples may stand for lists. Coordinates keep their precision; heights are
        dropped.

    Returns
    -------
    shapely.geometry.base.BaseGeometry
        A Feature gives its geometry, a FeatureCollection a GeometryCollection. Self-crossing polygons are
        returned as they are.

    Raises
    ------
    GeometryError
        The mapping is not GeoJSON; the message names the part at fault.

    Examples
    --------
    >>> parse_geojson({"type": "Point", "coordinates": [5, 60]}).wkt
    'POINT (5 60)'
    """
    return _parse(mapping, "geometry", 0)


def _parse(mapping: object, where: str, depth: int) -> BaseGeometry:
    if not isinstance(mapping, Mapping):
        raise GeometryError(f"{where} must be a GeoJSON mapping, not {type(mapping).__name__}")
    if depth > _MAX_NESTING:
        raise GeometryError(f"{where} nests collections more than {_MAX_NESTING} deep")
    kind = mapping.get("type")
    if kind == "Feature":
        if mapping.get("geometry") is None:
            raise GeometryError(f"{where} is a Feature without a geometry")
        return _parse(mapping["geometry"], f"{where}.geometry", depth + 1)
    if kind in ("FeatureCollection", "GeometryCollection"):
        key = "features" if kind == "FeatureCollection" else "geometries"
        members = _sequence(mapping.get(key), f"{where}.{key}")
        return shapely.GeometryCollection(
            [_parse(member, f"{where}.{key}[{i}]", depth + 1) for i, member in enumerate(members)]
        )
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise GeometryError(f"{where}.type={kind!r} is not a GeoJSON type; use {_TYPES}")
    if "coordinates" not in mapping:
        raise GeometryError(f"{where} of type {kind} has no 'coordinates'")
    return reader(mapping["coordinates"], f"{where}.coordinates")


def _point(value: object, where: str) -> BaseGeometry:
    return shapely.Point(_position(value, where))


def _multi_point(value: object, where: str) -> BaseGeometry:
    return shapely.MultiPoint(_positions(value, where, 1))


def _line(value: object, where: str) -> BaseGeometry:
    return shapely.LineString(_positions(value, where, 2))


def _multi_line(value: object, where: str) -> BaseGeometry:
    return shapely.MultiLineString([_positions(line, at, 2) for line, at in _members(value, where)])


def _polygon(value: object, where: str) -> shapely.Polygon:
    rings = [_ring(ring, at) for ring, at in _members(value, where)]
    return shapely.Polygon(rings[0], rings[1:])


def _multi_polygon(value: object, where: str) -> BaseGeometry:
    return shapely.MultiPolygon([_polygon(part, at) for part, at in _members(value, where)])


_READERS = {
    "Point": _point,
    "MultiPoint": _multi_point,
    "LineString": _line,
    "MultiLineString": _multi_line,
    "Polygon": _polygon,
    "MultiPolygon": _multi_polygon,
}


def _ring(value: object, where: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    positions = _positions(value, where, 4)
    if not np.array_equal(positions[0], positions[-1]):
        raise GeometryError(f"{where} is not closed: its last position must repeat the first")
    return positions


def _positions(value: object, where: str, least: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    members = _members(value, where)
    if len(members) < least:
        raise GeometryError(f"{where} has {len(members)} positions; at least {least} are needed")
    return np.array([_position(position, at) for position, at in members], dtype=np.float64)


def _position(value: object, where: str) -> tuple[float, float]:
    numbers = _sequence(value, where)
    if not 2 <= len(numbers) <= 4:
        raise GeometryError(f"{where} has {len(numbers)} numbers; a position is (longitude, latitude)")
    x, y = (_number(number, where) for number in numbers[:2])
    return x, y


def _number(value: object, where: str) -> float:
    number: float
    try:
        # numpy numbers are welcome, texts and truth values are not.
        number = math.nan if isinstance(value, str | bytes | bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise GeometryError(f"{where} holds {value!r}, which is not a finite number")
    return number


def _members(value: object, where: str) -> list[tuple[Any, str]]:
    members = [(member, f"{where}[{i}]") for i, member in enumerate(_sequence(value, where))]
    if not members:
        raise GeometryError(f"{where} is empty")
    return members


def _sequence(value: object, where: str) -> Sequence[Any]:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise GeometryError(f"{where} must be a list, not {type(value).__name__}")
    return value
