"""Decoded tiles kept for the next window that needs them: bounded, shared by threads, each decoded once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from numpy.typing import NDArray

from dawnlight._options import get_options

__all__ = ["TileCache", "tiles"]


class _Flight:
    """A tile that one thread is decoding while others wait."""

    __slots__ = ("done", "value")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.value: NDArray[Any] | None = None


class TileCache:
    """Least recently used tiles within a budget of bytes.

    Parameters
    ----------
    share
        Part of ``options.cache_bytes`` that it may take.
    """

    def __init__(self, share: float = 0.75) -> None:
        self._share = share
        self._tiles: OrderedDict[Hashable, NDArray[Any]] = OrderedDict()
        self._left: dict[Hashable, int] = {}  # pixels that are still going to be asked for, where it is known
        self._flights: dict[Hashable, _Flight] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        return self._bytes

    @property
    def budget(self) -> int:
        """Bytes that may be held."""
        return int(get_options().cache_bytes * self._share)

    def get(
        self, key: Hashable, decode: Callable[[], NDArray[Any]], share: tuple[int, int] | None = None
    ) -> NDArray[Any]:
        """Return a tile, decoding it if it is not held; two threads never decode the same tile at once.

        The array is shared: it must not be written to.

        Parameters
        ----------
        key
            Which tile.
        decode
            Makes it.
        share
            How many pixels are asked for now, and how many in all before nobody needs the tile any more: it
            is then dropped. None keeps it as long as there is room.
        """
        tile = self._get(key, decode, 0 if share is None else share[1])
        if share is not None:
            self._spend(key, share[0])
        return tile

    def _get(self, key: Hashable, decode: Callable[[], NDArray[Any]], wanted: int) -> NDArray[Any]:
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
                if not wanted:
                    self._left.pop(key, None)  # somebody may come back for it
                return tile
            flight = self._flights.get(key)
            if flight is None:
                mine = self._flights[key] = _Flight()
        if flight is not None:
            flight.done.wait()
            if flight.value is not None:
                return flight.value
            return self._get(
                key, decode, wanted
            )  # the other thread failed: try, and get an error of one's own
        try:
            tile = decode()
            tile.flags.writeable = False
            mine.value = tile
            self._put(key, tile, wanted)
            return tile
        finally:
            with self._lock:
                del self._flights[key]
            mine.done.set()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._tiles

    def clear(self) -> None:
        """Forget all tiles."""
        with self._lock:
            self._tiles.clear()
            self._left.clear()
            self._bytes = 0

    def _spend(self, key: Hashable, pixels: int) -> None:
        """Note that pixels of a tile were taken; drop it when none are left to take."""
        with self._lock:
            left = self._left.get(key)
            if left is None:
                return
            self._left[key] = left - pixels
            if left <= pixels:
                self._drop(key)

    def _drop(self, key: Hashable) -> None:
        self._bytes -= self._tiles.pop(key).nbytes
        self._left.pop(key, None)

    def _put(self, key: Hashable, tile: NDArray[Any], wanted: int) -> None:
        budget = self.budget
        if tile.nbytes > budget:
            return
        with self._lock:
            self._tiles[key] = tile
            self._bytes += tile.nbytes
            if wanted:
                self._left[key] = wanted
            while self._bytes > budget:
                self._drop(next(iter(self._tiles)))


tiles = TileCache()
"""The cache of this process."""
