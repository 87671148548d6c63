"""Band documents made from raster bands, and whether a raster band fits the one of a product."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dawnlight.geo import GeoBox
from dawnlight.geo._crs import meters_per_unit
from dawnlight.ingest._kinds import find_kind, labels_of
from dawnlight.ingest._samples import BandSample, Statistics
from dawnlight.raster._dtypes import data_type_of, natural_range
from dawnlight.raster._header import BandHeader, FileHeader
from dawnlight.search import Document, number_to_wire, wire_to_number

__all__ = ["find_disagreement", "make_band", "resolution_of"]

# Colour tables beyond this are no legend; one entry is four numbers in the catalog.
_MAX_COLORS = 1024


def make_band(
    product_id: str,
    name: str,
    header: FileHeader,
    index: int,
    *,
    file_index: int,
    sample: BandSample | None,
) -> Document:
    """Make the document of a band from one that was found in a file.

    Ranges: all that the type holds for 8 and 16 bit integers, else those of a sample of the pixels; for
    display the middle 96 % of the sample, widened to round numbers. A scale and offset in the file become the
    physical range.

    Parameters
    ----------
    product_id, name : str
        What it belongs to and is called.
    header : FileHeader
        The file.
    index : int
        0-based number of the raster band.
    file_index : int
        0-based place of the file among those of the image.
    sample : BandSample or None
        A look at its values; a mask needs none.

    Returns
    -------
    Document
    """
    info = header.bands[index]
    kind = find_kind(name, info)
    attributes: dict[str, Any] = {
        "product_id": product_id,
        "name": name,
        "type": kind,
        "data_type": data_type_of(info.dtype),
        "resolution": resolution_of(header.geobox),
        "band_index": index,
        "file_index": file_index,
    }
    if info.description and info.description != name:
        attributes["description"] = info.description
    if info.nodata is not None:
        attributes["nodata"] = number_to_wire(_plain(info.nodata))
    if kind == "mask":
        attributes["is_alpha"] = info.color == "alpha" or name == "alpha"
    else:
        sample = sample or BandSample()
        attributes |= _ranges(kind, info, sample.statistics)
        if kind == "class":
            attributes |= _legend(name, sample)
    return Document(kind="band", id=f"{product_id}:{name}", attributes=attributes)


def find_disagreement(band: Document, info: BandHeader) -> str | None:
    """Tell in which way a raster band does not fit a band of the catalog.

    Parameters
    ----------
    band : Document
        The band.
    info : BandHeader
        The raster band.

    Returns
    -------
    str or None
        For the user; None if it fits.
    """
    found = data_type_of(info.dtype)
    if found != band.get("data_type"):
        return f"its band {band.get('name')!r} is {found}, and that of the product {band.get('data_type')}"
    nodata = band.get("nodata")
    # Pixels that are not finite are missing whether or not the product says so.
    if info.nodata is None or number_to_wire(info.nodata) == nodata:
        return None
    if nodata is None and not math.isfinite(info.nodata):
        return None
    known = "none" if nodata is None else f"{wire_to_number(nodata):g}"
    return f"nodata of its band {band.get('name')!r} is {info.nodata:g}, and that of the product {known}"


def resolution_of(geobox: GeoBox) -> dict[str, Any]:
    """Return the size of a grid's pixels as a document spells it: metres, or degrees in a geographic CRS."""
    size = math.sqrt(geobox.resolution[0] * geobox.resolution[1])
    if geobox.crs.is_geographic:
        degrees = meters_per_unit(geobox.crs) / meters_per_unit("EPSG:4326")
        # One unit of nearly every geographic system is a degree, whatever its ellipsoid.
        return {"value": _short(size if abs(degrees - 1) < 0.01 else size * degrees), "unit": "degrees"}
    return {"value": _short(size * meters_per_unit(geobox.crs)), "unit": "meters"}


def _ranges(kind: str, info: BandHeader, statistics: Statistics | None) -> dict[str, Any]:
    natural = natural_range(data_type_of(info.dtype))
    small = info.dtype in ("uint8", "int16", "uint16")
    if small or statistics is None:
        data_range = natural
    else:
        data_range = _spread(statistics.low, statistics.high)
    display = data_range
    if kind == "class" and statistics is not None:
        display = (min(0.0, statistics.low), max(statistics.high, 1.0))
    elif statistics is not None and not (info.dtype == "uint8" and info.color in ("red", "green", "blue")):
        display = _spread(statistics.display_low, statistics.display_high)
    found: dict[str, Any] = {"data_range": _pair(data_range), "display_range": _pair(display)}
    if kind != "class" and (info.scale, info.offset) != (1.0, 0.0):
        found["physical_range"] = _pair(tuple(value * info.scale + info.offset for value in data_range))
    if kind != "class" and info.unit:
        found.setdefault("physical_range", _pair(data_range))
        found["physical_range_unit"] = info.unit
    return found


def _legend(name: str, sample: BandSample) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if sample.palette is not None and len(sample.palette) <= _MAX_COLORS:
        found["colormap"] = [list(color) for color in sample.palette]
    labels = labels_of(name)
    if labels is not None:
        found["class_labels"] = list(labels)
    return found


def _spread(low: float, high: float) -> tuple[float, float]:
    """Widen a range to numbers of two digits; it is never empty."""
    step = 10.0 ** (math.floor(math.log10(max(high - low, abs(high) * 1e-6, 1e-30))) - 1)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    return low, high if high > low else low + max(step, np.spacing(abs(low)) * 4)


def _pair(values: tuple[float, ...]) -> list[float]:
    return [_plain(_short(value)) for value in values]


def _short(value: float) -> float:
    return float(f"{value:.10g}")


def _plain(value: float) -> float:
    return int(value) if float(value).is_integer() and abs(value) < 2**53 else value
