"""The GDAL reader: pixels of a window of one resolution level, and the file's own mask of them."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import MaskFlags

from dawnlight.errors import ParameterError, RasterChangedError, RasterReadError
from dawnlight.geo import Window
from dawnlight.raster._forks import abandon, after_fork
from dawnlight.raster._gdal_header import read_header, read_palette
from dawnlight.raster._gdal_open import GDAL_ERRORS, gdal_environment, open_dataset, reason
from dawnlight.raster._header import FileRef
from dawnlight.raster._href import Fingerprint, read_fingerprint
from dawnlight.raster._reader import Pixels, RasterReader
from dawnlight.raster._unchanged import REGISTER_AGAIN, check_unchanged

__all__ = ["GdalReader", "RasterReader", "read_header", "read_palette"]


class GdalReader:
    """Reads through GDAL; open files are kept for the next read.

    One open file serves one thread at a time, which is what GDAL asks for. Idle ones are kept, the most
    recently used first, for whichever thread reads that file next.

    Parameters
    ----------
    max_open : int, default: 128
        How many idle files are kept open, all threads together.

    Examples
    --------
    >>> reader = GdalReader()
    >>> data, valid = reader.read(header.ref, (1, 2), 0, window, masks=("none", "none"))  # doctest: +SKIP
    """

    def __init__(self, max_open: int = 128) -> None:
        if max_open < 0:
            raise ParameterError(f"max_open={max_open} must be 0 or more")
        self.max_open = max_open
        self._start()
        _readers.add(self)

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._idle: OrderedDict[_Handle, None] = OrderedDict()  # least recently used first
        self._by_key: dict[_Key, list[_Handle]] = {}  # the same handles

    def __reduce__(self) -> tuple[type[GdalReader], tuple[int]]:
        return type(self), (self.max_open,)

    def __dask_tokenize__(self) -> tuple[str]:
        return ("dawnlight.GdalReader",)

    def __repr__(self) -> str:
        return f"GdalReader(max_open={self.max_open})"

    def __enter__(self) -> GdalReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
        """Read a window of some bands of a file; see `RasterReader.read`. ``out`` is not used."""
        if len(masks) != len(bands):
            raise ParameterError(f"{len(masks)} masks for {len(bands)} bands")
        with self._lend(file, level) as handle:
            try:
                return handle.read(bands, window, masks)
            except (*GDAL_ERRORS, IndexError, ValueError) as error:
                raise RasterReadError(
                    f"{file.href}: reading failed: {reason(error)} ({_place(bands, level, window)})"
                ) from error

    def close(self) -> None:
        """Close the idle files; the reader opens them again when it needs them."""
        with self._lock:
            idle = list(self._idle)
            self._idle.clear()
            self._by_key.clear()
        for handle in idle:
            handle.close()

    @contextmanager
    def _lend(self, file: FileRef, level: int) -> Iterator[_Handle]:
        """Lend out an open file to one caller; one whose read failed is not used again."""
        found = read_fingerprint(file.href)
        check_unchanged(file, found)
        key = (file.href, level, found)
        handle = self._take(key) or _Handle(key, file)
        try:
            yield handle
        except BaseException:
            handle.close()
            raise
        self._give_back(handle)

    def _take(self, key: _Key) -> _Handle | None:
        with self._lock:
            same = self._by_key.get(key)
            if not same:
                return None
            handle = same.pop()
            if not same:
                del self._by_key[key]
            del self._idle[handle]
            return handle

    def _give_back(self, handle: _Handle) -> None:
        surplus = []
        with self._lock:
            self._idle[handle] = None
            self._by_key.setdefault(handle.key, []).append(handle)
            while len(self._idle) > self.max_open:
                oldest, _ = self._idle.popitem(last=False)
                same = self._by_key[oldest.key]
                same.remove(oldest)
                if not same:
                    del self._by_key[oldest.key]
                surplus.append(oldest)
        for oldest in surplus:
            oldest.close()

    def _abandon(self) -> None:
        """Start afresh in a forked child, whose handles and lock are copies of the parent's."""
        abandon(self._idle)
        self._start()


_Key = tuple[str, int, Fingerprint]


class _Handle:
    """An open file at one resolution level."""

    def __init__(self, key: _Key, file: FileRef) -> None:
        self.key = key
        href, level, _ = key
        self._dataset = open_dataset(href, level)
        if level == 0 and self._dataset.shape != file.shape:
            height, width = self._dataset.shape
            self.close()
            raise RasterChangedError(
                f"{href}: is {width} x {height} pixels now, and was {file.shape[1]} x {file.shape[0]} "
                f"when it was registered; {REGISTER_AGAIN}"
            )

    @cached_property
    def _one_mask(self) -> bool:
        flags = [found for found in self._dataset.mask_flag_enums if MaskFlags.all_valid not in found]
        return all(MaskFlags.per_dataset in found for found in flags)

    def read(self, bands: Sequence[int], window: Window, masks: Sequence[str]) -> Pixels:
        height, width = self._dataset.shape
        if min(window.y, window.x) < 0 or window.stop_y > height or window.stop_x > width:
            raise ValueError(f"the window is not inside the {width} x {height} pixels of this level")
        shape = (len(bands), window.height, window.width)
        if 0 in shape:
            data = np.empty(shape, self._dataset.dtypes[0])
            return data, None if set(masks) <= {"none"} else np.ones(shape, bool)
        rows_columns = ((window.y, window.stop_y), (window.x, window.stop_x))
        with gdal_environment(self.key[0]):
            data = self._dataset.read(list(bands), window=rows_columns)
            return data, self._read_valid(bands, rows_columns, masks, shape)

    def _read_valid(
        self, bands: Sequence[int], window: Any, masks: Sequence[str], shape: tuple[int, ...]
    ) -> NDArray[np.bool_] | None:
        if set(masks) <= {"none"}:
            return None
        valid = np.ones(shape, bool)
        decoded: dict[int, NDArray[np.bool_]] = {}
        for index, (band, mask) in enumerate(zip(bands, masks, strict=True)):
            if mask == "none":
                continue
            # One mask for all bands, as most files have it, is decoded once.
            source = 0 if self._one_mask else band
            if source not in decoded:
                decoded[source] = self._dataset.read_masks(band, window=window) != 0
            valid[index] = decoded[source]
        return valid

    def close(self) -> None:
        self._dataset.close()


_readers: weakref.WeakSet[GdalReader] = weakref.WeakSet()
"""Readers of this process."""


def _after_fork() -> None:
    for reader in list(_readers):
        reader._abandon()


after_fork(_after_fork)


def _place(bands: Sequence[int], level: int, window: Window) -> str:
    where = f"overview {level}" if level else "full resolution"
    rows, columns = f"{window.y}..{window.stop_y}", f"{window.x}..{window.stop_x}"
    return f"bands {', '.join(map(str, bands))} at {where}, rows {rows}, columns {columns}"
