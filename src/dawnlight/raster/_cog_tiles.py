"""Cutting rows of pixels into tiles, and packing these on several threads."""

from __future__ import annotations

import struct
from collections import deque
from concurrent.futures import Executor, Future
from typing import IO, Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from dawnlight.raster._cog_file import Level

__all__ = ["TileStream"]

# As GDAL has it.
_LEVEL = 6


class TileStream:
    """Takes the rows of an image from top to bottom, and writes its packed tiles one after the other.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image.
    tile : int
        Side of the tiles.
    pool : Executor
        Packs tiles.
    file : binary file
        Where they go.
    ahead : int
        So many tiles may wait.
    """

    def __init__(
        self, shape: tuple[int, int], tile: int, pool: Executor, file: IO[bytes], *, ahead: int
    ) -> None:
        self.file = file
        self._shape, self._tile, self._pool, self._ahead = shape, tile, pool, ahead
        self._held: NDArray[Any] | None = None
        self._seen = 0
        self._sizes: list[int] = []
        self._waiting: deque[Future[bytes]] = deque()

    def push(self, rows: NDArray[Any]) -> None:
        """Take the next rows, (band, y, x)."""
        self._seen += rows.shape[1]
        held = rows if self._held is None else np.concatenate([self._held, rows], axis=1)
        whole = held.shape[1] if self._seen == self._shape[0] else held.shape[1] // self._tile * self._tile
        for y in range(0, whole, self._tile):
            for x in range(0, self._shape[1], self._tile):
                part = held[:, y : y + self._tile, x : x + self._tile]
                self._waiting.append(self._pool.submit(_pack, part, self._tile))
                while len(self._waiting) > self._ahead:
                    self._store()
        self._held = held[:, whole:].copy() if whole < held.shape[1] else None

    def finish(self) -> Level:
        """Write what waits, and return what the file needs to know."""
        while self._waiting:
            self._store()
        return Level(shape=self._shape, tile=self._tile, sizes=np.array(self._sizes, dtype=np.uint64))

    def _store(self) -> None:
        packed = self._waiting.popleft().result()
        self._sizes.append(len(packed))
        self.file.write(struct.pack("<I", len(packed)))
        self.file.write(packed)
        self.file.write(packed[-4:])


def _pack(part: NDArray[Any], tile: int) -> bytes:
    """Pack a tile; one that reaches beyond the image is filled up."""
    count, height, width = part.shape
    block = np.zeros((tile, tile, count), part.dtype)
    block[:height, :width] = np.moveaxis(part, 0, -1)
    if block.dtype.kind == "f":
        differences = imagecodecs.floatpred_encode(block, axis=-2)
    else:
        differences = imagecodecs.delta_encode(block, axis=-2)
    return bytes(imagecodecs.deflate_encode(differences, level=_LEVEL))  # type: ignore[arg-type]  # takes arrays, too
