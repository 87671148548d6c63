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

    __slots__ = ("done", "error", "value")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.value: NDArray[Any] | None = None
        self.error: BaseException | None = None


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

    def get(self, key: Hashable, decode: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """Return a tile, decoding it if it is not held; two threads never decode the same tile at once.

        The array is shared: it must not be written to.
        """
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
                return tile
            flight = self._flights.get(key)
            if flight is None:
                mine = self._flights[key] = _Flight()
        if flight is not None:
            flight.done.wait()
            if flight.value is not None:
                return flight.value
            return self.get(key, decode)  # the other thread failed: try, and get an error of one's own
        try:
            tile = decode()
            tile.flags.writeable = False
            mine.value = tile
            self._put(key, tile)
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
            self._bytes = 0

    def _put(self, key: Hashable, tile: NDArray[Any]) -> None:
        budget = self.budget
        if tile.nbytes > budget:
            return
        with self._lock:
            self._tiles[key] = tile
            self._bytes += tile.nbytes
            while self._bytes > budget:
                self._bytes -= self._tiles.popitem(last=False)[1].nbytes


tiles = TileCache()
"""The cache of this process."""
