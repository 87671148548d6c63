"""How much of a file an output takes, which tells the reader what to keep; no pixel depends on it."""

from __future__ import annotations

import math

import numpy as np

from dawnlight.geo import Window
from dawnlight.raster._boxes import pixel_boxes
from dawnlight.raster._lattice import GridPair
from dawnlight.raster._overviews import LevelChoice
from dawnlight.raster._sources import Layout

__all__ = ["is_worth_keeping", "whole_extent"]

_SPOT = 4
"""An output of fewer tiles than this is a spot."""
_MANY = 2**26
"""Bytes of one tile of each time slot, from which on keeping them is no use."""


def is_worth_keeping(extent: Window, layout: Layout, slots: int) -> bool:
    """Whether tiles are worth keeping after the output has what it needs of them.

    Who looks at a spot is likely to look beside it next. For a spot through many dates that is no use: the
    first tiles are gone before the last ones are read.
    """
    tile = layout.block[0] * layout.block[1]
    return extent.size < _SPOT * tile and tile * np.dtype(layout.dtype).itemsize * slots < _MANY


def whole_extent(pair: GridPair, level: LevelChoice) -> Window:
    """Box of the whole output on a level; it decides what is kept, never a pixel.

    An output that lies at an angle takes less than the box around it, so that box is drawn in until it has
    the right size: what is never taken must not keep a tile waiting.
    """
    if pair.shift is not None:
        return Window(0, 0, *pair.target.shape).shift(*pair.shift).clip(level.shape)
    box = pixel_boxes([pair.target], pair.source)[0]
    if not np.isfinite(box).all():
        return Window(0, 0, *level.shape)
    y0, x0, y1, x1 = box * (*level.zoom, *level.zoom)
    taken = math.prod(pair.target.shape) * math.prod(pair.ratio) * math.prod(level.zoom)
    half = (y1 - y0 + x1 - x0) / 2
    inset = (half - math.sqrt(max(half**2 - max((y1 - y0) * (x1 - x0) - taken, 0), 0))) / 2
    top, left = math.floor(y0 + inset), math.floor(x0 + inset)
    drawn = Window(top, left, max(math.ceil(y1 - inset) - top, 0), max(math.ceil(x1 - inset) - left, 0))
    return drawn.clip(level.shape)
