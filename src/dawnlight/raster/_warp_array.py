"""Warping pixels in memory: the same plan and kernels as for files, with a reader that reads an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.errors import UnsupportedRasterError
from dawnlight.geo import GeoBox, Window
from dawnlight.raster._cutline import Cutline
from dawnlight.raster._dtypes import cast
from dawnlight.raster._header import FileRef
from dawnlight.raster._lazy import LazyRaster, Output
from dawnlight.raster._plan import ReadPlan, make_plan
from dawnlight.raster._reader import Pixels
from dawnlight.raster._sources import BandSpec, Layout, RasterSource
from dawnlight.raster._table import SourceTable

__all__ = ["array_table", "plan_warp", "source_window", "warp_array", "warp_block"]

_NAME = "array in memory"
_BLOCK = 1024


def array_table(source: GeoBox, bands: Sequence[BandSpec]) -> SourceTable:
    """Return the source table of an array, as if it were the only image: one file with these bands."""
    file = FileRef(href=_NAME, shape=source.shape)
    return SourceTable.from_sources(
        [
            [
                RasterSource(
                    image=_NAME,
                    file=file,
                    band=number,
                    geobox=source,
                    layout=Layout(dtype=band.dtype, nodata=band.nodata, mask="internal", overviews=()),
                )
                for number, band in enumerate(bands, start=1)
            ]
        ]
    )


def plan_warp(
    source: GeoBox, target: GeoBox, bands: Sequence[BandSpec], cutline: Cutline | None = None
) -> ReadPlan:
    """Plan the warp of an array (band, y, x) to another grid; the result has one layer.

    Parameters
    ----------
    source
        Grid of the array.
    target
        Grid to warp to.
    bands
        What the array holds; ``dtype`` is the type in which values are resampled, the same for all.
    cutline
        Keep only what lies inside.
    """
    return make_plan(array_table(source, bands), layers=[[0]], bands=bands, geobox=target, cutline=cutline)


def source_window(plan: ReadPlan, window: Window) -> Window | None:
    """Return the pixels of the source that a window of the output needs; None where it needs none."""
    if plan.cutline is not None and not plan.cutline.touches(window):
        return None
    found = [read.window for _, reads in plan.reads(0, range(len(plan.bands)), window) for read in reads]
    if not found:
        return None
    y, x = min(each.y for each in found), min(each.x for each in found)
    stop_y, stop_x = max(each.stop_y for each in found), max(each.stop_x for each in found)
    return Window(y, x, stop_y - y, stop_x - x)


def warp_block(
    plan: ReadPlan, window: Window, region: Window | None, values: NDArray[Any], first: int = 0
) -> NDArray[Any]:
    """Return a window of the output.

    Parameters
    ----------
    plan
        From `plan_warp`.
    window
        Rows and columns of the whole output.
    region
        Where ``values`` are in the source, at least `source_window`; None: nothing is needed.
    values
        (..., band, y, x): floats with NaN where missing.
    first
        Number of the first band of ``values`` in the plan.

    Returns
    -------
    numpy.ndarray, (..., band, height, width)
        Of the type of ``values``, NaN where missing.
    """
    *lead, count = values.shape[:-2]
    out = np.full((*lead, count, *window.shape), np.nan, dtype=values.dtype)
    if region is None or out.size == 0:
        return out
    dtype = plan.bands[0].dtype
    output = Output(dtype=dtype, scales=[None] * len(plan.bands), masked=True, fill=[0.0] * len(plan.bands))
    bands = tuple(range(first, first + count))
    for place in np.ndindex(*lead):
        reader = _ArrayReader(values[place], np.dtype(dtype), region, first)
        lazy = LazyRaster(plan, output, reader)
        if lazy.dtype == out.dtype:
            lazy.read_into(out[place], 0, bands, window)
        else:
            found = np.empty(out[place].shape, dtype=lazy.dtype)
            lazy.read_into(found, 0, bands, window)
            out[place] = found
    return out


def warp_array(plan: ReadPlan, values: NDArray[Any]) -> NDArray[Any]:
    """Return the whole output for an array (..., band, y, x) in memory, block by block."""
    ny, nx = plan.geobox.shape
    out = np.empty((*values.shape[:-2], ny, nx), dtype=values.dtype)
    for y in range(0, ny, _BLOCK):
        for x in range(0, nx, _BLOCK):
            window = Window(y, x, min(_BLOCK, ny - y), min(_BLOCK, nx - x))
            region = source_window(plan, window)
            part = values if region is None else values[(..., *region.slices)]
            out[(..., *window.slices)] = warp_block(plan, window, region, part)
    return out


class _ArrayReader:
    """Serves windows of an array; its values are floats, NaN where missing, and integers where so planned."""

    def __init__(self, values: NDArray[Any], dtype: np.dtype[Any], region: Window, first: int) -> None:
        self._values = values
        self._dtype = dtype
        self._region = region
        self._first = first

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
        """Return a window; see `RasterReader.read`."""
        if level != 0 or not self._region.contains(window):
            raise UnsupportedRasterError(f"{window} at level {level} is not in {self._region}")
        inner = window.shift(-self._region.y, -self._region.x)
        data = self._values[([band - 1 - self._first for band in bands], *inner.slices)]
        valid = ~np.isnan(data)
        if data.dtype != self._dtype:
            data = cast(np.where(valid, data, 0), self._dtype)
        return data, valid
