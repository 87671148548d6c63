"""Files from outside: what is refused before any of their pixels is read.

For use in a process of its own, with limits set by the operating system and `forbid_sidecars` in force.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dawnlight.errors import RasterReadError, UnsupportedRasterError
from dawnlight.raster._gdal_header import DTYPES, read_header
from dawnlight.raster._gdal_open import GDAL_ERRORS, gdal_environment, open_dataset, reason
from dawnlight.raster._header import FileHeader
from dawnlight.raster._href import read_fingerprint

__all__ = ["SourceLimits", "read_untrusted_header"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLimits:
    """What a file may ask for at most."""

    side: int = 1_000_000
    """Pixels along an edge."""
    bands: int = 1024
    """Bands."""
    block_bytes: int = 64 * 2**20
    """Bytes of one block: the least that can be read at once."""
    total_bytes: int = 256 * 2**30
    """Bytes of all pixels."""
    free_bytes: int = 4 * 2**30
    """Up to so many bytes of pixels, the size of the file plays no part."""
    ratio: int = 2000
    """Beyond `free_bytes`: bytes of pixels for a byte of the file."""


def read_untrusted_header(
    path: str | os.PathLike[str], limits: SourceLimits, *, default_crs: Any = None
) -> FileHeader:
    """Check a file from outside and read its header.

    Parameters
    ----------
    path : str or path-like
        An absolute path. The folder should hold nothing else.
    limits : SourceLimits
        What it may ask for.
    default_crs : CRS-like, optional
        Coordinate reference system of a file that has a geotransform and no CRS.

    Returns
    -------
    FileHeader

    Raises
    ------
    UnsupportedRasterError
        The file is refused; the message names the limit or rule.
    RasterReadError
        The file is damaged.
    """
    href = os.fspath(path)
    size = read_fingerprint(href).size_bytes or 0
    # Full resolution and nothing else: no overview is looked at before the checks are done.
    with closing(open_dataset(href, quiet=True)) as dataset, gdal_environment(href):
        try:
            reasons = [*_size_reasons(dataset, limits, size), *_reference_reasons(href, dataset)]
        except GDAL_ERRORS as error:
            raise RasterReadError(f"{href}: the header cannot be read: {reason(error)}") from error
    if reasons:
        raise UnsupportedRasterError(f"{href}: {'; '.join(reasons)}")
    header = read_header(href, default_crs=default_crs)
    _check_uniform(header)
    return header


def _size_reasons(dataset: Any, limits: SourceLimits, size: int) -> Iterator[str]:
    height, width, count = int(dataset.height), int(dataset.width), int(dataset.count)
    if max(height, width) > limits.side:
        yield f"is {width} x {height} pixels; no side may be longer than {limits.side}"
    if not 1 <= count <= limits.bands:
        yield f"has {count} bands; 1 to {limits.bands} are taken"
        return
    unknown = sorted(set(dataset.dtypes) - set(DTYPES))
    if unknown:
        return  # reading the header says what to do about it
    itemsize = max(np.dtype(name).itemsize for name in dataset.dtypes)
    rows, columns = dataset.block_shapes[0]
    together = count if str(dataset.interleaving).upper().endswith("PIXEL") else 1
    block = int(rows) * int(columns) * together * itemsize
    if block > limits.block_bytes:
        yield (
            f"its blocks ({columns} x {rows} pixels, {together} bands) hold {_mebibytes(block)}, and up to "
            f"{_mebibytes(limits.block_bytes)} are read at once; write it with tiles "
            "(gdal_translate -of COG INPUT OUTPUT.tif)"
        )
    total = height * width * count * itemsize
    if total > limits.total_bytes:
        yield f"its pixels take {_mebibytes(total)}, and up to {_mebibytes(limits.total_bytes)} are taken"
    elif total > max(limits.free_bytes, limits.ratio * size):
        yield (
            f"its pixels take {_mebibytes(total)}, {total // max(size, 1)} times the size of the file; up to "
            f"{limits.ratio} times are taken"
        )


def _reference_reasons(href: str, dataset: Any) -> Iterator[str]:
    """Say which ways there are from this file to another one."""
    files = [os.path.abspath(name) for name in dataset.files]
    if files != [str(Path(href))]:
        yield f"is made of {len(files)} files; one file of its own is taken"
    if len(dataset.subdatasets) > 1:
        yield f"holds {len(dataset.subdatasets)} images; give each as a file of its own"
    for number in range(dataset.count + 1):
        domains = set(dataset.tag_namespaces(number))
        if number == 0 and "GEOLOCATION" in domains:
            yield "is placed by geolocation arrays in other data sets; warp it to a grid first (gdalwarp)"
        tags = dataset.tags(number, ns="OVERVIEWS") if number else dataset.tags(ns="OVERVIEWS")
        if any(key.upper().endswith("_FILE") for key in tags):
            yield "refers to another file for its overviews or mask; write it anew (gdal_translate)"
            return


def _check_uniform(header: FileHeader) -> None:
    found = {"nan" if _is_nan(band.nodata) else band.nodata for band in header.bands if band.color != "alpha"}
    if len(found) > 1:
        raise UnsupportedRasterError(
            f"{header.href}: its bands have different nodata values ({', '.join(map(str, found))}), and a "
            "GeoTIFF holds one; write one file per value"
        )


def _is_nan(value: float | None) -> bool:
    return value is not None and math.isnan(value)


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
