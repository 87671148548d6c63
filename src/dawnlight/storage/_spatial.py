"""The exact answer to "does this footprint share a point with that place", for many footprints at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

__all__ = ["intersects_any"]

_COLLECTION = 7

Mask: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"


def intersects_any(
    shapes: Sequence[BaseGeometry], footprints: Sequence[bytes | None], *, null_matches: bool
) -> Mask:
    """Test footprints against a place.

    Parameters
    ----------
    shapes : sequence of shapely geometry
        The place, prepared; see `dawnlight.search.search_shapes`.
    footprints : sequence of bytes or None
        WKB, valid and within ±180 degrees.
    null_matches : bool
        The answer for None.

    Returns
    -------
    ndarray of bool
        One answer per footprint; borders count.
    """
    geometries = shapely.from_wkb(np.array(footprints, dtype=object))
    found = np.zeros(len(geometries), dtype=bool)
    for shape in shapes:
        found |= shapely.intersects(shape, geometries)
    # Predicates of GEOS are not defined on collections.
    for index in np.flatnonzero(shapely.get_type_id(geometries) == _COLLECTION):
        found[index] = _collection_intersects(shapes, geometries[index])
    if null_matches:
        found |= shapely.is_missing(geometries)
    return found


def _collection_intersects(shapes: Sequence[BaseGeometry], collection: BaseGeometry) -> bool:
    parts = shapely.get_parts(collection)
    nested = shapely.get_type_id(parts) == _COLLECTION
    plain = parts[~nested]
    return any(bool(shapely.intersects(shape, plain).any()) for shape in shapes) or any(
        _collection_intersects(shapes, part) for part in parts[nested]
    )
