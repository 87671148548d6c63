"""A coarse look at the pixels of a file: enough for its outline and its range of values, at bounded cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import Window
from dawnlight.raster._gdal import read_palette
from dawnlight.raster._header import BandHeader, FileHeader
from dawnlight.raster._reader import RasterReader

__all__ = ["BandSample", "Statistics", "find_statistics", "read_valid", "sample_bands"]

# Samples for one look, all bands together: as many as are wanted, and as many as it may cost where no
# overview is that small.
WANTED = 2**20
BUDGET = 2**23
_SIDE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What the valid pixels of a sample of a band are like."""

    low: float
    """Least value."""
    high: float
    """Greatest value."""
    display_low: float
    """2nd percentile."""
    display_high: float
    """98th percentile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BandSample:
    """What a new band is described by, apart from the header."""

    statistics: Statistics | None = None
    """Of a sample of the pixels; None if no pixel of it is valid."""
    palette: tuple[tuple[int, ...], ...] | None = None
    """Colour table: red, green, blue and alpha by pixel value."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Make an equal sample of what `to_dict` returned."""
        statistics, palette = record["statistics"], record["palette"]
        return cls(
            statistics=None
            if statistics is None
            else Statistics(**{name: float(value) for name, value in statistics.items()}),
            palette=None if palette is None else tuple(tuple(map(int, color)) for color in palette),
        )


def sample_bands(header: FileHeader, indexes: Sequence[int], reader: RasterReader) -> list[BandSample]:
    """Look at the values and colour tables of some bands of a file.

    Parameters
    ----------
    header : FileHeader
        The file.
    indexes : sequence of int
        0-based numbers of the bands.
    reader : RasterReader
        Reads it.

    Returns
    -------
    list of BandSample
        In the order of `indexes`.
    """
    return [
        BandSample(
            statistics=find_statistics(header, index, reader),
            palette=read_palette(header.href, index + 1) if header.bands[index].color == "palette" else None,
        )
        for index in indexes
    ]


def read_valid(header: FileHeader, reader: RasterReader) -> tuple[NDArray[np.bool_], int] | None:
    """Find where an image has data, at the finest level whose pixels are few enough.

    Parameters
    ----------
    header : FileHeader
        The file.
    reader : RasterReader
        Reads it.

    Returns
    -------
    valid : ndarray of bool, (y, x)
        True where any band has data.
    level : int
        The resolution level it is on.

    None is returned where the file says nothing about missing data, or where a look would cost too much.
    """
    bands = _telling_bands(header)
    if not bands:
        return None
    shapes = (header.shape, *header.overviews)
    level = _affordable(shapes, WANTED // len(bands))
    if level is None:
        level = len(shapes) - 1
        # Few bands are better than none: as a rule all bands miss the same pixels.
        bands = bands[: BUDGET // (shapes[level][0] * shapes[level][1])]
        if not bands:
            return None
    height, width = shapes[level]
    valid = np.zeros((height, width), bool)
    for index in bands:
        band = header.bands[index]
        data, mask = reader.read(
            header.ref, (index + 1,), level, Window(0, 0, height, width), masks=(band.mask,)
        )
        valid |= _valid_pixels(data[0], None if mask is None else mask[0], band)
        if valid.all():
            break
    return valid, level


def find_statistics(header: FileHeader, index: int, reader: RasterReader) -> Statistics | None:
    """Look at the values of a band in a coarse overview or, where there is none, in the middle of the image.

    Parameters
    ----------
    header : FileHeader
        The file.
    index : int
        0-based number of the band.
    reader : RasterReader
        Reads it.

    Returns
    -------
    Statistics or None
        None if the sample holds no valid pixel.
    """
    shapes = (header.shape, *header.overviews)
    level = _affordable(shapes, _SIDE * _SIDE)
    level = len(shapes) - 1 if level is None else level
    height, width = shapes[level]
    rows, columns = min(height, _SIDE), min(width, _SIDE)
    window = Window((height - rows) // 2, (width - columns) // 2, rows, columns)
    band = header.bands[index]
    data, mask = reader.read(header.ref, (index + 1,), level, window, masks=(band.mask,))
    valid = _valid_pixels(data[0], None if mask is None else mask[0], band)
    values = data[0][valid & np.isfinite(data[0])]
    if not values.size:
        return None
    display_low, display_high = np.percentile(values, (2, 98))
    return Statistics(
        low=float(values.min()),
        high=float(values.max()),
        display_low=float(display_low),
        display_high=float(display_high),
    )


def _telling_bands(header: FileHeader) -> tuple[int, ...]:
    """Return the numbers of the bands that together say where the image has data; none if nothing says it."""
    for index, band in enumerate(header.bands):
        if band.mask != "none":
            return (index,)  # one mask, or one alpha band, for all bands
    for index, band in enumerate(header.bands):
        if band.color == "alpha":
            return (index,)
    if all(band.nodata is not None for band in header.bands):
        return tuple(range(len(header.bands)))
    return ()


def _valid_pixels(data: NDArray[Any], mask: NDArray[np.bool_] | None, band: BandHeader) -> NDArray[np.bool_]:
    valid = np.ones(data.shape, bool) if mask is None else mask.copy()
    if band.color == "alpha":
        valid &= data != 0
    if band.nodata is not None:
        valid &= ~np.isnan(data) if np.isnan(band.nodata) else data != band.nodata
    return valid


def _affordable(shapes: Sequence[tuple[int, int]], pixels: int) -> int | None:
    fitting = (level for level, (height, width) in enumerate(shapes) if height * width <= pixels)
    return next(fitting, None)
