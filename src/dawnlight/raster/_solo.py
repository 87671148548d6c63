"""The common case, without detours: one image in a layer, so nothing is painted over anything.

Pixels go from the decoder straight to the result, or through one pass that widens them and puts NaN where
they are missing. The values are those of the general road (`dawnlight.raster._paint`); a test compares the
two.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import Window
from dawnlight.raster._dtypes import nodata_in
from dawnlight.raster._fetch import Fetcher, has_data, is_run
from dawnlight.raster._neighbours import find_neighbours
from dawnlight.raster._plan import Read, ReadPlan

__all__ = ["lone_reads", "read_solo"]


def read_solo(
    plan: ReadPlan,
    fetcher: Fetcher,
    fill: tuple[float, ...],
    out: NDArray[Any],
    layer: int,
    bands: tuple[int, ...],
    window: Window,
) -> bool:
    """Fill ``out`` with bands of a layer if at most one image reaches the window.

    Parameters
    ----------
    plan, fetcher
        What to read, and who reads it. The plan has no alpha mask, and ``out`` holds the bands unscaled: in
        their own type, or widened with NaN for missing pixels if the plan masks.
    fill
        Value of pixels that no image has, where nothing is masked, for each band of the plan.
    out
        (band, height, width), written throughout when the answer is True.
    layer, bands, window
        What is wanted.

    Returns
    -------
    bool
        False, with ``out`` untouched, when images may overlap here.
    """
    reads = lone_reads(plan, layer, bands, window)
    if reads is None:
        return False
    masked = plan.masks.nodata
    done: set[int] = set()
    with fetcher.ahead(reads):
        for read in reads:
            rows = [bands.index(band) for band in read.bands]
            values = [fill[band] for band in read.bands]
            done.update(rows)
            if read.shift is not None:
                _paste(fetcher, read, window, out, rows, values, masked=masked)
            else:
                _warp(plan, fetcher, read, window, out, rows, values, masked=masked)
    for row, band in enumerate(bands):
        if row not in done:
            out[row] = np.nan if masked else fill[band]
    return True


def lone_reads(plan: ReadPlan, layer: int, bands: tuple[int, ...], window: Window) -> tuple[Read, ...] | None:
    """Return the reads of the one image that reaches a window; None if others do, or a kernel sees them."""
    images = list(itertools.islice(plan.candidates(layer, window), 2))
    if len(images) > 1:
        return None
    reads = plan.image_reads(images[0], bands, window) if images else ()
    if any(find_neighbours(plan, layer, read, window) for read in reads):
        return None
    return reads


def _paste(
    fetcher: Fetcher,
    read: Read,
    window: Window,
    out: NDArray[Any],
    rows: list[int],
    fill: list[float],
    *,
    masked: bool,
) -> None:
    """Put pixels of an agreeing grid in place, file by file."""
    assert read.shift is not None
    top = read.window.y - read.shift[0] - window.y
    left = read.window.x - read.shift[1] - window.x
    area = np.s_[top : top + read.window.height, left : left + read.window.width]
    if read.window.shape != window.shape:
        for row, value in zip(rows, fill, strict=True):
            out[row] = np.nan if masked else value
    stepped = any(source.steps for source in read.sources)
    computed = fetcher.pixels(read, raw=not masked) if stepped else None
    for positions in read.files.values():
        sources = [read.sources[k] for k in positions]
        places = [rows[k] for k in positions]
        target = out[places[0] : places[-1] + 1][(slice(None), *area)] if is_run(places) else None
        plain = not masked and computed is None
        if plain and target is not None and np.dtype(sources[0].layout.dtype) == out.dtype:
            stored, _ = fetcher.stored(read, positions, out=target)
            if stored is not target:
                target[...] = stored
            continue
        if computed is not None:
            stored, valid = computed[0][positions], None if computed[1] is None else computed[1][positions]
            nodata: list[float | None] = [None] * len(positions)
        else:
            stored, valid = fetcher.stored(read, positions)
            nodata = [source.layout.nodata for source in sources]
        for k, place in enumerate(places):
            _widen(stored[k], None if valid is None else valid[k], nodata[k], out[place][area], masked=masked)


def _warp(
    plan: ReadPlan,
    fetcher: Fetcher,
    read: Read,
    window: Window,
    out: NDArray[Any],
    rows: list[int],
    fill: list[float],
    *,
    masked: bool,
) -> None:
    """Resample pixels; without masks, what no valid pixel gives shows the stored value of the nearest one."""
    dtype = np.dtype(plan.bands[read.bands[0]].dtype)
    if not masked and read.kernel == "near":
        target = out[rows[0] : rows[-1] + 1] if is_run(rows) and out.dtype == dtype else None
        fresh = np.empty((len(rows), *window.shape), dtype=dtype) if target is None else target
        for part, value in zip(fresh, fill, strict=True):
            part[...] = np.asarray(value).astype(dtype)
        fetcher.fill(read, window, fresh, np.zeros(fresh.shape, dtype=np.bool_), raw=True)
        if target is None:
            out[rows] = fresh
        return
    fresh = np.empty((len(rows), *window.shape), dtype=dtype)
    ok = np.zeros(fresh.shape, dtype=np.bool_)
    for part, value in zip(fresh, fill, strict=True):
        part[...] = np.asarray(value).astype(dtype)
    if masked:
        fetcher.fill(read, window, fresh, ok)
        for k, row in enumerate(rows):
            _widen(fresh[k], ok[k], None, out[row], masked=True)
        return
    fetcher.fill(read, window, fresh, ok)
    if not ok.all():
        stored = np.empty_like(fresh)
        here = np.zeros_like(ok)
        fetcher.fill(replace(read, kernel="near"), window, stored, here, raw=True)
        np.copyto(fresh, stored, where=here & ~ok)
    for k, row in enumerate(rows):
        out[row] = fresh[k]


def _widen(
    values: NDArray[Any],
    ok: NDArray[np.bool_] | None,
    nodata: float | None,
    out: NDArray[Any],
    *,
    masked: bool,
) -> None:
    """Copy a band to the result; where it masks, missing pixels become NaN."""
    if not masked:
        out[...] = values
        return
    from dawnlight.raster._kernels_unpack import widen

    mark = None
    if values.dtype.kind == "f":
        known = has_data(values, nodata)
        if known is not None:
            ok = known if ok is None else ok & known
    else:
        mark = nodata_in(values.dtype, nodata)
    valid = np.empty((0, 0), dtype=np.bool_) if ok is None else ok
    widen(values, valid, values.dtype.type(0) if mark is None else mark, mark is not None, out)
