"""Resampling images of a layer as one source where their pixels lie on one large grid.

Each image still gives the pixels that it gives by itself: those whose centre, or footprint, lies on what is
seen of it. But where the kernel reaches beyond its edge or into a hole, it finds the pixels of the
neighbours, those of the topmost image first (see `dawnlight.raster._neighbours`). So a seam between tiles is
no edge, and the result is the one of a file into which the tiles are copied in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import Window
from dawnlight.raster._fetch import LARGE_BYTES, SMALLEST, Fetcher, halves
from dawnlight.raster._neighbours import Neighbour, find_neighbours, neighbours_in, reach, whole_offset
from dawnlight.raster._overviews import AREA_KERNELS
from dawnlight.raster._plan import Read, ReadPlan, source_window
from dawnlight.raster._warp import place

__all__ = ["Merger"]

_NOBODY = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True, kw_only=True)
class _Canvas:
    """Source pixels of several images, the topmost first."""

    read: Read
    """Who asked for it; `window` is what it covers, in pixels of the level of that image."""
    data: NDArray[Any]
    """(band, y, x)."""
    valid: NDArray[np.bool_]
    """Where there is a value."""
    rank: NDArray[np.int32]
    """Which image of the layer is seen, 0 is the topmost; `_NOBODY` where there is none."""


class Merger:
    """Resamples the images of a layer for one window of the output.

    Parameters
    ----------
    plan, fetcher
        What to read, and who reads it.
    layer
        Number of the layer.
    window
        Rows and columns of the output.
    """

    def __init__(self, plan: ReadPlan, fetcher: Fetcher, layer: int, window: Window) -> None:
        self._plan = plan
        self._fetcher = fetcher
        self._layer = layer
        self._window = window
        self._canvases: list[_Canvas] = []
        self._large: set[tuple[int, tuple[int, ...], str]] = set()

    def fill(self, read: Read, window: Window, out: NDArray[Any], ok: NDArray[np.bool_]) -> None:
        """Put the pixels of a read into a part of the window; where it has none, ``out`` and ``ok`` stay.

        Parameters
        ----------
        read
            Planned for the part.
        window
            The part: rows and columns of the output.
        out, ok
            (band, height, width) of the part; ``ok`` comes in all False.
        """
        if find_neighbours(self._plan, self._layer, read, window):
            self._fill(read, window, out, ok)
        else:
            self._fetcher.fill(read, window, out, ok)

    def _fill(self, read: Read, window: Window, out: NDArray[Any], ok: NDArray[np.bool_]) -> None:
        region = source_window(read.pair, read.level, read.kernel, window, reach(read))
        if region is None:
            return
        canvas = self._shared(read, region)
        if canvas is None:
            if self._bytes(read, region) > LARGE_BYTES and max(window.shape) > SMALLEST:
                for part in halves(window):
                    inner = part.shift(-window.y, -window.x).slices
                    self._fill(read, part, out[(slice(None), *inner)], ok[(slice(None), *inner)])
                return
            canvas = self._paint(replace(read, window=region))
        self._place(read, canvas, window, out, ok)

    def _place(
        self, read: Read, canvas: _Canvas, window: Window, out: NDArray[Any], ok: NDArray[np.bool_]
    ) -> None:
        """Resample a canvas with the kernel of a read, where what is seen there is the read's or above it."""
        offset = whole_offset(self._plan, read, canvas.read)
        assert offset is not None
        here = replace(read, window=canvas.read.window.shift(*offset), beyond=reach(read))
        below = canvas.rank > self._rank(read)
        if not (canvas.valid & below)[_gated(here)].any():
            place(here, canvas.data, canvas.valid, window, out, ok)
            return
        # An image of another grid may lie between this one and the one whose pixel is seen.
        kernel = "max" if read.kernel in AREA_KERNELS else "near"
        mine = (canvas.valid & ~below).astype(np.uint8)
        fresh, seen = np.empty_like(out), np.zeros(out.shape, dtype=np.uint8)
        fresh_ok = np.zeros_like(ok)
        place(replace(here, kernel=kernel), mine, None, window, seen, fresh_ok)
        fresh_ok[...] = False
        place(here, canvas.data, canvas.valid, window, fresh, fresh_ok)
        fresh_ok &= seen != 0
        np.copyto(out, fresh, where=fresh_ok)
        ok |= fresh_ok

    def _rank(self, read: Read) -> int:
        return self._plan.layers[self._layer][::-1].index(read.image)

    # -- canvases --------------------------------------------------------------------------------------

    def _shared(self, read: Read, region: Window) -> _Canvas | None:
        """Return one canvas for all images of the window that continue a read, unless it would be large."""
        for canvas in self._canvases:
            if canvas.read.bands == read.bands and canvas.read.kernel == read.kernel:
                offset = whole_offset(self._plan, canvas.read, read)
                if offset is not None and canvas.read.window.contains(region.shift(*offset)):
                    return canvas
        key = self._plan.table.grid_number(read.image, read.bands[0]), read.bands, read.kernel
        if key in self._large:
            return None
        regions = [region]
        for other in self._others(read):
            offset = whole_offset(self._plan, read, other)
            if offset is not None:
                regions.append(other.window.shift(*offset))
        whole = replace(read, window=_around(regions))
        if self._bytes(read, whole.window) > LARGE_BYTES or self._goes_around(whole):
            self._large.add(key)
            return None
        self._canvases.append(self._paint(whole))
        return self._canvases[-1]

    def _others(self, read: Read) -> Sequence[Read]:
        """Return reads of the same bands in the other images of the window, with what they reach."""
        found = []
        for image in self._plan.candidates(self._layer, self._window):
            if image == read.image:
                continue
            for members, kernel in self._plan.read_together(image, read.bands):
                other = self._plan.part(image, members, kernel)
                if members != read.bands or kernel != read.kernel:
                    continue
                region = source_window(other.pair, other.level, kernel, self._window, reach(other))
                if region is not None:
                    found.append(replace(other, window=region))
        return found

    def _goes_around(self, read: Read) -> bool:
        """Whether the window of a read meets the same place twice."""
        turn = int(self._plan.alignment().turns[self._plan.table.grid_number(read.image, read.bands[0])])
        return bool(turn) and read.window.width >= turn * read.level.zoom[1]

    def _bytes(self, read: Read, region: Window) -> int:
        itemsize = np.dtype(self._plan.bands[read.bands[0]].dtype).itemsize
        return region.size * len(read.bands) * (itemsize + 5)

    def _paint(self, read: Read) -> _Canvas:
        """Paint what the images of the layer have in the window of a read, the topmost first."""
        shape = len(read.bands), *read.window.shape
        canvas = _Canvas(
            read=read,
            data=np.zeros(shape, dtype=self._plan.bands[read.bands[0]].dtype),
            valid=np.zeros(shape, dtype=np.bool_),
            rank=np.full(shape, _NOBODY, dtype=np.int32),
        )
        for neighbour in neighbours_in(self._plan, self._layer, read, read.window):
            rows = [read.bands.index(band) for band in neighbour.read.bands]
            todo = _todo(canvas, rows, neighbour)
            if todo is not None:
                self._add(canvas, rows, neighbour, todo)
        return canvas

    def _add(self, canvas: _Canvas, rows: list[int], neighbour: Neighbour, window: Window) -> None:
        """Read a window of a neighbour, in pixels of the canvas's level, and show what is not hidden."""
        part = replace(neighbour.read, window=window.shift(-neighbour.at[0], -neighbour.at[1]))
        if self._plan.masks.alpha is not None and part.veil is None:
            return  # an image without the alpha band is not seen at all
        with self._fetcher.ahead([part]):
            data, valid, seen = self._fetcher.layers(part)
        start = canvas.read.window
        area = window.shift(-start.y, -start.x).slices
        for k, row in enumerate(rows):
            free = canvas.rank[row][area] == _NOBODY
            # With an alpha band, one scene answers for all bands, also for what it lacks.
            shown = seen if seen is not None else None if valid is None else valid[k]
            if shown is None and free.all():
                canvas.data[row][area], canvas.valid[row][area] = data[k], True
                canvas.rank[row][area] = neighbour.rank
                continue
            take = free if shown is None else free & shown
            np.copyto(canvas.data[row][area], data[k], where=take)
            np.copyto(canvas.valid[row][area], True if valid is None else valid[k], where=take)
            canvas.rank[row][area][take] = neighbour.rank


def _gated(read: Read) -> tuple[slice, ...]:
    """Part of a canvas, the window of a read, in which it matters whose pixels are seen.

    Interpolating kernels give pixels whose centre lies on the image, so what lies beside it does not.
    """
    window, beyond = read.window, read.beyond if read.kernel in AREA_KERNELS else (0, 0)
    ny, nx = read.level.shape
    return (
        slice(None),
        slice(max(-beyond[0] - window.y, 0), max(ny + beyond[0] - window.y, 0)),
        slice(max(-beyond[1] - window.x, 0), max(nx + beyond[1] - window.x, 0)),
    )


def _around(windows: Sequence[Window]) -> Window:
    y, x = min(each.y for each in windows), min(each.x for each in windows)
    stop_y, stop_x = max(each.stop_y for each in windows), max(each.stop_x for each in windows)
    return Window(y, x, stop_y - y, stop_x - x)


def _todo(canvas: _Canvas, rows: list[int], neighbour: Neighbour) -> Window | None:
    """Part of a neighbour around the pixels that nobody has shown yet."""
    start = canvas.read.window
    common = start.intersect(neighbour.window)
    if common is None or common.size == 0:
        return None
    area = common.shift(-start.y, -start.x).slices
    free = (canvas.rank[rows][(slice(None), *area)] == _NOBODY).any(axis=0)
    y, x = np.flatnonzero(free.any(axis=1)), np.flatnonzero(free.any(axis=0))
    if not y.size:
        return None
    return Window(common.y + int(y[0]), common.x + int(x[0]), int(y[-1] - y[0]) + 1, int(x[-1] - x[0]) + 1)
