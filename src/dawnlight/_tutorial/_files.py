"""Scenes as files: one cloud-optimized GeoTIFF for each band."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from dawnlight.geo._geobox import GeoBox
from dawnlight.geo._window import Window
from dawnlight.raster._drafts import FileLayout
from dawnlight.raster._writers import write_geotiff

__all__ = ["write_band"]


def write_band(path: Path, pixels: NDArray[Any], geobox: GeoBox, *, band: str, is_label: bool) -> None:
    """Write one band: deflate, tiles of 256, overviews, nodata 0; the file appears when it is complete.

    Parameters
    ----------
    path : pathlib.Path
        Where to.
    pixels : numpy.ndarray
        (y, x), uint8 or uint16.
    geobox : GeoBox
        A grid that covers the same ground; its shape may be another.
    band : str
        Name of the band, kept in the file.
    is_label : bool
        Whether values are labels, which overviews must not average.
    """
    height, width = pixels.shape
    layout = FileLayout(
        geobox=geobox if geobox.shape == pixels.shape else geobox.zoom_to((height, width)),
        dtype=pixels.dtype.name,
        count=1,
        nodata=0,
        descriptions=(band,),
    )
    whole = Window(0, 0, height, width)
    write_geotiff(
        path, [(whole, pixels[None])], layout, tile=256, overviews="mode" if is_label else "average"
    )
