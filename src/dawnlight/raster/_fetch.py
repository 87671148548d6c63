"""Carrying out planned reads: files in, pixels with their validity out, failures named."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.errors import RasterError
from dawnlight.geo import Window
from dawnlight.raster._buffers import SMALL_BYTES, scratch
from dawnlight.raster._dtypes import cast, nodata_in
from dawnlight.raster._extents import is_worth_keeping
from dawnlight.raster._failures import Failure, FailureLog
from dawnlight.raster._href import is_remote
from dawnlight.raster._plan import Read, ReadPlan
from dawnlight.raster._reader import Pixels, RasterReader, Request
from dawnlight.raster._sources import RasterSource
from dawnlight.raster._steps import apply_steps
from dawnlight.raster._warp import place

__all__ = ["LARGE_BYTES", "SMALLEST", "Fetcher", "halves", "has_data", "is_run"]

LARGE_BYTES = 64 * 2**20
"""Memory from which on the source pixels of a window are read in parts."""
SMALLEST = 64
"""Side of a window of the output that is not cut any further."""
_CLOSE = 4 * float(np.finfo(np.float32).eps)
"""Relative difference up to which a float is the nodata value."""


class Fetcher:
    """Reads what a plan asks for.

    Parameters
    ----------
    plan
        Describes the bands, and plans parts of a read that is too large to hold at once.
    reader
        Opens files.
    errors
        ``"raise"``, or ``"mask"``: the pixels of a failed read are missing and the failure is noted.
    log
        Where tolerated failures go.
    around
        Window of the output that all reads of the array lie in, where it is less than the whole output.
    """

    def __init__(
        self,
        plan: ReadPlan,
        reader: RasterReader,
        errors: str,
        log: FailureLog,
        around: Window | None = None,
    ) -> None:
        self._plan = plan
        self._reader = reader
        self._errors = errors
        self._log = log
        self._around = around

    def ahead(self, reads: Iterable[Read], *, raw: bool = False) -> AbstractContextManager[object]:
        """Let the reader fetch what these reads need of remote files, all at once, until the context ends."""
        ahead = getattr(self._reader, "ahead", None)
        if ahead is None:
            return nullcontext()
        requests = [
            request
            for read in reads
            for request in self._requests(read, raw=raw)
            if is_remote(request.file.href)
        ]
        return ahead(requests) if requests else nullcontext()

    def ahead_of(
        self, layers: Iterable[int], bands: tuple[int, ...], window: Window
    ) -> AbstractContextManager[object]:
        """`ahead` for all layers, but for those where images may hide each other."""
        reads: list[Read] = []
        for layer in layers:
            images = list(self._plan.candidates(layer, window))
            if len(images) != 1:
                continue
            reads += self._plan.image_reads(images[0], bands, window)
            if reads and not is_remote(reads[0].sources[0].file.href):
                return nullcontext()  # a local archive: nothing is gained by planning it all
        return self.ahead(reads)

    def fill(
        self,
        read: Read,
        window: Window,
        out: NDArray[Any],
        ok: NDArray[np.bool_],
        *,
        raw: bool = False,
        whole: Window | None = None,
    ) -> None:
        """Put the pixels of a read into a window of the output.

        Parameters
        ----------
        read
            Planned for ``window``.
        window
            Rows and columns of the output.
        out, ok
            (band, height, width) of ``whole``; pixels that the read has are written, the others stay.
        raw
            Take stored values as they are: nothing counts as missing.
        whole
            The window that ``out`` is for, when ``window`` is a part of it.
        """
        whole = whole or window
        if self._too_large(read, window):
            # Cutting the output changes no pixel, so what is too much at once is read in parts.
            for part in halves(window):
                smaller = self._plan.again(read, part)
                if smaller is not None:
                    self.fill(smaller, part, out, ok, raw=raw, whole=whole)
            return
        data, valid = self.pixels(read, raw=raw)
        rows = slice(window.y - whole.y, window.stop_y - whole.y)
        cols = slice(window.x - whole.x, window.stop_x - whole.x)
        place(read, data, valid, window, out[:, rows, cols], ok[:, rows, cols])

    def pixels(self, read: Read, *, raw: bool = False) -> Pixels:
        """Return the pixels of a read in the type of its bands, and which of them are not missing.

        Missing are those with the nodata value, those that the file's own mask or the alpha band hides, and
        NaN. The pixels are good until the thread reads the next ones.
        """
        if raw or read.veil is None:
            return self._known(read, raw=raw, brief=True)
        data, valid, seen = self.layers(read)
        if valid is None:
            valid = np.ones(data.shape, dtype=np.bool_)
        for position, band in enumerate(read.bands):
            if band != self._plan.masks.alpha:  # it does not hide itself
                valid[position] &= seen
        return data, valid

    def layers(self, read: Read) -> tuple[NDArray[Any], NDArray[np.bool_] | None, NDArray[np.bool_] | None]:
        """Return pixels, which of them are not missing, and (y, x) where the alpha band lets them be seen."""
        data, valid = self._known(read, raw=False)
        return data, valid, None if read.veil is None else self._seen(read)

    def _known(self, read: Read, *, raw: bool, brief: bool = False) -> Pixels:
        """Return pixels, and which of them are missing but for the alpha band.

        ``brief`` pixels are good until the thread reads the next ones.
        """
        dtype = np.dtype(self._plan.bands[read.bands[0]].dtype)
        shape = (len(read.bands), read.window.height, read.window.width)
        data = _at_hand(shape, dtype) if brief else np.empty(shape, dtype=dtype)
        valid: NDArray[np.bool_] | None = None
        if not raw and any(source.layout.nodata is not None for source in read.sources):
            valid = np.ones(shape, dtype=np.bool_)
        for positions in read.files.values():
            sources = [read.sources[k] for k in positions]
            there = is_run(positions) and not any(source.steps for source in sources)
            place = data[positions[0] : positions[-1] + 1] if there else None
            stored, own = self._stored(read, sources, raw=raw, out=place)
            for row, (position, source) in enumerate(zip(positions, sources, strict=True)):
                known = None if valid is None else valid[position]
                ok = None if raw else has_data(stored[row], source.layout.nodata, known)
                if own is not None:
                    ok = own[row] if ok is None else ok & own[row]
                if stored is not place:
                    values = apply_steps(stored[row], source.steps) if source.steps else stored[row]
                    if source.steps and values.dtype.kind == "f" and not raw:
                        ok = ~np.isnan(values) if ok is None else ok & ~np.isnan(values)
                    data[position] = values if values.dtype == dtype else cast(values, dtype)
                if ok is not None:
                    if valid is None:
                        valid = np.ones(shape, dtype=np.bool_)
                    if ok is not known:
                        valid[position] = ok
        return data, valid

    def _requests(self, read: Read, *, raw: bool) -> Iterable[Request]:
        for file, positions in read.files.items():
            sources = [read.sources[k] for k in positions]
            masks = tuple("none" if raw else source.layout.mask for source in sources)
            numbers = tuple(source.band for source in sources)
            yield Request(file, numbers, read.level.level, read.window, masks, self._extent(read))

    def _extent(self, read: Read) -> Window | None:
        """Return what all reads of the array take of a level; it decides what is kept, never a pixel."""
        if self._around is None or read.extent is None or read.shift is None:
            return read.extent
        extent = self._around.shift(*read.shift).intersect(read.extent)
        slots = len(self._plan.layers)
        if extent is None or is_worth_keeping(extent, read.sources[0].layout, slots):
            return read.extent
        return extent

    def _seen(self, read: Read) -> NDArray[np.bool_]:
        """Return where the alpha band lets the pixels of a read be seen."""
        assert read.veil is not None
        if read.veil_pair is not None:
            shown = np.zeros((1, *read.window.shape), dtype=np.uint8)
            self._look_through(read, read.window, shown, np.zeros(shown.shape, dtype=np.bool_))
            return np.asarray(shown[0] != 0)
        values, own = self._stored(read, [read.veil], raw=False)
        seen: NDArray[np.bool_] = values[0] != 0
        if own is not None:
            seen &= own[0]
        known = has_data(values[0], read.veil.layout.nodata)
        if known is not None:
            seen &= known
        return seen

    def _look_through(
        self, read: Read, window: Window, shown: NDArray[np.uint8], ok: NDArray[np.bool_]
    ) -> None:
        """Fill ``shown`` with 1 where an alpha band on another grid lets any part of a pixel be seen."""
        part = self._plan.veil_part(read, window)
        if part is None:
            return
        if self._too_large(part, window):
            for half in halves(window):
                inner = (slice(None), *half.shift(-window.y, -window.x).slices)
                self._look_through(read, half, shown[inner], ok[inner])
            return
        values, valid = self.layers(part)[:2]
        seen = values != 0 if valid is None else (values != 0) & valid
        place(part, seen.astype(np.uint8), None, window, shown, ok)

    def stored(self, read: Read, positions: Sequence[int], out: NDArray[Any] | None = None) -> Pixels:
        """Return stored values of sources that share a file, and the file's own mask.

        Nodata is not looked at. ``out`` is filled and returned where the reader can.
        """
        return self._stored(read, [read.sources[k] for k in positions], raw=False, out=out)

    def _stored(
        self, read: Read, sources: Sequence[RasterSource], *, raw: bool, out: NDArray[Any] | None = None
    ) -> Pixels:
        masks = tuple("none" if raw else source.layout.mask for source in sources)
        numbers = tuple(source.band for source in sources)
        try:
            return self._reader.read(
                sources[0].file,
                numbers,
                read.level.level,
                read.window,
                masks=masks,
                out=out,
                extent=self._extent(read),
            )
        except RasterError as error:
            return self._failed(error, read, sources)

    def _failed(self, error: RasterError, read: Read, sources: Sequence[RasterSource]) -> Pixels:
        failure = Failure.of(error, read, sources, self._names(read, sources))
        if self._errors != "mask":
            raise failure.raised(error) from error
        self._log.add(failure)
        shape = (len(sources), read.window.height, read.window.width)
        return np.zeros(shape, dtype=sources[0].layout.dtype), np.zeros(shape, dtype=np.bool_)

    def _names(self, read: Read, sources: Sequence[RasterSource]) -> list[str]:
        """Names of the bands that sources serve."""
        names = [self._plan.bands[band].name for band in read.bands]
        served = {id(source): name for source, name in zip(read.sources, names, strict=True)}
        alpha = self._plan.masks.alpha
        veil = "" if alpha is None else self._plan.bands[alpha].name
        return [served.get(id(source), veil) for source in sources]

    def _too_large(self, read: Read, window: Window) -> bool:
        itemsize = np.dtype(self._plan.bands[read.bands[0]].dtype).itemsize
        size = read.window.size * itemsize * len(read.bands)
        return size > LARGE_BYTES and read.shift is None and max(window.shape) > SMALLEST


def _at_hand(shape: tuple[int, int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return an array, a small one in memory that the thread used before."""
    size = math.prod(shape) * dtype.itemsize
    if size > SMALL_BYTES:
        return np.empty(shape, dtype=dtype)
    return scratch(size, "pixels").view(dtype).reshape(shape)


def is_run(places: Sequence[int]) -> bool:
    """Whether numbers follow each other."""
    return list(places) == list(range(places[0], places[0] + len(places)))


def halves(window: Window) -> tuple[Window, Window]:
    """Cut a window in two across its longer side."""
    if window.height >= window.width:
        half = window.height // 2
        return (
            Window(window.y, window.x, half, window.width),
            Window(window.y + half, window.x, window.height - half, window.width),
        )
    half = window.width // 2
    return (
        Window(window.y, window.x, window.height, half),
        Window(window.y, window.x + half, window.height, window.width - half),
    )


def has_data(
    pixels: NDArray[Any], nodata: float | None, out: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_] | None:
    """Return where a band has data by its nodata value; NaN never is data. None: everywhere.

    ``out`` is filled and returned for integers.
    """
    valid: NDArray[np.bool_] | None = None
    if pixels.dtype.kind == "f":
        nan = np.isnan(pixels)
        if nan.any():
            valid = ~nan
    value = nodata_in(pixels.dtype, nodata)
    if value is None:
        return valid
    different: NDArray[np.bool_]
    if pixels.dtype.kind == "f" and np.isfinite(value):
        # GDAL's rule (ARE_REAL_EQUAL): headers give floats with few digits.
        with np.errstate(invalid="ignore", over="ignore"):
            different = ~(np.abs(pixels - value) <= abs(value) * _CLOSE)
    else:
        different = np.not_equal(pixels, value, out=out if pixels.dtype.kind in "iu" else None)
    return different if valid is None else valid & different
