"""What the engine asks of something that reads raster files."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import Window
from dawnlight.raster._header import FileRef

__all__ = ["Pixels", "RasterReader", "Request"]

Pixels = tuple[NDArray[Any], NDArray[np.bool_] | None]
"""Data (band, y, x) in the file's type, and where the file's own mask lets it through (None: everywhere)."""


class Request(NamedTuple):
    """What one `RasterReader.read` is going to ask for."""

    file: FileRef
    bands: tuple[int, ...]
    level: int
    window: Window
    masks: tuple[str, ...]
    extent: Window | None = None


@runtime_checkable
class RasterReader(Protocol):
    """Something that reads windows of raster files.

    A reader is shared by threads and travels in task graphs: it pickles as its configuration.

    It may also have ``ahead(requests)``, a context manager: inside of it the thread is going to make these
    reads, so what they need can be fetched together.
    """

    def read(
        self,
        file: FileRef,
        bands: tuple[int, ...],
        level: int,
        window: Window,
        *,
        masks: tuple[str, ...],
        out: NDArray[Any] | None = None,
        extent: Window | None = None,
    ) -> Pixels:
        """Read a window of some bands of a file.

        Parameters
        ----------
        file : FileRef
            The file, and what tells it from a changed one.
        bands : tuple of int
            1-based; may repeat.
        level : int
            0 is full resolution, k the k-th overview, whose own pixel grid `window` is in.
        window : Window
            Inside the level's shape; may be empty.
        masks : tuple of str
            One for each band: ``"none"``, ``"internal"`` or ``"alpha"``.
        out : ndarray, (band, y, x), optional
            Of the file's dtype and the window's shape: the reader may fill and return it as the data.
        extent : Window, optional
            What all reads of one array take of the level, where that is known. What a reader keeps for the
            next read may be chosen by it; pixels do not depend on it.

        Returns
        -------
        data : ndarray, (band, y, x)
            In the file's dtype. Nodata values are pixels like any other here.
        valid : ndarray of bool, (band, y, x), or None
            True where the file's own mask lets the pixel through; None if all of `masks` are ``"none"``.

        Raises
        ------
        RasterNotFoundError, RasterChangedError, RasterReadError
            Never pixels that are not the file's.
        """
        ...
