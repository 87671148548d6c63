"""Raster readers for tests: files in memory, one that records its reads, and ones that fail."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dawnlight.errors import RasterReadError
from dawnlight.geo import GeoBox, Window
from dawnlight.raster._header import FileRef, MaskKind
from dawnlight.raster._reader import Pixels, RasterReader
from dawnlight.raster._sources import Layout, RasterSource

__all__ = ["FailingReader", "MemoryReader", "RecordingReader", "UntouchableReader"]


@dataclass(slots=True)
class _File:
    levels: list[NDArray[Any]]
    masks: list[NDArray[np.bool_] | None]


class MemoryReader:
    """Reads "files" that are arrays; `add` makes one and tells how it is used.

    It pickles with its arrays, so it also serves processes.

    Examples
    --------
    >>> box = GeoBox.from_geotrans((0, 10, 0, 100, 0, -10), (2, 3), 32615)
    >>> reader = MemoryReader()
    >>> (source,) = reader.add("a", [[1, 2, 3], [4, 5, 6]], box)
    >>> reader.read(source.file, (1,), 0, Window(1, 0, 1, 2), masks=("none",))[0].tolist()
    [[[4, 5]]]
    """

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}

    def add(
        self,
        href: str,
        array: ArrayLike,
        geobox: GeoBox,
        *,
        image: str | None = None,
        nodata: float | None = None,
        mask: ArrayLike | None = None,
        overviews: Sequence[ArrayLike] = (),
        overview_masks: Sequence[ArrayLike] = (),
        block: tuple[int, int] = (512, 512),
    ) -> list[RasterSource]:
        """Add a file.

        Parameters
        ----------
        href : str
            Its name.
        array : array-like, (band, y, x) or (y, x)
            Its pixels.
        geobox : GeoBox
            Its grid.
        image : str, optional
            Id of the image that it belongs to; its name by default.
        nodata : float, optional
            Value of missing pixels.
        mask : array-like of bool, (y, x) or (band, y, x), optional
            True = valid: the file's own mask.
        overviews, overview_masks : sequence of array-like
            Reduced copies, finest first, shaped like the array, and their masks.
        block : tuple of int
            Rows and columns of the tiles that it says to have.

        Returns
        -------
        list of RasterSource
            One for each band.
        """
        levels = [_three_axes(level) for level in (array, *overviews)]
        masks: list[NDArray[np.bool_] | None] = [None] * len(levels)
        if mask is not None:
            masks = [
                np.broadcast_to(np.asarray(part, bool), level.shape).copy()
                for part, level in zip((mask, *overview_masks), levels, strict=True)
            ]
        self._files[href] = _File(levels, masks)
        kind: MaskKind = "none" if mask is None else "internal"
        layout = Layout(
            dtype=levels[0].dtype.name,
            nodata=nodata,
            mask=kind,
            overviews=tuple((level.shape[1], level.shape[2]) for level in levels[1:]),
            block=block,
        )
        assert levels[0].shape[1:] == geobox.shape
        return [
            RasterSource(
                image=image or href,
                file=FileRef(href=href, shape=geobox.shape),
                band=band + 1,
                geobox=geobox,
                layout=layout,
            )
            for band in range(len(levels[0]))
        ]

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
        """Read a window; see `RasterReader.read`."""
        found = self._files[file.href]
        pixels, own = found.levels[level], found.masks[level]
        height, width = pixels.shape[1:]
        assert len(masks) == len(bands)
        assert window.y >= 0, window
        assert window.x >= 0, window
        assert window.stop_y <= height, window
        assert window.stop_x <= width, window
        rows, cols = window.slices
        index = [band - 1 for band in bands]
        data = pixels[index, rows, cols]
        if out is not None:
            assert (out.shape, out.dtype) == (data.shape, data.dtype)
            out[...] = data
            data = out
        if all(mask == "none" for mask in masks):
            return data, None
        valid = np.ones(data.shape, bool)
        for position, (band, mask) in enumerate(zip(index, masks, strict=True)):
            if mask != "none" and own is not None:
                valid[position] = own[band, rows, cols]
        return data, valid

    def levels(self, source: RasterSource) -> list[NDArray[Any]]:
        """Return the pixels (y, x) of a band, full resolution first."""
        return [level[source.band - 1] for level in self._files[source.file.href].levels]

    def masks(self, source: RasterSource) -> list[NDArray[np.bool_]]:
        """Return where the file's own mask lets a band through, at each level."""
        file = self._files[source.file.href]
        return [
            np.ones(level.shape[1:], bool) if mask is None else mask[source.band - 1]
            for level, mask in zip(file.levels, file.masks, strict=True)
        ]

    def __dask_tokenize__(self) -> tuple[str]:
        return ("dawnlight.MemoryReader",)


def _three_axes(array: ArrayLike) -> NDArray[Any]:
    found = np.asarray(array)
    return found[np.newaxis] if found.ndim == 2 else found


class RecordingReader:
    """Hands reads on to another reader and remembers them.

    Attributes
    ----------
    reads : list of (href, bands, level, Window)
        In the order in which they came.
    """

    def __init__(self, reader: RasterReader) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self.reads: list[tuple[str, tuple[int, ...], int, Window]] = []

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
        """Read a window; see `RasterReader.read`."""
        with self._lock:
            self.reads.append((file.href, bands, level, window))
        return self._reader.read(file, bands, level, window, masks=masks, out=out, extent=extent)

    @property
    def pixels(self) -> int:
        """Samples read so far, all bands together."""
        return sum(len(bands) * window.size for _, bands, _, window in self.reads)


class UntouchableReader:
    """A reader for what must not read: every read is an error in the program, not a tolerated failure."""

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
        """Fail."""
        raise AssertionError(f"nothing was to be read, but {file.href!r} was, at {window}")


class FailingReader:
    """Hands reads on to another reader, but for some files, whose reads fail.

    Parameters
    ----------
    reader : RasterReader
        Who reads the others.
    broken : collection of str
        Hrefs of the files that cannot be read.
    """

    def __init__(self, reader: RasterReader, broken: Sequence[str]) -> None:
        self._reader = reader
        self._broken = frozenset(broken)

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
        """Read a window, or fail; see `RasterReader.read`."""
        if file.href in self._broken:
            raise RasterReadError(f"{file.href}: the bytes are damaged")
        return self._reader.read(file, bands, level, window, masks=masks, out=out, extent=extent)
