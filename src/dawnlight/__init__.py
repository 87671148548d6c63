"""Dawnlight: an open catalog of Earth-observation images whose collections load as lazy, labelled arrays.

Names load when they are first used, so ``import dawnlight`` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import dawnlight.accessor  # noqa: F401  registers .dl
from dawnlight._options import get_options, set_options

if TYPE_CHECKING:
    from dawnlight import catalog, common, errors, exceptions, geo
    from dawnlight.catalog import (
        Band,
        CatalogClient,
        ClassBand,
        Collection,
        GenericBand,
        Image,
        ImageCollection,
        ImageUpload,
        MaskBand,
        MicrowaveBand,
        Product,
        Resolution,
        SpectralBand,
        open,
        properties,
    )
    from dawnlight.geo import AOI, DLTile, GeoContext, XYZTile

    __version__: str

# Where each public name comes from; None: it is a module of its own.
_SOURCES: dict[str, str | None] = {
    **dict.fromkeys(("catalog", "common", "errors", "exceptions", "geo")),
    **dict.fromkeys(
        (
            "Band",
            "CatalogClient",
            "ClassBand",
            "Collection",
            "GenericBand",
            "Image",
            "ImageCollection",
            "ImageUpload",
            "MaskBand",
            "MicrowaveBand",
            "Product",
            "Resolution",
            "SpectralBand",
            "open",
            "properties",
        ),
        "catalog",
    ),
    **dict.fromkeys(("AOI", "DLTile", "GeoContext", "XYZTile"), "geo"),
}

__all__ = [
    "AOI",
    "Band",
    "CatalogClient",
    "ClassBand",
    "Collection",
    "DLTile",
    "GenericBand",
    "GeoContext",
    "Image",
    "ImageCollection",
    "ImageUpload",
    "MaskBand",
    "MicrowaveBand",
    "Product",
    "Resolution",
    "SpectralBand",
    "XYZTile",
    "catalog",
    "common",
    "errors",
    "exceptions",
    "geo",
    "get_options",
    "open",
    "properties",
    "set_options",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("dawnlight")
    if name not in _SOURCES:
        raise AttributeError(f"module 'dawnlight' has no attribute {name!r}")
    source = _SOURCES[name]
    if source is None:
        found = importlib.import_module(f"dawnlight.{name}")
    else:
        found = getattr(importlib.import_module(f"dawnlight.{source}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
