"""The array behind a stack: it has a shape and a type, and reads pixels when a part of it is taken."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import Window
from dawnlight.raster._dtypes import cast, masked_dtype
from dawnlight.raster._failures import FailureLog
from dawnlight.raster._fetch import Fetcher
from dawnlight.raster._keys import normalize_key
from dawnlight.raster._paint import missing_pixels, paint
from dawnlight.raster._plan import ReadPlan
from dawnlight.raster._reader import RasterReader
from dawnlight.raster._remote_next import is_announced, take_back
from dawnlight.raster._scaling import apply_scale
from dawnlight.raster._solo import read_solo

__all__ = ["LazyRaster", "Output"]

Scale = tuple[float, float, float, float] | None


class Output:
    """How painted pixels become the values that the user gets.

    Parameters
    ----------
    dtype
        NumPy type of the values before masking.
    scales
        One entry a band: None, or (in_min, in_max, out_min, out_max).
    masked
        Whether missing pixels become NaN; integers are then widened without loss.
    fill
        One value a band for missing pixels when they are not masked.
    keep
        Numbers of the bands that the result has, in order; None keeps all.
    """

    def __init__(
        self,
        *,
        dtype: str,
        scales: Sequence[Scale],
        masked: bool,
        fill: Sequence[float],
        keep: Sequence[int] | None = None,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.scales = tuple(scales)
        self.masked = masked
        self.fill = tuple(float(value) for value in fill)
        self.keep = tuple(keep) if keep is not None else tuple(range(len(self.scales)))

    @property
    def result_dtype(self) -> np.dtype[Any]:
        """Type of the array that the user gets."""
        return masked_dtype(self.dtype) if self.masked else self.dtype

    def token(self) -> tuple[object, ...]:
        """Everything that decides a value."""
        return self.dtype.name, self.scales, self.masked, self.fill, self.keep


class LazyRaster:
    """An array-like (layer, band, y, x) whose parts are read on demand.

    It supports ``shape``, ``dtype``, ``ndim`` and indexing by integers and slices, which is what
    `dask.array.from_array` needs; a slice taken before arithmetic reaches ``__getitem__`` and so the files.

    Parameters
    ----------
    plan
        What to read.
    output
        What to make of it.
    reader
        Who reads.
    errors
        ``"raise"``: a failed read is an error that names image, bands, file and window. ``"mask"``: its
        pixels are missing and the failure is noted in ``log``.
    log
        Where tolerated failures go.
    """

    def __init__(
        self,
        plan: ReadPlan,
        output: Output,
        reader: RasterReader,
        *,
        errors: str = "raise",
        log: FailureLog | None = None,
    ) -> None:
        self.plan = plan
        self.output = output
        # A nodata value may be one that the band's type does not have.
        self.fill = tuple(
            float(cast(np.array([value]), band.dtype)[0])
            for value, band in zip(output.fill, plan.bands, strict=True)
        )
        self.reader = reader
        self.errors = errors
        self.log = log if log is not None else FailureLog()
        self.sizes: tuple[tuple[int, ...], ...] | None = None  # its chunks in a dask array, for `explain`

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Layers, bands, rows and columns."""
        layers, _, ny, nx = self.plan.shape
        return layers, len(self.output.keep), ny, nx

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.output.result_dtype

    @property
    def ndim(self) -> int:
        """Always four."""
        return 4

    def __dask_tokenize__(self) -> tuple[object, ...]:
        # What a tolerant array gives depends on what fails, and each notes its own failures.
        log = self.log.token if self.errors == "mask" else None
        return "dawnlight.LazyRaster", self.plan.token(), self.output.token(), log

    def __repr__(self) -> str:
        return f"LazyRaster(shape={self.shape}, dtype={self.dtype.name!r})"

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part; every axis takes an integer or a slice with any step."""
        parts = normalize_key(key, self.shape)
        layers, bands, rows, cols = (part.indices for part in parts)
        out = np.empty((len(layers), len(bands), rows.span, cols.span), dtype=self.dtype)
        if out.size:
            window = Window(rows.start, cols.start, rows.span, cols.span)
            with self._fetching(key, several=len(layers) > 1):
                for position, layer in enumerate(layers):
                    self.read_into(out[position], layer, tuple(bands), window)
        out = out[:, :, rows.inner, cols.inner]
        return out[tuple(0 if part.is_int else slice(None) for part in parts)]

    @property
    def is_remote(self) -> bool:
        """Whether its files are on servers."""
        return self.plan.table.is_remote

    def part(self, key: Any) -> Hashable:
        """Name what a key takes of this array, in this process."""
        layers, bands, rows, cols = (part.indices for part in normalize_key(key, self.shape))
        return id(self), tuple(layers), tuple(bands), (rows.start, rows.span, cols.start, cols.span)

    def ahead(self, key: Any) -> AbstractContextManager[object]:
        """Fetch what the thread is going to read by a key of remote files, until the context ends."""
        layers, bands, rows, cols = (part.indices for part in normalize_key(key, self.shape))
        wanted = tuple(self.output.keep[band] for band in bands)
        window = Window(rows.start, cols.start, rows.span, cols.span)
        fetcher = Fetcher(self.plan, self.reader, self.errors, self.log, self._around(window))
        return fetcher.ahead_of(layers, wanted, window)

    @contextmanager
    def _fetching(self, key: Any, *, several: bool) -> Iterator[None]:
        """Hold what was fetched of remote files before the task began; fetch several layers together."""
        if not self.is_remote:
            yield
            return
        part = self.part(key)
        with self.ahead(key) if several or is_announced(part) else nullcontext():
            take_back(part)
            yield

    def read_into(self, out: NDArray[Any], layer: int, bands: tuple[int, ...], window: Window) -> None:
        """Fill ``out`` (band, height, width) with some bands of a window of one layer."""
        plan = self.plan
        wanted = tuple(self.output.keep[band] for band in bands)
        fetcher = Fetcher(plan, self.reader, self.errors, self.log, self._around(window))
        if self._is_plain(wanted) and read_solo(plan, fetcher, self.fill, out, layer, wanted, window):
            self._cut(out, wanted, window)
            return
        alpha = plan.masks.alpha
        needed = wanted if alpha is None or alpha in wanted else (*wanted, alpha)
        place = out if needed == wanted and self._comes_as_is(wanted) else None
        data, valid = paint(plan, fetcher, self.fill, layer, needed, window, place)
        missing = missing_pixels(plan, needed, data, valid)
        for position, band in enumerate(wanted):
            hidden = None if missing is None else missing[position]
            self._finish(out[position], data[position], hidden, band)
        self._cut(out, wanted, window)

    def _around(self, window: Window) -> Window | None:
        """Return what the tasks beside this one may read, where chunks were cut; None if it is everything.

        A window that does not end where a chunk ends was cut out of it, so nobody reads on from there.
        """
        if self.sizes is None:
            return None
        ny, nx = self.plan.geobox.shape
        rows, columns = (set(itertools.accumulate(sizes, initial=0)) for sizes in self.sizes[-2:])
        top, left = (0 if window.y in rows else window.y), (0 if window.x in columns else window.x)
        bottom = ny if window.stop_y in rows else window.stop_y
        right = nx if window.stop_x in columns else window.stop_x
        around = Window(top, left, bottom - top, right - left)
        return None if around.shape == (ny, nx) else around

    def _is_plain(self, bands: tuple[int, ...]) -> bool:
        """Whether values come through as they are: no alpha, no scale, no other type."""
        output = self.output
        if self.plan.masks.alpha is not None or output.masked != self.plan.masks.nodata:
            return False
        for band in bands:
            own = np.dtype(self.plan.bands[band].dtype)
            wide = masked_dtype(own) if output.masked else own
            if (
                output.scales[band] is not None
                or not np.can_cast(own, output.dtype)
                or wide.kind != self.dtype.kind
            ):
                return False
        return True

    def _comes_as_is(self, bands: tuple[int, ...]) -> bool:
        """Whether the values of bands are the result: nothing is scaled, widened or masked."""
        own = (np.dtype(self.plan.bands[band].dtype) for band in bands)
        return all(dtype == self.dtype for dtype in own) and not any(
            self.output.scales[band] is not None for band in bands
        )

    def _cut(self, out: NDArray[Any], bands: tuple[int, ...], window: Window) -> None:
        """Take away what lies outside the cutline."""
        if self.plan.cutline is None:
            return
        outside = ~self.plan.cutline.inside(window)
        if outside.any():
            for position, band in enumerate(bands):
                out[position][outside] = np.nan if self.output.masked else self._empty(band)

    def _empty(self, band: int) -> Any:
        """Value of a pixel that no image has, as it comes out where nothing is masked."""
        value = np.empty(1, dtype=self.dtype)
        self._finish(value, np.array([self.fill[band]], dtype=self.plan.bands[band].dtype), None, band)
        return value[0]

    def _finish(
        self, out: NDArray[Any], data: NDArray[Any], missing: NDArray[np.bool_] | None, band: int
    ) -> None:
        """Scale, change type, and mask."""
        scale = self.output.scales[band]
        if scale is not None:
            values = apply_scale(data, scale, self.output.dtype)
        elif data.dtype == self.output.dtype or np.can_cast(data.dtype, self.output.dtype):
            values = data
        else:
            values = cast(data, self.output.dtype)
        if not np.may_share_memory(values, out):  # else they were painted in place
            out[...] = values
        if missing is not None and self.output.masked:
            out[missing] = np.nan
