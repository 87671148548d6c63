"""Making a new cloud-optimised GeoTIFF from the pixels of a raster file, and proving that it holds them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.enums import Resampling

from dawnlight.errors import RasterError, RasterWriteError
from dawnlight.geo import Window
from dawnlight.raster._drafts import FileLayout
from dawnlight.raster._gdal import GdalReader, read_header, read_palette
from dawnlight.raster._gdal_open import GDAL_ERRORS, reason
from dawnlight.raster._header import FileHeader
from dawnlight.raster._tallies import Look
from dawnlight.raster._writers_draft import describe_draft
from dawnlight.raster._writers_stream import can_stream, check_digests, stream_to_cog

__all__ = ["CogOptions", "Copied", "copy_to_cog"]

_TILE = 512
_MAX_TILE_BYTES = 64 * 2**20
_WINDOW_BYTES = 32 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class CogOptions:
    """How the new file is made."""

    kernel: str = "average"
    """rasterio's name of the resampling of the overviews."""
    factors: tuple[int, ...] | None = None
    """How much coarser each overview is; None makes them until one fits into a tile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A file that was made, and compared with what it was made from."""

    header: FileHeader
    """Of the new file."""
    valid: int
    """Pixels with data in at least one band."""


def copy_to_cog(source: FileHeader, target: Path, options: CogOptions) -> Copied:
    """Write the pixels of a file, and of its metadata what Dawnlight knows, into a new COG.

    Pixels, masks, grid, CRS, nodata value, band names, colours, scales and units are kept; everything else
    stays behind. The new file is opened again and compared pixel by pixel.

    Parameters
    ----------
    source : FileHeader
        The file; its header tells what is there.
    target : Path
        File to make, in a folder that nobody else uses.
    options : CogOptions
        How to make it.

    Returns
    -------
    Copied

    Raises
    ------
    RasterReadError
        The source is damaged.
    RasterWriteError
        The file could not be written, or does not hold the pixels of the source.
    """
    tile = _tile_of(source)
    quick = options.factors is None and can_stream(source, _kernel(options.kernel, inside=True), tile)
    with GdalReader(max_open=4) as reader:
        return (_stream if quick else _convert)(source, target, options, reader)


def _stream(source: FileHeader, target: Path, options: CogOptions, reader: GdalReader) -> Copied:
    tile, layout = _tile_of(source), _layout(source)
    kernel = _kernel(options.kernel, inside=True)
    with _errors_of(target):
        look, digests = stream_to_cog(
            source, target, layout, kernel, tile, lambda window: _read(source, window, reader)
        )
    header = read_header(target)
    _compare_headers(source, header)
    check_digests(source, header, digests, tile, lambda window: _read(header, window, reader))
    return Copied(header=header, valid=look.valid)


def _convert(source: FileHeader, target: Path, options: CogOptions, reader: GdalReader) -> Copied:
    """Have GDAL make the file, from a draft that holds what it is to hold."""
    draft = target.with_name(f"{target.stem}.draft.tif")
    try:
        with _errors_of(target):
            look = _write_draft(source, draft, reader)
            options = _settle(options, source.shape)
            if options.factors:
                _build_overviews(draft, options)
            _copy(source, draft, target, options)
    finally:
        draft.unlink(missing_ok=True)
    header = read_header(target)
    _compare_headers(source, header)
    _compare_pixels(source, header, reader)
    return Copied(header=header, valid=look.valid)


@contextmanager
def _errors_of(target: Path) -> Iterator[None]:
    try:
        yield
    except RasterError:
        raise
    except GDAL_ERRORS as error:
        raise RasterWriteError(f"{target}: cannot be written: {reason(error)}") from error


def _tile_of(source: FileHeader) -> int:
    """Return the side of the new file's tiles: smaller where there are very many bands."""
    pixel = len(source.bands) * np.dtype(source.bands[0].dtype).itemsize
    tile = _TILE
    while tile > 64 and tile * tile * pixel > _MAX_TILE_BYTES:
        tile //= 2
    return tile


def windows_of(header: FileHeader) -> Iterator[Window]:
    """Yield windows of bounded size that cover an image once, in whole blocks where possible."""
    height, width = header.shape
    pixel = len(header.bands) * np.dtype(header.bands[0].dtype).itemsize
    rows = max(header.block[0], _TILE) // header.block[0] * header.block[0]
    step = max(header.block[1], _TILE) // header.block[1] * header.block[1]
    columns = max(_WINDOW_BYTES // (min(rows, height) * pixel) // step, 1) * step
    for y in range(0, height, rows):
        for x in range(0, width, columns):
            yield Window(y, x, min(rows, height - y), min(columns, width - x))


def _write_draft(source: FileHeader, draft: Path, reader: GdalReader) -> Look:
    """Write all pixels into an uncompressed file, and look at each once."""
    bands = source.bands
    height, width = source.shape
    masked = any(band.mask == "internal" for band in bands)
    look = Look(bands)
    layout = _layout(source)
    tiled = {"tiled": True, "blockxsize": _TILE, "blockysize": _TILE} if min(height, width) > _TILE else {}
    profile = {
        "driver": "GTiff",
        "height": height,
        "width": width,
        "count": len(bands),
        "dtype": bands[0].dtype,
        "nodata": layout.nodata,
        "crs": layout.geobox.crs.to_wkt(),
        "transform": layout.geobox.transform,
        "interleave": "pixel",
        "photometric": "minisblack",
        "bigtiff": "if_safer",
        **tiled,
    }
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK="YES"), rasterio.open(draft, "w", **profile) as file:
        describe_draft(file, layout)
        for window in windows_of(source):
            data, valid = _read(source, window, reader)
            place = ((window.y, window.stop_y), (window.x, window.stop_x))
            file.write(data, window=place)
            if masked and valid is not None:
                file.write_mask(valid.any(axis=0), window=place)
            look.add(data, valid)
        for number, tally in enumerate(look.tallies, 1):
            file.update_tags(number, **tally.to_tags())
    least = height * width * len(bands) * np.dtype(bands[0].dtype).itemsize
    if os.stat(draft).st_size < least:
        raise OSError(f"only {os.stat(draft).st_size} of {least} bytes could be written; is the disk full?")
    return look


def _layout(source: FileHeader) -> FileLayout:
    bands = source.bands
    palette = None
    if len(bands) == 1 and bands[0].color == "palette" and bands[0].dtype in ("uint8", "uint16"):
        palette = read_palette(source.href, 1)
    # "gray" and "undefined" say nothing, and GDAL has its own idea of the first band.
    colors = [band.color if band.color not in ("undefined", "gray", "palette") else None for band in bands]
    return FileLayout(
        geobox=source.geobox,
        dtype=bands[0].dtype,
        count=len(bands),
        nodata=next((band.nodata for band in bands if band.color != "alpha"), None),
        descriptions=[band.description for band in bands],
        colors=colors if any(colors) else (),
        scales=[band.scale for band in bands] if any(band.scale != 1 for band in bands) else (),
        offsets=[band.offset for band in bands] if any(band.offset for band in bands) else (),
        units=[band.unit for band in bands] if any(band.unit for band in bands) else (),
        colormap=dict(enumerate(palette)) if palette is not None else {},
    )


def _read(header: FileHeader, window: Window, reader: GdalReader) -> tuple[NDArray[Any], Any]:
    numbers = tuple(range(1, len(header.bands) + 1))
    return reader.read(header.ref, numbers, 0, window, masks=tuple(band.mask for band in header.bands))


def _settle(options: CogOptions, shape: tuple[int, int]) -> CogOptions:
    """Name the factors where the COG driver does not have the kernel."""
    if options.factors is not None or options.kernel != "gauss":
        return options
    count = max(math.ceil(math.log2(max(shape) / _TILE)), 0)
    return CogOptions(kernel=options.kernel, factors=tuple(2**level for level in range(1, count + 1)))


def _build_overviews(draft: Path, options: CogOptions) -> None:
    with rasterio.open(draft, "r+") as file:
        factors = [factor for factor in options.factors or () if 1 < factor < max(file.shape)]
        if factors:
            file.build_overviews(factors, Resampling[_kernel(options.kernel, inside=True)])


def _copy(source: FileHeader, draft: Path, target: Path, options: CogOptions) -> None:
    chosen = {
        "BLOCKSIZE": str(_tile_of(source)),
        "COMPRESS": "DEFLATE",
        "PREDICTOR": "YES",
        "BIGTIFF": "IF_SAFER",
        "OVERVIEW_RESAMPLING": _kernel(options.kernel, inside=False).upper(),
        "OVERVIEWS": "AUTO" if options.factors is None else "FORCE_USE_EXISTING",
    }
    with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS", GDAL_PAM_ENABLED="NO", GDAL_TIFF_INTERNAL_MASK="YES"):
        rasterio.shutil.copy(draft, target, driver="COG", strict=False, **chosen)


def _kernel(name: str, *, inside: bool) -> str:
    """Return what rasterio (`inside`) or the COG driver calls a kernel."""
    if name.startswith("average"):
        return "average"  # of real numbers, magnitude and phase play no part
    if name == "cubicspline" and inside:
        return "cubic_spline"
    return "average" if name == "gauss" and not inside else name  # those are made already


def _compare_headers(source: FileHeader, made: FileHeader) -> None:
    """Compare grid and kind of bands of a new file with those of its source."""
    # GeoTIFF keeps a grid as origin and pixel size, so the last digit of the others may differ.
    placed = np.allclose(source.geobox.geotrans, made.geobox.geotrans, rtol=1e-12, atol=1e-12)
    expected, found = _nature(source), _nature(made)
    for what in expected:
        if expected[what] != found[what]:
            raise RasterWriteError(
                f"{made.href}: the new file's {what} is {found[what]}, that of the source {expected[what]}"
            )
    if not placed:
        raise RasterWriteError(f"{made.href}: the new file lies elsewhere than its source")


def _compare_pixels(source: FileHeader, made: FileHeader, reader: GdalReader) -> None:
    """Compare every pixel and every mask of a new file with those of its source."""
    for window in windows_of(source):
        old, old_valid = _read(source, window, reader)
        new, new_valid = _read(made, window, reader)
        same = old.tobytes() == new.tobytes() and (old_valid is None) == (new_valid is None)
        if not same or (old_valid is not None and not np.array_equal(old_valid, new_valid)):
            raise RasterWriteError(f"{made.href}: the new file's pixels differ from the source's at {window}")


def _nature(header: FileHeader) -> dict[str, str]:
    return {
        "size": str(header.shape),
        "data type": header.bands[0].dtype,
        "mask": str([band.mask for band in header.bands]),
        "nodata": str({band.nodata for band in header.bands if band.color != "alpha"}),
    }
