"""Which kind of band a raster band is, judged by its name, colour and data type."""

from __future__ import annotations

import re
from typing import Literal

from dawnlight.raster._header import BandHeader

__all__ = ["BandKind", "find_kind", "labels_of"]

BandKind = Literal["spectral", "microwave", "mask", "class", "generic"]

_SPECTRAL = re.compile(
    r"(sr_|st_|toa_)?b(and)?\d{1,2}a?|(sr_)?(coastal|ultra_?blue|blue|green|yellow|red|red_?edge|nir|swir|mwir|lwir|"
    r"tir|thermal|pan|panchromatic|cirrus|watervapou?r)(_?\d{1,3}a?)?|nir_?(narrow|broad)",
    re.IGNORECASE,
)
_SPECTRAL_COLORS = frozenset(
    ("red", "green", "blue", "nir", "swir", "mwir", "lwir", "pan", "coastal", "rededge")
)
_MICROWAVE = re.compile(r"((sigma|gamma|beta)_?0?_?)?(vv|vh|hh|hv)(_db)?", re.IGNORECASE)
_CLASS = re.compile(
    r"scl|fmask|f?msk_class\w*|bqa|qa\w*|\w+_?qa(_\w+)?|dqf|udm\d?|cdl|lulc|lc|land_?cover\w*|\w*class(es|ification)?",
    re.IGNORECASE,
)
_MASK = re.compile(r"(\w*_)?mask|valid", re.IGNORECASE)

# Scene classification of Sentinel-2 L2A.
_SCL = (
    "no data",
    "saturated or defective",
    "dark area",
    "cloud shadow",
    "vegetation",
    "not vegetated",
    "water",
    "unclassified",
    "cloud, medium probability",
    "cloud, high probability",
    "thin cirrus",
    "snow or ice",
)


def find_kind(name: str, band: BandHeader) -> BandKind:
    """Return the kind of a band.

    Parameters
    ----------
    name : str
        The band's name in the catalog.
    band : BandHeader
        The raster band.

    Returns
    -------
    {"spectral", "microwave", "mask", "class", "generic"}

    Examples
    --------
    >>> find_kind("B8A", BandHeader(dtype="uint16")), find_kind("SCL", BandHeader(dtype="uint8"))
    ('spectral', 'class')
    """
    if band.color == "alpha" or name == "alpha":
        return "mask"
    if band.dtype.startswith(("uint", "int")):
        if band.color == "palette" or _CLASS.fullmatch(name):
            return "class"
        if band.dtype == "uint8" and _MASK.fullmatch(name):
            return "mask"
    if band.color in _SPECTRAL_COLORS or _SPECTRAL.fullmatch(name):
        return "spectral"
    return "microwave" if _MICROWAVE.fullmatch(name) else "generic"


def labels_of(name: str) -> tuple[str, ...] | None:
    """Return the names of the classes of a well-known band, by pixel value."""
    return _SCL if name.lower() == "scl" else None
