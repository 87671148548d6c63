"""Memory that is used again: buffers of a thread, and buffers that are lent out.

New memory comes from the system page by page, and a page can cost as much as decoding the pixels that it
holds. Arrays of a few MiB and more get huge pages on Linux; for smaller ones, memory that was used before is
at hand.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SMALL_BYTES", "lend", "scratch"]

SMALL_BYTES = 4 * 2**20
"""Size up to which an array does not get huge pages (NumPy asks for them from here on)."""
_SPARE_BYTES = 16 * 2**20
"""Bytes of one size that wait to be lent out again."""
_SIZES = 2
"""Sizes of which any wait."""

Bytes = NDArray[np.uint8]


class _Local(threading.local):
    def __init__(self) -> None:
        self.buffers: dict[str, Bytes] = {}


_local = _Local()
_spare: dict[int, deque[Bytes]] = {}


def scratch(size: int, use: str = "tile") -> Bytes:
    """Return a buffer of this thread; it is good until the thread asks for the next one for the same use."""
    buffer = _local.buffers.get(use)
    if buffer is None or buffer.size < size:
        buffer = _local.buffers[use] = np.empty(size, dtype=np.uint8)
    return buffer[:size]


def lend(size: int) -> Bytes:
    """Return a buffer that is the caller's for as long as any array shows a part of it.

    Parameters
    ----------
    size
        Bytes.

    Returns
    -------
    numpy.ndarray of uint8
        Not initialised.
    """
    if size > SMALL_BYTES:
        return np.empty(size, dtype=np.uint8)
    try:
        memory = _spare[size].pop()
    except (KeyError, IndexError):
        memory = np.empty(size, dtype=np.uint8)
    return np.asarray(_Loan(memory))


class _Loan:
    """What an array of lent memory is based on: when its last view is gone, so is this.

    Python may take it away at any point of any thread, so nothing here waits for a lock.
    """

    __slots__ = ("_memory",)

    def __init__(self, memory: Bytes) -> None:
        self._memory = memory

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self._memory.__array_interface__

    def __del__(self) -> None:
        size = self._memory.size
        waiting = _spare.get(size)
        if waiting is None:
            if len(_spare) >= _SIZES:
                _spare.clear()
            waiting = _spare[size] = deque(maxlen=max(_SPARE_BYTES // max(size, 1), 1))
        waiting.append(self._memory)
