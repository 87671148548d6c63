"""Where on the Earth, and on which pixels: contexts, grids, windows, reference systems and geometries.

Pure calculation on numpy, affine, pyproj and shapely: nothing here reads a file, and importing it loads
neither rasterio nor xarray nor dask.
"""

from __future__ import annotations

from dawnlight.geo._aoi import AOI
from dawnlight.geo._context import GeoContext
from dawnlight.geo._crs import CRSLike, normalize_crs, same_crs, spell_crs
from dawnlight.geo._cutline import project_cutline
from dawnlight.geo._dltile import DLTile
from dawnlight.geo._geobox import GeoBox, from_bounds
from dawnlight.geo._geometry import (
    GeometryLike,
    coverage,
    equal_area,
    lonlat_bounds,
    normalize_geometry,
    split_antimeridian,
)
from dawnlight.geo._interop import GeoContextLike, normalize_context
from dawnlight.geo._reproject import reproject_geometry
from dawnlight.geo._window import Window
from dawnlight.geo._xyztile import XYZTile

__all__ = [
    "AOI",
    "CRSLike",
    "DLTile",
    "GeoBox",
    "GeoContext",
    "GeoContextLike",
    "GeometryLike",
    "Window",
    "XYZTile",
    "coverage",
    "equal_area",
    "from_bounds",
    "lonlat_bounds",
    "normalize_context",
    "normalize_crs",
    "normalize_geometry",
    "project_cutline",
    "reproject_geometry",
    "same_crs",
    "spell_crs",
    "split_antimeridian",
]
