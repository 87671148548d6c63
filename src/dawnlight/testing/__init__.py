"""What tests of Dawnlight, and of anything built on it, can use; shipped with the package.

A store or a reader of one's own is tested by a subclass of the suite and a fixture; see the modules.
Importing this package loads nothing else, since some of it needs packages that only tests have
(`hypothesis`).

================================= ===============================================================
`dawnlight.testing._rasters`      tiny real raster files of every layout
`dawnlight.testing._memory`       readers that serve arrays, record reads, or forbid them
`dawnlight.testing._oracle`       GDAL's exact warp, and plain reference kernels
`dawnlight.testing._range_server` a web server that counts, delays and fails as told
`dawnlight.testing._store_suite`  what every catalog store must do
`dawnlight.testing._strategies`   documents, filters and queries for Hypothesis
================================= ===============================================================
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dawnlight.testing._memory import FailingReader, MemoryReader, RecordingReader, UntouchableReader
    from dawnlight.testing._oracle import gdal_warp, reference_warp
    from dawnlight.testing._range_server import Asked, Fault, RangeServer
    from dawnlight.testing._rasters import checker, coordinate_image, noise, truncate, write_raster
    from dawnlight.testing._store_suite import CatalogStoreSuite
    from dawnlight.testing._strategies import document_lists, documents, expressions, queries

__all__ = [
    "Asked",
    "CatalogStoreSuite",
    "FailingReader",
    "Fault",
    "MemoryReader",
    "RangeServer",
    "RecordingReader",
    "UntouchableReader",
    "checker",
    "coordinate_image",
    "document_lists",
    "documents",
    "expressions",
    "gdal_warp",
    "noise",
    "queries",
    "reference_warp",
    "truncate",
    "write_raster",
]

_SOURCES = {
    **dict.fromkeys(("FailingReader", "MemoryReader", "RecordingReader", "UntouchableReader"), "_memory"),
    **dict.fromkeys(("gdal_warp", "reference_warp"), "_oracle"),
    **dict.fromkeys(("checker", "coordinate_image", "noise", "truncate", "write_raster"), "_rasters"),
    **dict.fromkeys(("document_lists", "documents", "expressions", "queries"), "_strategies"),
    **dict.fromkeys(("Asked", "Fault", "RangeServer"), "_range_server"),
    "CatalogStoreSuite": "_store_suite",
}


def __getattr__(name: str) -> Any:
    if name not in _SOURCES:
        raise AttributeError(f"module 'dawnlight.testing' has no attribute {name!r}")
    return getattr(importlib.import_module(f"dawnlight.testing.{_SOURCES[name]}"), name)
