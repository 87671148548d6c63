"""The quick way to a COG: one pass over the source makes statistics, tiles and overviews of it.

Each strip of rows is read once. While other threads pack its tiles, this one looks at the values and makes
the rows of the overviews, which go the same way. Packed tiles wait in scratch files until all directories can
be written in front of them. At the end GDAL reads the new file, and every strip must have the digest that it
had in the source.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from dawnlight.errors import RasterWriteError
from dawnlight.geo import Window
from dawnlight.raster._coarser import KERNELS, Coarser, shapes_of_overviews
from dawnlight.raster._cog_file import Level, Tag, assemble_header, read_tags
from dawnlight.raster._cog_tiles import TileStream
from dawnlight.raster._drafts import FileLayout
from dawnlight.raster._header import FileHeader
from dawnlight.raster._reader import Pixels
from dawnlight.raster._tallies import Look
from dawnlight.raster._writers_draft import creation_options, describe_draft

__all__ = ["can_stream", "check_digests", "stream_to_cog"]

# A strip of rows, of which there may be several at once.
_STRIP_BYTES = 64 * 2**20
_PIECE = 2**20

Read = Callable[[Window], Pixels]


def can_stream(source: FileHeader, kernel: str, tile: int) -> bool:
    """Tell whether a file can be copied in the quick way.

    Masks, alpha bands and rare resamplings are left to GDAL, and so are images so wide that strips of them
    would take too much memory.
    """
    plain = all(band.mask == "none" and band.color != "alpha" for band in source.bands)
    return plain and kernel in KERNELS and sys.byteorder == "little" and _strip(source, tile) > 0


def _strip(source: FileHeader, tile: int) -> int:
    """Return how many rows are read at once, whole tiles of both files where possible; 0 if none can be."""
    row = source.shape[1] * len(source.bands) * np.dtype(source.bands[0].dtype).itemsize
    block = -(-source.block[0] // tile) * tile
    rows = block if block * row <= _STRIP_BYTES else tile
    return rows if rows * row <= _STRIP_BYTES else 0


def _strips(source: FileHeader, tile: int) -> Iterator[Window]:
    height, width = source.shape
    rows = _strip(source, tile)
    for y in range(0, height, rows):
        yield Window(y, 0, min(rows, height - y), width)


def stream_to_cog(
    source: FileHeader, target: Path, layout: FileLayout, kernel: str, tile: int, read: Read
) -> tuple[Look, list[bytes]]:
    """Write the pixels of a file into a new COG.

    Parameters
    ----------
    source : FileHeader
        The file.
    target : Path
        File to make, in a folder that nobody else uses.
    layout : FileLayout
        What the file is to say besides pixels.
    kernel : str
        Resampling of the overviews.
    tile : int
        Side of the tiles.
    read : callable
        Reads a window of all bands of the source.

    Returns
    -------
    look : Look
        What the pixels are like.
    digests : list of bytes
        Of each strip of the source, for `check_digests`.
    """
    shapes = [source.shape, *shapes_of_overviews(source.shape, tile)]
    look = Look(source.bands)
    digests: list[bytes] = []
    threads = os.cpu_count() or 1
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(threads, thread_name_prefix="dawnlight-cog"))
        files = [stack.enter_context(tempfile.TemporaryFile(dir=target.parent)) for _ in shapes]
        levels = [
            TileStream(shape, tile, pool, file, ahead=2 * threads + 2)
            for shape, file in zip(shapes, files, strict=True)
        ]
        steps = [Coarser(fine, coarse, kernel, layout.nodata) for fine, coarse in itertools.pairwise(shapes)]
        for window in _strips(source, tile):
            rows, _ = read(window)
            digests.append(_digest(rows))
            _push(rows, levels, steps)
            look.add(rows, None)
        _write_file(target, _tags(layout, tile, look), [level.finish() for level in levels], files)
    return look, digests


def check_digests(
    source: FileHeader, made: FileHeader, digests: Sequence[bytes], tile: int, read: Read
) -> None:
    """Read a new file again and compare each strip with what the source held.

    Raises
    ------
    RasterWriteError
        One differs.
    """
    windows = list(_strips(source, tile))
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="dawnlight-check") as pool:
        for window, found, digest in zip(
            windows, pool.map(lambda window: _digest(read(window)[0]), windows), digests, strict=True
        ):
            if found != digest:
                raise RasterWriteError(
                    f"{made.href}: the new file's pixels differ from the source's at {window}"
                )


def _digest(rows: NDArray[Any]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(rows).data).digest()


def _push(rows: NDArray[Any], levels: Sequence[TileStream], steps: Sequence[Coarser]) -> None:
    levels[0].push(rows)
    for level, step in zip(levels[1:], steps, strict=True):
        rows = step.push(rows)
        if rows.shape[1]:
            level.push(rows)


def _tags(layout: FileLayout, tile: int, look: Look) -> list[Tag]:
    """Have GDAL spell what the file says about itself, in a file of one tile that holds nothing."""
    with MemoryFile() as memory:
        with memory.open(
            height=tile,
            width=tile,
            **creation_options(layout),
            compress="deflate",
            predictor=3 if layout.dtype.startswith("float") else 2,
            tiled=True,
            blockxsize=tile,
            blockysize=tile,
            sparse_ok=True,
            endianness="LITTLE",
        ) as file:
            describe_draft(file, layout)
            for number, tally in enumerate(look.tallies, 1):
                file.update_tags(number, **tally.to_tags())
        return read_tags(bytes(memory.getbuffer()))


def _write_file(
    target: Path, tags: Sequence[Tag], levels: Sequence[Level], files: Sequence[IO[bytes]]
) -> None:
    with open(target, "wb") as file:
        file.write(assemble_header(tags, levels))
        for packed in reversed(files):
            packed.seek(0)
            shutil.copyfileobj(packed, file, _PIECE)
