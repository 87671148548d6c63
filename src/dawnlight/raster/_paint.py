"""Painting the images of a layer over each other: which image shows at which pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import Window
from dawnlight.raster._fetch import Fetcher, is_run
from dawnlight.raster._merge import Merger
from dawnlight.raster._plan import Read, ReadPlan

__all__ = ["missing_pixels", "paint"]

Bands = list[NDArray[Any]]
Masks = list[NDArray[np.bool_]]


def paint(
    plan: ReadPlan,
    fetcher: Fetcher,
    fill: Sequence[float],
    layer: int,
    bands: tuple[int, ...],
    window: Window,
    out: NDArray[Any] | None = None,
) -> tuple[Bands, Masks]:
    """Paint the images of a layer, the topmost first, until every pixel has one.

    Parameters
    ----------
    plan, fetcher
        What to read, and who reads it.
    fill
        Value of pixels that no image has, for each band of the plan.
    layer
        Number of the layer.
    bands
        Bands to paint; the alpha band of the plan is among them if it has one.
    window
        Rows and columns of the output.
    out
        Array (band, height, width) to paint in, where all bands have its type; None: a new one.

    Returns
    -------
    data, valid
        One array (height, width) a band: its values, and where an image had one.
    """
    sheet = _Sheet(plan, fill, bands, window, out)
    if plan.cutline is None or plan.cutline.touches(window):
        _show_valid(plan, fetcher, fill, layer, sheet)
        if not plan.masks.active:
            _show_stored(plan, fetcher, layer, sheet)
    return sheet.data, sheet.valid


class _Sheet:
    """What the images are painted on."""

    def __init__(
        self,
        plan: ReadPlan,
        fill: Sequence[float],
        bands: tuple[int, ...],
        window: Window,
        out: NDArray[Any] | None,
    ) -> None:
        types = [np.dtype(plan.bands[band].dtype) for band in bands]
        if out is None and len(set(types)) == 1:
            out = np.empty((len(bands), *window.shape), dtype=types[0])
        self.bands = bands
        self.window = window
        self.whole = out
        """All bands in one array, where they have one type."""
        self.data: Bands = [np.empty(window.shape, each) for each in types] if out is None else list(out)
        self.all_valid = np.zeros((len(bands), *window.shape), dtype=np.bool_)
        self.valid: Masks = list(self.all_valid)
        for part, band in zip(self.data, bands, strict=True):
            part[...] = np.asarray(fill[band]).astype(part.dtype)

    def run(self, bands: Sequence[int]) -> slice | None:
        """Rows of some bands in `whole`, where they follow each other there."""
        rows = [self.bands.index(band) for band in bands]
        if self.whole is None or not is_run(rows):
            return None
        return slice(rows[0], rows[-1] + 1)

    def area(self, window: Window) -> tuple[slice, slice]:
        """Where a part of the window lies in the arrays."""
        return window.shift(-self.window.y, -self.window.x).slices


def _show_valid(plan: ReadPlan, fetcher: Fetcher, fill: Sequence[float], layer: int, sheet: _Sheet) -> None:
    """Show the topmost valid pixel at each place; what is hidden already is not even read."""
    alpha = plan.masks.alpha
    claimed = np.zeros((1, *sheet.window.shape), dtype=np.bool_) if alpha is not None else sheet.all_valid
    merger = Merger(plan, fetcher, layer, sheet.window)
    untouched = True
    for image in plan.candidates(layer, sheet.window):
        todo = sheet.window if untouched else _unseen(claimed, sheet.window)
        if todo is None:
            return
        reads = plan.image_reads(image, sheet.bands, todo)
        if not reads:
            continue
        with fetcher.ahead(reads):
            if alpha is not None:
                _add_scene(plan, merger, fill, reads, todo, sheet, claimed[0])
            else:
                for read in reads:
                    _add_read(merger, read, todo, sheet, untouched=untouched)
        untouched = False


def _unseen(seen: NDArray[np.bool_], window: Window) -> Window | None:
    """Part of a window around the pixels that (band, height, width) does not say are seen; None: all are."""
    rows = np.flatnonzero(~seen.all(axis=2).all(axis=0))
    if not rows.size:
        return None
    top, stop = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(~seen[:, top:stop].all(axis=1).all(axis=0))
    left = int(columns[0])
    return Window(window.y + top, window.x + left, stop - top, int(columns[-1]) + 1 - left)


def _add_read(merger: Merger, read: Read, window: Window, sheet: _Sheet, *, untouched: bool) -> None:
    """Show the pixels of a read where its bands have none yet."""
    run = sheet.run(read.bands) if untouched else None
    if run is not None and sheet.whole is not None:
        merger.fill(read, window, sheet.whole[run], sheet.all_valid[run])
        return
    dtype = sheet.data[sheet.bands.index(read.bands[0])].dtype
    fresh = np.empty((len(read.bands), *window.shape), dtype=dtype)
    ok = np.zeros(fresh.shape, dtype=np.bool_)
    merger.fill(read, window, fresh, ok)
    area = sheet.area(window)
    for position, band in enumerate(read.bands):
        row = sheet.bands.index(band)
        take = ok[position] & ~sheet.valid[row][area]
        np.copyto(sheet.data[row][area], fresh[position], where=take)
        sheet.valid[row][area] |= take


def _add_scene(
    plan: ReadPlan,
    merger: Merger,
    fill: Sequence[float],
    reads: tuple[Read, ...],
    window: Window,
    sheet: _Sheet,
    claimed: NDArray[np.bool_],
) -> None:
    """Show all bands of an image where it is the topmost whose alpha is not 0: one scene answers for all."""
    fresh = _Sheet(plan, fill, sheet.bands, window, None)
    for read in reads:
        _add_read(merger, read, window, fresh, untouched=True)
    alpha, area = sheet.bands.index(plan.masks.alpha), sheet.area(window)
    scene = fresh.valid[alpha] & (fresh.data[alpha] != 0) & ~claimed[area]
    for k in range(len(sheet.bands)):
        np.copyto(sheet.data[k][area], fresh.data[k], where=scene)
        np.copyto(sheet.valid[k][area], fresh.valid[k], where=scene)
    claimed[area] |= scene


def _show_stored(plan: ReadPlan, fetcher: Fetcher, layer: int, sheet: _Sheet) -> None:
    """Without any mask, pixels that no image has valid show the topmost image's stored value."""
    seen = sheet.all_valid.copy()
    for image in plan.candidates(layer, sheet.window):
        todo = _unseen(seen, sheet.window)
        if todo is None:
            return
        area = sheet.area(todo)
        for planned in plan.image_reads(image, sheet.bands, todo):
            rows = [sheet.bands.index(band) for band in planned.bands]
            if seen[rows][(slice(None), *area)].all():
                continue
            fresh = np.empty((len(rows), *todo.shape), dtype=sheet.data[rows[0]].dtype)
            ok = np.zeros(fresh.shape, dtype=np.bool_)
            fetcher.fill(replace(planned, kernel="near"), todo, fresh, ok, raw=True)
            for position, row in enumerate(rows):
                take = ok[position] & ~seen[row][area]
                np.copyto(sheet.data[row][area], fresh[position], where=take)
                seen[row][area] |= take


def missing_pixels(plan: ReadPlan, bands: tuple[int, ...], data: Bands, valid: Masks) -> Masks | None:
    """Return which pixels the caller asked to have masked, one array a band; None when none can be."""
    if not plan.masks.active:
        return None
    clear = None
    if plan.masks.alpha is not None:
        position = bands.index(plan.masks.alpha)
        clear = ~(valid[position] & (data[position] != 0))
    missing = []
    for part in valid:
        hidden = ~part if plan.masks.nodata else np.zeros(part.shape, dtype=np.bool_)
        missing.append(hidden if clear is None else hidden | clear)
    return missing
