"""Loading a lazy raster at once: blocks are read by threads straight into the result."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import Window
from dawnlight.raster._chunks import Sizes
from dawnlight.raster._composite import LazyComposite
from dawnlight.raster._lazy import LazyRaster

__all__ = ["load", "progress_bar", "show_progress"]


def load(
    lazy: LazyRaster | LazyComposite,
    chunks: Sizes,
    *,
    max_workers: int | None = None,
    progress: bool | None = None,
) -> NDArray[Any]:
    """Read everything and return it.

    Parameters
    ----------
    lazy
        What to read.
    chunks
        Sizes of the blocks along each axis; each is read by one thread.
    max_workers
        Number of threads; None is one for each core, plus four for waiting unless it is a composite, 32 at
        most.
    progress
        Show a bar: None on a terminal only.

    Returns
    -------
    numpy.ndarray
        (layer, band, y, x), or (band, y, x) of a composite.

    Raises
    ------
    RasterError
        The first read that failed; reads that have not begun are dropped.
    """
    out = np.empty(lazy.shape, dtype=lazy.dtype)
    reduced = isinstance(lazy, LazyComposite)
    blocks = list(_blocks(((1,), *chunks) if reduced else chunks))
    # A composite computes; threads beyond the cores would only hold more memory.
    spare = 0 if reduced else 4
    workers = max_workers or min(32, (os.cpu_count() or 1) + spare)
    bands = tuple(range(lazy.shape[-3]))

    def fill(block: tuple[int, int, Window]) -> None:
        start, stop, window = block
        for layer in range(start, stop):
            part = (out if reduced else out[layer])[:, window.y : window.stop_y, window.x : window.stop_x]
            if isinstance(lazy, LazyComposite):
                lazy.read_into(part, bands, window)
            else:
                lazy.read_into(part, layer, bands, window)

    with (
        ThreadPoolExecutor(min(workers, max(len(blocks), 1))) as pool,
        progress_bar(len(blocks), "chunk", show_progress(progress)) as bar,
    ):
        futures = [pool.submit(fill, block) for block in blocks]
        try:
            for future in futures:
                future.result()
                bar.update()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return out


def show_progress(progress: bool | None) -> bool:
    """Whether to show a bar: as asked, and by default when the error stream is a terminal."""
    return bool(sys.stderr.isatty()) if progress is None else bool(progress)


def progress_bar(total: int, unit: str, shown: bool) -> Any:
    """Return a tqdm bar, or one that shows nothing."""
    from tqdm import tqdm

    return tqdm(total=total, unit=unit, disable=not shown)


def _blocks(chunks: Sizes) -> Iterator[tuple[int, int, Window]]:
    """Yield runs of layers with their windows, all bands together."""
    layers, _, rows, cols = (list(_runs(sizes)) for sizes in chunks)
    for (start, count), (y, height), (x, width) in itertools.product(layers, rows, cols):
        yield start, start + count, Window(y, x, height, width)


def _runs(sizes: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    start = 0
    for size in sizes:
        yield start, size
        start += size
