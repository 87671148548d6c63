"""What an AOI accepts: one function for each rule, in the order in which they are checked."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from dawnlight.errors import GridError, ParameterError, ParameterTypeError
from dawnlight.geo._crs import CRSLike, is_geographic, is_wgs84, normalize_crs, same_crs, spell_crs
from dawnlight.geo._geobox import MAX_PIXELS
from dawnlight.geo._sphere import split_antimeridian, touch

__all__ = [
    "check_bounds_range",
    "check_intersects",
    "check_not_both",
    "check_pixel_fits",
    "normalize_bounds",
    "normalize_resolution",
    "normalize_shape",
    "normalize_spelling",
]

Bounds: TypeAlias = "tuple[float, float, float, float]"

_DEFAULT_TOLERANCE = 0.001
"""Degrees by which bounds may miss the edge of the world when no pixel size says more."""


def normalize_spelling(crs: CRSLike | None) -> str | None:
    """Return a system as text: a text as it was given, anything else in its one spelling.

    Raises
    ------
    CRSError
        It is no coordinate reference system.
    """
    if crs is None:
        return None
    if isinstance(crs, str):
        normalize_crs(crs)
        return crs
    return spell_crs(crs)


def normalize_shape(shape: Any) -> tuple[int, int] | None:
    """Return (rows, columns).

    Raises
    ------
    ParameterTypeError
        It is not a list or tuple of two whole numbers.
    ParameterError
        A number is not from 1 to 2**31.
    """
    if shape is None:
        return None
    try:
        if not isinstance(shape, list | tuple):
            raise TypeError
        rows, columns = (operator.index(size) for size in shape)
    except (TypeError, ValueError):
        raise ParameterTypeError(
            f"shape={shape!r} must be a list or tuple of two whole numbers (rows, columns)"
        ) from None
    if not (1 <= rows <= MAX_PIXELS and 1 <= columns <= MAX_PIXELS):
        raise ParameterError(f"shape={shape!r} must have from 1 to {MAX_PIXELS} rows and columns")
    return rows, columns


def normalize_resolution(resolution: Any) -> int | float | None:
    """Return the resolution as a Python number.

    Raises
    ------
    ParameterTypeError
        It is not a number.
    ParameterError
        It is not finite and greater than 0.
    """
    if resolution is None:
        return None
    if isinstance(resolution, np.integer | np.floating):
        resolution = resolution.item()
    if not isinstance(resolution, int | float) or isinstance(resolution, bool):
        raise ParameterTypeError(f"resolution={resolution!r} must be a number, in the units of crs")
    if not (resolution > 0 and math.isfinite(resolution)):
        raise ParameterError(f"resolution={resolution!r} must be finite and greater than 0")
    return resolution


def check_not_both(resolution: float | None, shape: tuple[int, int] | None) -> None:
    """Refuse a resolution together with a shape.

    Raises
    ------
    ParameterError
        Both are given.
    """
    if resolution is not None and shape is not None:
        raise ParameterError(
            f"resolution={resolution!r} and shape={shape!r} exclude each other; "
            "give one and pass None for the other"
        )


def normalize_bounds(bounds: Any) -> Bounds | None:
    """Return (minx, miny, maxx, maxy) as floats.

    Raises
    ------
    ParameterTypeError
        It is not a sequence.
    ParameterError
        It is not four finite numbers in order.
    """
    if bounds is None:
        return None
    if isinstance(bounds, str | bytes) or not isinstance(bounds, Sequence | np.ndarray):
        raise ParameterTypeError(f"bounds={bounds!r} must be a sequence (minx, miny, maxx, maxy)")
    try:
        minx, miny, maxx, maxy = (float(value) for value in bounds)
    except (TypeError, ValueError):
        raise ParameterError(f"bounds={bounds!r} must be four numbers (minx, miny, maxx, maxy)") from None
    if not all(math.isfinite(value) for value in (minx, miny, maxx, maxy)):
        raise ParameterError(f"bounds={bounds!r} must be finite")
    if minx > maxx or miny > maxy:
        raise ParameterError(
            f"bounds={bounds!r} must have minx <= maxx and miny <= maxy; "
            "across the antimeridian, longitudes go beyond 180: (170, -10, 190, 10)"
        )
    return minx, miny, maxx, maxy


def check_bounds_range(
    bounds: Bounds,
    bounds_crs: CRSLike,
    *,
    crs: CRSLike | None,
    resolution: float | None,
    shape: tuple[int, int] | None,
    warn: bool = True,
) -> None:
    """Refuse bounds that cannot be longitudes and latitudes, and warn where they should not be.

    Notes
    -----
    Up to half a pixel beyond the edge of the world is allowed, since grids given by pixel centres reach that
    far. Longitudes may go one turn beyond 180, to cross the antimeridian, but not span more than one turn.

    Raises
    ------
    ParameterError
        ``bounds_crs`` is geographic and the bounds leave the world.

    Warns
    -----
    UserWarning
        ``bounds_crs`` is projected and the bounds look like degrees.
    """
    minx, miny, maxx, maxy = bounds
    if not is_geographic(bounds_crs):
        if warn and max(abs(minx), abs(maxx)) <= 180 and max(abs(miny), abs(maxy)) <= 90:
            warnings.warn(
                f"bounds={bounds} look like decimal degrees, but bounds_crs={_shorten(bounds_crs)} is not "
                "geographic; you might have the wrong `bounds_crs` set",
                UserWarning,
                stacklevel=4,
            )
        return
    tolerance = _DEFAULT_TOLERANCE
    if resolution is not None and crs is not None and is_geographic(crs):
        tolerance = resolution / 2
    elif shape is not None:
        tolerance = max((maxx - minx) / shape[1], (maxy - miny) / shape[0]) / 2
    inside = (
        max(abs(minx), abs(maxx)) <= 360 + tolerance
        and max(abs(miny), abs(maxy)) <= 90 + tolerance
        and maxx - minx <= 360 + 2 * tolerance
    )
    if not inside:
        raise ParameterError(
            f"Bounds must be in lat-lon coordinates (degrees within the world) for "
            f"bounds_crs={_shorten(bounds_crs)}, but they are {bounds}; is it the system they are in?"
        )


def check_intersects(geometry: BaseGeometry, bounds: Bounds, bounds_crs: CRSLike) -> None:
    """Refuse a geometry that misses the bounds, where both are in longitude and latitude.

    Raises
    ------
    ParameterError
        They have no point in common.
    """
    if not is_wgs84(bounds_crs):
        return
    minx, miny, maxx, maxy = bounds
    box = shapely.box(max(minx, -360), max(miny, -90), min(maxx, 360), min(maxy, 90))
    if not touch(split_antimeridian(geometry), split_antimeridian(box)):
        raise ParameterError(
            f"geometry (bounds {tuple(geometry.bounds)}) and bounds {bounds} do not intersect; "
            "pass bounds='update' to take the bounds of the geometry"
        )


def check_pixel_fits(
    bounds: Bounds, bounds_crs: CRSLike, crs: CRSLike, resolution: float, all_touched: bool
) -> None:
    """Refuse bounds smaller than a pixel, where both have the same units.

    Raises
    ------
    GridError
        The width or the height is smaller than the resolution.
    """
    if all_touched or not same_crs(crs, bounds_crs):
        return
    minx, miny, maxx, maxy = bounds
    for extent, word in ((maxx - minx, "wide"), (maxy - miny, "tall")):
        # Two bounds a pixel apart may differ from it by rounding.
        if extent < resolution * (1 - 1e-9):
            raise GridError(
                f"the area is less than one pixel {word}: {extent!r} against resolution={resolution!r}, in "
                f"the units of {_shorten(crs)}. Give a finer resolution, or all_touched=True for one pixel"
            )


def _shorten(crs: CRSLike) -> str:
    text = repr(crs)
    return text if len(text) <= 60 else text[:57] + "..."
