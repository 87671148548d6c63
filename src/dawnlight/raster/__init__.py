"""Pixels: from a plan of what to read to a lazy array on one grid; knows nothing of the catalog.

::

    plan = make_plan(table, layers=layers, bands=bands, geobox=geobox)   # pure: what is read for any window
    lazy = LazyRaster(plan, output, reader)                              # array-like (layer, band, y, x)
    lazy[0, :, 100:200, 300:400]                                         # reads just that

``layers`` is all that tells a stack (``[[0], [1], [2]]``) from a mosaic (``[[0, 1, 2]]``, the last on top).
"""

from __future__ import annotations

from dawnlight.raster._header import BandHeader, FileHeader, FileRef
from dawnlight.raster._lazy import LazyRaster, Output
from dawnlight.raster._plan import MaskPolicy, Read, ReadPlan, make_plan
from dawnlight.raster._reader import RasterReader
from dawnlight.raster._sources import BandSpec, Layout, RasterSource
from dawnlight.raster._table import SourceTable

__all__ = [
    "BandHeader",
    "BandSpec",
    "FileHeader",
    "FileRef",
    "Layout",
    "LazyRaster",
    "MaskPolicy",
    "Output",
    "RasterReader",
    "RasterSource",
    "Read",
    "ReadPlan",
    "SourceTable",
    "make_plan",
]
