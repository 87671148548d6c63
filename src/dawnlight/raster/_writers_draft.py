"""Writing a raster block by block with bounded memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from dawnlight.errors import ParameterError
from dawnlight.geo import Window
from dawnlight.raster._drafts import Blocks, FileLayout

__all__ = ["describe_draft", "write_draft"]

_TILE = 512


def write_draft(path: Path, blocks: Blocks, layout: FileLayout, *, tile: int = _TILE) -> None:
    """Write blocks into an uncompressed tiled file, from which the final one is made.

    Uncompressed, because a block may then cover part of a tile without the tile being packed twice.

    Parameters
    ----------
    path : Path
        File to make.
    blocks : iterable of (Window, ndarray)
        Arrays are (band, y, x). Together they must cover the grid. Where masked arrays miss a value of any
        band, the file's mask hides the pixel; it gets a mask only if one does.
    layout : FileLayout
        What to write.
    tile : int, default: 512
        Side of the tiles in pixels, a multiple of 16.

    Raises
    ------
    ParameterError
        A block does not fit, or pixels are missing.
    RasterWriteError
        Not all bytes reached the disk.
    """
    height, width = layout.geobox.shape
    tiled = {"tiled": True, "blockxsize": tile, "blockysize": tile} if min(height, width) > tile else {}
    written: list[Window] = []
    masked = False
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(
            path,
            "w",
            height=height,
            width=width,
            **creation_options(layout),
            bigtiff="if_safer",
            **tiled,
        ) as file,
    ):
        describe_draft(file, layout)
        for window, block in blocks:
            _check_block(window, block, layout)
            rows_columns = ((window.y, window.stop_y), (window.x, window.stop_x))
            if block.size:
                file.write(np.ascontiguousarray(np.ma.getdata(block)), window=rows_columns)
            hidden = _hidden(block)
            if hidden is not None and not masked:
                masked = True
                for earlier in written:
                    _write_mask(file, np.ones(earlier.shape, bool), earlier)
            if masked:
                _write_mask(file, np.ones(window.shape, bool) if hidden is None else ~hidden, window)
            written.append(window)
    count = sum(window.size for window in written)
    if count != height * width:
        raise ParameterError(f"the blocks hold {count} pixels of a grid of {height} x {width}")
    least = height * width * layout.count * np.dtype(layout.dtype).itemsize
    if path.stat().st_size < least:
        # GDAL does not always tell that a disk is full.
        raise OSError(f"only {path.stat().st_size} of {least} bytes could be written; is the disk full?")


def _hidden(block: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Pixels of which a band is missing, or None where nothing is."""
    if not np.ma.is_masked(block):
        return None
    return np.asarray(np.ma.getmaskarray(block).any(axis=0), dtype=bool)


def _write_mask(file: Any, valid: NDArray[np.bool_], window: Window) -> None:
    if valid.size:
        file.write_mask(valid, window=((window.y, window.stop_y), (window.x, window.stop_x)))


def _check_block(window: Window, block: NDArray[Any], layout: FileLayout) -> None:
    expected = (layout.count, window.height, window.width)
    height, width = layout.geobox.shape
    if block.shape != expected or block.dtype != layout.dtype:
        raise ParameterError(
            f"block at {window} is {block.dtype}{block.shape}; it must be {layout.dtype}{expected}"
        )
    if min(window.y, window.x) < 0 or window.stop_y > height or window.stop_x > width:
        raise ParameterError(f"block at {window} reaches beyond the grid of {height} x {width} pixels")


def creation_options(layout: FileLayout) -> dict[str, Any]:
    """Return what every GeoTIFF of a layout is made with, whatever its size and tiles."""
    return {
        "driver": "GTiff",
        "count": layout.count,
        "dtype": layout.dtype,
        "nodata": layout.nodata,
        "crs": layout.geobox.crs.to_wkt(),
        "transform": layout.geobox.transform,
        "interleave": "pixel",
        # GDAL guesses RGB from the number of bands; three bands of reflectance are no picture.
        "photometric": "minisblack",
    }


def describe_draft(file: Any, layout: FileLayout) -> None:
    """Write what a layout says besides pixels and grid into an open rasterio dataset."""
    for index, text in enumerate(layout.descriptions):
        if text:
            file.set_band_description(index + 1, text)
    if any(layout.colors):
        found = list(file.colorinterp)
        file.colorinterp = [
            ColorInterp[color] if color else found[index] for index, color in enumerate(layout.colors)
        ]
    if layout.scales:
        file.scales = tuple(layout.scales)
    if layout.offsets:
        file.offsets = tuple(layout.offsets)
    if any(layout.units):
        file.units = tuple(unit or "" for unit in layout.units)
    if layout.colormap:
        file.write_colormap(1, dict(layout.colormap))
    if layout.tags:
        file.update_tags(**layout.tags)
