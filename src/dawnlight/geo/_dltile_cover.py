"""Which UTM tiles touch a shape."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from dawnlight.errors import DawnlightError, InvalidShapeError
from dawnlight.geo._crs import WGS84, normalize_crs
from dawnlight.geo._dltile_key import FALSE_EASTING, TileKey, zone_of
from dawnlight.geo._dltile_outline import corner_rings, is_planar
from dawnlight.geo._geometry import GeometryLike, normalize_geometry
from dawnlight.geo._reproject import reproject_geometry
from dawnlight.geo._sphere import as_valid, leaves, split_antimeridian

__all__ = ["ShapeLike", "estimate_tiles", "iter_keys", "warn_if_many"]

ShapeLike: TypeAlias = "GeometryLike | str | list[Any] | tuple[Any, ...]"
"""What `DLTile.from_shape` reads."""

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

_MANY = 50_000
_SQUARE_METERS_PER_SQUARE_DEGREE = 12_321_000_000
_HALF_ZONE_WIDTH = 334_000.0
_TOUCH = 1e-9
"""Degrees within which a tile touches a shape, a tenth of a millimetre: borders that coincide do so up to
the rounding of the projection."""
_RADIUS = 6_371_007.0
_SEGMENT = 0.05
_MAX_DEPTH = 8


def warn_if_many(shape: ShapeLike, resolution: float, tilesize: int, pad: int) -> None:
    """Warn where a shape has more than about 50,000 tiles.

    Warns
    -----
    UserWarning
        The estimate exceeds 50,000.
    """
    origin = TileKey(tilesize, pad, resolution, 1, 0, 0)
    count = estimate_tiles(_polygons(shape), origin.side)
    if count > _MANY:
        warnings.warn(
            f"the shape has about {count} tiles of {origin.side:g} m; iter_from_shape() makes them one by "
            "one, a larger tilesize or resolution makes fewer",
            UserWarning,
            stacklevel=3,
        )


def estimate_tiles(polygons: list[shapely.Polygon], side: float) -> int:
    """Return roughly how many tiles of a side in metres some polygons have.

    Examples
    --------
    >>> estimate_tiles([shapely.box(-94.2, 39.9, -93.6, 40.3)], 75 * 256)
    6
    """
    return sum(
        math.floor(
            polygon.area
            * _SQUARE_METERS_PER_SQUARE_DEGREE
            * math.cos(math.radians(polygon.centroid.y))
            / side**2
        )
        for polygon in polygons
    )


def iter_keys(shape: ShapeLike, resolution: float, tilesize: int, pad: int) -> Iterator[TileKey]:
    """Check the arguments at once, and return the keys of the tiles one by one.

    The shape is cut into 6 degree zones and each slice is tiled in its own zone. A tile counts when the
    quadrilateral of its corners, without padding, touches the slice.

    Returns
    -------
    iterator of TileKey
        Zones from west to east, rows from south to north, tiles of a row from east to west.

    Raises
    ------
    InvalidShapeError
        The shape is not made of polygons, or leaves the world.
    InvalidTileError
        The resolution, tilesize or pad is out of range.
    """
    origin = TileKey(tilesize, pad, resolution, 1, 0, 0)
    area = split_antimeridian(shapely.union_all([as_valid(polygon) for polygon in _polygons(shape)]))
    return _iter_zones(area, origin)


def _iter_zones(area: BaseGeometry, origin: TileKey) -> Iterator[TileKey]:
    west, _, east, _ = area.bounds
    for zone in range(zone_of(west), zone_of(east) + 1):
        strip = shapely.box(6.0 * zone - 186, -90, 6.0 * zone - 180, 90)
        part = shapely.intersection(area, strip)
        polygons = [p for p in shapely.get_parts(part) if isinstance(p, shapely.Polygon) and p.area > 0]
        if polygons:
            slice_ = shapely.union_all(polygons)
            yield from _iter_zone(slice_, zone, origin)


def _iter_zone(slice_: BaseGeometry, zone: int, origin: TileKey) -> Iterator[TileKey]:
    crs = normalize_crs(32600 + zone)
    flat = reproject_geometry(slice_, WGS84, crs, max_segment=_SEGMENT)
    side, margin = origin.side, _margin(slice_, origin.side)
    shapely.prepare(slice_)
    shapely.prepare(flat)
    _, south, _, north = flat.bounds
    first, last = math.floor((south - margin) / side), math.floor((north + margin) / side)
    for row, piece in _rows(flat, first, last + 1, side, margin):
        columns = _columns(piece, side, margin)
        if not len(columns):
            continue
        west = FALSE_EASTING + columns * side
        low, high = np.full(len(columns), row * side), np.full(len(columns), (row + 1) * side)
        bounds = np.column_stack([west, low, west + side, high])
        for ti in columns[_touches(bounds, zone, slice_, flat)]:
            yield TileKey(origin.tilesize, origin.pad, origin.resolution, zone, int(ti), row)


def _margin(slice_: BaseGeometry, side: float) -> float:
    """Return how far the straight sides of a tile's quadrilateral may be from the tile's own, in metres.

    Over a length s at latitude p that is about ``s² tan(p) / 8R``; the slice's own edges, cut every 0.05
    degrees, miss their curves by much less than the metres added.
    """
    _, south, _, north = slice_.bounds
    bend = max(1.0, math.tan(math.radians(min(max(abs(south), abs(north)) + 1.0, 89.5))))
    return 2.0 * side * side * bend / (8 * _RADIUS) + 50.0


def _rows(
    flat: BaseGeometry, start: int, stop: int, side: float, margin: float
) -> Iterator[tuple[int, BaseGeometry]]:
    """Yield rows of tiles from south to north, each with the part of the slice near it.

    The rows are halved again and again, so a shape of many vertices is not clipped from the whole for each.
    """
    west, _, east, _ = flat.bounds if not flat.is_empty else (0.0, 0.0, 0.0, 0.0)
    piece = shapely.clip_by_rect(flat, west - 1, start * side - margin, east + 1, stop * side + margin)
    if piece.is_empty:
        return
    if stop - start == 1:
        yield start, piece
        return
    middle = (start + stop) // 2
    yield from _rows(piece, start, middle, side, margin)
    yield from _rows(piece, middle, stop, side, margin)


def _columns(piece: BaseGeometry, side: float, margin: float) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the candidate easting indices of one row, from east to west."""
    spans = [part.bounds for part in shapely.get_parts(piece)]
    found: list[np.ndarray[Any, np.dtype[np.int64]]] = []
    for west, _, east, _ in spans:
        low, high = max(west - margin - FALSE_EASTING, -_HALF_ZONE_WIDTH), east + margin - FALSE_EASTING
        high = min(high, _HALF_ZONE_WIDTH)
        found.append(np.arange(math.floor(low / side), math.floor(high / side) + 1, dtype=np.int64))
    return np.unique(np.concatenate(found))[::-1] if found else np.empty(0, dtype=np.int64)


def _touches(
    bounds: Array, zone: int, slice_: BaseGeometry, flat: BaseGeometry
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which tiles touch the slice."""
    rings = corner_rings(bounds, zone)
    planar = is_planar(rings, zone)
    result = np.zeros(len(bounds), dtype=np.bool_)
    if planar.any():
        result[planar] = shapely.dwithin(slice_, shapely.polygons(rings[planar]), _TOUCH)
    if not planar.all():
        # At a pole the plane of longitude and latitude says nothing; the zone's own plane does.
        boxes = shapely.box(*bounds[~planar].T)
        result[~planar] = shapely.intersects(flat, boxes)
    return result


def _polygons(shape: Any) -> list[shapely.Polygon]:
    found: list[shapely.Polygon] = []
    for geometry in _geometries(shape, 0):
        if not isinstance(geometry, shapely.Polygon | shapely.MultiPolygon):
            raise InvalidShapeError(
                f"the shape holds a {geometry.geom_type}; only Polygon and MultiPolygon can be tiled "
                "(buffer() makes a polygon of points and lines)"
            )
        found.extend(shapely.get_parts(geometry))
    if not found:
        raise InvalidShapeError("the shape holds no polygon")
    return found


def _geometries(shape: Any, depth: int) -> Iterator[BaseGeometry]:
    if isinstance(shape, str):
        try:
            shape = json.loads(shape)
        except (ValueError, RecursionError):
            raise InvalidShapeError(f"shape={shape[:60]!r} is text, but not JSON") from None
    if isinstance(shape, Mapping) and shape.get("type") == "FeatureCollection":
        shape = shape.get("features")
        if not isinstance(shape, list | tuple):
            raise InvalidShapeError("the FeatureCollection has no list 'features'")
    if isinstance(shape, list | tuple) and depth < _MAX_DEPTH and not _is_bounds(shape):
        for member in shape:
            yield from _geometries(member, depth + 1)
        return
    try:
        geometry = normalize_geometry(shape)
    except DawnlightError as error:
        raise InvalidShapeError(f"the shape cannot be tiled: {error}") from error
    described = not isinstance(shape, BaseGeometry | Mapping)
    # The collection of a geopandas object or of a context is that of its features.
    yield from leaves(geometry) if described else [geometry]


def _is_bounds(shape: Any) -> bool:
    return len(shape) == 4 and all(isinstance(value, int | float) for value in shape)
