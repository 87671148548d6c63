"""The decode limit: one core decodes exactly the tiles that a window needs, and does nothing else.

Each stored tile is unpacked by libdeflate into one buffer that is used again, and its differences are summed
up in the pass that puts the pixels into the result. Nothing is planned, checked, cached or masked; where the
tiles lie was asked of GDAL before, and their bytes are in memory already. What is left is what any reader of
these files has to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import rasterio

TILE = 1024


@dataclass(frozen=True, slots=True)
class _Place:
    """A stored tile, and the window's pixel that its first pixel is."""

    layer: int
    band: int
    y: int
    x: int
    packed: bytes


def make_limit(files: Sequence[Sequence[str]], top: int, left: int, size: int) -> Callable[[], Any]:
    """Return the function that decodes a square window of files, by layer and band."""
    tiles = [
        _Place(layer, band, y, x, packed)
        for layer, bands in enumerate(files)
        for band, path in enumerate(bands)
        for y, x, packed in _tiles(path, top, left, size)
    ]
    shape = (len(files), len(files[0]), size, size)
    return lambda: _decode(tiles, shape)


@lru_cache(maxsize=64)
def _tiles(path: str, top: int, left: int, size: int) -> list[tuple[int, int, bytes]]:
    found = []
    with rasterio.open(path) as file, open(path, "rb") as raw:
        if file.block_shapes[0] != (TILE, TILE) or file.dtypes[0] != "uint16":
            raise SystemExit(f"{path}: the limit is written for uint16 in tiles of {TILE} pixels")
        for row in range(top // TILE, -(-(top + size) // TILE)):
            for column in range(left // TILE, -(-(left + size) // TILE)):
                offset, count = (
                    int(file.get_tag_item(f"BLOCK_{what}_{column}_{row}", "TIFF", bidx=1))
                    for what in ("OFFSET", "SIZE")
                )
                raw.seek(offset)
                found.append((row * TILE - top, column * TILE - left, raw.read(count)))
    return found


def _decode(tiles: Sequence[_Place], shape: tuple[int, int, int, int]) -> np.ndarray:
    import imagecodecs

    paste = _compiled()
    out = np.empty(shape, dtype=np.uint16)
    buffer = np.empty(TILE * TILE * 2, dtype=np.uint8)
    pixels = buffer.view(np.uint16).reshape(TILE, TILE)
    for place in tiles:
        imagecodecs.deflate_decode(place.packed, out=buffer)
        paste(pixels, out[place.layer, place.band], place.y, place.x)
    return out


@lru_cache(maxsize=1)
def _compiled() -> Any:
    from numba import njit

    @njit(nogil=True, boundscheck=False)
    def paste(tile: Any, out: Any, y: int, x: int) -> None:
        """Write a tile of differences at (y, x), which may lie outside."""
        first, last = max(0, -x), min(tile.shape[1], out.shape[1] - x)
        for row in range(max(0, -y), min(tile.shape[0], out.shape[0] - y)):
            total = tile[row, 0]
            for column in range(1, first + 1):
                total += tile[row, column]
            out[y + row, x + first] = total
            for column in range(first + 1, last):
                total += tile[row, column]
                out[y + row, x + column] = total

    return paste
