"""Which images continue the pixels of another one: the neighbours that a kernel sees across a seam.

Images of one layer whose pixels lie on one large grid act as one source. What a kernel reads there is the
*canvas*: at each source pixel the topmost image that has it, as in a mosaic at the files' own resolution::

    images        |<---- A ---->|              own pixels of A, and some of B
                          |<---- B ---->|      B is on top
    canvas        AAAAAAAABBBBBBBBBBBBBBBB

Nothing here opens a file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import Window
from dawnlight.raster._alignment import Alignment
from dawnlight.raster._lattice import TOLERANCE
from dawnlight.raster._overviews import AREA_KERNELS
from dawnlight.raster._plan import Read, ReadPlan, kernel_radius, source_window

__all__ = ["Neighbour", "find_neighbours", "reach", "whole_offset"]

_FOOTPRINTS = 2
"""Footprints beyond the edge of an image end at so many times the usual size of an output pixel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Bands of an image, or of the asking image itself, on a canvas."""

    rank: int
    """Place in the order of paint; 0 is the topmost image of the layer."""
    read: Read
    """All pixels of the level."""
    at: tuple[int, int]
    """Row and column of its first pixel, in pixels of the level of the asking image."""

    @property
    def window(self) -> Window:
        """Where its pixels are, in pixels of the level of the asking image."""
        return Window(*self.at, *self.read.level.shape)


def reach(read: Read) -> tuple[int, int]:
    """Rows and columns beyond an image that a kernel uses if neighbours continue it; none for ``near``.

    The same for every window.
    """
    if read.shift is not None or read.kernel == "near":
        return 0, 0
    if read.kernel in AREA_KERNELS:
        return math.ceil(_FOOTPRINTS * read.pair.ratio[0]) + 1, math.ceil(
            _FOOTPRINTS * read.pair.ratio[1]
        ) + 1
    return (
        kernel_radius(read.kernel, read.level.scale[0]) + 1,
        kernel_radius(read.kernel, read.level.scale[1]) + 1,
    )


def find_neighbours(plan: ReadPlan, layer: int, read: Read, window: Window) -> tuple[Neighbour, ...]:
    """Find what a read sees of its layer in a window of the output.

    Parameters
    ----------
    plan
        Of the read.
    layer
        Number of the layer.
    read
        As planned.
    window
        Rows and columns of the output.

    Returns
    -------
    tuple of Neighbour
        The topmost first, the image itself among them; empty where no other image is near, or the kernel
        looks at no neighbours.
    """
    beyond = reach(read)
    if len(plan.layers[layer]) < 2 or not any(beyond) or plan.masks.alpha in read.bands:
        return ()
    region = source_window(read.pair, read.level, read.kernel, window, beyond)
    found = () if region is None else neighbours_in(plan, layer, read, region)
    return () if all(each.read.image == read.image for each in found) else found


def neighbours_in(plan: ReadPlan, layer: int, read: Read, region: Window) -> tuple[Neighbour, ...]:
    """Find the images of a layer, the asking one among them, with pixels in a region of its level."""
    order = np.array(plan.layers[layer][::-1])
    found: dict[tuple[int, int], list[int]] = {}
    for band in read.bands:
        for turn, positions in _aligned(plan, order, read, band, region):
            for position in positions.tolist():
                found.setdefault((position, turn), []).append(band)
    neighbours = []
    for (position, turn), bands in sorted(found.items()):
        image = int(order[position])
        if image == read.image and turn:
            continue  # around the Earth, an image does not continue itself
        for members, _ in plan.read_together(image, bands):
            part = plan.part(image, members, read.kernel)
            at = whole_offset(plan, read, part, turn)
            if at is not None:
                neighbours.append(Neighbour(rank=position, read=part, at=at))
    return tuple(neighbours)


def whole_offset(plan: ReadPlan, read: Read, other: Read, turn: int | None = None) -> tuple[int, int] | None:
    """Return where the level of another read begins on that of a read; None if their pixels do not coincide.

    ``turn`` is the number of columns by which the other one is moved, where grids go around the Earth; None
    moves it to where it is nearest.
    """
    alignment = plan.alignment()
    mine, theirs = (plan.table.grid_number(each.image, each.bands[0]) for each in (read, other))
    if alignment.kinds[mine] != alignment.kinds[theirs]:
        return None
    steps = (alignment.origins[theirs] - alignment.origins[mine]).tolist()
    around = int(alignment.turns[mine])
    if turn is None:
        turn = -around * round(steps[1] / around) if around else 0
    steps[1] += turn
    place = []
    for axis in (0, 1):
        zoom = read.level.zoom[axis]
        # The size of a pixel of the level must not differ either: over its width, and on the way to it.
        drift = abs(other.level.zoom[axis] - zoom) * (other.pair.source.shape[axis] + abs(steps[axis]))
        at = steps[axis] * zoom
        if drift > TOLERANCE or abs(at - round(at)) > TOLERANCE:
            return None
        place.append(round(at))
    return place[0], place[1]


def _aligned(
    plan: ReadPlan, order: NDArray[np.int64], read: Read, band: int, region: Window
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield turns around the Earth and the positions of images whose pixels of a band lie in a region."""
    table, alignment = plan.table, plan.alignment()
    files = table.file_of[order, band]
    grids = np.where(files >= 0, table.grid_of[files], -1)
    own = table.grid_number(read.image, band)
    positions = np.flatnonzero((grids >= 0) & (alignment.kinds[grids] == alignment.kinds[own]))
    turn = int(alignment.turns[own])
    for columns in (-turn, 0, turn) if turn else (0,):
        here = _touching(alignment, grids[positions], own, columns, region, read.level.zoom)
        yield columns, positions[here]


def _touching(
    alignment: Alignment,
    grids: NDArray[np.int64],
    own: int,
    columns: int,
    region: Window,
    zoom: tuple[float, float],
) -> NDArray[np.bool_]:
    starts = alignment.origins[grids] - alignment.origins[own] + (0, columns)
    stops = starts + alignment.shapes[grids]
    low = region.y / zoom[0], region.x / zoom[1]
    high = region.stop_y / zoom[0], region.stop_x / zoom[1]
    found: NDArray[np.bool_] = ((starts < high) & (stops > low)).all(axis=1)
    return found
