"""The time slots of a composite: filled from files without detours, and what of them does not count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import Window
from dawnlight.raster._dtypes import cast, nodata_in
from dawnlight.raster._fetch import Fetcher, has_data
from dawnlight.raster._kernels_reduce import Slots
from dawnlight.raster._plan import Read, ReadPlan
from dawnlight.raster._solo import lone_reads

__all__ = ["Found", "SlotBuffer", "read_slot"]


class Found(NamedTuple):
    """One band of one time slot."""

    values: NDArray[Any]
    """(rows, columns)"""
    mark: Any = None
    """The value among them that marks missing pixels, or None."""
    valid: NDArray[np.bool_] | None = None
    """(rows, columns): which pixels are there; None: all but those with the mark."""

    def missing(self) -> NDArray[np.bool_]:
        """Where there is no pixel."""
        lost = np.zeros(self.values.shape, dtype=np.bool_) if self.valid is None else ~self.valid
        if self.mark is not None:
            lost |= self.values == self.mark
        return lost


class SlotBuffer:
    """All time slots of some bands in a window.

    Parameters
    ----------
    dtypes
        Type of each band.
    depth
        Number of slots.
    shape
        Rows and columns.
    hidden
        (slot, row, column): pixels that are known to count in no band; None: none are.
    """

    def __init__(
        self,
        dtypes: Sequence[str],
        depth: int,
        shape: tuple[int, int],
        hidden: NDArray[np.bool_] | None = None,
    ) -> None:
        self._values = [np.empty((depth, *shape), dtype=dtype) for dtype in dtypes]
        self._marks = [np.zeros(depth, dtype=dtype) for dtype in dtypes]
        self._marked = [np.zeros(depth, dtype=np.bool_) for _ in dtypes]
        self._lost: list[NDArray[np.bool_] | None] = [None for _ in dtypes]
        self.hidden = hidden

    def places(self, layer: int) -> list[NDArray[Any]]:
        """Where the bands of a slot go."""
        return [values[layer] for values in self._values]

    def put(self, position: int, layer: int, found: Found) -> None:
        """Take over a band of a slot; values that are in their place already are not copied."""
        place = self._values[position][layer]
        if found.values is not place:
            place[...] = found.values
        if found.mark is not None:
            self._marks[position][layer] = found.mark
            self._marked[position][layer] = True
        if found.valid is not None:
            lost = self._lost[position]
            if lost is None:
                lost = self._lost[position] = np.zeros(self._values[position].shape, dtype=np.bool_)
            np.logical_not(found.valid, out=lost[layer])

    def hide(self, layer: int, hidden: NDArray[np.bool_]) -> None:
        """Let pixels of a slot count in no band."""
        if self.hidden is None:
            self.hidden = np.zeros(self._values[0].shape, dtype=np.bool_)
        self.hidden[layer] |= hidden

    def band(self, position: int) -> Slots:
        """Return a band, ready to be reduced."""
        return Slots(
            self._values[position],
            self._marks[position],
            self._marked[position],
            self.hidden,
            self._lost[position],
        )


def read_slot(
    plan: ReadPlan,
    fetcher: Fetcher,
    fill: Sequence[float],
    layer: int,
    bands: tuple[int, ...],
    window: Window,
    places: Mapping[int, NDArray[Any]],
) -> dict[int, Found] | None:
    """Return bands of a slot in their own type, if no more than one image matters to the window.

    Parameters
    ----------
    plan, fetcher
        What to read, and who reads it. The plan has no alpha mask.
    fill
        Value of pixels that no image has, for each band of the plan.
    layer, bands, window
        What is wanted.
    places
        Arrays (rows, columns) that bands may be read into; a band without one gets a new array.

    Returns
    -------
    dict of band to Found, or None
        None when images may overlap here, or a kernel sees the neighbours of one.
    """
    reads = lone_reads(plan, layer, bands, window)
    if reads is None:
        return None
    found: dict[int, Found] = {}
    with fetcher.ahead(reads):
        for read in reads:
            pasted = read.shift is not None and not any(source.steps for source in read.sources)
            found |= (
                _pasted(plan, fetcher, read, window, places)
                if pasted
                else _resampled(plan, fetcher, fill, read, window)
            )
    for band in bands:
        if band not in found:
            values = np.full(window.shape, fill[band], dtype=plan.bands[band].dtype)
            found[band] = Found(values, valid=np.zeros(window.shape, dtype=np.bool_))
    return found


def _pasted(
    plan: ReadPlan, fetcher: Fetcher, read: Read, window: Window, places: Mapping[int, NDArray[Any]]
) -> dict[int, Found]:
    """Read files on the output grid, each straight to its place where it holds one band."""
    assert read.shift is not None
    top = read.window.y - read.shift[0] - window.y
    left = read.window.x - read.shift[1] - window.x
    area = np.s_[top : top + read.window.height, left : left + read.window.width]
    found = {}
    for positions in read.files.values():
        bands = [read.bands[k] for k in positions]
        place = places.get(bands[0]) if len(bands) == 1 else None
        target = None if place is None else place[area][np.newaxis]
        stored, own = fetcher.stored(read, positions, out=target)
        for row, (band, position) in enumerate(zip(bands, positions, strict=True)):
            ok = None if own is None else own[row]
            given = place if place is not None and stored is target else None
            dtype = np.dtype(plan.bands[band].dtype)
            nodata = read.sources[position].layout.nodata
            found[band] = _found(stored[row], ok, nodata, dtype, window.shape, area, given)
    return found


def _found(
    stored: NDArray[Any],
    ok: NDArray[np.bool_] | None,
    nodata: float | None,
    dtype: np.dtype[Any],
    shape: tuple[int, int],
    area: tuple[slice, slice],
    place: NDArray[Any] | None,
) -> Found:
    """Say of a band what is missing; ``place`` has its values already."""
    mark = None
    if stored.dtype == dtype and dtype.kind != "f":
        mark = nodata_in(dtype, nodata)
    else:
        known = has_data(stored, nodata)
        if known is not None:
            ok = known if ok is None else ok & known
    values = stored if stored.dtype == dtype else cast(stored, dtype)
    if stored.shape == shape:
        return Found(values if place is None else place, mark, ok)
    valid = np.zeros(shape, dtype=np.bool_)
    valid[area] = True if ok is None else ok
    if place is None:
        place = np.zeros(shape, dtype=dtype)
        place[area] = values
    return Found(place, mark, valid)


def _resampled(
    plan: ReadPlan, fetcher: Fetcher, fill: Sequence[float], read: Read, window: Window
) -> dict[int, Found]:
    fresh = np.empty((len(read.bands), *window.shape), dtype=plan.bands[read.bands[0]].dtype)
    ok = np.zeros(fresh.shape, dtype=np.bool_)
    for part, band in zip(fresh, read.bands, strict=True):
        part[...] = np.asarray(fill[band]).astype(fresh.dtype)
    fetcher.fill(read, window, fresh, ok)
    return {band: Found(fresh[row], valid=ok[row]) for row, band in enumerate(read.bands)}
