"""What a window takes from each stored tile, and whether anybody needs the tile after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dawnlight.geo import Window
from dawnlight.raster._tiff import TiffLevel

__all__ = ["TilePart", "tile_parts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TilePart:
    """What a window takes from one tile."""

    row: int
    """Tile row."""
    column: int
    """Tile column."""
    top: int
    """First row of the tile that is used."""
    left: int
    """First column of the tile that is used."""
    out_top: int
    """Where that row goes in the window."""
    out_left: int
    """Where that column goes in the window."""
    area: tuple[slice, slice, slice]
    """The part of the output that the tile fills."""
    whole: bool
    """Whether the window uses all of the tile that is going to be used."""
    share: tuple[int, int] | None
    """Pixels that the window uses, and that are going to be used in all; None where that is not known."""


def tile_parts(window: Window, level: TiffLevel, extent: Window | None) -> Iterator[TilePart]:
    """Cut a window along the tiles of a level.

    Parameters
    ----------
    window
        Rows and columns of the level that are read now.
    level
        The pixels and how they are stored.
    extent
        What all reads of the array take of the level; None where that is not known, or where tiles are worth
        keeping for others.

    Yields
    ------
    TilePart
        Row by row.
    """
    height, width = level.tile
    used = extent or Window(0, 0, *level.shape)
    for row in range(window.y // height, -(-window.stop_y // height)):
        for column in range(window.x // width, -(-window.stop_x // width)):
            y, x = row * height, column * width
            tile = Window(y, x, min(height, level.shape[0] - y), min(width, level.shape[1] - x))
            wanted, taken = _common(tile, used), _common(tile, window)
            out_top, out_left = max(y - window.y, 0), max(x - window.x, 0)
            yield TilePart(
                row=row,
                column=column,
                top=max(window.y - y, 0),
                left=max(window.x - x, 0),
                out_top=out_top,
                out_left=out_left,
                area=np.s_[:, out_top : tile.stop_y - window.y, out_left : tile.stop_x - window.x],
                whole=not wanted.size or _common(wanted, window) == wanted,
                share=None if extent is None else (taken.size, wanted.size),
            )


def _common(tile: Window, other: Window) -> Window:
    """Part of a tile that another window has; empty where they do not meet."""
    top, left = max(tile.y, other.y), max(tile.x, other.x)
    bottom, right = min(tile.stop_y, other.stop_y), min(tile.stop_x, other.stop_x)
    return Window(top, left, max(bottom - top, 0), max(right - left, 0))
