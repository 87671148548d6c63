"""Composites without a stack: each chunk reads its time slots, hides, reduces, and keeps only the result.

The same values as reducing the stack, in one task a chunk: pixels stay in their own type, a slot's class
bands are gone once they have hidden what they hide, and no copy is widened to floats before the reduction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from dawnlight.raster._slots import Found, SlotBuffer

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
            self.read_into(out, tuple(bands), Window(rows.start, cols.start, rows.span, cols.span))
        out = out[:, rows.inner, cols.inner]
        return out[tuple(0 if part.is_int else slice(None) for part in parts)]

    def read_into(self, out: NDArray[Any], bands: tuple[int, ...], window: Window) -> None:
        """Fill ``out`` (band, height, width) with some bands of a window."""
        from dawnlight.raster._kernels_reduce import reduce_band
        from dawnlight.raster._slots import SlotBuffer

        plan = self.plan
        fetcher = Fetcher(plan, self.reader, self.errors, self.log)
        depth = len(plan.layers)
        needed = {*bands, *(band for band, _ in self.rules), plan.masks.alpha}
        every = range(plan.shape[1])
        hidden: NDArray[np.bool_] | None = None
        with fetcher.ahead_of(range(depth), tuple(band for band in every if band in needed), window):
            for number, group in enumerate(self.groups(bands)):
                slots = SlotBuffer([plan.bands[band].dtype for band in group], depth, window.shape, hidden)
                for layer in range(depth):
                    self._slot(fetcher, slots, layer, group, window, hide=not number)
                if not number and plan.cutline is not None:
                    outside = ~plan.cutline.inside(window)
                    for layer in range(depth if outside.any() else 0):
                        slots.hide(layer, outside)
                hidden = slots.hidden
                for position, band in enumerate(group):
                    place = out[bands.index(band)]
                    reduce_band(slots.band(position), self.method, self.share, place)

    def groups(self, bands: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Return which bands are held at a time: one after another where each has files of its own.

        Bands of a file share its tiles. What hides pixels is the same for all, and found with the first.
        """
        table, alpha = self.plan.table, self.plan.masks.alpha
        files = table.file_of[:, [*bands, *(band for band, _ in self.rules)]]
        parts = np.sort(files, axis=1)
        shared = ((parts[:, 1:] == parts[:, :-1]) & (parts[:, 1:] >= 0)).any()
        if alpha is not None or shared or len(set(bands)) < len(bands) or self.plan.table.is_remote:
            return [bands]
        return [(band,) for band in bands]

    def _slot(
        self,
        fetcher: Fetcher,
        slots: SlotBuffer,
        layer: int,
        bands: tuple[int, ...],
        window: Window,
        *,
        hide: bool,
    ) -> None:
        """Fill the values of one time slot and, with the first bands, say which of them count."""
        alpha = () if self.plan.masks.alpha is None else (self.plan.masks.alpha,)
        rules = self.rules if hide else ()
        hiding = tuple(dict.fromkeys((*(band for band, _ in rules), *alpha)))
        wide = window.pad(self.dilation).clip(self.plan.geobox.shape) if rules else window
        places = dict(zip(bands, slots.places(layer), strict=True))
        if wide == window:
            found = self._read(fetcher, layer, tuple(dict.fromkeys((*bands, *hiding))), window, places)
            hidden = self._hidden(found, window) if hiding else None
            hidden = dilate(hidden, self.dilation) if rules and hidden is not None else hidden
        else:
            around = self._hidden(self._read(fetcher, layer, hiding, wide, {}), wide)
            hidden = dilate(around, self.dilation)[window.shift(-wide.y, -wide.x).slices]
            found = self._read(fetcher, layer, tuple(dict.fromkeys((*bands, *alpha))), window, places)
        if hidden is not None:
            slots.hide(layer, hidden)
        for position, band in enumerate(bands):
            slots.put(position, layer, found[band])

    def _read(
        self,
        fetcher: Fetcher,
        layer: int,
        bands: tuple[int, ...],
        window: Window,
        places: Mapping[int, NDArray[Any]],
    ) -> dict[int, Found]:
        from dawnlight.raster._slots import Found, read_slot

        if self.plan.masks.alpha is None:
            found = read_slot(self.plan, fetcher, self.fill, layer, bands, window, places)
            if found is not None:
                return found
        data, valid = paint(self.plan, fetcher, self.fill, layer, bands, window)
        return {band: Found(data[k], valid=valid[k]) for k, band in enumerate(bands)}

    def _hidden(self, found: Mapping[int, Found], window: Window) -> NDArray[np.bool_]:
        """Where the alpha band or a rule hides, or a class that a rule looks at is missing."""
        hidden = np.zeros(window.shape, dtype=np.bool_)
        if self.plan.masks.alpha is not None:
            alpha = found[self.plan.masks.alpha]
            hidden |= alpha.missing() | (alpha.values == 0)
        for band, rule in self.rules:
            hidden |= rule.hidden(found[band].values) | found[band].missing()
        if self.rules and self.plan.cutline is not None:
            hidden |= ~self.plan.cutline.inside(window)
        return hidden
