"""The pixels of a download, block by block and within bounded memory."""

from __future__ import annotations

import itertools
import math
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.catalog._loading import Loading
from dawnlight.geo import Window
from dawnlight.raster._collisions import Collisions
from dawnlight.raster._dtypes import cast, masked_dtype
from dawnlight.raster._load import progress_bar
from dawnlight.raster._masked import to_masked
from dawnlight.raster._scaling import Scale, apply_scale

__all__ = ["blocks_of"]

_SIDE = 2048
_SMALLEST = 512
_BLOCK_BYTES = 64 * 2**20
_ALL_BYTES = 192 * 2**20
"""Memory of all blocks that are being read or wait to be written."""
_COPIES = 3
"""Arrays of the size of a block that reading it holds at once, about."""

Extremes = list[tuple[float, float] | None]


def blocks_of(
    loading: Loading,
    nodata: float | None,
    collisions: Collisions,
    *,
    masked: bool,
    progress: bool,
    jobs: int = 1,
) -> Iterator[tuple[Window, NDArray[Any]]]:
    """Yield the blocks of the first layer of a call in reading order.

    A few are read ahead by threads, as many as the memory for them allows.

    Parameters
    ----------
    loading
        The settled call.
    nodata
        Value for missing pixels; None: 0, or a mask.
    collisions
        Looks at each block.
    masked
        Yield masked arrays.
    progress
        Show a bar.
    jobs
        How many such calls run at once; they share the memory.
    """
    ny, nx = loading.geobox.shape
    pixel = _COPIES * loading.request.keep * (loading.lazy.dtype.itemsize + 1)
    side = _SIDE
    while side > _SMALLEST and side * side * pixel > _BLOCK_BYTES // jobs:
        side //= 2
    ahead = _ALL_BYTES // jobs // (side * side * pixel)
    workers = max(1, min(os.cpu_count() or 1, ahead - 1))
    starts = itertools.product(range(0, ny, side), range(0, nx, side))
    windows = [Window(y, x, min(side, ny - y), min(side, nx - x)) for y, x in starts]
    with (
        ThreadPoolExecutor(workers) as pool,
        progress_bar(len(windows), "block", progress) as bar,
    ):
        extremes = _extremes(loading, windows, pool, workers)

        def read(window: Window) -> NDArray[Any]:
            values = _values(loading, window, extremes)
            return _settled(values, loading.dtype, nodata, collisions, window, masked=masked)

        for window, block in _in_order(pool, read, windows, workers):
            yield window, block
            bar.update()


def _in_order(
    pool: ThreadPoolExecutor, read: Any, windows: Sequence[Window], workers: int
) -> Iterator[tuple[Window, Any]]:
    """Yield what ``read`` makes of each window, in order; as many are begun as there are workers, and one."""
    pending: deque[tuple[Window, Future[Any]]] = deque()
    todo = iter(windows)
    try:
        for window in itertools.islice(todo, workers + 1):
            pending.append((window, pool.submit(read, window)))
        while pending:
            window, future = pending.popleft()
            yield window, future.result()
            del future  # else the block would be held while the next one is read
            following = next(todo, None)
            if following is not None:
                pending.append((following, pool.submit(read, following)))
    finally:
        for _, future in pending:
            future.cancel()


def _values(loading: Loading, window: Window, extremes: Extremes) -> NDArray[Any]:
    """Values as the user would get them, NaN where missing and masked."""
    values = loading.lazy[0, :, *window.slices]
    if loading.after is None:
        return np.asarray(values)
    out = np.empty(values.shape, masked_dtype(loading.dtype) if loading.request.masked else loading.dtype)
    for band, (scale, span) in enumerate(zip(loading.after, extremes, strict=True)):
        out[band] = apply_scale(values[band], scale, loading.dtype, extremes=span)
    if out.dtype.kind == "f" and values.dtype.kind == "f":
        out[np.isnan(values)] = np.nan
    return out


def _extremes(
    loading: Loading, windows: Sequence[Window], pool: ThreadPoolExecutor, workers: int
) -> Extremes:
    """Least and greatest value of each band whose scale needs them, from one pass over the whole layer."""
    after: Sequence[Scale] = loading.after or ()
    bands = [band for band, scale in enumerate(after) if scale == ()]
    found: Extremes = [None] * len(after)
    if not bands:
        return found

    def look(window: Window) -> list[tuple[float, float]]:
        spans = []
        for band in bands:
            values = loading.lazy[0, band, *window.slices]
            values = values[~np.isnan(values)] if values.dtype.kind == "f" else values
            spans.append((float(values.min()), float(values.max())) if values.size else (math.inf, -math.inf))
        return spans

    spans = np.array([each for _, each in _in_order(pool, look, windows, workers)])
    for number, band in enumerate(bands):
        found[band] = float(spans[:, number, 0].min()), float(spans[:, number, 1].max())
    return found


def _settled(
    values: NDArray[Any],
    dtype: np.dtype[Any],
    nodata: float | None,
    collisions: Collisions,
    window: Window,
    *,
    masked: bool,
) -> NDArray[Any]:
    """Values in the file's type, missing ones masked, or else the nodata value, or 0 where there is none."""
    if values.dtype == dtype and dtype.kind != "f":
        collisions.look(values, None, window)
        return values
    if masked:
        return to_masked(values, dtype)
    missing = np.isnan(values)
    if nodata is not None and not np.isnan(nodata):
        values = np.where(missing, values.dtype.type(nodata), values)
    found = cast(values, dtype)
    collisions.look(found, missing, window)
    return found
