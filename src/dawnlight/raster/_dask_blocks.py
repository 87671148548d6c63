"""Computing parts of lazy arrays one after the other, keeping the blocks that neighbours share."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import dask.array

__all__ = ["Blocks"]

_MOST_BYTES = 256 * 2**20


class Blocks:
    """Rectangles of one lazy array, computed on demand; safe to be asked by several threads.

    Whole blocks are computed, since the graph has nothing smaller, and kept for the rectangles beside.

    Parameters
    ----------
    array : dask.array.Array
        (..., y, x).
    most_bytes : int, default 256 MiB
        Size of the blocks kept; the oldest go first.
    """

    def __init__(self, array: dask.array.Array, most_bytes: int = _MOST_BYTES) -> None:
        self._array = array
        self._most = most_bytes
        self._kept: OrderedDict[tuple[int, int], NDArray[Any]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def window(self, rows: slice, cols: slice) -> NDArray[Any]:
        """Compute a rectangle.

        Parameters
        ----------
        rows, cols
            Pixels along the last two dims, with start and stop.

        Returns
        -------
        numpy.ndarray, (..., rows, cols)
        """
        y, x = (np.cumsum([0, *sizes]).tolist() for sizes in self._array.chunks[-2:])
        wanted = [
            (i, j)
            for i, j in itertools.product(range(len(y) - 1), range(len(x) - 1))
            if y[i] < rows.stop and rows.start < y[i + 1] and x[j] < cols.stop and cols.start < x[j + 1]
        ]
        blocks = self._blocks(wanted, y, x)
        out = np.empty(
            (*self._array.shape[:-2], rows.stop - rows.start, cols.stop - cols.start), self._array.dtype
        )
        for (i, j), block in blocks.items():
            top, left = max(rows.start, y[i]), max(cols.start, x[j])
            bottom, right = min(rows.stop, y[i + 1]), min(cols.stop, x[j + 1])
            out[..., top - rows.start : bottom - rows.start, left - cols.start : right - cols.start] = block[
                ..., top - y[i] : bottom - y[i], left - x[j] : right - x[j]
            ]
        return out

    def _blocks(
        self, wanted: list[tuple[int, int]], y: list[int], x: list[int]
    ) -> dict[tuple[int, int], NDArray[Any]]:
        with self._lock:
            found = {place: self._kept[place] for place in wanted if place in self._kept}
            for place in found:
                self._kept.move_to_end(place)
        missing = [place for place in wanted if place not in found]
        parts = [self._array[..., y[i] : y[i + 1], x[j] : x[j + 1]] for i, j in missing]
        for place, block in zip(missing, _compute(parts), strict=True):
            found[place] = block
            self._keep(place, block)
        return found

    def _keep(self, place: tuple[int, int], block: NDArray[Any]) -> None:
        with self._lock:
            if place in self._kept:
                return
            self._kept[place] = block
            self._size += block.nbytes
            while self._size > self._most and len(self._kept) > 1:
                self._size -= self._kept.popitem(last=False)[1].nbytes


def _compute(arrays: list[dask.array.Array]) -> list[NDArray[Any]]:
    """Compute where the user's settings say, else here: the caller's threads are the only ones."""
    from dask.base import compute, get_scheduler

    chosen = None if get_scheduler() is not None else "synchronous"
    return list(compute(*arrays, scheduler=chosen))
