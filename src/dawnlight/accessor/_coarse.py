"""A coarser version of an array, for pictures and maps, that reads no more than it needs."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr

from dawnlight.accessor._bands import bands_of
from dawnlight.accessor._georeference import geobox_of
from dawnlight.errors import CRSError, GridError

__all__ = ["coarsen"]


def coarsen(array: xr.DataArray, dims: tuple[Hashable, Hashable], side: int) -> xr.DataArray:
    """Return an array of at most so many pixels a side; nothing is computed.

    What was loaded and not calculated with is read anew on a coarser grid, from the overviews of its files.
    Of anything else, every n-th pixel is taken before it is computed.
    """
    longest = max(array.sizes[dim] for dim in dims)
    if longest <= side:
        return array
    found = _from_overviews(array, dims, longest / side)
    if found is not None:
        return found
    step = math.ceil(longest / side)
    return array.isel({dim: slice(min(step // 2, array.sizes[dim] - 1), None, step) for dim in dims})


def _from_overviews(
    array: xr.DataArray, dims: tuple[Hashable, Hashable], factor: float
) -> xr.DataArray | None:
    if array.chunks is None:
        return None
    from dawnlight.raster._dask_source import find_source, layer_ids, read_on

    lazy = find_source(array.data)
    if lazy is None or "id" not in array.coords or "band" not in array.coords:
        return None
    known = {ids: number for number, ids in enumerate(layer_ids(lazy))}
    wanted = [str(value) for value in np.atleast_1d(array.coords["id"].values)]
    if any(ids not in known for ids in wanted):
        return None
    try:
        geobox = geobox_of(array)
    except (CRSError, GridError):
        return None
    if not geobox.is_north_up:
        return None
    ny, nx = (max(round(size / factor), 1) for size in geobox.shape)
    coarse = geobox.zoom_to((ny, nx))
    names = list(bands_of(array))
    values = read_on(lazy, coarse, [known[ids] for ids in wanted], names)
    if values is None:
        return None
    slots = [dim for dim in array.dims if dim not in (*dims, "band")]
    order: list[Any] = [*(slots or [None]), "band", *dims]
    data = values
    kept: list[Any] = list(order)
    for axis in (1, 0):
        if order[axis] is None or order[axis] not in array.dims:
            data = data[(slice(None),) * axis + (0,)]
            kept.pop(axis)
    coords = {name: value for name, value in array.coords.items() if not {*dims} & {*value.dims}}
    placed = xr.DataArray(data, dims=kept, coords={**coords, dims[0]: coarse.y, dims[1]: coarse.x})
    placed = placed.transpose(*array.dims)
    placed.attrs, placed.encoding, placed.name = dict(array.attrs), dict(array.encoding), array.name
    return placed
