"""Contexts from what people have: grids of odc-geo, geometries, bounds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from dawnlight.geo._aoi import AOI
from dawnlight.geo._context import GeoContext
from dawnlight.geo._geobox import GeoBox
from dawnlight.geo._geometry import GeometryLike, normalize_geometry

__all__ = ["GeoContextLike", "normalize_context"]

GeoContextLike: TypeAlias = "GeoContext | GeoBox | GeometryLike"
"""What `normalize_context` reads (and the GeoBox of odc-geo)."""


def normalize_context(value: GeoContextLike) -> GeoContext:
    """Turn what describes an area or a grid into a context.

    Parameters
    ----------
    value : GeoContext, GeoBox, odc.geo.geobox.GeoBox, geometry-like, or sequence of 4 numbers
        A context is returned as it is. A grid gives an `AOI` of exactly that grid. A geometry (shapely,
        GeoJSON, geopandas, anything with ``__geo_interface__``) gives an AOI with it as cutline, and bounds
        ``(west, south, east, north)`` in degrees one without; where ``west > east`` they cross the
        antimeridian.

    Returns
    -------
    GeoContext

    Raises
    ------
    GeometryError, ParameterTypeError
        The value is none of these.
    GridError
        The grid is empty or has no system.

    Examples
    --------
    >>> from dawnlight.geo import normalize_context
    >>> normalize_context((170, -10, -170, 10)).bounds
    (170.0, -10.0, 190.0, 10.0)
    """
    if isinstance(value, GeoContext):
        return value
    if isinstance(value, GeoBox):
        return AOI.from_geobox(value)
    if _is_odc_geobox(value):
        return AOI.from_geobox(GeoBox.from_odc(value))
    geometry = normalize_geometry(value)
    if isinstance(value, Sequence | np.ndarray):
        return AOI(bounds=geometry.bounds)
    return AOI(geometry=geometry)


def _is_odc_geobox(value: Any) -> TypeGuard[Any]:
    # Whoever holds an odc GeoBox has imported odc: no import here.
    module = sys.modules.get("odc.geo.geobox")
    return module is not None and isinstance(value, module.GeoBox)
