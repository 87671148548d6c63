"""Composites of what was only loaded: read and reduced in one task a chunk, with the same values."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from dawnlight.accessor._bands import bands_of
from dawnlight.accessor._georeference import geobox_of, spatial_dims
from dawnlight.errors import CRSError, GridError
from dawnlight.geo import GeoBox, Window

__all__ = ["reduce_source", "window_in"]


def reduce_source(
    array: xr.DataArray, chosen: xr.DataArray, method: str, share: float, mask: Any, dilation: int
) -> xr.DataArray | None:
    """Return a composite over time that reads what it needs itself; None where only the array can be reduced.

    Parameters
    ----------
    array
        All bands, those that the mask looks at included.
    chosen
        The bands to reduce.
    method, share, mask, dilation
        Checked; a mask that is a function has to see the array.
    """
    if array.chunks is None or callable(mask) or "id" not in array.coords:
        return None
    if set(map(str, array.dims)) - {"band"} != {"time", *map(str, spatial_dims(array))}:
        return None
    from dawnlight.raster._dask_source import composite_of, find_source, layer_ids
    from dawnlight.raster._mask_rules import resolve_mask_rule

    lazy = find_source(array.data)
    names = (
        [str(name) for name in np.atleast_1d(chosen.coords["band"].values)] if "band" in chosen.coords else []
    )
    if lazy is None or not names:
        return None
    known = {ids: number for number, ids in enumerate(layer_ids(lazy))}
    wanted = [str(value) for value in array.coords["id"].values]
    window = window_in(array, lazy.plan.geobox)
    if window is None or any(ids not in known for ids in wanted):
        return None
    if dilation and window.shape != lazy.plan.geobox.shape:
        return None  # what lies beyond a slice must not reach into it: the array does not show it
    labels = {name: info.class_labels for name, info in bands_of(array).items()}
    values = composite_of(
        lazy,
        [known[ids] for ids in wanted],
        names,
        window,
        method=method,
        share=share,
        rules=[] if mask is None else resolve_mask_rule(mask, labels),
        dilation=dilation,
    )
    if values is None:
        return None
    first = chosen.isel(time=0, drop=True)
    ordered = first.transpose("band", *spatial_dims(array)) if "band" in first.dims else first
    data = values if "band" in first.dims else values[0]
    found = ordered.copy(data=data)
    found.encoding = dict(chosen.encoding)
    return found.transpose(*first.dims)


def window_in(array: xr.DataArray, whole: GeoBox) -> Window | None:
    """Find where an array lies in the grid it was sliced from; None if it was turned or thinned out."""
    try:
        own = geobox_of(array)
    except (CRSError, GridError):
        return None
    step, full = own.transform, whole.transform
    if own.crs != whole.crs or (step.a, step.e) != (full.a, full.e) or not own.is_axis_aligned:
        return None
    x, y = (step.c - full.c) / full.a, (step.f - full.f) / full.e
    window = Window(round(y), round(x), *own.shape)
    if abs(x - window.x) > 1e-3 or abs(y - window.y) > 1e-3:
        return None
    return window if Window(0, 0, *whole.shape).contains(window) else None
