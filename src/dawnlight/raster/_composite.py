"""Composites without a stack: each chunk reads its time slots, hides, reduces, and keeps only the result.

The same values as reducing the stack, in one task a chunk: pixels stay in their own type, a slot's class
bands are gone once they have hidden what they hide, and no copy is widened to floats before the reduction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import Window
from dawnlight.raster._dtypes import masked_dtype
from dawnlight.raster._failures import FailureLog
from dawnlight.raster._fetch import Fetcher
from dawnlight.raster._keys import normalize_key
from dawnlight.raster._mask_rules import BandRule, dilate
from dawnlight.raster._paint import paint
from dawnlight.raster._plan import ReadPlan
from dawnlight.raster._reader import RasterReader
from dawnlight.raster._solo import read_native

__all__ = ["COMPOSITE_METHODS", "LazyComposite"]

COMPOSITE_METHODS = ("median", "mean", "min", "max", "first", "last", "count", "percentile")
"""Ways to reduce the time slots."""

Rules = Sequence[tuple[int, BandRule]]


class LazyComposite:
    """An array-like (band, y, x) of which any part is reduced on demand.

    Parameters
    ----------
    plan
        What to read: the bands to reduce first, then those that only hide pixels.
    fill
        Value of pixels that no image has, for each band of the plan.
    reader
        Who reads.
    count
        Number of bands to reduce.
    method
        One of `COMPOSITE_METHODS`.
    share
        For percentiles: from 0 to 1.
    rules
        Band of the plan and what of it hides a pixel.
    dilation
        Hide also what lies within so many pixels.
    dtype
        Common type of the reduced bands.
    errors, log
        As for `dawnlight.raster.LazyRaster`.
    """

    def __init__(
        self,
        plan: ReadPlan,
        fill: Sequence[float],
        reader: RasterReader,
        *,
        count: int,
        method: str,
        share: float,
        rules: Rules,
        dilation: int,
        dtype: np.dtype[Any],
        errors: str,
        log: FailureLog,
    ) -> None:
        self.plan = plan
        self.fill = tuple(fill)
        self.reader = reader
        self.count = count
        self.method = method
        self.share = share
        self.rules = tuple(rules)
        self.dilation = dilation
        self.dtype = np.dtype(np.int64) if method == "count" else masked_dtype(dtype)
        self.errors = errors
        self.log = log
        self.sizes: tuple[tuple[int, ...], ...] | None = None  # its chunks in a dask array, for `explain`

    @property
    def shape(self) -> tuple[int, int, int]:
        """Bands, rows and columns."""
        return self.count, *self.plan.geobox.shape

    @property
    def ndim(self) -> int:
        """Always three."""
        return 3

    def __dask_tokenize__(self) -> tuple[object, ...]:
        return (
            "dawnlight.LazyComposite",
            self.plan.token(),
            (self.fill, self.count, self.method, self.share, self.rules, self.dilation, self.dtype.name),
            self.log.token if self.errors == "mask" else None,
        )

    def __repr__(self) -> str:
        return f"LazyComposite(shape={self.shape}, method={self.method!r})"

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Reduce a part; every axis takes an integer or a slice with any step."""
        parts = normalize_key(key, self.shape)
        bands, rows, cols = (part.indices for part in parts)
        out = np.empty((len(bands), rows.span, cols.span), dtype=self.dtype)
        if out.size:
            self._reduce(out, tuple(bands), Window(rows.start, cols.start, rows.span, cols.span))
        out = out[:, rows.inner, cols.inner]
        return out[tuple(0 if part.is_int else slice(None) for part in parts)]

    def _reduce(self, out: NDArray[Any], bands: tuple[int, ...], window: Window) -> None:
        from dawnlight.raster._kernels_reduce import METHODS, reduce_slots

        plan = self.plan
        fetcher = Fetcher(plan, self.reader, self.errors, self.log)
        depth = len(plan.layers)
        needed = {*bands, *(band for band, _ in self.rules), plan.masks.alpha}
        slots = [np.empty((depth, *window.shape), dtype=plan.bands[band].dtype) for band in bands]
        ok = [np.zeros((depth, *window.shape), dtype=np.bool_) for _ in bands]
        every = range(plan.shape[1])
        with fetcher.ahead_of(range(depth), tuple(band for band in every if band in needed), window):
            for layer in range(depth):
                here = [part[layer] for part in slots], [part[layer] for part in ok]
                self._slot(fetcher, layer, bands, window, *here)
        outside = None if plan.cutline is None else ~plan.cutline.inside(window)
        for position in range(len(bands)):
            if outside is not None:
                ok[position][:, outside] = False
            reduce_slots(slots[position], ok[position], METHODS[self.method], self.share, out[position])

    def _slot(
        self,
        fetcher: Fetcher,
        layer: int,
        bands: tuple[int, ...],
        window: Window,
        slots: list[NDArray[Any]],
        ok: list[NDArray[np.bool_]],
    ) -> None:
        """Fill the values of one time slot and which of them count."""
        alpha = () if self.plan.masks.alpha is None else (self.plan.masks.alpha,)
        hiding = tuple(dict.fromkeys((*(band for band, _ in self.rules), *alpha)))
        wide = window.pad(self.dilation).clip(self.plan.geobox.shape) if self.rules else window
        if wide == window:
            wanted = tuple(dict.fromkeys((*bands, *hiding)))
            data, valid = self._read(fetcher, layer, wanted, window)
            hidden = dilate(self._hidden(wanted, data, valid, window), self.dilation if self.rules else 0)
        else:
            hidden = self._hidden(hiding, *self._read(fetcher, layer, hiding, wide), wide)
            hidden = dilate(hidden, self.dilation)[window.shift(-wide.y, -wide.x).slices]
            wanted = tuple(dict.fromkeys((*bands, *alpha)))
            data, valid = self._read(fetcher, layer, wanted, window)
        for position, band in enumerate(bands):
            k = wanted.index(band)
            slots[position][...] = data[k]
            np.logical_and(valid[k], ~hidden, out=ok[position])

    def _read(
        self, fetcher: Fetcher, layer: int, bands: tuple[int, ...], window: Window
    ) -> tuple[list[NDArray[Any]], list[NDArray[np.bool_]]]:
        found = None
        if self.plan.masks.alpha is None:
            found = read_native(self.plan, fetcher, self.fill, layer, bands, window)
        return found or paint(self.plan, fetcher, self.fill, layer, bands, window)

    def _hidden(
        self,
        bands: tuple[int, ...],
        data: list[NDArray[Any]],
        valid: list[NDArray[np.bool_]],
        window: Window,
    ) -> NDArray[np.bool_]:
        """Where the alpha band or a rule hides, or a class that a rule looks at is missing."""
        hidden = np.zeros(window.shape, dtype=np.bool_)
        if self.plan.masks.alpha is not None:
            k = bands.index(self.plan.masks.alpha)
            hidden |= ~valid[k] | (data[k] == 0)
        for band, rule in self.rules:
            k = bands.index(band)
            hidden |= rule.hidden(data[k]) | ~valid[k]
        if self.rules and self.plan.cutline is not None:
            hidden |= ~self.plan.cutline.inside(window)
        return hidden
