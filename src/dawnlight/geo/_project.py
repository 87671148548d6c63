"""Points from one system to another, and where that makes sense."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import pyproj

from dawnlight.geo._crs import WGS84, meters_per_unit, normalize_crs, spell_crs, transformer

__all__ = ["defined", "describe_crs", "is_cylindrical", "is_lonlat", "project", "seam"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
Bools: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"

_FARTHEST = 2e8
"""Metres. Some 30 times the Earth's radius: what a projection puts beyond it has no place on the map.

PROJ gives finite but meaningless numbers there, such as 2.42e8 for the poles of Mercator's projection.
"""
_ROUND_TRIP = 1e-6


def project(points: Array, src: pyproj.CRS, dst: pyproj.CRS, *, over: bool = False) -> Array:
    """Transform points.

    Parameters
    ----------
    points : ndarray of float, shape (n, 2)
        Rows (x, y) in ``src``.
    src, dst : pyproj.CRS
        Canonical, see `normalize_crs`.
    over : bool, default False
        Do not wrap longitudes.

    Returns
    -------
    ndarray of float, shape (n, 2)
        Infinite where a point has no place in ``dst``.
    """
    x, y = transformer(src, dst, over=over).transform(points[:, 0], points[:, 1])
    out = np.column_stack([x, y])
    if not dst.is_geographic:
        with np.errstate(invalid="ignore"):
            out[~(np.abs(out).max(axis=1) * meters_per_unit(dst) <= _FARTHEST)] = np.inf
    return out


def defined(points: Array, src: pyproj.CRS, dst: pyproj.CRS) -> Bools:
    """Return for each point whether it has a place in ``dst``.

    Besides infinite results this finds points of ``src`` that are off its map (the empty corners of a
    sinusoidal tile), for which PROJ gives the coordinates of some other place: they do not come back.
    """
    there = project(points, src, dst)
    good: Bools = np.asarray(np.isfinite(there).all(axis=1))
    if src.is_geographic or not dst.is_geographic or is_cylindrical(spell_crs(src)) or not good.any():
        return good
    back = project(there[good], dst, src)
    tolerance = _ROUND_TRIP * (1 / meters_per_unit(src) + np.abs(points[good]).max(axis=1))
    with np.errstate(invalid="ignore"):
        good[good] = np.abs(back - points[good]).max(axis=1) <= tolerance
    return good


def is_lonlat(crs: pyproj.CRS) -> bool:
    """Return whether coordinates are angles in degrees, so that 360 is one turn."""
    return _is_lonlat(crs.srs)


@lru_cache(maxsize=256)
def _is_lonlat(spelling: str) -> bool:
    crs = normalize_crs(spelling)
    if not crs.is_geographic:
        return False
    return math.isclose(crs.axis_info[0].unit_conversion_factor, math.pi / 180, rel_tol=1e-9)


@lru_cache(maxsize=256)
def is_cylindrical(spelling: str) -> bool:
    """Return whether x depends on the longitude alone, and evenly, so the map repeats from side to side."""
    crs = normalize_crs(spelling)
    if crs.is_geographic:
        return True
    lon = _central_longitude(crs)
    points = np.array([[lon + d, lat] for d in (20.0, 40.0) for lat in (0.0, 50.0)])
    there = project(points, normalize_crs(WGS84), crs)
    if not np.isfinite(there).all():
        return False
    x = there[:, 0] - project(np.array([[lon, 0.0]]), normalize_crs(WGS84), crs)[0, 0]
    step = abs(float(x[0])) * 1e-9
    return bool(abs(x[1] - x[0]) <= step and abs(x[3] - x[2]) <= step and abs(x[2] - 2 * x[0]) <= step)


@lru_cache(maxsize=256)
def seam(spelling: str) -> float | None:
    """Return the longitude along which a map is cut open, or None where it is not (around a pole, say)."""
    crs = normalize_crs(spelling)
    if crs.is_geographic:
        return 180.0 if is_lonlat(crs) else None
    lon = _central_longitude(crs) + 180.0
    # Either side of the seam, a millimetre apart on the ground.
    sides = np.array([[lon + d, lat] for lat in (0.0, 45.0, -45.0) for d in (-1e-8, 1e-8)])
    there = project(sides, normalize_crs(WGS84), crs)
    with np.errstate(invalid="ignore"):
        apart = np.abs(there[0::2] - there[1::2]) * meters_per_unit(crs)
        torn = np.isfinite(apart) & (apart > 1.0)
    return (lon + 180.0) % 360.0 - 180.0 if torn.any() else None


def describe_crs(crs: pyproj.CRS) -> str:
    """Return a short name of a system for messages."""
    spelling = spell_crs(crs)
    return spelling if len(spelling) <= 40 else repr(crs.name)


def _central_longitude(crs: pyproj.CRS) -> float:
    if crs.is_bound and crs.source_crs is not None:
        crs = crs.source_crs
    if crs.is_compound:
        crs = crs.sub_crs_list[0]
    operation = crs.coordinate_operation
    for parameter in operation.params if operation is not None else ():
        if parameter.name.startswith("Longitude of"):
            return math.degrees(float(parameter.value) * float(parameter.unit_conversion_factor))
    return 0.0
